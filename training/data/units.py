"""Action Units with and without sides, as arrays or tensors: (..., 50) in FACS, (..., 17) in
ACTION_UNITS.

From FACS, a unit is the mean of its sides and all other axes are dropped. The conversion to FACS
starts from an expression in FACS, which has the values of all other axes.
"""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from moodganimation.expressions.spaces import ACTION_UNITS

from ..rendering.units import LEFT, RIGHT, mean_of_sides

Values = TypeVar("Values", np.ndarray, Tensor)

TOLERANCE = 1e-4  # units that differ by at most this much are equal up to rounding


def units_of(values: Values) -> Values:
    """Convert values in FACS (..., 50) to the 17 units (..., 17); return units as they are."""
    if values.shape[-1] == len(ACTION_UNITS.axes):
        return values
    return mean_of_sides(values)


def in_facs(units: Tensor, start: Tensor) -> Tensor:
    """Convert target units (N, 17) of faces with the expressions `start` (N, 50) to FACS (N, 50).

    Units that change get the target value on both sides; all other axes keep their values.
    """
    result, units = start.clone(), units.to(start)
    changes = (units - units_of(start)).abs() > TOLERANCE
    for side in (LEFT, RIGHT):
        result[:, side] = torch.where(changes, units, result[:, side])
    return result
