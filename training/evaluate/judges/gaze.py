"""Judge by Face Mesh where eyes look.

    python -m training.evaluate.judges.draw gaze --data DIR --checkpoint FILE --out GAZE
    python -m training.evaluate.judges.gaze GAZE [--out JSON] [--write [BLOCK ...]]

Runs in the environment of face_mesh.py. Places of irises (468, 473) and lids are relative to the
middle of an eye's corners, along and across the line between them, in widths of the eye. Faces
whose eyes are open by less than OPEN of their width are left out.

*follow*: Spearman correlation of level and place along the requested direction, median. *right
way*: share of photos whose irises go there by more than THRESHOLD from level 0 to 1. *movement*: by
how much, median. *lids*: mean displacement of the lids' outline over that of the irises, each
summed over photos.

*camera*: distance of the irises from their place in faces that look into the camera, before and
after the edit that makes them look there; *nearer*: share of photos in which it falls. That place
is the mean over 205 frontal studio portraits; in faces turned by 10 degrees it is off by about .04.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from .axes import GAZE
from .command import drawings, parser, run
from .face_mesh_measures import LEVELS, follow
from .facs_blocks import blocks
from .tables import Rows, share

OPEN = 0.2  # height over width of the eye
THRESHOLD = 0.02  # widths of the eye
# Of the person's right eye and left: corners at the viewer's left and right, iris, upper and lower
# lid.
CORNERS = ((33, 133), (362, 263))
IRISES = (468, 473)
UPPER = ((246, 161, 160, 159, 158, 157, 173), (398, 384, 385, 386, 387, 388, 466))
LOWER = ((7, 163, 144, 145, 153, 154, 155), (382, 381, 380, 374, 373, 390, 249))
WAYS = {"AU61": (1, 0), "AU62": (-1, 0), "AU63": (0, -1), "AU64": (0, 1)}  # x right, y down
# Mean place of the irises of frontal people who look into the camera (yaw within 5 degrees; the
# London and Canada sets of the Face Research Lab, landmarks of Face Mesh at 400 pixels a crop): a
# little above the line between the corners and away from the nose. Standard deviation .022 and
# .013.
CAMERA = np.array([[-0.041, -0.062], [0.041, -0.062]])


def in_eyes(points: np.ndarray, ids) -> np.ndarray:
    """Points `ids` (2, N), of either eye, in widths of their eye: (2, N, 2), x to the viewer's
    right and y down, from the middle of its corners."""
    found = []
    for corners, own in zip(CORNERS, ids, strict=True):
        low, high = points[list(corners), :2]
        x = (high - low) / np.square(high - low).sum()
        offsets = points[list(own), :2] - (low + high) / 2
        found.append(np.stack([offsets @ x, offsets @ (-x[1], x[0])], 1))
    return np.stack(found)


def irises(points: np.ndarray) -> np.ndarray:
    """(2, 2): the irises of both eyes, as `in_eyes`."""
    return in_eyes(points, [[iris] for iris in IRISES])[:, 0]


def openness(points: np.ndarray) -> float:
    """Height over width of the eye that is less open, over the three middle pairs of its lids."""
    upper, lower = (in_eyes(points, lids)[:, 2:5, 1].mean(1) for lids in (UPPER, LOWER))
    return float((lower - upper).min())


def place(points: np.ndarray, key: str) -> float:
    """How far the irises are in the direction of an axis."""
    return float(irises(points).mean(0) @ WAYS[key])


def moved_lids(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Mean displacement of the lids' outline, and of the irises."""
    outline = [(*up, *low) for up, low in zip(UPPER, LOWER, strict=True)]
    lids = in_eyes(after, outline) - in_eyes(before, outline)
    eyes = irises(after) - irises(before)
    return tuple(float(np.linalg.norm(way, axis=-1).mean()) for way in (lids, eyes))


def off_camera(points: np.ndarray) -> float:
    """Mean distance of the irises from CAMERA."""
    return float(np.linalg.norm(irises(points) - CAMERA, axis=1).mean())


def of_axis(key: str, sweeps: list[list[np.ndarray]]) -> dict[str, float]:
    """The figures of landmarks at LEVELS of every photo."""
    values = np.array([[place(points, key) for points in sweep] for sweep in sweeps])
    lids, eyes = np.sum([moved_lids(sweep[0], sweep[-1]) for sweep in sweeps], 0)
    change = values[:, -1] - values[:, 0]
    return {
        "photos": len(sweeps),
        "follow": np.median([follow(row) for row in values]),
        "right way": np.mean(change > THRESHOLD),
        "movement": np.median(change),
        "lids": share(lids, eyes),
    }


def of_camera(pairs: list[list[np.ndarray]]) -> dict[str, float]:
    """The figures of landmarks before and after."""
    before, after = np.array([[off_camera(points) for points in pair] for pair in pairs]).T
    return {
        "photos": len(pairs),
        "before": np.median(before),
        "after": np.median(after),
        "before 90%": np.percentile(before, 90),
        "after 90%": np.percentile(after, 90),
        "nearer": np.mean(after < before),
    }


def judge(folder: Path) -> dict[str, Rows]:
    """Tables of the directions, and of the look into the camera."""
    found, camera = {}, []
    for photo in drawings(folder, "gaze"):
        for key in GAZE:
            points = photo.all_points([f"{key}_{level:03d}" for level in LEVELS])
            if points and openness(points[0]) >= OPEN:
                found.setdefault(key, []).append(points)
        pair = photo.all_points(("photo", "camera_100"))
        if pair and openness(pair[0]) >= OPEN:
            camera.append(pair)
    if not found:
        raise ValueError(f"Face Mesh found no face with open eyes in {folder}.")
    tables = {"gaze": {key: of_axis(key, sweeps) for key, sweeps in found.items()}}
    return tables | ({"camera": {"look into the camera": of_camera(camera)}} if camera else {})


BLOCKS = blocks("gaze", gaze="axis", camera="")


def _parser() -> argparse.ArgumentParser:
    return parser("gaze", __doc__, BLOCKS)


def main(arguments: list[str] | None = None) -> int:
    return run("gaze", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
