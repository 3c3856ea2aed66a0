"""Analysis of a photo with a fitted model: everything that its edits have in common."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from . import eyes, head
from .fit import Fit
from .model import RENDER_SCALE, RENDER_SIDE, crop_to_render, project, rotation
from .raster import Raster, nearest_known, normals, rasterize, visible_vertices
from .surface import EYE, MOUTH, SKIN, Surface

MIN_FACING = 0.05  # cosine to the camera above which skin counts as visible
VISIBLE_DEPTH = 2.0  # render px behind the depth buffer at which a vertex still counts as visible
LUMINANCE = np.float32([0.299, 0.587, 0.114])  # of RGB (ITU-R BT.601)

# Light: it is estimated from visible skin at these distances [lengths of the model].
MIN_LIP_DISTANCE, MIN_EYE_DISTANCE = 1.2, 1.0
MIN_LIGHT_FACING = 0.25  # cosine to the camera
MIN_LIGHT_DEPTH = 4  # z in model space: leaves out ears and neck
MIN_SKIN_VERTICES = 50  # such vertices needed to estimate the light
LIGHT_STEPS = 3  # of iteratively reweighted least squares
LIGHT_OUTLIER = 25  # error of brightness, 0..255, at which the weight of a vertex is halved
# Weights of a ridge on the coefficients, which draws them towards light without direction.
LIGHT_PRIOR = (1e-3, 30, 30, 30)
BRIGHT_SKIN_PERCENTILE = 70  # of the brightness of that skin
DEFAULT_BRIGHTNESS = 130.0  # of skin, if too few vertices are visible
MIN_LIGHT_SHARE = 0.35  # of the brightness of bright skin: a deep shadow
MAX_GREY_SATURATION = 2.5  # deviation of channels of the mean color, 0..255, in black and white
SKIN_COLOR = np.float32([1.19, 0.93, 0.84])  # mean of studio photos, of brightness 1
LIGHT_TINT_SHARE = 0.6  # share of a deviating skin color that is attributed to the light

# Openings: mouth and eyes.
MOUTH_INTERIOR = 0.6  # share from which a pixel shows the inside of the mouth
MIN_MOUTH_PIXELS = 60  # such pixels needed to estimate the brightness of teeth
BRIGHT_TEETH_PERCENTILE = 92  # of their brightness
MIN_EYE_PIXELS = 20  # visible pixels of eyeballs needed to copy from

# Occluded skin nearer to lips or eyes than the first distance takes its texture from visible skin
# nearer than the second [lengths of the model].
NEAR_LIPS, NEAR_EYES = (2.0, 2.5), (1.6, 2.0)
SUBSTITUTES = 3  # visible vertices that an occluded one is interpolated from


@dataclass(frozen=True, eq=False)
class Light:
    """Brightness of skin, 0..255, by its normal n: first-order spherical harmonics
    c0 + c1 nx + c2 ny + c3 nz (Basri & Jacobs 2003)."""

    coefficients: np.ndarray  # (4,)
    skin_brightness: float  # of bright skin, 0..255
    tooth_brightness: float | None  # of the brightest pixels in an open mouth; None if it is shut
    grey: bool  # whether the photo is black and white
    tint: np.ndarray  # (3,) RGB of the light, of brightness 1

    def brightness(self, normals: np.ndarray) -> np.ndarray:
        """Compute the brightness (N,) at normals (N, 3), at least that of a deep shadow."""
        brightness = self.coefficients[0] + normals @ self.coefficients[1:]
        return np.maximum(brightness, MIN_LIGHT_SHARE * self.skin_brightness)


@dataclass(frozen=True, eq=False)
class Source:
    """A photo of S = RENDER_SIDE pixels a side with its fitted model. Positions: render px."""

    picture: np.ndarray  # (S, S, 3) uint8 RGB
    fit: Fit
    shape: np.ndarray  # (V, 3) vertices in model space
    vertices: np.ndarray  # (V, 3) x, y and nearness, moved onto the landmarks
    vertex_offsets: np.ndarray  # (V, 2) offsets that moved them there
    model_points: np.ndarray  # (468, 2) landmarks of the model without these offsets
    normals: np.ndarray  # (skin_count, 3) towards the camera where z is positive
    segmentation: np.ndarray  # (S, S) int8, see `segment`
    is_drawn: np.ndarray  # (V,) bool: belongs to a triangle that some pixel shows
    is_occluded: np.ndarray  # (skin_count,) bool: behind another part, or facing away
    substitute_positions: np.ndarray  # (skin_count, 2) texture positions for occluded skin
    brightness: np.ndarray  # (skin_count,) of the photo at the vertices, 0..255
    light: Light
    mouth: np.ndarray  # (S, S) float32 share of the inside of the mouth, less its edge
    eye: np.ndarray  # (S, S) bool: eyeball, less its edge
    nearest_eye: np.ndarray | None  # (S, S, 2) float32 nearest visible pixel of an eyeball
    irises: np.ndarray | None  # (2, 2) of the right eye and of the left; None if not known
    eye_widths: np.ndarray  # (2,) likewise, from corner to corner [px]
    depth: np.ndarray  # (S, S) float32, see `head.depth_map` [px]
    lateral_position: np.ndarray  # (S, S) float32, see `head.lateral_position_map`

    @property
    def points(self) -> np.ndarray:
        """The landmarks (468, 2) in the photo."""
        return self.model_points + RENDER_SCALE * self.fit.offsets


def analyze(
    surface: Surface, picture: np.ndarray, fit: Fit, landmarks: np.ndarray | None = None
) -> Source:
    """Analyze a photo.

    picture: (S, S, 3) uint8 RGB, the canonical crop of `fit`. landmarks: (478, 2) [crop px], with
    irises, which are needed to turn the eyes.
    """
    model = surface.model
    shape = model.shape(fit.identity, fit.expression)
    vertices = project(shape, fit.pose, RENDER_SIDE)
    model_points = vertices[model.landmarks, :2].astype(np.float64)
    offsets = surface.extend_inside(surface.interpolate_offsets(RENDER_SCALE * fit.offsets))
    vertices[:, :2] += offsets
    raster = rasterize(vertices, model.triangles, RENDER_SIDE)
    segmentation = segment(surface, raster)
    skin_normals, is_visible = _skin(surface, fit, shape, vertices, raster)
    mouth, eye, nearest_eye = _openings(segmentation)
    skin_positions = vertices[: model.skin_count, :2]
    brightness, light = _light(surface, picture, skin_positions, skin_normals, is_visible, mouth)
    return Source(
        picture=picture,
        fit=fit,
        shape=shape,
        vertices=vertices,
        vertex_offsets=offsets,
        model_points=model_points,
        normals=skin_normals,
        segmentation=segmentation,
        is_drawn=raster.drawn_vertices(len(vertices)),
        is_occluded=~is_visible,
        substitute_positions=_substitute_positions(surface, skin_positions, is_visible),
        brightness=brightness,
        light=light,
        mouth=mouth,
        eye=eye,
        nearest_eye=nearest_eye,
        irises=_irises(landmarks),
        eye_widths=eyes.eye_widths(model_points + RENDER_SCALE * fit.offsets),
        depth=head.depth_map(fit, raster, segmentation == SKIN),
        lateral_position=head.lateral_position_map(model, raster, segmentation >= 0),
    )


def segment(surface: Surface, raster: Raster) -> np.ndarray:
    """Return what each pixel shows, (S, S) int8: SKIN, MOUTH or EYE of surface.py, -1 for none."""
    index = raster.triangle_index
    return np.where(index >= 0, surface.triangle_class[index], np.int8(-1))


def _skin(
    surface: Surface, fit: Fit, shape: np.ndarray, vertices: np.ndarray, raster: Raster
) -> tuple[np.ndarray, np.ndarray]:
    """Normals (skin_count, 3) of the skin in the pose of the fit, and whether it is visible."""
    count = surface.model.skin_count
    skin_normals = normals(shape, surface.skin_triangles)[:count]
    skin_normals = skin_normals @ rotation(*fit.pose[:3]).T.astype(np.float32)
    in_front = visible_vertices(vertices[:count], raster.nearness, VISIBLE_DEPTH)
    return skin_normals, in_front & (skin_normals[:, 2] > MIN_FACING)


def _irises(landmarks: np.ndarray | None) -> np.ndarray | None:
    """`Source.irises` from landmarks (P, 2) [crop px]."""
    if landmarks is None or not eyes.has_irises(landmarks):
        return None
    return crop_to_render(landmarks[[iris for _, iris in eyes.CORNERS_AND_IRISES], :2])


def _substitute_positions(
    surface: Surface, positions: np.ndarray, is_visible: np.ndarray
) -> np.ndarray:
    """`Source.substitute_positions`: occluded skin near lips or eyes takes the texture of visible
    vertices near them, the nearest in its half of the face (`FaceModel.lower_face`); all other skin
    keeps its own positions (skin_count, 2)."""
    result = positions.copy()
    neutral, lower = surface.model.neutral, surface.model.lower_face
    near, around = (
        (surface.lip_distance < max_lip_distance) | (surface.eye_distance < max_eye_distance)
        for max_lip_distance, max_eye_distance in zip(NEAR_LIPS, NEAR_EYES, strict=True)
    )
    is_target, is_substitute = ~is_visible & near, is_visible & around
    for half in (lower, ~lower):
        substitutes = np.flatnonzero(is_substitute & half)
        targets = np.flatnonzero(is_target & half)
        if len(substitutes) >= SUBSTITUTES and len(targets):
            distance, chosen = cKDTree(neutral[substitutes]).query(neutral[targets], SUBSTITUTES)
            weights = 1 / (distance + 0.02)
            weights /= weights.sum(1, keepdims=True)
            result[targets] = (positions[substitutes][chosen] * weights[..., None]).sum(1)
    return result


def _openings(segmentation: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """`mouth`, `eye` and `nearest_eye` of a source, from its `segmentation`."""
    square = np.ones((3, 3), np.uint8)
    mouth = cv2.erode(np.uint8(segmentation == MOUTH), square, iterations=2).astype(np.float32)
    mouth = cv2.GaussianBlur(mouth, (0, 0), 1.2)
    eye = cv2.erode(np.uint8(segmentation == EYE), square)
    upwards = np.uint8([[0, 1, 0], [0, 1, 0], [0, 0, 0]])  # removes upper rows, which are lashes
    without_lashes = cv2.erode(eye, upwards, iterations=2)
    for candidate in (without_lashes, eye, np.uint8(segmentation == EYE)):
        if candidate.sum() > MIN_EYE_PIXELS:
            return mouth, eye > 0, nearest_known(candidate > 0)[1]
    return mouth, eye > 0, None


def _light(
    surface: Surface,
    picture: np.ndarray,
    skin_positions: np.ndarray,
    skin_normals: np.ndarray,
    is_visible: np.ndarray,
    mouth: np.ndarray,
) -> tuple[np.ndarray, Light]:
    """Return `Source.brightness`, and the light, estimated from visible skin."""
    grey = picture @ LUMINANCE
    x, y = np.clip(skin_positions + 0.5, 0, RENDER_SIDE - 1).astype(int).T
    brightness = grey[y, x]
    mouth_brightness, tooth_brightness = grey[mouth > MOUTH_INTERIOR], None
    if len(mouth_brightness) > MIN_MOUTH_PIXELS:
        tooth_brightness = float(np.percentile(mouth_brightness, BRIGHT_TEETH_PERCENTILE))
    chosen = is_visible & (skin_normals[:, 2] > MIN_LIGHT_FACING)
    chosen &= (surface.lip_distance > MIN_LIP_DISTANCE) & (surface.eye_distance > MIN_EYE_DISTANCE)
    chosen &= surface.model.neutral[: surface.model.skin_count, 2] > MIN_LIGHT_DEPTH
    if chosen.sum() <= MIN_SKIN_VERTICES:
        coefficients, tint = np.array([DEFAULT_BRIGHTNESS, 0, 0, 0]), np.ones(3, np.float32)
        light = Light(coefficients, DEFAULT_BRIGHTNESS, tooth_brightness, False, tint)
        return brightness, light
    mean = picture[y, x][chosen].mean(0)
    saturation = np.abs(mean - mean.mean()).max()
    tint = (mean / (mean @ LUMINANCE) / SKIN_COLOR) ** LIGHT_TINT_SHARE
    return brightness, Light(
        coefficients=_fit_harmonics(skin_normals[chosen], brightness[chosen]),
        skin_brightness=float(np.percentile(brightness[chosen], BRIGHT_SKIN_PERCENTILE)),
        tooth_brightness=tooth_brightness,
        grey=bool(saturation < MAX_GREY_SATURATION),
        tint=np.float32(tint / (tint @ LUMINANCE)),
    )


def _fit_harmonics(normals: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Fit `Light.coefficients` (4,) to the brightness (N,) at normals (N, 3), robustly against
    beards and brows: least squares with Cauchy weights."""
    terms = np.c_[np.ones(len(normals)), normals]
    weights = np.ones(len(terms))
    for _ in range(LIGHT_STEPS):
        curvature = terms.T @ (terms * weights[:, None]) + np.diag(LIGHT_PRIOR)
        coefficients = np.linalg.solve(curvature, terms.T @ (weights * brightness))
        weights = 1 / (1 + np.square((brightness - terms @ coefficients) / LIGHT_OUTLIER))
    return coefficients
