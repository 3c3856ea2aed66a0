"""One edit: the photo with another expression, and how each of its pixels came about."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import eyes, facs, field, head, lips, mouth, skin
from .fit import Fit
from .model import FRAME, SIDE, FaceModel, project, rotation
from .raster import Drawing, draw, normals
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


@dataclass(frozen=True, eq=False)
class Mesh:
    """The face model after an edit, and what is seen of it."""

    shape: np.ndarray  # (V, 3) in model space
    pose: np.ndarray  # (3, 3) rotation of the head
    vertices: np.ndarray  # (V, 3) x, y and nearness [px of SIDE]
    points: np.ndarray  # (468, 2) where the landmarks are [px of SIDE]
    drawing: Drawing
    kind: np.ndarray  # (SIDE, SIDE), see surface.py


class Renderer:
    """Makes one source of a photo, and then any number of edits of it."""

    def __init__(self, model: FaceModel):
        self.surface = Surface(model)

    def source(self, picture: np.ndarray, fit: Fit, landmarks: np.ndarray | None = None) -> Source:
        """See `source.look`."""
        return look(self.surface, picture, fit, landmarks)

    def edit(self, source: Source, target: np.ndarray, now: np.ndarray) -> Render:
        """The photo with the intensities `target` (50,) of FACS, 0..5.

        now: its intensities as they are. Axes for which both say the same stay as they are. Eyes
        of a source without irises do not turn.
        """
        gaze, turn = facs.gaze_change(target, now), facs.head_change(target, now)
        expression = facs.expression(target, source.fit.expression, now)
        return self.render(source, expression, gaze, turn)

    def render(
        self, source: Source, expression: np.ndarray, gaze=(0.0, 0.0), turn=(0.0, 0.0, 0.0)
    ) -> Render:
        """expression: (K,) of units.PARAMETERS; gaze: (2,) by how much the eyes turn left and up
        [rad]; turn: (3,) likewise the head, see `networks.head.rotation`. Identity stays."""
        mesh = self._mesh(source, expression)
        flow, shade = self._fields(source, mesh)
        flow, moved = _moved(source, mesh, flow, np.asarray(gaze))
        moved *= shade[..., None]
        inside = mesh.kind == MOUTH
        if inside.any():
            made = mouth.modelled(self.surface, source, mesh)
            filled = mouth.filled(source, moved, made, inside, _here() + flow)
            moved += (filled - moved) * mouth.touched(source.kind, mesh.kind, flow)
        picture = np.uint8(np.clip(moved + 0.5, 0, 255))
        render = Render(picture, flow, shade, mesh.kind, mesh.points)
        if np.any(turn):
            render = _turned(render, source, np.asarray(turn))
        zoom = SIDE / FRAME
        points = (render.points - (zoom - 1) / 2) / zoom
        return replace(render, flow=render.flow / np.float32(zoom), points=points)

    def seen(self, source: Source, fit: Fit, picture: np.ndarray) -> Render:
        """Another photo of the same head as a render: its picture (SIDE, SIDE, 3) uint8 RGB, with
        the motion that leads there from the source. fit: of the other photo, with the source's
        identity; what its landmarks show is turned back into the pose of the source."""
        mesh = self._mesh(source, fit.expression, 2 * (fit.offsets - source.fit.offsets))
        flow, _ = self._fields(source, mesh)
        zoom = SIDE / FRAME
        points = (mesh.points - (zoom - 1) / 2) / zoom
        shade = np.full((SIDE, SIDE), np.nan, np.float32)  # other light
        return Render(picture, flow / np.float32(zoom), shade, mesh.kind, points)

    def _mesh(
        self, source: Source, expression: np.ndarray, added: np.ndarray | None = None
    ) -> Mesh:
        """added: (468, 2) to the source's offsets [px of SIDE], if that is known."""
        surface, model, fit = self.surface, self.surface.model, source.fit
        shape = source.shape + model.displacement(expression - fit.expression)
        vertices = project(shape, fit.pose, SIDE)
        model_points = vertices[model.landmarks, :2].astype(np.float64)
        if added is None:
            added = lips.changed_offsets(source, model_points, expression)
        vertices[:, :2] += source.spread
        vertices[: model.skin, :2] += surface.spread(added)
        points = model_points + 2 * fit.offsets + added
        drawing = draw(vertices, model.triangles, SIDE)
        pose = rotation(*fit.pose[:3]).astype(np.float32)
        return Mesh(shape, pose, vertices, points, drawing, kinds(surface, drawing))

    def _fields(self, source: Source, mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
        """Backward flow (SIDE, SIDE, 2) [px of SIDE] and gain of brightness (SIDE, SIDE)."""
        surface, end, vertices = self.surface, self.surface.model.skin, mesh.vertices
        normal = normals(mesh.shape, surface.skin_triangles)[:end] @ mesh.pose.T
        carried = np.ones((len(vertices), 3), np.float32)  # x, y of the flow, and the gain
        carried[:, :2] = source.vertices[:, :2] - vertices[:, :2]
        shown = mesh.drawing.vertices(len(vertices))
        places = skin.looks(surface, source, vertices, shown, mesh.points)
        carried[:end, :2] = places - vertices[:end, :2]
        carried[:end, 2] = skin.gain(surface, source, normal, vertices, mesh.points)
        carried = mesh.drawing.of(carried)
        inner = field.core(mesh.kind)
        flow = field.whole(carried[..., :2], mesh.kind, inner)
        gain = np.where(inner & (mesh.kind == SKIN), carried[..., 2], 1)
        return flow, _softened(gain, inner)


def _here() -> np.ndarray:
    """(SIDE, SIDE, 2) float32: x, y of every pixel."""
    return np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).astype(np.float32)


def _moved(
    source: Source, mesh: Mesh, flow: np.ndarray, gaze: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The flow with eyes turned by `gaze`, and the photo (SIDE, SIDE, 3) float32 moved by it."""
    here = _here()
    moved = _look_up(source.picture, _eyes(source, mesh.kind, here + flow, mesh.points))
    if not gaze.any() or source.irises is None:
        return flow, moved
    flow = flow.copy()
    across, up = np.sin(gaze) * eyes.RADIUS
    for iris, width in zip(source.irises, source.eye_widths, strict=True):
        near = np.abs(here + flow - iris).max(-1) < width
        opening = near & (mesh.kind == EYE)
        turned = eyes.turned(
            here + flow, opening, source.eye, iris, eyes.IRIS * width, (across * width, -up * width)
        )
        flow[opening] = (turned - here)[opening]
        soft = cv2.GaussianBlur(opening.astype(np.float32), (0, 0), 0.7)
        soft = np.where(opening, np.maximum(soft, 0.5), soft)[..., None]
        moved += (_look_up(source.picture, turned) - moved) * soft
    return flow, moved


def _turned(render: Render, source: Source, turn: np.ndarray) -> Render:
    """An edit with the head turned; all lengths in pixels of SIDE."""
    around = head.flow(source.depth, turn)
    taken, mode = _here() + around, cv2.BORDER_REFLECT_101

    def look_up(picture: np.ndarray, how: int = cv2.INTER_LINEAR) -> np.ndarray:
        return cv2.remap(picture, taken, None, how, borderMode=mode)

    x, y = np.clip(render.points + 0.5, 0, SIDE - 1).astype(int).T
    points = head.turned_points(render.points, source.depth[y, x], turn)
    kind = look_up(render.kind, cv2.INTER_NEAREST)
    flow, picture = around + look_up(render.flow), look_up(render.picture, cv2.INTER_CUBIC)
    return Render(picture, flow, look_up(render.shade), kind, points)


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
