"""How the axes of FACS move a face: which field each takes, on which side, and what turns the head.

A field is linear in its weight, so both sides of a unit share one, and two axes that undo each
other (a jaw to the left and to the right) are one field with two signs.
"""

from typing import NamedTuple

import numpy as np

from .spaces import FACS, ExpressionSpace

HEAD = (("AU51", "AU52"), ("AU53", "AU54"), ("AU55", "AU56"))  # turn, nod, tilt: left or up first
SIGNED = {"AD30L": ("AD30", 1.0), "AD30R": ("AD30", -1.0)}  # field and sign
SIGNED |= {"AU61": ("AU61", 1.0), "AU62": ("AU61", -1.0)}  # lids follow eyes up and down otherwise
SIDEWAYS = (("AD30L", "AD30R"), ("AU61", "AU62"), ("AU51", "AU52"), ("AU55", "AU56"))


class AxisMap(NamedTuple):
    """D axes of a space, U units with a field each."""

    units: tuple[str, ...]  # names of the fields
    left: np.ndarray  # (D, U) float32: what an axis adds to the units of the person's left side
    right: np.ndarray  # (D, U)
    turns: np.ndarray  # (D, 3): and to the turn of the head, see `networks.head`


def axis_map(space: ExpressionSpace) -> AxisMap:
    """The map of FACS; of every other space each axis has a field of its own and none a side."""
    if space != FACS:
        own, none = np.eye(len(space.axes), dtype=np.float32), np.zeros((len(space.axes), 3))
        return AxisMap(space.keys, own, own, np.float32(none))
    units = dict.fromkeys(_unit(axis.key)[0] for axis in space.axes if axis.region != "head")
    names = tuple(units)
    shape = len(space.axes), len(names)
    left, right, turns = np.zeros(shape), np.zeros(shape), np.zeros((len(space.axes), 3))
    for row, axis in enumerate(space.axes):
        if axis.region == "head":
            turns[row] = [(axis.key == a) - (axis.key == b) for a, b in HEAD]
            continue
        name, sign, side = _unit(axis.key)
        if side in ("L", ""):
            left[row, names.index(name)] = sign
        if side in ("R", ""):
            right[row, names.index(name)] = sign
    return AxisMap(names, *map(np.float32, (left, right, turns)))


def mirrored(space: ExpressionSpace) -> np.ndarray:
    """(D,) the axis that each axis of a face is in its mirror image."""
    swapped = {f"{key}{a}": f"{key}{b}" for key in space.lateral for a, b in ("LR", "RL")}
    if space == FACS:
        for a, b in SIDEWAYS:
            swapped |= {a: b, b: a}
    return np.array([space.keys.index(swapped.get(key, key)) for key in space.keys])


def _unit(key: str) -> tuple[str, float, str]:
    """The field of an axis, its sign, and the side: L, R, or both, which is empty."""
    if key in SIGNED:
        return *SIGNED[key], ""
    return (key[:-1], 1.0, key[-1]) if key[:-1] in FACS.lateral else (key, 1.0, "")
