"""The command of a judge that measures a folder of drawn edits by Face Mesh."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from ..documents import Block, add_write_option, requested_blocks, write_blocks
from .face_mesh import face_mesh, landmarks
from .tables import Rows, known, report

DRAW = "python -m training.evaluate.judges.draw"


class Drawn:
    """The pictures of one photo: a folder that draw.py wrote."""

    def __init__(self, folder: Path, mesh):
        self.folder, self.mesh, self.found = folder, mesh, {}
        self.place = json.loads((folder / "place.json").read_text())

    def points(self, name: str) -> np.ndarray | None:
        """(478, 3) of a picture; None where it was not drawn, or shows no face."""
        if name not in self.found:
            path = self.folder / f"{name}.png"
            picture = cv2.imread(str(path)) if path.is_file() else None
            self.found[name] = landmarks(self.mesh, picture)
        return self.found[name]

    def all_points(self, names) -> list[np.ndarray] | None:
        """Those of several pictures; None where one is missing."""
        found = [self.points(name) for name in names]
        return None if any(points is None for points in found) else found


def drawings(folder: Path, what: str, mesh=None) -> Iterator[Drawn]:
    """The photos of a folder, in order. Raises ValueError where there are none."""
    paths = sorted(path.parent for path in folder.glob("*/place.json"))
    if not paths:
        raise ValueError(f"{folder} holds no {what}: make them with {DRAW} {what}.")
    mesh = mesh or face_mesh()
    return (Drawn(path, mesh) for path in paths)


def run(
    name: str,
    text: str,
    judge: Callable[[Path], dict[str, Rows]],
    blocks: Mapping[str, Block],
    arguments: list[str] | None = None,
) -> int:
    """Judge the folder that the arguments name, and print, store and write the tables."""
    options = parser(name, text, blocks).parse_args(arguments)
    try:
        names = requested_blocks(options) if blocks else []
        tables = judge(options.folder)
        report(options.out, **tables)
        write_blocks(names, blocks, known(tables))
    except (ValueError, OSError) as problem:
        print(f"{name}: {problem}", file=sys.stderr)
        return 2
    return 0


def parser(name: str, text: str, blocks: Mapping[str, Block]) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog=f"python -m training.evaluate.judges.{name}", description=text.splitlines()[0]
    )
    made.add_argument("folder", type=Path, metavar="FOLDER", help="what draw.py wrote")
    made.add_argument("--out", type=Path, metavar="JSON")
    if blocks:
        add_write_option(made, list(blocks))
    return made
