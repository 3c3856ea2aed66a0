"""Judge sweeps with a face-landmark tool.

    python training/measure.py SWEEPS

A script of its own: MediaPipe 0.10.21 carries Face Mesh with its weights but needs numpy below 2,
so give it an environment of its own (pip install mediapipe==0.10.21 "numpy<2"). It is no
independent judge where the labels and pairs of the training were fitted to its landmarks.

All lengths are shares of the distance between the eyes, after roll, place and scale of what no
expression moves (forehead, sides, bridge of the nose, corners of the eyes) are taken out. Every
Action Unit has one measure, positive the way it should go. *follow*: Spearman correlation of level
and measure. *right way*: the measure grows from level 0 to 1 by more than the threshold.
*off-target*: mean change, from level 0 to 1, of the measures of units of other regions, over the
change of its own, each summed over photos; for "all", summed over the units as well. Units of one
region are not held against each other: brows, eyes, nose, cheeks and mouth are what is told apart,
and some units own several (AU09 all but the eyes). *displaced*: the stricter share, mean
displacement of the landmarks of all other regions over that of its own, whatever their direction.
"""

import sys
from pathlib import Path

import cv2
import mediapipe
import numpy as np

LEVELS = (0, 25, 50, 75, 100)
BROWS = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285]
EYES = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
EYES += [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
CHEEKS = [117, 118, 119, 346, 347, 348]
NOSE = [129, 358, 98, 327, 64, 294, 48, 278, 49, 279]
LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409]
LIPS += [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415]
CHIN = [152, 148, 176, 377, 400, 175, 199, 200]
MOUTH = LIPS + CHIN
STILL = [10, 338, 109, 67, 297, 127, 356, 234, 454, 6, 168, 197, 33, 133, 362, 263]
REGIONS = {"brows": BROWS, "eyes": EYES, "cheeks": CHEEKS, "nose": NOSE, "mouth": MOUTH}


def height(points, *ids):
    return -points[list(ids), 1].mean()


def opening(points):
    pairs = ((159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373))
    return np.mean([points[low, 1] - points[up, 1] for up, low in pairs])


def spread(points):
    return points[291, 0] - points[61, 0]


# measure, own regions, threshold
UNITS = {
    "AU01": (lambda p: height(p, 107, 66, 55, 336, 296, 285), ["brows"]),
    "AU02": (lambda p: height(p, 70, 63, 46, 53, 300, 293, 276, 283), ["brows"]),
    "AU04": (lambda p: -height(p, 107, 66, 55, 336, 296, 285), ["brows"]),
    "AU05": (opening, ["eyes"]),
    "AU06": (lambda p: -opening(p), ["eyes", "cheeks"]),
    "AU07": (lambda p: -opening(p), ["eyes", "cheeks"]),
    "AU09": (lambda p: height(p, 129, 358, 98, 327), ["nose", "cheeks", "brows", "mouth"]),
    "AU10": (lambda p: height(p, 0, 37, 267), ["mouth", "nose"]),
    "AU12": (lambda p: height(p, 61, 291) + spread(p) / 2, ["mouth", "cheeks"]),
    "AU14": (lambda p: spread(p) / 2, ["mouth"]),
    "AU15": (lambda p: -height(p, 61, 291), ["mouth"]),
    "AU17": (lambda p: height(p, 17, 18, 200), ["mouth"]),
    "AU20": (lambda p: spread(p) / 2, ["mouth"]),
    "AU23": (lambda p: p[0, 1] - p[17, 1], ["mouth"]),
    "AU25": (lambda p: p[14, 1] - p[13, 1], ["mouth"]),
    "AU26": (lambda p: -height(p, 152, 148, 377), ["mouth"]),
    "AU45": (lambda p: -opening(p), ["eyes"]),
}
THRESHOLD = {"AU26": 0.02, "AU45": 0.0075}


def landmarks(mesh, path: Path):
    """(478, 2) in pixels, or None."""
    picture = cv2.imread(str(path))
    result = None if picture is None else mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    if result is None or not result.multi_face_landmarks:
        return None
    points = np.array([(p.x, p.y) for p in result.multi_face_landmarks[0].landmark])
    return points * picture.shape[1::-1]


def upright(points):
    """Middle of the eyes at 0, the line between them level, their distance 1."""
    left, right = points[[33, 133]].mean(0), points[[362, 263]].mean(0)
    axis = right - left
    x = axis / np.hypot(*axis)
    return (points - (left + right) / 2) @ np.array([x, [-x[1], x[0]]]).T / np.hypot(*axis)


def settled(points, onto):
    """`points` moved, turned and scaled so that the places no expression moves lie on `onto`'s."""
    a, b = points[STILL], onto[STILL]
    p, q = (a - a.mean(0)) @ (1, 1j), (b - b.mean(0)) @ (1, 1j)
    turn = (p.conj() @ q) / (p.conj() @ p)
    moved = ((points - a.mean(0)) @ (1, 1j)) * turn
    return np.stack([moved.real, moved.imag], 1) + b.mean(0)


def main() -> None:
    folders = sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_dir())
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True)
    titles = f"{'photos':>13}{'follow':>8}{'right way':>11}{'change':>9}"
    print(f"{titles}{'off-target':>12}{'displaced':>11}")
    rows = []
    for unit, (measure, own) in UNITS.items():
        others = [other for other, regions in UNITS.values() if not set(regions) & set(own)]
        mine = [i for name in own for i in REGIONS[name]]
        rest = [i for name, ids in REGIONS.items() if name not in own for i in ids]
        follow, change, off, moved = [], [], [], []
        for folder in folders:
            seen = [landmarks(mesh, folder / f"{unit}_{level:03d}.png") for level in LEVELS]
            if any(points is None for points in seen):
                continue
            seen = [settled(points, upright(seen[0])) for points in seen]
            values = np.array([measure(points) for points in seen])
            above = values[:, None] > values
            ranks = above.sum(1) + (values[:, None] == values).sum(1) / 2  # ties share a rank
            steady = np.ptp(ranks) == 0
            follow.append(0.0 if steady else np.corrcoef(ranks, LEVELS)[0, 1])
            change.append(values[-1] - values[0])
            off.append(np.mean([abs(other(seen[-1]) - other(seen[0])) for other in others]))
            path = np.linalg.norm(seen[-1] - seen[0], axis=1)
            moved.append((path[rest].mean(), path[mine].mean()))
        change, right = np.array(change), np.mean(np.array(change) > THRESHOLD.get(unit, 0.01))
        shares = sum(off), sum(abs(change)), *np.sum(moved, 0)
        rows.append((np.median(follow), right, np.median(change), *shares))
        line(unit, len(off), *rows[-1])
    mean = np.mean(rows, 0)
    line("all", len(folders), *mean)


def line(name, photos, follow, right, change, off, on, rest, mine):
    text = f"{name:6}{photos:7}{follow:8.2f}{right:11.2f}{change:9.4f}"
    print(f"{text}{off / on:12.2f}{rest / mine:11.2f}", flush=True)


if __name__ == "__main__":
    main()
