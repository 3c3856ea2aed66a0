"""Rendering an edit: the photo with another expression, its backward flow and its shading."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import eyes, facs, field, head, lips, mouth, skin
from .fit import Fit
from .model import RENDER_SCALE, RENDER_SIDE, FaceModel, project, render_to_crop, rotation
from .raster import Raster, normals, rasterize
from .source import Source, analyze, segment
from .surface import EYE, MOUTH, SKIN, Surface

GAIN_FADE = 14.0  # distance from the face edge over which the gain fades in [render px]
UPPER_LID_CENTERS = [159, 386]  # Face Mesh points
MIN_LID_RISE = 1  # the eyes open if either upper lid rises by more than this [render px]
BACK_PROJECTIONS = 4  # iterations of `upsample_2x`


@dataclass(frozen=True, eq=False)
class Render:
    """A photo of S = RENDER_SIDE pixels a side after an edit; arrays are in the edit's geometry."""

    picture: np.ndarray  # (S, S, 3) uint8 RGB
    flow: np.ndarray  # (S, S, 2) float32 backward flow [crop px]
    brightness_gain: np.ndarray  # (S, S) float32; NaN where it is not known
    segmentation: np.ndarray  # (S, S) SKIN, MOUTH or EYE of surface.py, -1 outside
    points: np.ndarray  # (468, 2) landmarks after the edit [crop px]

    @property
    def mouth(self) -> np.ndarray:
        """(S, S) float32: 1 where the inside of the mouth is visible, else 0."""
        return np.float32(self.segmentation == MOUTH)


@dataclass(frozen=True, eq=False)
class Mesh:
    """The face model after an edit, and its rasterization."""

    shape: np.ndarray  # (V, 3) in model space
    head_rotation: np.ndarray  # (3, 3)
    vertices: np.ndarray  # (V, 3) x, y and nearness [render px]
    points: np.ndarray  # (468, 2) landmarks [render px]
    raster: Raster
    segmentation: np.ndarray  # (S, S), as `Render.segmentation`


class Renderer:
    """Analyzes a photo once, and renders any number of edits of it."""

    def __init__(self, model: FaceModel):
        self.surface = Surface(model)

    def source(self, picture: np.ndarray, fit: Fit, landmarks: np.ndarray | None = None) -> Source:
        """Analyze a photo, see `source.analyze`."""
        return analyze(self.surface, picture, fit, landmarks)

    def edit(self, source: Source, target: np.ndarray, current: np.ndarray) -> Render:
        """Render the photo with the intensities `target` (50,) of FACS, 0..5.

        current: (50,), its intensities now. Axes with equal values in both do not change. Eyes of a
        source without irises do not turn.
        """
        expression = facs.expression(target, source.fit.expression, current)
        gaze_change, head_turn = facs.gaze_change(target, current), facs.head_turn(target, current)
        return self.render(source, expression, gaze_change, head_turn)

    def render(
        self,
        source: Source,
        expression: np.ndarray,
        gaze_change=(0.0, 0.0),
        head_turn=(0.0, 0.0, 0.0),
    ) -> Render:
        """Render the photo with another expression; the identity stays.

        expression: (K,) of units.PARAMETERS. gaze_change: (2,), to the person's left and up [rad].
        head_turn: (3,), see `networks.head.rotation_matrices`.
        """
        mesh = self._mesh(source, expression)
        flow, gain = self._fields(source, mesh)
        flow, picture = _warp(source, mesh, flow, np.asarray(gaze_change))
        picture *= gain[..., None]
        inside = mesh.segmentation == MOUTH
        if inside.any():
            mouth_picture = mouth.render_mouth(self.surface, source, mesh)
            filled = mouth.fill_mouth(source, picture, mouth_picture, inside, _pixel_grid() + flow)
            picture += (filled - picture) * mouth.edit_mask(
                source.segmentation, mesh.segmentation, flow
            )
        picture = np.uint8(np.clip(picture + 0.5, 0, 255))
        # Lengths of this render are in render px until `_in_crop_px`.
        render = Render(picture, flow, gain, mesh.segmentation, mesh.points)
        if np.any(head_turn):
            render = _turn_head(render, source, np.asarray(head_turn))
        return _in_crop_px(render)

    def from_photo(self, source: Source, fit: Fit, picture: np.ndarray) -> Render:
        """Make a render of another photo of the same person, with the motion from the source to it.

        picture: (S, S, 3) uint8 RGB, aligned to the source. fit: of the other photo, with the
        source's identity; its expression is used in the pose of the source.
        """
        mesh = self._mesh(source, fit.expression, RENDER_SCALE * (fit.offsets - source.fit.offsets))
        flow, _ = self._fields(source, mesh)
        # The other photo has another light, so no gain explains its brightness.
        unknown_gain = np.full((RENDER_SIDE, RENDER_SIDE), np.nan, np.float32)
        return _in_crop_px(Render(picture, flow, unknown_gain, mesh.segmentation, mesh.points))

    def _mesh(
        self, source: Source, expression: np.ndarray, added_offsets: np.ndarray | None = None
    ) -> Mesh:
        """Deform, project and rasterize the model.

        added_offsets: (468, 2), added to the source's offsets [render px]; default: those of
        `lips.offset_corrections`.
        """
        surface, model, fit = self.surface, self.surface.model, source.fit
        shape = source.shape + model.displacement(expression - fit.expression)
        vertices = project(shape, fit.pose, RENDER_SIDE)
        model_points = vertices[model.landmarks, :2].astype(np.float64)
        if added_offsets is None:
            added_offsets = lips.offset_corrections(source, model_points, expression)
        vertices[:, :2] += source.vertex_offsets
        vertices[: model.skin_count, :2] += surface.interpolate_offsets(added_offsets)
        points = model_points + RENDER_SCALE * fit.offsets + added_offsets
        raster = rasterize(vertices, model.triangles, RENDER_SIDE)
        head_rotation = rotation(*fit.pose[:3]).astype(np.float32)
        return Mesh(shape, head_rotation, vertices, points, raster, segment(surface, raster))

    def _fields(self, source: Source, mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
        """Backward flow (S, S, 2) [render px] and gain of brightness (S, S)."""
        surface, count, vertices = self.surface, self.surface.model.skin_count, mesh.vertices
        normal = normals(mesh.shape, surface.skin_triangles)[:count] @ mesh.head_rotation.T
        is_drawn = mesh.raster.drawn_vertices(len(vertices))
        positions = skin.texture_positions(surface, source, vertices, is_drawn, mesh.points)
        fields = np.ones((len(vertices), 3), np.float32)  # of vertices: x, y of the flow; the gain
        fields[:, :2] = source.vertices[:, :2] - vertices[:, :2]
        fields[:count, :2] = positions - vertices[:count, :2]
        fields[:count, 2] = skin.brightness_gain(surface, source, normal, vertices, mesh.points)
        fields = mesh.raster.interpolate(fields)  # of pixels
        core = field.face_core(mesh.segmentation)
        flow = field.complete_flow(fields[..., :2], mesh.segmentation, core)
        gain = np.where(core & (mesh.segmentation == SKIN), fields[..., 2], 1)
        return flow, _fade_in(gain, core)


def _in_crop_px(render: Render) -> Render:
    """Convert flow and points of a render from render px to crop px."""
    return replace(
        render, flow=render.flow / np.float32(RENDER_SCALE), points=render_to_crop(render.points)
    )


def _pixel_grid() -> np.ndarray:
    """The positions x, y of every pixel, (S, S, 2) float32."""
    return np.stack(np.meshgrid(np.arange(RENDER_SIDE), np.arange(RENDER_SIDE)), -1).astype(
        np.float32
    )


def _warp(
    source: Source, mesh: Mesh, flow: np.ndarray, gaze_change: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Warp the photo by a flow, and turn its eyes; return the flow of both, and the picture
    (S, S, 3) float32."""
    grid = _pixel_grid()
    positions = _eyeball_positions(source, mesh.segmentation, grid + flow, mesh.points)
    picture = _sample(source.picture, positions).astype(np.float32)
    if not gaze_change.any() or source.irises is None:
        return flow, picture
    flow = flow.copy()
    left, up = np.sin(gaze_change) * eyes.IRIS_DISTANCE
    for iris, width in zip(source.irises, source.eye_widths, strict=True):
        is_near = np.abs(grid + flow - iris).max(-1) < width
        opening = is_near & (mesh.segmentation == EYE)
        radius, shift = eyes.IRIS_RADIUS * width, (left * width, -up * width)
        positions = eyes.turn_eye(grid + flow, opening, source.eye, iris, radius, shift)
        flow[opening] = (positions - grid)[opening]
        mask = cv2.GaussianBlur(opening.astype(np.float32), (0, 0), 0.7)
        mask = np.where(opening, np.maximum(mask, 0.5), mask)[..., None]
        picture += (_sample(source.picture, positions).astype(np.float32) - picture) * mask
    return flow, picture


def _turn_head(render: Render, source: Source, turn: np.ndarray) -> Render:
    """Turn the head of an edit by `turn` (3,); all lengths in render px."""
    turn_flow = head.turn_flow(source.depth, turn)
    positions = _pixel_grid() + turn_flow
    x, y = np.clip(render.points + 0.5, 0, RENDER_SIDE - 1).astype(int).T
    return Render(
        picture=_sample(render.picture, positions, cv2.INTER_CUBIC),
        flow=turn_flow + _sample(render.flow, positions),
        brightness_gain=_sample(render.brightness_gain, positions),
        segmentation=_sample(render.segmentation, positions, cv2.INTER_NEAREST),
        points=head.turned_points(render.points, source.depth[y, x], turn),
    )


def _sample(picture: np.ndarray, positions: np.ndarray, method=cv2.INTER_LINEAR) -> np.ndarray:
    """Sample a picture (S, S[, C]) at positions (S, S, 2), x then y [px]."""
    return cv2.remap(picture, positions, None, method, borderMode=cv2.BORDER_REFLECT_101)


def _fade_in(gain: np.ndarray, core: np.ndarray) -> np.ndarray:
    """Fade a gain (S, S) in from the edge of the face's core, and smooth it."""
    distance = cv2.distanceTransform(np.uint8(core), cv2.DIST_L2, 3)
    change = (gain - 1) * np.clip(distance / GAIN_FADE, 0, 1)
    return 1 + cv2.GaussianBlur(change.astype(np.float32), (0, 0), 1.5)


def _eyeball_positions(
    source: Source, segmentation: np.ndarray, positions: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Correct sampling positions (S, S, 2) so that eyeballs are sampled from visible
    eyeballs, and not from lids and lashes, whose edge would be copied where the eyes open.

    segmentation: (S, S), points: (468, 2), after the edit.
    """
    if source.nearest_eye is None:
        return positions
    x, y = np.clip(positions + 0.5, 0, RENDER_SIDE - 1).astype(int).transpose(2, 0, 1)
    drop = points[UPPER_LID_CENTERS, 1] - source.points[UPPER_LID_CENTERS, 1]
    eyes_open = drop.min() < -MIN_LID_RISE
    is_other = ~source.eye[y, x] if eyes_open else source.segmentation[y, x] != EYE
    return np.where(
        ((segmentation == EYE) & is_other)[..., None], source.nearest_eye[y, x], positions
    )


def downsample_2x(picture: np.ndarray) -> np.ndarray:
    """Downsample (2H, 2W[, C]) to (H, W[, C]) by means of 2 x 2 pixels."""
    return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def upsample_2x(picture: np.ndarray) -> np.ndarray:
    """Upsample (H, W, 3) uint8 to (2H, 2W, 3) uint8 so that `downsample_2x` restores it.

    An unedited crop is therefore not blurred (back-projection, Irani & Peleg 1991).
    """
    exact = picture.astype(np.float32)
    larger = cv2.resize(exact, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for _ in range(BACK_PROJECTIONS):
        difference = exact - downsample_2x(np.clip(larger, 0, 255))
        larger += cv2.resize(difference, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return np.uint8(np.clip(larger + 0.5, 0, 255))
