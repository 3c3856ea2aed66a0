"""Eyeballs: where they look, and how iris and white move inside the lids when they turn.

Angles are of the eyes in the head [rad], to the person's left and up. Landmarks are those of Face
Mesh with its irises, (478, 2).
"""

import cv2
import numpy as np

from . import mesh_points
from .raster import nearest

MAX_GAZE = (25.0, 20.0)  # degrees to a side and up or down, at intensity 5
RADIUS = 0.45  # from the eyeball's centre to the iris, in widths of the eye
# Of eyes that look straight out of a level head, from studio photos: irises above the line of the
# corners [widths of the eye], and how far they shift as the head turns by a degree.
RAISED, SHIFT = 0.063, 0.0026
IRIS = 0.21  # radius, in widths of the eye
# corners (viewer's left, right) and iris, of the right eye and of the left
EYES = (((33, 133), 468), ((362, 263), 473))


def has_irises(landmarks: np.ndarray) -> bool:
    return len(landmarks) > mesh_points.COUNT


def widths(landmarks: np.ndarray) -> np.ndarray:
    """(2,) the distance of the corners of the right eye and of the left."""
    return np.array([np.linalg.norm(landmarks[b] - landmarks[a]) for (a, b), _ in EYES])


def gaze_of(landmarks: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """(2,) where the eyes look, the mean of both; yaw, pitch [degrees] of the head."""
    across, up = [], []
    for ((a, b), iris), width in zip(EYES, widths(landmarks), strict=True):
        axis = (landmarks[b] - landmarks[a]) / width
        offset = (landmarks[iris] - (landmarks[a] + landmarks[b]) / 2) / width
        across.append(offset @ axis)
        up.append(-offset @ (-axis[1], axis[0]))
    seen = np.array([np.mean(across) - SHIFT * yaw, np.mean(up) - RAISED + SHIFT * pitch])
    return np.arcsin(np.clip(seen / RADIUS, -1, 1))


def turned(
    taken: np.ndarray,
    opening: np.ndarray,
    seen: np.ndarray,
    iris: np.ndarray,
    radius: float,
    shift: tuple[float, float],
) -> np.ndarray:
    """(S, S, 2) float32: where in the photo the pixels of an eye come from [px] as its iris moves
    by `shift`.

    taken (S, S, 2): where they come from without that; opening (S, S) bool: the eye after the
    edit; seen (S, S) bool: eyeballs in the photo; iris (2,), radius: of the photo. The iris moves
    as it is, cut by the lids; the white around it stretches, up to the lids and corners. What the
    photo hides of both is taken from the nearest that it shows.
    """
    shift, distance = np.float32(shift), cv2.distanceTransform(np.uint8(opening), cv2.DIST_L2, 5)
    beyond = np.linalg.norm(taken - iris - shift, axis=-1) - radius
    share = np.where(beyond <= 0, 1, distance / (distance + np.maximum(beyond, 1e-3)))
    places = taken - shift * share[..., None]
    y, x = np.mgrid[: len(seen), : len(seen)]
    far = np.hypot(x - iris[0], y - iris[1])
    dark = seen & (far < 0.9 * radius)
    places = _nearest_shown(places, opening & (beyond <= 0), dark, dark)
    white = seen & (far > 1.15 * radius) & (far < 4 * radius)
    side = x > iris[0]  # where it shows more of it: a mean of both sides would be the iris
    more = white & (side == ((white & side).sum() > (white & ~side).sum()))
    return _nearest_shown(places, opening & (beyond > 0), white, more).astype(np.float32)


def _nearest_shown(
    places: np.ndarray, part: np.ndarray, shown: np.ndarray, source: np.ndarray
) -> np.ndarray:
    """Places (S, S, 2), but those of `part` (S, S) that lead elsewhere than to what is `shown`
    (S, S), at the nearest of `source` (S, S)."""
    if not source.any() or not part.any():
        return places
    kept = cv2.dilate(np.uint8(shown), np.ones((3, 3), np.uint8)) > 0
    column, row = np.clip(places + 0.5, 0, len(part) - 1).astype(int).transpose(2, 0, 1)
    lost = part & ~kept[row, column]
    return np.where(lost[..., None], nearest(source)[1][row, column], places)
