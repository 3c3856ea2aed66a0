"""Expression ratio images (Liu, Shan & Zhang 2001): how the brightness of a face changes with its
expression, in the frame of a mean face.

Both photographs of a person are warped to the mean face by their landmarks. The logarithm of the
ratio of their brightness, high-pass filtered, shows the folds of the skin.

N faces · S = SIDE pixels along a side of the mean face · T triangles
"""

from typing import NamedTuple

import cv2
import numpy as np
from scipy.spatial import Delaunay

from ..rendering.mesh_points import FACE_POINTS, LIP_EDGES
from .mesh_mirror import MIRRORED

SIDE = 256  # of the mean face [px]
# Standard deviations of blurs, in sides: of the slow changes that are removed, and of noise.
SLOW, FINE = 0.1, 0.004
DARK = 8.0  # added to brightness, 0..255, before ratios are taken
# Face Mesh points around the right eye and the left.
EYE_LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)


class MeanFace(NamedTuple):
    """The frame of ratio images: a mean face, in pixels of SIDE.

    `inside` holds P pixels; in its order, `triangle` and `weights` say where in the mesh each lies.
    """

    points: np.ndarray  # (468, 2)
    triangles: np.ndarray  # (T, 3)
    triangle: np.ndarray  # (P,) row of `triangles`
    weights: np.ndarray  # (P, 3) barycentric coordinates in it
    inside: np.ndarray  # (S, S) bool
    skin: np.ndarray  # (S, S) float32: 1 on skin, 0 in eyes, mouth and background


def mean_face(points: np.ndarray) -> MeanFace:
    """Average Face Mesh points (N, 468, 2), in shares of the crop's side, make the mean symmetric,
    and triangulate it."""
    mean = points.mean(0) * SIDE - 0.5
    mirrored = mean[MIRRORED[:FACE_POINTS]] * (-1, 1) + (SIDE - 1, 0)
    mean = (mean + mirrored) / 2
    mesh = Delaunay(mean)
    y, x = np.mgrid[:SIDE, :SIDE]
    positions = np.stack([x.ravel(), y.ravel()], 1).astype(float)
    triangle = mesh.find_simplex(positions)  # -1 outside
    inside = triangle >= 0
    positions, triangle = positions[inside], triangle[inside]
    inside = inside.reshape(SIDE, SIDE)
    skin = inside.astype(np.float32)
    for ids in (LIP_EDGES, *EYE_LIDS):
        hull = cv2.convexHull(np.float32(mean[list(ids)]))
        cv2.fillPoly(skin, [np.int32(np.round(hull))], 0.0)
    weights = barycentric(mesh, triangle, positions)
    return MeanFace(mean, mesh.simplices, triangle, weights, inside, skin)


def barycentric(mesh: Delaunay, triangle: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Compute the weights (N, 3) of the corners of triangles (N,) of a mesh at positions (N, 2)."""
    affine = mesh.transform[triangle]
    weights = np.einsum("nij,nj->ni", affine[:, :2], positions - affine[:, 2])
    return np.c_[weights, 1 - weights.sum(1)]


def warp_to_mean(face: MeanFace, grey: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Warp a picture (H, W) float32 with Face Mesh points (468, 2) [px] to the mean face (S, S)."""
    corners = points[face.triangles][face.triangle]
    positions = np.full((SIDE, SIDE, 2), -1, np.float32)
    positions[face.inside] = np.einsum("nk,nkd->nd", face.weights, corners)
    return cv2.remap(grey, positions, None, cv2.INTER_LINEAR)


def ratio_image(face: MeanFace, neutral: np.ndarray, smiling: np.ndarray) -> np.ndarray:
    """Compute the high-pass filtered logarithm (S, S) of smiling over neutral; 0 outside the skin.

    neutral, smiling: (S, S), see `warp_to_mean`.
    """
    ratio = np.log((smiling + DARK) / (neutral + DARK))
    ratio = cv2.GaussianBlur(ratio, (0, 0), FINE * SIDE)
    area = cv2.GaussianBlur(face.skin, (0, 0), SLOW * SIDE) + 1e-3
    slow = cv2.GaussianBlur(ratio * face.skin, (0, 0), SLOW * SIDE) / area
    edge = cv2.GaussianBlur(cv2.erode(face.skin, np.ones((7, 7))), (0, 0), 2)
    return (ratio - slow) * edge
