"""Random target expressions with which photos are re-rendered.

Intensities are 0..5 in the space FACS, (50,).
"""

from dataclasses import dataclass

import numpy as np

from moodganimation.expressions.moods import PROTOTYPES, action_units_of
from moodganimation.expressions.sides import GAZE_AND_HEAD
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, PAD, Expression

from . import facs
from .units import suppress_hidden_chin

EMOTIONS = ("happy", "surprised", "afraid", "angry", "disgusted", "sad")
# Weights of units (default 1) when a single one is drawn: higher for small movements and for those
# that open the mouth.
UNIT_WEIGHTS = {
    "AU04": 1.3,
    "AU05": 1.2,
    "AU06": 1.3,
    "AU07": 1.5,
    "AU09": 1.2,
    "AU12": 1.2,
    "AU14": 1.2,
    "AU23": 1.2,
    "AU25": 2.0,
    "AU26": 1.1,
    "AU45": 1.6,
    "AD29": 0.6,
    "AD34": 0.7,
}
MIN_LOWERABLE = 0.8  # intensity above which a unit counts as shown, so that it can be lowered
MIN_CHANGE = 0.5  # least change of intensity that is worth a pair
# Intensity above which conflicts are resolved: of the raised unit of the lips; of either unit of
# the lids.
MIN_CONFLICT = 1.5
# Probability of each kind of target if no units are requested; `_DRAW` has its function. The names,
# but "emotion", are values of the column `kind` of pairs.csv.
KIND_SHARES = {
    "single_up": 0.16,
    "single_down": 0.08,
    "side": 0.14,  # one side of one or two units
    "sides": 0.08,  # both sides of a unit, differently
    "gaze": 0.12,
    "turn": 0.06,
    "pair": 0.10,  # two units
    "emotion": 0.10,
    "neutral": 0.06,
    "other": 0.06,  # the expression of another photo
    "mood": 0.04,
}
_IS_GAZE_OR_HEAD = np.array([axis.region in GAZE_AND_HEAD for axis in FACS.axes])
_IS_HEAD = np.array([axis.region == "head" for axis in FACS.axes])
# Units that are drawn: lateral units as a whole, and all other axes except gaze and head.
_FACE_KEYS = [axis.key for axis in FACS.axes if axis.region not in GAZE_AND_HEAD]
UNITS = (*FACS.lateral, *(key for key in _FACE_KEYS if key[:-1] not in FACS.lateral))
_LIDS = [facs.indices(f"AU05{side}", f"AU45{side}") for side in "LR"]
_TIGHT_LIPS = facs.indices("AU23", "AU24")
_RESET_BY_TIGHT_LIPS = facs.indices("AU16", "AU25", "AU26", "AU27")  # LIP_PARTING_UNITS but AU22
_CHIN_AND_JAW = facs.indices("AU17", "AU25", "AU26")
_OPPOSITE = dict(FACS.opposites) | {b: a for a, b in FACS.opposites}


@dataclass(frozen=True)
class TargetOptions:
    """Which targets are drawn, by the command's options."""

    units: tuple[str, ...] = ()  # to change: keys of FACS or of lateral units; empty: a random mix
    # Least intensity of requested units, and of those raised by `single_share`
    low: float = 2.0
    single_share: float = 0.0  # share of targets that move one unit alone


def draw_target(
    rng: np.random.Generator,
    current: np.ndarray,
    pool: np.ndarray,
    options: TargetOptions,
) -> tuple[str, np.ndarray]:
    """Draw a target (50,) of intensities 0..5; return its kind and the target.

    current: (50,), the photo's intensities. pool: (P, 50), expressions that targets of the kind
    "other" are drawn from: those of all photos. The kind is a key of KIND_SHARES, "chosen" for
    requested units, or for "emotion" the name of the emotion.
    """
    if options.single_share and rng.random() < options.single_share:
        kind, target = _change_single(rng, current, options)
    elif options.units:
        kind, target = "chosen", current.copy()
        for key in options.units:
            _set_unit(target, key, rng.uniform(options.low, 5))
    else:
        kind = str(rng.choice(list(KIND_SHARES), p=list(KIND_SHARES.values())))
        kind, target = _DRAW[kind](rng, current, pool)
    return kind, _without_conflicts(target, current, kind)


def differs_enough(target: np.ndarray, current: np.ndarray) -> bool:
    """Whether some intensity changes by at least MIN_CHANGE."""
    return bool(np.abs(target - current).max() >= MIN_CHANGE)


def _without_conflicts(target: np.ndarray, current: np.ndarray, kind: str) -> np.ndarray:
    """Set units to 0 that cannot occur together with a raised one."""
    target = np.array(target)
    raised = target - current
    for lids in _LIDS:  # lids cannot open wide and close: the raised unit stays
        if raised[lids].max() > 0 and target[lids].max() > MIN_CONFLICT:
            target[lids[int(raised[lids].argmin())]] = 0
    for axis in _TIGHT_LIPS:  # lips tighten when closed; "other" occurred in a photo and stays
        if raised[axis] > 0 and target[axis] > MIN_CONFLICT and kind != "other":
            target[_RESET_BY_TIGHT_LIPS] = 0
    if raised[_CHIN_AND_JAW].max() > 0:  # AU17 has no sides: its only axis is in LEFT
        target[facs.LEFT] = suppress_hidden_chin(target[facs.LEFT])
    return facs.cancel_opposites(np.clip(target, 0, 5))


def _set_unit(target: np.ndarray, key: str, value: float) -> None:
    """Set an axis, or both sides of a unit, in place; a value above 0 sets its opposite to 0."""
    target[list(FACS.indices(key))] = value
    if value and key in _OPPOSITE:
        target[FACS.index(_OPPOSITE[key])] = 0


def _change_single(rng, current, options: TargetOptions) -> tuple[str, np.ndarray]:
    """Set one unit to a value from `options.low` to 5, which may lower a strong one, and return
    "single_up" as kind; or set it to 0.6 or less, and return "single_down"."""
    key = _draw_unit(rng, options.units or UNITS)
    target, value = current.copy(), current[list(FACS.indices(key))].mean()
    rises = value < 2.5 or rng.random() < 0.3
    _set_unit(target, key, rng.uniform(options.low, 5) if rises else rng.uniform(0, 0.6))
    return "single_up" if rises else "single_down", target


def _raise_unit(rng, current) -> np.ndarray:
    """Set one unit to a random value: 1.2 or more higher if it is weak; a strong one may fall."""
    target, key = current.copy(), _draw_unit(rng)
    low = np.clip(current[list(FACS.indices(key))].mean() + 1.2, 1.5, 4)
    _set_unit(target, key, rng.uniform(low, 5))
    return target


def _draw_unit(rng, units=UNITS) -> str:
    """Draw the key of a unit by UNIT_WEIGHTS."""
    weights = np.array([UNIT_WEIGHTS.get(key, 1.0) for key in units])
    return str(rng.choice(units, p=weights / weights.sum()))


def _single_down(rng, current, pool) -> tuple[str, np.ndarray]:
    """Lower one unit that the face shows; if there is none, raise one."""
    target = current.copy()
    lowerable = [key for key in UNITS if current[list(FACS.indices(key))].max() > MIN_LOWERABLE]
    if not lowerable:
        return "single_up", _raise_unit(rng, current)
    key = str(rng.choice(lowerable))
    axes = list(FACS.indices(key))
    target[axes] *= 0 if rng.random() < 0.6 else rng.uniform(0, 0.7)
    if key == "AU26" and not target[axes].any() and rng.random() < 0.7:
        _set_unit(target, "AU25", 0)  # a jaw that closes usually closes the lips
    return "single_down", target


def _side(rng, current, pool) -> tuple[str, np.ndarray]:
    """Set one side of a unit, or of two units."""
    target, side = current.copy(), "LR"[rng.integers(2)]
    for key in rng.choice(FACS.lateral, 1 if rng.random() < 0.75 else 2, replace=False):
        _set_unit(target, f"{key}{side}", rng.uniform(2, 5) if rng.random() < 0.85 else 0)
    return "side", target


def _sides(rng, current, pool) -> tuple[str, np.ndarray]:
    """Set both sides of a unit to different intensities."""
    target = current.copy()
    key = str(rng.choice(FACS.lateral))
    for side in "LR":
        _set_unit(target, f"{key}{side}", rng.uniform(0, 5))
    return "sides", target


def _gaze(rng, current, pool) -> tuple[str, np.ndarray]:
    """Change the gaze, in half of the cases to an extreme, in 30 % with a raised unit."""
    target = current.copy()
    gaze = rng.uniform(-1, 1, 2)
    if rng.random() < 0.5:
        gaze = np.where(np.arange(2) == rng.integers(2), np.sign(gaze), 0.2 * gaze)
    facs.set_signed(target, facs.GAZE_PAIRS, gaze)
    if rng.random() < 0.3:
        target = np.maximum(_raise_unit(rng, target), target)  # a strong unit is not lowered
    return "gaze", target


def _turn(rng, current, pool) -> tuple[str, np.ndarray]:
    """Turn the head by up to nominally 15 degrees about each axis, in 30 % with a raised unit."""
    target = current.copy()
    turn = facs.signed_values(current, facs.HEAD_PAIRS) + rng.uniform(-1, 1, 3)
    facs.set_signed(target, facs.HEAD_PAIRS, np.clip(turn, -1, 1))
    if rng.random() < 0.3:
        target = _raise_unit(rng, target)
    return "turn", target


def _two_units(rng, current, pool) -> tuple[str, np.ndarray]:
    """Change two units, each to 1 or more, or to 0."""
    target = current.copy()
    for key in rng.choice(UNITS, 2, replace=False):
        _set_unit(target, str(key), rng.uniform(1, 5) if rng.random() < 0.75 else 0)
    return "pair", target


def _emotion(rng, current, pool) -> tuple[str, np.ndarray]:
    """Set an emotion of random strength."""
    emotion = EMOTIONS[rng.integers(len(EMOTIONS))]
    return emotion, _with_units(current, rng.uniform(0.45, 1.1) * PROTOTYPES[emotion][0].vector())


def _neutral(rng, current, pool) -> tuple[str, np.ndarray]:
    """Set the neutral expression."""
    return "neutral", _with_units(current, np.zeros(len(ACTION_UNITS.axes)))


def _mood(rng, current, pool) -> tuple[str, np.ndarray]:
    """Set the expression of a random mood."""
    mood = Expression(PAD, tuple(rng.uniform(-0.8, 0.8, 3)))
    return "mood", _with_units(current, action_units_of(mood).vector())


def _other(rng, current, pool) -> tuple[str, np.ndarray]:
    """Copy the expression and gaze of another photo; the head stays as it is."""
    return "other", np.where(_IS_HEAD, current, pool[rng.integers(len(pool))])


def _with_units(current: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Set the 17 units to `units`, 0..1, and the other units to 0; keep gaze and head."""
    target = np.where(_IS_GAZE_OR_HEAD, current, 0)
    target[facs.LEFT] = target[facs.RIGHT] = 5 * units
    return target


_DRAW = {
    "single_up": lambda rng, current, pool: ("single_up", _raise_unit(rng, current)),
    "single_down": _single_down,
    "side": _side,
    "sides": _sides,
    "gaze": _gaze,
    "turn": _turn,
    "pair": _two_units,
    "emotion": _emotion,
    "neutral": _neutral,
    "other": _other,
    "mood": _mood,
}
