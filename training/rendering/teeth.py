"""Teeth, gums and tongue as two flat pictures, and where they lie in a photographed face.

`warp` carries the pictures and learns the places (moodganimation/networks/teeth.py): a network of
this size does not paint teeth from nothing, but it predicts where they are. The shapes come from
ICT-FaceKit's model, see FACE_MODEL_LICENSE.txt.

Places are affine maps (2, 3) from a picture's own coordinates, [-1, 1] from edge to edge, x to the
right and y down, to face coordinates.
"""

import cv2
import numpy as np

from .facs import STRETCH
from .model import SIDE, FaceModel
from .mouth import GAP, LIGHT, close_gaps, light_at, white_in
from .raster import draw, normals
from .source import LUMINANCE, Source
from .surface import Surface
from .units import AU26, HIGH, KEYS, LOW, N

HALF_WIDTH = 3.7  # of both pictures [lengths of the model]
HEIGHTS = {"upper": (-3.45, -0.75), "lower": (-7.05, -2.35)}  # bottom and top, the jaw OPEN
OPEN = 1.0  # activation of AU26 in which the pictures are drawn
PIXELS = 96  # in a half width, of what is drawn; halved after
COLORS = {"teeth": (1.0, 0.97, 0.92), "gums_tongue": (0.7, 0.42, 0.43)}  # relative to WHITE
BRIGHTEST = 98  # percentile of the teeth's brightness that is white
FRONT = 3.0  # lengths behind the front teeth that an affine map is fitted to
WHITE = np.float32([0.96, 0.92, 0.86])  # RGB of front teeth in white light


def pictures(model: FaceModel) -> dict[str, np.ndarray]:
    """{"upper", "lower"}: (h, w, 4) float32 in [0, 1]: RGB times alpha, and alpha; a front
    tooth is white."""
    shape = _opened(model)
    scale = PIXELS / HALF_WIDTH
    normal = normals(shape, model.triangles)
    parts = model.vertices_of
    behind = np.clip(shape[parts["teeth"], 2].max() - shape[:, 2], 0, None)
    bright = light_at(behind) * (0.6 + 0.4 * np.clip(normal @ LIGHT, 0, 1))
    colors = np.zeros((len(shape), 3), np.float32)
    for part, color in COLORS.items():
        colors[parts[part]] = color
    colors *= bright[:, None] / np.percentile(bright[parts["teeth"]], BRIGHTEST)
    drawn = {}
    for name, (bottom, top) in HEIGHTS.items():
        rows = round((top - bottom) * scale)
        vertices = np.stack(
            [PIXELS + shape[:, 0] * scale, (top - shape[:, 1]) * scale, shape[:, 2] * scale], 1
        ).astype(np.float32)
        vertices[:, :2] -= 0.5
        triangles = _triangles(model, name)
        drawing = draw(vertices, triangles, max(2 * PIXELS, rows))
        tooth = (drawing.triangle >= 0) & _of_teeth(model, triangles)[drawing.triangle]
        colored = close_gaps(drawing.of(colors), tooth, GAP * scale)
        alpha = (drawing.triangle >= 0) | (colored.max(2) > 0)
        layer = np.dstack([colored, alpha]).astype(np.float32)
        layer = cv2.GaussianBlur(layer[:rows, : 2 * PIXELS], (0, 0), 0.8)
        layer *= _soft(rows, name)
        drawn[name] = np.clip(layer, 0, 1)
    return drawn


def falls(model: FaceModel) -> dict[str, float]:
    """How far the lower picture goes down, in its own coordinates, when a unit goes from 0 to 1."""
    down = model.expressions[:N, _front(model, "lower"), 1].mean(1) * _units("lower")[1]
    falls = dict(zip(KEYS, (down * (HIGH - LOW)).tolist(), strict=True))
    return falls | {"AU27": float(down[AU26] * STRETCH)}


def places(surface: Surface, source: Source) -> dict[str, np.ndarray]:
    """{"upper", "lower"}: (2, 3) in face coordinates of the canonical crop; {"white"}: (3,) the
    color of teeth in this photo's light, 0..1."""
    model = surface.model
    result = {}
    for name in HEIGHTS:
        front = _front(model, name)
        seen = (source.vertices[front, :2] + 0.5) * (2 / SIDE) - 1
        result[name] = _affine(_own(model, name)[front], seen)
    white = WHITE * source.light.tint * (white_in(source.light) / 255)
    result["white"] = np.full(3, white @ LUMINANCE) if source.light.grey else white
    return result


def _of_teeth(model: FaceModel, triangles: np.ndarray) -> np.ndarray:
    """(T,) bool: whether triangles (T, 3) belong to teeth."""
    part = model.vertices_of["teeth"]
    return ((triangles >= part.start) & (triangles < part.stop)).all(1)


def _opened(model: FaceModel) -> np.ndarray:
    expression = np.zeros(len(model.expressions))
    expression[AU26] = OPEN
    return model.shape(model.identity_mean, expression)


def _units(name: str) -> np.ndarray:
    """(2,): a length of the model in the picture's own coordinates."""
    bottom, top = HEIGHTS[name]
    return np.array([1 / HALF_WIDTH, -2 / (top - bottom)])


def _own(model: FaceModel, name: str) -> np.ndarray:
    """(V, 2): every vertex in the picture's own coordinates."""
    bottom, top = HEIGHTS[name]
    shape = _opened(model)[:, :2] - np.array([0, (bottom + top) / 2])
    return shape * _units(name)


def _moves(model: FaceModel) -> np.ndarray:
    """(V,) bool: belongs to the lower jaw."""
    return model.expressions[AU26, :, 1] < -0.3


def _triangles(model: FaceModel, name: str) -> np.ndarray:
    kept = np.concatenate(
        [
            np.arange(model.triangles_of[part].start, model.triangles_of[part].stop)
            for part in ("gums_tongue", "teeth")
        ]
    )
    triangles = model.triangles[kept]
    lower = _moves(model)[triangles].mean(1) > 0.5
    return np.ascontiguousarray(triangles[lower == (name == "lower")])


def _front(model: FaceModel, name: str) -> np.ndarray:
    """Places of the front teeth among the vertices."""
    teeth = np.zeros(len(model.neutral), bool)
    teeth[model.vertices_of["teeth"]] = True
    depth = model.neutral[:, 2]
    near = depth > depth[teeth].max() - FRONT
    return np.flatnonzero(teeth & near & (_moves(model) == (name == "lower")))


def _affine(own: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(2, 3) least squares map from (P, 2) to (P, 2)."""
    return np.linalg.lstsq(np.c_[own, np.ones(len(own))], seen, rcond=None)[0].T


def _soft(rows: int, name: str) -> np.ndarray:
    """(rows, 1, 1): gums fade out where lips hide them."""
    y = (np.arange(rows) + 0.5) / rows
    hidden = y if name == "upper" else 1 - y
    return np.clip(hidden / 0.12, 0, 1)[:, None, None]
