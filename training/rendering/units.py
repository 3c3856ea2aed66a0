"""Action Units as movements of the face model, and how strongly they must move to count.

An *activation* is the coefficient of a unit's movement in a fitted face; an *intensity*, 0..5, is
what data files say. The movements were chosen by looking at them, the ends LOW and HIGH by what
fits of photographs spread over: the labels are like OpenFace's, not its output.
"""

import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS

from . import mesh_points

# unit: its movement at activation 1, blendshape -> weight (of both sides where it has two), and the
# activations at which intensity 0 ends and 5 begins
TABLE = {
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
# units that may be stronger on one side of a face; their difference is fitted, too
LOPSIDED = (
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
# movements that belong to no unit of the 17: fitted, and left as they are unless asked for
OTHER = (
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
# movements that landmarks cannot tell from those of other units: asked for, never fitted
RENDERED = ("mouthLowerDown", "mouthPress", "mouthRoll")
KEYS = ACTION_UNITS.keys
N = len(KEYS)
PARAMETERS = (*KEYS, *(f"{key} left" for key in LOPSIDED), *OTHER, *RENDERED)
LOW, HIGH = np.array([TABLE[key][1:] for key in KEYS]).T
COMBINED = {"mouthRoll": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0}}
STRONGEST = 1.6  # activation
SNEER_ON_LIPS = 0.3  # share of AU09 below the nose: the scanned one bares the teeth
JAW_ON_CORNERS = 0.3  # activation of AU15 that the model needs to undo one of AU26
AU05, AU10, AU15, AU17, AU20, AU23, AU25, AU26, AU45 = (
    ACTION_UNITS.index(key)
    for key in ("AU05", "AU10", "AU15", "AU17", "AU20", "AU23", "AU25", "AU26", "AU45")
)


def basis(names: list[str], shapes: np.ndarray, y: np.ndarray, mesh_y: np.ndarray) -> np.ndarray:
    """(K, V, 3) movements of PARAMETERS from blendshapes (S, V, 3) with names like `eyeBlink_L`.

    y (V,): heights of the neutral face; mesh_y (468,): those of its Face Mesh points.
    """
    weights = np.zeros((len(PARAMETERS), len(names)), np.float32)
    for row, key in enumerate(PARAMETERS):
        unit, _, left = key.partition(" ")
        mixed = TABLE[unit][0] if unit in TABLE else COMBINED.get(unit, {unit: 1.0})
        for shape, weight in mixed.items():
            sides = {
                shape: 0.0 if left else 1.0,
                f"{shape}_L": 1.0,
                f"{shape}_R": -1.0 if left else 1.0,
            }
            for side, sign in sides.items():
                if side in names:
                    weights[row, names.index(side)] = sign * weight
    movements = np.tensordot(weights, shapes, 1)
    nose, lip = mesh_y[mesh_points.NOSE_BASE], mesh_y[mesh_points.LIP_TOP]
    below = smooth((nose - y) / (nose - lip))
    movements[KEYS.index("AU09")] *= (1 - (1 - SNEER_ON_LIPS) * below)[:, None]
    return movements


def smooth(x: np.ndarray) -> np.ndarray:
    """From 0 at 0 to 1 at 1, level at both ends."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def intensities(activations: np.ndarray) -> np.ndarray:
    """(17,) activations -> intensities 0..5."""
    own = np.array(activations, np.float64)
    own[AU15] -= JAW_ON_CORNERS * own[AU26]
    return fair(5 * np.clip((own - LOW) / (HIGH - LOW), 0, 1))


def fair(values: np.ndarray) -> np.ndarray:
    """(17,) intensities with AU17 fading out as the mouth opens, where it cannot be told."""
    values = np.clip(np.array(values, np.float64), 0, 5)
    values[AU17] *= 1 - np.clip((max(values[AU25], values[AU26]) - 1) / 2, 0, 1)
    return values


def activations(target: np.ndarray, source: np.ndarray, now: np.ndarray) -> np.ndarray:
    """(17,) activations that show the intensities `target` in a face.

    source, now: activations and intensities of the face as it is. Units that shall not change keep
    their activation.
    """
    target, source = np.asarray(target, np.float64), np.asarray(source, np.float64)
    same = np.abs(target - now) < 1e-3
    wanted = np.where(target > 0, LOW + target / 5 * (HIGH - LOW), np.minimum(source, LOW))
    closed = np.isin(np.arange(N), (AU25, AU26)) & (target <= 0)
    wanted = np.where(same, source, np.where(closed, 0, wanted))
    if not (same[AU15] and same[AU26]):
        alone = source[AU15] - JAW_ON_CORNERS * source[AU26] if same[AU15] else wanted[AU15]
        wanted[AU15] = np.clip(alone + JAW_ON_CORNERS * wanted[AU26], 0, 1.3)
    return np.clip(wanted, 0, np.maximum(STRONGEST, source))


def expression(target: np.ndarray, source: np.ndarray, now: np.ndarray) -> np.ndarray:
    """(K,) the whole expression with the intensities `target`; source (K,): the face's as it is.

    What differs between the sides follows its unit; pouted lips half relax where a mouth closes.
    """
    changed = np.array(source, np.float64)
    changed[:N] = activations(target, changed[:N], now)
    for row, key in enumerate(PARAMETERS[N : N + len(LOPSIDED)], N):
        unit = KEYS.index(key.partition(" ")[0])
        if now[unit] > 0.2:
            changed[row] *= np.clip(target[unit] / now[unit], 0, 1.3)
    if target[AU25] + target[AU26] == 0 < now[AU25] + now[AU26]:
        for name in ("mouthFunnel", "mouthPucker"):
            changed[PARAMETERS.index(name)] *= 0.5
    return changed
