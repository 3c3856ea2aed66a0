"""How well faces are found and aligned: finders against the canonical crops of held-out photos."""

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.faces.alignment import Aligner, align
from moodganimation.faces.detection import CenterFaceFinder, HaarFinder

from ...data.pairs import FRAME, Pairs
from .. import markdown
from ..documents import Block
from .tables import Rows

CANVAS = 640  # side of the scenes that photos are put into [px]
CASES = {  # of the face crop in the scene: side [px], roll within [degrees], faces
    "plain": (400, 0, 1),
    "tilted": (360, 35, 1),
    "small": (72, 8, 1),
    "four": (250, 8, 4),
}
STEPS = ("coarse", "aligned")  # before and after the aligner
ERRORS = ("shift [%]", "size [%]", "roll [deg]")  # of a crop, as `error` returns them


def scene(pictures: list[np.ndarray], side: float, roll: float, rng: np.random.Generator):
    """A scene of crops on a blurred ground, and the true `to_face` of each."""
    ground = cv2.resize(pictures[0], (CANVAS, CANVAS), interpolation=cv2.INTER_LINEAR)
    canvas, truths = cv2.GaussianBlur(ground, (0, 0), 60), []
    places = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]
    for i, picture in enumerate(pictures):
        angle, size = np.radians(rng.uniform(-roll, roll)), side * rng.uniform(0.85, 1.1)
        scale = size / FRAME
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        spot = np.array(places[i] if len(pictures) > 1 else (0.5, 0.5)) * CANVAS
        matrix = np.c_[turn, spot - turn @ np.full(2, (FRAME - 1) / 2)]
        way = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_CONSTANT}
        mask = np.zeros((FRAME, FRAME), np.float32)
        mask[6:-6, 6:-6] = 1
        mask = cv2.warpAffine(cv2.GaussianBlur(mask, (0, 0), 3), matrix, (CANVAS,) * 2, **way)
        source = picture if scale > 0.7 else cv2.GaussianBlur(picture, (0, 0), 0.5 / scale)
        layer = cv2.warpAffine(source, matrix, (CANVAS,) * 2, **way)
        canvas = np.uint8(canvas * (1 - mask[..., None]) + layer * mask[..., None])
        back = np.linalg.inv(turn) * 2 / FRAME
        truths.append(np.c_[back, -back @ spot])
    return canvas, truths


def error(to_face: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Distance of the centres [% of the side], of the sizes [%] and of the rolls [degrees]."""
    centre = np.linalg.solve(to_face[:, :2], -to_face[:, 2])
    shift = np.linalg.norm(truth[:, :2] @ centre + truth[:, 2]) / 2
    relative = truth[:, :2] @ np.linalg.inv(to_face[:, :2])
    size = np.sqrt(abs(np.linalg.det(relative)))
    roll = np.degrees(np.arctan2(relative[1, 0], relative[0, 0]))
    return 100 * shift, 100 * abs(np.log(size)), abs(roll)


def measure_finders(data: Pairs, aligner: Aligner, count: int = 150) -> Rows:
    """A row for each finder and case, named "FINDER, CASE".

    The share of faces found (within half a side), other boxes a face, and the median and the 90th
    percentile of the errors, before and after the aligner.
    """
    return {
        f"{finder.name}, {case}": _measured(finder, case, data, aligner, count)
        for finder in (CenterFaceFinder(), HaarFinder())
        for case in CASES
    }


def _measured(finder, case: str, data: Pairs, aligner: Aligner, count: int) -> dict[str, float]:
    side, roll, faces = CASES[case]
    rng, others, errors = np.random.default_rng(0), 0, []
    for i in tqdm(range(0, count - faces + 1, faces), desc=case, leave=False):
        pictures = [data.picture(data.photos[i + j][0]) for j in range(faces)]
        canvas, truths = scene(pictures, side, roll, rng)
        seen = finder(canvas)
        for truth in truths:
            near = [f for f in seen if error(f, truth)[0] < 50]
            if near:
                best = min(near, key=lambda f, t=truth: error(f, t)[0])
                errors.append((error(best, truth), error(align(aligner, canvas, best), truth)))
        others += max(0, len(seen) - len(truths))
    total = count // faces * faces
    row = {"found": len(errors) / total, "others": others / total}
    table = np.array(errors) if errors else np.full((1, len(STEPS), len(ERRORS)), np.nan)
    for column, step in enumerate(STEPS):
        for kind, values in zip(ERRORS, table[:, column].T, strict=True):
            row[f"{step} {kind}"] = np.median(values)
            row[f"{step} {kind} 90%"] = np.percentile(values, 90)
    return row


def finders(values: dict) -> str:
    """Format the detectors in every scene, before and after the aligner."""
    heads = ["detector", "scene", "found", "others"]
    for step in STEPS:
        first, *rest = ERRORS
        heads += [f"{step}: {first}", *rest]
    rows = []
    for name, row in values["finders"].items():
        errors = (
            f"{_error(row[f'{step} {kind}'])} / {_error(row[f'{step} {kind} 90%'])}"
            for step in STEPS
            for kind in ERRORS
        )
        rows.append([*name.split(", "), f"{row['found']:.2f}", f"{row['others']:.2f}", *errors])
    return markdown.table(heads, rows)


def _error(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


BLOCKS = {
    "finders": Block("python -m training finders --data DIR --count 100 --write", finders),
}
