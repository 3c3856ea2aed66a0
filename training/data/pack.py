"""Packs of photos.

A *pack* is a folder of photos for the judges, and for training (training/warp/folds.py, refine.py):
imgs/NAME.jpg or .webp, canonical crops, and a table faces.csv or labels.csv with the columns name
and split, and others that some of them use (person).
"""

import csv
from glob import escape
from pathlib import Path

import numpy as np

TABLES = ("faces.csv", "labels.csv")
# Face Mesh points: outer corners of the eyes, and middles of the inner lips.
OUTER_EYES, INNER_LIPS = (33, 263), (13, 14)


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Read the table of a pack. Raises ValueError if there is none."""
    for name in TABLES:
        if (folder / name).is_file():
            with open(folder / name, newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
    raise ValueError(f"{folder} has neither {' nor '.join(TABLES)}.")


def all_photos(folder: Path, split: str) -> list[Path]:
    """Find all photos of a split, sorted by name."""
    names = sorted(row["name"] for row in rows_of(folder) if row["split"] == split)
    return [picture_of(folder, name) for name in names]


def picture_of(folder: Path, name: str) -> Path:
    """Find the picture of a name, whatever its ending. Raises ValueError if there is none."""
    paths = (folder / "imgs").glob(f"{escape(name)}.*")
    found = sorted(path for path in paths if path.stem == name)
    if not found:
        raise ValueError(f"{folder}/imgs has no picture {name}.")
    return found[0]


def lip_gap_ratio(points: np.ndarray) -> float:
    """Compute the gap between the lips over the distance of the outer corners of the eyes.

    points: Face Mesh points (468 or more, 2 or more).
    """
    lips, eyes = ((points[a, :2] - points[b, :2]) for a, b in (INNER_LIPS, OUTER_EYES))
    return float(np.linalg.norm(lips) / np.linalg.norm(eyes))
