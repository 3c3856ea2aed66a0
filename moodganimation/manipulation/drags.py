"""From a drag to an expression: the controls that explain it best, within their ranges.

Let s be the place of the photo that is shown at the grabbed point, c the expression before the drag
and d the vector of the drag. A change of control k by a moves the place by

    v_k(a) = M(s, c with k changed by a) - M(s, c)

where M is the generator's motion of places, `PointMotion.displacements`. With the best a in range,
k explains the fraction

    e_k = 1 - |d - v_k(a)|^2 / |d|^2

of the drag. Its score is e_k times a preference, times its influence at s (see `fields`) to the
power INFLUENCE_EXPONENT. The control of the highest score is taken. If much of the drag remains, a
second one is taken for the residual, if its influence at s is strong: a weaker one would move other
places more than this one.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..expressions.spaces import Expression
from .controls import Control, rounded_expression
from .fields import STRONG_INFLUENCE, FaceFields

TRIED_FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 1.0])  # of a control's greatest amount
INFLUENCE_EXPONENT = 1.5
MIN_INFLUENCE = 0.1  # at the place, for a control to be tried
MIN_DRAG = 2e-3  # [face coordinates] an eighth of a pixel of 128
MIN_AMOUNT = 0.02  # smaller changes are left out
# Preferences, factors of the score. Undoing an earlier rise is favored. Lowering a unit below its
# value in the photo is disfavored, and so are units that ACTION_UNITS lacks.
UNDO_WEIGHT, LOWER_WEIGHT, EXTRA_UNIT_WEIGHT = 1.5, 0.5, 0.7
MIN_CHANGE = 0.015  # above the value in the photo, for a fall of a control to count as undoing
MIN_RANGE = 0.015  # left in a direction, for a control to be tried in it
# A second control is taken if the residual is longer than this fraction of the drag. For gaze and
# head it is small, because most of their drags need two controls.
RESIDUAL_FRACTION, GAZE_AND_HEAD_RESIDUAL_FRACTION = 0.6, 0.1
MIN_COSINE = 0.7  # between the residual and the motion by the second control
MIN_PROGRESS = 0.25  # fraction of the residual that the second control must cover


@dataclass(frozen=True)
class ExpressionChange:
    """A new expression, and the amount by which each control has changed, in order of choice."""

    expression: Expression
    changes: tuple[tuple[str, float], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.changes)


@dataclass(frozen=True)
class _Move:
    """A control in the direction of a drag."""

    control: Control
    influence: float
    limit: float  # greatest amount in range; negative to lower the control
    preference: float


class _Choice(NamedTuple):
    control: Control
    amount: float
    residual: np.ndarray  # (2,) of the drag
    cosine: float  # of the angle between its motion and the drag
    progress: float  # fraction of the drag that its motion covers


class DragSolver:
    """Solves drags that begin at one place of a photo. Vectors are in face coordinates."""

    def __init__(self, fields: FaceFields, place: np.ndarray, before: np.ndarray, one_side: bool):
        """place: (2,) of the photo. before: (D,) the expression before the drag.

        one_side: whether lateral units change only on the side of the place.
        """
        self.fields, self.place, self.before = fields, np.float32(place)[None], before
        (influences,) = fields.influences_at(self.place)
        (in_group,) = fields.groups(influences[None])
        (vectors,) = fields.vectors_at(self.place)
        controls = fields.controls
        if one_side:
            # In the order of fields.controls. On its side, a control of one side moves a place as
            # the control of both sides does.
            side = "L" if fields.motion.left_weight(self.place)[0] > 0.5 else "R"
            controls = fields.controls_of_side[side]
        self.candidates = [
            (control, influence, vector)
            for control, influence, vector, included in zip(
                controls, influences, vectors, in_group, strict=True
            )
            if included and influence >= MIN_INFLUENCE
        ]

    def solve(self, drag: np.ndarray) -> list[tuple[Control, float]]:
        """Return at most two controls and their amounts for a drag (2,)."""
        if np.linalg.norm(drag) < MIN_DRAG:
            return []
        first = self._best(drag, self.before)
        if first is None:
            return []
        control, amount = chosen = first[:2]
        special = control.moves_gaze_or_head
        fraction = GAZE_AND_HEAD_RESIDUAL_FRACTION if special else RESIDUAL_FRACTION
        if np.linalg.norm(first.residual) <= fraction * np.linalg.norm(drag):
            return [chosen]
        changed = control.moved(self.before, amount, self.fields.low)[0]
        second = self._best(first.residual, changed, control)
        if second is None or second.cosine < MIN_COSINE or second.progress < MIN_PROGRESS:
            return [chosen]
        return [chosen, second[:2]]

    def _moves(self, drag: np.ndarray, current: np.ndarray, first: Control | None) -> list[_Move]:
        """Return the candidates with their limits and preferences, in the drag's direction.

        After a first control, only others of strong influence.
        """
        moves, fields = [], self.fields
        for control, influence, vector in self.candidates:
            weak = not control.moves_gaze_or_head and influence < STRONG_INFLUENCE
            if first and (control == first or weak):
                continue
            low, high = control.limits(current, fields.low)
            change = float(control.values(current) - control.values(fields.unchanged))
            weight = 1.0 if control.in_action_units else EXTRA_UNIT_WEIGHT
            if vector @ drag > 0:
                moves.append(_Move(control, influence, high, weight))
            elif control.lowered:
                moves.append(_Move(control, influence, low, weight))
            elif change > MIN_CHANGE:
                moves.append(_Move(control, influence, max(low, -change), UNDO_WEIGHT * weight))
            else:
                moves.append(_Move(control, influence, low, LOWER_WEIGHT * weight))
        return [move for move in moves if abs(move.limit) > MIN_RANGE]

    def _best(
        self, drag: np.ndarray, current: np.ndarray, first: Control | None = None
    ) -> _Choice | None:
        """Return the control of the highest score, or None if no control moves that way.

        first: the control that was chosen before, if any.
        """
        moves = self._moves(drag, current, first)
        if not moves:
            return None
        trials = [current[None]]
        trials += [
            m.control.moved(current, TRIED_FRACTIONS * m.limit, self.fields.low) for m in moves
        ]
        ends = self.fields.motion.displacements(self.place, np.concatenate(trials))[:, 0]
        curves = (ends[1:] - ends[0]).reshape(len(moves), len(TRIED_FRACTIONS), 2)
        fractions, residuals = closest_on_curves(curves, drag)
        explained = 1 - np.square(residuals).sum(1) / np.square(drag).sum()
        scores = [
            e * move.influence**INFLUENCE_EXPONENT * move.preference
            for e, move in zip(explained, moves, strict=True)
        ]
        best = int(np.argmax(scores))
        amount = float(fractions[best] * moves[best].limit)
        if abs(amount) < MIN_AMOUNT:
            return None
        motion = drag - residuals[best]
        progress = float(motion @ drag / np.square(drag).sum())
        cosine = progress * np.linalg.norm(drag) / max(1e-9, float(np.linalg.norm(motion)))
        return _Choice(moves[best].control, amount, residuals[best], cosine, progress)


def closest_on_curves(curves: np.ndarray, drag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each of N curves comes closest to `drag`, as a fraction of the amount: (N,).

    curves: (N, S, 2) motions at the TRIED_FRACTIONS of a control's greatest amount, linear between
    them and 0 at 0. Also returns the residuals of the drag, (N, 2).
    """
    begins = np.concatenate([np.zeros_like(curves[:, :1]), curves[:, :-1]], 1)
    segments = curves - begins
    along = ((drag - begins) * segments).sum(2) / np.square(segments).sum(2).clip(1e-12)
    along = along.clip(0, 1)
    residuals = drag - begins - along[..., None] * segments
    best = np.square(residuals).sum(2).argmin(1)
    rows, starts = np.arange(len(curves)), np.concatenate([[0.0], TRIED_FRACTIONS[:-1]])
    fractions = starts[best] + along[rows, best] * (TRIED_FRACTIONS - starts)[best]
    return fractions, residuals[rows, best]


def drag_face(
    fields: FaceFields, at: np.ndarray, to: np.ndarray, before: Expression, one_side: bool = False
) -> ExpressionChange:
    """Return the change that moves what the edit of `before` shows at `at` towards `to`.

    at, to: (2,) [face coordinates]. one_side: see `DragSolver`.
    """
    vector = before.vector()
    place = fields.motion.photo_points(np.float32(at)[None], vector)[0]
    drag = np.float32(to) - np.float32(at)
    changes = []
    for control, amount in DragSolver(fields, place, vector, one_side).solve(drag):
        moved = control.moved(vector, amount, fields.low)[0]
        changes.append(control.described_change(vector, moved))
        vector = moved
    return ExpressionChange(rounded_expression(before, vector), tuple(changes))
