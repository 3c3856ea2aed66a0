"""Measures face detectors and the aligner on scenes made of held-out canonical crops."""

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.faces.alignment import Aligner, align
from moodganimation.faces.detection import CenterFaceFinder, HaarFinder

from ...data.augment import CROP_SIDE
from ...data.pairs import Pairs
from .. import markdown
from ..documents import FigureBlock
from .tables import Rows

CANVAS = 640  # side of the scenes [px]
BACKGROUND_BLUR = 60  # standard deviation [px]: no face remains visible
FADED_BORDER = 6  # of a crop, which fades into the scene [px]
MAX_SHIFT = 50  # percent of the crop's side: a detection farther away is of another face
# Name of the scene -> side of a crop [px], which is multiplied by 0.85 to 1.1; largest roll
# [degrees]; faces.
SCENES = {
    "plain": (400, 0, 1),
    "tilted": (360, 35, 1),
    "small": (72, 8, 1),
    "four": (250, 8, 4),
}
STEPS = ("coarse", "aligned")  # before and after the aligner
ERRORS = ("shift [%]", "size [%]", "roll [deg]")  # of a crop, as `error` returns them


def scene(pictures: list[np.ndarray], side: float, roll: float, rng: np.random.Generator):
    """Compose crops on a blurred background; return the scene and the true `to_face` of each.

    pictures: canonical crops (CROP_SIDE, CROP_SIDE, 3) uint8: one, put into the center, or up to
    four, put into the quadrants. side, roll: see SCENES.
    """
    background = cv2.resize(pictures[0], (CANVAS, CANVAS), interpolation=cv2.INTER_LINEAR)
    canvas, truths = cv2.GaussianBlur(background, (0, 0), BACKGROUND_BLUR), []
    quadrants = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]
    options = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_CONSTANT}
    for i, picture in enumerate(pictures):
        angle, size = np.radians(rng.uniform(-roll, roll)), side * rng.uniform(0.85, 1.1)
        scale, (cos, sin) = size / CROP_SIDE, (np.cos(angle), np.sin(angle))
        linear = scale * np.array([[cos, -sin], [sin, cos]])
        center = np.array(quadrants[i] if len(pictures) > 1 else (0.5, 0.5)) * CANVAS
        matrix = np.c_[linear, center - linear @ np.full(2, (CROP_SIDE - 1) / 2)]
        mask = np.zeros((CROP_SIDE, CROP_SIDE), np.float32)
        mask[FADED_BORDER:-FADED_BORDER, FADED_BORDER:-FADED_BORDER] = 1
        mask = cv2.GaussianBlur(mask, (0, 0), FADED_BORDER / 2)
        mask = cv2.warpAffine(mask, matrix, (CANVAS,) * 2, **options)
        # Crops that are shrunk to less than 0.7 are blurred against aliasing.
        source = picture if scale > 0.7 else cv2.GaussianBlur(picture, (0, 0), 0.5 / scale)
        layer = cv2.warpAffine(source, matrix, (CANVAS,) * 2, **options)
        canvas = np.uint8(canvas * (1 - mask[..., None]) + layer * mask[..., None])
        inverse = np.linalg.inv(linear) * 2 / CROP_SIDE
        truths.append(np.c_[inverse, -inverse @ center])
    return canvas, truths


def error(to_face: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Errors of a crop: shift [% of the side], size [100 * |ln ratio|] and roll [degrees]."""
    center = np.linalg.solve(to_face[:, :2], -to_face[:, 2])
    shift = np.linalg.norm(truth[:, :2] @ center + truth[:, 2]) / 2
    relative = truth[:, :2] @ np.linalg.inv(to_face[:, :2])
    ratio = np.sqrt(abs(np.linalg.det(relative)))
    roll = np.degrees(np.arctan2(relative[1, 0], relative[0, 0]))
    return 100 * shift, 100 * abs(np.log(ratio)), abs(roll)


def measure_finders(data: Pairs, aligner: Aligner, count: int = 150) -> Rows:
    """Measure each detector in each kind of scene: rows named "DETECTOR, SCENE".

    *found*: share of faces with a detection within MAX_SHIFT. *others*: surplus detections, beyond
    the number of faces in the scene, per face. Then medians and 90th percentiles of the errors,
    before and after the aligner. count: photos of each row, or all if there are fewer. Raises
    ValueError if there are too few for a scene.
    """
    count, least = min(count, len(data.photos)), max(faces for _, _, faces in SCENES.values())
    if count < least:
        raise ValueError(f"{count} photos are too few: scenes need up to {least} of them.")
    return {
        f"{finder.name}, {scene_name}": _measured(finder, scene_name, data, aligner, count)
        for finder in (CenterFaceFinder(), HaarFinder())
        for scene_name in SCENES
    }


def _measured(
    finder, scene_name: str, data: Pairs, aligner: Aligner, count: int
) -> dict[str, float]:
    """Compute the row of a detector in a kind of scene, from `count` photos of faces."""
    side, roll, faces = SCENES[scene_name]
    rng, surplus, errors = np.random.default_rng(0), 0, []
    for i in tqdm(range(0, count - faces + 1, faces), desc=scene_name, leave=False):
        pictures = [data.picture(data.photos[i + j][0]) for j in range(faces)]
        canvas, truths = scene(pictures, side, roll, rng)
        detected = finder(canvas)
        for truth in truths:
            near = [d for d in detected if error(d, truth)[0] < MAX_SHIFT]
            if near:
                best = min(near, key=lambda d, t=truth: error(d, t)[0])
                errors.append((error(best, truth), error(align(aligner, canvas, best), truth)))
        surplus += max(0, len(detected) - len(truths))
    total = count // faces * faces
    row = {"found": len(errors) / total, "others": surplus / total}
    table = np.array(errors) if errors else np.full((1, len(STEPS), len(ERRORS)), np.nan)
    for column, step in enumerate(STEPS):
        for kind, values in zip(ERRORS, table[:, column].T, strict=True):
            row[f"{step} {kind}"] = np.median(values)
            row[f"{step} {kind} 90%"] = np.percentile(values, 90)
    return row


def finders(values: dict) -> str:
    """Format the figures of every detector and scene, median / 90th percentile of errors."""
    headings = ["detector", "scene", "found", "others"]
    for step in STEPS:
        first, *rest = ERRORS
        headings += [f"{step}: {first}", *rest]
    rows = []
    for name, row in values["finders"].items():
        errors = (
            f"{_error(row[f'{step} {kind}'])} / {_error(row[f'{step} {kind} 90%'])}"
            for step in STEPS
            for kind in ERRORS
        )
        rows.append([*name.split(", "), f"{row['found']:.2f}", f"{row['others']:.2f}", *errors])
    return markdown.table(headings, rows)


def _error(value: float | None) -> str:
    """Format an error; a missing one as a dash."""
    return "-" if value is None else f"{value:.1f}"


BLOCKS = {
    "finders": FigureBlock(
        "python -m training finders --data DIR PAIRS --count 100 --write", finders
    ),
}
