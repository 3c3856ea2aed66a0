"""Composite portraits: averages of many aligned faces, which are nobody's.

Every face is warped, triangle by triangle, so that its 68 landmarks come to lie on the mean shape
of its group (made symmetric), and the group's pictures are averaged with their mirror images.
"""

import csv
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay

from moodganimation.expressions.spaces import ACTION_UNITS

from .pickles import read_pickle

FRAME, SIZE = 144, 432  # side of the crops on disk and of the composites [px]
MIRROR = np.r_[
    16:-1:-1,
    26:16:-1,
    27:31,
    35:30:-1,
    45:41:-1,
    47,
    46,
    39:35:-1,
    41,
    40,
    54:47:-1,
    59:54:-1,
    64:59:-1,
    67:64:-1,
]
BORDER = np.array([(x, y) for x in (0, 71.5, 143) for y in (0, 71.5, 143) if (x, y) != (71.5,) * 2])


def composite(pictures: list[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
    """(144, 144, 3) uint8 pictures with landmarks (N, 68, 2) -> (SIZE, SIZE, 3) uint8."""
    mirrored = landmarks[:, MIRROR] * (-1, 1) + (FRAME - 1, 0)
    shape = np.r_[(landmarks.mean(0) + mirrored.mean(0)) / 2, BORDER]
    scale = SIZE / FRAME
    y, x = np.mgrid[:SIZE, :SIZE]
    places = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / scale - 0.5
    mesh = Delaunay(shape)
    triangle = mesh.find_simplex(np.clip(places, 1e-6, FRAME - 1 - 1e-6))
    affine = mesh.transform[triangle]
    two = np.einsum("nij,nj->ni", affine[:, :2], places - affine[:, 2])
    weights = np.c_[two, 1 - two.sum(1)]
    total = np.zeros((SIZE, SIZE, 3))
    for picture, points in zip(pictures, landmarks, strict=True):
        corners = np.r_[points, BORDER][mesh.simplices[triangle]]
        map_xy = np.einsum("nk,nkd->nd", weights, corners).reshape(SIZE, SIZE, 2)
        total += cv2.remap(
            picture.astype(np.float32),
            *np.moveaxis(map_xy.astype(np.float32), -1, 0),
            interpolation=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    mean = (total + total[:, ::-1]) / (2 * len(pictures))
    sharp = mean + 1.2 * (mean - cv2.GaussianBlur(mean, (0, 0), 2.5))
    return np.uint8(np.clip(sharp + 0.5, 0, 255))


def composites(data: Path, out: Path) -> None:
    """Write out/portrait-*.png: closed mouths, darker skins and narrower jaws, 45 faces or more
    each, among the public-domain portraits (source B of the data) that look straight ahead."""
    arrays, units = np.load(data / "landmarks.npz"), read_pickle(data / "aus_openface.pkl")
    landmarks = dict(zip(map(str, arrays["names"]), arrays["lm68_x8"] / 8.0, strict=True))
    with open(data / "labels.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "B"]
    names = [row["name"] for row in rows if abs(float(row["yaw"])) < 10]
    pictures = {name: cv2.imread(str(data / "imgs" / f"{name}.jpg")) for name in names}

    def jaw(name):
        points = landmarks[name]
        return (points[12, 0] - points[4, 0]) / (points[45, 0] - points[36, 0])

    smile = ACTION_UNITS.index("AU12")
    dark = sorted(names, key=lambda name: pictures[name][60:90, 40:104].mean())[:45]
    groups = {
        "calm": [name for name in names if units[name][smile] < 1.2],
        "dark": dark,
        "narrow": sorted(set(names) - set(dark), key=jaw)[:70],
    }
    for title, group in groups.items():
        points = np.stack([landmarks[name] for name in group])
        picture = composite([pictures[name] for name in group], points)
        cv2.imwrite(str(out / f"portrait-{title}.png"), picture)
        print(f"portrait-{title}.png: {len(group)} faces")
