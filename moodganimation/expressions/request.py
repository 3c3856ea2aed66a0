"""Requests: preset, another face's expression, axes and look, resolved to one target expression.

The command line, the API and the page resolve their requests here, in this order:

1. Start from the reading of the face in the generator's space, or from 0 if the meaning of the
   generator's axes is unknown.
2. Blend by `intensity` towards `like`, the expression of another face, without its gaze and head.
3. Blend by `intensity` towards `preset`. Gestures (wink, side_eye, kiss) change only their own axes
   and the opposites of these.
4. Set `axes`: the mood first, then Action Units, then the axes of the generator's own space.
5. Turn the eyes to `look`.

Keys may have any spelling that `ExpressionSpace` accepts: AU1, au01 and AU01 are one axis. An axis
of the generator's own space is set to its value exactly; AU12 sets AU12L and AU12R if the generator
has sides. Axes of moods that are not in the generator's own space form one point:

    pleasure, arousal, dominance    a point in PAD; axes left out keep their value
    valence, or valence + arousal   a point in valence-arousal; arousal keeps its value if left
                                    out, and dominance follows from the Action Units
    valence + dominance             a point in PAD, with valence as pleasure
    valence + pleasure              InvalidExpression: two names for one axis

`split_offset` and `add_offset` are the additive counterpart for films: axes are grouped in the same
way, but their values are added to the reading of each frame. An offset of AU61 (eyes left) first
reduces its opposite AU62 (eyes right).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ..errors import InvalidExpression, short_repr
from .gaze import GAZE_KEYS, LOOKS, look_at_camera
from .moods import convert_expression, convert_reading
from .presets import GESTURES, check_preset, preset_named
from .sides import FACS_INDICES_OF_UNITS, UNIT_SPACES, convert_units, with_gaze_and_head_of
from .spaces import ACTION_UNITS, FACS, PAD, SPACES, VALENCE_AROUSAL, Expression, ExpressionSpace

# Highest factor on the folds of an edit, see `Generator.with_detail`; 1 is as trained.
MAX_DETAIL = 1.5
# Values to add to axes of Action Units or moods, by key; or an expression whose values are added.
# An expression cannot lower Action Units, since its own are never negative.
Offset = Mapping[str, float] | Expression
SpaceOffset = tuple[ExpressionSpace, np.ndarray]  # a space, and values (D,) to add to its axes


@dataclass(frozen=True)
class ExpressionRequest:
    """What a user asks for, before it is resolved to a target expression.

    Raises InvalidExpression for an unknown preset or look, for an intensity out of range, and for a
    look together with axes of the gaze. `resolve` checks the axes.
    """

    preset: str | None = None  # a name in PRESET_NAMES
    intensity: float = 1.0  # weight of `like` and of `preset`, 0 to 1
    axes: Mapping[str, float] = field(default_factory=dict)  # target values by key
    like: Expression | None = None  # Action Units of another face
    look: Literal["camera"] | None = None  # what the eyes turn to; None: as the axes say

    def __post_init__(self):
        if self.preset is not None:
            check_preset(self.preset)
        if not 0 <= self.intensity <= 1:
            raise InvalidExpression("Intensity must be from 0 to 1, got {}.", self.intensity)
        if self.look is None:
            return
        if self.look not in LOOKS:
            raise InvalidExpression(
                "Eyes can look at {}, not at {}.", *LOOKS, short_repr(self.look)
            )
        for key in map(FACS.canonical, self.axes):
            if key in GAZE_KEYS:
                raise InvalidExpression("A look sets the gaze: leave out the look or {}.", key)


def resolve(request: ExpressionRequest, reading: Expression, space: ExpressionSpace) -> Expression:
    """Return the target expression in a generator's space.

    reading: the Action Units of the face, in ACTION_UNITS or FACS. Raises InvalidExpression for
    axes that are unknown, given twice or out of range; for axes, gestures and looks that the
    generator does not have; and for presets, moods and Action Units if the meaning of the
    generator's axes is unknown.
    """
    target = convert_reading(reading, space)
    if request.like is not None:
        like = convert_expression(request.like, space, request.like)
        target = target.blend_to(with_gaze_and_head_of(like, target), request.intensity)
    if request.preset is not None:
        target = target.blend_to(_preset_target(request.preset, target), request.intensity)
    for axes_space, values in _group_by_space(request.axes, space):
        if axes_space == space:
            target = target.replace(**values)
        else:
            changed = convert_expression(target, axes_space, reading).replace(**values)
            # In place of a reading, the units of the target so far: a mood changes these, not those
            # of the photo, and axes that ACTION_UNITS lacks, as gaze and head, stay as they are.
            unit_space = space if space in UNIT_SPACES else ACTION_UNITS
            target = convert_expression(
                changed, space, convert_expression(target, unit_space, reading)
            )
    return look_at_camera(target) if request.look else target


def _preset_target(name: str, before: Expression) -> Expression:
    """Return the expression `before` with a preset at full intensity.

    `before` keeps the axes that a gesture does not name, and supplies what `convert_expression`
    takes from a reading.
    """
    if name not in GESTURES:
        return convert_expression(preset_named(name), before.space, before)
    if before.space != FACS:
        raise InvalidExpression(
            "This model cannot show {}, which takes {}; the default model warp can.",
            name,
            ", ".join(GESTURES[name]),
        )
    return before.replace(**GESTURES[name])


def offset_between(target: Expression, reading: Expression) -> dict[str, float]:
    """Return `target` minus `reading`, both in one space, by key and without zeros.

    Of two opposites, one gets the whole difference: from eyes right 0.2 to eyes left 0.3, AU61 gets
    0.5 and AU62 nothing.
    """
    offset = target.vector() - reading.vector()
    for a, b in target.space.opposite_indices:
        offset[a], offset[b] = max(0.0, offset[a] - offset[b]), max(0.0, offset[b] - offset[a])
    return {key: float(x) for key, x in zip(target.space.keys, offset, strict=True) if x}


def split_offset(offset: Offset, space: ExpressionSpace | None = None) -> list[SpaceOffset]:
    """Split an offset by space, in the order to add the parts: Action Units, then mood.

    space: the generator's. Axes of moods and of ACTION_UNITS are accepted for every space, those of
    FACS for FACS and None; of an expression, only those that are not 0 count. Parts without a
    change are left out. Raises InvalidExpression for axes that are not accepted or given twice, for
    two opposites, and for values that are not finite.
    """
    unit_space = FACS if space in (None, FACS) else ACTION_UNITS
    if isinstance(offset, Expression):
        if offset.space.name not in SPACES:
            raise InvalidExpression(
                "An offset must be in Action Units or in a mood, not in {}.", offset.space.name
            )
        changed = [key for key, value in offset.asdict().items() if value]
        for key in changed:
            _canonical_key(key, unit_space)  # raises for axes that are not accepted
        return [(offset.space, offset.vector())] if changed else []
    parts = []
    # Reversed: a mood is added last, since every change of units changes the mood.
    for axes_space, values in reversed(_group_by_space(offset, unit_space)):
        if all(key in ACTION_UNITS for key in values):
            axes_space = ACTION_UNITS  # `add_offset` would convert every reading to FACS otherwise
        vector = np.zeros(len(axes_space.axes))
        for i, value in axes_space.values_by_index(values).items():
            vector[i] = float(value)
        if not np.isfinite(vector).all():
            raise InvalidExpression(
                "The values of an offset must be finite numbers, got {}.", dict(offset)
            )
        if vector.any():
            parts.append((axes_space, vector))
    return parts


def add_offset(
    reading: Expression, offsets: list[SpaceOffset], strength: float = 1.0
) -> Expression:
    """Return the reading plus `strength` times each offset, clipped to the axes' ranges.

    The reading is in ACTION_UNITS or FACS, and the result in the same space, or in FACS if an
    offset is in FACS.
    """
    for space, vector in offsets:
        if space in UNIT_SPACES:
            reading = _add_units(reading, space, strength * vector)
        else:
            mood = convert_expression(reading, space, reading)
            changed = Expression.clipped(space, mood.vector() + strength * vector)
            reading = convert_expression(changed, reading.space, reading)
    return reading


def _add_units(reading: Expression, space: ExpressionSpace, vector: np.ndarray) -> Expression:
    """Return the reading plus a vector of values of `space`, ACTION_UNITS or FACS."""
    if space == FACS:
        reading = convert_units(reading, FACS, reading)
    elif reading.space == FACS:
        units_vector, vector = vector, np.zeros(len(FACS.axes))
        for indices, value in zip(FACS_INDICES_OF_UNITS, units_vector, strict=True):
            vector[list(indices)] = value
    return Expression.clipped(reading.space, reading.vector() + vector)


def _group_by_space(
    axes: Mapping[str, float], generator_space: ExpressionSpace
) -> list[tuple[ExpressionSpace, dict[str, float]]]:
    """Group values by the space to set them in; return each space with its values by canonical key.

    In the order of `resolve`: mood, Action Units, `generator_space`. Empty groups are left out.
    """
    values = {}
    for name, value in axes.items():
        key = _canonical_key(name, generator_space)
        if key in values:
            raise InvalidExpression("{} is given twice: give it once.", key)
        values[key] = value
    if "valence" in values and "pleasure" in values:
        raise InvalidExpression("Valence and pleasure are the same axis: give one of them.")
    own_values = {key: values.pop(key) for key in [*values] if key in generator_space}
    units = {key: values.pop(key) for key in [*values] if key in ACTION_UNITS}
    mood = VALENCE_AROUSAL if "valence" in values else PAD
    if "valence" in values and "dominance" in values:
        mood, values["pleasure"] = PAD, values.pop("valence")
    groups = [(mood, values), (ACTION_UNITS, units), (generator_space, own_values)]
    return [group for group in groups if group[1]]


def _canonical_key(name: str, generator_space: ExpressionSpace) -> str:
    """Return the key of an axis as its space spells it. Raises InvalidExpression."""
    spaces = dict.fromkeys([generator_space, PAD, VALENCE_AROUSAL, ACTION_UNITS])
    space = next((space for space in spaces if name in space), None)
    if space is not None:
        return space.canonical(name)
    if name in FACS:
        raise InvalidExpression(
            "{} is not an axis of this model; the default model warp has it.", FACS.canonical(name)
        )
    suggested = generator_space
    if generator_space.name in SPACES:  # suggest similar keys of any space
        axes = {axis.key: axis for space in spaces for axis in space.axes}
        suggested = ExpressionSpace(", ".join(s.name for s in spaces), tuple(axes.values()))
    raise suggested.unknown_key_error(name)
