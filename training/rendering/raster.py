"""Rasterization of triangles with a depth buffer, normals and visibility of vertices."""

from dataclasses import dataclass

import cv2
import numba
import numpy as np

# Negative barycentric coordinate up to which a pixel belongs to a triangle: prevents cracks between
# neighbours.
EDGE_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Raster:
    """The visible triangle at every pixel of a square picture of S pixels a side."""

    triangle_index: np.ndarray  # (S, S) int32 index into `triangles`, -1 for none
    weights: np.ndarray  # (S, S, 3) float32 barycentric coordinates
    nearness: np.ndarray  # (S, S) float32 depth buffer, larger is nearer to the camera [px]
    triangles: np.ndarray  # (T, 3) int32

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Interpolate values (V, C) float32 of the vertices at every pixel: (S, S, C), 0 where no
        triangle is drawn."""
        return _interpolate(self.triangle_index, self.weights, self.triangles, values)

    def drawn_vertices(self, count: int) -> np.ndarray:
        """Return (count,) bool: whether each of `count` vertices belongs to a drawn triangle."""
        drawn, result = np.zeros(len(self.triangles), bool), np.zeros(count, bool)
        drawn[self.triangle_index[self.triangle_index >= 0]] = True
        result[self.triangles[drawn]] = True
        return result


def rasterize(vertices: np.ndarray, triangles: np.ndarray, side: int) -> Raster:
    """Rasterize triangles with a depth buffer; those that face away are culled.

    vertices: (V, 3) float32, x, y [px, centres at integers] and nearness [px].
    """
    return Raster(*_rasterize(vertices, triangles, side), triangles)


def nearest_known(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of every pixel to the nearest known one, (H, W) float32 [px], and that
    one's x, y, (H, W, 2) float32. known: (H, W) bool, not all False."""
    distance, labels = cv2.distanceTransformWithLabels(
        np.uint8(~known), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    y, x = np.nonzero(known)
    position_of = np.zeros((labels.max() + 1, 2), np.float32)  # of the known pixel of a label
    position_of[labels[y, x]] = np.stack([x, y], 1)
    return distance, position_of[labels]


@numba.njit(cache=True)
def _rasterize(vertices, triangles, side):
    """Return `triangle_index`, `weights` and `nearness` of a `Raster`."""
    triangle_index = np.full((side, side), -1, np.int32)
    weights = np.zeros((side, side, 3), np.float32)
    nearness = np.full((side, side), -np.inf, np.float32)
    for t in range(len(triangles)):
        a, b, c = vertices[triangles[t, 0]], vertices[triangles[t, 1]], vertices[triangles[t, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if area >= 0:  # faces away: y points down, so front faces (counter-clockwise) are negative
            continue
        left = max(0, int(np.ceil(min(a[0], b[0], c[0]))))
        right = min(side - 1, int(np.floor(max(a[0], b[0], c[0]))))
        top = max(0, int(np.ceil(min(a[1], b[1], c[1]))))
        bottom = min(side - 1, int(np.floor(max(a[1], b[1], c[1]))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                weight_b = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
                weight_c = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
                weight_a = 1 - weight_b - weight_c
                if min(weight_a, weight_b, weight_c) < -EDGE_TOLERANCE:
                    continue
                near = weight_a * a[2] + weight_b * b[2] + weight_c * c[2]
                if near > nearness[y, x]:
                    nearness[y, x] = near
                    triangle_index[y, x] = t
                    weights[y, x, 0] = weight_a
                    weights[y, x, 1] = weight_b
                    weights[y, x, 2] = weight_c
    return triangle_index, weights, nearness


@numba.njit(cache=True)
def _interpolate(triangle_index, weights, triangles, values):
    side, channels = len(triangle_index), values.shape[1]
    result = np.zeros((side, side, channels), np.float32)
    for y in range(side):
        for x in range(side):
            t = triangle_index[y, x]
            if t >= 0:
                for k in range(3):
                    corner = triangles[t, k]
                    for channel in range(channels):
                        result[y, x, channel] += weights[y, x, k] * values[corner, channel]
    return result


@numba.njit(cache=True)
def normals(vertices, triangles):
    """Return unit normals (V, 3) float32 of vertices (V, 3): means of their triangles, weighted by
    area."""
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
def visible_vertices(vertices, nearness, tolerance):
    """Return (V,) bool: whether vertices (V, 3) lie at most `tolerance` px behind a depth buffer
    (H, W). Vertices outside the picture count as visible."""
    result = np.ones(len(vertices), np.bool_)
    height, width = nearness.shape
    for i in range(len(vertices)):
        x, y = int(np.floor(vertices[i, 0] + 0.5)), int(np.floor(vertices[i, 1] + 0.5))
        if 0 <= x < width and 0 <= y < height:
            result[i] = vertices[i, 2] > nearness[y, x] - tolerance
    return result
