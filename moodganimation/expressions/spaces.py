"""Expressions: points in a named space that people, data files, checkpoints and sliders share."""

import difflib
import math
from dataclasses import dataclass

import numpy as np

from ..errors import InvalidExpression, Message


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

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(axis.key for axis in self.axes)

    def __contains__(self, key: str) -> bool:
        return _canonical(key) in self.keys

    def index(self, key: str) -> int:
        """Position of an axis; `AU1` and `au01` mean `AU01`. Raises InvalidExpression."""
        try:
            return self.keys.index(_canonical(key))
        except ValueError:
            near = difflib.get_close_matches(_canonical(key), self.keys, 3, 0.4) or self.keys
            raise InvalidExpression(
                "{} is not an axis of {}; try {}.", repr(key), self.name, ", ".join(near)
            ) from None


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
        """The nearest point of the space to a finite vector (D,)."""
        low, high = np.array([(axis.low, axis.high) for axis in space.axes]).T
        return cls(space, tuple(np.clip(np.asarray(values, np.float64), low, high)))

    def replace(self, **values: float) -> "Expression":
        changed = list(self.values)
        for key, value in values.items():
            changed[self.space.index(key)] = value
        return Expression(self.space, tuple(changed))

    def __getitem__(self, key: str) -> float:
        return self.values[self.space.index(key)]

    def towards(self, other: "Expression", amount: float) -> "Expression":
        """The point at `amount` of the way to `other`: 0 is here, 1 is there."""
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
    """AU names in the two-digit form of OpenFace, all else in lower case."""
    unit = key.strip().upper().removeprefix("AU")
    return f"AU{int(unit):02d}" if unit.isdecimal() else key.strip().lower()


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

SPACES = {space.name: space for space in (ACTION_UNITS, PAD, VALENCE_AROUSAL)}


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
