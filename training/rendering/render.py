"""One edit: the photo with another expression, and how each of its pixels came about."""

from dataclasses import dataclass

import cv2
import numpy as np

from . import field, lips, mouth, skin, units
from .fit import Fit
from .model import FRAME, SIDE, FaceModel, project, rotation
from .raster import draw, normals
from .source import Source, kinds, look
from .surface import EYE, MOUTH, SKIN, Surface

SHADED = 14.0  # px of SIDE from the face's edge over which its changed light sets in


@dataclass(frozen=True, eq=False)
class Render:
    """A photo of SIDE pixels after an edit; `flow` and `kind` stand at the edit's pixels."""

    picture: np.ndarray  # (SIDE, SIDE, 3) uint8 RGB
    flow: np.ndarray  # (SIDE, SIDE, 2) float32 backward: where from less where [px of FRAME]
    shade: np.ndarray  # (SIDE, SIDE) float32 gain of brightness
    kind: np.ndarray  # (SIDE, SIDE) SKIN, MOUTH or EYE of surface.py, -1 outside
    points: np.ndarray  # (468, 2) where the landmarks have gone [px of FRAME]

    @property
    def mouth(self) -> np.ndarray:
        """(SIDE, SIDE) float32: 1 where the inside of the mouth is seen."""
        return np.float32(self.kind == MOUTH)


class Renderer:
    """Makes one source of a photo, and then any number of edits of it."""

    def __init__(self, model: FaceModel):
        self.surface = Surface(model)

    def source(self, picture: np.ndarray, fit: Fit) -> Source:
        """picture: (SIDE, SIDE, 3) uint8 RGB of the canonical crop that `fit` was fitted in."""
        return look(self.surface, picture, fit)

    def edit(self, source: Source, target: np.ndarray, now: np.ndarray | None = None) -> Render:
        """The photo with the intensities `target` (17,), 0..5.

        now: its intensities as they are; the fit's where nobody knows better. Units for which both
        say the same stay as they are.
        """
        now = source.fit.intensities if now is None else now
        return self.render(source, units.expression(target, source.fit.expression, now))

    def render(self, source: Source, expression: np.ndarray) -> Render:
        """expression: (K,) of units.PARAMETERS; pose and identity stay."""
        surface, model, fit = self.surface, self.surface.model, source.fit
        shape = source.shape + model.displacement(expression - fit.expression)
        vertices = project(shape, fit.pose, SIDE)
        model_points = vertices[model.landmarks, :2].astype(np.float64)
        added = lips.changed_offsets(source, model_points, expression)
        vertices[:, :2] += source.spread
        vertices[: model.skin, :2] += surface.spread(added)
        points = model_points + 2 * fit.offsets + added
        drawing = draw(vertices, model.triangles, SIDE)
        kind, shown = kinds(surface, drawing), drawing.vertices(len(vertices))
        turn = rotation(*fit.pose[:3])
        normal = normals(shape, surface.skin_triangles)[: model.skin] @ turn.T.astype(np.float32)

        carried = np.ones((len(vertices), 3), np.float32)  # x, y of the flow, and the gain
        carried[:, :2] = source.vertices[:, :2] - vertices[:, :2]
        places = skin.looks(surface, source, vertices, shown, points)
        carried[: model.skin, :2] = places - vertices[: model.skin, :2]
        carried[: model.skin, 2] = skin.gain(surface, source, normal, vertices, points)
        carried = drawing.of(carried)
        inner = field.core(kind)
        flow = field.whole(carried[..., :2], kind, inner)
        shade = _softened(np.where(inner & (kind == SKIN), carried[..., 2], 1), inner)

        here = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).astype(np.float32)
        taken = here + flow
        moved = _look_up(source.picture, _eyes(source, kind, taken, points)) * shade[..., None]
        inside = kind == MOUTH
        if inside.any():
            made = mouth.modelled(surface, source, shape, turn, vertices[:, 2], drawing, inside)
            gap = lips.lip_gap(source.points)
            filled = mouth.filled(source, moved, made, inside, taken, gap)
            moved += (filled - moved) * mouth.touched(source.kind, kind, flow)
        picture = np.uint8(np.clip(moved + 0.5, 0, 255))
        zoom = SIDE / FRAME
        points = (points - (zoom - 1) / 2) / zoom
        return Render(picture, flow / np.float32(zoom), shade, kind, points)


def _look_up(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 3) float32: the picture's colors at places (SIDE, SIDE, 2), x then y [px]."""
    mode = cv2.BORDER_REFLECT_101
    return cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=mode).astype(np.float32)


def _softened(gain: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) float32: changed light sets in from the face's edge on, without steps."""
    distance = cv2.distanceTransform(np.uint8(inner), cv2.DIST_L2, 3)
    change = (gain - 1) * np.clip(distance / SHADED, 0, 1)
    return 1 + cv2.GaussianBlur(change.astype(np.float32), (0, 0), 1.5)


def _eyes(source: Source, kind: np.ndarray, taken: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`taken` (SIDE, SIDE, 2), but eyeballs only from where the photo shows them: not from lids
    and lashes, whose edge is one pixel wide and must not be copied where the eyes open."""
    if source.nearest_eye is None:
        return taken
    x, y = np.clip(taken + 0.5, 0, SIDE - 1).astype(int).transpose(2, 0, 1)
    uppermost = [159, 386]
    opens = (points[uppermost, 1] - source.points[uppermost, 1]).min() < -1
    doubtful = ~source.eye[y, x] if opens else source.kind[y, x] != EYE
    return np.where(((kind == EYE) & doubtful)[..., None], source.nearest_eye[y, x], taken)


def halved(picture: np.ndarray) -> np.ndarray:
    """(2H, 2W[, C]) -> (H, W[, C]): means of 2 x 2 pixels."""
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def doubled(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (2H, 2W, 3) uint8, smooth, and of which `halved` makes the same again.

    So that a crop that is not edited is not softened either (back-projection, Irani & Peleg 1991).
    """
    exact = picture.astype(np.float32)
    larger = cv2.resize(exact, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for _ in range(4):
        missing = exact - halved(np.clip(larger, 0, 255))
        larger += cv2.resize(missing, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return np.uint8(np.clip(larger + 0.5, 0, 255))
