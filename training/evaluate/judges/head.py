"""Judge by Face Mesh how far heads turn, and whether the expression stays.

    python -m training.evaluate.judges.draw head --data DIR --checkpoint FILE --out HEAD
    python -m training.evaluate.judges.head HEAD [--out JSON] [--write [BLOCK ...]]

Runs in the environment of face_mesh.py. The turn is that of least squares between the photo's
points that no expression moves, with the depth that Face Mesh gives them, and where they are in the
edit, whose depth is not asked. Its rotation vector is taken apart into the requested axis, positive
the way that is requested, and the rest.

*at 5*, *at 10*, *at 15*: the turn about the requested axis where so many degrees are requested,
median. *within*: share of photos with 7 to 13 degrees where 10 are requested. *aside*: length of
the rest there, median. *expression 90%*: change of the measures of the 17 units
(face_mesh_measures.py) there, the turn undone, in distances between the eyes, 90th percentile over
photos and units; *expression kept*: share within .05.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from .axes import HEAD, TURN
from .command import drawings, parser, run
from .face_mesh_measures import STILL, UNITS, pose, settled, upright
from .facs_blocks import blocks
from .tables import Rows

LEVELS = (33, 67, 100)  # percent: thirds of the range
MIDDLE = 1  # of LEVELS: 10 degrees
WITHIN = (7, 13)  # degrees
KEPT = 0.05  # distances between the eyes
# Of each axis: the coordinate that it turns about, x right, y down and z away from the viewer, and
# the sign of the right-handed rotation. To the left, the nose goes to the viewer's right.
ABOUT = {
    "AU51": (1, -1),
    "AU52": (1, 1),
    "AU53": (0, -1),
    "AU54": (0, 1),
    "AU55": (2, 1),
    "AU56": (2, -1),
}


def turned(photo: np.ndarray, edit: np.ndarray, key: str) -> tuple[float, float]:
    """Degrees about the axis of `key`, positive its way, and about all others. Points: (478, 3) and
    (478, 2 or 3)."""
    rotation, _ = pose(photo[STILL], edit[STILL])
    vector = np.degrees(cv2.Rodrigues(rotation)[0][:, 0])
    axis, sign = ABOUT[key]
    return float(sign * vector[axis]), float(np.hypot(*np.delete(vector, axis)))


def unturned(photo: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """(478, 2): the edit's points as the photo's head would show them. Their depth is that of the
    photo's points, turned."""
    rotation, scale = pose(photo[STILL], edit[STILL])
    centre, moved = photo[STILL].mean(0), edit[STILL, :2].mean(0)
    depth = ((photo - centre) @ rotation.T)[:, 2:]
    seen = np.concatenate([(edit[:, :2] - moved) / scale, depth], 1)
    return (seen @ rotation + centre)[:, :2]


def expression_change(photo: np.ndarray, edit: np.ndarray) -> np.ndarray:
    """(17,): absolute change of every unit's measure, the turn undone."""
    base = upright(photo)
    before, after = settled(photo, base), settled(unturned(photo, edit), base)
    return np.array([abs(measure(after) - measure(before)) for measure, _ in UNITS.values()])


def of_axis(key: str, faces: list[list[np.ndarray | None]]) -> dict[str, float]:
    """The figures of landmarks of the photo and at LEVELS; None where a level was not drawn."""
    row, turns = {"photos": len(faces)}, []
    for number, level in enumerate(LEVELS):
        seen = [(first, rest[number]) for first, *rest in faces if rest[number] is not None]
        turns.append([turned(*pair, key) for pair in seen])
        title = f"at {TURN * level / 100:.0f}"
        row[title] = np.median([about for about, _ in turns[-1]]) if seen else np.nan
    seen = [(face[0], face[1 + MIDDLE]) for face in faces if face[1 + MIDDLE] is not None]
    if not seen:
        return row
    about, aside = np.array(turns[MIDDLE]).T
    changes = np.concatenate([expression_change(*pair) for pair in seen])
    return row | {
        "within": np.mean((about >= WITHIN[0]) & (about <= WITHIN[1])),
        "aside": np.median(aside),
        "expression 90%": np.percentile(changes, 90),
        "expression kept": np.mean(changes <= KEPT),
    }


def judge(folder: Path) -> dict[str, Rows]:
    """A row for each axis."""
    found = {}
    for photo in drawings(folder, "head"):
        first = photo.points("photo")
        for key in HEAD if first is not None else ():
            edits = [photo.points(f"{key}_{level:03d}") for level in LEVELS]
            if edits[MIDDLE] is not None:
                found.setdefault(key, []).append([first, *edits])
    if not found:
        raise ValueError(f"Face Mesh found no turned head in {folder}.")
    return {"head": {key: of_axis(key, faces) for key, faces in found.items()}}


BLOCKS = blocks("head", head="axis")


def _parser() -> argparse.ArgumentParser:
    return parser("head", __doc__, BLOCKS)


def main(arguments: list[str] | None = None) -> int:
    return run("head", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
