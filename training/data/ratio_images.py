"""Expression ratio images (Liu, Shan & Zhang 2001): how the brightness of a face changes with its
expression, in the frame of a mean face.

Both photographs of a person are warped to the mean face by their landmarks. The logarithm of the
ratio of their brightness, high-pass filtered, shows the folds of the skin.

N faces · S = MEAN_FACE_SIDE pixels along a side of the mean face · T triangles
"""

from typing import NamedTuple

import cv2
import numpy as np
from scipy.spatial import Delaunay

from ..rendering.mesh_points import FACE_POINTS, LIP_EDGES
from .mesh_mirror import MIRRORED

MEAN_FACE_SIDE = 256  # of the mean face [px]
# Standard deviations of two blurs, in sides: one finds the slow changes that are subtracted, as of
# the light; one removes noise.
SLOW_CHANGE_STD, NOISE_STD = 0.1, 0.004
BRIGHTNESS_OFFSET = 8.0  # added to brightness, 0..255: ratios of dark pixels are noise
# Face Mesh points around the right eye and the left.
EYE_OUTLINES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)


class MeanFace(NamedTuple):
    """The frame of ratio images: a mean face, of MEAN_FACE_SIDE pixels a side.

    P pixels are inside the face, in the order of `np.nonzero(inside)`.
    """

    points: np.ndarray  # (468, 2)
    triangles: np.ndarray  # (T, 3)
    triangle_of: np.ndarray  # (P,) row of `triangles` in which each pixel lies
    weights: np.ndarray  # (P, 3) barycentric coordinates in that triangle
    inside: np.ndarray  # (S, S) bool
    skin: np.ndarray  # (S, S) float32: 1 on skin, 0 in eyes, mouth and background


def mean_face(points: np.ndarray) -> MeanFace:
    """Average Face Mesh points (N, 468, 2), in shares of the crop's side, make the mean symmetric,
    and triangulate it."""
    mean = points.mean(0) * MEAN_FACE_SIDE - 0.5
    mirrored = mean[MIRRORED[:FACE_POINTS]] * (-1, 1) + (MEAN_FACE_SIDE - 1, 0)
    mean = (mean + mirrored) / 2
    mesh = Delaunay(mean)
    y, x = np.mgrid[:MEAN_FACE_SIDE, :MEAN_FACE_SIDE]
    positions = np.stack([x.ravel(), y.ravel()], 1).astype(float)
    triangle_of = mesh.find_simplex(positions)  # -1 outside
    inside = triangle_of >= 0
    positions, triangle_of = positions[inside], triangle_of[inside]
    inside = inside.reshape(MEAN_FACE_SIDE, MEAN_FACE_SIDE)
    skin = inside.astype(np.float32)
    for ids in (LIP_EDGES, *EYE_OUTLINES):
        hull = cv2.convexHull(np.float32(mean[list(ids)]))
        cv2.fillPoly(skin, [np.int32(np.round(hull))], 0.0)
    weights = barycentric(mesh, triangle_of, positions)
    return MeanFace(mean, mesh.simplices, triangle_of, weights, inside, skin)


def barycentric(mesh: Delaunay, triangle_of: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Compute the barycentric coordinates (N, 3) of positions (N, 2) in triangles (N,) of a
    mesh."""
    affine = mesh.transform[triangle_of]
    weights = np.einsum("nij,nj->ni", affine[:, :2], positions - affine[:, 2])
    return np.c_[weights, 1 - weights.sum(1)]


def warp_to_mean(face: MeanFace, grey: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Warp a picture (H, W) float32 with Face Mesh points (468, 2) [px] to the mean face (S, S)."""
    corners = points[face.triangles][face.triangle_of]
    positions = np.full((MEAN_FACE_SIDE, MEAN_FACE_SIDE, 2), -1, np.float32)
    positions[face.inside] = np.einsum("nk,nkd->nd", face.weights, corners)
    return cv2.remap(grey, positions, None, cv2.INTER_LINEAR)


def ratio_image(face: MeanFace, neutral: np.ndarray, expressive: np.ndarray) -> np.ndarray:
    """Compute the high-pass filtered logarithm (S, S) of expressive over neutral; 0 outside the
    skin.

    neutral, expressive: brightness (S, S), see `warp_to_mean`.
    """
    ratio = np.log((expressive + BRIGHTNESS_OFFSET) / (neutral + BRIGHTNESS_OFFSET))
    ratio = cv2.GaussianBlur(ratio, (0, 0), NOISE_STD * MEAN_FACE_SIDE)
    area = cv2.GaussianBlur(face.skin, (0, 0), SLOW_CHANGE_STD * MEAN_FACE_SIDE) + 1e-3
    slow = cv2.GaussianBlur(ratio * face.skin, (0, 0), SLOW_CHANGE_STD * MEAN_FACE_SIDE) / area
    fade = cv2.GaussianBlur(cv2.erode(face.skin, np.ones((7, 7))), (0, 0), 2)
    return (ratio - slow) * fade
