"""Judge by Face Mesh how closely edits match people's own smiles.

    python -m training.evaluate.judges.draw smiles --data DIR --out SMILES
    python -m training.evaluate.judges.true_smiles SMILES [--out JSON] [--write]

It runs in the environment of face_mesh.py. A pair is a neutral and a smiling photo of one person.
The neutral photo is edited towards the smile. Landmarks of the lips are compared after registration
by the bridge of the nose and the corners of the eyes.

The figure is *remaining*: root mean square distance of edit and smile, over that of neutral photo
and smile. It is 1 for no edit, 0 for the person's own smile. Rows: *the reading*: the edit by the
reading of the smiling photo. *best units*: the edit by the units of the mouth, with equal sides,
whose motion field moves the lips closest to the smile (best_units.py). *its motion alone*: the
landmarks of the neutral photo, moved by that field; nothing is detected in the edit.
"""

import sys
from pathlib import Path

import numpy as np

from ..documents import FigureBlock
from ..markdown import table
from .command import rendered_photos, run_judge
from .face_mesh_measures import LIP_POINTS, NOSE_AND_EYE_CORNERS, registered, upright
from .tables import Rows

EDITS = {"edit": "the reading", "best": "best units"}  # picture of a pair -> row of the table
MOTION = "its motion alone"  # row of what best_units.py computes


def remaining(edit: np.ndarray, neutral: np.ndarray, smile: np.ndarray) -> float:
    """Distance of the lips of edit and smile, over that of neutral photo and smile.

    All are landmarks (478, 2 or 3).
    """
    base = upright(neutral)
    e, n, s = (
        registered(points, base, NOSE_AND_EYE_CORNERS)[LIP_POINTS]
        for points in (edit, neutral, smile)
    )
    return rms(e - s) / rms(n - s)


def rms(offsets: np.ndarray) -> float:
    """Root mean square length of (N, 2)."""
    return float(np.sqrt(np.square(offsets).sum(1).mean()))


def summary(values: list[float]) -> dict[str, float]:
    """Summarize the values of *remaining* of several people."""
    low, median, high = np.percentile(values, (25, 50, 75))
    return {
        "people": len(values),
        "median": median,
        "mean": np.mean(values),
        "25%": low,
        "75%": high,
    }


def judge(folder: Path) -> dict[str, Rows]:
    """Compute the table with a row for each kind of pair and edit, named "KIND, EDIT"."""
    remaining_of = {}
    for pair in rendered_photos(folder, "smiles"):
        ends = pair.all_points(("neutral", "smile"))
        kind = pair.place["kind"]
        for picture, edit in EDITS.items():
            points = pair.points(picture)
            if ends and points is not None:
                remaining_of.setdefault(f"{kind}, {edit}", []).append(remaining(points, *ends))
        if "motion" in pair.place:
            remaining_of.setdefault(f"{kind}, {MOTION}", []).append(pair.place["motion"])
    if not remaining_of:
        raise ValueError(f"Face Mesh found no face in any pair of {folder}.")
    return {"smiles": {name: summary(values) for name, values in remaining_of.items()}}


def smiles(values: dict) -> str:
    """Format *remaining* by kind of pair and edit."""
    rows = [
        [
            *name.split(", "),
            f"{row['people']:.0f}",
            *(f"{row[key]:.2f}" for key in ("median", "mean")),
            f"{row['25%']:.2f} to {row['75%']:.2f}",
        ]
        for name, row in values["smiles"].items()
    ]
    return table(["pairs", "edit", "people", "median", "mean", "quartiles"], rows)


COMMAND = "python -m training.evaluate.judges.true_smiles SMILES --write"
BLOCKS = {"true-smiles": FigureBlock(COMMAND, smiles)}


def main(arguments: list[str] | None = None) -> int:
    return run_judge("true_smiles", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
