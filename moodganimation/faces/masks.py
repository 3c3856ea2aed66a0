"""Masks over the face crop: the share of an edit that takes effect at each place, from 0 to 1."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import numpy as np

from ..networks.compositing import smoothstep

# All lengths are shares of the canonical crop's side.
# Distances from the crop's border: edits have no effect up to the first and full effect from the
# second, with a smooth transition between, so that there is no seam.
FADE_START, FADE_END = 2 / 128, 12 / 128
# Height below the crop's upper border where the mask of the upper face begins to fall from 1, and
# where it is 0.
UPPER_FACE_START, UPPER_FACE_END = 0.42, 0.52
HALF_FACE_TRANSITION = 1 / 8  # width of the transition in the middle of the face
# Parts of a face that can be locked, which means that edits leave them as they are: ellipses with
# center x, y and radii in x, y.
LOCKS = {"eyes": (0.5, 0.36, 0.29, 0.08), "mouth": (0.5, 0.69, 0.23, 0.13)}
LOCK_TRANSITION = 1 / 3  # width of the transition around an ellipse, in its radii


@lru_cache(maxsize=8)
def fade_mask(size: int) -> np.ndarray:
    """(size, size) float32, read-only: 0 at the crop's border, 1 inside, smooth between."""
    start, end = FADE_START * size, FADE_END * size
    distance = np.minimum(np.arange(size), np.arange(size)[::-1])  # [px]
    line = smoothstep(np.clip((distance - start) / (end - start), 0, 1))
    mask = np.minimum.outer(line, line).astype(np.float32)
    mask.flags.writeable = False  # the cache gives all callers the same array
    return mask


def upper_face_mask(size: int) -> np.ndarray:
    """(size, size) float32: 1 on eyes and brows, 0 from the nose down, smooth between."""
    y = (np.arange(size) + 0.5) / size
    down = np.clip((y - UPPER_FACE_START) / (UPPER_FACE_END - UPPER_FACE_START), 0, 1)
    return np.tile(np.float32(1 - smoothstep(down))[:, None], (1, size))


def half_face_mask(size: int, side: Literal["left", "right"]) -> np.ndarray:
    """(size, size) float32: 1 on that side of the person's face, 0 on the other, smooth between."""
    x = (np.arange(size) + 0.5) / size
    across = np.clip((x - 0.5) / HALF_FACE_TRANSITION + 0.5, 0, 1)
    line = np.float32(smoothstep(across))  # 1 on the right of the picture: the person's left
    return np.tile(line if side == "left" else 1 - line, (size, 1))


def unlocked_mask(size: int, locks: Iterable[str]) -> np.ndarray:
    """(size, size) float32: 0 on the locked parts of a face, 1 elsewhere, smooth between.

    locks: keys of LOCKS.
    """
    position, mask = (np.arange(size) + 0.5) / size, np.ones((size, size), np.float32)
    for x, y, radius_x, radius_y in (LOCKS[name] for name in locks):
        distance = np.hypot((position - x)[None] / radius_x, (position - y)[:, None] / radius_y)
        outside = np.clip((distance - 1) / LOCK_TRANSITION, 0, 1)
        mask *= np.float32(smoothstep(outside))
    return mask
