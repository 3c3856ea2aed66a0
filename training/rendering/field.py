"""The backward flow of an edit: given by the mesh inside the face, fading to 0 outside it."""

import cv2
import numpy as np

from .model import CROP_SIDE, RENDER_SIDE
from .raster import nearest_known
from .surface import SKIN
from .units import smoothstep

# Lengths in crop px:
MARGIN = 8.0  # distance outside the face over which the flow fades
MARGIN_PER_MOTION = 2.2  # added per pixel of flow, so that the flow does not overlap itself
MOTION_EPS = 0.01  # shorter flow is set to 0
# Blurs of the extrapolated flow: standard deviation, distances where they begin and are complete.
BLURS = ((3, 0, 6), (9, 6, 20))


def face_core(segmentation: np.ndarray) -> np.ndarray:
    """Return a mask (S, S) bool of the face without its edge, where the mesh is inaccurate.

    segmentation: (S, S), see `source.segment`.
    """
    square = np.ones((5, 5), np.uint8)
    solid = cv2.morphologyEx(np.uint8(segmentation >= 0), cv2.MORPH_CLOSE, square)
    return cv2.erode(solid, square) > 0


def complete_flow(flow: np.ndarray, segmentation: np.ndarray, core: np.ndarray) -> np.ndarray:
    """Extend a flow (S, S, 2) [render px] from the visible face to the whole picture.

    segmentation: (S, S), see `source.segment`; core: `face_core` of it.
    """
    known = core & (segmentation >= 0)
    skin = core & (segmentation == SKIN)
    return np.where(known[..., None], flow, extrapolate(flow, skin))


def extrapolate(flow: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Extrapolate a flow (S, S, 2) [render px] from known pixels (S, S) bool: that of the nearest
    one, smoothed and faded with distance.

    This is done at half the resolution, so that distances are in crop px.
    """
    half = known[::2, ::2]
    if not half.any():
        return np.zeros_like(flow)
    distance, positions = nearest_known(half)
    x, y = positions.astype(int).transpose(2, 0, 1)
    result = flow[::2, ::2][y, x]
    for sigma, start, end in BLURS:
        share = np.clip((distance - start) / (end - start), 0, 1)[..., None]
        result = result * (1 - share) + cv2.GaussianBlur(result, (0, 0), sigma) * share
    length = cv2.magnitude(result[..., 0], result[..., 1]) * (CROP_SIDE / RENDER_SIDE)
    share = 1 - smoothstep(distance / (MARGIN + MARGIN_PER_MOTION * length))
    result *= np.where(share * length > MOTION_EPS, share, 0)[..., None]
    return cv2.resize(result, (RENDER_SIDE, RENDER_SIDE), interpolation=cv2.INTER_LINEAR)
