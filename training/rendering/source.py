"""What is known of a photo once the model is fitted to it, whatever expression follows."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from . import eyes, head
from .fit import Fit
from .model import SIDE, project, rotation
from .raster import Drawing, draw, nearest, normals, unhidden
from .surface import EYE, MOUTH, SKIN, Surface

FACING = 0.05  # cosine to the camera from which skin can be seen
PLAIN_SKIN = 50  # vertices in plain sight that light can be measured on
GREY = 2.5  # levels that colors may differ in a black-and-white photo
LUMINANCE = np.float32([0.299, 0.587, 0.114])
SKIN_COLOR = np.float32([1.19, 0.93, 0.84])  # mean of studio photos, of brightness 1
TINTED = 0.6  # how far skin of another color is due to the light; the rest is the skin
EYE_PIXELS = 20  # of an eye that shows enough to copy from


@dataclass(frozen=True, eq=False)
class Light:
    """Brightness of skin, 0..255, by its normal n: first-order spherical harmonics
    c0 + c1 nx + c2 ny + c3 nz (Basri & Jacobs 2003)."""

    coefficients: np.ndarray  # (4,)
    skin: float  # what bright skin has
    inside: float | None  # what the brightest in an open mouth has; None where nothing shows
    grey: bool  # a photo without colors
    tint: np.ndarray  # (3,) RGB that white has in it, of brightness 1

    def on(self, normal: np.ndarray) -> np.ndarray:
        """(V,) brightness at normals (V, 3), never darker than a deep shadow."""
        bright = self.coefficients[0] + normal @ self.coefficients[1:]
        return np.maximum(bright, 0.35 * self.skin)


@dataclass(frozen=True, eq=False)
class Source:
    """A photo of SIDE pixels, with the model in it; positions in its pixels."""

    picture: np.ndarray  # (SIDE, SIDE, 3) uint8 RGB
    fit: Fit
    shape: np.ndarray  # (V, 3) vertices in model space
    vertices: np.ndarray  # (V, 3) x, y and nearness, moved onto the landmarks
    spread: np.ndarray  # (V, 2) what moved them there
    model_points: np.ndarray  # (468, 2) where the model has the landmarks
    normals: np.ndarray  # (skin, 3) towards the camera where z is positive
    kind: np.ndarray  # (SIDE, SIDE) SKIN, MOUTH or EYE of surface.py, -1 outside
    shown: np.ndarray  # (V,) bool: belongs to a triangle in sight
    hidden: np.ndarray  # (skin,) bool: covered, or turned away
    lent: np.ndarray  # (skin, 2) where hidden skin of lips and lids takes its looks from
    brightness: np.ndarray  # (skin,) of the photo at the vertices, 0..255
    light: Light
    mouth: np.ndarray  # (SIDE, SIDE) float32 share of inner mouth, less its edge
    eye: np.ndarray  # (SIDE, SIDE) bool: eyeball, less its edge
    nearest_eye: np.ndarray | None  # (SIDE, SIDE, 2) float32 the nearest good pixel of an eyeball
    irises: np.ndarray | None  # (2, 2) of the right eye and of the left; None if not known
    eye_widths: np.ndarray  # (2,) likewise, from corner to corner [px]
    depth: np.ndarray  # (SIDE, SIDE) float32 from the neck's axis to the camera [px], see head.py
    across: np.ndarray  # (SIDE, SIDE) float32 of the face, see `lateral_map`

    @property
    def points(self) -> np.ndarray:
        """(468, 2) the landmarks."""
        return self.model_points + 2 * self.fit.offsets


def look(
    surface: Surface, picture: np.ndarray, fit: Fit, landmarks: np.ndarray | None = None
) -> Source:
    """picture: (SIDE, SIDE, 3) uint8 RGB of the canonical crop that `fit` was fitted in; landmarks:
    (478, 2) [px of FRAME], with irises, so that the eyes can be turned."""
    model = surface.model
    shape = model.shape(fit.identity, fit.expression)
    vertices = project(shape, fit.pose, SIDE)
    model_points = vertices[model.landmarks, :2].astype(np.float64)
    spread = surface.followed(surface.spread(2 * fit.offsets))
    vertices[:, :2] += spread
    drawing = draw(vertices, model.triangles, SIDE)
    kind = kinds(surface, drawing)
    skin = vertices[: model.skin]
    turned = normals(shape, surface.skin_triangles)[: model.skin]
    turned = turned @ rotation(*fit.pose[:3]).T.astype(np.float32)
    visible = unhidden(skin, drawing.nearness, 2.0) & (turned[:, 2] > FACING)
    mouth, eye, nearest_eye = _openings(kind)
    grey = picture @ LUMINANCE
    x, y = np.clip(skin[:, :2] + 0.5, 0, SIDE - 1).astype(int).T
    return Source(
        picture=picture,
        fit=fit,
        shape=shape,
        vertices=vertices,
        spread=spread,
        model_points=model_points,
        normals=turned,
        kind=kind,
        shown=drawing.vertices(len(vertices)),
        hidden=~visible,
        lent=_lent(surface, skin[:, :2], visible),
        brightness=grey[y, x],
        light=_light(surface, turned, visible, picture[y, x], grey, mouth, (x, y)),
        mouth=mouth,
        eye=eye,
        nearest_eye=nearest_eye,
        irises=_irises(landmarks),
        eye_widths=eyes.widths(model_points + 2 * fit.offsets),
        depth=head.depth_map(model, fit, drawing, kind == SKIN),
        across=head.lateral_map(model, drawing, kind >= 0),
    )


def _irises(landmarks: np.ndarray | None) -> np.ndarray | None:
    """`Source.irises` from landmarks (P, 2) [px of FRAME]."""
    if landmarks is None or not eyes.has_irises(landmarks):
        return None
    return 2 * landmarks[[iris for _, iris in eyes.EYES], :2] + 0.5


def kinds(surface: Surface, drawing: Drawing) -> np.ndarray:
    """(SIDE, SIDE) int8: the kind of part seen at each pixel, -1 for none."""
    return np.where(drawing.triangle >= 0, surface.kinds[drawing.triangle], np.int8(-1))


def _lent(surface: Surface, places: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Hidden skin of a lip or lid looks like the nearest in sight, of the same lip or lid."""
    lent = places.copy()
    neutral, lower = surface.model.neutral, surface.model.lower
    near = (surface.to_lips < 2.0) | (surface.to_eyes < 1.6)
    around = (surface.to_lips < 2.5) | (surface.to_eyes < 2.0)
    for side in (lower, ~lower):
        lenders = np.flatnonzero(visible & around & side)
        borrowers = np.flatnonzero(~visible & near & side)
        if len(lenders) >= 3 and len(borrowers):
            distance, which = cKDTree(neutral[lenders]).query(neutral[borrowers], 3)
            shares = 1 / (distance + 0.02)
            shares /= shares.sum(1, keepdims=True)
            lent[borrowers] = (places[lenders][which] * shares[..., None]).sum(1)
    return lent


def _openings(kind: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """`mouth`, `eye` and `nearest_eye` of a source."""
    square = np.ones((3, 3), np.uint8)
    mouth = cv2.erode(np.uint8(kind == MOUTH), square, iterations=2).astype(np.float32)
    mouth = cv2.GaussianBlur(mouth, (0, 0), 1.2)
    eye = cv2.erode(np.uint8(kind == EYE), square)
    below = np.uint8([[0, 1, 0], [0, 1, 0], [0, 0, 0]])  # the upper rows are lashes
    for good in (cv2.erode(eye, below, iterations=2), eye, np.uint8(kind == EYE)):
        if good.sum() > EYE_PIXELS:
            return mouth, eye > 0, nearest(good > 0)[1]
    return mouth, eye > 0, None


def _light(surface, normal, visible, colors, grey, mouth, places) -> Light:
    """From skin in plain sight; what light does not explain (beards, brows) counts less."""
    bright = grey[places[1], places[0]]
    plain = visible & (surface.to_lips > 1.2) & (surface.to_eyes > 1.0) & (normal[:, 2] > 0.25)
    plain &= surface.model.neutral[: surface.model.skin, 2] > 4  # less ears and neck
    if plain.sum() <= PLAIN_SKIN:
        coefficients, skin, spread = np.array([130.0, 0, 0, 0]), 130.0, 255.0
        tint = np.ones(3, np.float32)
    else:
        terms = np.c_[np.ones(plain.sum()), normal[plain]]
        weights = np.ones(len(terms))
        for _ in range(3):
            curvature = terms.T @ (terms * weights[:, None]) + np.diag([1e-3, 30, 30, 30])
            coefficients = np.linalg.solve(curvature, terms.T @ (weights * bright[plain]))
            weights = 1 / (1 + np.square((bright[plain] - terms @ coefficients) / 25))
        skin = float(np.percentile(bright[plain], 70))
        mean = colors[plain].mean(0)
        spread = np.abs(mean - mean.mean()).max()
        tint = (mean / (mean @ LUMINANCE) / SKIN_COLOR) ** TINTED
        tint = np.float32(tint / (tint @ LUMINANCE))
    inner = grey[mouth > 0.6]
    inside = float(np.percentile(inner, 92)) if len(inner) > 60 else None
    return Light(coefficients, skin, inside, bool(spread < GREY), tint)
