"""The backward flow of an edit: from the mesh inside the face, fading to nothing outside it."""

import cv2
import numpy as np

from .model import FRAME, SIDE
from .raster import nearest
from .surface import SKIN
from .units import smooth

MARGIN = 8.0  # px of 144 outside the face over which the flow fades
STILL = 0.01  # px of 144, less of which is no motion
STRETCH = 2.2  # further margin for every pixel of flow: the picture is not folded there


def core(kind: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) bool: the face less its edge, where the mesh can be believed."""
    square = np.ones((5, 5), np.uint8)
    solid = cv2.morphologyEx(np.uint8(kind >= 0), cv2.MORPH_CLOSE, square)
    return cv2.erode(solid, square) > 0


def whole(flow: np.ndarray, kind: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 2) flow [px of SIDE], known where a part of the face is seen, everywhere.

    kind: what is seen at each pixel; inner: `core` of it.
    """
    known = inner & (kind >= 0)
    skin = inner & (kind == SKIN)
    return np.where(known[..., None], flow, around(flow, skin))


def around(flow: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 2) the flow of the nearest known place, the smoother and weaker the farther."""
    half = known[::2, ::2]
    if not half.any():
        return np.zeros_like(flow)
    distance, places = nearest(half)
    x, y = places.astype(int).transpose(2, 0, 1)
    spread = flow[::2, ::2][y, x]
    for sigma, start, end in ((3, 0, 6), (9, 6, 20)):
        share = np.clip((distance - start) / (end - start), 0, 1)[..., None]
        spread = spread * (1 - share) + cv2.GaussianBlur(spread, (0, 0), sigma) * share
    length = cv2.magnitude(spread[..., 0], spread[..., 1]) * (FRAME / SIDE)
    share = 1 - smooth(distance / (MARGIN + STRETCH * length))
    spread *= np.where(share * length > STILL, share, 0)[..., None]
    return cv2.resize(spread, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
