"""A cache of the decoded pictures of a data set, at the resolution of training."""

import os
import threading
from pathlib import Path

import cv2
import numpy as np

MAX_CACHE_BYTES = 4 << 30  # further pictures are decoded each time


class UnreadablePicture(ValueError):
    """A picture cannot be decoded."""


class PictureCache:
    """Reads picture files as squares (side, side, 3) uint8 RGB, and caches them.

    All cached pictures have one side, that of the last picture that was decoded.
    """

    def __init__(self):
        self.cache, self.cached_bytes, self.side, self.lock = {}, 0, 0, threading.Lock()

    def read(self, path: Path, side: int) -> np.ndarray:
        """Read a picture as (side, side, 3) uint8 RGB. Raises UnreadablePicture."""
        key = str(path), side
        cached = self.cache.get(key)
        if cached is None:
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if pixels is None:
                raise UnreadablePicture(f"{path} is not a readable picture.")
            shrinks = max(pixels.shape[:2]) > side
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            pixels = cv2.resize(pixels, (side, side), interpolation=method)
            with self.lock:
                if side != self.side:  # the next pretraining stage: the old size is not needed
                    self.cache, self.cached_bytes, self.side = {}, 0, side
                if self.cached_bytes + pixels.nbytes > MAX_CACHE_BYTES:
                    return pixels
                self.cache[key], self.cached_bytes = pixels, self.cached_bytes + pixels.nbytes
            return pixels
        return cached


def pictures_by_name(folder: Path) -> dict[str, Path]:
    """List the pictures of a folder: name without ending -> path.

    Raises ValueError if there are none.
    """
    if not folder.is_dir():
        raise ValueError(f"There is no folder of pictures {folder}.")
    endings = (".jpg", ".jpeg", ".png")
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.name.lower().endswith(endings))
    if not names:
        raise ValueError(f"{folder} holds no pictures (.jpg or .png).")
    return {name.rsplit(".", 1)[0]: folder / name for name in names}
