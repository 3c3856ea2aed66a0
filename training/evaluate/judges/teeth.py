"""Judge whether the painted inside of a mouth stays in place while a slider moves.

    python -m training.evaluate.judges.teeth --data DIR [--checkpoint FILE] [--photos N] [--write]

Closed mouths are opened in steps of STEP, by AU25 and by AU12 and AU25 together. These units do not
move the jaws, so painted teeth should stay in place: any displacement is an error. Corner features
(Shi & Tomasi 1994) are found in the painted layer at one step and tracked to the next by pyramidal
optical flow (Lucas & Kanade 1981, Bouguet 2000), where both steps are painted.

*corners*: number of tracked features. *median*, *95 %*: their displacement per step, in pixels of
128 across the crop. *still*: share of features that move by less than MAX_STILL_DISTANCE.
"""

import argparse
import itertools
import sys
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.animator import Animator
from moodganimation.errors import Problem
from moodganimation.frame import Frame

from ...data.landmarks import Landmarks
from ...data.pack import all_photos, lip_gap_ratio
from ..documents import FigureBlock, requested_blocks, write_blocks
from .crops import PaddedCrop, photos_parser, read_crops
from .draw import portrait_of
from .mouths import CLOSED_GAP
from .table_blocks import table_formatter
from .tables import report

KINDS = {"AU25": ("AU25",), "AU12 + AU25": ("AU12", "AU25")}  # row -> units that are raised
FIRST, STEP, LAST = 0.5, 0.1, 1.0  # values of the units
MAX_STILL_DISTANCE = 0.5  # displacement per step below which a feature is still [px of 128]
PAINTED = 0.8  # least 1 - attention of a pixel that counts as painted
# Parameters of cv2.goodFeaturesToTrack and cv2.calcOpticalFlowPyrLK.
FEATURE_OPTIONS = {"maxCorners": 40, "qualityLevel": 0.05, "minDistance": 4, "blockSize": 5}
FLOW_OPTIONS = {"winSize": (11, 11), "maxLevel": 1}
COMMAND = "python -m training.evaluate.judges.teeth --data DIR --write"
BLOCKS = {"teeth": FigureBlock(COMMAND, table_formatter("teeth", "edit"))}


def displacements(first: Frame, second: Frame) -> np.ndarray:
    """Track features of the painted layer between two frames: distances (N,) [px of 128]."""
    layers = [painted_layer(frame) for frame in (first, second)]
    painted = np.uint8((layers[0][1] > PAINTED) & (layers[1][1] > PAINTED))
    painted = cv2.erode(painted, np.ones((5, 5)))
    grey = [layer[0] for layer in layers]
    corners = cv2.goodFeaturesToTrack(grey[0], mask=painted, **FEATURE_OPTIONS)
    if corners is None:
        return np.zeros(0)
    tracked, status, _ = cv2.calcOpticalFlowPyrLK(*grey, corners, None, **FLOW_OPTIONS)
    distances = np.linalg.norm((tracked - corners)[:, 0], axis=1)
    return distances[status[:, 0] > 0] * 128 / grey[0].shape[0]


def painted_layer(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Brightness (S, S) uint8 of the color layer, and 1 - attention (S, S): how opaque it is."""
    color = frame.edit.color[0].mean(0).numpy()
    return np.uint8(np.clip(127.5 * (color + 1), 0, 255)), 1 - frame.edit.attention[0, 0].numpy()


def displacements_of_photo(
    animator: Animator, photo: PaddedCrop, units: tuple[str, ...]
) -> np.ndarray:
    """Raise `units` of a photo from FIRST to LAST; displacements (N,) of all steps."""
    portrait = portrait_of(animator, photo)
    start = animator.start(portrait)
    levels = np.arange(FIRST, LAST + STEP / 2, STEP).round(2)
    expressions = [start.replace(**dict.fromkeys(units, float(level))) for level in levels]
    frames = list(animator.animate(portrait, expressions))
    return np.concatenate([displacements(*pair) for pair in itertools.pairwise(frames)])


def judge(animator: Animator, data: Path, split: str, count: int) -> dict[str, dict[str, float]]:
    """Compute the table of KINDS for at most `count` closed mouths, evenly chosen from a split.

    Photos without landmarks are left out. Raises ValueError if all are, or if nothing can be
    tracked.
    """
    landmarks = Landmarks(data / "landmarks.npz")
    photos = read_crops(all_photos(data, split), landmarks)
    closed = [photo for photo in photos if lip_gap_ratio(photo.points) < CLOSED_GAP]
    closed = closed[:: max(1, len(closed) // count)][:count]
    rows = {}
    for name, units in KINDS.items():
        distances = [
            displacements_of_photo(animator, photo, units) for photo in tqdm(closed, desc=name)
        ]
        if not sum(map(len, distances)):
            raise ValueError(f"{name} paints no mouth of {data} in which a feature can be tracked.")
        rows[name] = {"photos": len(closed)} | summary(np.concatenate(distances))
    return rows


def summary(distances: np.ndarray) -> dict[str, float]:
    """Summarize the displacements (N,) of features [px of 128 across the crop]."""
    return {
        "corners": len(distances),
        "median": float(np.median(distances)),
        "95 %": float(np.quantile(distances, 0.95)),
        "still": float((distances < MAX_STILL_DISTANCE).mean()),
    }


def _parser() -> argparse.ArgumentParser:
    return photos_parser("teeth", __doc__, list(BLOCKS), 40)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        names = requested_blocks(options)
        animator = Animator.load(options.checkpoint, backends=["float32"])
        rows = judge(animator, options.data, options.split, options.photos)
        report(options.out, teeth=rows)
        write_blocks(names, BLOCKS, {"teeth": rows})
    except (Problem, ValueError, OSError) as problem:
        print(f"teeth: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
