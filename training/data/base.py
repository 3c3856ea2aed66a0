"""The base of all samples: reading and augmenting pictures, and skipping unreadable ones.

T frames · sides in pixels.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from moodganimation.expressions.axis_map import mirrored_axes
from moodganimation.expressions.spaces import ExpressionSpace

from .augment import VIEW_MARGIN, View
from .batches import Sample, Samples
from .config import DataConfig
from .pictures import PictureCache, UnreadablePicture

MAX_UNREADABLE = 100  # unreadable samples in a row, after which an error is raised


class PictureSamples:
    """Samples read from pictures: a base class.

    A subclass defines `__len__` and `_sample`. Samples with an unreadable picture are skipped, and
    the reasons are collected in `unreadable`. `dropped` counts items without a sample by reason; a
    reason completes the sentence "... left out: they". `notes` are sentences for the report.
    item_noun: what the items are, in the plural.
    """

    item_noun = "annotations"

    def __init__(self, data: DataConfig, space: ExpressionSpace):
        self.data, self.space, self.pictures = data, space, PictureCache()
        self.mirrored = mirrored_axes(space)
        self.dropped, self.notes, self.unreadable = Counter(), [], set()

    def sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        """Read the sample of an index, or else the next one whose pictures can be read."""
        for attempt in range(MAX_UNREADABLE):
            try:
                return self._sample((index + attempt) % len(self), rng, size)
            except UnreadablePicture as problem:
                self.unreadable.add(str(problem))
        raise ValueError(
            f"{MAX_UNREADABLE} samples in a row cannot be read: {sorted(self.unreadable)[0]}"
        )

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        """Read the sample of an index. Raises UnreadablePicture."""
        raise NotImplementedError

    def augment(
        self, paths: list[Path], labels: np.ndarray, rng: np.random.Generator, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read frames with one random view (crop, roll, tone) or flip for all of them.

        Returns (T, 3, size, size) float32 in [-1, 1], and the labels (T, D), whose left and right
        axes are exchanged in mirror images.
        """
        if self.data.augment != "flip":
            view, side = View(rng, size, self.data.augment == "view"), round(VIEW_MARGIN * size)
            frames = np.stack(
                [view.convert_picture(self.pictures.read(path, side)) for path in paths]
            )
            return frames, labels[:, self.mirrored] if view.mirror else labels
        frames = np.stack([self.pictures.read(path, size) for path in paths])
        if rng.random() < 0.5:
            frames, labels = frames[:, :, ::-1], labels[:, self.mirrored]
        frames = np.ascontiguousarray((frames / np.float32(127.5) - 1).transpose(0, 3, 1, 2))
        return frames, labels

    def report(self) -> list[str]:
        """Return sentences about what was dropped, and about assumptions."""
        dropped = [
            f"{n} {self.item_noun} left out: they {reason}" for reason, n in self.dropped.items()
        ]
        return dropped + self.notes


def require_samples(samples: Samples, folders: list[Path], split: str) -> None:
    """Raise ValueError if there are no samples, with the reasons."""
    if not len(samples):
        reasons = "; ".join(samples.report()) or "no name of the split has a picture"
        raise ValueError(f"No {split} samples in {', '.join(map(str, folders))}: {reasons}.")
