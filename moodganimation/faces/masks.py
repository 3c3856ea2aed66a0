"""Masks over the face crop: where edits may have an effect."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import numpy as np

from ..networks.compositing import smoothstep

# Distance from the crop's border, in 1/128 of its side: edits have no effect up to the first, full
# effect from the second, and a smooth transition between, so that there is no seam.
FADE = (2, 12)
# Down the crop, as shares of its side: where the mask of the upper face begins and ends to fall.
UPPER_FACE = (0.42, 0.52)
# Ellipses of the parts of a face that can be locked: center x, y, radii, as shares of the
# canonical crop's side.
LOCKS = {"eyes": (0.5, 0.36, 0.29, 0.08), "mouth": (0.5, 0.69, 0.23, 0.13)}


@lru_cache(maxsize=8)
def fade_mask(size: int) -> np.ndarray:
    """(size, size) float32, read-only: 0 at the crop's border, 1 inside, smooth between."""
    start, end = (n * size / 128 for n in FADE)
    distance = np.minimum(np.arange(size), np.arange(size)[::-1])
    line = smoothstep(np.clip((distance - start) / (end - start), 0, 1))
    mask = np.minimum.outer(line, line).astype(np.float32)
    mask.flags.writeable = False  # all callers share it
    return mask


def upper_face_mask(size: int) -> np.ndarray:
    """(size, size) float32: 1 on eyes and brows, 0 from the nose down, smooth between."""
    start, end = UPPER_FACE
    down = np.clip(((np.arange(size) + 0.5) / size - start) / (end - start), 0, 1)
    return np.tile(np.float32(1 - smoothstep(down))[:, None], (1, size))


def half_face_mask(size: int, side: Literal["left", "right"]) -> np.ndarray:
    """(size, size) float32: 1 on that side of the person's face, 0 on the other, smooth between."""
    across = np.clip((np.arange(size) + 0.5) / size * 8 - 3.5, 0, 1)  # over an eighth of the crop
    line = np.float32(smoothstep(across))  # 1 at the right of the picture
    return np.tile(line if side == "left" else 1 - line, (size, 1))


def unlocked_mask(size: int, names: Iterable[str]) -> np.ndarray:
    """(size, size) float32: 0 on the parts of a face called `names`, 1 elsewhere, smooth between.

    names: keys of LOCKS.
    """
    position, mask = (np.arange(size) + 0.5) / size, np.ones((size, size), np.float32)
    for x, y, width, height in (LOCKS[name] for name in names):
        radius = np.hypot((position - x)[None] / width, (position - y)[:, None] / height)
        outside = np.clip(3 * (radius - 1), 0, 1)  # full effect a third of the radius beyond it
        mask *= np.float32(smoothstep(outside))
    return mask
