"""Sweeps of every axis over its levels on every photo, and edits to random moods.

Shapes: N photos, A measured axes, L levels, F features, n photos whose pictures are kept, S pixels
a side.
"""

from typing import NamedTuple

import numpy as np
import torch

from moodganimation.expressions.moods import convert_expression, mood_of, with_mood
from moodganimation.expressions.spaces import ACTION_UNITS, PAD, VALENCE_AROUSAL, Expression

from . import measures
from .estimator import Estimator, to_space
from .photos import Photos
from .recognizer import Recognizer
from .runner import BATCH, Runner, pixels, stack_values

MOODS_PER_PHOTO = 4  # random moods requested of each photo


class Sweeps(NamedTuple):
    """Edits of one axis at a time, the others as read.

    All fields but `units` and `pictures` are of the highest level only; see measures.py.
    """

    units: np.ndarray  # (N, A, L, 17): estimated Action Units
    features: np.ndarray  # (N, A, F): the estimator's features
    edited_share: np.ndarray  # (N, A)
    sharpness: np.ndarray  # (N, A)
    likeness: np.ndarray  # (N, A)
    same_person: np.ndarray  # (N, A): the recognizer's cosine with the photo; NaN without one
    pictures: np.ndarray  # (n, A, L, S, S, 3) uint8: the edits of the first n photos


class Moods(NamedTuple):
    """M moods: requested, estimated in the result, and reached by the mapping to units."""

    requested: np.ndarray  # (M, K)
    estimated: np.ndarray  # (M, K)
    reachable: np.ndarray  # (M, K): mood of the Action Units to which a request is mapped
    keys: tuple[str, ...]  # the K mood axes

    def concordance(self) -> dict[str, dict[str, float]]:
        """Compare requested with estimated moods, by axis.

        The keys are those of evaluation.json: "asked and estimated" (the concordance itself),
        "correlation", and as "ceiling" the concordance of requested and reachable moods.
        """
        table = {}
        for key, requested, estimated, reached in zip(
            self.keys, self.requested.T, self.estimated.T, self.reachable.T, strict=True
        ):
            varies = min(requested.std(), estimated.std()) > 0
            table[key] = {
                "asked and estimated": measures.concordance(requested, estimated),
                "correlation": float(np.corrcoef(requested, estimated)[0, 1])
                if varies
                else float("nan"),
                "ceiling": measures.concordance(requested, reached),
            }
        return table


def levels_of(axis) -> np.ndarray:
    """The requested levels (L,) of an axis."""
    return np.linspace(axis.low, axis.high, measures.LEVEL_COUNT)


def sweep(
    runner: Runner,
    photos: Photos,
    starts: torch.Tensor,
    estimator: Estimator,
    recognizer: Recognizer | None,
    kept_count: int,
) -> Sweeps:
    """Edit every photo with every axis at every level; keep the pictures of `kept_count` photos."""
    axes, (count, _, *size) = runner.measured.axes, photos.faces.shape
    table = (count, len(axes))
    units = np.empty((*table, measures.LEVEL_COUNT, len(ACTION_UNITS.axes)))
    features = [[] for _ in axes]
    edited_share, sharpness, likeness, same_person = np.full((4, *table), np.nan)
    pictures = np.zeros(
        (min(kept_count, count), len(axes), measures.LEVEL_COUNT, *size, 3), np.uint8
    )
    runner.stage("sweeps", count * len(axes) * measures.LEVEL_COUNT)
    for rows in np.split(np.arange(count), range(BATCH, count, BATCH)):
        faces, kept = photos.faces[rows], rows[rows < len(pictures)]
        encoding = runner.encode(faces, starts[rows])
        person = recognizer.features(faces) if recognizer else None
        for a, axis in enumerate(axes):
            for i, level in enumerate(levels_of(axis)):
                condition = runner.with_axis(starts[rows], axis.key, float(level))
                edited = runner.edit(encoding, condition)[0].composite
                units[rows, a, i], edited_features = estimator.estimate(edited)
                if len(kept):
                    pictures[kept, a, i] = pixels(edited[: len(kept)])
            # From here on, `edited` and `edited_features` are those of the highest level.
            features[a].append(edited_features)
            mask = measures.edited_mask(faces, edited)
            edited_share[rows, a] = measures.edited_share(mask)
            sharpness[rows, a] = measures.sharpness(faces, edited, mask)
            likeness[rows, a] = measures.likeness(faces, edited, mask)
            if person is not None:
                same_person[rows, a] = (person * recognizer.features(edited)).sum(1)
    features = np.stack([np.concatenate(column) for column in features], 1)
    return Sweeps(units, features, edited_share, sharpness, likeness, same_person, pictures)


def random_moods(
    runner: Runner,
    photos: Photos,
    readings: list[Expression],
    starts: torch.Tensor,
    estimator: Estimator,
    seed: int,
) -> Moods:
    """Request MOODS_PER_PHOTO moods of each photo, uniform in the mood space.

    For generators of Action Units a mood is mapped to units. The mapping is made of eight emotions
    and does not reach every corner of the mood space; `reachable` are the moods that it reaches.
    """
    space = VALENCE_AROUSAL if runner.space == VALENCE_AROUSAL else PAD
    rng, requested, estimated, reachable = np.random.default_rng([seed, 2]), [], [], []
    runner.stage("random moods", MOODS_PER_PHOTO * len(starts))
    for rows in np.split(np.arange(len(starts)), range(BATCH, len(starts), BATCH)):
        encoding = runner.encode(photos.faces[rows], starts[rows])
        for _ in range(MOODS_PER_PHOTO):
            values = rng.uniform(-1, 1, (len(rows), len(space.axes)))
            moods = [Expression(space, tuple(row)) for row in values]
            pairs = list(zip(moods, rows, strict=True))
            targets = [convert_expression(mood, runner.measured, readings[i]) for mood, i in pairs]
            condition = runner.to_conditions(stack_values(targets), starts[rows])
            result = runner.edit(encoding, condition)[0].composite
            requested += [mood.values for mood in moods]
            estimated += [*to_space(estimator.estimate(result)[0], space)]
            for mood, i in pairs:
                reachable.append(mood_of(with_mood(readings[i], mood), space).values)
    return Moods(*(np.array(x) for x in (requested, estimated, reachable)), space.keys)
