"""Draw edits of photos for the judges that look at them by Face Mesh.

    python -m training.evaluate.judges.draw WHAT --data DIR --out FOLDER [--checkpoint FILE]

WHAT  smiles  pairs of a neutral and a smiling photo: DIR has two photos of people (faces.csv with
              persons), or, with --clips, frames
      sides   every side of every lateral unit, and the units of the lips
      gaze    eyes to all sides, and into the camera
      head    turns, nods and tilts

DIR is a pack of canonical crops, see crops.py. Axes that the checkpoint's space lacks are left out.

FOLDER/NAME/  photo.png, KEY_LLL.png   as sweeps.py has them (requests.py)
              neutral.png, smile.png, edit.png, best.png   of a pair
              place.json  to_face: 2 x 3, pixels -> face coordinates; box: beyond which no pixel may
                          change, without turns of the head; asked: picture -> axis -> value;
                          of a pair also kind, and motion (best_units.py)
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.animator import Animator
from moodganimation.errors import Problem
from moodganimation.faces.portrait import Portrait

from ...data.landmarks import Landmarks
from .best_units import best_units
from .crops import Crop, crop, frontal, pairs_of_clips, pairs_of_people
from .requests import REQUESTS, Requests, requested, smile

QUICK_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)


def portrait_of(animator: Animator, photo: Crop) -> Portrait:
    return animator.encode(Portrait(photo.picture, photo.to_face, "canonical"))


def save(folder: Path, **pictures: np.ndarray) -> None:
    """Write RGB pictures as NAME.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture[..., ::-1], QUICK_PNG)


def save_edits(animator: Animator, portrait: Portrait, folder: Path, asked: Requests) -> None:
    for name, frame in zip(asked, animator.animate(portrait, asked.values()), strict=True):
        save(folder, **{name: frame.image})


def save_place(folder: Path, portrait: Portrait, asked: Requests, **values) -> None:
    place = {"to_face": portrait.to_face.tolist(), "box": portrait.box, **values}
    place["asked"] = {name: expression.asdict() for name, expression in asked.items()}
    (folder / "place.json").write_text(json.dumps(place))


def draw_requests(animator: Animator, what: str, photos: list[Path], out: Path) -> None:
    """What is requested of every photo."""
    for path in tqdm(photos, desc=what):
        portrait = portrait_of(animator, crop(path))
        reading = animator.start(portrait)
        asked, folder = requested(what, reading), out / path.stem
        save(folder, photo=portrait.photo)
        save_edits(animator, portrait, folder, asked)
        save_place(folder, portrait, {"photo": reading} | asked)


def draw_smile(animator: Animator, pair: tuple[Crop, Crop], folder: Path, kind: str, best: bool):
    """A pair, the neutral photo with the smile that is read in the other, and with the best."""
    neutral, smiling = (portrait_of(animator, photo) for photo in pair)
    start = animator.start(neutral)
    asked, more = {"edit": smile(start, animator.start(smiling))}, {}
    points = [photo.points for photo in pair]
    if best and all(p is not None for p in points):
        asked["best"], more["motion"] = best_units(animator, neutral, *points, asked["edit"])
    save(folder, neutral=neutral.photo, smile=smiling.photo)
    save_edits(animator, neutral, folder, asked)
    save_place(folder, neutral, {"neutral": start} | asked, kind=kind, **more)


def draw_smiles(animator: Animator, options: argparse.Namespace) -> None:
    """Pairs of a pack, of people or of clips."""
    known = None if options.landmarks is None else Landmarks(options.landmarks)
    if options.clips:
        kind, pairs = "clips", pairs_of_clips(options.data, options.photos or 20, known)
    else:
        kind, pairs = "photos", pairs_of_people(options.data, options.split)[: options.photos]
    for pair in tqdm(pairs, desc="smiles"):
        name = pair[0].name.partition("/")[0]
        draw_smile(animator, pair, options.out / name, kind, options.best)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        animator = Animator.load(options.checkpoint, backends=["float32"])
        if options.what == "smiles":
            draw_smiles(animator, options)
        else:
            photos = frontal(options.data, options.split, options.photos or 24)
            draw_requests(animator, options.what, photos, options.out)
    except (Problem, ValueError, OSError) as problem:
        print(f"draw: {problem}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.judges.draw", description=__doc__.splitlines()[0]
    )
    parser.add_argument("what", choices=["smiles", *REQUESTS])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="default: the shipped one")
    parser.add_argument("--split", default="test")
    parser.add_argument("--photos", type=int, metavar="N", help="default: 24; all pairs, 20 clips")
    parser.add_argument("--clips", action="store_true", help="smiles: of the pack's clips")
    parser.add_argument(
        "--landmarks",
        type=Path,
        metavar="FILE",
        help="smiles: of the frames in DIR/clips, for --best with --clips",
    )
    parser.add_argument(
        "--best",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="smiles: also the best setting of the units (slower; on by default)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
