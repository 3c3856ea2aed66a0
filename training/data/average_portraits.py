"""Average portraits: averages of many aligned faces, which show no real person.

Every face is warped, triangle by triangle, so that its 68 landmarks come to lie on the mean shape
of its group (made symmetric), and the group's pictures are averaged with their mirror images.
"""

import csv
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay

from moodganimation.expressions.spaces import ACTION_UNITS

from .augment import CROP_SIDE
from .pickles import read_pickle
from .ratio_images import barycentric

SIZE = 432  # side of the average portraits [px]
UNSHARP_AMOUNT, UNSHARP_STD = 1.2, 2.5  # averages are blurred; standard deviation [px of SIZE]
# Portraits of the groups: public domain (source B of labels.csv), looking straight ahead.
SOURCE, MAX_YAW = "B", 10  # [degrees]
MAX_CALM_SMILE = 1.2  # intensity 0..5 of AU12
DARK_COUNT, NARROW_COUNT = 45, 70  # faces in these groups
CHEEKS = (slice(60, 90), slice(40, 104))  # rows, columns [crop px] of mostly skin
# The mirror partner of each of the 68 landmarks of iBUG 300-W.
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
# Corners and middles of the edges of the crop, which stay where they are.
BORDER = np.array([(x, y) for x in (0, 71.5, 143) for y in (0, 71.5, 143) if (x, y) != (71.5,) * 2])


def average_portrait(pictures: list[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
    """Average N canonical crops (CROP_SIDE, CROP_SIDE, 3) uint8 with landmarks (N, 68, 2) [crop px]
    to a picture (SIZE, SIZE, 3) uint8."""
    mirrored = landmarks[:, MIRROR] * (-1, 1) + (CROP_SIDE - 1, 0)
    shape = np.r_[(landmarks.mean(0) + mirrored.mean(0)) / 2, BORDER]
    scale = SIZE / CROP_SIDE
    y, x = np.mgrid[:SIZE, :SIZE]
    positions = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / scale - 0.5
    mesh = Delaunay(shape)
    triangle = mesh.find_simplex(np.clip(positions, 1e-6, CROP_SIDE - 1 - 1e-6))
    weights = barycentric(mesh, triangle, positions)
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
    sharp = mean + UNSHARP_AMOUNT * (mean - cv2.GaussianBlur(mean, (0, 0), UNSHARP_STD))
    return np.uint8(np.clip(sharp + 0.5, 0, 255))


def write_average_portraits(data: Path, out: Path) -> None:
    """Write the average portraits of three groups of photos of `data` to `out`.

    portrait-calm.png: those that do not smile; portrait-dark.png: the DARK_COUNT darkest;
    portrait-narrow.png: the NARROW_COUNT of the others with the narrowest jaws.
    """
    arrays, units = np.load(data / "landmarks.npz"), read_pickle(data / "aus_openface.pkl")
    points = arrays["lm68_x8"] / 8.0  # (N, 68, 2), stored in eighths of a crop px
    landmarks = dict(zip(map(str, arrays["names"]), points, strict=True))
    with open(data / "labels.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == SOURCE]
    names = [row["name"] for row in rows if abs(float(row["yaw"])) < MAX_YAW]
    pictures = {name: cv2.imread(str(data / "imgs" / f"{name}.jpg")) for name in names}

    def jaw_width(name):
        points = landmarks[name]  # of the jaw, in distances of the outer corners of the eyes
        return (points[12, 0] - points[4, 0]) / (points[45, 0] - points[36, 0])

    smile = ACTION_UNITS.index("AU12")
    dark = sorted(names, key=lambda name: pictures[name][CHEEKS].mean())[:DARK_COUNT]
    groups = {
        "calm": [name for name in names if units[name][smile] < MAX_CALM_SMILE],
        "dark": dark,
        "narrow": sorted(set(names) - set(dark), key=jaw_width)[:NARROW_COUNT],
    }
    for title, group in groups.items():
        points = np.stack([landmarks[name] for name in group])
        picture = average_portrait([pictures[name] for name in group], points)
        cv2.imwrite(str(out / f"portrait-{title}.png"), picture)
        print(f"portrait-{title}.png: {len(group)} faces")
