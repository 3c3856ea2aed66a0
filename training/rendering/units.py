"""Action Units as movements of the face model, and the scale of their intensities.

An *activation* is the coefficient of a unit's movement in a fitted face; an *intensity*, 0..5, is
the value in data files. The movements were chosen by eye. The activations of the intensities 0
and 5 are the range of fits of photographs: the labels have OpenFace's scale, but are not its
output.
"""

import numpy as np

from moodganimation.expressions.sides import FACS_INDICES_OF_UNITS
from moodganimation.expressions.spaces import ACTION_UNITS

from . import mesh_points

# Unit: its movement at activation 1, blendshape -> weight (of both sides if there are two); the
# highest activation of intensity 0; the lowest activation of intensity 5.
UNIT_MOVEMENTS = {
    "AU01": ({"browInnerUp": 1.0}, 0.14, 0.90),
    "AU02": ({"browOuterUp": 1.0}, 0.22, 0.90),
    "AU04": ({"browDown": 1.3}, 0.10, 0.80),
    "AU05": ({"eyeWide": 0.75}, 0.16, 0.85),
    "AU06": ({"cheekSquint": 1.0, "eyeSquint": 0.25}, 0.12, 0.60),
    "AU07": ({"eyeSquint": 1.2}, 0.10, 0.75),
    "AU09": ({"noseSneer": 1.0}, 0.28, 0.85),
    "AU10": ({"mouthUpperUp": 0.5, "mouthShrugUpper": 0.45}, 0.14, 0.80),
    "AU12": ({"mouthSmile": 1.0}, 0.09, 1.00),
    "AU14": ({"mouthDimple": 1.0}, 0.02, 0.70),
    "AU15": ({"mouthFrown": 1.0}, 0.15, 0.90),
    "AU17": ({"mouthShrugLower": 0.9, "mouthShrugUpper": 0.25}, 0.14, 0.80),
    "AU20": ({"mouthStretch": 0.9}, 0.10, 0.85),
    "AU23": ({"mouthPress": 0.5, "mouthRollLower": 0.45, "mouthRollUpper": 0.45}, 0.09, 0.80),
    "AU25": ({"mouthLowerDown": 0.55, "mouthUpperUp": 0.35}, 0.05, 1.15),
    "AU26": ({"jawOpen": 0.45}, 0.08, 1.30),
    "AU45": ({"eyeBlink": 1.0}, 0.14, 1.00),
}
# Units whose sides may differ in a fit: the lateral units of FACS and AU25, whose asymmetry is kept
# but has no axis. The parameter "AUxx asymmetry" is half of left minus right.
ASYMMETRIC = (
    "AU01",
    "AU02",
    "AU04",
    "AU05",
    "AU06",
    "AU07",
    "AU09",
    "AU10",
    "AU12",
    "AU14",
    "AU15",
    "AU20",
    "AU25",
    "AU45",
)
# Movements outside the 17 units: fitted, and kept unless a target changes them.
EXTRA = (
    "mouthPucker",
    "mouthFunnel",
    "jawLeft",
    "jawRight",
    "jawForward",
    "mouthLeft",
    "mouthRight",
    "cheekPuff",
    "eyeLookDown",
    "eyeLookUp",
)
# Movements whose landmarks resemble those of other units: rendered, never fitted.
RENDER_ONLY = ("mouthLowerDown", "mouthPress", "mouthRoll")
UNIT_KEYS = ACTION_UNITS.keys
UNIT_COUNT = len(UNIT_KEYS)
# Indices in FACS of the 17 units, on the person's left side and on the right.
LEFT, RIGHT = (np.array([indices[end] for indices in FACS_INDICES_OF_UNITS]) for end in (0, -1))
PARAMETERS = (*UNIT_KEYS, *(f"{key} asymmetry" for key in ASYMMETRIC), *EXTRA, *RENDER_ONLY)
# The highest activation of intensity 0 and the lowest of intensity 5, (17,).
ACTIVATION_AT_0, ACTIVATION_AT_5 = np.array([UNIT_MOVEMENTS[key][1:] for key in UNIT_KEYS]).T
ACTIVATION_RANGE = ACTIVATION_AT_5 - ACTIVATION_AT_0
LIP_PARTING_UNITS = ("AU16", "AU22", "AU25", "AU26", "AU27")  # of FACS, at any intensity
COMBINED_BLENDSHAPES = {"mouthRoll": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0}}
MAX_RENDERED_ACTIVATION = 1.6  # of any unit; current activations may exceed it
MAX_AU15_ACTIVATION = 1.3  # with the share of the jaw
SNEER_ON_LIPS = 0.3  # share of AU09's movement that is kept below the nose, where it bares teeth
JAW_ON_CORNERS = 0.3  # activation of AU15 that compensates an activation of 1 of AU26
UNCHANGED = 1e-3  # intensities that differ by less are equal
MIN_SCALED_INTENSITY = 0.2  # asymmetry scales with units of a higher current intensity
MAX_ASYMMETRY_FACTOR = 1.3
CLOSED_POUT_FACTOR = 0.5  # of the activation of a pout where an open mouth closes
# Indices of units in UNIT_KEYS, and so in activations, intensities (17,) and expressions (K,).
AU05, AU10, AU15, AU17, AU20, AU23, AU25, AU26, AU45 = (
    ACTION_UNITS.index(key)
    for key in ("AU05", "AU10", "AU15", "AU17", "AU20", "AU23", "AU25", "AU26", "AU45")
)


def basis(names: list[str], shapes: np.ndarray, y: np.ndarray, mesh_y: np.ndarray) -> np.ndarray:
    """The movements (K, V, 3) of PARAMETERS, from `shapes` (N, V, 3), the blendshapes with these N
    names, such as `eyeBlink_L`.

    y (V,): heights of the neutral face; mesh_y (468,): those of its Face Mesh points.
    """
    weights = np.zeros((len(PARAMETERS), len(names)), np.float32)
    for row, key in enumerate(PARAMETERS):
        unit, _, asymmetry = key.partition(" ")
        mixed = (
            UNIT_MOVEMENTS[unit][0]
            if unit in UNIT_MOVEMENTS
            else COMBINED_BLENDSHAPES.get(unit, {unit: 1.0})
        )
        for shape, weight in mixed.items():
            signs = {
                shape: 0.0 if asymmetry else 1.0,
                f"{shape}_L": 1.0,
                f"{shape}_R": -1.0 if asymmetry else 1.0,
            }
            for name, sign in signs.items():
                if name in names:
                    weights[row, names.index(name)] = sign * weight
    movements = np.tensordot(weights, shapes, 1)
    nose, lip = mesh_y[mesh_points.NOSE_BASE], mesh_y[mesh_points.LIP_TOP]
    below_nose = smoothstep((nose - y) / (nose - lip))
    movements[UNIT_KEYS.index("AU09")] *= (1 - (1 - SNEER_ON_LIPS) * below_nose)[:, None]
    return movements


def smoothstep(x: np.ndarray) -> np.ndarray:
    """3 x^2 - 2 x^3 of x clipped to [0, 1]."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def mean_of_sides(values):
    """Convert values in FACS (..., 50), an array or tensor, to those of the 17 units (..., 17)."""
    return (values[..., LEFT] + values[..., RIGHT]) / 2


def intensities(activations: np.ndarray) -> np.ndarray:
    """Convert activations (17,) to intensities 0..5."""
    own = np.array(activations, np.float64)
    own[AU15] -= JAW_ON_CORNERS * own[AU26]  # landmarks of an open jaw resemble AU15
    shares = (own - ACTIVATION_AT_0) / ACTIVATION_RANGE
    return suppress_hidden_chin(5 * np.clip(shares, 0, 1))


def suppress_hidden_chin(values: np.ndarray) -> np.ndarray:
    """Lower AU17 (chin raiser) in intensities (17,) as the mouth opens, where it is not visible."""
    values = np.clip(np.array(values, np.float64), 0, 5)
    values[AU17] *= 1 - np.clip((max(values[AU25], values[AU26]) - 1) / 2, 0, 1)
    return values


def activations(
    target: np.ndarray, current_activations: np.ndarray, current: np.ndarray
) -> np.ndarray:
    """Compute the activations (17,) of a face with the intensities `target` (17,).

    current_activations, current: those of the face now, and its intensities. Units whose intensity
    does not change keep their activation.
    """
    target = np.asarray(target, np.float64)
    current_activations = np.asarray(current_activations, np.float64)
    same = np.abs(target - current) < UNCHANGED
    at_zero = np.minimum(current_activations, ACTIVATION_AT_0)  # lower ones have intensity 0, too
    result = np.where(target > 0, ACTIVATION_AT_0 + target / 5 * ACTIVATION_RANGE, at_zero)
    closed = np.isin(np.arange(UNIT_COUNT), (AU25, AU26)) & (target <= 0)
    result = np.where(same, current_activations, np.where(closed, 0, result))
    if not (same[AU15] and same[AU26]):
        own = result[AU15]  # without the share of the jaw, see `intensities`
        if same[AU15]:
            own = current_activations[AU15] - JAW_ON_CORNERS * current_activations[AU26]
        result[AU15] = np.clip(own + JAW_ON_CORNERS * result[AU26], 0, MAX_AU15_ACTIVATION)
    return np.clip(result, 0, np.maximum(MAX_RENDERED_ACTIVATION, current_activations))


def expression(
    target: np.ndarray, current_expression: np.ndarray, current: np.ndarray
) -> np.ndarray:
    """Compute the expression (K,) of a face with the intensities `target` (17,).

    current_expression (K,), current (17,): its expression and intensities now. The asymmetry of a
    unit scales with the unit; a pout is halved where an open mouth closes.
    """
    result = np.array(current_expression, np.float64)
    result[:UNIT_COUNT] = activations(target, result[:UNIT_COUNT], current)
    for row, key in enumerate(ASYMMETRIC, UNIT_COUNT):
        unit = UNIT_KEYS.index(key)
        if current[unit] > MIN_SCALED_INTENSITY:
            result[row] *= np.clip(target[unit] / current[unit], 0, MAX_ASYMMETRY_FACTOR)
    if target[AU25] + target[AU26] == 0 < current[AU25] + current[AU26]:
        for name in ("mouthFunnel", "mouthPucker"):
            result[PARAMETERS.index(name)] *= CLOSED_POUT_FACTOR
    return result
