"""Photos of a pack for the judges: canonical crops, padded, with the known place of the face.

A pack is a folder with imgs/NAME.jpg or .webp, canonical crops; faces.csv or labels.csv (name,
split, yaw and, if it is known, pitch [degrees]; person where photos of one person are told apart);
and landmarks.npz (see data/landmarks.py). Nothing is detected: the crop of a canonical crop is all
of it.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from moodganimation.animation.bounded_pickle import read_pickle
from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.media.images import read_image

from ...data.augment import FRAME
from ...data.landmarks import Landmarks
from .face_mesh_measures import UNITS, settled, upright

TABLES = ("faces.csv", "labels.csv")
SIDES = 1.6  # of the padded picture, in sides of the crop: turned heads reach beyond the crop
SMALL, ENLARGED = 300, 3  # crops of fewer pixels a side are enlarged, as sweeps.py does
STRAIGHT = 10  # degrees of yaw and pitch within which a face looks straight ahead
CLIP = 128  # side of a clip's frames, the middle of the canonical crop [px]
SMILE = ("AU12", "AU25")  # what makes the smile of a clip
BLINK = 0.2  # AU45 above which a frame is a blink
SMILES = 0.4, 0.4  # that AU12, and AU12 and AU25 together, must rise by in a clip


class Crop(NamedTuple):
    """A padded photo and its face."""

    name: str
    picture: np.ndarray  # (H, W, 3) uint8 RGB
    to_face: np.ndarray  # (2, 3), see faces.portrait
    points: np.ndarray | None = None  # (478, 3) Face Mesh [px of the picture]


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The table of a pack. Raises ValueError where there is none."""
    for name in TABLES:
        if (folder / name).is_file():
            with open(folder / name, newline="") as file:
                return list(csv.DictReader(file))
    raise ValueError(f"{folder} has neither {' nor '.join(TABLES)}.")


def frontal(folder: Path, split: str, count: int) -> list[Path]:
    """Photos of a split that look straight ahead (yaw and pitch within STRAIGHT), in order."""
    rows = [row for row in rows_of(folder) if row["split"] == split]
    names = sorted(row["name"] for row in rows if max(turn_of(row)) <= STRAIGHT)
    chosen = np.random.default_rng(0).permutation(len(names))[:count]
    return [picture_of(folder, names[i]) for i in sorted(chosen)]


def turn_of(row: dict[str, str]) -> tuple[float, float]:
    """Yaw and pitch of a row, whatever their direction; 0 where it is not known."""
    return abs(float(row["yaw"])), abs(float(row.get("pitch") or 0))


def picture_of(folder: Path, name: str) -> Path:
    found = sorted((folder / "imgs").glob(f"{name}.*"))
    if not found:
        raise ValueError(f"{folder}/imgs has no picture {name}.")
    return found[0]


def crop(path: Path, known: Landmarks | None = None, key: str = "") -> Crop:
    """A canonical crop, padded; `key` is its name in the landmarks that are known."""
    photo = read_image(path)
    side = photo.shape[1]
    return padded(path.stem, photo, square_of(side, side), points_of(known, key or path.name))


def frame(path: Path, known: Landmarks | None, key: str) -> Crop:
    """A clip's frame, the middle of a canonical crop, padded."""
    photo = read_image(path)
    to_face = square_of(photo.shape[1], photo.shape[1] * FRAME / CLIP)
    return padded(key, photo, to_face, points_of(known, key))


def square_of(side: int, crop_side: float) -> np.ndarray:
    """`to_face` of a picture whose middle is that of a crop with another side [px]."""
    step = 2 / crop_side
    return np.array([[step, 0, -step * (side - 1) / 2], [0, step, -step * (side - 1) / 2]])


def points_of(known: Landmarks | None, key: str) -> np.ndarray | None:
    place = None if known is None else known.place(key)
    return None if place is None else known.points[place].astype(np.float64)


def padded(name: str, photo: np.ndarray, to_face: np.ndarray, points=None) -> Crop:
    """A photo with reflected borders, SIDES of the crop a side, enlarged where it is small."""
    scale = ENLARGED if photo.shape[1] < SMALL else 1
    if scale > 1:
        photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    crop_side = scale * 2 / to_face[0, 0]
    border = max(0, round((SIDES * crop_side - photo.shape[1]) / 2))
    # the centre of pixel i of the large picture stands at (i + .5) / scale - .5 of the small one
    moved = 0.5 / scale - 0.5 - border / scale
    turned = np.c_[to_face[:, :2] / scale, to_face[:, :2] @ (moved, moved) + to_face[:, 2]]
    picture = cv2.copyMakeBorder(photo, *[border] * 4, cv2.BORDER_REFLECT_101)
    if points is not None:
        points = (points - (moved, moved, 0)) * scale
    return Crop(name, picture, turned, points)


def pairs_of_people(folder: Path, split: str) -> list[tuple[Crop, Crop]]:
    """Neutral and smiling photo of each person of whom a split has two.

    The smile is the photo whose corners of the lips are higher and farther apart, as the measure of
    AU12 has it.
    """
    photos = {}
    for row in rows_of(folder):
        if row["split"] == split and row.get("person"):
            photos.setdefault(row["person"], []).append(row["name"])
    known = Landmarks(folder / "landmarks.npz")
    pairs = []
    for _, names in sorted(photos.items()):
        if len(names) != 2:
            continue
        two = [crop(picture_of(folder, name), known) for name in names]
        if all(photo.points is not None for photo in two):
            pairs.append(tuple(sorted(two, key=lambda photo: smile_of(photo.points))))
    if not pairs:
        raise ValueError(f"{folder} has no two photos of one person with landmarks in {split}.")
    return pairs


def smile_of(points: np.ndarray) -> float:
    """The measure of AU12, in distances between the eyes."""
    base = upright(points)
    return float(UNITS["AU12"][0](settled(points, base)))


def pairs_of_clips(folder: Path, count: int, known: Landmarks | None) -> list[tuple[Crop, Crop]]:
    """Frames of least and of greatest AU12 + AU25, of the clips that smile most straight ahead.

    Lids are open in both. A clip is one photo, re-rendered: its head does not turn, and its smile
    is the renderer's.
    """
    units = read_pickle(folder / "clips_aus.pkl")
    turns = {row["name"]: sum(turn_of(row)) for row in rows_of(folder)}
    with open(folder / "clips.csv", newline="") as file:
        clips = sorted(csv.DictReader(file), key=lambda row: turns.get(row["source"], 90))
    pairs = []
    for row in clips:
        name = row["clip"]
        keys = [f"{name}_{i:04d}" for i in range(int(row["frames"]))]
        ends = ends_of(np.array([units[key] for key in keys]) / 5)
        if ends and len(pairs) < count:
            paths = [folder / "clips" / name / f"{i:04d}.jpg" for i in ends]
            pairs.append(tuple(frame(path, known, f"{name}/{path.name}") for path in paths))
    return pairs


def ends_of(units: np.ndarray) -> tuple[int, int] | None:
    """Frames of a clip (T, 17) in [0, 1] with the least and the greatest smile; None where it
    smiles too little."""
    smile, blink = ACTION_UNITS.index(SMILE[0]), ACTION_UNITS.index("AU45")
    total = units[:, [ACTION_UNITS.index(key) for key in SMILE]].sum(1)
    open_ = np.flatnonzero(units[:, blink] <= BLINK)
    if len(open_) < 2:
        return None
    low, high = open_[total[open_].argmin()], open_[total[open_].argmax()]
    rise = units[high, smile] - units[low, smile], total[high] - total[low]
    return (int(low), int(high)) if rise[0] >= SMILES[0] and rise[1] >= SMILES[1] else None
