"""Sharpness of sweeps (see render_sweeps.py), and pixels changed outside their box.

Sharpness is the gradient energy of an edit over that of its photo.
"""

import json
from pathlib import Path

import cv2
import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.media.images import read_image

from ..documents import FigureBlock
from ..markdown import table
from ..measures import VISIBLE_CHANGE, in_face
from .sweep_files import sweep_folders

OPENING_UNITS = ("AU25", "AU26")  # they open the mouth, whose inside is not in the photo
MIN_SHARPNESS = 0.9  # share of the photo's gradient energy
EDGE_REACH = 0.01  # distance by which edited pixels are dilated [sides of the crop]


def gradient_energy(picture: np.ndarray, mask: np.ndarray) -> float:
    """Mean squared gradient of the lightness [grey levels^2] of (H, W, 3) uint8 in a mask (H, W).

    NaN for an empty mask.
    """
    grey = cv2.cvtColor(np.float32(picture), cv2.COLOR_RGB2GRAY)
    dx, dy = grey[:-1, 1:] - grey[:-1, :-1], grey[1:, :-1] - grey[:-1, :-1]
    inside = (dx**2 + dy**2)[mask[:-1, :-1]]
    return float(inside.mean()) if inside.size else float("nan")


def face_mask(shape: tuple[int, int], to_face: np.ndarray) -> np.ndarray:
    """Make the mask (H, W) bool of the face in a photo, an ellipse (measures.FACE_ELLIPSE)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    x, y = np.einsum("ij,jyx->iyx", to_face, np.stack([x, y, np.ones_like(x)]))
    return in_face(x, y)


def edited_mask(photo: np.ndarray, picture: np.ndarray, reach: int) -> np.ndarray:
    """Mark pixels that change by more than VISIBLE_CHANGE, (H, W) bool, dilated by `reach` px.

    With the dilation, edges count at their old and at their new positions.
    """
    change = np.abs(np.float32(picture) - photo).mean(2) > 127.5 * VISIBLE_CHANGE
    return cv2.dilate(np.uint8(change), np.ones((2 * reach + 1,) * 2)) > 0


def changed_outside(photo: np.ndarray, picture: np.ndarray, box) -> int:
    """Count the pixels outside the box x0, y0, x1, y1 (ends excluded) that differ."""
    x0, y0, x1, y1 = box
    differs = (photo != picture).any(2)
    return int(differs.sum() - differs[y0:y1, x0:x1].sum())


def measure_sweeps(folder: Path) -> dict[str, dict[str, float]]:
    """Measure each unit at 1; the row "closed mouth" is of all units that do not open the mouth.

    *face*: sharpness of the face, median over photos. *worst*: its 5th percentile. *enough*: share
    of photos with a sharpness of at least MIN_SHARPNESS. *edited*: as *face*, within the edited
    pixels of the face. *outside*: number of pixels changed outside the box, over all photos.
    """
    rows_by_unit = {key: [] for key in ACTION_UNITS.keys}
    for path in sweep_folders(folder):
        place = json.loads((path / "place.json").read_text(encoding="utf-8"))
        photo = read_image(path / "photo.png")
        to_face = np.array(place["to_face"])
        face = face_mask(photo.shape[:2], to_face)
        crop_side = 2 / np.sqrt(abs(np.linalg.det(to_face[:, :2])))  # [px]
        reach = max(1, round(EDGE_REACH * crop_side))
        for key, rows in rows_by_unit.items():
            picture = read_image(path / f"{key}_100.png")
            edited = face & edited_mask(photo, picture, reach)
            ratios = [
                gradient_energy(picture, m) / gradient_energy(photo, m) for m in (face, edited)
            ]
            rows.append((*ratios, changed_outside(photo, picture, place["box"])))
    table = {key: _summary(rows) for key, rows in rows_by_unit.items()}
    closed = [row for key, rows in rows_by_unit.items() if key not in OPENING_UNITS for row in rows]
    return table | {"closed mouth": _summary(closed)}


def _summary(rows: list[tuple[float, float, int]]) -> dict[str, float]:
    """Summarize (sharpness of the face, sharpness of edited pixels, pixels changed outside)."""
    face, edited, outside = np.array(rows, float).T
    known = edited[np.isfinite(edited)]
    return {
        "face": float(np.median(face)),
        "worst": float(np.percentile(face, 5)),
        "enough": float(np.mean(face >= MIN_SHARPNESS)),
        "edited": float(np.median(known)) if known.size else float("nan"),
        "outside": int(outside.sum()),
    }


def sharpness(values: dict) -> str:
    """Format the sharpness of every unit at 1, and the share of edits that keep MIN_SHARPNESS."""
    rows = values["sharpness"]
    line = table(list(rows), [[f"{row['face']:.2f}" for row in rows.values()]])
    share = rows["closed mouth"]["enough"]
    subject = "All" if share == 1 else f"{share:.0%} of all"
    outside = sum(row["outside"] for name, row in rows.items() if name != "closed mouth")
    return (
        f"{line}\n\n{subject} edits with a closed mouth keep at least {MIN_SHARPNESS:g}. "
        f"Pixels changed outside the box: {outside:,.0f}."
    )


def sharpness_of_large_photos(values: dict) -> str:
    """Format the sharpness of edits of photos at their own size."""
    rows = values["sharpness"]
    closed, jaw = rows["closed mouth"], rows["AU26"]
    lines = [
        ["closed mouth, median", f"{closed['face']:.2f}"],
        [
            f"closed mouth, share of edits that keep at least {MIN_SHARPNESS:g}",
            f"{100 * closed['enough']:.0f} %",
        ],
        ["closed mouth, 5th percentile", f"{closed['worst']:.2f}"],
        ["AU26, median", f"{jaw['face']:.2f}"],
    ]
    return table(["figure", "value"], lines)


COMMAND = "python -m training sharpness"
BLOCKS = {
    "sharpness": FigureBlock(f"{COMMAND} SWEEPS --write", sharpness),
    "sharpness-large-photos": FigureBlock(
        f"{COMMAND} LARGE_SWEEPS --write sharpness-large-photos", sharpness_of_large_photos
    ),
}
