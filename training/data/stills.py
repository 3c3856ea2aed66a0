"""Photos, clips and re-rendered pairs as samples, straight from the folders of the seed's formats.

T frames · D axes · sides in pixels.
"""

from pathlib import Path

import numpy as np

from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    FACS,
    SPACES,
    Expression,
    ExpressionSpace,
    space_of_size,
)

from .annotations import find_annotations, read_annotations, read_ids
from .base import TRIES, Readable, some
from .batches import Sample, Samples
from .clips import Clips
from .config import Data
from .pairs import Pairs
from .pictures import names_in


def open_samples(folders: list[Path], split: str, data: Data, space: ExpressionSpace) -> Samples:
    """The samples of an experiment's data; raises ValueError where there are none."""
    kinds = {"stills": Stills, "clips": Clips, "pairs": Twins}
    return kinds[data.kind](folders, split, data, space)


class Stills(Readable):
    """Photos: imgs/NAME.jpg with an annotation each, of the names in SPLIT_ids.csv."""

    def __init__(self, folders: list[Path], split: str, data: Data, space: ExpressionSpace):
        super().__init__(data, space)
        self.rows = []
        for folder in folders:
            pictures = names_in(folder / (data.images or "imgs"))
            table = read_annotations(
                find_annotations(folder, data.annotations, "stills", space, split), space
            )
            names = read_ids(folder / (data.ids or "{split}_ids.csv").replace("{split}", split))
            self.dropped += table.dropped
            self.remarks += table.remarks
            for name in names:
                if name not in table.values:
                    self.dropped["are missing for names of the list"] += 1
                elif name not in pictures:
                    self.dropped["belong to no picture in the folder"] += 1
                else:
                    self.rows.append((pictures[name], table.values[name]))
        some(self, folders, split)
        self.labels = np.stack([label for _, label in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        path, label = self.rows[index]
        frames, labels = self.look([path], label[None], rng, size)
        return Sample(frames, labels, self.target(labels[0], rng)[None])

    def target(self, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The noisy expression of some other photo, neither too near nor too far."""
        data = self.data
        for _ in range(TRIES):
            other = self.labels[rng.integers(len(self.labels))]
            apart = np.abs(other - label)
            if (apart <= data.target_reach).all() and (apart >= data.target_apart).all():
                break
        noise = rng.uniform(-data.target_noise, data.target_noise, len(other))
        target = other + noise.astype(np.float32)
        return target.clip(min=0) if data.target_floor else target


class Twins(Readable):
    """Re-rendered pairs as clips of two frames: a face, and the same face with another expression.

    Four in ten are taken backwards, from the rendering to the real photo.
    """

    def __init__(self, folders: list[Path], split: str, data: Data, space: ExpressionSpace):
        super().__init__(data, space)
        if space_of_size(len(space.axes)).name not in SPACES:
            raise ValueError(f"Pairs are labelled with Action Units, which say no {space.name}.")
        labels = FACS if space == FACS else ACTION_UNITS
        self.pairs = Pairs(folders, split, 128, labels)
        self.dropped += self.pairs.dropped

    def __len__(self) -> int:
        return len(self.pairs.rows)

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        source, target, *labels = self.pairs.rows[index]
        ways = ([source, target], labels)
        if rng.random() < 0.4:
            ways = tuple(way[::-1] for way in ways)
        conditions = np.stack([self._in_space(label) for label in ways[1]])
        frames, conditions = self.look(ways[0], conditions, rng, size)
        return Sample(frames, conditions, conditions[1:])

    def _in_space(self, units: np.ndarray) -> np.ndarray:
        if self.space == self.pairs.space:
            return units
        expression = Expression.clipped(ACTION_UNITS, units)
        return np.float32(mood_of(expression, self.space).values)
