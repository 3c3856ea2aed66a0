"""The space FACS as movements of the face model: what is read in a fit, and what a target asks.

The 17 units have their movements and ends in units.py, here for each side apart; the others are
below. Intensities are 0..5, as data files say them, in the order of FACS.
"""

import numpy as np

from moodganimation.expressions.axis_map import HEAD
from moodganimation.expressions.sides import PLACES
from moodganimation.expressions.spaces import FACS
from moodganimation.networks.head import MAX_ANGLES

from . import units
from .eyes import MAX_GAZE
from .fit import Fit
from .units import AU15, AU26, HIGH, PARAMETERS, N

N_AXES = len(FACS.axes)
# movement of units.PARAMETERS, and its activation where intensity 0 ends and at intensity 5
CENTRAL = {
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
STRETCH = 1.3  # activation of the jaw that AU27 adds to that of AU26
MOST_JAW = 2.4  # activation of the jaw
# Half the difference of the sides in fits of studio photos, median, and half of its spread.
BIAS = {"AU06": 0.02, "AU09": -0.05, "AU10": -0.04, "AU12": 0.04, "AU14": -0.09}
NOISE = 0.06
LIDS = {"eyeLookDown": "AU64"}  # upper lids follow eyes that look down
LIDS_FOLLOW = 0.7  # activation at intensity 5
NEUTRAL_PITCH = 2.5  # degrees by which fits of level heads look down: the median of studio photos
GAZE = (("AU61", "AU62"), ("AU63", "AU64"))


def index(*keys: str) -> np.ndarray:
    return np.array([FACS.index(key) for key in keys])


# Where FACS has each of the 17 units, on the left side of the face and on the right.
LEFT, RIGHT = (np.array([places[end] for places in PLACES]) for end in (0, -1))
_OPPOSITES = np.array([[FACS.index(a), FACS.index(b)] for a, b in FACS.opposites])


def intensities(fit: Fit, gaze: np.ndarray | None) -> np.ndarray:
    """(50,) intensities of a fitted face with gaze (2,), see `eyes.gaze_of`; without, it is 0."""
    values = np.zeros(N_AXES)
    left, right = _sides(fit.expression, _shrunk)
    values[LEFT], values[RIGHT] = units.intensities(left), units.intensities(right)
    central = np.isin(np.arange(N), np.flatnonzero(LEFT == RIGHT))
    values[LEFT[central]] = units.intensities(fit.expression[:N])[central]
    for key, (movement, low, high) in CENTRAL.items():
        activation = fit.expression[PARAMETERS.index(movement)]
        values[FACS.index(key)] = 5 * np.clip((activation - low) / (high - low), 0, 1)
    jaw = fit.expression[AU26] - HIGH[AU26]
    values[FACS.index("AU27")] = 5 * np.clip(jaw / STRETCH, 0, 1)
    set_signed(values, HEAD[:2], np.array([fit.yaw, NEUTRAL_PITCH - fit.pitch]) / MAX_ANGLES[:2])
    if gaze is not None:
        set_signed(values, GAZE, gaze / np.radians(MAX_GAZE))
    return exclusive(values)


def _sides(expression: np.ndarray, difference=lambda key, half: half):
    """(17,) activations of the person's left side and of the right, from an expression (K,).

    difference: of a unit's key and half the difference of its sides, what it is taken for.
    """
    left, right = np.array(expression[:N]), np.array(expression[:N])
    for row, key in enumerate(units.LOPSIDED, N):
        unit, half = units.KEYS.index(key), difference(key, expression[row])
        left[unit] += half
        right[unit] -= half
    return np.maximum(left, 0), np.maximum(right, 0)


def _shrunk(key: str, half: float) -> float:
    """Half a difference of the sides, without what landmarks of symmetric faces show of it."""
    half -= BIAS.get(key, 0.0)
    return np.sign(half) * max(abs(half) - NOISE, 0)


def set_signed(values: np.ndarray, pairs, signed: np.ndarray) -> None:
    """Set pairs of opposite axes from numbers in [-1, 1], positive along the first of a pair."""
    for (first, second), value in zip(pairs, signed, strict=True):
        values[FACS.index(first)] = 5 * np.clip(value, 0, 1)
        values[FACS.index(second)] = 5 * np.clip(-value, 0, 1)


def signed(values: np.ndarray, pairs) -> np.ndarray:
    """The numbers in [-1, 1] that `set_signed` sets."""
    return np.array([values[FACS.index(a)] - values[FACS.index(b)] for a, b in pairs]) / 5


def exclusive(values: np.ndarray) -> np.ndarray:
    """(50,) with one of two opposites at 0."""
    values = np.array(values, np.float64)
    values[_OPPOSITES] -= values[_OPPOSITES].min(1, keepdims=True)
    return values


def of_units(values: np.ndarray) -> np.ndarray:
    """(17,) intensities of ACTION_UNITS, the mean of the sides, from (50,)."""
    return (values[..., LEFT] + values[..., RIGHT]) / 2


def expression(target: np.ndarray, source: np.ndarray, now: np.ndarray) -> np.ndarray:
    """(K,) the expression of the model with the intensities `target` (50,) in a face.

    source (K,), now (50,): expression and intensities of the face as it is. Axes that shall not
    change keep their activation.
    """
    whole = units.expression(of_units(target), source, of_units(now))
    each = [
        units.activations(target[side], activation, now[side])
        for side, activation in zip((LEFT, RIGHT), _sides(source), strict=True)
    ]
    changed = np.abs(target - now) > 1e-3
    changed = changed[LEFT] | changed[RIGHT]
    changed[AU15] |= changed[AU26]
    for row, key in enumerate(units.LOPSIDED, N):
        unit = units.KEYS.index(key)
        if key in FACS.lateral and changed[unit]:
            whole[unit] = (each[0][unit] + each[1][unit]) / 2
            whole[row] = (each[0][unit] - each[1][unit]) / 2
    for key, (movement, low, high) in CENTRAL.items():
        place = FACS.index(key)
        if abs(target[place] - now[place]) > 1e-3:
            asked = low + target[place] / 5 * (high - low) if target[place] else 0
            whole[PARAMETERS.index(movement)] = asked
    change, stretch, jaw = target - now, FACS.index("AU27"), FACS.index("AU26")
    added = (change if abs(change[jaw]) < 1e-3 else target)[stretch] / 5 * STRETCH
    whole[AU26] = np.clip(whole[AU26] + added, 0, MOST_JAW)
    for movement, key in LIDS.items():
        row = PARAMETERS.index(movement)
        whole[row] = max(whole[row] + change[FACS.index(key)] / 5 * LIDS_FOLLOW, 0)
    return whole


def gaze_change(target: np.ndarray, now: np.ndarray) -> np.ndarray:
    """(2,) by how much the eyes turn left and up [rad]."""
    return (signed(target, GAZE) - signed(now, GAZE)) * np.radians(MAX_GAZE)


def head_change(target: np.ndarray, now: np.ndarray) -> np.ndarray:
    """(3,) by how much the head turns left, up and tilts left, in shares of MAX_ANGLES."""
    return signed(target, HEAD) - signed(now, HEAD)
