"""Judge by Face Mesh whether one side of a face moves alone, and what the units of the lips do.

    python -m training.evaluate.judges.draw sides --data DIR --checkpoint FILE --out SIDES
    python -m training.evaluate.judges.sides SIDES [--out JSON] [--write [BLOCK ...]]

Runs in the environment of face_mesh.py. A unit's measure (face_mesh_measures.py) is taken on faces
made of one half and its mirror image (mirror.py). Left is the person's left, the viewer's right.

*right way*: share of photos whose measure of the requested half grows from level 0 to 1 by more
than a threshold, .01 of the distance between the eyes, or .005 for units of the lids. *change*: of
the requested half, median. *other*: change of the other half over that of the requested one,
whatever its direction, each summed over photos; for "all", summed over the axes as well.

Lips: *follow*, *right way* and *change* as face_mesh.py has them; thresholds are LIP_THRESHOLD of
face_mesh_measures.py, else .01. AD29, a jaw that comes forward, hardly shows from the front.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from .axes import LATERAL, LIPS, sided
from .command import Drawn, drawings, parser, run
from .face_mesh_measures import (
    LEVELS,
    LIP_THRESHOLD,
    LIP_UNITS,
    UNITS,
    follow,
    height,
    settled,
    upright,
)
from .facs_blocks import blocks
from .mirror import half
from .tables import Rows, share

THRESHOLD = {unit: 0.005 for unit in ("AU05", "AU06", "AU07", "AU45")}
# The middle of the upper lip belongs to both sides.
MEASURES = {unit: UNITS[unit][0] for unit in LATERAL}
MEASURES["AU10"] = lambda p: height(p, 37, 39, 267, 269)


def changes(unit: str, side: str, before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Change of a unit's measure on the requested half, and on the other. Points: settled."""
    measure, other = MEASURES[unit], "R" if side == "L" else "L"
    mine, rest = (
        measure(half(after, which)) - measure(half(before, which)) for which in (side, other)
    )
    return float(mine), float(rest)


def of_side(unit: str, rows: np.ndarray) -> dict[str, float]:
    """The figures of (N, 2): changes of the requested half and of the other."""
    mine, rest = rows.T
    return {
        "photos": len(rows),
        "right way": np.mean(mine > THRESHOLD.get(unit, 0.01)),
        "change": np.median(mine),
        "other": share(np.abs(rest).sum(), np.abs(mine).sum()),
    }


def of_sides(found: dict[str, list[tuple[float, float]]]) -> Rows:
    """A row for each axis, their medians, and all pooled."""
    tables = {key: np.array(rows) for key, rows in found.items()}
    rows = {key: of_side(key[:-1], table) for key, table in tables.items()}
    first = next(iter(rows.values()))
    totals = {how: {} for how in ("median", "all")}
    for title in first:
        values = [row[title] for row in rows.values()]
        totals["median"][title], totals["all"][title] = np.nanmedian(values), np.nanmean(values)
    mine, rest = np.abs(np.concatenate(list(tables.values()))).sum(0)
    totals["all"]["other"] = share(rest, mine)
    return rows | totals


def of_lips(unit: str, values: np.ndarray) -> dict[str, float]:
    """The figures of (N, 5): measures at LEVELS."""
    change = values[:, -1] - values[:, 0]
    return {
        "photos": len(values),
        "follow": np.median([follow(row) for row in values]),
        "right way": np.mean(change > LIP_THRESHOLD.get(unit, 0.01)),
        "change": np.median(change),
    }


def settled_points(photo: Drawn, key: str, levels) -> list[np.ndarray] | None:
    """The settled landmarks of an axis at levels; None where a picture is missing."""
    points = photo.all_points([f"{key}_{level:03d}" for level in levels])
    return points and [settled(p, upright(points[0])) for p in points]


def judge(folder: Path) -> dict[str, Rows]:
    """Tables of the sides and of the lips."""
    found, lips = {}, {}
    for photo in drawings(folder, "sides"):
        for unit in LATERAL:
            for key in sided(unit):
                points = settled_points(photo, key, (0, 100))
                if points:
                    found.setdefault(key, []).append(changes(unit, key[-1], *points))
        for key in LIPS:
            points = settled_points(photo, key, LEVELS)
            if points:
                lips.setdefault(key, []).append([LIP_UNITS[key](p) for p in points])
    if not found:
        raise ValueError(f"Face Mesh found no face in any side of {folder}.")
    tables = {"sides": of_sides(found)}
    if lips:
        tables["lips"] = {key: of_lips(key, np.array(rows)) for key, rows in lips.items()}
    return tables


BLOCKS = blocks("sides", sides="axis", lips="unit")


def _parser() -> argparse.ArgumentParser:
    return parser("sides", __doc__, BLOCKS)


def main(arguments: list[str] | None = None) -> int:
    return run("sides", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
