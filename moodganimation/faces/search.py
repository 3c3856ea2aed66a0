"""Search for faces of any orientation in a photo."""

import cv2
import numpy as np

from .detection import Finder, sort_by_size
from .inspection import Inspection, Inspector, inspect, rotate_crop
from .portrait import show_same_face

MAX_ALIGNED_ROLL = np.radians(20)  # the aligner corrects a smaller roll by itself
CV2_ROTATIONS = {  # by quarters counterclockwise
    1: cv2.ROTATE_90_COUNTERCLOCKWISE,
    2: cv2.ROTATE_180,
    3: cv2.ROTATE_90_CLOCKWISE,
}
ROLLS_TO_TRY = np.radians(np.arange(0, 360, 45))  # rotations of a crop to inspect


def find_faces(finder: Finder, inspector: Inspector | None, photo: np.ndarray) -> list[np.ndarray]:
    """Find the coarse crops (`to_face` matrices) of all faces, upright, largest first.

    If there is no upright face in the photo, the finder also searches it rotated by 90, 180 and 270
    degrees. Crops in which the face is not upright are rotated.
    """
    found = finder(photo)
    if inspector is None:
        return found
    inspected = list(zip(found, inspect(inspector, photo, found), strict=True))
    if not any(inspection.upright for _, inspection in inspected):
        rotated = _find_in_rotated_photos(finder, inspector, photo)
        if rotated:
            return rotated
    return [
        face
        for crop, inspection in inspected
        for face in ([set_upright(inspector, photo, crop)] if inspection.wrong_way else [crop])
        if face is not None
    ]


def set_upright(inspector: Inspector, photo: np.ndarray, to_face: np.ndarray) -> np.ndarray | None:
    """Rotate a crop so that its face is upright; None if no rotation shows a face."""
    (inspection,) = inspect(inspector, photo, [to_face])
    if not inspection.upright:
        crops = [rotate_crop(to_face, roll) for roll in ROLLS_TO_TRY]
        inspected = zip(crops, inspect(inspector, photo, crops), strict=True)
        to_face, inspection = max(inspected, key=lambda pair: pair[1].uprightness)
    if inspection.upright and abs(inspection.roll) > MAX_ALIGNED_ROLL:
        to_face = rotate_crop(to_face, inspection.roll)
    return to_face if inspection.upright else None


def rotate_photo(photo: np.ndarray, quarters: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotate a photo counterclockwise by multiples of 90 degrees.

    Returns the rotated photo, and the affine matrix (2, 3) from the photo's pixels to its pixels.
    """
    height, width = photo.shape[:2]
    matrices = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, 1, 0], [-1, 0, width - 1]],
        2: [[-1, 0, width - 1], [0, -1, height - 1]],
        3: [[0, -1, height - 1], [1, 0, 0]],
    }
    rotated = photo if quarters == 0 else cv2.rotate(photo, CV2_ROTATIONS[quarters])
    return rotated, np.array(matrices[quarters], np.float64)


def _find_in_rotated_photos(
    finder: Finder, inspector: Inspector, photo: np.ndarray
) -> list[np.ndarray]:
    """Find upright crops in the rotated photo, each face once, largest first."""
    inspected: list[tuple[np.ndarray, Inspection]] = []
    for quarters in (1, 2, 3):
        rotated, to_rotated = rotate_photo(photo, quarters)
        crops = [_compose(to_face, to_rotated) for to_face in finder(rotated)]
        inspected += zip(crops, inspect(inspector, photo, crops), strict=True)
    inspected = [(crop, inspection) for crop, inspection in inspected if inspection.upright]
    faces: list[np.ndarray] = []
    for crop, _ in sorted(inspected, key=lambda pair: -pair[1].uprightness):
        if not any(show_same_face(crop, other) for other in faces):
            faces.append(crop)
    return sort_by_size(faces)


def _compose(to_face: np.ndarray, to_rotated: np.ndarray) -> np.ndarray:
    """Compose affine maps (2, 3): `to_face` of the rotated photo becomes one of the photo."""
    linear, offset = to_face[:, :2], to_face[:, 2]
    return np.c_[linear @ to_rotated[:, :2], linear @ to_rotated[:, 2] + offset]
