"""Judge how closely the folds of skin in edited smiles match those of people's own smiles.

    python -m training.evaluate.judges.draw smiles --data DIR --out SMILES
    python -m training.evaluate.judges.folds SMILES [--out JSON] [--write]

It runs in the environment of face_mesh.py, on the pictures of `true_smiles`. An expression ratio
image is the log ratio of the brightness of a picture to that of the person's neutral photo, without
slow changes, on the skin of the mean face of all neutral photos (data/ratio_images.py). The image
of an edit is compared with that of the person's own smile. Folds of different people are at
different places and photos have noise, so the main figures compare the median images over people.

*correlation*: of the pixels of both median images. *strength*: standard deviation of the edit's
image over that of the real one. *... of a person*: the same figure of each person's own images,
median over people.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from ...data.ratio_images import FACE_POINTS, MeanFace, mean_face, ratio_image, warp_to_mean
from ..documents import FigureBlock
from .command import RenderedPhoto, rendered_photos, run_judge
from .table_blocks import table_formatter
from .tables import Rows
from .true_smiles import EDITS

OWN_SMILE = "smile"  # picture of the person's own smile in a pair


def ratio_images(people: list[RenderedPhoto], face: MeanFace, name: str) -> np.ndarray:
    """Compute the ratio images (N, S, S) from the neutral photo of every person to a picture."""
    return np.stack(
        [
            ratio_image(
                face, grey_on_mean(face, person, "neutral"), grey_on_mean(face, person, name)
            )
            for person in people
        ]
    )


def grey_on_mean(face: MeanFace, person: RenderedPhoto, name: str) -> np.ndarray:
    """Warp the brightness of a picture to the mean face, (S, S)."""
    picture = cv2.imread(str(person.folder / f"{name}.png")).mean(2, dtype=np.float32)
    return warp_to_mean(face, picture, person.points(name)[:FACE_POINTS, :2])


def compare(edits: np.ndarray, real: np.ndarray, skin: np.ndarray) -> dict[str, float]:
    """Compute the row of one kind of edit from ratio images (N, S, S) on the skin (S, S)."""
    inside = skin > 0.5
    of_medians = _figures(*(np.median(images, 0)[inside] for images in (edits, real)))
    of_people = [_figures(a[inside], b[inside]) for a, b in zip(edits, real, strict=True)]
    names = ("correlation", "strength")
    row = {"photos": len(real)} | dict(zip(names, of_medians, strict=True))
    medians = np.median(np.array(of_people), 0)
    return row | {f"{n} of a person": float(v) for n, v in zip(names, medians, strict=True)}


def _figures(edit: np.ndarray, real: np.ndarray) -> tuple[float, float]:
    """Compute correlation and strength of pixels (P,)."""
    return float(np.corrcoef(edit, real)[0, 1]), float(edit.std() / real.std())


def judge(folder: Path) -> dict[str, Rows]:
    """Compute the table with a row for each kind of edit. Raises ValueError."""
    people = [
        p for p in rendered_photos(folder, "smiles") if p.all_points(("neutral", OWN_SMILE, *EDITS))
    ]
    if not people:
        raise ValueError(
            f"Face Mesh found no face in all of neutral, {OWN_SMILE}, {' and '.join(EDITS)}.png of "
            f"any pair of {folder}; best.png needs --best of draw.py, for --clips also --landmarks."
        )
    heights = [cv2.imread(str(p.folder / "neutral.png")).shape[0] for p in people]
    points = [
        (p.points("neutral")[:FACE_POINTS, :2] + 0.5) / height
        for p, height in zip(people, heights, strict=True)
    ]
    face = mean_face(np.stack(points))
    real = ratio_images(people, face, OWN_SMILE)
    rows = {
        title: compare(ratio_images(people, face, name), real, face.skin)
        for name, title in EDITS.items()
    }
    return {"folds": rows}


COMMAND = "python -m training.evaluate.judges.folds SMILES --write"
BLOCKS = {"folds": FigureBlock(COMMAND, table_formatter("folds", "edit"))}


def main(arguments: list[str] | None = None) -> int:
    return run_judge("folds", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
