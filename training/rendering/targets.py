"""Which expression a photo is re-rendered with: drawn at random, from what training must learn.

Intensities are 0..5 in the space FACS, (50,).
"""

from dataclasses import dataclass

import numpy as np

from moodganimation.expressions.moods import PROTOTYPES, action_units_of
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, PAD, Expression

from . import facs
from .units import fair

EMOTIONS = ("happy", "surprised", "afraid", "angry", "disgusted", "sad")
# how often a unit is the one that moves alone, if not once: more often where it is small, or opens
# the mouth
SINGLES = {
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
PRESENT = 0.8  # intensity from which a unit can be taken away
LEAST = 0.5  # change of intensity that makes a pair
# How often each kind of target is drawn, where no units are chosen; see `_MAKERS`.
KINDS = {
    "single_up": 0.16,
    "single_down": 0.08,
    "side": 0.14,
    "sides": 0.08,
    "gaze": 0.12,
    "turn": 0.06,
    "pair": 0.10,
    "emotion": 0.10,
    "neutral": 0.06,
    "other": 0.06,
    "mood": 0.04,
}
# Names of what moves as one: units with both sides, and the others of the face but gaze and head.
_FACE = [axis.key for axis in FACS.axes if axis.region not in ("gaze", "head")]
UNITS = (*FACS.lateral, *(key for key in _FACE if key[:-1] not in FACS.lateral))
_LIDS = [facs.index(f"AU05{side}", f"AU45{side}") for side in "LR"]
_AU23, _AU24 = FACS.index("AU23"), FACS.index("AU24")
_PARTING = facs.index("AU16", "AU25", "AU26", "AU27")
_JAW = facs.index("AU17", "AU25", "AU26")
_OPPOSITE = dict(FACS.opposites) | {b: a for a, b in FACS.opposites}


@dataclass(frozen=True)
class Wish:
    units: tuple[str, ...] = ()  # keys of units to move, see UNITS; of all where empty
    low: float = 2.0  # least intensity of a unit that was chosen, or moves alone
    singles: float = 0.0  # share of targets that move one unit alone


def draw(
    rng: np.random.Generator, now: np.ndarray, bank: np.ndarray, wish: Wish
) -> tuple[str, np.ndarray]:
    """A kind, for people, and a target (50,) of intensities 0..5.

    now: (50,) the photo's; bank: (P, 50) of all photos.
    """
    if wish.singles and rng.random() < wish.singles:
        kind, target = _single(rng, now, wish)
    elif wish.units:
        kind, target = "chosen", now.copy()
        for key in wish.units:
            _set(target, key, rng.uniform(wish.low, 5))
    else:
        kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
        kind, target = _MAKERS[kind](rng, now, bank)
    return kind, _possible(target, now, kind)


def worthwhile(target: np.ndarray, now: np.ndarray) -> bool:
    return bool(np.abs(target - now).max() >= LEAST)


def _possible(target: np.ndarray, now: np.ndarray, kind: str) -> np.ndarray:
    """The target without what excludes what was raised."""
    target = np.array(target)
    raised = target - now
    for lids in _LIDS:  # cannot open wide and close: what was asked for stays
        if raised[lids].max() > 0 and target[lids].max() > 1.5:
            target[lids[int(raised[lids].argmin())]] = 0
    for lips in (_AU23, _AU24):
        if raised[lips] > 0 and target[lips] > 1.5 and kind != "other":
            target[_PARTING] = 0  # lips tighten when closed
    if raised[_JAW].max() > 0:
        target[facs.LEFT] = fair(target[facs.LEFT])
    return facs.exclusive(np.clip(target, 0, 5))


def _set(target: np.ndarray, key: str, value: float) -> None:
    target[list(FACS.positions(key))] = value
    if value and key in _OPPOSITE:
        target[FACS.index(_OPPOSITE[key])] = 0


def _single(rng, now, wish: Wish) -> tuple[str, np.ndarray]:
    key = _drawn_unit(rng, wish.units or UNITS)
    target, value = now.copy(), now[list(FACS.positions(key))].mean()
    up = value < 2.5 or rng.random() < 0.3
    _set(target, key, rng.uniform(wish.low, 5) if up else rng.uniform(0, 0.6))
    return "single_up" if up else "single_down", target


def _raised(rng, now) -> np.ndarray:
    target, key = now.copy(), _drawn_unit(rng)
    low = np.clip(now[list(FACS.positions(key))].mean() + 1.2, 1.5, 4)
    _set(target, key, rng.uniform(low, 5))
    return target


def _drawn_unit(rng, units=UNITS) -> str:
    weights = np.array([SINGLES.get(key, 1.0) for key in units])
    return str(rng.choice(units, p=weights / weights.sum()))


def _single_down(rng, now, bank) -> tuple[str, np.ndarray]:
    target = now.copy()
    present = [key for key in UNITS if now[list(FACS.positions(key))].max() > PRESENT]
    if not present:
        return "single_up", _raised(rng, now)
    key = str(rng.choice(present))
    places = list(FACS.positions(key))
    target[places] *= 0 if rng.random() < 0.6 else rng.uniform(0, 0.7)
    if key == "AU26" and not target[places].any() and rng.random() < 0.7:
        _set(target, "AU25", 0)
    return "single_down", target


def _side(rng, now, bank) -> tuple[str, np.ndarray]:
    """One side of a unit alone, or of an eye and more."""
    target, side = now.copy(), "LR"[rng.integers(2)]
    for key in rng.choice(FACS.lateral, 1 if rng.random() < 0.75 else 2, replace=False):
        _set(target, f"{key}{side}", rng.uniform(2, 5) if rng.random() < 0.85 else 0)
    return "side", target


def _sides(rng, now, bank) -> tuple[str, np.ndarray]:
    """Two sides of a unit, differently."""
    target = now.copy()
    key = str(rng.choice(FACS.lateral))
    for side in "LR":
        _set(target, f"{key}{side}", rng.uniform(0, 5))
    return "sides", target


def _gaze(rng, now, bank) -> tuple[str, np.ndarray]:
    """Another gaze, half of the time as far as it goes along one axis, sometimes with a unit."""
    target = now.copy()
    look = rng.uniform(-1, 1, 2)
    if rng.random() < 0.5:
        look = np.where(np.arange(2) == rng.integers(2), np.sign(look), 0.2 * look)
    facs.set_signed(target, facs.GAZE, look)
    if rng.random() < 0.3:
        target = np.maximum(_raised(rng, target), target)
    return "gaze", target


def _turn(rng, now, bank) -> tuple[str, np.ndarray]:
    """The head turned by up to 15 degrees about each axis, sometimes with a unit."""
    target = now.copy()
    here = facs.signed(now, facs.HEAD)
    facs.set_signed(target, facs.HEAD, np.clip(here + rng.uniform(-1, 1, 3), -1, 1))
    if rng.random() < 0.3:
        target = _raised(rng, target)
    return "turn", target


def _pair(rng, now, bank) -> tuple[str, np.ndarray]:
    target = now.copy()
    for key in rng.choice(UNITS, 2, replace=False):
        _set(target, str(key), rng.uniform(1, 5) if rng.random() < 0.75 else 0)
    return "pair", target


def _emotion(rng, now, bank) -> tuple[str, np.ndarray]:
    emotion = EMOTIONS[rng.integers(len(EMOTIONS))]
    return emotion, _with_units(now, rng.uniform(0.45, 1.1) * PROTOTYPES[emotion][0].vector())


def _neutral(rng, now, bank) -> tuple[str, np.ndarray]:
    return "neutral", _with_units(now, np.zeros(len(ACTION_UNITS.axes)))


def _mood(rng, now, bank) -> tuple[str, np.ndarray]:
    mood = Expression(PAD, tuple(rng.uniform(-0.8, 0.8, 3)))
    return "mood", _with_units(now, action_units_of(mood).vector())


def _other(rng, now, bank) -> tuple[str, np.ndarray]:
    """The expression and gaze of another photo; the head stays as it is."""
    target = bank[rng.integers(len(bank))].copy()
    head = np.array([axis.region == "head" for axis in FACS.axes])
    return "other", np.where(head, now, target)


def _with_units(now: np.ndarray, units: np.ndarray) -> np.ndarray:
    """`now` with the 17 units at `units`, 0..1, the other lip and jaw units at 0."""
    target = now.copy()
    kept = np.array([axis.region in ("gaze", "head") for axis in FACS.axes])
    target[~kept] = 0
    target[facs.LEFT] = target[facs.RIGHT] = 5 * units
    return target


_MAKERS = {
    "single_up": lambda rng, now, bank: ("single_up", _raised(rng, now)),
    "single_down": _single_down,
    "side": _side,
    "sides": _sides,
    "gaze": _gaze,
    "turn": _turn,
    "pair": _pair,
    "emotion": _emotion,
    "neutral": _neutral,
    "other": _other,
    "mood": _mood,
}
