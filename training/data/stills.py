"""Photos, clips and re-rendered pairs as samples, from folders in the formats of annotations.py.

T frames · D axes · sides in pixels.
"""

from pathlib import Path

import numpy as np

from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
)

from .annotations import UNIT_SPACES, find_annotations, read_annotations, read_ids
from .augment import CROP_SIDE
from .base import PictureSamples, require_samples
from .batches import Sample, Samples
from .clips import Clips
from .config import DataConfig
from .pairs import Pairs
from .pictures import pictures_by_name

MAX_TARGET_DRAWS = 100  # until a target is within the distances; the last one is used in any case
REVERSED_SHARE = 0.4  # probability that a pair is used from its target to its source


def open_samples(
    folders: list[Path], split: str, data: DataConfig, space: ExpressionSpace
) -> Samples:
    """Open the samples of an experiment's data. Raises ValueError if there are none."""
    kinds = {"stills": Stills, "clips": Clips, "pairs": PairClips}
    return kinds[data.kind](folders, split, data, space)


class Stills(PictureSamples):
    """Photos with annotations: imgs/NAME.jpg, for the names in SPLIT_ids.csv."""

    def __init__(self, folders: list[Path], split: str, data: DataConfig, space: ExpressionSpace):
        super().__init__(data, space)
        self.rows = []
        for folder in folders:
            pictures = pictures_by_name(folder / (data.images or "imgs"))
            table = read_annotations(
                find_annotations(folder, data.annotations, "stills", space, split), space
            )
            names = read_ids(folder / (data.ids or "{split}_ids.csv").replace("{split}", split))
            self.dropped += table.dropped
            self.notes += table.notes
            for name in names:
                if name not in table.values:
                    self.dropped["are missing for names of the list"] += 1
                elif name not in pictures:
                    self.dropped["belong to no picture in the folder"] += 1
                else:
                    self.rows.append((pictures[name], table.values[name]))
        require_samples(self, folders, split)
        self.labels = np.stack([label for _, label in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        path, label = self.rows[index]
        frames, labels = self.augment([path], label[None], rng, size)
        return Sample(frames, labels, self.target(labels[0], rng)[None])

    def target(self, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a target (D,): the expression of another photo, with noise.

        Before the noise, its distance from the label (D,) is `target_apart` to `target_reach` on
        every axis, unless MAX_TARGET_DRAWS draws find none.
        """
        data = self.data
        for _ in range(MAX_TARGET_DRAWS):
            other = self.labels[rng.integers(len(self.labels))]
            difference = np.abs(other - label)
            if (difference <= data.target_reach).all() and (difference >= data.target_apart).all():
                break
        noise = rng.uniform(-data.target_noise, data.target_noise, len(other))
        target = other + noise.astype(np.float32)
        return target.clip(min=0) if data.target_floor else target


class PairClips(PictureSamples):
    """Pairs as clips of two frames: a face, and the same face with another expression.

    A share of REVERSED_SHARE starts with the target.
    """

    item_noun = "pairs"

    def __init__(self, folders: list[Path], split: str, data: DataConfig, space: ExpressionSpace):
        super().__init__(data, space)
        # A space cN (N axes without known meaning) is accepted if a space of moods has N axes, too:
        # its conditions are then moods.
        mood_sizes = len(PAD.axes), len(VALENCE_AROUSAL.axes)
        if space not in UNIT_SPACES and len(space.axes) not in mood_sizes:
            raise ValueError(
                f"Pairs are labelled with Action Units, which cannot be converted to {space.name}."
            )
        pair_space = FACS if space == FACS else ACTION_UNITS
        self.pairs = Pairs(folders, split, CROP_SIDE, pair_space)  # only its rows are read
        self.dropped += self.pairs.dropped

    def __len__(self) -> int:
        return len(self.pairs.rows)

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        row = self.pairs.rows[index]
        paths, labels = [row.source, row.target], [row.before, row.after]
        if rng.random() < REVERSED_SHARE:
            paths, labels = paths[::-1], labels[::-1]
        conditions = np.stack([self._in_space(label) for label in labels])
        frames, conditions = self.augment(paths, conditions, rng, size)
        return Sample(frames, conditions, conditions[1:])

    def _in_space(self, units: np.ndarray) -> np.ndarray:
        """Convert a label of the pairs to the space of the samples."""
        if self.space == self.pairs.space:
            return units
        expression = Expression.clipped(ACTION_UNITS, units)
        return np.float32(mood_of(expression, self.space).values)
