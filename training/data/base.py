"""What samples of every kind share: looks at pictures, and passing over those that do not open.

T frames · sides in pixels.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from moodganimation.expressions.axis_map import mirrored
from moodganimation.expressions.spaces import ExpressionSpace

from .augment import View
from .batches import Sample, Samples
from .config import Data
from .pictures import Pictures, Unusable

TRIES = 100  # of unreadable pictures in a row to pass over


class Readable:
    """Samples whose pictures may fail to open: those are passed over, remembered and counted."""

    def __init__(self, data: Data, space: ExpressionSpace):
        self.data, self.space, self.pictures = data, space, Pictures()
        self.mirrored = mirrored(space)
        self.dropped, self.remarks, self.unreadable = Counter(), [], set()

    def sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        for further in range(TRIES):
            try:
                return self._sample((index + further) % len(self), rng, size)
            except Unusable as problem:
                self.unreadable.add(str(problem))
        raise ValueError(f"{TRIES} samples in a row cannot be read: {sorted(self.unreadable)[0]}")

    def look(
        self, paths: list[Path], labels: np.ndarray, rng: np.random.Generator, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(T, 3, size, size): one random view (crop, turn, tone), or one flip, for all frames; and
        their labels (T, D), with sides exchanged in mirror images."""
        if self.data.augment != "flip":
            view, side = View(rng, size, self.data.augment == "view"), round(size * 1.125)
            frames = np.stack([view.picture(self.pictures.read(path, side)) for path in paths])
            return frames, labels[:, self.mirrored] if view.mirror else labels
        frames = np.stack([self.pictures.read(path, size) for path in paths])
        if rng.random() < 0.5:
            frames, labels = frames[:, :, ::-1], labels[:, self.mirrored]
        frames = np.ascontiguousarray((frames / np.float32(127.5) - 1).transpose(0, 3, 1, 2))
        return frames, labels

    def report(self) -> list[str]:
        """What was left out and what was assumed, one sentence each."""
        left_out = [
            f"{n} annotations left out: they {reason}" for reason, n in self.dropped.items()
        ]
        return left_out + self.remarks


def some(samples: Samples, folders: list[Path], split: str) -> None:
    if not len(samples):
        reasons = "; ".join(samples.report()) or "no name of the split has a picture"
        raise ValueError(f"No {split} samples in {', '.join(map(str, folders))}: {reasons}.")
