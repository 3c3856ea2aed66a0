"""Judge by a face recognizer whether sweeps (see render_sweeps.py) preserve identity.

    python -m training.evaluate.judges.identity SWEEPS --data DIR [--out JSON] [--write]

It runs in a separate environment with Python 3.10 to 3.12:

    python3.11 -m venv dlib && dlib/bin/pip install dlib-bin face_recognition_models numpy
    dlib/bin/python -m training.evaluate.judges.identity SWEEPS --data DIR

The recognizer is dlib's ResNet (Davis King, weights CC0, in the package face_recognition_models):
128 features of an aligned face; photos of one person have distances below ONE_PERSON.

*distance*: between the features of a photo and of its edit at the axis's highest value, median over
photos. *95%*: 95th percentile. *nearer*: share of edits closer to their photo than the median of
two photos of one person.

For comparison, pairs of photos: lines in the list of a split are PERSON_NUMBER.jpg. Pairs of one
person are neighbours in that list; pairs of strangers are the first photos of neighbouring persons.
The photos are enlarged by the same factor as those of the sweeps.
"""

import argparse
import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..documents import FigureBlock, add_write_option, requested_blocks, write_blocks
from ..markdown import table
from .sweep_files import sweep_folders
from .tables import Rows, json_values, report

WEIGHTS = "face_recognition_models"
ONE_PERSON = 0.6  # greatest distance of photos of one person, by dlib's documentation


class DlibRecognizer:
    """dlib's face detector, five landmarks and ResNet. Raises ValueError if they are missing."""

    def __init__(self):
        try:
            import dlib
        except ImportError as problem:
            raise ValueError(f"dlib is missing ({problem}): {_REMEDY}") from None
        package = importlib.util.find_spec(WEIGHTS)
        if package is None:
            raise ValueError(f"The package of weights, {WEIGHTS}, is missing: {_REMEDY}")
        models = Path(package.submodule_search_locations[0]) / "models"
        self.dlib, self.finder = dlib, dlib.get_frontal_face_detector()
        self.shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        network = models / "dlib_face_recognition_resnet_model_v1.dat"
        self.network = dlib.face_recognition_model_v1(str(network))

    def picture(self, path: Path, scale: float = 1.0) -> np.ndarray:
        """Read a picture, and scale it."""
        picture = self.dlib.load_rgb_image(str(path))
        return picture if scale == 1 else self.dlib.resize_image(picture, scale)

    def face(self, picture: np.ndarray):
        """Detect the rectangle of the largest face; None without a face."""
        return max(self.finder(picture), key=lambda face: face.area(), default=None)

    def features(self, picture: np.ndarray, face) -> np.ndarray:
        """Compute features (128,) of the face in a rectangle."""
        return np.array(self.network.compute_face_descriptor(picture, self.shape(picture, face)))


_REMEDY = "see the top of training/evaluate/judges/identity.py."


def edit_distances(folder: Path, recognizer: DlibRecognizer) -> dict[str, np.ndarray]:
    """Measure the distances (N,) of photos to their edits at the highest value, by axis.

    The face is detected in the photo only, since edits do not move it. Raises ValueError.
    """
    distances_by_axis = {}
    for path in sweep_folders(folder):
        photo = recognizer.picture(path / "photo.png")
        face = recognizer.face(photo)
        if face is None:
            continue
        before = recognizer.features(photo, face)
        for edit in sorted(path.glob("*_100.png")):
            after = recognizer.features(recognizer.picture(edit), face)
            axis = edit.stem.removesuffix("_100")
            distances_by_axis.setdefault(axis, []).append(np.linalg.norm(after - before))
    if not distances_by_axis:
        raise ValueError(f"The recognizer found no face in the photos of {folder}.")
    return {axis: np.array(distances) for axis, distances in distances_by_axis.items()}


def pairs_of_people(names: list[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Pair the names PERSON_NUMBER of a list: pairs of one person, and pairs of strangers."""
    person_of = {name: name.rpartition("_")[0] for name in names}
    first_photos = [*{person_of[name]: name for name in reversed(names)}.values()][::-1]
    same = [pair for pair in pairwise(names) if person_of[pair[0]] == person_of[pair[1]]]
    return same, [*pairwise(first_photos)]


def photo_distances(
    data: Path, split: str, scale: float, recognizer: DlibRecognizer
) -> tuple[np.ndarray, np.ndarray]:
    """Measure the distances of pairs of one person, and of pairs of strangers. Raises ValueError.

    Pairs with a photo in which no face is detected are left out.
    """
    listed = data / f"{split}_ids.csv"
    if not listed.is_file():
        raise ValueError(f"There is no {listed}; --data must be a folder with that list of names.")
    same, strangers = pairs_of_people(listed.read_text(encoding="utf-8").split())
    features = {}
    for name in sorted({name for pair in same + strangers for name in pair}):
        picture = recognizer.picture(data / "imgs" / name, scale)
        face = recognizer.face(picture)
        if face is not None:
            features[name] = recognizer.features(picture, face)

    def distances(pairs: list[tuple[str, str]]) -> np.ndarray:
        known = [(a, b) for a, b in pairs if a in features and b in features]
        return np.array([np.linalg.norm(features[a] - features[b]) for a, b in known])

    found = distances(same), distances(strangers)
    if not all(map(len, found)):
        raise ValueError(f"{listed} names no two photos of one person whose faces can be seen.")
    return found


def summary(distances_by_row: dict[str, np.ndarray], same_person: float) -> Rows:
    """Summarize distances; same_person: median distance of two photos of one person."""
    return {
        key: {
            "pairs": len(distances),
            "distance": np.median(distances),
            "95%": np.percentile(distances, 95),
            "nearer": np.mean(distances < same_person),
            f"below {ONE_PERSON}": np.mean(distances < ONE_PERSON),
        }
        for key, distances in distances_by_row.items()
    }


def judge(options: argparse.Namespace) -> Rows:
    """Compute the rows of each axis, of all units, of one person and of strangers."""
    recognizer = DlibRecognizer()
    edits = edit_distances(options.sweeps, recognizer)
    same, strangers = photo_distances(options.data, options.split, options.scale, recognizer)
    units = [distances for key, distances in edits.items() if key.startswith("AU")]
    references = {"one person": same, "strangers": strangers}
    return summary(edits | {"all units": np.concatenate(units)} | references, np.median(same))


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
    "identity": FigureBlock(
        "python -m training.evaluate.judges.identity SWEEPS --data DIR --write", identity
    )
}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        names = requested_blocks(options)
        tables = {"identity": judge(options)}
        report(options.out, **tables)
        write_blocks(names, BLOCKS, json_values(tables))
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
    parser.add_argument("--scale", type=float, default=3, help="scale of the sweeps (default 3)")
    parser.add_argument("--out", type=Path, metavar="JSON")
    add_write_option(parser, list(BLOCKS))
    return parser


if __name__ == "__main__":
    sys.exit(main())
