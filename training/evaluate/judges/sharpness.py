"""Whether sweeps (sweeps.py) are as sharp as their photos, and end at their box."""

import json
from pathlib import Path

import cv2
import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.media.images import read_image

from ..documents import Block
from ..markdown import table
from ..measures import VISIBLE, in_face

OPENING = ("AU25", "AU26")  # what opened mouths show is no pixel of the photo
ENOUGH = 0.9  # of the photo's gradient energy


def energy(picture: np.ndarray, where: np.ndarray) -> float:
    """Mean squared gradient of the lightness [grey levels^2] of (H, W, 3) uint8 in a mask (H, W).

    NaN for an empty mask.
    """
    light = cv2.cvtColor(np.float32(picture), cv2.COLOR_RGB2GRAY)
    dx, dy = light[:-1, 1:] - light[:-1, :-1], light[1:, :-1] - light[:-1, :-1]
    inside = (dx**2 + dy**2)[where[:-1, :-1]]
    return float(inside.mean()) if inside.size else float("nan")


def face_of(shape: tuple[int, int], to_face: np.ndarray) -> np.ndarray:
    """(H, W) bool: the ellipse that holds the face, at the pixels of a photo."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    x, y = np.einsum("ij,jyx->iyx", to_face, np.stack([x, y, np.ones_like(x)]))
    return in_face(x, y)


def edited(photo: np.ndarray, picture: np.ndarray, reach: int) -> np.ndarray:
    """(H, W) bool: pixels that change by VISIBLE or more, and those within `reach` px of them, so
    that an edge counts where it was and where it went."""
    change = np.abs(np.float32(picture) - photo).mean(2) > 127.5 * VISIBLE
    return cv2.dilate(np.uint8(change), np.ones((2 * reach + 1,) * 2)) > 0


def outside(photo: np.ndarray, picture: np.ndarray, box) -> int:
    """How many pixels beyond x0, y0, x1, y1 differ at all."""
    x0, y0, x1, y1 = box
    differs = (photo != picture).any(2)
    return int(differs.sum() - differs[y0:y1, x0:x1].sum())


def on_sweeps(folder: Path) -> dict[str, dict[str, float]]:
    """For each unit at 1, and for all that leave the mouth closed:

    face: gradient energy of the face over the photo's, median over photos; worst: its 5th
    percentile; enough: share of photos with ENOUGH; edited: as face, where the edit is seen;
    outside: pixels that changed outside the box, over all photos.
    """
    places = sorted(folder.glob("*/place.json"))
    if not places:
        raise ValueError(f"{folder} holds no sweeps: make them with python -m training sweeps.")
    found = {key: [] for key in ACTION_UNITS.keys}
    for path in places:
        place, photo = json.loads(path.read_text()), read_image(path.parent / "photo.png")
        to_face = np.array(place["to_face"])
        face = face_of(photo.shape[:2], to_face)
        reach = max(1, round(0.01 * 2 / np.sqrt(abs(np.linalg.det(to_face[:, :2])))))
        for key, rows in found.items():
            picture = read_image(path.parent / f"{key}_100.png")
            seen = face & edited(photo, picture, reach)
            ratios = [energy(picture, where) / energy(photo, where) for where in (face, seen)]
            rows.append((*ratios, outside(photo, picture, place["box"])))
    table = {key: _summary(rows) for key, rows in found.items()}
    closed = [row for key, rows in found.items() if key not in OPENING for row in rows]
    return table | {"closed mouth": _summary(closed)}


def _summary(rows: list[tuple[float, float, int]]) -> dict[str, float]:
    face, seen, beyond = np.array(rows, float).T
    known = seen[np.isfinite(seen)]
    return {
        "face": float(np.median(face)),
        "worst": float(np.percentile(face, 5)),
        "enough": float(np.mean(face >= ENOUGH)),
        "edited": float(np.median(known)) if known.size else float("nan"),
        "outside": int(beyond.sum()),
    }


def sharpness(values: dict) -> str:
    """Format the sharpness of every unit at 1, and how many edits keep most of it."""
    rows = values["sharpness"]
    line = table(list(rows), [[f"{row['face']:.2f}" for row in rows.values()]])
    share = rows["closed mouth"]["enough"]
    which = "All" if share == 1 else f"{share:.0%} of all"
    beyond = sum(row["outside"] for name, row in rows.items() if name != "closed mouth")
    return (
        f"{line}\n\n{which} edits with a closed mouth keep at least {ENOUGH:g}. "
        f"Pixels changed outside the box: {beyond:,.0f}."
    )


def sharpness_of_large_photos(values: dict) -> str:
    """Format the sharpness of edits of photos at their own size."""
    rows = values["sharpness"]
    closed, jaw = rows["closed mouth"], rows["AU26"]
    lines = [
        ["closed mouth, median", f"{closed['face']:.2f}"],
        [
            f"closed mouth, share of edits that keep at least {ENOUGH:g}",
            f"{100 * closed['enough']:.0f} %",
        ],
        ["closed mouth, 5th percentile", f"{closed['worst']:.2f}"],
        ["AU26, median", f"{jaw['face']:.2f}"],
    ]
    return table(["figure", "value"], lines)


COMMAND = "python -m training sharpness"
BLOCKS = {
    "sharpness": Block(f"{COMMAND} SWEEPS --write", sharpness),
    "sharpness-large-photos": Block(
        f"{COMMAND} LARGE_SWEEPS --write sharpness-large-photos", sharpness_of_large_photos
    ),
}
