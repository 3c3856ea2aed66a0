"""Measures of expression, pose and face region from Face Mesh landmarks, as pure functions.

Points are landmarks (478, 2 or 3) in pixels, x to the viewer's right and y down; or *registered*
(478, 2): aligned by `registered` to `upright` ones, in distances between the eyes, with the midline
at x = 0. Every list is of landmark indices.
"""

import cv2
import numpy as np

from ...rendering.mesh_points import EYE_CORNER_PAIRS, OVAL, lid_gap
from .axes import PERCENTS

MIN_CHANGE = 0.01  # distances between the eyes; smaller changes of a measure count as none
FACE_MARGIN = 8  # around the face [px of 128 across the crop]: a fifth of the eyes' distance
BROWS = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285]
EYES = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
EYES += [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
CHEEKS = [117, 118, 119, 346, 347, 348]
NOSE = [129, 358, 98, 327, 64, 294, 48, 278, 49, 279]
# The first 20 are the outer edge, the others the inner edge of the lips, in the same order.
LIP_POINTS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270]
LIP_POINTS += [409, 78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311]
LIP_POINTS += [310, 415]
CHEEK_SIDES = (  # beside the mouth: on the person's right, on the left
    [205, 207, 187, 147, 192, 213],
    [425, 427, 411, 376, 416, 433],
)
CHIN = [152, 148, 176, 377, 400, 175, 199, 200]
MOUTH = LIP_POINTS + CHIN
# Points that hardly any expression moves: forehead, temples, bridge of the nose, corners of the
# eyes. As mesh_points.RIGID, without the lowest point of the bridge (195).
HEAD_POINTS = [10, 338, 109, 67, 297, 127, 356, 234, 454, 6, 168, 197, 33, 133, 362, 263]
# For pairs of different photos of a person: mesh_points.RIGID without the points on the face's
# outline, where the outline of a turned head is at other skin.
NOSE_AND_EYE_CORNERS = [168, 6, 197, 195, 33, 133, 362, 263]
REGIONS = {"brows": BROWS, "eyes": EYES, "cheeks": CHEEKS, "nose": NOSE, "mouth": MOUTH}


def mean_height(points, *ids):
    """Mean height (-y, up is positive) of the landmarks `ids`, in the unit of `points`."""
    return -points[list(ids), 1].mean()


def mouth_width(points):
    """Distance of the corners of the mouth along x."""
    return points[291, 0] - points[61, 0]


def lip_gap(points):
    """Distance of the inner edges of the lips in the middle, along y."""
    return points[14, 1] - points[13, 1]


def visible_lip_height(points):
    """Sum of the heights of both lips, each the mean of three columns."""
    pairs = ((0, 13), (37, 82), (267, 312), (14, 17), (87, 84), (317, 314))
    return 2 * np.mean([points[low, 1] - points[up, 1] for up, low in pairs])


def mean_x(points, *ids):
    """Mean x of the landmarks `ids`: larger towards the person's left."""
    return points[list(ids), 0].mean()


# Unit -> its measure, and the regions that it moves itself.
UNITS = {
    "AU01": (lambda p: mean_height(p, 107, 66, 55, 336, 296, 285), ["brows"]),
    "AU02": (lambda p: mean_height(p, 70, 63, 46, 53, 300, 293, 276, 283), ["brows"]),
    "AU04": (lambda p: -mean_height(p, 107, 66, 55, 336, 296, 285), ["brows"]),
    "AU05": (lid_gap, ["eyes"]),
    "AU06": (lambda p: -lid_gap(p), ["eyes", "cheeks"]),
    "AU07": (lambda p: -lid_gap(p), ["eyes", "cheeks"]),
    "AU09": (lambda p: mean_height(p, 129, 358, 98, 327), ["nose", "cheeks", "brows", "mouth"]),
    "AU10": (lambda p: mean_height(p, 0, 37, 267), ["mouth", "nose"]),
    "AU12": (lambda p: mean_height(p, 61, 291) + mouth_width(p) / 2, ["mouth", "cheeks"]),
    "AU14": (lambda p: mouth_width(p) / 2, ["mouth"]),
    "AU15": (lambda p: -mean_height(p, 61, 291), ["mouth"]),
    "AU17": (lambda p: mean_height(p, 17, 18, 200), ["mouth"]),
    "AU20": (lambda p: mouth_width(p) / 2, ["mouth"]),
    "AU23": (lambda p: p[0, 1] - p[17, 1], ["mouth"]),
    "AU25": (lip_gap, ["mouth"]),
    "AU26": (lambda p: -mean_height(p, 152, 148, 377), ["mouth"]),
    "AU45": (lambda p: -lid_gap(p), ["eyes"]),
}
# Least change of a measure in the right direction, if not MIN_CHANGE: higher for the jaw, which
# moves far, and lower for small movements [distances between the eyes].
UNIT_THRESHOLDS = {"AU26": 0.02, "AU45": 0.0075}
LIP_UNIT_THRESHOLDS = {"AU24": 0.005, "AU27": 0.02, "AD29": 0.005}
# Measures of LIP_UNIT_KEYS (axes.py); all of them own the mouth.
LIP_UNITS = {
    "AU16": lambda p: -mean_height(p, 14, 87, 317, 17, 84, 314),
    "AU18": lambda p: -mouth_width(p),
    "AU22": lambda p: p[17, 1] - p[0, 1] - mouth_width(p) / 2,
    "AU24": lambda p: -visible_lip_height(p),
    "AU27": lambda p: lip_gap(p) - mean_height(p, 152, 148, 377),
    "AU28": lambda p: -visible_lip_height(p),
    # From the front, a jaw that moves forward is seen slightly lower.
    "AD29": lambda p: -mean_height(p, 152, 148, 377, 14, 17),
    "AD30L": lambda p: mean_x(p, 152, 148, 377, 175, 199, 17),
    "AD30R": lambda p: -mean_x(p, 152, 148, 377, 175, 199, 17),
    "AD34": lambda p: mean_x(p, *CHEEK_SIDES[1]) - mean_x(p, *CHEEK_SIDES[0]),
}
# Expected effects of moods: (mood, effect) -> measure. Dominance lowers the brows, since
# expressions/moods.py reduces AU01, AU02 and AU05 with it.
MOODS = {
    ("pleasure", "lip corners rise"): lambda p: mean_height(p, 61, 291),
    ("arousal", "eyes open"): lid_gap,
    ("arousal", "mouth opens"): lip_gap,
    ("dominance", "brows fall"): lambda p: -mean_height(p, *BROWS),
}


def upright(points):
    """Normalize points to (478, 2): center of the eyes at 0, their line horizontal, distance 1."""
    right_eye, left_eye = (points[list(corners), :2].mean(0) for corners in EYE_CORNER_PAIRS)
    across = left_eye - right_eye
    x = across / np.hypot(*across)
    centered = points[:, :2] - (right_eye + left_eye) / 2
    return centered @ np.array([x, [-x[1], x[0]]]).T / np.hypot(*across)


def registered(points, onto, fixed=HEAD_POINTS):
    """Align points to `onto` (478, 2), in its unit, by the least-squares similarity of `fixed`
    landmarks.

    Points are complex numbers, so that the transform is multiplication by a factor.
    """
    points = points[:, :2]
    a, b = points[fixed], onto[fixed]
    p, q = (a - a.mean(0)) @ (1, 1j), (b - b.mean(0)) @ (1, 1j)
    factor = (p.conj() @ q) / (p.conj() @ p)
    aligned = ((points - a.mean(0)) @ (1, 1j)) * factor
    return np.stack([aligned.real, aligned.imag], 1) + b.mean(0)


def rotation_angle(points, onto):
    """Angle [degrees] of the rotation from points (N, 3) to their projections `onto` (N, 2 or 3).

    The depth of `onto` is not used; see `pose`.
    """
    return _angle(pose(points, onto)[0])


def pose(points, onto):
    """Estimate the rotation (3, 3) and the scale from points (N, 3) to their projections `onto`.

    Scaled orthographic projection: the pose of DeMenthon & Davis 1995, made a rotation by its SVD.
    """
    a, b = points - points.mean(0), onto[:, :2] - onto[:, :2].mean(0)
    u, scales, v = np.linalg.svd(np.linalg.lstsq(a, b, rcond=None)[0].T, full_matrices=False)
    rows = u @ v
    return np.vstack([rows, np.cross(*rows)]), scales.mean()


def rotation_angle_in_depth(points, onto):
    """Angle [degrees] of the least-squares rotation of points (N, 3) to `onto` (N, 3).

    Kabsch 1976.
    """
    a, b = (p - p.mean(0) for p in (points, onto))
    u, _, v = np.linalg.svd(a.T @ b)
    u[:, -1] *= np.linalg.det(u @ v)  # excludes reflections
    return _angle(u @ v)


def _angle(rotation):
    """Angle [degrees] of a rotation matrix (3, 3)."""
    return np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))


def background_mask(cells, to_face, *faces):
    """Mark the cells of a crop, (cells, cells) bool, farther than FACE_MARGIN from all faces.

    faces: landmarks, whose OVAL is the outline. to_face: (2, 3), pixels -> face coordinates.
    """
    inside = np.zeros((cells, cells), np.uint8)
    for points in faces:
        outline = points[OVAL, :2] @ to_face[:, :2].T + to_face[:, 2]
        cv2.fillPoly(inside, [np.int32(np.round(((outline + 1) * cells - 1) / 2))], 1)
    margin = round(FACE_MARGIN * cells / 128)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)
    return cv2.dilate(inside, disc) == 0


def largest_displacement(motion, mask):
    """Largest displacement [px of 128 across the crop] within a mask; 0 for an empty mask.

    motion: (h, w, 2) in halves of the crop's side.
    """
    return 64 * np.hypot(*motion[mask].T.astype(float)).max(initial=0.0)


def follow(values):
    """Spearman correlation of measures (5,) with PERCENTS; 0 if they are constant."""
    above = values[:, None] > values
    ranks = above.sum(1) + (values[:, None] == values).sum(1) / 2  # ties share a rank
    return 0.0 if np.ptp(ranks) == 0 else float(np.corrcoef(ranks, PERCENTS)[0, 1])


def monotone(rows, noise=MIN_CHANGE):
    """Share of rows (N, 5) of measures at PERCENTS that rise in total and never fall on the way.

    Changes up to `noise` do not count. Constant stretches are allowed: a closed mouth stays closed.
    """
    rows = np.asarray(rows)
    return float(np.mean((np.diff(rows).min(1) > -noise) & (rows[:, -1] - rows[:, 0] > noise)))
