"""How well faces are found and aligned: finders against the canonical crops of held-out photos."""

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.faces.alignment import Aligner, align
from moodganimation.faces.detection import CenterFaceFinder, HaarFinder

from ...data.pairs import FRAME, Pairs

CANVAS = 640  # side of the scenes that photos are put into [px]
CASES = {  # of the face crop in the scene: side [px], roll within [degrees], faces
    "plain": (400, 0, 1),
    "tilted": (360, 35, 1),
    "small": (72, 8, 1),
    "four": (250, 8, 4),
}


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


def measure_finders(data: Pairs, aligner: Aligner, count: int = 150) -> None:
    """Print, for each finder and case, the share found (within half a side), how many other boxes
    a scene had, and the median and 90th percentile of the errors before and after the aligner."""
    columns = f"{'found':>7}{'others':>8}{'shift %':>16}{'size %':>15}{'roll deg':>15}"
    print(f"{'':12}{'':24}{columns}   (median / 90th percentile)")
    for finder in (CenterFaceFinder(), HaarFinder()):
        for case, (side, roll, faces) in CASES.items():
            rng, found, others, errors = np.random.default_rng(0), 0, 0, []
            for i in tqdm(range(0, count - faces + 1, faces), desc=case, leave=False):
                pictures = [data.picture(data.photos[i + j][0]) for j in range(faces)]
                canvas, truths = scene(pictures, side, roll, rng)
                seen = finder(canvas)
                for truth in truths:
                    near = [f for f in seen if error(f, truth)[0] < 50]
                    if near:
                        found += 1
                        best = min(near, key=lambda f, t=truth: error(f, t)[0])
                        fine = align(aligner, canvas, best)
                        errors.append((error(best, truth), error(fine, truth)))
                others += max(0, len(seen) - len(truths))
            total = count // faces * faces
            for row, when in enumerate(("coarse", "aligned")):
                values = np.array(errors)[:, row]
                text = "".join(
                    f"{np.median(v):9.1f} /{np.percentile(v, 90):5.1f}" for v in values.T
                )
                share = f"{found / total:7.2f}{others / total:8.2f}" if row == 0 else " " * 15
                name = f"{finder.name:16}{case:8}" if row == 0 else " " * 24
                print(f"{name}{when:>12.12}{share}{text}")
