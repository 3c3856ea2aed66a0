"""Expressions: immutable points in a named space, such as Action Units or moods."""

import difflib
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import InvalidExpression, Message

# Units that differ by at most half of a slider's step, which is 0.01, count as equal.
UNIT_TOLERANCE = 0.005 + 1e-9
RANGE_TOLERANCE = 1e-6  # by which values may exceed the range of an axis


@dataclass(frozen=True)
class Axis:
    """One coordinate of an expression; 0 is neutral on every axis."""

    key: str  # "AU12", "arousal": the column name in tables and the key in checkpoints
    label: str  # "Lip corner puller": for people
    region: str  # "mouth": the group of its slider on the page, often a part of the face
    low: float  # lowest value
    high: float  # highest value


@dataclass(frozen=True)
class ExpressionSpace:
    """An ordered set of axes; their order is that of a generator's condition vector."""

    name: str
    axes: tuple[Axis, ...]
    # Pairs of keys such as eyes left and eyes right, one of which should be 0: `Expression.replace`
    # and `Expression.clipped` see to that, but `Expression` accepts any values in range.
    opposites: tuple[tuple[str, str], ...] = ()

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(axis.key for axis in self.axes)

    @cached_property
    def _indices_by_key(self) -> dict[str, tuple[int, ...]]:
        """Indices of axes by canonical key; `AU12` has those of `AU12L` and `AU12R`, if any."""
        indices = {key: (i,) for i, key in enumerate(self.keys)}
        for i, key in enumerate(self.keys):
            unit, side = key[:-1], key[-1]
            # Only AU: AD30L and AD30R are opposites, not two sides of one unit.
            if side == "L" and unit.startswith("AU") and f"{unit}R" in indices:
                indices[unit] = (i, indices[f"{unit}R"][0])
        return indices

    @cached_property
    def opposite_indices(self) -> tuple[tuple[int, int], ...]:
        """Pairs of the indices of `opposites`."""
        return tuple((self.keys.index(a), self.keys.index(b)) for a, b in self.opposites)

    @cached_property
    def lateral(self) -> tuple[str, ...]:
        """Keys of the units with an axis for each side, such as AU12 for AU12L and AU12R."""
        return tuple(key for key, indices in self._indices_by_key.items() if len(indices) > 1)

    def __contains__(self, key: str) -> bool:
        return self.canonical(key) in self._indices_by_key

    def canonical(self, key: str) -> str:
        """Return the key as this space spells it: AU01 for `au1` and `1`, AD29 for `AU29`."""
        key = _canonical(key)
        descriptor = f"AD{key[2:]}"
        return descriptor if key.startswith("AU") and descriptor in self._indices_by_key else key

    def indices(self, key: str) -> tuple[int, ...]:
        """Return the index of an axis, or those of both sides of a unit.

        Raises InvalidExpression for an unknown key.
        """
        canonical = self.canonical(key)
        if canonical not in self._indices_by_key:
            raise self.unknown_key_error(key)
        return self._indices_by_key[canonical]

    def unknown_key_error(self, key: str) -> InvalidExpression:
        """Return the error for a key that is not in this space, which suggests similar keys."""
        near = difflib.get_close_matches(self.canonical(key), self.keys, 3, 0.4) or self.keys
        return InvalidExpression(
            "{} is not an axis of {}; try {}.", repr(key), self.name, ", ".join(near)
        )

    def values_by_index(self, values: Mapping[str, float]) -> dict[int, float]:
        """Return values by the index of their axis; AU12 sets the axes of AU12L and AU12R.

        Raises InvalidExpression for an unknown key, for an axis that is given twice (also by its
        unit), and for two opposites that are both not 0.
        """
        value_at, key_at = {}, {}
        for key, value in values.items():
            for i in self.indices(key):
                if i in value_at:
                    raise _duplicate_axis_error(self.canonical(key), self.canonical(key_at[i]))
                value_at[i], key_at[i] = value, key
        for a, b in self.opposite_indices:
            if value_at.get(a) and value_at.get(b):
                raise InvalidExpression(
                    "{} and {} are opposites: give one of them.", self.keys[a], self.keys[b]
                )
        return value_at

    def index(self, key: str) -> int:
        """Return the index of one axis in any spelling: `AU1`, `au01` and `1` mean `AU01`.

        Raises InvalidExpression for an unknown key, and for a unit with two sides.
        """
        index, *other_side = self.indices(key)
        if other_side:
            raise InvalidExpression("{} has two sides: name one, {}L or {}R.", *3 * [key])
        return index


@dataclass(frozen=True)
class Expression:
    """A point in a space. Immutable.

    Raises InvalidExpression for a wrong number of values and for values out of the axes' ranges.
    """

    space: ExpressionSpace
    values: tuple[float, ...]

    def __post_init__(self):
        if len(self.values) != len(self.space.axes):
            raise InvalidExpression(
                "{} has {} axes, got {} values.",
                self.space.name,
                len(self.space.axes),
                len(self.values),
            )
        object.__setattr__(self, "values", tuple(map(float, self.values)))
        for axis, value in zip(self.space.axes, self.values, strict=True):
            if not (math.isfinite(value) and _is_in_range(axis, value)):
                raise InvalidExpression(
                    "{} must be a number from {} to {}, got {}.",
                    Message(axis.key),
                    f"{axis.low:g}",
                    f"{axis.high:g}",
                    value,
                )

    @classmethod
    def neutral(cls, space: ExpressionSpace) -> "Expression":
        return cls(space, (0.0,) * len(space.axes))

    @classmethod
    def of(cls, space: ExpressionSpace, **values: float) -> "Expression":
        """Return neutral except for the named axes: `Expression.of(ACTION_UNITS, AU12=0.8)`."""
        return cls.neutral(space).replace(**values)

    @classmethod
    def clipped(cls, space: ExpressionSpace, values) -> "Expression":
        """Return a finite vector (D,) as an expression, with values clipped to the axes' ranges.

        Before that, the smaller value of two opposites is subtracted from both, so that one of
        them is 0.
        """
        low, high = np.array([(axis.low, axis.high) for axis in space.axes]).T
        values = np.array(values, np.float64)
        for pair in map(list, space.opposite_indices):
            values[pair] -= values[pair].min()
        return cls(space, tuple(np.clip(values, low, high)))

    def replace(self, **values: float) -> "Expression":
        """Return the expression with other values on some axes.

        A unit without a side sets both sides. An axis above 0 sets its opposite to 0. Raises
        InvalidExpression as `ExpressionSpace.values_by_index` does.
        """
        changed, new = list(self.values), self.space.values_by_index(values)
        for i, value in new.items():
            changed[i] = value
        for a, b in self.space.opposite_indices:
            for i, opposite in ((a, b), (b, a)):
                if new.get(i, 0) > 0:
                    changed[opposite] = 0.0
        return Expression(self.space, tuple(changed))

    def __getitem__(self, key: str) -> float:
        """Return the value of an axis, or the mean of both sides of a unit."""
        values = [self.values[i] for i in self.space.indices(key)]
        return sum(values) / len(values)

    def with_units(self, units: "Expression") -> "Expression":
        """Return this expression, in FACS, with the Action Units of `units`, in ACTION_UNITS.

        A unit whose mean of both sides already is the new value, within UNIT_TOLERANCE, keeps the
        values of its sides. Other axes stay as they are.
        """
        own = {key: self[key] for key in units.space.keys}
        changed = {k: x for k, x in units.asdict().items() if abs(x - own[k]) > UNIT_TOLERANCE}
        return self.replace(**changed)

    def towards(self, other: "Expression", amount: float) -> "Expression":
        """Deprecated; use `blend_to`."""
        warnings.warn("Expression.towards is now blend_to.", DeprecationWarning, stacklevel=2)
        return self.blend_to(other, amount)

    def blend_to(self, other: "Expression", amount: float) -> "Expression":
        """Return self + amount * (other - self), clipped as `clipped` does.

        So one of two opposites is 0. amount: 0 for self, 1 for `other`; a spring exceeds 1. `other`
        must be in the same space, or in ACTION_UNITS if this expression is in FACS. Raises
        InvalidExpression otherwise.
        """
        if (self.space, other.space) == (FACS, ACTION_UNITS):
            other = self.with_units(other)
        if other.space != self.space:
            raise InvalidExpression(
                "An expression in {} cannot be blended with one in {}: convert one of them first.",
                self.space.name,
                other.space.name,
            )
        start, end = self.vector(), other.vector()
        return Expression.clipped(self.space, start + (end - start) * amount)

    def vector(self) -> np.ndarray:
        """Return the values as an array (D,) float64, in the order of the space's axes."""
        return np.array(self.values)

    def asdict(self) -> dict[str, float]:
        return dict(zip(self.space.keys, self.values, strict=True))


def _is_in_range(axis: Axis, value: float) -> bool:
    return axis.low - RANGE_TOLERANCE <= value <= axis.high + RANGE_TOLERANCE


def _canonical(key: str) -> str:
    """Return a FACS code in capitals with two digits (`AU01L`), any other key in lower case.

    A number without AU or AD is that of an Action Unit.
    """
    code = re.fullmatch(r"(AU|AD)?(\d{1,9})([LR]?)", key.strip().upper())
    if not code:
        return key.strip().lower()
    prefix, number, side = code.groups()
    return f"{prefix or 'AU'}{int(number):02d}{side}"


def _duplicate_axis_error(key: str, other: str) -> InvalidExpression:
    """Return the error for two keys of one axis: the same key, or a unit and one of its sides."""
    if key == other:
        return InvalidExpression("{} is given twice: give it once.", key)
    unit, side = sorted((key, other), key=len)
    return InvalidExpression("{} stands for both of its sides: give {} or {}.", unit, unit, side)


def _unit_axes(region: str, **labels: str) -> tuple[Axis, ...]:
    return tuple(Axis(key, label, region, 0.0, 1.0) for key, label in labels.items())


# The 17 intensities of OpenFace 2, in its order. Here they range from 0 (absent) to 1 (maximal),
# there from 0 to 5. Labels after Ekman & Friesen 1978, Facial Action Coding System.
ACTION_UNITS = ExpressionSpace(
    "action_units",
    _unit_axes("brows", AU01="Inner brow raiser", AU02="Outer brow raiser", AU04="Brow lowerer")
    + _unit_axes("eyes", AU05="Upper lid raiser", AU06="Cheek raiser", AU07="Lid tightener")
    + _unit_axes("nose", AU09="Nose wrinkler")
    + _unit_axes("mouth", AU10="Upper lip raiser", AU12="Lip corner puller", AU14="Dimpler")
    + _unit_axes("mouth", AU15="Lip corner depressor", AU17="Chin raiser", AU20="Lip stretcher")
    + _unit_axes("mouth", AU23="Lip tightener", AU25="Lips part", AU26="Jaw drop")
    + _unit_axes("eyes", AU45="Blink"),
)


def _lateral_axes(region: str, **labels: str) -> tuple[Axis, ...]:
    return tuple(
        Axis(f"{key}{side}", f"{label}, {name}", region, 0.0, 1.0)
        for key, label in labels.items()
        for side, name in (("L", "left"), ("R", "right"))
    )


# ACTION_UNITS, with sides except for AU17, AU23, AU25 and AU26, and the other lip and jaw units,
# cheek puff, gaze and head. Codes and labels after Ekman, Friesen & Hager 2002, Facial Action
# Coding System; AD are action descriptors. Left is the person's left. At 1 the eyes turn 25 degrees
# to a side or 20 up or down, the head 15 degrees.
FACS = ExpressionSpace(
    "facs",
    _lateral_axes("brows", AU01="Inner brow raiser", AU02="Outer brow raiser", AU04="Brow lowerer")
    + _lateral_axes("eyes", AU05="Upper lid raiser", AU06="Cheek raiser", AU07="Lid tightener")
    + _lateral_axes("nose", AU09="Nose wrinkler")
    + _lateral_axes("mouth", AU10="Upper lip raiser", AU12="Lip corner puller", AU14="Dimpler")
    + _lateral_axes("mouth", AU15="Lip corner depressor", AU20="Lip stretcher")
    + _lateral_axes("eyes", AU45="Blink")
    + _unit_axes("mouth", AU16="Lower lip depressor", AU17="Chin raiser", AU18="Lip pucker")
    + _unit_axes("mouth", AU22="Lip funneler", AU23="Lip tightener", AU24="Lip pressor")
    + _unit_axes("mouth", AU25="Lips part", AU26="Jaw drop", AU27="Mouth stretch", AU28="Lip suck")
    + _unit_axes(
        "mouth", AD29="Jaw thrust", AD30L="Jaw sideways, left", AD30R="Jaw sideways, right"
    )
    + _unit_axes("cheeks", AD34="Cheek puff")
    + _unit_axes("gaze", AU61="Eyes left", AU62="Eyes right", AU63="Eyes up", AU64="Eyes down")
    + _unit_axes("head", AU51="Head left", AU52="Head right", AU53="Head up", AU54="Head down")
    + _unit_axes("head", AU55="Head tilt left", AU56="Head tilt right"),
    opposites=(
        ("AD30L", "AD30R"),
        ("AU61", "AU62"),
        ("AU63", "AU64"),
        ("AU51", "AU52"),
        ("AU53", "AU54"),
        ("AU55", "AU56"),
    ),
)

# Mehrabian & Russell 1974: a mood is a point of pleasure, arousal and dominance.
PAD = ExpressionSpace(
    "pad",
    (
        Axis("pleasure", "Pleasure", "mood", -1.0, 1.0),
        Axis("arousal", "Arousal", "mood", -1.0, 1.0),
        Axis("dominance", "Dominance", "mood", -1.0, 1.0),
    ),
)

# The circumplex of Russell 1980, as AffectNet and Aff-Wild label it.
VALENCE_AROUSAL = ExpressionSpace(
    "valence_arousal",
    (
        Axis("valence", "Valence", "mood", -1.0, 1.0),
        Axis("arousal", "Arousal", "mood", -1.0, 1.0),
    ),
)

SPACES = {space.name: space for space in (ACTION_UNITS, FACS, PAD, VALENCE_AROUSAL)}


def space_named(name: str) -> ExpressionSpace:
    """Return a space by its name: one of SPACES, or cN with N axes c0 to c(N-1) of unknown meaning.

    Raises InvalidExpression for any other name.
    """
    if name in SPACES:
        return SPACES[name]
    count = name.removeprefix("c")
    if not (name.startswith("c") and count.isdecimal() and 1 <= int(count) <= 256):
        raise InvalidExpression(
            "{} is not a space; there are {} and cN for N nameless axes.",
            repr(name),
            ", ".join(SPACES),
        )
    axes = (Axis(f"c{i}", f"Condition {i}", "condition", -1.0, 1.0) for i in range(int(count)))
    return ExpressionSpace(f"c{int(count)}", tuple(axes))


def space_of_size(size: int) -> ExpressionSpace:
    """Return the space in SPACES that has `size` axes, or else cN, see `space_named`."""
    by_size = {len(space.axes): space for space in SPACES.values()}
    return by_size.get(size) or space_named(f"c{size}")
