"""Requests: a preset, another face's expression and axes, resolved to one target expression.

The command line, the API and the page resolve their requests here, in this order:

1. Start from the Action Units of the face, in the generator's space; from 0 where the meaning of
   the generator's axes is unknown.
2. Move by the share `intensity` towards `like`, the expression of another face.
3. Move by the same share towards `preset`.
4. Set `axes`: the mood first, then Action Units, then the axes of the generator's own space.

Any spelling of a key that `ExpressionSpace` takes will do: AU1, au01 and AU01 are one axis. An
axis of the generator's own space is set to its value exactly. Other axes of moods form one point:

    pleasure, arousal, dominance    a point in PAD; axes left out keep their value
    valence, or valence + arousal   a point in valence-arousal; arousal keeps its value if left
                                    out, and dominance follows from the Action Units
    valence + dominance             a point in PAD, with valence as pleasure
    valence + pleasure              InvalidExpression: two names for one axis

`offset_steps` and `add_offset` are the additive counterpart for films: axes are grouped alike, but
their values are added to what a frame shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import InvalidExpression
from .moods import as_read, in_space
from .presets import preset_named
from .spaces import ACTION_UNITS, PAD, SPACES, VALENCE_AROUSAL, Expression, ExpressionSpace

# By how much axes of Action Units or moods change; an Expression changes every axis by its value.
Change = Mapping[str, float] | Expression
# What is added in one space: a vector (D,) in the order of its axes.
Step = tuple[ExpressionSpace, np.ndarray]


@dataclass(frozen=True)
class ExpressionRequest:
    """A change of the expression that a face shows. Raises InvalidExpression for an unknown preset
    and for an intensity out of range; `resolve` checks the axes."""

    preset: str | None = None  # a name in ALL_PRESETS
    intensity: float = 1.0  # share of the way to `like` and to `preset`, 0 to 1
    axes: Mapping[str, float] = field(default_factory=dict)  # target values
    like: Expression | None = None  # Action Units of another face

    def __post_init__(self):
        if self.preset is not None:
            preset_named(self.preset)
        if not 0 <= self.intensity <= 1:
            raise InvalidExpression("Intensity must be from 0 to 1, got {}.", self.intensity)


def resolve(request: ExpressionRequest, reading: Expression, space: ExpressionSpace) -> Expression:
    """Return the target expression in a generator's space.

    reading: the Action Units of the face. Raises InvalidExpression for axes that are unknown,
    named twice or out of range, and for presets, moods and Action Units where the meaning of the
    generator's axes is unknown.
    """
    target = as_read(reading, space)
    if request.like is not None:
        like = in_space(request.like, space, request.like)
        target = target.towards(like, request.intensity)
    if request.preset is not None:
        preset = in_space(preset_named(request.preset), space, reading)
        target = target.towards(preset, request.intensity)
    for axes_space, values in _group_by_space(request.axes, space):
        if axes_space == space:
            target = target.replace(**values)
        else:
            point = in_space(target, axes_space, reading).replace(**values)
            target = in_space(point, space, in_space(target, ACTION_UNITS, reading))
    return target


def difference(target: Expression, reading: Expression) -> dict[str, float]:
    """Return the change that leads from one point of a space to another, without zeros."""
    change = target.vector() - reading.vector()
    return {key: float(x) for key, x in zip(target.space.keys, change, strict=True) if x}


def offset_steps(change: Change) -> list[Step]:
    """Return what a change adds: to Action Units first, then to the mood they show.

    Raises InvalidExpression for axes that are unknown or named twice, and for values that are not
    finite.
    """
    if isinstance(change, Expression):
        if change.space.name not in SPACES:
            raise InvalidExpression("Changes are of units or moods, not of {}.", change.space.name)
        return [(change.space, change.vector())]
    steps = []
    for space, values in reversed(_group_by_space(change, ACTION_UNITS)):
        step = np.zeros(len(space.axes))
        for key, value in values.items():
            step[space.index(key)] = float(value)
        if not np.isfinite(step).all():
            raise InvalidExpression("Changes must be numbers, got {}.", dict(change))
        if step.any():
            steps.append((space, step))
    return steps


def add_offset(reading: Expression, steps: list[Step], strength: float = 1.0) -> Expression:
    """Return Action Units plus `strength` times each step, clipped to the axes' ranges."""
    for space, step in steps:
        here = in_space(reading, space, reading)
        there = Expression.clipped(space, here.vector() + strength * step)
        reading = in_space(there, ACTION_UNITS, reading)
    return reading


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
    own_values = {key: values.pop(key) for key in own.keys if key in values}
    units = {key: values.pop(key) for key in ACTION_UNITS.keys if key in values}
    mood = VALENCE_AROUSAL if "valence" in values else PAD
    if "valence" in values and "dominance" in values:
        mood, values["pleasure"] = PAD, values.pop("valence")
    groups = [(mood, values), (ACTION_UNITS, units), (own, own_values)]
    return [group for group in groups if group[1]]


def _canonical_key(name: str, own: ExpressionSpace) -> str:
    """Return the key of an axis as its space has it. Raises InvalidExpression."""
    spaces = dict.fromkeys([own, PAD, VALENCE_AROUSAL, ACTION_UNITS])
    space = next((space for space in spaces if name in space), own)
    if name not in space and own.name in SPACES:  # to propose a near key of any space
        axes = {axis.key: axis for space in spaces for axis in space.axes}
        space = ExpressionSpace(", ".join(s.name for s in spaces), tuple(axes.values()))
    return space.keys[space.index(name)]
