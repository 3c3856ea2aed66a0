"""Gaze: estimating it, and moving iris and white inside the lids when the eyes turn.

Angles are of the eyes in the head [rad], to the person's left and up. Landmarks are those of Face
Mesh with its irises, (478, 2).
"""

import cv2
import numpy as np

from . import mesh_points
from .raster import nearest_known

MAX_GAZE = (25.0, 20.0)  # degrees to a side and up or down, at intensity 5
# Lengths in widths of the eye, the distance of its corners:
IRIS_DISTANCE = 0.45  # from the eyeball's centre to that of the iris
IRIS_RADIUS = 0.21
# Irises of eyes that look straight ahead, measured in studio photos:
IRIS_HEIGHT = 0.063  # above the line of the corners
IRIS_SHIFT = 0.0026  # per degree that the head turns, since corners are not on the eyeball
# Share of the iris's radius: pixels nearer than the first are iris, those between the others white.
IRIS_END, WHITE_START, WHITE_END = 0.9, 1.15, 4
# Face Mesh points of the right eye and of the left: corners (viewer's left, right) and iris.
CORNERS_AND_IRISES = tuple(zip(mesh_points.EYE_CORNER_PAIRS, mesh_points.IRISES, strict=True))


def has_irises(landmarks: np.ndarray) -> bool:
    """Whether landmarks include those of the irises."""
    return len(landmarks) > mesh_points.FACE_POINTS


def eye_widths(landmarks: np.ndarray) -> np.ndarray:
    """Return the widths (2,) of the right eye and of the left, from corner to corner."""
    corners = mesh_points.EYE_CORNER_PAIRS
    return np.array([np.linalg.norm(landmarks[b] - landmarks[a]) for a, b in corners])


def gaze_of(landmarks: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """Estimate the gaze (2,), the mean of both eyes; yaw, pitch [degrees] of the head."""
    left, up = [], []
    for ((a, b), iris), width in zip(CORNERS_AND_IRISES, eye_widths(landmarks), strict=True):
        axis = (landmarks[b] - landmarks[a]) / width
        offset = (landmarks[iris] - (landmarks[a] + landmarks[b]) / 2) / width
        left.append(offset @ axis)
        up.append(-offset @ (-axis[1], axis[0]))
    offset = np.array(
        [np.mean(left) - IRIS_SHIFT * yaw, np.mean(up) - IRIS_HEIGHT + IRIS_SHIFT * pitch]
    )
    return np.arcsin(np.clip(offset / IRIS_DISTANCE, -1, 1))


def turn_eye(
    positions: np.ndarray,
    opening: np.ndarray,
    eyeballs: np.ndarray,
    iris: np.ndarray,
    radius: float,
    shift: tuple[float, float],
) -> np.ndarray:
    """Compute sampling positions (S, S, 2) float32 [px] of an eye whose iris moves by `shift` [px].

    positions: (S, S, 2), those before the shift. opening: (S, S) bool, the eye after the edit.
    eyeballs: (S, S) bool, visible eyeballs in the photo. iris (2,), radius: of the photo [px]. The
    iris moves rigidly and is cut by the lids; the white around it is stretched up to the lids and
    corners. Positions that the photo hides are replaced by the nearest visible ones of the same
    part.
    """
    shift = np.float32(shift)
    lid_distance = cv2.distanceTransform(np.uint8(opening), cv2.DIST_L2, 5)
    # Distance from the edge of the moved iris, negative inside.
    iris_distance = np.linalg.norm(positions - iris - shift, axis=-1) - radius
    # Share of the shift with which a pixel moves: all on the iris, none at the lids.
    share = lid_distance / (lid_distance + np.maximum(iris_distance, 1e-3))
    share = np.where(iris_distance <= 0, 1, share)
    result = positions - shift * share[..., None]
    y, x = np.mgrid[: len(eyeballs), : len(eyeballs)]
    distance = np.hypot(x - iris[0], y - iris[1])
    visible_iris = eyeballs & (distance < IRIS_END * radius)
    result = _replace_hidden(result, opening & (iris_distance <= 0), visible_iris, visible_iris)
    white = eyeballs & (distance > WHITE_START * radius) & (distance < WHITE_END * radius)
    # Copy only from the half that shows more white: a nearest pixel of the other half may lie
    # across the iris, and interpolated positions between both halves would show the iris.
    right_half = x > iris[0]
    right_is_larger = (white & right_half).sum() > (white & ~right_half).sum()
    larger_half = white & (right_half == right_is_larger)
    result = _replace_hidden(result, opening & (iris_distance > 0), white, larger_half)
    return result.astype(np.float32)


def _replace_hidden(
    positions: np.ndarray, part: np.ndarray, visible: np.ndarray, fill_from: np.ndarray
) -> np.ndarray:
    """Replace positions (S, S, 2) of pixels in `part` that fall outside `visible` by the nearest
    pixel of `fill_from`; all three are masks (S, S)."""
    if not fill_from.any() or not part.any():
        return positions
    kept = cv2.dilate(np.uint8(visible), np.ones((3, 3), np.uint8)) > 0
    x, y = np.clip(positions + 0.5, 0, len(part) - 1).astype(int).transpose(2, 0, 1)
    hidden = part & ~kept[y, x]
    return np.where(hidden[..., None], nearest_known(fill_from)[1][y, x], positions)
