"""Judge by a face recognizer whether sweeps (sweeps.py) are still the same person.

    python -m training.evaluate.judges.identity SWEEPS --data DIR [--out JSON] [--write]

Runs in an environment of its own, with Python 3.10 to 3.12, since the recognizer has no part in
training:

    python3.11 -m venv dlib && dlib/bin/pip install dlib-bin face_recognition_models numpy
    dlib/bin/python -m training.evaluate.judges.identity SWEEPS --data DIR

The recognizer is dlib's ResNet (Davis King, weights CC0, in the package face_recognition_models):
128 features of an aligned face, in which photos of one person lie nearer than .6. *distance*: of
the features of a photo and of its edit at the axis's highest value, median; *95%*: percentile;
*nearer*: share of edits nearer to their photo than two photos of one person are (median). Those
are photos of a split that follow each other in its list and share the name before the last "_";
strangers are the first photos of people who follow each other. Photos of the split are enlarged by
the same factor as those of the sweeps were.
"""

import argparse
import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..documents import Block, add_write_option, requested_blocks, write_blocks
from ..markdown import table
from .tables import Rows, known, report

WEIGHTS = "face_recognition_models"
ONE_PERSON = 0.6  # dlib's documentation of the network


class Recognizer:
    """dlib's face finder, five landmarks and ResNet. Raises ValueError where they are missing."""

    def __init__(self):
        try:
            import dlib
        except ImportError as problem:
            raise ValueError(f"dlib is missing ({problem}): {_REMEDY}") from None
        package = importlib.util.find_spec(WEIGHTS)
        if package is None:
            raise ValueError(f"The weights, package {WEIGHTS}, are missing: {_REMEDY}")
        models = Path(package.submodule_search_locations[0]) / "models"
        self.dlib, self.finder = dlib, dlib.get_frontal_face_detector()
        self.shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        network = models / "dlib_face_recognition_resnet_model_v1.dat"
        self.network = dlib.face_recognition_model_v1(str(network))

    def picture(self, path: Path, scale: float = 1.0) -> np.ndarray:
        picture = self.dlib.load_rgb_image(str(path))
        return picture if scale == 1 else self.dlib.resize_image(picture, scale)

    def face(self, picture: np.ndarray):
        """The largest face's rectangle, or None."""
        return max(self.finder(picture), key=lambda found: found.area(), default=None)

    def features(self, picture: np.ndarray, face) -> np.ndarray:
        """(128,) of the face in a rectangle."""
        return np.array(self.network.compute_face_descriptor(picture, self.shape(picture, face)))


_REMEDY = "see the beginning of training/evaluate/judges/identity.py."


def of_sweeps(folder: Path, recognizer: Recognizer) -> dict[str, np.ndarray]:
    """Axis -> distances of photos to their edits at the axis's highest value. The face is looked
    for in the photo alone: an edit leaves it where it is."""
    folders = sorted(path.parent for path in folder.glob("*/place.json"))
    if not folders:
        raise ValueError(f"{folder} holds no sweeps: make them with python -m training sweeps.")
    found = {}
    for path in folders:
        photo = recognizer.picture(path / "photo.png")
        face = recognizer.face(photo)
        if face is None:
            continue
        start = recognizer.features(photo, face)
        for edit in sorted(path.glob("*_100.png")):
            moved = recognizer.features(recognizer.picture(edit), face)
            found.setdefault(edit.stem[:-4], []).append(np.linalg.norm(moved - start))
    if not found:
        raise ValueError(f"The recognizer found no face in the photos of {folder}.")
    return {key: np.array(distances) for key, distances in found.items()}


def people(names: list[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Pairs of neighbours in a list: of one person, and of first photos of different people."""
    of = {name: name.rpartition("_")[0] for name in names}
    first = [*{of[name]: name for name in reversed(names)}.values()][::-1]
    return [pair for pair in pairwise(names) if of[pair[0]] == of[pair[1]]], [*pairwise(first)]


def of_people(data: Path, split: str, scale: float, recognizer: Recognizer):
    """Distances of two photos of one person, and of strangers; photos without a face are left
    out."""
    listed = data / f"{split}_ids.csv"
    if not listed.is_file():
        raise ValueError(f"There is no {listed}; --data must be a folder with that list of names.")
    names = listed.read_text().split()
    pairs = people(names)
    features = {}
    for name in sorted({name for kind in pairs for pair in kind for name in pair}):
        picture = recognizer.picture(data / "imgs" / name, scale)
        face = recognizer.face(picture)
        if face is not None:
            features[name] = recognizer.features(picture, face)
    found = [
        np.array(
            [
                np.linalg.norm(features[a] - features[b])
                for a, b in kind
                if a in features and b in features
            ]
        )
        for kind in pairs
    ]
    if not all(map(len, found)):
        raise ValueError(f"{listed} names no two photos of one person whose faces can be seen.")
    return found


def summary(found: dict[str, np.ndarray], usual: float) -> Rows:
    """`usual`: distance of two photos of one person."""
    return {
        key: {
            "pairs": len(distances),
            "distance": np.median(distances),
            "95%": np.percentile(distances, 95),
            "nearer": np.mean(distances < usual),
            f"below {ONE_PERSON}": np.mean(distances < ONE_PERSON),
        }
        for key, distances in found.items()
    }


def judge(options: argparse.Namespace) -> Rows:
    """Distances of edits by axis, of all units, of photos of one person and of strangers."""
    recognizer = Recognizer()
    edits = of_sweeps(options.sweeps, recognizer)
    same, strangers = of_people(options.data, options.split, options.scale, recognizer)
    units = [distances for key, distances in edits.items() if key.startswith("AU")]
    people = {"one person": same, "strangers": strangers}
    return summary(edits | {"all units": np.concatenate(units)} | people, np.median(same))


def identity(values: dict) -> str:
    """Format the distances of edits, of photos of one person, and of strangers."""
    pairs = {
        "all units": "a photo and its edit",
        "one person": "two photos of one person",
        "strangers": "photos of different people",
    }
    rows = [[text, f"{values['identity'][key]['distance']:.2f}"] for key, text in pairs.items()]
    return table(["pair", "distance"], rows)


BLOCKS = {
    "identity": Block(
        "python -m training.evaluate.judges.identity SWEEPS --data DIR --write", identity
    )
}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        names = requested_blocks(options)
        tables = {"identity": judge(options)}
        report(options.out, **tables)
        write_blocks(names, BLOCKS, known(tables))
    except (ValueError, OSError, RuntimeError) as problem:
        print(f"identity: {problem}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.judges.identity", description=__doc__.splitlines()[0]
    )
    parser.add_argument("sweeps", type=Path, metavar="SWEEPS")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--split", default="test")
    parser.add_argument("--scale", type=float, default=3, help="of the sweeps (default 3)")
    parser.add_argument("--out", type=Path, metavar="JSON")
    add_write_option(parser, list(BLOCKS))
    return parser


if __name__ == "__main__":
    sys.exit(main())
