"""Judge whether a drag on a face changes the unit that a person expects.

    python -m training.evaluate.judges.drags --data DIR [--checkpoint FILE] [--out JSON] [--write]

DIR is a pack of canonical crops with landmarks, see crops.py. On each photo the ten drags of DRAGS
begin at landmarks, on the person's right and left side alternately. Every TILTED_EVERY-th photo is
tilted first. The known crop is passed through the aligner, as a detected one would be.

first      share of photos in which the expected unit is the first that the drag changes, and rises
tilted     the same, of tilted photos
unsteady   the same, of UNSTEADY_COUNT random variations of the drag per photo: other starts,
           directions and lengths, as by hand
alone      share of photos in which no second unit changes
left       the residual of the drag: distance between where the grabbed point ends and where it was
           dragged to, over the length of the drag; median
"""

import argparse
import sys
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.animator import Animator
from moodganimation.errors import Problem
from moodganimation.manipulation.face import Manipulation

from ...data.landmarks import Landmarks
from ...rendering.mesh_points import EYE_CORNER_PAIRS
from .. import markdown
from ..documents import FigureBlock, requested_blocks, write_blocks
from .crops import PaddedCrop, frontal_photos, photos_parser, read_crops
from .tables import Rows, json_values, report

PHOTOS = 20  # default
TILTED_EVERY = 4  # photos
TILT = 20.0  # degrees, clockwise and counterclockwise alternately
UNSTEADY_COUNT = 5  # variations of each drag per photo
START_DEVIATION = 0.03  # of their starts: standard deviation [distances between the eyes]
MAX_ROTATION = 15.0  # of their directions [degrees]
LENGTH_RANGE = (0.7, 1.4)  # of their lengths, over that of the drag
# Where drags begin: the mean of these landmarks, of the person's right side and left side.
LANDMARKS = {
    "corner": ((61,), (291,)),
    "chin": ((175,), (175,)),
    "inner brow": ((107, 55), (336, 285)),
    "outer brow": ((70, 63, 46, 53), (300, 293, 276, 283)),
    "brow": ((107, 66, 55), (336, 296, 285)),
    "upper lid": ((159,), (386,)),
    "upper lip": ((0,), (0,)),
}


class ScriptedDrag(NamedTuple):
    """A drag, and the unit that is expected to change. Lengths: distances between the eyes."""

    unit: str
    place: str  # of LANDMARKS
    out: float  # away from the middle of the face
    down: float


DRAGS = {
    "corner up and out": ScriptedDrag("AU12", "corner", 0.10, -0.15),
    "corner down": ScriptedDrag("AU15", "corner", 0, 0.12),
    "chin down": ScriptedDrag("AU26", "chin", 0, 0.25),
    "inner brow up": ScriptedDrag("AU01", "inner brow", 0, -0.12),
    "outer brow up": ScriptedDrag("AU02", "outer brow", 0, -0.12),
    "brow down": ScriptedDrag("AU04", "brow", 0, 0.10),
    "lid down": ScriptedDrag("AU45", "upper lid", 0, 0.12),
    "lid up": ScriptedDrag("AU05", "upper lid", 0, -0.05),
    "upper lip up": ScriptedDrag("AU10", "upper lip", 0, -0.08),
    "corner sideways": ScriptedDrag("AU20", "corner", 0.12, 0),
}


def drag_ends(points: np.ndarray, drag: ScriptedDrag, on_left: bool) -> np.ndarray:
    """Compute where a drag begins and ends, (2, 2) [px]; on_left: on the person's left side."""
    right_eye, left_eye = (points[list(ids), :2].mean(0) for ids in EYE_CORNER_PAIRS)
    across = left_eye - right_eye
    begin = points[list(LANDMARKS[drag.place][on_left]), :2].mean(0)
    out = across if on_left else -across
    down = np.array([-across[1], across[0]])
    return np.stack([begin, begin + drag.out * out + drag.down * down])


def unsteady_drag(ends: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary start, direction and length of a drag at random; both ends are (2, 2) [px]."""
    right_eye, left_eye = (points[list(ids), :2].mean(0) for ids in EYE_CORNER_PAIRS)
    begin = ends[0] + rng.normal(0, START_DEVIATION, 2) * np.linalg.norm(left_eye - right_eye)
    angle = np.radians(rng.uniform(-MAX_ROTATION, MAX_ROTATION))
    length = rng.uniform(*LENGTH_RANGE)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.stack([begin, begin + length * rotation @ (ends[1] - ends[0])])


def tilt(photo: PaddedCrop, degrees: float) -> PaddedCrop:
    """Rotate a photo clockwise about its center, with its landmarks and `to_face`."""
    height, width = photo.picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    picture = cv2.warpAffine(
        photo.picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    points = photo.points.copy()
    points[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    inverse = cv2.invertAffineTransform(matrix)
    to_face = np.c_[photo.to_face[:, :2] @ inverse[:, :2], photo.to_face @ [*inverse[:, 2], 1]]
    return photo._replace(picture=picture, to_face=to_face, points=points)


def run_drag(manipulation: Manipulation, ends: np.ndarray) -> tuple[list[tuple[str, float]], float]:
    """Drag from the expression of the photo; ends: (2, 2) [px].

    Returns the changes of units in their order, and the residual (figure *left*) of this drag.
    """
    portrait, fields = manipulation.portrait, manipulation.fields
    at, to = (ends + 0.5) / portrait.photo.shape[1::-1]
    start = manipulation.reading
    drag = manipulation.drag(start, at, to)
    begin, end = ends @ portrait.to_face[:, :2].T + portrait.to_face[:, 2]
    conditions = np.stack([start.vector(), drag.expression.vector()])
    before, after = fields.motion.displacements(begin[None], conditions)[:, 0]
    residual = np.linalg.norm(end - begin - (after - before)) / np.linalg.norm(end - begin)
    return list(drag.changes), float(residual)


def is_expected(changes: list[tuple[str, float]], unit: str) -> bool:
    """Whether the first change is a rise of the expected unit."""
    return bool(changes) and changes[0][0] == unit and changes[0][1] > 0


def judge(animator: Animator, photos: list[PaddedCrop]) -> dict[str, Rows]:
    """Compute the table of every drag, and of all of them together."""
    results, rng = {name: [] for name in DRAGS}, np.random.default_rng(0)
    for number, photo in enumerate(tqdm(photos, desc="drags")):
        is_tilted, on_left = number % TILTED_EVERY == 0, bool(number % 2)
        if is_tilted:
            # The numbers of tilted photos are all even, so their sides alternate by themselves.
            on_left = number % (2 * TILTED_EVERY) == 0
            photo = tilt(photo, -TILT if on_left else TILT)
        portrait = animator.locate(photo.picture, face=photo.to_face)
        manipulation = Manipulation(animator, portrait)
        for name, drag in DRAGS.items():
            ends = drag_ends(photo.points, drag, on_left)
            changes, residual = run_drag(manipulation, ends)
            variations = (unsteady_drag(ends, photo.points, rng) for _ in range(UNSTEADY_COUNT))
            unsteady = [
                is_expected(run_drag(manipulation, variation)[0], drag.unit)
                for variation in variations
            ]
            first, alone = is_expected(changes, drag.unit), len(changes) == 1
            results[name].append((first, is_tilted, np.mean(unsteady), alone, residual))
    results["all"] = [row for rows in results.values() for row in rows]
    return {"drags": {name: _row(rows) for name, rows in results.items()}}


def _row(results: list[tuple]) -> dict[str, float]:
    """Summarize the results of a drag on all photos."""
    first, is_tilted, unsteady, alone, residual = np.array(results, float).T
    return {
        "photos": len(results),
        "first": first.mean(),
        "tilted": first[is_tilted == 1].mean(),
        "unsteady": unsteady.mean(),
        "alone": alone.mean(),
        "left": np.median(residual),
    }


def drags(values: dict) -> str:
    """Format the table, with the expected unit of each drag."""
    rows = values["drags"]
    columns = [key for key in rows["all"] if key != "photos"]
    lines = []
    for name, row in rows.items():
        unit = DRAGS[name].unit if name in DRAGS else ""
        lines.append([name, unit, *(f"{row[key]:.2f}" for key in columns)])
    photos = rows[next(iter(DRAGS))]["photos"]
    return f"{markdown.table(['drag', 'unit', *columns], lines)}\n\n{photos:.0f} photos."


COMMAND = "python -m training.evaluate.judges.drags --data DIR --write"
BLOCKS = {"drags": FigureBlock(COMMAND, drags)}


def _parser() -> argparse.ArgumentParser:
    return photos_parser("drags", __doc__, list(BLOCKS), PHOTOS)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        names = requested_blocks(options)
        points = Landmarks(options.data / "landmarks.npz")
        paths = frontal_photos(options.data, options.split, options.photos)
        photos = read_crops(paths, points)
        animator = Animator.load(options.checkpoint, backends=["float32"])
        tables = judge(animator, photos)
        report(options.out, **tables)
        write_blocks(names, BLOCKS, json_values(tables))
    except (Problem, ValueError, OSError) as problem:
        print(f"drags: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
