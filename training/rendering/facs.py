"""The space FACS as movements of the face model: intensities of a fit, expressions of a target.

The movements and ranges of the 17 units are in units.py, and are used for each side separately;
those of the other axes are below. Intensities are 0..5, as in data files, in the order of FACS.
"""

import numpy as np

from moodganimation.expressions.axis_map import HEAD_PAIRS
from moodganimation.expressions.spaces import FACS
from moodganimation.networks.head import MAX_ANGLES

from . import units
from .eyes import MAX_GAZE
from .fit import Fit
from .units import (
    ACTIVATION_AT_5,
    AU15,
    AU26,
    LEFT,
    PARAMETERS,
    RIGHT,
    UNCHANGED,
    UNIT_COUNT,
    mean_of_sides,
)

N_AXES = len(FACS.axes)
# Further axes of FACS: movement of units.PARAMETERS, activations of the intensities 0 and 5.
ADDED_MOVEMENTS = {
    "AU16": ("mouthLowerDown", 0.0, 0.9),
    "AU18": ("mouthPucker", 0.15, 0.95),
    "AU22": ("mouthFunnel", 0.1, 0.9),
    "AU24": ("mouthPress", 0.0, 0.9),
    "AU28": ("mouthRoll", 0.0, 0.8),
    "AD29": ("jawForward", 0.1, 0.9),
    "AD30L": ("jawLeft", 0.1, 0.8),
    "AD30R": ("jawRight", 0.1, 0.8),
    "AD34": ("cheekPuff", 0.35, 1.1),
}
AU27_JAW_ACTIVATION = 1.3  # activation of AU26 that an intensity of 5 of AU27 adds
MAX_RENDERED_JAW = 2.4  # of AU26, AU27 included
# Asymmetry (half of left minus right) in fits of studio photos: its median, which is subtracted;
# and its noise, up to which it is set to 0.
ASYMMETRY_BIAS = {"AU06": 0.02, "AU09": -0.05, "AU10": -0.04, "AU12": 0.04, "AU14": -0.09}
ASYMMETRY_NOISE = 0.06
# Upper lids follow eyes that look down: the lids' movement and its activation at intensity 5 of the
# axis.
LOOK_DOWN_LIDS, LOOK_DOWN_AXIS, LIDS_ACTIVATION = "eyeLookDown", "AU64", 0.7
NEUTRAL_PITCH = 2.5  # degrees by which fits of level heads look down: the median of studio photos
GAZE_PAIRS = (("AU61", "AU62"), ("AU63", "AU64"))


def indices(*keys: str) -> np.ndarray:
    """Indices of axes in FACS."""
    return np.array([FACS.index(key) for key in keys])


_OPPOSITES = np.array([[FACS.index(a), FACS.index(b)] for a, b in FACS.opposites])


def intensities(fit: Fit, gaze: np.ndarray | None) -> np.ndarray:
    """The intensities (50,) of a fitted face. gaze: (2,), see `eyes.gaze_of`; None counts as 0."""
    values = np.zeros(N_AXES)
    left, right = _sides(fit.expression, _remove_bias_and_noise)
    values[LEFT], values[RIGHT] = units.intensities(left), units.intensities(right)
    has_one_axis = LEFT == RIGHT  # units without sides
    values[LEFT[has_one_axis]] = units.intensities(fit.expression[:UNIT_COUNT])[has_one_axis]
    for key, (movement, low, high) in ADDED_MOVEMENTS.items():
        activation = fit.expression[PARAMETERS.index(movement)]
        values[FACS.index(key)] = 5 * np.clip((activation - low) / (high - low), 0, 1)
    jaw = fit.expression[AU26] - ACTIVATION_AT_5[AU26]
    values[FACS.index("AU27")] = 5 * np.clip(jaw / AU27_JAW_ACTIVATION, 0, 1)
    turn = np.array([fit.yaw, NEUTRAL_PITCH - fit.pitch]) / MAX_ANGLES[:2]
    set_signed(values, HEAD_PAIRS[:2], turn)  # without tilt, since crops are upright
    if gaze is not None:
        set_signed(values, GAZE_PAIRS, gaze / np.radians(MAX_GAZE))
    return cancel_opposites(values)


def _sides(expression: np.ndarray, correct=lambda key, asymmetry: asymmetry):
    """The activations (17,) of the person's left side and of the right, from an expression (K,).

    correct: a correction of a unit's asymmetry, given the unit's key and that asymmetry.
    """
    left, right = (np.array(expression[:UNIT_COUNT]) for _ in "LR")
    for row, key in enumerate(units.ASYMMETRIC, UNIT_COUNT):
        unit, asymmetry = units.UNIT_KEYS.index(key), correct(key, expression[row])
        left[unit] += asymmetry
        right[unit] -= asymmetry
    return np.maximum(left, 0), np.maximum(right, 0)


def _remove_bias_and_noise(key: str, asymmetry: float) -> float:
    """Correct an asymmetry for the bias and noise of landmarks."""
    asymmetry -= ASYMMETRY_BIAS.get(key, 0.0)
    return np.sign(asymmetry) * max(abs(asymmetry) - ASYMMETRY_NOISE, 0)


def set_signed(values: np.ndarray, pairs, numbers: np.ndarray) -> None:
    """Set pairs of opposite axes from numbers in [-1, 1], positive along the first of a pair.

    values: (50,), changed in place. pairs: keys of opposites, such as GAZE_PAIRS and HEAD_PAIRS.
    """
    for (first, second), value in zip(pairs, numbers, strict=True):
        values[FACS.index(first)] = 5 * np.clip(value, 0, 1)
        values[FACS.index(second)] = 5 * np.clip(-value, 0, 1)


def signed_values(values: np.ndarray, pairs) -> np.ndarray:
    """The numbers in [-1, 1] that `set_signed` sets."""
    return np.array([values[FACS.index(a)] - values[FACS.index(b)] for a, b in pairs]) / 5


def cancel_opposites(values: np.ndarray) -> np.ndarray:
    """Subtract the lower of two opposites from both, so that one is 0. values: (50,)."""
    values = np.array(values, np.float64)
    values[_OPPOSITES] -= values[_OPPOSITES].min(1, keepdims=True)
    return values


def expression(
    target: np.ndarray, current_expression: np.ndarray, current: np.ndarray
) -> np.ndarray:
    """Compute the model's expression (K,) of a face with the intensities `target` (50,).

    current_expression (K,), current (50,): its expression and intensities now. Axes whose intensity
    does not change keep their activation.
    """
    result = units.expression(mean_of_sides(target), current_expression, mean_of_sides(current))
    change = target - current
    _set_sides(result, target, current_expression, current)
    for key, (movement, low, high) in ADDED_MOVEMENTS.items():
        axis = FACS.index(key)
        if abs(change[axis]) > UNCHANGED:
            activation = low + target[axis] / 5 * (high - low) if target[axis] else 0
            result[PARAMETERS.index(movement)] = activation
    # The fitted activation of AU26 includes AU27. If AU26 does not change, that activation is kept,
    # and only the change of AU27 is added; else it is set anew, and all of AU27 is added.
    keeps_jaw = abs(change[FACS.index("AU26")]) < UNCHANGED
    added = (change if keeps_jaw else target)[FACS.index("AU27")] / 5 * AU27_JAW_ACTIVATION
    result[AU26] = np.clip(result[AU26] + added, 0, MAX_RENDERED_JAW)
    lids, looks_down = PARAMETERS.index(LOOK_DOWN_LIDS), FACS.index(LOOK_DOWN_AXIS)
    result[lids] = max(result[lids] + change[looks_down] / 5 * LIDS_ACTIVATION, 0)
    return result


def _set_sides(
    result: np.ndarray, target: np.ndarray, current_expression: np.ndarray, current: np.ndarray
) -> None:
    """Set mean and asymmetry of changed lateral units in an expression (K,), in place."""
    left, right = (
        units.activations(target[side], activations, current[side])
        for side, activations in zip((LEFT, RIGHT), _sides(current_expression), strict=True)
    )
    changed = np.abs(target - current) > UNCHANGED
    changed = changed[LEFT] | changed[RIGHT]
    changed[AU15] |= changed[AU26]  # its activation includes a share of the jaw: JAW_ON_CORNERS
    for row, key in enumerate(units.ASYMMETRIC, UNIT_COUNT):
        unit = units.UNIT_KEYS.index(key)
        if key in FACS.lateral and changed[unit]:
            result[unit] = (left[unit] + right[unit]) / 2
            result[row] = (left[unit] - right[unit]) / 2


def gaze_change(target: np.ndarray, current: np.ndarray) -> np.ndarray:
    """The change (2,) of the gaze, to the person's left and up [rad]."""
    change = signed_values(target, GAZE_PAIRS) - signed_values(current, GAZE_PAIRS)
    return change * np.radians(MAX_GAZE)


def head_turn(target: np.ndarray, current: np.ndarray) -> np.ndarray:
    """The turn (3,) of the head to the person's left, up, and its tilt to the left, in shares of
    MAX_ANGLES."""
    return signed_values(target, HEAD_PAIRS) - signed_values(current, HEAD_PAIRS)
