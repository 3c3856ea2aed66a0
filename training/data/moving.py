"""More clips: photos moved along trajectories of expressions by the shipped generator.

Writes what the clip experiments read: clips/CLIP/FRAME.jpg (canonical crops), clips.csv,
clips_annotations.pkl (moods) and clips_aus.pkl (Action Units).
"""

import csv
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.animator import Animator
from moodganimation.expressions import ACTION_UNITS, Expression
from moodganimation.images import read_image
from moodganimation.moods import PROTOTYPES, mood_of
from moodganimation.portraits import Portrait
from moodganimation.video import EASINGS

from .annotations import read_ids
from .pickles import write_pickle
from .views import FRAME, WHOLE


def make_clips(folder: Path, out: Path, count: int, frames: int, splits=("train", "val", "test")):
    """`count` clips of photos of `folder`, shared by the splits in proportion to their photos.

    Each goes from the photo to an emotion and to another (or to neutral, or to the first weaker),
    eased, with a blink in half of them. Finished clips are kept when it is started again.
    """
    if count < 1 or frames < 2:
        raise ValueError("At least one clip of at least 2 frames is needed.")
    animator = Animator.load(device="cpu")
    names = [(split, name) for split in splits for name in read_ids(folder / f"{split}_ids.csv")]
    order = np.random.default_rng(0).permutation(len(names))[:count]
    units, moods, rows = OrderedDict(), OrderedDict(), []
    for index in tqdm(sorted(order.tolist()), desc="clips"):
        split, name = names[index]
        photo = read_image(folder / "imgs" / f"{name}.jpg")
        if photo.shape[:2] != (FRAME, FRAME):
            raise ValueError(f"{name}.jpg is no canonical crop of {FRAME} pixels.")
        portrait = animator.encode(Portrait(photo, WHOLE, "canonical"))
        way = trajectory(portrait.reading, frames, np.random.default_rng([1, index]))
        clip = f"{name}_in{frames}"
        for t, point in enumerate(way):
            key = f"{clip}_{t:04d}"
            units[key] = 5 * np.float32(point.values)
            moods[key] = np.float32(mood_of(point).values)
        rows.append((clip, name, split, frames))
        if not (out / "clips" / clip).exists():
            part = out / "clips" / f"{clip}.part"
            part.mkdir(parents=True, exist_ok=True)
            for t, frame in enumerate(animator.animate(portrait, way)):
                path = part / f"{t:04d}.jpg"
                cv2.imwrite(str(path), frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            part.rename(out / "clips" / clip)
    for file, table in (("clips_aus.pkl", units), ("clips_annotations.pkl", moods)):
        write_pickle(out / file, table)
    with open(out / "clips.csv", "w", newline="") as file:
        csv.writer(file).writerows([("clip", "source", "split", "frames"), *rows])


def trajectory(start: Expression, frames: int, rng: np.random.Generator) -> list[Expression]:
    """From `start` over two random poses, `frames` points."""
    emotions = [expression for expression, _ in PROTOTYPES.values()]
    poses = [start]
    for _ in range(2):
        neutral = Expression.neutral(ACTION_UNITS)
        emotion = emotions[rng.integers(len(emotions))]
        strength = rng.uniform(0.5, 1.1) if rng.random() < 0.85 else 0.0
        mixed = neutral.vector() + strength * emotion.vector()
        if rng.random() < 0.3:  # a unit of its own, so that not all is of eight emotions
            mixed[rng.integers(len(mixed))] = rng.uniform(0.4, 1)
        poses.append(Expression.clipped(ACTION_UNITS, mixed))
    times = np.linspace(0, len(poses) - 1 - 1e-6, frames)
    way = []
    for time in times:
        k, share = int(time), time % 1
        way.append(poses[k].towards(poses[k + 1], EASINGS["smooth"](share)))
    if rng.random() < 0.5:
        blink = int(rng.integers(1, frames))
        way[blink] = way[blink].replace(AU45=1.0, AU05=0.0)
    return way
