"""Photos of a pack for the judges: padded canonical crops with known `to_face`.

See data/pack.py for the files of a pack. The judges also read the columns yaw and pitch [degrees]
of its table, and landmarks.npz (data/landmarks.py). No face is detected: the whole picture is the
canonical crop.
"""

import argparse
import csv
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from moodganimation.animation.bounded_pickle import read_pickle
from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.media.images import read_image

from ...data.augment import CROP_SIDE
from ...data.landmarks import Landmarks
from ...data.pack import picture_of, rows_of
from ..documents import add_write_option
from ..photos import MAX_FRONTAL_ANGLE
from .face_mesh_measures import UNITS, registered, upright

PADDED_SIDE = 1.6  # in sides of the crop: room for heads that are turned and leave the crop
MIN_SIDE, ENLARGEMENT = 300, 3  # smaller crops [px] are enlarged by this factor
# Frames of the clips in packs show this center of the canonical crop [crop px]. No command here
# writes such clips: the frames of data/prepare and data/synthesis.py show the whole crop.
CENTER_SIDE = 128
MAX_INTENSITY = 5  # of Action Units in clips_aus.pkl
MAX_BLINK = 0.2  # greatest AU45 of a frame with open lids
SMILE_UNITS = ("AU12", "AU25")  # their sum measures the smile in a clip
# Least rises in a clip that is used: of AU12, and of the sum of SMILE_UNITS, which rises less where
# the lips close meanwhile.
MIN_AU12_RISE, MIN_SMILE_RISE = 0.4, 0.4
UNKNOWN_ANGLE = 90  # of clips without head angles, which are used last [degrees]


class PaddedCrop(NamedTuple):
    """A canonical crop in a larger picture, padded by reflection."""

    name: str
    picture: np.ndarray  # (H, W, 3) uint8 RGB
    to_face: np.ndarray  # (2, 3): pixels of the picture -> face coordinates
    points: np.ndarray | None = None  # landmarks (478, 3) [px of the picture]


def frontal_photos(folder: Path, split: str, count: int) -> list[Path]:
    """Choose a random subset of the frontal photos of a split, sorted by name."""
    rows = [row for row in rows_of(folder) if row["split"] == split]
    names = sorted(row["name"] for row in rows if max(head_angles(row)) <= MAX_FRONTAL_ANGLE)
    chosen = np.random.default_rng(0).permutation(len(names))[:count]
    return [picture_of(folder, names[i]) for i in sorted(chosen)]


def head_angles(row: dict[str, str]) -> tuple[float, float]:
    """Read the absolute yaw and pitch [degrees] of a row; an unknown pitch counts as 0.

    Raises ValueError for an unknown yaw.
    """
    if not row.get("yaw"):
        raise ValueError(f"The column yaw of the pack's table has no angle of {row['name']}.")
    return abs(float(row["yaw"])), abs(float(row.get("pitch") or 0))


def read_crop(path: Path, landmarks: Landmarks | None = None, key: str = "") -> PaddedCrop:
    """Read a canonical crop and pad it; key: its name in `landmarks`, if not that of the file."""
    photo = read_image(path)
    side = photo.shape[1]
    points = _points_of(landmarks, key or path.name)
    return pad_crop(path.stem, photo, to_face_of_center(side, side), points)


def read_crops(paths: list[Path], landmarks: Landmarks) -> list[PaddedCrop]:
    """Read canonical crops, and leave out those without landmarks. Raises ValueError if all are."""
    photos = [read_crop(path, landmarks) for path in paths]
    photos = [photo for photo in photos if photo.points is not None]
    if not photos:
        raise ValueError(
            f"No photo of the split has landmarks in {landmarks.path}: make them with "
            "training/data/prepare/face_mesh_landmarks.py."
        )
    return photos


def read_frame(path: Path, landmarks: Landmarks | None, key: str) -> PaddedCrop:
    """Read a frame of a re-rendered clip, the center of a canonical crop, and pad it."""
    photo = read_image(path)
    to_face = to_face_of_center(photo.shape[1], photo.shape[1] * CROP_SIDE / CENTER_SIDE)
    return pad_crop(key, photo, to_face, _points_of(landmarks, key))


def to_face_of_center(side: int, crop_side: float) -> np.ndarray:
    """Make `to_face` (2, 3) of a square picture of `side` px that shows the center of a canonical
    crop of `crop_side` px."""
    step = 2 / crop_side
    return np.array([[step, 0, -step * (side - 1) / 2], [0, step, -step * (side - 1) / 2]])


def _points_of(landmarks: Landmarks | None, key: str) -> np.ndarray | None:
    """Look up the landmarks (478, 3) of a picture; None if they are not known."""
    row = None if landmarks is None else landmarks.row(key)
    return None if row is None else landmarks.points[row].astype(np.float64)


def pad_crop(name: str, photo: np.ndarray, to_face: np.ndarray, points=None) -> PaddedCrop:
    """Pad a photo by reflection to PADDED_SIDE times the crop's side; enlarge small photos first.

    to_face and points are those of the photo, and are converted to the padded picture.
    """
    scale = ENLARGEMENT if photo.shape[1] < MIN_SIDE else 1
    if scale > 1:
        photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    crop_side = scale * 2 / to_face[0, 0]
    border = max(0, round((PADDED_SIDE * crop_side - photo.shape[1]) / 2))
    # Pixel i of the padded picture is at i / scale + offset of the photo: centers of enlarged
    # pixels are at (i + .5) / scale - .5.
    offset = 0.5 / scale - 0.5 - border / scale
    linear = to_face[:, :2]
    to_face = np.c_[linear / scale, linear @ (offset, offset) + to_face[:, 2]]
    picture = cv2.copyMakeBorder(photo, *[border] * 4, cv2.BORDER_REFLECT_101)
    if points is not None:
        points = (points - (offset, offset, 0)) * scale
    return PaddedCrop(name, picture, to_face, points)


def pairs_of_people(folder: Path, split: str) -> list[tuple[PaddedCrop, PaddedCrop]]:
    """Read the neutral and the smiling photo of each person with two photos in a split.

    The smiling photo is the one with the higher measure of AU12. Raises ValueError if there are no
    pairs.
    """
    names_of = {}
    for row in rows_of(folder):
        if row["split"] == split and row.get("person"):
            names_of.setdefault(row["person"], []).append(row["name"])
    landmarks = Landmarks(folder / "landmarks.npz")
    pairs = []
    for _, names in sorted(names_of.items()):
        if len(names) != 2:
            continue
        photos = [read_crop(picture_of(folder, name), landmarks) for name in names]
        if all(photo.points is not None for photo in photos):
            pairs.append(tuple(sorted(photos, key=lambda photo: smile_measure(photo.points))))
    if not pairs:
        raise ValueError(f"{folder} has no two photos of one person with landmarks in {split}.")
    return pairs


def smile_measure(points: np.ndarray) -> float:
    """The measure of AU12 (face_mesh_measures.py), in distances between the eyes."""
    return float(UNITS["AU12"][0](registered(points, upright(points))))


def pairs_of_clips(
    folder: Path, count: int, landmarks: Landmarks | None
) -> list[tuple[PaddedCrop, PaddedCrop]]:
    """Read the least and the most smiling frame of up to `count` clips, the most frontal first.

    Lids are open in both. A clip is one re-rendered photo, so its head does not turn, and its smile
    is the renderer's.
    """
    units = read_pickle(folder / "clips_aus.pkl")
    angles = {row["name"]: sum(head_angles(row)) for row in rows_of(folder)}
    with open(folder / "clips.csv", newline="", encoding="utf-8") as file:
        clips = list(csv.DictReader(file))
    pairs = []
    for row in sorted(clips, key=lambda row: angles.get(row["source"], UNKNOWN_ANGLE)):
        name = row["clip"]
        keys = [f"{name}_{i:04d}" for i in range(int(row["frames"]))]
        ends = smile_frames(np.array([units[key] for key in keys]) / MAX_INTENSITY)
        if ends and len(pairs) < count:
            paths = [folder / "clips" / name / f"{i:04d}.jpg" for i in ends]
            pairs.append(tuple(read_frame(p, landmarks, f"{name}/{p.name}") for p in paths))
    return pairs


def smile_frames(units: np.ndarray) -> tuple[int, int] | None:
    """Find the frames of a clip (T, 17) in [0, 1] with the least and the greatest smile.

    None if the smile rises too little, or if fewer than two frames have open lids.
    """
    au12 = units[:, ACTION_UNITS.index("AU12")]
    smile = units[:, [ACTION_UNITS.index(key) for key in SMILE_UNITS]].sum(1)
    with_open_lids = np.flatnonzero(units[:, ACTION_UNITS.index("AU45")] <= MAX_BLINK)
    if len(with_open_lids) < 2:
        return None
    least = with_open_lids[smile[with_open_lids].argmin()]
    most = with_open_lids[smile[with_open_lids].argmax()]
    if au12[most] - au12[least] < MIN_AU12_RISE or smile[most] - smile[least] < MIN_SMILE_RISE:
        return None
    return int(least), int(most)


def photos_parser(name: str, text: str, blocks: list[str], photos: int) -> argparse.ArgumentParser:
    """Make the parser of a judge that edits photos of a pack itself.

    text: the docstring of its module, whose first line is the description. photos: the default
    number of photos.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m training.evaluate.judges.{name}", description=text.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="default: the shipped one")
    parser.add_argument("--split", default="test")
    parser.add_argument("--photos", type=positive_count, default=photos, metavar="N")
    parser.add_argument("--out", type=Path, metavar="JSON")
    add_write_option(parser, blocks)
    return parser


def positive_count(text: str) -> int:
    """Parse a number from 1 on."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return value
