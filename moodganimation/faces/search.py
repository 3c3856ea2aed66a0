"""Search for faces of any orientation in a photo."""

import cv2
import numpy as np

from .detection import Finder, sort_by_size
from .inspection import Inspection, Inspector, inspect_crops, rotate_crop
from .portrait import is_same_face

# `rotate_upright` reduces the roll to less than this, which the aligner corrects. It is applied to
# boxes drawn by hand and to `rotated` crops only: `upright` ones keep up to MAX_UPRIGHT_ROLL.
MAX_ALIGNED_ROLL = np.radians(20)
CV2_ROTATIONS = {  # number of quarter turns counterclockwise -> constant of OpenCV
    1: cv2.ROTATE_90_COUNTERCLOCKWISE,
    2: cv2.ROTATE_180,
    3: cv2.ROTATE_90_CLOCKWISE,
}
ROLLS_TO_TRY = np.radians(np.arange(0, 360, 45))  # rotations of a crop to inspect


def find_faces(finder: Finder, inspector: Inspector | None, photo: np.ndarray) -> list[np.ndarray]:
    """Find the coarse crops (`to_face` matrices) of all faces, largest first.

    If no crop is `upright` (see `Inspection`), the finder also searches the photo rotated by 90,
    180 and 270 degrees, and crops found there that are upright replace the first ones. If a first
    crop is upright, or the rotated photos show no upright face, crops that are `rotated` are
    rotated upright, or left out if that fails; crops in which the inspector sees no face stay as
    they are. Without an inspector, returns what the finder found.
    """
    found = finder(photo)
    if inspector is None:
        return found
    inspected = list(zip(found, inspect_crops(inspector, photo, found), strict=True))
    if not any(inspection.upright for _, inspection in inspected):
        in_rotated = _find_in_rotated_photos(finder, inspector, photo)
        if in_rotated:
            return in_rotated
    crops = (
        rotate_upright(inspector, photo, crop) if inspection.rotated else crop
        for crop, inspection in inspected
    )
    return [crop for crop in crops if crop is not None]


def rotate_upright(
    inspector: Inspector, photo: np.ndarray, to_face: np.ndarray
) -> np.ndarray | None:
    """Rotate a crop so that the roll of its face is one that the aligner corrects.

    Returns None if the crop shows an `upright` face (see `Inspection`) in no rotation.
    """
    (inspection,) = inspect_crops(inspector, photo, [to_face])
    if not inspection.upright:
        crops = [rotate_crop(to_face, roll) for roll in ROLLS_TO_TRY]
        inspected = zip(crops, inspect_crops(inspector, photo, crops), strict=True)
        to_face, inspection = max(inspected, key=lambda pair: pair[1].uprightness)
    if inspection.upright and abs(inspection.roll) > MAX_ALIGNED_ROLL:
        to_face = rotate_crop(to_face, inspection.roll)
    return to_face if inspection.upright else None


def rotate_photo(photo: np.ndarray, quarter_turns: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotate a photo counterclockwise by 0 to 3 quarter turns of 90 degrees.

    Returns the rotated photo, and the affine matrix (2, 3) from pixels of the photo to pixels of
    the rotated photo.
    """
    height, width = photo.shape[:2]
    matrices = {
        0: [[1, 0, 0], [0, 1, 0]],
        1: [[0, 1, 0], [-1, 0, width - 1]],
        2: [[-1, 0, width - 1], [0, -1, height - 1]],
        3: [[0, -1, height - 1], [1, 0, 0]],
    }
    rotated = photo if quarter_turns == 0 else cv2.rotate(photo, CV2_ROTATIONS[quarter_turns])
    return rotated, np.array(matrices[quarter_turns], np.float64)


def _find_in_rotated_photos(
    finder: Finder, inspector: Inspector, photo: np.ndarray
) -> list[np.ndarray]:
    """Search the photo rotated by 90, 180 and 270 degrees.

    Returns crops of the unrotated photo in which a face is upright, each face once, largest first.
    """
    inspected: list[tuple[np.ndarray, Inspection]] = []
    for quarter_turns in (1, 2, 3):
        rotated, to_rotated = rotate_photo(photo, quarter_turns)
        crops = [_to_unrotated(to_face, to_rotated) for to_face in finder(rotated)]
        inspected += zip(crops, inspect_crops(inspector, photo, crops), strict=True)
    inspected = [(crop, inspection) for crop, inspection in inspected if inspection.upright]
    faces: list[np.ndarray] = []
    for crop, _ in sorted(inspected, key=lambda pair: -pair[1].uprightness):
        if not any(is_same_face(crop, other) for other in faces):
            faces.append(crop)
    return sort_by_size(faces)


def _to_unrotated(to_face: np.ndarray, to_rotated: np.ndarray) -> np.ndarray:
    """Convert a crop of a rotated photo to one of the photo. to_rotated: see `rotate_photo`."""
    linear, offset = to_face[:, :2], to_face[:, 2]
    return np.c_[linear @ to_rotated[:, :2], linear @ to_rotated[:, 2] + offset]
