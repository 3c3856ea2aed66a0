"""Judge by Face Mesh how near edits come to people's own smiles.

    python -m training.evaluate.judges.draw smiles --data DIR --out SMILES
    python -m training.evaluate.judges.true_smiles SMILES [--out JSON] [--write]

Runs in the environment of face_mesh.py. A pair is a neutral and a smiling photo of one person. The
expression that is read in the smiling photo is requested of the neutral one. Points of the lips are
compared after a similarity transform by the bridge of the nose and the corners of the eyes.

*remaining*: root mean square distance of edit and smile, over that of neutral photo and smile: 1 is
no edit, 0 the person's own smile. *the reading*: as requested. *best units*: the setting of those
of the 17 units that move the mouth, both sides alike, whose motion field brings the lips nearest
to the smile's (best_units.py); *its motion alone*: where that field puts the neutral photo's
points, without Face Mesh looking at the edit. What no setting reaches is left to other fields.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from ..documents import Block
from ..markdown import table
from .command import drawings, parser, run
from .face_mesh_measures import LIPS, REGISTRATION, settled, upright
from .tables import Rows

EDITS = {"edit": "the reading", "best": "best units"}  # picture -> row
MOTION = "its motion alone"


def remaining(edit: np.ndarray, neutral: np.ndarray, smile: np.ndarray) -> float:
    """Share of the lips' way from neutral to smile that an edit leaves. Points: (478, 2 or 3)."""
    base = upright(neutral)
    e, n, s = (settled(points, base, REGISTRATION)[LIPS] for points in (edit, neutral, smile))
    return rms(e - s) / rms(n - s)


def rms(offsets: np.ndarray) -> float:
    """Root mean square length of (N, 2)."""
    return float(np.sqrt(np.square(offsets).sum(1).mean()))


def summary(values: list[float]) -> dict[str, float]:
    """`people`, and the distribution of *remaining* over them."""
    low, median, high = np.percentile(values, (25, 50, 75))
    return {
        "people": len(values),
        "median": median,
        "mean": np.mean(values),
        "25%": low,
        "75%": high,
    }


def judge(folder: Path) -> dict[str, Rows]:
    """A row for each kind of pair and edit, named "KIND, EDIT"."""
    found = {}
    for pair in drawings(folder, "smiles"):
        ends = pair.all_points(("neutral", "smile"))
        kind = pair.place["kind"]
        for picture, edit in EDITS.items():
            points = pair.points(picture)
            if ends and points is not None:
                found.setdefault(f"{kind}, {edit}", []).append(remaining(points, *ends))
        if "motion" in pair.place:
            found.setdefault(f"{kind}, {MOTION}", []).append(pair.place["motion"])
    if not found:
        raise ValueError(f"Face Mesh found no face in any pair of {folder}.")
    return {"smiles": {name: summary(values) for name, values in found.items()}}


def smiles(values: dict) -> str:
    """Format what remains of the way to people's own smiles."""
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
BLOCKS = {"true-smiles": Block(COMMAND, smiles)}


def _parser() -> argparse.ArgumentParser:
    return parser("true_smiles", __doc__, BLOCKS)


def main(arguments: list[str] | None = None) -> int:
    return run("true_smiles", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
