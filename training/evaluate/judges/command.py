"""The command line of judges that measure a folder of rendered edits by Face Mesh.

draw.py writes such folders: a subfolder for each photo, with a picture of each edit.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from ..documents import FigureBlock, add_write_option, requested_blocks, write_blocks
from .face_mesh import face_mesh, landmarks
from .tables import Rows, json_values, report

DRAW = "python -m training.evaluate.judges.draw"


class RenderedPhoto:
    """A photo and its rendered edits, in a folder that draw.py wrote.

    mesh: a Face Mesh detector, see face_mesh.py. place: the contents of place.json.
    points_by_name: detected landmarks, see `points`.
    """

    def __init__(self, folder: Path, mesh):
        self.folder, self.mesh, self.points_by_name = folder, mesh, {}
        self.place = json.loads((folder / "place.json").read_text(encoding="utf-8"))

    def points(self, name: str) -> np.ndarray | None:
        """Detect the landmarks (478, 3) of a picture; None if it is missing or shows no face."""
        if name not in self.points_by_name:
            path = self.folder / f"{name}.png"
            picture = cv2.imread(str(path)) if path.is_file() else None
            self.points_by_name[name] = landmarks(self.mesh, picture)
        return self.points_by_name[name]

    def all_points(self, names) -> list[np.ndarray] | None:
        """Detect the landmarks of several pictures; None if those of one are missing."""
        found = [self.points(name) for name in names]
        return None if any(points is None for points in found) else found


def rendered_photos(folder: Path, what: str, mesh=None) -> Iterator[RenderedPhoto]:
    """Iterate over the rendered photos of a folder, by name. Raises ValueError if there are none.

    what: the kind of edits, an argument of draw.py. mesh: a loaded detector, if there is one.
    """
    paths = sorted(path.parent for path in folder.glob("*/place.json"))
    if not paths:
        raise ValueError(f"{folder} holds no {what}: make them with {DRAW} {what}.")
    mesh = mesh or face_mesh()
    return (RenderedPhoto(path, mesh) for path in paths)


def run_judge(
    name: str,
    text: str,
    judge: Callable[[Path], dict[str, Rows]],
    blocks: Mapping[str, FigureBlock],
    arguments: list[str] | None = None,
) -> int:
    """Run a judge on the folder of the arguments; print its tables, and write them if requested.

    name, text: of the judge's module: its name and docstring. judge: computes tables from a folder.
    blocks: what --write can write. Returns the exit status.
    """
    options = folder_parser(name, text, blocks).parse_args(arguments)
    try:
        names = requested_blocks(options) if blocks else []
        tables = judge(options.folder)
        report(options.out, **tables)
        write_blocks(names, blocks, json_values(tables))
    except (ValueError, OSError) as problem:
        print(f"{name}: {problem}", file=sys.stderr)
        return 2
    return 0


def folder_parser(
    name: str, text: str, blocks: Mapping[str, FigureBlock]
) -> argparse.ArgumentParser:
    """Make the parser of a judge; the first line of `text`, a docstring, is the description."""
    made = argparse.ArgumentParser(
        prog=f"python -m training.evaluate.judges.{name}", description=text.splitlines()[0]
    )
    made.add_argument("folder", type=Path, metavar="FOLDER", help="folder that draw.py wrote")
    made.add_argument("--out", type=Path, metavar="JSON")
    if blocks:
        add_write_option(made, list(blocks))
    return made
