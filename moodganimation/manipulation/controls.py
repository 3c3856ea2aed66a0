"""Controls: the axes, or pairs of axes, of an expression that one drag can change."""

from dataclasses import dataclass

import numpy as np

from ..expressions.sides import GAZE_AND_HEAD
from ..expressions.spaces import ACTION_UNITS, Expression, ExpressionSpace


@dataclass(frozen=True)
class Control:
    """An axis, both sides of a unit, or two opposite axes. D is the number of axes of the space.

    The value of a control is the mean of its raised axes, minus its lowered axis if it has one. It
    is from `low` (see `apply_changes`) to 1, or for opposites from -1 to 1.
    """

    key: str  # such as AU12 for both sides, AU12L for one, AU61 for AU61 and AU62
    opposite: str | None  # key of the lowered axis: AU62 for AU61
    region: str  # of its axes, see `Axis`
    raised_axes: tuple[int, ...]  # indices of the axes that rise with the control
    lowered_axes: tuple[int, ...] = ()  # of opposites: the index of the other axis

    @property
    def moves_gaze_or_head(self) -> bool:
        return self.region in GAZE_AND_HEAD

    @property
    def in_action_units(self) -> bool:
        """Whether it is a unit of ACTION_UNITS or one side of it, not one that only FACS has."""
        return self.key.rstrip("LR") in ACTION_UNITS

    def describe_change(self, before: np.ndarray, after: np.ndarray) -> tuple[str, float]:
        """Return the change between two vectors (D,) as a key and an amount.

        Of two opposites, the key is that of the one above 0 afterwards; if both are 0, of the one
        that was above 0 before.
        """
        value, amount = float(self.values(after)), float(self.values(after) - self.values(before))
        if self.opposite and (value < 0 or (value == 0 and amount > 0)):
            return self.opposite, round(-amount, 2)
        return self.key, round(amount, 2)

    def values(self, vectors: np.ndarray) -> np.ndarray:
        """Return the control's values in expression vectors (..., D)."""
        value = sum(vectors[..., i] for i in self.raised_axes) / len(self.raised_axes)
        return value - vectors[..., self.lowered_axes[0]] if self.lowered_axes else value

    def apply_changes(
        self, vector: np.ndarray, amounts: np.ndarray | float, low: float = 0.0
    ) -> np.ndarray:
        """Return (N, D): a vector (D,) with the control changed by each of N amounts.

        Values are clipped to the range of the axes, from `low` to 1.
        """
        amounts = np.atleast_1d(amounts)
        result = np.repeat(vector[None], len(amounts), 0)
        if self.lowered_axes:
            value = (self.values(vector) + amounts).clip(-1, 1)[:, None]
            result[:, list(self.raised_axes)] = value.clip(0, 1)
            result[:, list(self.lowered_axes)] = (-value).clip(0, 1)
        else:
            indices = list(self.raised_axes)
            result[:, indices] = (vector[indices] + amounts[:, None]).clip(low, 1)
        return result

    def limits(self, vector: np.ndarray, low: float = 0.0) -> tuple[float, float]:
        """Return the lowest and the highest amount (<= 0, >= 0) by which the control can change.

        At these amounts, both sides of a unit have reached the end of the range, `low` or 1. The
        side that reaches it first is clipped.
        """
        if self.lowered_axes:
            value = float(self.values(vector))
            return -1 - value, 1 - value
        values = vector[list(self.raised_axes)]
        return float(low - values.max()), float(1 - values.min())


def make_controls(space: ExpressionSpace, side: str | None = None) -> list[Control]:
    """Return all controls of a space.

    side: "L" or "R" for controls of one side of each unit; None for controls of both sides.
    """
    opposites = dict(space.opposites)
    lowered_keys, found = set(opposites.values()), {}
    for axis, key in zip(space.axes, space.keys, strict=True):
        unit = key[:-1] if key[:-1] in space.lateral else key
        if key in lowered_keys or (side and unit != key and key[-1] != side):
            continue
        key = key if side else unit
        lowered_axes = space.indices(opposites[key]) if key in opposites else ()
        found[key] = Control(key, opposites.get(key), axis.region, space.indices(key), lowered_axes)
    return list(found.values())


def rounded_expression(before: Expression, vector: np.ndarray) -> Expression:
    """Return a vector (D,) as an expression; values that differ from `before` are rounded to 0.01.

    That is the step of sliders.
    """
    old = before.vector()
    return Expression.clipped(before.space, np.where(vector == old, old, np.round(vector, 2)))
