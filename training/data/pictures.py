"""Pictures of a data set: decoded once, reduced to the side that training looks at, and kept."""

import os
import threading
from pathlib import Path

import cv2
import numpy as np

MOST_KEPT = 4 << 30  # bytes of decoded pictures; beyond that they are decoded anew


class Unusable(ValueError):
    """A picture that cannot be read."""


class Pictures:
    """Squares (side, side, 3) uint8 RGB of picture files."""

    def __init__(self):
        self.kept, self.size, self.side, self.lock = {}, 0, 0, threading.Lock()

    def read(self, path: Path, side: int) -> np.ndarray:
        key = str(path), side
        kept = self.kept.get(key)
        if kept is None:
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if pixels is None:
                raise Unusable(f"{path} is not a readable picture.")
            shrinks = max(pixels.shape[:2]) > side
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            pixels = cv2.resize(pixels, (side, side), interpolation=method)
            with self.lock:
                if side != self.side:  # the next lesson: nobody asks for the old size again
                    self.kept, self.size, self.side = {}, 0, side
                if self.size + pixels.nbytes > MOST_KEPT:
                    return pixels
                self.kept[key], self.size = pixels, self.size + pixels.nbytes
            return pixels
        return kept


def names_in(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by their name without ending; raises ValueError for none."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder of pictures {folder}.")
    endings = (".jpg", ".jpeg", ".png")
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.name.lower().endswith(endings))
    if not names:
        raise ValueError(f"{folder} holds no pictures (.jpg or .png).")
    return {name.rsplit(".", 1)[0]: folder / name for name in names}
