"""From a drag to an expression: the controls that explain it best, within their ranges.

Let s be the place of the photo that is shown at the grabbed point, c the expression before the drag
and d the vector of the drag. A change of control k by a moves the place by

    v_k(a) = M(s, c with k changed by a) - M(s, c)

where M is the generator's motion of places, `PointMotion.displacements`. With the best a in range,
k explains the fraction

    e_k = 1 - |d - v_k(a)|^2 / |d|^2

of the drag. Its score is e_k times a preference (such as UNDO_WEIGHT), times its influence at s
(see `fields`) to the power INFLUENCE_EXPONENT. The control of the highest score is chosen. If much
of the drag remains, a second control is chosen for the residual. A control of the face then needs
an influence of STRONG_INFLUENCE at s, since a weaker one would move other places more than s. For
gaze and head MIN_INFLUENCE is enough, as for the first control.
"""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..expressions.spaces import Expression
from .controls import Control, rounded_expression
from .fields import STRONG_INFLUENCE, FaceFields

TRIED_FRACTIONS = np.array([0.1, 0.25, 0.5, 0.75, 1.0])  # of a control's greatest amount
INFLUENCE_EXPONENT = 1.5
MIN_INFLUENCE = 0.1  # at the place, for a control to be tried
MIN_DRAG = 2e-3  # [face coordinates] an eighth of a pixel of a crop of 128 pixels
MIN_AMOUNT = 0.02  # smaller changes of a control are left out
# Preferences, factors of the score: for undoing an earlier rise, for lowering a unit below its
# value in the photo, and for units that ACTION_UNITS lacks.
UNDO_WEIGHT, LOWER_WEIGHT, FACS_ONLY_WEIGHT = 1.5, 0.5, 0.7
MIN_RISE = 0.015  # above the value in the photo, for lowering a control to count as undoing
MIN_RANGE = 0.015  # left in a direction, for a control to be tried in it
# A second control is tried if the residual is longer than this fraction of the drag. For gaze and
# head it is small, because most of their drags need two controls, sideways and up or down.
RESIDUAL_FRACTION, GAZE_AND_HEAD_RESIDUAL_FRACTION = 0.6, 0.1
MIN_COSINE = 0.7  # between the residual and the motion by the second control
MIN_PROGRESS = 0.25  # fraction of the residual that the second control must cover


@dataclass(frozen=True)
class ExpressionChange:
    """A new expression, and how it differs from the one before."""

    expression: Expression
    changes: tuple[tuple[str, float], ...] = ()  # (key, amount) of each control that was changed

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of `changes`."""
        return tuple(key for key, _ in self.changes)

    @property
    def names(self) -> tuple[str, ...]:
        """Deprecated; use `keys`."""
        warnings.warn("ExpressionChange.names is now keys.", DeprecationWarning, stacklevel=2)
        return self.keys


@dataclass(frozen=True)
class _DirectedControl:
    """A control that may explain a drag, and the direction in which it would be changed."""

    control: Control
    influence: float  # at the place of the drag
    # Greatest change tried: to the end of the range, but only to the value in the photo when that
    # undoes a rise; negative to lower the control.
    limit: float
    preference: float  # factor of the score


class _ChosenControl(NamedTuple):
    """The control that explains a drag best, and what it explains."""

    control: Control
    amount: float
    residual: np.ndarray  # (2,) the rest of the drag
    cosine: float  # of the angle between the motion by this control and the drag
    progress: float  # length of that motion along the drag, over the length of the drag


class DragSolver:
    """Finds the controls for drags that begin at one place of a photo. Uses face coordinates."""

    def __init__(self, fields: FaceFields, place: np.ndarray, before: np.ndarray, one_side: bool):
        """Find the controls that can be tried at the place.

        place: (2,) of the photo. before: (D,) the expression before the drag. one_side: whether
        lateral units change only on the side of the place.
        """
        self.fields, self.place, self.before = fields, np.float32(place)[None], before
        (influences,) = fields.influences_at(self.place)
        (in_group,) = fields.group_mask(influences[None])
        (vectors,) = fields.vectors_at(self.place)
        controls = fields.controls
        if one_side:
            # The controls of a side have the order of fields.controls and can use the influences
            # and vectors of these: on its side, a control moves places as that of both sides does.
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
        first = self._best_control(drag, self.before)
        if first is None:
            return []
        solution = [(first.control, first.amount)]
        gaze_or_head = first.control.moves_gaze_or_head
        fraction = GAZE_AND_HEAD_RESIDUAL_FRACTION if gaze_or_head else RESIDUAL_FRACTION
        if np.linalg.norm(first.residual) <= fraction * np.linalg.norm(drag):
            return solution
        changed = first.control.apply_changes(self.before, first.amount, self.fields.low)[0]
        second = self._best_control(first.residual, changed, first.control)
        if second is None or second.cosine < MIN_COSINE or second.progress < MIN_PROGRESS:
            return solution
        return [*solution, (second.control, second.amount)]

    def _directed_controls(
        self, drag: np.ndarray, current: np.ndarray, first: Control | None
    ) -> list[_DirectedControl]:
        """Return the candidates that can change in the direction of the drag.

        current: (D,) the expression to change. first: the control that was chosen before. It is
        left out then, and so are controls of the face with an influence below STRONG_INFLUENCE.
        """
        directed, fields = [], self.fields
        for control, influence, vector in self.candidates:
            weak = not control.moves_gaze_or_head and influence < STRONG_INFLUENCE
            if first and (control == first or weak):
                continue
            lowest_amount, highest_amount = control.limits(current, fields.low)
            rise = float(control.values(current) - control.values(fields.unchanged))
            preference = 1.0 if control.in_action_units else FACS_ONLY_WEIGHT
            if vector @ drag > 0:
                limit = highest_amount
            elif control.lowered_axes:
                limit = lowest_amount
            elif rise > MIN_RISE:
                limit, preference = max(lowest_amount, -rise), UNDO_WEIGHT * preference
            else:
                limit, preference = lowest_amount, LOWER_WEIGHT * preference
            if abs(limit) > MIN_RANGE:
                directed.append(_DirectedControl(control, influence, limit, preference))
        return directed

    def _best_control(
        self, drag: np.ndarray, current: np.ndarray, first: Control | None = None
    ) -> _ChosenControl | None:
        """Return the control of the highest score.

        Returns None if no control can change in the direction of the drag, and if the best one
        would change by less than MIN_AMOUNT. current, first: see `_directed_controls`.
        """
        directed = self._directed_controls(drag, current, first)
        if not directed:
            return None
        trials = [current[None]]
        trials += [
            d.control.apply_changes(current, TRIED_FRACTIONS * d.limit, self.fields.low)
            for d in directed
        ]
        motions = self.fields.motion.displacements(self.place, np.concatenate(trials))[:, 0]
        curves = (motions[1:] - motions[0]).reshape(len(directed), len(TRIED_FRACTIONS), 2)
        fractions, residuals = closest_on_curves(curves, drag)
        explained = 1 - np.square(residuals).sum(1) / np.square(drag).sum()
        scores = [
            e * d.influence**INFLUENCE_EXPONENT * d.preference
            for e, d in zip(explained, directed, strict=True)
        ]
        best = int(np.argmax(scores))
        amount = float(fractions[best] * directed[best].limit)
        if abs(amount) < MIN_AMOUNT:
            return None
        motion = drag - residuals[best]
        progress = float(motion @ drag / np.square(drag).sum())
        cosine = progress * np.linalg.norm(drag) / max(1e-9, float(np.linalg.norm(motion)))
        return _ChosenControl(directed[best].control, amount, residuals[best], cosine, progress)


def closest_on_curves(curves: np.ndarray, drag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find where each of N polylines from 0 comes closest to the end of a drag (2,).

    curves: (N, S, 2) motions at the TRIED_FRACTIONS of each control's limit. Returns the fractions
    of the limits, (N,), and the residuals of the drag, (N, 2).
    """
    begins = np.concatenate([np.zeros_like(curves[:, :1]), curves[:, :-1]], 1)
    segments = curves - begins
    position = ((drag - begins) * segments).sum(2) / np.square(segments).sum(2).clip(1e-12)
    position = position.clip(0, 1)  # (N, S) on each segment
    residuals = drag - begins - position[..., None] * segments
    best = np.square(residuals).sum(2).argmin(1)
    rows, starts = np.arange(len(curves)), np.concatenate([[0.0], TRIED_FRACTIONS[:-1]])
    fractions = starts[best] + position[rows, best] * (TRIED_FRACTIONS - starts)[best]
    return fractions, residuals[rows, best]


def drag_face(
    fields: FaceFields, at: np.ndarray, to: np.ndarray, before: Expression, one_side: bool = False
) -> ExpressionChange:
    """Return the change that moves what the edit of `before` shows at `at` towards `to`.

    at, to: (2,) points of the edit [face coordinates]. one_side: see `DragSolver`.
    """
    vector = before.vector()
    place = fields.motion.photo_points(np.float32(at)[None], vector)[0]
    drag = np.float32(to) - np.float32(at)
    changes = []
    for control, amount in DragSolver(fields, place, vector, one_side).solve(drag):
        changed = control.apply_changes(vector, amount, fields.low)[0]
        changes.append(control.describe_change(vector, changed))
        vector = changed
    return ExpressionChange(rounded_expression(before, vector), tuple(changes))
