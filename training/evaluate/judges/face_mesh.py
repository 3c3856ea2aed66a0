"""Judge sweeps (training/evaluate/judges/sweeps.py) with a face-landmark tool.

    python -m training.evaluate.judges.face_mesh SWEEPS [--out JSON] [--write [BLOCK ...]]

Runs in an environment of its own, that of training/data/prepare/face_mesh_landmarks.py: MediaPipe
0.10.21 carries Face Mesh with its weights but needs numpy below 2. It is no independent judge where
the labels and pairs of the training data were fitted to its landmarks.

Every Action Unit has one measure, positive the way it should go; lengths are shares of the
distance between the eyes (face_mesh_measures.py). *follow*: Spearman correlation of level and
measure, median. *right way*: the measure grows from level 0 to 1 by more than the threshold.
*off-target*: mean change, from level 0 to 1, of the measures of units of other regions, over the
change of its own, each summed over photos; for "all", summed over the units as well; "median" is
that of the 17 rows. Units of one region are not held against each other: brows, eyes, nose, cheeks
and mouth are what is told apart, and some units own several (AU09 all but the eyes). *displaced*:
the stricter share, mean displacement of the landmarks of all other regions over that of its own,
whatever their direction. *turn*: degrees
by which the head turns from level 0 to 1, told by where in the picture that is seen which no
expression moves, its depth taken from the photo; median, and 95th percentile. *in depth*: the same
with the depth that the tool guesses in the edit; it follows the expression, and tells of turns
where not a pixel of those places has moved. *lines*: how far, in pixels of 128 across the crop, the
generator's own motion at 1 carries the place outside the face that it carries farthest; median, and
95th percentile. Outside is what lies more than MARGIN from Face Mesh's oval in the photo and in the
edit.

Moods are asked from -1 to 1, each alone. *monotone*: share of photos whose measure rises over the
five levels, and falls from none to the next, by more than the tool's noise; *strictly*: by more
than a hundredth of that distance. The tool's own noise: what it sees change in photos shifted by a
hundredth of their width, 95th percentile, and at least that hundredth; and the turn it sees there.
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from ..documents import add_write_option, requested_blocks, write_blocks
from .face_mesh_blocks import BLOCKS, DEFAULT
from .face_mesh_measures import (
    LEVELS,
    MOODS,
    NOISE,
    REGIONS,
    STILL,
    THRESHOLD,
    UNITS,
    farthest,
    follow,
    monotone,
    outside,
    settled,
    turn,
    turn_in_depth,
    upright,
)
from .tables import Rows, known, report


def face_mesh():
    try:
        from mediapipe.python.solutions.face_mesh import FaceMesh
    except ImportError as problem:
        raise ValueError(
            f"MediaPipe's Face Mesh is missing ({problem}); "
            "training/data/prepare/face_mesh_landmarks.py says how to install it."
        ) from None
    return FaceMesh(static_image_mode=True, refine_landmarks=True)


def landmarks(mesh, picture: np.ndarray | None) -> np.ndarray | None:
    """(478, 3) in pixels of a picture (H, W, 3) uint8 BGR, z on the scale of x; or None."""
    result = None if picture is None else mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    if result is None or not result.multi_face_landmarks:
        return None
    points = np.array([(p.x, p.y, p.z) for p in result.multi_face_landmarks[0].landmark])
    return points * (picture.shape[1], picture.shape[0], picture.shape[1])


class Sweep:
    """One axis of one photo: landmarks at LEVELS, and what sweeps.py stored."""

    def __init__(self, faces: list[np.ndarray], motion: np.ndarray, to_face: np.ndarray):
        self.faces, self.motion, self.to_face = faces, motion, to_face
        self.settled = [settled(points, upright(faces[0])) for points in faces]

    def measured(self, measure) -> np.ndarray:
        return np.array([measure(points) for points in self.settled])


def look(folder: Path, mesh) -> tuple[dict[str, list[Sweep]], list[list[np.ndarray]]]:
    """The sweeps of each axis in which every face was found, and the landmarks of photos and of
    the same shifted."""
    paths = sorted(path.parent for path in folder.glob("*/place.json"))
    if not paths:
        raise ValueError(f"{folder} holds no sweeps: make them with python -m training sweeps.")
    seen = {key: [] for key in (*UNITS, *(mood for mood, _ in MOODS))}
    shifts = []
    for path in paths:
        to_face = np.array(json.loads((path / "place.json").read_text())["to_face"])
        motion, photo = np.load(path / "motion.npz"), cv2.imread(str(path / "photo.png"))
        step = round(photo.shape[1] / 100)
        shifted = [np.roll(photo, way, axis) for axis in (0, 1) for way in (-step, step)]
        still = landmarks(mesh, photo)
        again = (landmarks(mesh, picture) for picture in shifted if still is not None)
        shifts += [(still, points) for points in again if points is not None]
        for key, sweeps in seen.items():
            names = [str(path / f"{key}_{level:03d}.png") for level in LEVELS]
            faces = [landmarks(mesh, cv2.imread(name)) for name in names]
            if all(points is not None for points in faces):
                sweeps.append(Sweep(faces, motion[key], to_face))
    for key, sweeps in seen.items():
        if not sweeps:
            raise ValueError(f"Face Mesh found no face in any sweep of {key}.")
    return seen, shifts


def of_unit(unit: str, sweeps: list[Sweep]) -> dict:
    """The figures of a unit; shares are (sum, sum) still, so that they can be pooled."""
    measure, own = UNITS[unit]
    others = [other for other, regions in UNITS.values() if not set(regions) & set(own)]
    mine = [i for name in own for i in REGIONS[name]]
    rest = [i for name, ids in REGIONS.items() if name not in own for i in ids]
    values = np.array([sweep.measured(measure) for sweep in sweeps])
    change = values[:, -1] - values[:, 0]
    leak, moved, turns, deep, lines = [], [], [], [], []
    for sweep in sweeps:
        first, last = sweep.settled[0], sweep.settled[-1]
        leak.append(np.mean([abs(other(last) - other(first)) for other in others]))
        path = np.linalg.norm(last - first, axis=1)
        moved.append((path[rest].mean(), path[mine].mean()))
        ends = sweep.faces[0], sweep.faces[-1]
        turns.append(turn(*(points[STILL] for points in ends)))
        deep.append(turn_in_depth(*(points[STILL] for points in ends)))
        lines.append(farthest(sweep.motion, outside(len(sweep.motion), sweep.to_face, *ends)))
    return {
        "photos": len(sweeps),
        "follow": np.median([follow(row) for row in values]),
        "right way": np.mean(change > THRESHOLD.get(unit, 0.01)),
        "change": np.median(change),
        "off-target": (np.sum(leak), np.sum(np.abs(change))),
        "displaced": np.sum(moved, 0),
        "turn": np.median(turns),
        "turn 95%": np.percentile(turns, 95),
        "in depth": np.median(deep),
        "lines": np.median(lines),
        "lines 95%": np.percentile(lines, 95),
    }


def with_totals(rows: dict[str, dict]) -> Rows:
    """Sums as shares; "all" is the mean of the rows, and pools what is a share."""

    def shares(row):
        return {key: v[0] / v[1] if np.ndim(v) else v for key, v in row.items()}

    def over_rows(how, rows):
        return {key: how([row[key] for row in rows], 0) for key in rows[0]}

    ratios = {unit: shares(row) for unit, row in rows.items()}
    everything = shares(over_rows(np.mean, list(rows.values())))
    return ratios | {"all": everything, "median": over_rows(np.median, list(ratios.values()))}


def of_moods(seen: dict[str, list[Sweep]], shifts) -> Rows:
    rows = {}
    for (mood, what), measure in MOODS.items():
        values = np.array([sweep.measured(measure) for sweep in seen[mood]])
        faces = ([settled(p, upright(pair[0])) for p in pair] for pair in shifts)
        noise = np.percentile([abs(measure(a) - measure(b)) for a, b in faces], 95)
        rows[f"{mood}: {what}"] = {
            "photos": len(values),
            "follow": np.median([follow(row) for row in values]),
            "monotone": monotone(values, max(NOISE, noise)),
            "strictly": monotone(values),
            "noise": noise,
            "change": np.median(values[:, -1] - values[:, 0]),
        }
    return rows


def judge(folder: Path) -> dict[str, Rows]:
    """All tables of the sweeps in a folder."""
    seen, shifts = look(folder, face_mesh())
    units = with_totals({unit: of_unit(unit, seen[unit]) for unit in UNITS})
    turns = [turn(*(points[STILL] for points in pair)) for pair in shifts]
    noise = {"turn": np.median(turns), "turn 95%": np.percentile(turns, 95)}
    return {"units": units, "moods": of_moods(seen, shifts), "noise": {"shifted photos": noise}}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        names = requested_blocks(options)
        tables = judge(options.sweeps)
        report(options.out, **tables)
        write_blocks(names, BLOCKS, known(tables))
    except (ValueError, OSError) as problem:
        print(f"face_mesh: {problem}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.judges.face_mesh", description=__doc__.splitlines()[0]
    )
    parser.add_argument("sweeps", type=Path, metavar="SWEEPS")
    parser.add_argument("--out", type=Path, metavar="JSON")
    add_write_option(parser, DEFAULT, [name for name in BLOCKS if name not in DEFAULT])
    return parser


if __name__ == "__main__":
    sys.exit(main())
