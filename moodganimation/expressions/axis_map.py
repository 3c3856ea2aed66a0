"""The motion field, side and sign of each FACS axis, and the axes that turn the head.

A face moves by its motion fields times their weights, which may differ between its left and its
right side, and may be negative. So both sides of a unit share one field, and two opposite axes (jaw
left, jaw right) share one with different signs.
"""

from typing import NamedTuple

import numpy as np

from .spaces import FACS, ExpressionSpace

# The axes of each rotation of the head, as (positive, negative): yaw (left, right), pitch (up,
# down) and roll (left, right).
HEAD_PAIRS = (("AU51", "AU52"), ("AU53", "AU54"), ("AU55", "AU56"))
# Opposite axes that share a field: axis -> (field, sign). Eyes up (AU63) and eyes down (AU64) have
# a field each, because the lids move differently.
SIGNED_FIELDS = {"AD30L": ("AD30", 1.0), "AD30R": ("AD30", -1.0)}
SIGNED_FIELDS |= {"AU61": ("AU61", 1.0), "AU62": ("AU61", -1.0)}
# Axes that a mirrored photo exchanges, beside the two sides of lateral units.
MIRRORED_PAIRS = (("AD30L", "AD30R"), ("AU61", "AU62"), ("AU51", "AU52"), ("AU55", "AU56"))


class AxisMap(NamedTuple):
    """How D axes move the face: linear maps (float32) to the weights of F motion fields."""

    fields: tuple[str, ...]  # (F,) names
    left: np.ndarray  # (D, F): weight of each field on the person's left side, per axis at 1
    right: np.ndarray  # (D, F): the same on the person's right side
    # (D, 3): yaw of the head to the person's left, pitch up, and roll to the left, per axis at 1;
    # -1 to 1, in units of `networks.head.MAX_ANGLES`.
    turns: np.ndarray


def axis_map(space: ExpressionSpace) -> AxisMap:
    """Return the axis map of a space.

    In every space but FACS, each axis has its own field, which moves both sides equally, and no
    axis turns the head.
    """
    if space != FACS:
        identity = np.eye(len(space.axes), dtype=np.float32)
        no_turns = np.zeros((len(space.axes), 3), np.float32)
        return AxisMap(space.keys, identity, identity, no_turns)
    fields = dict.fromkeys(_field_of(axis.key)[0] for axis in space.axes if axis.region != "head")
    names = tuple(fields)
    shape = len(space.axes), len(names)
    left, right, turns = np.zeros(shape), np.zeros(shape), np.zeros((len(space.axes), 3))
    for row, axis in enumerate(space.axes):
        if axis.region == "head":
            turns[row] = [
                (axis.key == positive) - (axis.key == negative) for positive, negative in HEAD_PAIRS
            ]
            continue
        name, sign, side = _field_of(axis.key)
        if side in ("L", ""):
            left[row, names.index(name)] = sign
        if side in ("R", ""):
            right[row, names.index(name)] = sign
    return AxisMap(names, *map(np.float32, (left, right, turns)))


def mirrored_axes(space: ExpressionSpace) -> np.ndarray:
    """Return, for each axis, the index of the axis that it becomes in a mirrored photo: (D,)."""
    swapped = {f"{key}{a}": f"{key}{b}" for key in space.lateral for a, b in ("LR", "RL")}
    if space == FACS:
        for a, b in MIRRORED_PAIRS:
            swapped |= {a: b, b: a}
    return np.array([space.keys.index(swapped.get(key, key)) for key in space.keys])


def _field_of(key: str) -> tuple[str, float, str]:
    """Return the field of an axis, its sign, and its side: "L", "R", or "" for both."""
    if key in SIGNED_FIELDS:
        return *SIGNED_FIELDS[key], ""
    return (key[:-1], 1.0, key[-1]) if key[:-1] in FACS.lateral else (key, 1.0, "")
