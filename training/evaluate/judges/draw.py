"""Render edits of photos for the judges that measure them by Face Mesh.

    python -m training.evaluate.judges.draw WHAT --data DIR --out FOLDER [--checkpoint FILE]

WHAT  smiles  pairs of a neutral and a smiling photo of one person, from faces.csv with persons; or,
              with --clips, pairs of frames of clips
      sides   each side of every lateral unit, and the units of the lips
      gaze    the eyes in four directions, and into the camera
      head    turns, nods and tilts
      mouths  closed mouths, opened; and photos with open mouths, unedited, to compare with

DIR is a pack of canonical crops, see crops.py. Axes that the checkpoint's space lacks are left out.

FOLDER/NAME/  photo.png     the padded photo
              KEY_LLL.png   the edit with axis KEY at LLL percent of its range; of head: turned by
                            LLL percent of the range more than in the photo (requests.py)
              AU25.png, AU12_AU25.png   of mouths: the edits with these units at 1
              neutral.png, smile.png    of smiles: the two photos of the pair
              edit.png      of smiles: neutral.png with the reading of smile.png
              best.png      of smiles: neutral.png with the best units (best_units.py)
              place.json    to_face: 2 x 3, pixels -> face coordinates
                            box: x0, y0, x1, y1 [px], ends excluded; edits that do not turn the head
                            change no pixel outside
                            asked: the target expressions, picture -> axis -> value
                            kind: of smiles: "photos" or "clips"
                            motion: of best.png: a number, the share of the lips' distance to the
                            smile that remains after the fitted motion (best_units.py)
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
from ...data.pack import all_photos, lip_gap_ratio
from . import requests
from .best_units import best_units
from .crops import (
    PaddedCrop,
    frontal_photos,
    pairs_of_clips,
    pairs_of_people,
    positive_count,
    read_crop,
    read_crops,
)
from .mouths import CLOSED_GAP
from .requests import REQUESTS, Targets, requested, smile

QUICK_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)  # options of cv2.imwrite: large files, written fast


def portrait_of(animator: Animator, photo: PaddedCrop) -> Portrait:
    """Locate the face of a padded crop by its known `to_face`, and encode it."""
    return animator.encode(Portrait(photo.picture, photo.to_face, "canonical"))


def save(folder: Path, **pictures: np.ndarray) -> None:
    """Write RGB pictures as NAME.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture[..., ::-1], QUICK_PNG)


def save_edits(animator: Animator, portrait: Portrait, folder: Path, targets: Targets) -> None:
    """Render a portrait with each target expression, and write each picture under its name."""
    for name, frame in zip(targets, animator.animate(portrait, targets.values()), strict=True):
        save(folder, **{name: frame.image})


def save_place(folder: Path, portrait: Portrait, targets: Targets, **values) -> None:
    """Write place.json: the place of the face, the target expressions and further values."""
    place = {"to_face": portrait.to_face.tolist(), "box": portrait.box, **values}
    place["asked"] = {name: expression.asdict() for name, expression in targets.items()}
    (folder / "place.json").write_text(json.dumps(place), encoding="utf-8")


def draw_requests(animator: Animator, what: str, photos: list[Path], out: Path) -> None:
    """Render every photo with the requests of the judge named `what`."""
    for path in tqdm(photos, desc=what):
        portrait = portrait_of(animator, read_crop(path))
        reading = animator.start(portrait)
        targets, folder = requested(what, reading), out / path.stem
        save(folder, photo=portrait.photo)
        save_edits(animator, portrait, folder, targets)
        save_place(folder, portrait, {"photo": reading} | targets)


def draw_smile(
    animator: Animator, pair: tuple[PaddedCrop, PaddedCrop], folder: Path, kind: str, best: bool
):
    """Write a pair, and render the neutral photo with the smile that is read in the other.

    best: also render it with the best units, if both photos have landmarks.
    """
    neutral, smiling = (portrait_of(animator, photo) for photo in pair)
    start = animator.start(neutral)
    targets, extra = {"edit": smile(start, animator.start(smiling))}, {}
    points = [photo.points for photo in pair]
    if best and all(p is not None for p in points):
        targets["best"], extra["motion"] = best_units(animator, neutral, *points, targets["edit"])
    save(folder, neutral=neutral.photo, smile=smiling.photo)
    save_edits(animator, neutral, folder, targets)
    save_place(folder, neutral, {"neutral": start} | targets, kind=kind, **extra)


def draw_smiles(animator: Animator, options: argparse.Namespace) -> None:
    """Write and render the pairs of a pack, of people or of clips; options: the command line."""
    landmarks = None if options.landmarks is None else Landmarks(options.landmarks)
    if options.clips:
        kind, pairs = "clips", pairs_of_clips(options.data, options.photos or 20, landmarks)
    else:
        kind, pairs = "photos", pairs_of_people(options.data, options.split)[: options.photos]
    for pair in tqdm(pairs, desc="smiles"):
        name = pair[0].name.partition("/")[0]
        draw_smile(animator, pair, options.out / name, kind, options.best)


def draw_mouths(animator: Animator, options: argparse.Namespace) -> None:
    """Write photos of a split with an open mouth, and render opened edits of closed mouths.

    At most `options.photos` photos with a closed mouth are used; the others are left out, and
    so are photos without landmarks. Raises ValueError if no photo has landmarks.
    """
    landmarks = Landmarks(options.landmarks or options.data / "landmarks.npz")
    photos = read_crops(all_photos(options.data, options.split), landmarks)
    gaps = {photo.name: lip_gap_ratio(photo.points) for photo in photos}
    closed = [photo.name for photo in photos if gaps[photo.name] < CLOSED_GAP]
    chosen = set(closed[:: max(1, len(closed) // options.photos)][: options.photos])
    for photo in tqdm(photos, desc="mouths"):
        folder, targets = options.out / photo.name, {}
        portrait = Portrait(photo.picture, photo.to_face, "canonical")
        if photo.name in chosen:
            portrait = animator.encode(portrait)
            targets = requests.mouths(animator.start(portrait))
            save_edits(animator, portrait, folder, targets)
        if targets or gaps[photo.name] >= CLOSED_GAP:
            save(folder, photo=photo.picture)
            save_place(folder, portrait, targets)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        animator = Animator.load(options.checkpoint, backends=["float32"])
        if options.what == "smiles":
            draw_smiles(animator, options)
        elif options.what == "mouths":
            options.photos = options.photos or 80
            draw_mouths(animator, options)
        else:
            photos = frontal_photos(options.data, options.split, options.photos or 24)
            draw_requests(animator, options.what, photos, options.out)
    except (Problem, ValueError, OSError) as problem:
        print(f"draw: {problem}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.judges.draw", description=__doc__.splitlines()[0]
    )
    parser.add_argument("what", choices=["smiles", "mouths", *REQUESTS])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="default: the shipped one")
    parser.add_argument("--split", default="test")
    parser.add_argument(
        "--photos",
        type=positive_count,
        metavar="N",
        help="default: 24; smiles: all pairs, or 20 clips; mouths: 80 closed ones",
    )
    parser.add_argument("--clips", action="store_true", help="smiles: of the pack's clips")
    parser.add_argument(
        "--landmarks",
        type=Path,
        metavar="FILE",
        help="smiles: of the frames in DIR/clips, for --best with --clips; "
        "mouths: of the photos (default: DIR/landmarks.npz)",
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
