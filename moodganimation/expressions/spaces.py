"""Expressions: points in a named space that people, data files, checkpoints and sliders share."""

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import InvalidExpression, Message

SAME_UNIT = 0.005 + 1e-9  # units that differ by less have the same value: sliders have hundredths


@dataclass(frozen=True)
class Axis:
    """One coordinate of an expression; 0 is neutral on every axis."""

    key: str  # "AU12", "arousal": the column name in data, the key in checkpoints
    label: str  # "Lip corner puller": what a person reads
    region: str  # "mouth": where on the face, to group sliders
    low: float
    high: float


@dataclass(frozen=True)
class ExpressionSpace:
    """An ordered set of axes; their order is the order of a network's condition vector."""

    name: str
    axes: tuple[Axis, ...]
    # Pairs of keys that exclude each other, as a look to the left and one to the right.
    opposites: tuple[tuple[str, str], ...] = ()

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(axis.key for axis in self.axes)

    @cached_property
    def _positions(self) -> dict[str, tuple[int, ...]]:
        """Positions by canonical key; `AU12` has those of `AU12L` and `AU12R`, if they exist."""
        positions = {key: (i,) for i, key in enumerate(self.keys)}
        for i, key in enumerate(self.keys):
            unit, side = key[:-1], key[-1]
            if side == "L" and unit.startswith("AU") and f"{unit}R" in positions:
                positions[unit] = (i, positions[f"{unit}R"][0])
        return positions

    @cached_property
    def opposite_places(self) -> tuple[tuple[int, int], ...]:
        """`opposites` as positions."""
        return tuple((self.keys.index(a), self.keys.index(b)) for a, b in self.opposites)

    @cached_property
    def lateral(self) -> tuple[str, ...]:
        """The units with an axis for each side: AU12 for AU12L and AU12R."""
        return tuple(key for key, places in self._positions.items() if len(places) > 1)

    def __contains__(self, key: str) -> bool:
        return self.canonical(key) in self._positions

    def canonical(self, key: str) -> str:
        """The key as this space writes it: `au1` is `AU01`, `AU29` is `AD29`."""
        key = _canonical(key)
        descriptor = f"AD{key[2:]}"
        return descriptor if key.startswith("AU") and descriptor in self._positions else key

    def positions(self, key: str) -> tuple[int, ...]:
        """Positions of an axis, or of both sides of a unit. Raises InvalidExpression."""
        canonical = self.canonical(key)
        if canonical not in self._positions:
            near = difflib.get_close_matches(canonical, self.keys, 3, 0.4) or self.keys
            raise InvalidExpression(
                "{} is not an axis of {}; try {}.", repr(key), self.name, ", ".join(near)
            )
        return self._positions[canonical]

    def by_position(self, values: Mapping[str, float]) -> dict[int, float]:
        """Values by position; that of a unit without a side stands for both sides.

        Raises InvalidExpression for an unknown key, for an axis that is given twice, also by its
        unit, and for two opposites that are not 0.
        """
        given, source = {}, {}
        for key, value in values.items():
            for place in self.positions(key):
                if place in given:
                    raise _given_twice(self.canonical(key), self.canonical(source[place]))
                given[place], source[place] = value, key
        for a, b in self.opposite_places:
            if given.get(a) and given.get(b):
                raise InvalidExpression(
                    "{} and {} are opposites: give one of them.", self.keys[a], self.keys[b]
                )
        return given

    def index(self, key: str) -> int:
        """Position of an axis; `AU1` and `au01` mean `AU01`. Raises InvalidExpression, also for a
        unit with two sides."""
        first, *second = self.positions(key)
        if second:
            raise InvalidExpression("{} has two sides: name one, {}L or {}R.", *3 * [key])
        return first


@dataclass(frozen=True)
class Expression:
    """A point in a space. Immutable; values are checked against the axes' ranges."""

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
            if not (math.isfinite(value) and axis.low - 1e-6 <= value <= axis.high + 1e-6):
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
        """Neutral but for the named axes: `Expression.of(ACTION_UNITS, AU12=0.8)`."""
        return cls.neutral(space).replace(**values)

    @classmethod
    def clipped(cls, space: ExpressionSpace, values) -> "Expression":
        """The nearest point of the space to a finite vector (D,).

        Opposites are the two ends of one line: of each pair only the difference counts, so that
        one of them is 0.
        """
        low, high = np.array([(axis.low, axis.high) for axis in space.axes]).T
        values = np.array(values, np.float64)
        for pair in map(list, space.opposite_places):
            values[pair] -= values[pair].min()
        return cls(space, tuple(np.clip(values, low, high)))

    def replace(self, **values: float) -> "Expression":
        """The expression with other values on some axes; a unit without a side sets both sides, and
        an axis above 0 sets the opposite one to 0.

        Raises InvalidExpression for a unit together with one of its sides, and for two opposites.
        """
        changed, given = list(self.values), self.space.by_position(values)
        for place, value in given.items():
            changed[place] = value
        for a, b in self.space.opposite_places:
            for place, other in ((a, b), (b, a)):
                if given.get(place, 0) > 0:
                    changed[other] = 0.0
        return Expression(self.space, tuple(changed))

    def __getitem__(self, key: str) -> float:
        """The value of an axis; of a unit with two sides, their mean."""
        values = [self.values[place] for place in self.space.positions(key)]
        return sum(values) / len(values)

    def with_units(self, units: "Expression") -> "Expression":
        """The expression with Action Units of a space without sides. A unit that already has the
        value keeps its sides; axes that the other space does not have stay."""
        here = {key: self[key] for key in units.space.keys}
        changed = {k: x for k, x in units.asdict().items() if abs(x - here[k]) > SAME_UNIT}
        return self.replace(**changed)

    def towards(self, other: "Expression", amount: float) -> "Expression":
        """The point at `amount` of the way to `other`: 0 is here, 1 is there. In FACS, `other` may
        be in ACTION_UNITS."""
        if (self.space, other.space) == (FACS, ACTION_UNITS):
            other = self.with_units(other)
        if other.space != self.space:
            raise InvalidExpression("{} is not a point of {}.", other.space.name, self.space.name)
        here, there = self.vector(), other.vector()
        return Expression.clipped(self.space, here + (there - here) * amount)

    def vector(self) -> np.ndarray:
        """(D,) float64, in the order of the space's axes."""
        return np.array(self.values)

    def asdict(self) -> dict[str, float]:
        return dict(zip(self.space.keys, self.values, strict=True))


def _canonical(key: str) -> str:
    """FACS codes with two digits and the side in capitals, `AU01L`; all else in lower case."""
    code = re.fullmatch(r"(AU|AD)?(\d+)([LR]?)", key.strip().upper())
    if not code:
        return key.strip().lower()
    kind, number, side = code.groups()
    return f"{kind or 'AU'}{int(number):02d}{side}"


def _given_twice(*keys: str) -> InvalidExpression:
    unit, side = sorted(keys, key=len)
    if unit == side:
        return InvalidExpression("{} is given twice: give it once.", unit)
    return InvalidExpression("{} stands for both of its sides: give {} or {}.", unit, unit, side)


def _units(region: str, **labels: str) -> tuple[Axis, ...]:
    return tuple(Axis(key, label, region, 0.0, 1.0) for key, label in labels.items())


# The 17 intensities of OpenFace 2 in its order; 0..1 here is 0..5 (absent to maximal) there.
# Names after Ekman & Friesen 1978, Facial Action Coding System.
ACTION_UNITS = ExpressionSpace(
    "action_units",
    _units("brows", AU01="Inner brow raiser", AU02="Outer brow raiser", AU04="Brow lowerer")
    + _units("eyes", AU05="Upper lid raiser", AU06="Cheek raiser", AU07="Lid tightener")
    + _units("nose", AU09="Nose wrinkler")
    + _units("mouth", AU10="Upper lip raiser", AU12="Lip corner puller", AU14="Dimpler")
    + _units("mouth", AU15="Lip corner depressor", AU17="Chin raiser", AU20="Lip stretcher")
    + _units("mouth", AU23="Lip tightener", AU25="Lips part", AU26="Jaw drop")
    + _units("eyes", AU45="Blink"),
)


def _sides(region: str, **labels: str) -> tuple[Axis, ...]:
    return tuple(
        Axis(f"{key}{side}", f"{label}, {name}", region, 0.0, 1.0)
        for key, label in labels.items()
        for side, name in (("L", "left"), ("R", "right"))
    )


# A superset of ACTION_UNITS: sides, the other lip and jaw units, gaze and head. Codes and names
# after Ekman, Friesen & Hager 2002, Facial Action Coding System; AD are action descriptors. Left
# is the person's left. At 1 the eyes turn by 25 degrees to a side or 20 up or down, the head by 15.
FACS = ExpressionSpace(
    "facs",
    _sides("brows", AU01="Inner brow raiser", AU02="Outer brow raiser", AU04="Brow lowerer")
    + _sides("eyes", AU05="Upper lid raiser", AU06="Cheek raiser", AU07="Lid tightener")
    + _sides("nose", AU09="Nose wrinkler")
    + _sides("mouth", AU10="Upper lip raiser", AU12="Lip corner puller", AU14="Dimpler")
    + _sides("mouth", AU15="Lip corner depressor", AU20="Lip stretcher")
    + _sides("eyes", AU45="Blink")
    + _units("mouth", AU16="Lower lip depressor", AU17="Chin raiser", AU18="Lip pucker")
    + _units("mouth", AU22="Lip funneler", AU23="Lip tightener", AU24="Lip pressor")
    + _units("mouth", AU25="Lips part", AU26="Jaw drop", AU27="Mouth stretch", AU28="Lip suck")
    + _units("mouth", AD29="Jaw thrust", AD30L="Jaw sideways, left", AD30R="Jaw sideways, right")
    + _units("cheeks", AD34="Cheek puff")
    + _units("gaze", AU61="Eyes left", AU62="Eyes right", AU63="Eyes up", AU64="Eyes down")
    + _units("head", AU51="Head left", AU52="Head right", AU53="Head up", AU54="Head down")
    + _units("head", AU55="Head tilt left", AU56="Head tilt right"),
    opposites=(
        ("AD30L", "AD30R"),
        ("AU61", "AU62"),
        ("AU63", "AU64"),
        ("AU51", "AU52"),
        ("AU53", "AU54"),
        ("AU55", "AU56"),
    ),
)

# Mehrabian & Russell 1974: every mood is a point of pleasure, arousal and dominance.
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
    """A space by its name: those above, or cN, N axes without a meaning, c0 to c(N-1)."""
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


def space_of_size(axes: int) -> ExpressionSpace:
    """What a network with that many conditions most likely means by them."""
    by_size = {len(space.axes): space for space in SPACES.values()}
    return by_size.get(axes) or space_named(f"c{axes}")
