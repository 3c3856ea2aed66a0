"""Judge by Face Mesh the direction of the gaze.

    python -m training.evaluate.judges.draw gaze --data DIR --checkpoint FILE --out GAZE
    python -m training.evaluate.judges.gaze GAZE [--out JSON] [--write [BLOCK ...]]

It runs in the environment of face_mesh.py. Positions of irises and lids are in *eye coordinates*:
relative to the midpoint of the eye's corners, along and across the line between them, in widths of
the eye. Faces whose eyes are open by less than MIN_OPENNESS are left out.

*follow*: Spearman correlation of level and position of the irises along the requested direction,
median. *right way*: share of photos whose irises move in that direction by more than MIN_MOVEMENT
from level 0 to 1. *movement*: that movement, median. *lids*: mean displacement of the lids' outline
over that of the irises, each summed over photos.

Table *camera*: distance of the irises from CAMERA_POSITION, their position in faces that look into
the camera, *before* and *after* an edit with that look: medians and 90th percentiles. *nearer*:
share of photos in which the distance decreases. In faces turned by 10 degrees the error of
CAMERA_POSITION is about .04.
"""

import sys
from pathlib import Path

import numpy as np

from ...rendering.mesh_points import EYE_CORNER_PAIRS, IRISES
from .axes import GAZE_AXES, PERCENTS
from .command import rendered_photos, run_judge
from .face_mesh_measures import follow
from .table_blocks import blocks
from .tables import Rows, ratio

MIN_OPENNESS = 0.2  # height over width of the eye
MIN_MOVEMENT = 0.02  # widths of the eye
# Landmarks of the person's right eye, then of the left eye, from the viewer's left to the right.
UPPER_LIDS = ((246, 161, 160, 159, 158, 157, 173), (398, 384, 385, 386, 387, 388, 466))
LOWER_LIDS = ((7, 163, 144, 145, 153, 154, 155), (382, 381, 380, 374, 373, 390, 249))
DIRECTIONS = {"AU61": (1, 0), "AU62": (-1, 0), "AU63": (0, -1), "AU64": (0, 1)}  # x right, y down
# Mean position (x, y in eye coordinates) of the irises of 205 frontal people who look into the
# camera (yaw within 5 degrees; the London and Canada sets of the Face Research Lab, landmarks of
# Face Mesh at 400 pixels a crop): slightly above the line between the corners and away from the
# nose. Standard deviations: .022 and .013.
CAMERA_POSITION = np.array([[-0.041, -0.062], [0.041, -0.062]])


def in_eyes(points: np.ndarray, ids) -> np.ndarray:
    """Convert landmarks to eye coordinates (2, N, 2), x to the viewer's right and y down.

    points: (478, 2 or 3). ids: (2, N), landmarks of the right eye and of the left eye.
    """
    eyes = []
    for corners, own_ids in zip(EYE_CORNER_PAIRS, ids, strict=True):
        start, end = points[list(corners), :2]
        x = (end - start) / np.square(end - start).sum()
        offsets = points[list(own_ids), :2] - (start + end) / 2
        eyes.append(np.stack([offsets @ x, offsets @ (-x[1], x[0])], 1))
    return np.stack(eyes)


def irises(points: np.ndarray) -> np.ndarray:
    """Locate the irises of both eyes in eye coordinates, (2, 2)."""
    return in_eyes(points, [[iris] for iris in IRISES])[:, 0]


def openness(points: np.ndarray) -> float:
    """Height over width of the less open eye, from the three middle points of its lids."""
    upper, lower = (in_eyes(points, lids)[:, 2:5, 1].mean(1) for lids in (UPPER_LIDS, LOWER_LIDS))
    return float((lower - upper).min())


def position_along(points: np.ndarray, key: str) -> float:
    """Mean position of the irises along the direction of an axis, in widths of the eye."""
    return float(irises(points).mean(0) @ DIRECTIONS[key])


def lid_and_iris_motion(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Mean displacement of the lids' outline, and of the irises, in widths of the eye."""
    outline = [(*up, *low) for up, low in zip(UPPER_LIDS, LOWER_LIDS, strict=True)]
    lids = in_eyes(after, outline) - in_eyes(before, outline)
    iris = irises(after) - irises(before)
    return tuple(float(np.linalg.norm(offsets, axis=-1).mean()) for offsets in (lids, iris))


def camera_distance(points: np.ndarray) -> float:
    """Mean distance of the irises from CAMERA_POSITION, in widths of the eye."""
    return float(np.linalg.norm(irises(points) - CAMERA_POSITION, axis=1).mean())


def axis_figures(key: str, sweeps: list[list[np.ndarray]]) -> dict[str, float]:
    """Compute the figures of an axis; sweeps: landmarks of each photo at PERCENTS."""
    values = np.array([[position_along(points, key) for points in sweep] for sweep in sweeps])
    lids, iris = np.sum([lid_and_iris_motion(sweep[0], sweep[-1]) for sweep in sweeps], 0)
    change = values[:, -1] - values[:, 0]
    return {
        "photos": len(sweeps),
        "follow": np.median([follow(row) for row in values]),
        "right way": np.mean(change > MIN_MOVEMENT),
        "movement": np.median(change),
        "lids": ratio(lids, iris),
    }


def camera_figures(pairs: list[list[np.ndarray]]) -> dict[str, float]:
    """Compute the figures of the look into the camera; pairs: landmarks before and after."""
    before, after = np.array([[camera_distance(points) for points in pair] for pair in pairs]).T
    return {
        "photos": len(pairs),
        "before": np.median(before),
        "after": np.median(after),
        "before 90%": np.percentile(before, 90),
        "after 90%": np.percentile(after, 90),
        "nearer": np.mean(after < before),
    }


def judge(folder: Path) -> dict[str, Rows]:
    """Compute the tables of the directions and of the look into the camera. Raises ValueError."""
    sweeps_of, camera_pairs = {}, []
    for photo in rendered_photos(folder, "gaze"):
        for key in GAZE_AXES:
            points = photo.all_points([f"{key}_{percent:03d}" for percent in PERCENTS])
            if points and openness(points[0]) >= MIN_OPENNESS:
                sweeps_of.setdefault(key, []).append(points)
        pair = photo.all_points(("photo", "camera_100"))
        if pair and openness(pair[0]) >= MIN_OPENNESS:
            camera_pairs.append(pair)
    if not sweeps_of:
        raise ValueError(f"Face Mesh found no face with open eyes in {folder}.")
    tables = {"gaze": {key: axis_figures(key, sweeps) for key, sweeps in sweeps_of.items()}}
    if camera_pairs:
        tables["camera"] = {"look into the camera": camera_figures(camera_pairs)}
    return tables


BLOCKS = blocks("gaze", gaze="axis", camera="")


def main(arguments: list[str] | None = None) -> int:
    return run_judge("gaze", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
