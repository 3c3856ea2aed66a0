"""Every axis from end to end on every photo, and random moods: what a generator makes of them.

N photos · A measured axes · L levels · n photos shown · S pixels a side.
"""

from typing import NamedTuple

import numpy as np
import torch

from moodganimation.expressions.moods import in_space, mood_of, with_mood
from moodganimation.expressions.spaces import ACTION_UNITS, PAD, VALENCE_AROUSAL, Expression

from . import measures
from .estimator import Estimator, in_axes
from .photos import Photos
from .recognizer import Recognizer
from .runner import BATCH, Studio, conditions, pixels

TARGETS = 4  # random moods asked of each photo


class Sweeps(NamedTuple):
    """Axes one at a time, the others as read. All but `units` and `shown`: at the highest level."""

    units: np.ndarray  # (N, A, L, 17) estimated
    features: np.ndarray  # (N, A, F)
    share: np.ndarray  # (N, A): edited share of the face
    sharp: np.ndarray  # (N, A): sharpness where edited, over the photo's
    like: np.ndarray  # (N, A): likeness where not edited
    same: np.ndarray  # (N, A): the recognizer's cosine with the photo; NaN without one
    shown: np.ndarray  # (n, A, L, S, S, 3) uint8


class Moods(NamedTuple):
    """M random moods: asked for, estimated in the result, and what the mapping could reach."""

    asked: np.ndarray  # (M, K)
    got: np.ndarray  # (M, K)
    reachable: np.ndarray  # (M, K): of the photo's Action Units, changed to show what was asked
    keys: tuple[str, ...]  # the K axes

    def concordance(self) -> dict[str, dict[str, float]]:
        """By axis: asked with estimated, the same as plain correlation, asked with reachable."""
        table = {}
        for key, asked, got, most in zip(
            self.keys, self.asked.T, self.got.T, self.reachable.T, strict=True
        ):
            varies = min(asked.std(), got.std()) > 0
            table[key] = {
                "asked and estimated": measures.concordance(asked, got),
                "correlation": float(np.corrcoef(asked, got)[0, 1]) if varies else float("nan"),
                "ceiling": measures.concordance(asked, most),
            }
        return table


def levels_of(axis) -> np.ndarray:
    return np.linspace(axis.low, axis.high, measures.LEVELS)


def sweep(
    studio: Studio,
    photos: Photos,
    starts: torch.Tensor,
    estimator: Estimator,
    recognizer: Recognizer | None,
    shown: int,
) -> Sweeps:
    axes, (count, _, *size) = studio.measured.axes, photos.faces.shape
    table = (count, len(axes))
    units = np.empty((*table, measures.LEVELS, len(ACTION_UNITS.axes)))
    features = [[] for _ in axes]
    share, sharp, like, same = np.full((4, *table), np.nan)
    pictures = np.zeros((min(shown, count), len(axes), measures.LEVELS, *size, 3), np.uint8)
    studio.stage("sweeps", count * len(axes) * measures.LEVELS)
    for rows in np.split(np.arange(count), range(BATCH, count, BATCH)):
        faces, visible = photos.faces[rows], rows[rows < len(pictures)]
        encoding = studio.encode(faces, starts[rows])
        person = recognizer.features(faces) if recognizer else None
        for a, axis in enumerate(axes):
            for i, level in enumerate(levels_of(axis)):
                condition = studio.with_axis(starts[rows], axis.key, float(level))
                result = studio.edit(encoding, condition)[0].composite
                units[rows, a, i], seen = estimator.look(result)
                if len(visible):
                    pictures[visible, a, i] = pixels(result[: len(visible)])
            features[a].append(seen)
            mask = measures.edited(faces, result)
            share[rows, a] = measures.edited_share(mask)
            sharp[rows, a] = measures.sharpness(faces, result, mask)
            like[rows, a] = measures.likeness(faces, result, mask)
            if person is not None:
                same[rows, a] = (person * recognizer.features(result)).sum(1)
    features = np.stack([np.concatenate(column) for column in features], 1)
    return Sweeps(units, features, share, sharp, like, same, pictures)


def random_moods(
    studio: Studio,
    photos: Photos,
    readings: list[Expression],
    starts: torch.Tensor,
    estimator: Estimator,
    seed: int,
) -> Moods:
    """TARGETS moods of each photo, uniform in the whole space, its corners included.

    Generators of Action Units are asked for the units that show the mood; eight emotions do not
    reach every corner, so what the mapping itself reaches is the ceiling of what can be asked.
    """
    space = VALENCE_AROUSAL if studio.space == VALENCE_AROUSAL else PAD
    rng, asked, got, reachable = np.random.default_rng([seed, 2]), [], [], []
    studio.stage("random moods", TARGETS * len(starts))
    for rows in np.split(np.arange(len(starts)), range(BATCH, len(starts), BATCH)):
        encoding = studio.encode(photos.faces[rows], starts[rows])
        for _ in range(TARGETS):
            points = rng.uniform(-1, 1, (len(rows), len(space.axes)))
            moods = [Expression(space, tuple(point)) for point in points]
            pairs = zip(moods, rows, strict=True)
            wanted = conditions(in_space(mood, studio.measured, readings[i]) for mood, i in pairs)
            condition = studio.conditions(wanted, starts[rows])
            result = studio.edit(encoding, condition)[0].composite
            asked += [mood.values for mood in moods]
            got += [*in_axes(estimator.look(result)[0], space)]
            for mood, i in zip(moods, rows, strict=True):
                reachable.append(mood_of(with_mood(readings[i], mood), space).values)
    return Moods(*(np.array(x) for x in (asked, got, reachable)), space.keys)
