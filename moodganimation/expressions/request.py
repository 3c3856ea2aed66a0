"""Requests: preset, another face's expression, axes and look, resolved to one target expression.

The command line, the API and the page resolve their requests here, in this order:

1. Start from the Action Units of the face, in the generator's space; from 0 where the meaning of
   the generator's axes is unknown.
2. Move by the share `intensity` towards `like`, the expression of another face, without its gaze
   and head.
3. Move by the same share towards `preset`. Gestures (wink, side_eye, kiss) move their own axes.
4. Set `axes`: the mood first, then Action Units, then the axes of the generator's own space.
5. Turn the eyes to `look`.

Any spelling of a key that `ExpressionSpace` takes will do: AU1, au01 and AU01 are one axis. An
axis of the generator's own space is set to its value exactly; AU12 sets AU12L and AU12R where the
generator has sides. Other axes of moods form one point:

    pleasure, arousal, dominance    a point in PAD; axes left out keep their value
    valence, or valence + arousal   a point in valence-arousal; arousal keeps its value if left
                                    out, and dominance follows from the Action Units
    valence + dominance             a point in PAD, with valence as pleasure
    valence + pleasure              InvalidExpression: two names for one axis

`offset_steps` and `add_offset` are the additive counterpart for films: axes are grouped alike, but
their values are added to what a frame shows. Opposites are two ends of one line there: adding to
AU61 (eyes left) takes from AU62 (eyes right) first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..errors import InvalidExpression, shown
from .gaze import GAZE_KEYS, LOOKS, look_at_camera
from .moods import as_read, in_space
from .presets import GESTURES, check_preset, preset_named
from .sides import PLACES, UNIT_SPACES, in_units, posed_as
from .spaces import ACTION_UNITS, FACS, PAD, SPACES, VALENCE_AROUSAL, Expression, ExpressionSpace

# By how much axes of Action Units or moods change; an Expression changes every axis by its value.
Change = Mapping[str, float] | Expression
# What is added in one space: a vector (D,) in the order of its axes.
Step = tuple[ExpressionSpace, np.ndarray]


@dataclass(frozen=True)
class ExpressionRequest:
    """A change of the expression that a face shows. Raises InvalidExpression for an unknown preset,
    for an intensity out of range, and for a look together with axes of the gaze; `resolve` checks
    the axes."""

    preset: str | None = None  # a name in PRESET_NAMES
    intensity: float = 1.0  # share of the way to `like` and to `preset`, 0 to 1
    axes: Mapping[str, float] = field(default_factory=dict)  # target values
    like: Expression | None = None  # Action Units of another face
    look: Literal["camera"] | None = None  # what the eyes turn to

    def __post_init__(self):
        if self.preset is not None:
            check_preset(self.preset)
        if not 0 <= self.intensity <= 1:
            raise InvalidExpression("Intensity must be from 0 to 1, got {}.", self.intensity)
        if self.look is None:
            return
        if self.look not in LOOKS:
            raise InvalidExpression("Eyes can look at {}, not at {}.", *LOOKS, shown(self.look))
        for key in map(FACS.canonical, self.axes):
            if key in GAZE_KEYS:
                raise InvalidExpression("A look sets the gaze: leave out the look or {}.", key)


def resolve(request: ExpressionRequest, reading: Expression, space: ExpressionSpace) -> Expression:
    """Return the target expression in a generator's space.

    reading: the Action Units of the face, in ACTION_UNITS or FACS. Raises InvalidExpression for
    axes that are unknown, named twice or out of range, for axes, gestures and looks that the
    generator does not have, and for presets, moods and Action Units where the meaning of the
    generator's axes is unknown.
    """
    target = as_read(reading, space)
    if request.like is not None:
        like = in_space(request.like, space, request.like)
        target = target.towards(posed_as(like, target), request.intensity)
    if request.preset is not None:
        target = target.towards(_preset(request.preset, target), request.intensity)
    for axes_space, values in _group_by_space(request.axes, space):
        if axes_space == space:
            target = target.replace(**values)
        else:
            point = in_space(target, axes_space, reading).replace(**values)
            units = space if space in UNIT_SPACES else ACTION_UNITS
            target = in_space(point, space, in_space(target, units, reading))
    return look_at_camera(target) if request.look else target


def _preset(name: str, start: Expression) -> Expression:
    """A preset in the space of the expression that it changes."""
    if name not in GESTURES:
        return in_space(preset_named(name), start.space, start)
    if start.space != FACS:
        raise InvalidExpression(
            "This model cannot show {}, which takes {}; the default model warp can.",
            name,
            ", ".join(GESTURES[name]),
        )
    return start.replace(**GESTURES[name])


def difference(target: Expression, reading: Expression) -> dict[str, float]:
    """Return the change that leads from one point of a space to another, without zeros; of two
    opposites, one."""
    change = target.vector() - reading.vector()
    for a, b in target.space.opposite_places:
        change[a], change[b] = max(0.0, change[a] - change[b]), max(0.0, change[b] - change[a])
    return {key: float(x) for key, x in zip(target.space.keys, change, strict=True) if x}


def offset_steps(change: Change, space: ExpressionSpace | None = None) -> list[Step]:
    """Return what a change adds: to Action Units first, then to the mood they show.

    space: the generator's; None takes all axes of FACS. Raises InvalidExpression for axes that are
    unknown, named twice or not in the generator's reach, for two opposites, and for values that
    are not finite.
    """
    if isinstance(change, Expression):
        if change.space.name not in SPACES:
            raise InvalidExpression("Changes are of units or moods, not of {}.", change.space.name)
        return [(change.space, change.vector())]
    steps = []
    units = FACS if space in (None, FACS) else ACTION_UNITS
    for axes_space, values in reversed(_group_by_space(change, units)):
        if all(key in ACTION_UNITS for key in values):
            axes_space = ACTION_UNITS
        step = np.zeros(len(axes_space.axes))
        for place, value in axes_space.by_position(values).items():
            step[place] = float(value)
        if not np.isfinite(step).all():
            raise InvalidExpression("Changes must be numbers, got {}.", dict(change))
        if step.any():
            steps.append((axes_space, step))
    return steps


def add_offset(reading: Expression, steps: list[Step], strength: float = 1.0) -> Expression:
    """Return Action Units plus `strength` times each step, clipped to the axes' ranges.

    The result is in the space of the reading, or in FACS if a step needs it.
    """
    for space, step in steps:
        if space in UNIT_SPACES:
            reading = _add_units(reading, space, strength * step)
        else:
            here = in_space(reading, space, reading)
            there = Expression.clipped(space, here.vector() + strength * step)
            reading = in_space(there, reading.space, reading)
    return reading


def _add_units(reading: Expression, space: ExpressionSpace, step: np.ndarray) -> Expression:
    """Action Units plus a step in ACTION_UNITS or FACS; of opposites, the sum counts."""
    if space == FACS:
        reading = in_units(reading, FACS, reading)
    elif reading.space == FACS:
        units, step = step, np.zeros(len(FACS.axes))
        for places, value in zip(PLACES, units, strict=True):
            step[list(places)] = value
    return Expression.clipped(reading.space, reading.vector() + step)


def _group_by_space(
    axes: Mapping[str, float], own: ExpressionSpace
) -> list[tuple[ExpressionSpace, dict[str, float]]]:
    """Return values by canonical key, grouped by the space to set them in, in that order."""
    values = {}
    for name, value in axes.items():
        key = _canonical_key(name, own)
        if key in values:
            raise InvalidExpression("{} is given twice: give it once.", key)
        values[key] = value
    if "valence" in values and "pleasure" in values:
        raise InvalidExpression("Valence and pleasure are the same axis: give one of them.")
    own_values = {key: values.pop(key) for key in [*values] if key in own}
    units = {key: values.pop(key) for key in [*values] if key in ACTION_UNITS}
    mood = VALENCE_AROUSAL if "valence" in values else PAD
    if "valence" in values and "dominance" in values:
        mood, values["pleasure"] = PAD, values.pop("valence")
    groups = [(mood, values), (ACTION_UNITS, units), (own, own_values)]
    return [group for group in groups if group[1]]


def _canonical_key(name: str, own: ExpressionSpace) -> str:
    """Return the key of an axis as its space has it. Raises InvalidExpression."""
    spaces = dict.fromkeys([own, PAD, VALENCE_AROUSAL, ACTION_UNITS])
    space = next((space for space in spaces if name in space), None)
    if space is not None:
        return space.canonical(name)
    if name in FACS:
        raise InvalidExpression(
            "{} is not an axis of this model; the default model warp has it.", FACS.canonical(name)
        )
    if own.name in SPACES:  # to propose a near key of any space
        axes = {axis.key: axis for space in spaces for axis in space.axes}
        own = ExpressionSpace(", ".join(s.name for s in spaces), tuple(axes.values()))
    return own.keys[own.index(name)]
