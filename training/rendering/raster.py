"""Drawing triangles with a depth buffer, and what is needed of a mesh for light."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is seen at every pixel of a square picture of S pixels a side."""

    triangle: np.ndarray  # (S, S) int32 row of the triangles, -1 for none
    weights: np.ndarray  # (S, S, 3) float32 shares of the triangle's corners
    nearness: np.ndarray  # (S, S) float32 [px]
    triangles: np.ndarray  # (T, 3) int32

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values (V, C) float32 of the vertices at every pixel, (S, S, C); 0 where nothing is."""
        return _interpolate(self.triangle, self.weights, self.triangles, values)

    def vertices(self, count: int) -> np.ndarray:
        """(count,) bool: the vertices of all triangles that are seen."""
        drawn, seen = np.zeros(len(self.triangles), bool), np.zeros(count, bool)
        drawn[self.triangle[self.triangle >= 0]] = True
        seen[self.triangles[drawn]] = True
        return seen


def draw(vertices: np.ndarray, triangles: np.ndarray, side: int) -> Drawing:
    """vertices (V, 3) float32: x, y [px, centres at integers] and nearness [px].

    Triangles that face away are left out.
    """
    return Drawing(*_rasterise(vertices, triangles, side), triangles)


def nearest(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every pixel, the distance to the nearest known one, (H, W) float32, and its x, y,
    (H, W, 2) float32. known: (H, W) bool, not all False."""
    distance, labels = cv2.distanceTransformWithLabels(
        np.uint8(~known), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    y, x = np.nonzero(known)
    place_of = np.zeros((labels.max() + 1, 2), np.float32)
    place_of[labels[y, x]] = np.stack([x, y], 1)
    return distance, place_of[labels]


@numba.njit(cache=True)
def _rasterise(vertices, triangles, side):
    triangle = np.full((side, side), -1, np.int32)
    weights = np.zeros((side, side, 3), np.float32)
    nearness = np.full((side, side), -np.inf, np.float32)
    for t in range(len(triangles)):
        a, b, c = vertices[triangles[t, 0]], vertices[triangles[t, 1]], vertices[triangles[t, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if area >= 0:  # y points down, so what runs against the clock has a negative area
            continue
        left = max(0, int(np.ceil(min(a[0], b[0], c[0]))))
        right = min(side - 1, int(np.floor(max(a[0], b[0], c[0]))))
        top = max(0, int(np.ceil(min(a[1], b[1], c[1]))))
        bottom = min(side - 1, int(np.floor(max(a[1], b[1], c[1]))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                of_b = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
                of_c = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
                of_a = 1 - of_b - of_c
                if of_a < -1e-4 or of_b < -1e-4 or of_c < -1e-4:
                    continue
                near = of_a * a[2] + of_b * b[2] + of_c * c[2]
                if near > nearness[y, x]:
                    nearness[y, x] = near
                    triangle[y, x] = t
                    weights[y, x, 0] = of_a
                    weights[y, x, 1] = of_b
                    weights[y, x, 2] = of_c
    return triangle, weights, nearness


@numba.njit(cache=True)
def _interpolate(triangle, weights, triangles, values):
    side, channels = len(triangle), values.shape[1]
    result = np.zeros((side, side, channels), np.float32)
    for y in range(side):
        for x in range(side):
            t = triangle[y, x]
            if t >= 0:
                for k in range(3):
                    corner = triangles[t, k]
                    for channel in range(channels):
                        result[y, x, channel] += weights[y, x, k] * values[corner, channel]
    return result


@numba.njit(cache=True)
def normals(vertices, triangles):
    """(V, 3) float32 unit normals of vertices (V, 3), mean of their triangles by area."""
    result = np.zeros_like(vertices)
    for t in range(len(triangles)):
        a, b, c = vertices[triangles[t, 0]], vertices[triangles[t, 1]], vertices[triangles[t, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in range(3):
            corner = triangles[t, k]
            result[corner, 0] += nx
            result[corner, 1] += ny
            result[corner, 2] += nz
    for i in range(len(result)):
        x, y, z = result[i]
        length = np.sqrt(x * x + y * y + z * z) + 1e-12
        result[i, 0] /= length
        result[i, 1] /= length
        result[i, 2] /= length
    return result


@numba.njit(cache=True)
def unhidden(vertices, nearness, tolerance):
    """(V,) bool: vertices (V, 3) that nothing of a depth buffer covers by more than `tolerance`."""
    result = np.ones(len(vertices), np.bool_)
    height, width = nearness.shape
    for i in range(len(vertices)):
        x, y = int(np.floor(vertices[i, 0] + 0.5)), int(np.floor(vertices[i, 1] + 0.5))
        if 0 <= x < width and 0 <= y < height:
            result[i] = vertices[i, 2] > nearness[y, x] - tolerance
    return result
