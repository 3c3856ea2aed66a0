"""Judge by Face Mesh whether one side of a face moves alone, and the units of the lips.

    python -m training.evaluate.judges.draw sides --data DIR --checkpoint FILE --out SIDES
    python -m training.evaluate.judges.sides SIDES [--out JSON] [--write [BLOCK ...]]

It runs in the environment of face_mesh.py. A unit's measure (face_mesh_measures.py) is computed on
symmetric faces, made of one half of the face and its mirror image (mirror.py). Left is the person's
left. Changes are from level 0 to 1, in distances between the eyes.

Sides: *right way*: share of photos whose measure of the requested half grows by more than
MIN_CHANGE, or by LID_THRESHOLD for units of the lids. *change*: change of the requested half,
median. *other*: absolute change of the other half over that of the requested half, each summed over
photos; for "all", also summed over the axes.

Lips: *follow*, *right way* and *change* as in face_mesh.py, with LIP_UNIT_THRESHOLDS. AD29, the
jaw moving forward, is hardly visible from the front.
"""

import sys
from pathlib import Path

import numpy as np

from .axes import LATERAL, LIP_UNIT_KEYS, PERCENTS, side_keys
from .command import RenderedPhoto, rendered_photos, run_judge
from .face_mesh_measures import (
    LIP_UNIT_THRESHOLDS,
    LIP_UNITS,
    MIN_CHANGE,
    UNITS,
    follow,
    mean_height,
    registered,
    upright,
)
from .mirror import mirrored_half
from .table_blocks import blocks
from .tables import Rows, ratio

LID_UNITS = ("AU05", "AU06", "AU07", "AU45")
LID_THRESHOLD = 0.005  # lids move less than lips and brows
MEASURES = {unit: UNITS[unit][0] for unit in LATERAL}
# Without the middle of the upper lip, which belongs to both sides.
MEASURES["AU10"] = lambda p: mean_height(p, 37, 39, 267, 269)


def changes(unit: str, side: str, before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Measure the change of a unit on the requested half of the face, and on the other half.

    side: "L" or "R". before, after: registered points.
    """
    measure, other_side = MEASURES[unit], "R" if side == "L" else "L"
    requested, other = (
        float(measure(mirrored_half(after, s)) - measure(mirrored_half(before, s)))
        for s in (side, other_side)
    )
    return requested, other


def side_figures(unit: str, rows: np.ndarray) -> dict[str, float]:
    """Compute the figures of an axis; rows: (N, 2), changes of the requested and the other half."""
    requested, other = rows.T
    threshold = LID_THRESHOLD if unit in LID_UNITS else MIN_CHANGE
    return {
        "photos": len(rows),
        "right way": np.mean(requested > threshold),
        "change": np.median(requested),
        "other": ratio(np.abs(other).sum(), np.abs(requested).sum()),
    }


def sides_table(changes_by_axis: dict[str, list[tuple[float, float]]]) -> Rows:
    """Make a row for each axis, and the rows "median" and "all" (means, pooled *other*)."""
    changes_by_axis = {key: np.array(rows) for key, rows in changes_by_axis.items()}
    rows = {key: side_figures(key[:-1], table) for key, table in changes_by_axis.items()}
    totals = {"median": {}, "all": {}}
    for column in next(iter(rows.values())):
        values = [row[column] for row in rows.values()]
        totals["median"][column], totals["all"][column] = np.nanmedian(values), np.nanmean(values)
    requested, other = np.abs(np.concatenate(list(changes_by_axis.values()))).sum(0)
    totals["all"]["other"] = ratio(other, requested)
    return rows | totals


def lip_figures(unit: str, values: np.ndarray) -> dict[str, float]:
    """Compute the figures of a unit of the lips; values: (N, 5), measures at PERCENTS."""
    change = values[:, -1] - values[:, 0]
    return {
        "photos": len(values),
        "follow": np.median([follow(row) for row in values]),
        "right way": np.mean(change > LIP_UNIT_THRESHOLDS.get(unit, MIN_CHANGE)),
        "change": np.median(change),
    }


def registered_points(photo: RenderedPhoto, key: str, percents) -> list[np.ndarray] | None:
    """Detect and register the landmarks of an axis at levels; None if a picture is missing."""
    points = photo.all_points([f"{key}_{percent:03d}" for percent in percents])
    return points and [registered(p, upright(points[0])) for p in points]


def judge(folder: Path) -> dict[str, Rows]:
    """Compute the tables of the sides and of the lips. Raises ValueError."""
    changes_by_axis, lip_values = {}, {}
    for photo in rendered_photos(folder, "sides"):
        for unit in LATERAL:
            for key in side_keys(unit):
                points = registered_points(photo, key, (0, 100))
                if points:
                    changes_by_axis.setdefault(key, []).append(changes(unit, key[-1], *points))
        for key in LIP_UNIT_KEYS:
            points = registered_points(photo, key, PERCENTS)
            if points:
                lip_values.setdefault(key, []).append([LIP_UNITS[key](p) for p in points])
    if not changes_by_axis:
        raise ValueError(f"Face Mesh found no face in any edit of a side in {folder}.")
    tables = {"sides": sides_table(changes_by_axis)}
    if lip_values:
        tables["lips"] = {key: lip_figures(key, np.array(v)) for key, v in lip_values.items()}
    return tables


BLOCKS = blocks("sides", sides="axis", lips="unit")


def main(arguments: list[str] | None = None) -> int:
    return run_judge("sides", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
