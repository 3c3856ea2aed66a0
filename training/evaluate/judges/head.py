"""Judge by Face Mesh the turn of heads, and whether the expression is preserved.

    python -m training.evaluate.judges.draw head --data DIR --checkpoint FILE --out HEAD
    python -m training.evaluate.judges.head HEAD [--out JSON] [--write [BLOCK ...]]

It runs in the environment of face_mesh.py. The turn is the rotation from rigid points of the photo,
with Face Mesh's depth, to their picture positions in the edit (face_mesh_measures.pose). Its
rotation vector is split into the component about the requested axis, positive in the requested
direction, and the other two components.

*at 5*, *at 10*, *at 15*: the turn about the requested axis for requests of 5, 10 and 15 degrees,
median. The other figures are for requests of 10 degrees. *within*: share of photos turned by 7 to
13 degrees. *aside*: length of the other two components [degrees], median. *expression 90%*: change
of the measures of the 17 units (face_mesh_measures.py) after removing the turn, in distances
between the eyes, 90th percentile over photos and units. *expression kept*: share of these changes
that are at most MAX_CHANGE.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from .axes import HEAD_AXES, HEAD_PERCENTS, MAX_TURN
from .command import rendered_photos, run_judge
from .face_mesh_measures import HEAD_POINTS, UNITS, pose, registered, upright
from .table_blocks import blocks
from .tables import Rows

MIDDLE = 1  # index of 10 degrees in HEAD_PERCENTS
ACCEPTED = (7, 13)  # turns that count as 10 degrees
MAX_CHANGE = 0.05  # distances between the eyes
# For each axis: the index of its rotation axis (x right, y down, z away from the viewer), and the
# sign of the right-handed rotation. Turning left moves the nose to the viewer's right.
ROTATION_AXES = {
    "AU51": (1, -1),
    "AU52": (1, 1),
    "AU53": (0, -1),
    "AU54": (0, 1),
    "AU55": (2, 1),
    "AU56": (2, -1),
}


def turn_about(photo: np.ndarray, edit: np.ndarray, key: str) -> tuple[float, float]:
    """Measure the degrees turned about the rotation axis of `key`, and about the other two.

    photo: (478, 3); edit: (478, 2 or 3).
    """
    rotation, _ = pose(photo[HEAD_POINTS], edit[HEAD_POINTS])
    vector = np.degrees(cv2.Rodrigues(rotation)[0][:, 0])
    axis, sign = ROTATION_AXES[key]
    return float(sign * vector[axis]), float(np.hypot(*np.delete(vector, axis)))


def without_turn(photo: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """Rotate the edit's points back to the photo's head pose, with the depth of the photo's points.

    photo: (478, 3); edit: (478, 2 or 3). Returns (478, 2).
    """
    rotation, scale = pose(photo[HEAD_POINTS], edit[HEAD_POINTS])
    photo_center, edit_center = photo[HEAD_POINTS].mean(0), edit[HEAD_POINTS, :2].mean(0)
    depth = ((photo - photo_center) @ rotation.T)[:, 2:]
    turned = np.concatenate([(edit[:, :2] - edit_center) / scale, depth], 1)
    return (turned @ rotation + photo_center)[:, :2]


def expression_change(photo: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """Measure the absolute change (17,) of every unit's measure, after removing the turn."""
    base = upright(photo)
    before, after = registered(photo, base), registered(without_turn(photo, edit), base)
    return np.array([abs(measure(after) - measure(before)) for measure, _ in UNITS.values()])


def axis_figures(key: str, faces: list[list[np.ndarray | None]]) -> dict[str, float]:
    """Compute the figures of an axis.

    faces: for each photo its landmarks, then those of its edits at HEAD_PERCENTS, None if missing.
    """
    row, pairs_at, turns_at = {"photos": len(faces)}, [], []
    for index, percent in enumerate(HEAD_PERCENTS):
        pairs = [(photo, edits[index]) for photo, *edits in faces if edits[index] is not None]
        turns = [turn_about(*pair, key) for pair in pairs]
        pairs_at.append(pairs)
        turns_at.append(turns)
        column = f"at {MAX_TURN * percent / 100:.0f}"
        row[column] = np.median([about for about, _ in turns]) if pairs else np.nan
    if not pairs_at[MIDDLE]:
        return row
    about, aside = np.array(turns_at[MIDDLE]).T
    changes = np.concatenate([expression_change(*pair) for pair in pairs_at[MIDDLE]])
    return row | {
        "within": np.mean((about >= ACCEPTED[0]) & (about <= ACCEPTED[1])),
        "aside": np.median(aside),
        "expression 90%": np.percentile(changes, 90),
        "expression kept": np.mean(changes <= MAX_CHANGE),
    }


def judge(folder: Path) -> dict[str, Rows]:
    """Compute the table with a row for each axis. Raises ValueError."""
    faces_of = {}
    for photo in rendered_photos(folder, "head"):
        points = photo.points("photo")
        for key in HEAD_AXES if points is not None else ():
            edits = [photo.points(f"{key}_{percent:03d}") for percent in HEAD_PERCENTS]
            if edits[MIDDLE] is not None:
                faces_of.setdefault(key, []).append([points, *edits])
    if not faces_of:
        raise ValueError(f"Face Mesh found no turned head in {folder}.")
    return {"head": {key: axis_figures(key, faces) for key, faces in faces_of.items()}}


BLOCKS = blocks("head", head="axis")


def main(arguments: list[str] | None = None) -> int:
    return run_judge("head", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
