"""Face Mesh landmarks of photos, written by data/prepare/face_mesh_landmarks.py, and the
canonical crop that they define.

landmarks.npz: names (N,) of picture files; points (N, 478, 3) float32: x, y [px of the picture],
which are 0 at its left and upper edges, and z, on the same scale; sizes (N, 2): width and height of
the picture. The code takes points for positions with centres of pixels at integers; that is an
error of half a pixel.
Files of canonical crops may hold lm478_x4_minus_mean (N, 478, 2) and mean_x4 (478, 2) instead of
points and sizes. Their sum is in quarters of a pixel of a crop of 144 pixels a side.
"""

import zipfile
from pathlib import Path

import numpy as np

from moodganimation.faces.portrait import CANONICAL_SCALE, square_crop

from ..rendering.mesh_points import EYE_CORNER_PAIRS, FACE_POINTS
from .augment import CROP_SIDE

CENTER_RISE = 0.02  # of the crop's centre above that of the face's box, in heights of the face


class Landmarks:
    """Landmarks of named pictures, read from a file: `points` (N, 478, 3) and `sizes` (N, 2).

    Raises ValueError if the file is invalid.
    """

    def __init__(self, path: Path):
        self.path = path
        arrays = _arrays(path)
        if {"lm478_x4_minus_mean", "mean_x4"} <= set(arrays):
            quarters = arrays["lm478_x4_minus_mean"].astype(np.float32) + arrays["mean_x4"]
            arrays["points"] = np.pad(quarters / 4, ((0, 0), (0, 0), (0, 1)))
            arrays["sizes"] = np.full((len(quarters), 2), CROP_SIDE)
        missing = [key for key in ("names", "points", "sizes") if key not in arrays]
        if missing:
            raise ValueError(f"{path} lacks {', '.join(missing)}: {_REMEDY}")
        self.points, self.sizes = arrays["points"], arrays["sizes"]
        count = len(arrays["names"]) if arrays["names"].ndim == 1 else -1
        shapes = {"points": (count, 478, 3), "sizes": (count, 2)}
        for key, shape in shapes.items():
            if arrays[key].shape != shape or arrays[key].dtype.kind not in "fiu":
                raise ValueError(
                    f"{path}: {key} must be numbers of shape {shape}, as many as names, got "
                    f"{arrays[key].dtype} of {arrays[key].shape}. {_REMEDY}"
                )
        self.row_of = {str(name): row for row, name in enumerate(arrays["names"])}

    def row(self, name: str) -> int | None:
        """Find the row of a picture by its path in the folder of photos.

        `names` may lack the ending. Returns None if the picture has no landmarks.
        """
        row = self.row_of.get(name)
        return self.row_of.get(name.rpartition(".")[0]) if row is None else row


_REMEDY = "make it with training/data/prepare/face_mesh_landmarks.py."


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz. Raises ValueError if it is missing or damaged."""
    if not path.is_file():
        raise ValueError(f"There is no file {path}: {_REMEDY}")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as problem:
        raise ValueError(
            f"{path} is not a readable .npz of plain arrays ({problem}): {_REMEDY}"
        ) from None


def to_face_of_landmarks(points: np.ndarray) -> np.ndarray:
    """Compute the matrix `to_face` (see faces.portrait) of the canonical crop of Face Mesh points.

    The crop is upright between the eyes; its side is CANONICAL_SCALE times the height of the mesh.
    points: (478, 2 or more) [px]. Raises ValueError for degenerate points.
    """
    mesh = np.asarray(points, np.float64)[:FACE_POINTS, :2]
    right_eye, left_eye = (mesh[list(corners)].mean(0) for corners in EYE_CORNER_PAIRS)
    x, y = left_eye - right_eye
    roll = float(np.arctan2(y, x))
    upright = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    turned = mesh @ upright.T
    low, high = turned.min(0), turned.max(0)
    height = high[1] - low[1]
    if not np.isfinite(height) or height < 1:
        raise ValueError("The landmarks do not form a face.")
    center = (low + high) / 2 - (0, CENTER_RISE * height)
    return square_crop(center @ upright, CANONICAL_SCALE * height, roll)
