"""Action Units with and without sides, as arrays or tensors: (..., 50) in FACS, (..., 17) in
ACTION_UNITS.

From FACS, a unit is the mean of its sides and all other axes are left out. The other way starts
from an expression in FACS, which says all that the 17 units do not.
"""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from moodganimation.expressions.sides import PLACES
from moodganimation.expressions.spaces import ACTION_UNITS

Values = TypeVar("Values", np.ndarray, Tensor)

SAME = 1e-4  # units that differ by less have the same value, but for rounding
# Where FACS has each of the 17 units, on both sides of the face.
LEFT, RIGHT = ([places[end] for places in PLACES] for end in (0, -1))


def units_of(values: Values) -> Values:
    """(..., 50) or (..., 17) -> (..., 17)."""
    if values.shape[-1] == len(ACTION_UNITS.axes):
        return values
    return (values[..., LEFT] + values[..., RIGHT]) / 2


def in_facs(units: Tensor, start: Tensor) -> Tensor:
    """Units (N, 17) asked of faces that show `start` (N, 50), as (N, 50): both sides alike of every
    unit that is to change, and all else as it is."""
    result, units = start.clone(), units.to(start)
    changes = (units - units_of(start)).abs() > SAME
    for side in (LEFT, RIGHT):
        result[:, side] = torch.where(changes, units, result[:, side])
    return result
