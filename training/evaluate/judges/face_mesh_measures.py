"""What Face Mesh's landmarks say of an expression, a pose and what is face: pure functions.

Points are (478, 2 or 3) in pixels, or *settled*: in shares of the distance between the eyes, after
roll, place and scale of what no expression moves (forehead, sides, bridge of the nose, corners of
the eyes) are taken out. Lists are indices of Face Mesh.
"""

import cv2
import numpy as np

LEVELS = (0, 25, 50, 75, 100)  # percent of an axis's range
NOISE = 0.01  # of the distance between the eyes, below which a measure is said not to change
MARGIN = 8  # pixels of 128 across the crop, a fifth of the distance between the eyes
BROWS = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285]
EYES = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
EYES += [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
CHEEKS = [117, 118, 119, 346, 347, 348]
NOSE = [129, 358, 98, 327, 64, 294, 48, 278, 49, 279]
LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409]
LIPS += [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415]
CHEEK_SIDES = (  # beside the mouth: on the person's right, on the left
    [205, 207, 187, 147, 192, 213],
    [425, 427, 411, 376, 416, 433],
)
CHIN = [152, 148, 176, 377, 400, 175, 199, 200]
MOUTH = LIPS + CHIN
REGISTRATION = [168, 6, 197, 195, 33, 133, 362, 263]  # bridge of the nose, corners of the eyes
STILL = [10, 338, 109, 67, 297, 127, 356, 234, 454, 6, 168, 197, 33, 133, 362, 263]
OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377]
OVAL += [152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
REGIONS = {"brows": BROWS, "eyes": EYES, "cheeks": CHEEKS, "nose": NOSE, "mouth": MOUTH}


def height(points, *ids):
    return -points[list(ids), 1].mean()


def opening(points):
    pairs = ((159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373))
    return np.mean([points[low, 1] - points[up, 1] for up, low in pairs])


def spread(points):
    return points[291, 0] - points[61, 0]


def gap(points):
    return points[14, 1] - points[13, 1]


def visible_lips(points):
    """Height of the red of both lips, over three columns."""
    pairs = ((0, 13), (37, 82), (267, 312), (14, 17), (87, 84), (317, 314))
    return 2 * np.mean([points[low, 1] - points[up, 1] for up, low in pairs])


def sideways(points, *ids):
    """To the person's left."""
    return points[list(ids), 0].mean()


# measure, own regions
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
    "AU25": (gap, ["mouth"]),
    "AU26": (lambda p: -height(p, 152, 148, 377), ["mouth"]),
    "AU45": (lambda p: -opening(p), ["eyes"]),
}
THRESHOLD = {"AU26": 0.02, "AU45": 0.0075}
# Of the units that ACTION_UNITS lacks; all own the mouth.
LIP_UNITS = {
    "AU16": lambda p: -height(p, 14, 87, 317, 17, 84, 314),
    "AU18": lambda p: -spread(p),
    "AU22": lambda p: p[17, 1] - p[0, 1] - spread(p) / 2,
    "AU24": lambda p: -visible_lips(p),
    "AU27": lambda p: gap(p) - height(p, 152, 148, 377),
    "AU28": lambda p: -visible_lips(p),
    "AD29": lambda p: -height(p, 152, 148, 377, 14, 17),  # forward shows as a little down
    "AD30L": lambda p: sideways(p, 152, 148, 377, 175, 199, 17),
    "AD30R": lambda p: -sideways(p, 152, 148, 377, 175, 199, 17),
    "AD34": lambda p: sideways(p, *CHEEK_SIDES[1]) - sideways(p, *CHEEK_SIDES[0]),
}
LIP_THRESHOLD = {"AU24": 0.005, "AU27": 0.02, "AD29": 0.005}
# What a mood should move, and how. Dominance lowers the brows, since expressions/moods.py reduces
# AU01, AU02 and AU05 with it.
MOODS = {
    ("pleasure", "lip corners rise"): lambda p: height(p, 61, 291),
    ("arousal", "eyes open"): opening,
    ("arousal", "mouth opens"): gap,
    ("dominance", "brows fall"): lambda p: -height(p, *BROWS),
}


def upright(points):
    """Middle of the eyes at 0, the line between them level, their distance 1."""
    left, right = points[[33, 133], :2].mean(0), points[[362, 263], :2].mean(0)
    axis = right - left
    x = axis / np.hypot(*axis)
    return (points[:, :2] - (left + right) / 2) @ np.array([x, [-x[1], x[0]]]).T / np.hypot(*axis)


def settled(points, onto, fixed=STILL):
    """`points` moved, turned and scaled so that the places no expression moves lie on `onto`'s."""
    points = points[:, :2]
    a, b = points[fixed], onto[fixed]
    p, q = (a - a.mean(0)) @ (1, 1j), (b - b.mean(0)) @ (1, 1j)
    turn = (p.conj() @ q) / (p.conj() @ p)
    moved = ((points - a.mean(0)) @ (1, 1j)) * turn
    return np.stack([moved.real, moved.imag], 1) + b.mean(0)


def turn(points, onto):
    """Degrees by which (N, 3) turned, if they are seen at `onto` (N, 2 or 3) now, whose depth is
    not asked.

    Scaled orthographic: the pose of DeMenthon & Davis 1995, made a rotation by its SVD.
    """
    return _degrees(pose(points, onto)[0])


def pose(points, onto):
    """(3, 3) rotation, and scale, by which (N, 3) are seen at `onto` (N, 2 or 3): as for `turn`."""
    a, b = points - points.mean(0), onto[:, :2] - onto[:, :2].mean(0)
    u, scales, v = np.linalg.svd(np.linalg.lstsq(a, b, rcond=None)[0].T, full_matrices=False)
    rows = u @ v
    return np.vstack([rows, np.cross(*rows)]), scales.mean()


def turn_in_depth(points, onto):
    """Degrees by which (N, 3) turned rigidly onto `onto` (N, 3). Kabsch 1976."""
    a, b = (p - p.mean(0) for p in (points, onto))
    u, _, v = np.linalg.svd(a.T @ b)
    u[:, -1] *= np.linalg.det(u @ v)  # no mirror
    return _degrees(u @ v)


def _degrees(rotation):
    return np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))


def outside(cells, to_face, *faces):
    """(cells, cells) bool over the crop: farther than MARGIN from the ovals of all `faces`."""
    inside = np.zeros((cells, cells), np.uint8)
    for points in faces:
        places = points[OVAL, :2] @ to_face[:, :2].T + to_face[:, 2]
        cv2.fillPoly(inside, [np.int32(np.round(((places + 1) * cells - 1) / 2))], 1)
    reach = round(MARGIN * cells / 128)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    return cv2.dilate(inside, disc) == 0


def farthest(motion, where):
    """The largest displacement, in pixels of 128, of a field in halves of the crop's side; 0 if
    the crop is all face."""
    return 64 * np.hypot(*motion[where].T.astype(float)).max(initial=0.0)


def follow(values):
    """Spearman correlation of measures with LEVELS; 0 where they are all the same."""
    above = values[:, None] > values  # by numpy alone: the environment of MediaPipe lacks scipy
    ranks = above.sum(1) + (values[:, None] == values).sum(1) / 2  # ties share a rank
    return 0.0 if np.ptp(ranks) == 0 else float(np.corrcoef(ranks, LEVELS)[0, 1])


def monotone(rows, noise=NOISE):
    """Share of rows of measures, one at each of LEVELS, that rise over all, and never fall from one
    to the next, by more than noise. A closed mouth that cannot close further rests."""
    rows = np.asarray(rows)
    return float(np.mean((np.diff(rows).min(1) > -noise) & (rows[:, -1] - rows[:, 0] > noise)))
