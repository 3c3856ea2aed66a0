"""Teeth, gums and tongue as two flat pictures, and their placement in a photographed face.

The generator of architecture "warp" stores the pictures and learns the placement
(moodganimation/networks/teeth.py): a network of its size cannot paint teeth, but it can predict
where they are. The shapes come from ICT-FaceKit's model, see FACE_MODEL_LICENSE.txt.

Placements are affine maps (2, 3) from picture coordinates, [-1, 1] from edge to edge, x to the
right and y down, to face coordinates.
"""

import cv2
import numpy as np

from .facs import AU27_JAW_ACTIVATION
from .model import RENDER_SIDE, FaceModel
from .mouth import LIGHT_DIRECTION, MAX_TOOTH_GAP, close_gaps, light_at_depth, white_brightness
from .raster import normals, rasterize
from .source import LUMINANCE, Source
from .surface import Surface
from .units import ACTIVATION_AT_0, ACTIVATION_AT_5, AU26, UNIT_COUNT, UNIT_KEYS

PICTURE_HALF_WIDTH = 3.7  # of both pictures [lengths of the model]
# Bottom and top of the pictures with an open jaw, y in model space.
HEIGHT_RANGES = {"upper": (-3.45, -0.75), "lower": (-7.05, -2.35)}
JAW_ACTIVATION = 1.0  # of AU26, with which the pictures are rendered
HALF_WIDTH_PIXELS = 96  # pixels of half the width of a picture
COLORS = {"teeth": (1.0, 0.97, 0.92), "gums_tongue": (0.7, 0.42, 0.43)}  # relative to WHITE
WHITE = np.float32([0.96, 0.92, 0.86])  # RGB of front teeth in white light
WHITE_PERCENTILE = 98  # percentile of the teeth's brightness that is white
AMBIENT_LIGHT = 0.6  # share of the light that does not depend on the direction
# Front teeth reach this far behind the foremost point of the teeth [lengths of the model].
FRONT_DEPTH = 3.0
GUM_FADE = 0.12  # share of a picture's height over which gums fade out


def render_pictures(model: FaceModel) -> dict[str, np.ndarray]:
    """Render the pictures {"upper", "lower"}: (h, w, 4) float32 in [0, 1], RGB times alpha, and
    alpha; front teeth are white."""
    shape = _open_jaw_vertices(model)
    scale = HALF_WIDTH_PIXELS / PICTURE_HALF_WIDTH
    colors = _vertex_colors(model, shape)
    pictures = {}
    for name, (bottom, top) in HEIGHT_RANGES.items():
        rows = round((top - bottom) * scale)
        vertices = np.stack(
            [
                HALF_WIDTH_PIXELS + shape[:, 0] * scale,
                (top - shape[:, 1]) * scale,
                shape[:, 2] * scale,
            ],
            1,
        ).astype(np.float32)
        vertices[:, :2] -= 0.5
        triangles = _triangles(model, name)
        raster = rasterize(vertices, triangles, max(2 * HALF_WIDTH_PIXELS, rows))
        index = raster.triangle_index
        is_tooth = (index >= 0) & _are_teeth(model, triangles)[index]
        colored = close_gaps(raster.interpolate(colors), is_tooth, MAX_TOOTH_GAP * scale)
        alpha = (index >= 0) | (colored.max(2) > 0)
        picture = np.dstack([colored, alpha]).astype(np.float32)
        picture = cv2.GaussianBlur(picture[:rows, : 2 * HALF_WIDTH_PIXELS], (0, 0), 0.8)
        picture *= _gum_fade(rows, name)
        pictures[name] = np.clip(picture, 0, 1)
    return pictures


def _vertex_colors(model: FaceModel, shape: np.ndarray) -> np.ndarray:
    """Colors (V, 3) float32 of teeth and gums in the light of a mouth; front teeth are white."""
    parts, normal = model.vertices_of, normals(shape, model.triangles)
    depth_behind = np.clip(shape[parts["teeth"], 2].max() - shape[:, 2], 0, None)
    direct = np.clip(normal @ LIGHT_DIRECTION, 0, 1)
    brightness = light_at_depth(depth_behind) * (AMBIENT_LIGHT + (1 - AMBIENT_LIGHT) * direct)
    colors = np.zeros((len(shape), 3), np.float32)
    for part, color in COLORS.items():
        colors[parts[part]] = color
    colors *= brightness[:, None] / np.percentile(brightness[parts["teeth"]], WHITE_PERCENTILE)
    return colors


def jaw_drop(model: FaceModel) -> dict[str, float]:
    """Compute the downward motion of the lower picture as each unit rises from 0 to 1, by key of
    the unit, in picture coordinates."""
    motion = model.expressions[:UNIT_COUNT, _front_teeth(model, "lower"), 1].mean(1)
    down = motion * _picture_scale("lower")[1]
    drops = dict(zip(UNIT_KEYS, (down * (ACTIVATION_AT_5 - ACTIVATION_AT_0)).tolist(), strict=True))
    return drops | {"AU27": float(down[AU26] * AU27_JAW_ACTIVATION)}


def jaw_placement(surface: Surface, source: Source) -> dict[str, np.ndarray]:
    """Fit placements {"upper", "lower"} (2, 3), in face coordinates of the canonical crop, to the
    front teeth; and compute the color "white" (3,) of teeth in this photo's light, 0..1."""
    model = surface.model
    result = {}
    for name in HEIGHT_RANGES:
        front = _front_teeth(model, name)
        in_face = (source.vertices[front, :2] + 0.5) * (2 / RENDER_SIDE) - 1
        result[name] = _affine(_picture_coordinates(model, name)[front], in_face)
    white = WHITE * source.light.tint * (white_brightness(source.light) / 255)
    result["white"] = np.full(3, white @ LUMINANCE) if source.light.grey else white
    return result


def _are_teeth(model: FaceModel, triangles: np.ndarray) -> np.ndarray:
    """Whether triangles (T, 3) belong to teeth, (T,) bool."""
    part = model.vertices_of["teeth"]
    return ((triangles >= part.start) & (triangles < part.stop)).all(1)


def _open_jaw_vertices(model: FaceModel) -> np.ndarray:
    """The vertices (V, 3) of the mean face with an open jaw."""
    expression = np.zeros(len(model.expressions))
    expression[AU26] = JAW_ACTIVATION
    return model.shape(model.identity_mean, expression)


def _picture_scale(name: str) -> np.ndarray:
    """A length of the model in picture coordinates, (2,)."""
    bottom, top = HEIGHT_RANGES[name]
    return np.array([1 / PICTURE_HALF_WIDTH, -2 / (top - bottom)])


def _picture_coordinates(model: FaceModel, name: str) -> np.ndarray:
    """Every vertex in picture coordinates, (V, 2)."""
    bottom, top = HEIGHT_RANGES[name]
    shape = _open_jaw_vertices(model)[:, :2] - np.array([0, (bottom + top) / 2])
    return shape * _picture_scale(name)


def _triangles(model: FaceModel, name: str) -> np.ndarray:
    """The triangles (T', 3) of teeth and gums of the "upper" or "lower" jaw."""
    kept = np.concatenate(
        [
            np.arange(model.triangles_of[part].start, model.triangles_of[part].stop)
            for part in ("gums_tongue", "teeth")
        ]
    )
    triangles = model.triangles[kept]
    lower = model.lower_jaw[triangles].mean(1) > 0.5
    return np.ascontiguousarray(triangles[lower == (name == "lower")])


def _front_teeth(model: FaceModel, name: str) -> np.ndarray:
    """Indices of the vertices of the front teeth of the "upper" or "lower" jaw."""
    teeth = np.zeros(len(model.neutral), bool)
    teeth[model.vertices_of["teeth"]] = True
    z = model.neutral[:, 2]
    near = z > z[teeth].max() - FRONT_DEPTH
    return np.flatnonzero(teeth & near & (model.lower_jaw == (name == "lower")))


def _affine(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The least-squares affine map (2, 3) from points (P, 2) to targets (P, 2)."""
    return np.linalg.lstsq(np.c_[points, np.ones(len(points))], targets, rcond=None)[0].T


def _gum_fade(rows: int, name: str) -> np.ndarray:
    """The factor (rows, 1, 1) by which gums fade out at the edge that lips cover."""
    y = (np.arange(rows) + 0.5) / rows
    distance = y if name == "upper" else 1 - y
    return np.clip(distance / GUM_FADE, 0, 1)[:, None, None]
