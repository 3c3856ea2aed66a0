"""Synthetic clips and pairs: photos edited by the shipped generator.

Clips, as `data/clips.py` reads them: clips/CLIP/FRAME.jpg (canonical crops), clips.csv,
clips_annotations.pkl (moods) and clips_aus.pkl (Action Units). Pairs, as `data/pairs.py` reads
them: pairs/FILE.jpg and pairs.csv; their sources are not copied.
"""

import csv
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.animation.easing import EASINGS
from moodganimation.animator import Animator
from moodganimation.expressions.moods import PROTOTYPES, mood_of
from moodganimation.expressions.sides import units_of
from moodganimation.expressions.spaces import ACTION_UNITS, Expression
from moodganimation.faces.portrait import Portrait
from moodganimation.media.images import read_image

from .annotations import read_ids
from .augment import CROP_SIDE, CROP_TO_FACE
from .pickles import write_pickle


def make_clips(folder: Path, out: Path, count: int, frames: int, splits=("train", "val", "test")):
    """Write at most `count` clips of `frames` frames, one per photo of `folder`, from all splits.

    Each clip starts at the photo's expression and eases to two random ones, one after the other; in
    half of them there is a blink. A second call skips finished clips.
    """
    if count < 1 or frames < 2:
        raise ValueError("At least one clip of at least 2 frames is needed.")
    animator = Animator.load(device="cpu")
    units, moods, rows = OrderedDict(), OrderedDict(), []
    names = _names(folder, splits)
    order = np.random.default_rng(0).permutation(len(names))[:count]
    for index in tqdm(sorted(order.tolist()), desc="clips"):
        split, name = names[index]
        portrait = _portrait(animator, folder, name)
        start = units_of(portrait.reading)
        trajectory = random_trajectory(start, frames, np.random.default_rng([1, index]))
        clip = f"{name}_in{frames}"
        for t, expression in enumerate(trajectory):
            key = f"{clip}_{t:04d}"
            units[key] = 5 * np.float32(expression.values)
            moods[key] = np.float32(mood_of(expression).values)
        rows.append((clip, name, split, frames))
        if not (out / "clips" / clip).exists():
            part = out / "clips" / f"{clip}.part"
            part.mkdir(parents=True, exist_ok=True)
            for t, frame in enumerate(animator.animate(portrait, trajectory)):
                _write(part / f"{t:04d}.jpg", frame.image)
            part.rename(out / "clips" / clip)
    for file, table in (("clips_aus.pkl", units), ("clips_annotations.pkl", moods)):
        write_pickle(out / file, table)
    with open(out / "clips.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("clip", "source", "split", "frames"), *rows])


def make_edits(folder: Path, out: Path, count: int, splits=("train", "val", "test")):
    """Write `count` edits of photos of `folder`, each with a random target expression.

    Every photo is edited once before any is edited twice. A second call skips finished pictures.
    """
    if count < 1:
        raise ValueError("At least one pair is needed.")
    animator = Animator.load(device="cpu")
    names, rows = _names(folder, splits), []
    (out / "pairs").mkdir(parents=True, exist_ok=True)
    for number in tqdm(range(count), desc="pairs"):
        repeat, position = divmod(number, len(names))
        if position == 0:
            order = np.random.default_rng([2, repeat]).permutation(len(names))
        split, name = names[order[position]]
        portrait = _portrait(animator, folder, name)
        start = units_of(portrait.reading)
        target = random_expression(start, np.random.default_rng([3, number]))
        file = out / "pairs" / f"{name}_asked{repeat}.jpg"
        if not file.exists():
            _write(file, animator.edit(portrait, target).image)
        values = (f"{5 * x:.3f}" for e in (start, target) for x in e.values)
        rows.append((file.name, name, split, *values))
    columns = [f"{prefix}_{key}" for prefix in "st" for key in ACTION_UNITS.keys]
    with open(out / "pairs.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "source", "split", *columns), *rows])


def random_expression(start: Expression, rng: np.random.Generator) -> Expression:
    """Draw a target: one unit changed (60 %), two to four units (25 %), or an emotion (15 %)."""
    values, kind = start.vector().copy(), rng.random()
    if kind < 0.85:
        chosen = rng.permutation(len(values))[: 1 if kind < 0.6 else rng.integers(2, 5)]
        rises = rng.random(len(chosen)) < 0.8
        values[chosen] = np.where(rises, rng.uniform(0.5, 1, len(chosen)), 0)
    else:
        emotions = [expression for expression, _ in PROTOTYPES.values()]
        values = rng.uniform(0, 1) * emotions[rng.integers(len(emotions))].vector()
    return Expression.clipped(ACTION_UNITS, values)


def _names(folder: Path, splits) -> list[tuple[str, str]]:
    """The split and name of every photo."""
    return [(split, name) for split in splits for name in read_ids(folder / f"{split}_ids.csv")]


def _portrait(animator: Animator, folder: Path, name: str) -> Portrait:
    """Read and encode a photo, which must be a canonical crop."""
    photo = read_image(folder / "imgs" / f"{name}.jpg")
    if photo.shape[:2] != (CROP_SIDE, CROP_SIDE):
        raise ValueError(f"{name}.jpg is not a canonical crop of {CROP_SIDE} pixels.")
    return animator.encode(Portrait(photo, CROP_TO_FACE, "canonical"))


def _write(path: Path, image: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8 RGB as JPEG."""
    cv2.imwrite(str(path), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])


def random_trajectory(start: Expression, frames: int, rng: np.random.Generator) -> list[Expression]:
    """Draw a trajectory of `frames` expressions from `start` to two random ones."""
    emotions = [expression for expression, _ in PROTOTYPES.values()]
    expressions = [start]
    for _ in range(2):
        emotion = emotions[rng.integers(len(emotions))]
        strength = rng.uniform(0.5, 1.1) if rng.random() < 0.85 else 0.0
        values = strength * emotion.vector()
        if rng.random() < 0.3:  # a further unit, for more variety than the eight emotions
            values[rng.integers(len(values))] = rng.uniform(0.4, 1)
        expressions.append(Expression.clipped(ACTION_UNITS, values))
    times = np.linspace(0, len(expressions) - 1 - 1e-6, frames)
    trajectory = []
    for time in times:
        k, share = int(time), time % 1
        trajectory.append(expressions[k].blend_to(expressions[k + 1], EASINGS["smooth"](share)))
    if rng.random() < 0.5:
        blink = int(rng.integers(1, frames))
        trajectory[blink] = trajectory[blink].replace(AU45=1.0, AU05=0.0)
    return trajectory
