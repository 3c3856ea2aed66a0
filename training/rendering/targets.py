"""Which expression a photo is re-rendered with: drawn at random, from what training must learn."""

from dataclasses import dataclass

import numpy as np

from moodganimation.expressions.moods import PROTOTYPES, action_units_of
from moodganimation.expressions.spaces import PAD, Expression

from .units import AU05, AU17, AU23, AU25, AU26, AU45, KEYS, N, fair

EMOTIONS = ("happy", "surprised", "afraid", "angry", "disgusted", "sad")
# how often a unit is the one that moves alone: more often where it is small, or opens the mouth
SINGLES = {
    "AU04": 1.3,
    "AU05": 1.2,
    "AU06": 1.3,
    "AU07": 1.5,
    "AU09": 1.2,
    "AU12": 1.1,
    "AU14": 1.2,
    "AU23": 1.2,
    "AU25": 2.0,
    "AU26": 1.1,
    "AU45": 1.6,
}
PRESENT = 0.8  # intensity from which a unit can be taken away
LEAST = 0.5  # change of intensity that makes a pair


@dataclass(frozen=True)
class Wish:
    units: tuple[int, ...] = ()  # places of the units to move; of all where empty
    low: float = 2.0  # least intensity of a unit that was chosen, or moves alone
    singles: float = 0.0  # share of targets that move one unit alone


def draw(
    rng: np.random.Generator, now: np.ndarray, bank: np.ndarray, wish: Wish
) -> tuple[str, np.ndarray]:
    """A kind, for people, and a target (17,) of intensities 0..5.

    now: (17,) the photo's; bank: (P, 17) of all photos.
    """
    if wish.singles and rng.random() < wish.singles:
        kind, target = _single(rng, now, wish)
    elif wish.units:
        kind, target = "chosen", now.copy()
        target[list(wish.units)] = rng.uniform(wish.low, 5, len(wish.units))
    else:
        kind, target = _mixed(rng, now, bank)
    raised = target - now
    lids = [AU05, AU45]  # cannot open wide and close: what was asked for stays
    if raised[lids].max() > 0 and target[lids].max() > 1.5:
        target[lids[int(raised[lids].argmin())]] = 0
    if raised[AU23] > 0 and target[AU23] > 1.5 and kind != "other":
        target[[AU25, AU26]] = 0  # lips tighten when closed
    if raised[[AU17, AU25, AU26]].max() > 0:
        target = fair(target)
    return kind, np.clip(target, 0, 5)


def worthwhile(target: np.ndarray, now: np.ndarray) -> bool:
    return bool(np.abs(target - now).max() >= LEAST)


def _single(rng, now, wish: Wish) -> tuple[str, np.ndarray]:
    chosen = wish.units or range(N)
    weights = np.array([SINGLES.get(KEYS[k], 1.0) for k in chosen])
    k = rng.choice(chosen, p=weights / weights.sum())
    target = now.copy()
    up = now[k] < 2.5 or rng.random() < 0.3
    target[k] = rng.uniform(wish.low, 5) if up else rng.uniform(0, 0.6)
    return "single_up" if target[k] > now[k] else "single_down", target


def _mixed(rng, now, bank) -> tuple[str, np.ndarray]:
    target, kind, present = now.copy(), rng.random(), np.flatnonzero(now > PRESENT)
    if kind < 0.22 or (kind < 0.35 and not len(present)):
        k = rng.integers(N)
        target[k] = rng.uniform(np.clip(now[k] + 1.2, 1.5, 4), 5)
        return "single_up", target
    if kind < 0.35:
        k = rng.choice(present)
        target[k] = 0 if rng.random() < 0.6 else rng.uniform(0, 0.7 * now[k])
        if k == AU26 and target[k] == 0 and rng.random() < 0.7:
            target[AU25] = 0
        return "single_down", target
    if kind < 0.50:
        for k in rng.choice(N, 2, replace=False):
            target[k] = rng.uniform(1, 5) if rng.random() < 0.75 else 0
        return "pair", target
    if kind < 0.70:
        emotion = EMOTIONS[rng.integers(len(EMOTIONS))]
        return emotion, 5 * rng.uniform(0.45, 1.1) * PROTOTYPES[emotion][0].vector()
    if kind < 0.82:
        return "neutral", np.zeros(N)
    if kind < 0.95:
        return "other", bank[rng.integers(len(bank))].copy()
    mood = action_units_of(Expression(PAD, tuple(rng.uniform(-0.8, 0.8, 3))))
    return "mood", 5 * mood.vector()
