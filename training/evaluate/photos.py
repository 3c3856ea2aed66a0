"""The held-out photos and clips that a generator is evaluated on."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from moodganimation.expressions.spaces import ACTION_UNITS, FACS, ExpressionSpace

from ..data.annotations import find_annotations, read_annotations, read_ids
from ..data.pictures import PictureCache, UnreadablePicture, pictures_by_name
from ..data.units import in_facs, units_of
from .estimator import measured_space

MAX_FRONTAL_ANGLE = 10.0  # greatest |yaw| and |pitch| of a face that counts as frontal [degrees]
MAX_OTHERS = 256  # unedited photos that represent the distribution of real ones
MAX_REASONS = 3  # in an error message
MAX_CLIPS = 4  # clips that are regenerated
ESTIMATOR_SIDE = 128  # side of the photos for the estimator, independent of the generator's [px]


class Photos(NamedTuple):
    """N photos to edit, and M other photos for comparison. Pictures are in [-1, 1]."""

    names: list[str]
    faces: Tensor  # (N, 3, S, S), for the generator
    # The same photos for the estimator, (N, 3, ESTIMATOR_SIDE, ESTIMATOR_SIDE).
    estimator_faces: Tensor
    others: Tensor  # (M, 3, ESTIMATOR_SIDE, ESTIMATOR_SIDE); M can be 0
    other_names: list[str]
    labels: dict[str, np.ndarray]  # name -> Action Units (17,) in [0, 1], where they are known
    notes: list[str]  # sentences about photos that are missing or changed


class Clip(NamedTuple):
    """A moving face, filmed or synthetic: T frames with the condition of each."""

    name: str
    frames: Tensor  # (T, 3, S, S)
    conditions: Tensor  # (T, D)


def open_photos(folder: Path, split: str, count: int, size: int, seed: int) -> Photos:
    """Open `count` photos of a split, frontal ones first if labels.csv has angles.

    Raises ValueError if no photo can be used.
    """
    _check_split(folder, split)
    paths, notes = pictures_by_name(folder / "imgs"), []
    names = read_ids(folder / f"{split}_ids.csv")
    available = [name for name in names if name in paths]
    if len(available) < len(names):
        notes.append(f"{len(names) - len(available)} names of {split}_ids.csv have no picture.")
    order = _frontal_first(folder, sorted(available), seed, notes)
    files = [(name, paths[name]) for name in order]
    chosen, (faces, estimator_faces) = _read_usable(
        folder, files, count, (size, ESTIMATOR_SIDE), notes
    )
    if not chosen:
        reasons = " ".join(notes[:MAX_REASONS])
        raise ValueError(
            f"No photo of {split}_ids.csv in {folder / 'imgs'} can be used. {reasons}".rstrip()
        )
    if squeezed := sum(_is_not_square(paths[name]) for name in chosen):
        notes.append(f"{squeezed} photos are not square and were squeezed.")
    if len(chosen) < count:
        notes.append(f"{count} photos were requested, the split has {len(chosen)}.")
    rest = np.random.default_rng([seed, 1]).permutation(sorted(set(available) - set(chosen)))
    files = [(name, paths[name]) for name in map(str, rest[:MAX_OTHERS])]
    other_names, (others,) = _read_usable(folder, files, MAX_OTHERS, (ESTIMATOR_SIDE,), notes)
    return Photos(
        chosen,
        *(
            to_tensor(x, s)
            for x, s in ((faces, size), (estimator_faces, ESTIMATOR_SIDE), (others, ESTIMATOR_SIDE))
        ),
        other_names,
        _labels(folder, split),
        notes,
    )


def _check_split(folder: Path, split: str) -> None:
    """Check that the folder lists the names of the split. Raises ValueError."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}.")
    if not (folder / f"{split}_ids.csv").exists():
        known = sorted(path.name.removesuffix("_ids.csv") for path in folder.glob("*_ids.csv"))
        raise ValueError(
            f"{folder} has no list of names {split}_ids.csv; "
            + (f"--split can be {', '.join(known)}." if known else "write one, a name per line.")
        )


def _read_usable(
    folder: Path,
    files: list[tuple[str, Path]],
    count: int,
    sizes: tuple[int, ...],
    notes: list[str],
) -> tuple[list[str], list[list]]:
    """Read the first `count` usable pictures: their names, and a list of pictures per size."""
    pictures, names, lists = PictureCache(), [], [[] for _ in sizes]
    for name, path in files:
        if len(names) == count:
            break
        try:
            versions = [pictures.read(path, size) for size in sizes]
        except UnreadablePicture as problem:
            notes.append(with_relative_paths(folder, problem))
            continue
        names.append(name)
        for pictures_of_size, version in zip(lists, versions, strict=True):
            pictures_of_size.append(version)
    return names, lists


def _is_not_square(path: Path) -> bool:
    """Whether a picture file is not square."""
    with Image.open(path) as image:
        return image.width != image.height


def with_relative_paths(folder: Path, problem: Exception) -> str:
    """Make paths in an error's message relative to the folder, so that they reveal no machine."""
    return str(problem).replace(f"{folder}/", "").replace(str(folder), folder.name)


def _frontal_first(folder: Path, names: list[str], seed: int, notes: list[str]) -> list[str]:
    """Order names: frontal photos first, permuted by the seed, then by angle.

    Without angles in labels.csv the order stays; a note says so.
    """
    angles = {}
    if (folder / "labels.csv").exists():
        with open(folder / "labels.csv", newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                try:
                    angles[row["name"]] = max(abs(float(row["yaw"])), abs(float(row["pitch"])))
                except (KeyError, TypeError, ValueError):
                    continue
    if not angles:
        notes.append(
            "No head angles are known (labels.csv: name, yaw, pitch): the first photos are used."
        )
        return names
    frontal = [name for name in names if angles.get(name, math.inf) <= MAX_FRONTAL_ANGLE]
    turned = sorted(set(names) - set(frontal), key=lambda name: angles.get(name, math.inf))
    return [str(n) for n in np.random.default_rng([seed, 0]).permutation(frontal)] + turned


def _labels(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Read the Action Units (17,) of photos by name; empty if the folder has no labels."""
    for space in (ACTION_UNITS, FACS):
        try:
            path = find_annotations(folder, "", "stills", space, split)
        except ValueError:
            continue
        values = read_annotations(path, space).values
        return {name: units_of(row) for name, row in values.items()}
    return {}


def open_clips(folder: Path, split: str, space: ExpressionSpace, size: int):
    """Open the first MAX_CLIPS clips of a split, with conditions in `space`, and notes.

    For FACS, the annotations are Action Units. Raises ValueError if there are no clips.
    """
    from ..data.clips import Clips
    from ..data.config import DataConfig

    # frames: the least number with which a segment is used; segments are read whole below.
    data = DataConfig(kind="clips", frames=2)
    samples = Clips([folder], split, data, measured_space(space))
    pictures, clips = PictureCache(), []
    for paths, conditions in samples.segments[:MAX_CLIPS]:
        frames = to_tensor([pictures.read(path, size) for path in paths], size)
        conditions = torch.from_numpy(conditions)
        if space == FACS:
            conditions = in_facs(conditions, torch.zeros(len(conditions), len(FACS.axes)))
        clips.append(Clip(paths[0].parent.name, frames, conditions))
    return clips, [with_relative_paths(folder, note) for note in samples.report()]


def to_tensor(pictures: list[np.ndarray], size: int) -> Tensor:
    """Stack pictures (size, size, 3) uint8 to (N, 3, size, size) float32 in [-1, 1]."""
    stacked = np.stack(pictures) if pictures else np.zeros((0, size, size, 3), np.uint8)
    return torch.from_numpy(stacked).movedim(-1, 1).float() / 127.5 - 1
