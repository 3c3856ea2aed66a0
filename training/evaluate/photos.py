"""The held-out photos that a generator is measured on, and the filmed clips if there are any."""

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
from ..data.pictures import Pictures, Unusable, names_in
from ..data.units import in_facs, units_of
from .estimator import measured_space

FRONTAL = 10.0  # yaw and pitch of labels.csv up to which a face looks straight ahead [degrees]
OTHERS = 256  # photos that stand for what real ones look like
CLIPS = 4  # filmed clips that are made again
VIEW = 128  # side at which photos are read, whatever size the generator works at [px]


class Photos(NamedTuple):
    """N photos to edit and M others, which stand for real ones. Pictures in [-1, 1]."""

    names: list[str]
    faces: Tensor  # (N, 3, S, S), for the generator
    views: Tensor  # (N, 3, VIEW, VIEW), for the estimator
    others: Tensor  # (M, 3, VIEW, VIEW); M can be 0
    other_names: list[str]
    labels: dict[str, np.ndarray]  # name -> Action Units (17,) in [0, 1], where they are known
    remarks: list[str]  # what was left out, a sentence each


class Clip(NamedTuple):
    """A filmed face, T frames, with the condition of each."""

    name: str
    frames: Tensor  # (T, 3, S, S)
    conditions: Tensor  # (T, D)


def open_photos(folder: Path, split: str, count: int, size: int, seed: int) -> Photos:
    """`count` photos of a split, frontal ones first if labels.csv tells; raises ValueError."""
    _check_split(folder, split)
    found, names, remarks = names_in(folder / "imgs"), read_ids(folder / f"{split}_ids.csv"), []
    there = [name for name in names if name in found]
    if len(there) < len(names):
        remarks.append(f"{len(names) - len(there)} names of {split}_ids.csv have no picture.")
    order = _ordered(folder, sorted(there), seed, remarks)
    files = [(name, found[name]) for name in order]
    chosen, (faces, views) = _read(folder, files, count, (size, VIEW), remarks)
    if not chosen:
        raise ValueError(f"No photo of {split}_ids.csv in {folder / 'imgs'} can be used.")
    if squeezed := sum(_is_not_square(found[name]) for name in chosen):
        remarks.append(f"{squeezed} photos are not square and were squeezed.")
    if len(chosen) < count:
        remarks.append(f"{count} photos were asked for, the split has {len(chosen)}.")
    rest = np.random.default_rng([seed, 1]).permutation(sorted(set(there) - set(chosen)))[:OTHERS]
    files = [(name, found[name]) for name in map(str, rest)]
    kept, (others,) = _read(folder, files, OTHERS, (VIEW,), remarks)
    return Photos(
        chosen,
        *(tensor(x, s) for x, s in ((faces, size), (views, VIEW), (others, VIEW))),
        kept,
        _labels(folder, split),
        remarks,
    )


def _check_split(folder: Path, split: str) -> None:
    """Raises ValueError where the folder has no list of that split."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}.")
    if not (folder / f"{split}_ids.csv").exists():
        known = sorted(path.name.removesuffix("_ids.csv") for path in folder.glob("*_ids.csv"))
        raise ValueError(
            f"{folder} has no list of names {split}_ids.csv; "
            + (f"--split can be {', '.join(known)}." if known else "write one, a name per line.")
        )


def _read(
    folder: Path,
    files: list[tuple[str, Path]],
    count: int,
    sizes: tuple[int, ...],
    remarks: list[str],
) -> tuple[list[str], list[list]]:
    """The first `count` pictures that can be used: their names, and a list of them in each size."""
    pictures, names, lists = Pictures(), [], [[] for _ in sizes]
    for name, path in files:
        if len(names) == count:
            break
        try:
            versions = [pictures.read(path, size) for size in sizes]
        except Unusable as problem:
            remarks.append(within(folder, problem))
            continue
        names.append(name)
        for versions_of_size, version in zip(lists, versions, strict=True):
            versions_of_size.append(version)
    return names, lists


def _is_not_square(path: Path) -> bool:
    with Image.open(path) as image:
        return image.width != image.height


def within(folder: Path, problem: Exception) -> str:
    """A problem's sentence without where the folder lies, which is nobody's business later."""
    return str(problem).replace(f"{folder}/", "").replace(str(folder), folder.name)


def _ordered(folder: Path, names: list[str], seed: int, remarks: list[str]) -> list[str]:
    """Names with frontal ones first, drawn by the seed; by name where no angles are known."""
    angles = {}
    if (folder / "labels.csv").exists():
        with open(folder / "labels.csv", newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                try:
                    angles[row["name"]] = max(abs(float(row["yaw"])), abs(float(row["pitch"])))
                except (KeyError, TypeError, ValueError):
                    continue
    if not angles:
        remarks.append("No head angles are known (labels.csv: name, yaw, pitch): the first photos.")
        return names
    frontal = [name for name in names if angles.get(name, math.inf) <= FRONTAL]
    turned = sorted(set(names) - set(frontal), key=lambda name: angles.get(name, math.inf))
    return [str(n) for n in np.random.default_rng([seed, 0]).permutation(frontal)] + turned


def _labels(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Action Units of photos by name; empty where the folder has none."""
    for space in (ACTION_UNITS, FACS):
        try:
            path = find_annotations(folder, "", "stills", space, split)
        except ValueError:
            continue
        values = read_annotations(path, space).values
        return {name: units_of(row) for name, row in values.items()}
    return {}


def open_clips(folder: Path, split: str, space: ExpressionSpace, size: int):
    """The first CLIPS filmed clips of a split with conditions in `space`, and what was left out or
    assumed; raises ValueError. Of FACS, Action Units are known."""
    from ..data.clips import Clips
    from ..data.config import Data

    samples = Clips([folder], split, Data(kind="clips", frames=2), measured_space(space))
    pictures, clips = Pictures(), []
    for paths, conditions in samples.videos[:CLIPS]:
        frames = tensor([pictures.read(path, size) for path in paths], size)
        conditions = torch.from_numpy(conditions)
        if space == FACS:
            conditions = in_facs(conditions, torch.zeros(len(conditions), len(FACS.axes)))
        clips.append(Clip(paths[0].parent.name, frames, conditions))
    return clips, [within(folder, remark) for remark in samples.report()]


def tensor(pictures: list[np.ndarray], size: int) -> Tensor:
    """(size, size, 3) uint8 each -> (N, 3, size, size) float32 in [-1, 1]."""
    stacked = np.stack(pictures) if pictures else np.zeros((0, size, size, 3), np.uint8)
    return torch.from_numpy(stacked).movedim(-1, 1).float() / 127.5 - 1
