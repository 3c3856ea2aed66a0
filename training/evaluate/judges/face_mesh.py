"""Judge sweeps (see render_sweeps.py) by Face Mesh landmarks.

    python -m training.evaluate.judges.face_mesh SWEEPS [--out JSON] [--write [BLOCK ...]]

It runs in the environment of training/data/prepare/face_mesh_landmarks.py: MediaPipe 0.10.21
includes Face Mesh and its weights but needs numpy below 2. The judge is not independent if labels
and pairs of the training data were fitted to Face Mesh landmarks.

Every Action Unit has one measure, positive in its expected direction. Lengths are in distances
between the eyes (face_mesh_measures.py). Changes are from level 0 to level 1. The regions of the
face are brows, eyes, nose, cheeks and mouth. A unit owns the regions that it moves, some units
several (AU09 all but the eyes).

follow       Spearman correlation of level and measure, median over photos
right way    share of photos whose measure grows by more than the unit's threshold
change       change of the measure, median
off-target   mean change of the measures of all units with other regions, over the change of its
             own, each summed over photos. Row "all": also summed over units; "median": of 17 rows
displaced    mean displacement of the landmarks of all other regions over that of its own
turn         rotation of the head [degrees], estimated from the picture positions of rigid points
             with the depth at level 0; median, and 95th percentile
in depth     rotation with the depth that Face Mesh estimates at both levels. This depth depends on
             the expression, so rotations are reported even where no rigid point has moved
lines        motion outside the face, where it would bend straight lines of the background: the
             largest displacement by the generator's motion [px of 128 across the crop]; median, and
             95th percentile. Outside is farther than FACE_MARGIN from the outlines at level 0 and 1

Moods are requested from -1 to 1, one axis at a time.

monotone     share of photos whose measure rises in total over the five levels, and does not fall
             between neighbours, by more than the noise
strictly     the same with MIN_CHANGE in place of the noise
noise        95th percentile of the changes of a measure in photos shifted by a hundredth of their
             width. At least MIN_CHANGE counts. The turn in shifted photos is reported, too
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from ..documents import add_write_option, requested_blocks, write_blocks
from .axes import PERCENTS
from .face_mesh_blocks import BLOCKS, DEFAULT
from .face_mesh_measures import (
    HEAD_POINTS,
    MIN_CHANGE,
    MOODS,
    REGIONS,
    UNIT_THRESHOLDS,
    UNITS,
    background_mask,
    follow,
    largest_displacement,
    monotone,
    registered,
    rotation_angle,
    rotation_angle_in_depth,
    upright,
)
from .sweep_files import sweep_folders
from .tables import Rows, json_values, report


def face_mesh():
    """Load Face Mesh. Raises ValueError if MediaPipe is missing."""
    try:
        from mediapipe.python.solutions.face_mesh import FaceMesh
    except ImportError as problem:
        raise ValueError(
            f"MediaPipe's Face Mesh is missing ({problem}); "
            "training/data/prepare/face_mesh_landmarks.py says how to install it."
        ) from None
    return FaceMesh(static_image_mode=True, refine_landmarks=True)


def landmarks(mesh, picture: np.ndarray | None) -> np.ndarray | None:
    """Detect landmarks (478, 3) [px] in a picture (H, W, 3) uint8 BGR; z has the scale of x.

    Returns None for a picture that is None or shows no face.
    """
    result = None if picture is None else mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    if result is None or not result.multi_face_landmarks:
        return None
    points = np.array([(p.x, p.y, p.z) for p in result.multi_face_landmarks[0].landmark])
    return points * (picture.shape[1], picture.shape[0], picture.shape[1])


class AxisSweep:
    """One axis of one photo: landmarks at PERCENTS, and the stored motion and `to_face`."""

    def __init__(self, faces: list[np.ndarray], motion: np.ndarray, to_face: np.ndarray):
        self.faces, self.motion, self.to_face = faces, motion, to_face
        self.registered = [registered(points, upright(faces[0])) for points in faces]

    def values(self, measure) -> np.ndarray:
        """Apply a measure at every level, (5,)."""
        return np.array([measure(points) for points in self.registered])


def read_sweeps(folder: Path, mesh) -> tuple[dict[str, list[AxisSweep]], list[list[np.ndarray]]]:
    """Read the sweeps of each axis in which every face is detected. Raises ValueError.

    Also returns pairs of landmarks: of a photo, and of the same photo shifted by a hundredth of its
    width.
    """
    paths = sweep_folders(folder)
    axis_sweeps_of = {key: [] for key in (*UNITS, *(mood for mood, _ in MOODS))}
    shifted_pairs = []
    for path in paths:
        to_face = np.array(json.loads((path / "place.json").read_text(encoding="utf-8"))["to_face"])
        motion, photo = np.load(path / "motion.npz"), cv2.imread(str(path / "photo.png"))
        step = round(photo.shape[1] / 100)
        shifted = [np.roll(photo, shift, axis) for axis in (0, 1) for shift in (-step, step)]
        original = landmarks(mesh, photo)
        moved = (landmarks(mesh, picture) for picture in shifted if original is not None)
        shifted_pairs += [(original, points) for points in moved if points is not None]
        for key, sweeps in axis_sweeps_of.items():
            names = [str(path / f"{key}_{percent:03d}.png") for percent in PERCENTS]
            faces = [landmarks(mesh, cv2.imread(name)) for name in names]
            if all(points is not None for points in faces):
                sweeps.append(AxisSweep(faces, motion[key], to_face))
    for key, sweeps in axis_sweeps_of.items():
        if not sweeps:
            raise ValueError(f"Face Mesh found no face in any sweep of {key}.")
    return axis_sweeps_of, shifted_pairs


def unit_figures(unit: str, sweeps: list[AxisSweep]) -> dict:
    """Compute the figures of a unit; quotients are (numerator, denominator), to be pooled later."""
    measure, own = UNITS[unit]
    others = [other for other, regions in UNITS.values() if not set(regions) & set(own)]
    own_points = [i for name in own for i in REGIONS[name]]
    other_points = [i for name, ids in REGIONS.items() if name not in own for i in ids]
    values = np.array([sweep.values(measure) for sweep in sweeps])
    change = values[:, -1] - values[:, 0]
    off_target, displaced, angles, angles_in_depth, outside_motion = [], [], [], [], []
    for sweep in sweeps:
        first, last = sweep.registered[0], sweep.registered[-1]
        off_target.append(np.mean([abs(other(last) - other(first)) for other in others]))
        distances = np.linalg.norm(last - first, axis=1)
        displaced.append((distances[other_points].mean(), distances[own_points].mean()))
        ends = sweep.faces[0], sweep.faces[-1]
        angles.append(rotation_angle(*(points[HEAD_POINTS] for points in ends)))
        angles_in_depth.append(rotation_angle_in_depth(*(points[HEAD_POINTS] for points in ends)))
        background = background_mask(len(sweep.motion), sweep.to_face, *ends)
        outside_motion.append(largest_displacement(sweep.motion, background))
    return {
        "photos": len(sweeps),
        "follow": np.median([follow(row) for row in values]),
        "right way": np.mean(change > UNIT_THRESHOLDS.get(unit, MIN_CHANGE)),
        "change": np.median(change),
        "off-target": (np.sum(off_target), np.sum(np.abs(change))),
        "displaced": np.sum(displaced, 0),
        "turn": np.median(angles),
        "turn 95%": np.percentile(angles, 95),
        "in depth": np.median(angles_in_depth),
        "lines": np.median(outside_motion),
        "lines 95%": np.percentile(outside_motion, 95),
    }


def with_totals(rows: dict[str, dict]) -> Rows:
    """Divide the quotients, and add the rows "all" (means, pooled quotients) and "median"."""

    def divide(row):
        return {key: v[0] / v[1] if np.ndim(v) else v for key, v in row.items()}

    def reduce_rows(reduce, rows):
        return {key: reduce([row[key] for row in rows], 0) for key in rows[0]}

    units = {unit: divide(row) for unit, row in rows.items()}
    pooled = divide(reduce_rows(np.mean, list(rows.values())))
    return units | {"all": pooled, "median": reduce_rows(np.median, list(units.values()))}


def mood_figures(axis_sweeps_of: dict[str, list[AxisSweep]], shifted_pairs) -> Rows:
    """Compute the figures of every mood measure; shifted_pairs: see `read_sweeps`."""
    rows = {}
    for (mood, effect), measure in MOODS.items():
        values = np.array([sweep.values(measure) for sweep in axis_sweeps_of[mood]])
        faces = ([registered(p, upright(pair[0])) for p in pair] for pair in shifted_pairs)
        noise = np.percentile([abs(measure(a) - measure(b)) for a, b in faces], 95)
        rows[f"{mood}: {effect}"] = {
            "photos": len(values),
            "follow": np.median([follow(row) for row in values]),
            "monotone": monotone(values, max(MIN_CHANGE, noise)),
            "strictly": monotone(values),
            "noise": noise,
            "change": np.median(values[:, -1] - values[:, 0]),
        }
    return rows


def judge(folder: Path) -> dict[str, Rows]:
    """Compute the tables of units, moods and noise of the sweeps in a folder."""
    axis_sweeps_of, shifted_pairs = read_sweeps(folder, face_mesh())
    units = with_totals({unit: unit_figures(unit, axis_sweeps_of[unit]) for unit in UNITS})
    angles = [rotation_angle(*(points[HEAD_POINTS] for points in pair)) for pair in shifted_pairs]
    noise = {"turn": np.median(angles), "turn 95%": np.percentile(angles, 95)}
    return {
        "units": units,
        "moods": mood_figures(axis_sweeps_of, shifted_pairs),
        "noise": {"shifted photos": noise},
    }


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        names = requested_blocks(options)
        tables = judge(options.sweeps)
        report(options.out, **tables)
        write_blocks(names, BLOCKS, json_values(tables))
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
