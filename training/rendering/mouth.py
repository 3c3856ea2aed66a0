"""The inside of an opened mouth: the photo's own where it shows one, else modelled teeth."""

import cv2
import numpy as np

from .lips import lip_gap
from .raster import nearest, normals
from .source import LUMINANCE, Light, Source
from .surface import MOUTH, Surface

# color, RGB 0..1, of what lies in the mouth, relative to its brightness
PALETTE = {
    "mouth_socket": (0.27, 0.15, 0.16),
    "gums_tongue": (0.62, 0.40, 0.42),
    "teeth": (0.96, 0.90, 0.78),
}
LIGHT = np.float32([0, 0.25, 0.97])
FADING = 5.5  # length behind the front teeth at which light is down to 1/e
GAP = 0.45  # lengths that a gap between teeth is at most wide
BETWEEN = 0.86  # brightness there, in that of the tooth
UPPER_SHADOW, SHADOW_DEPTH = 0.3, 0.3  # of the upper lip: how dark, and how far down [lengths]
WIDE = 22.0  # gap of lips [px of SIDE] beyond which what is seen moves with the jaw


def modelled(surface: Surface, source: Source, mesh) -> np.ndarray:
    """(SIDE, SIDE, 3) float32 RGB 0..255 of teeth, gums, tongue and socket. mesh: `render.Mesh`."""
    light, parts = source.light, surface.model.vertices_of
    scale, depth = 2 * np.exp(source.fit.pose[3]), mesh.vertices[:, 2]
    behind = np.clip(depth[parts["teeth"]].max() - depth, 0, None)
    normal = normals(mesh.shape, surface.mouth_triangles) @ mesh.pose.T
    bright = light_at(behind / scale) * (0.55 + 0.45 * np.clip(normal @ LIGHT, 0, 1))
    colors = np.zeros((len(mesh.shape), 3), np.float32)
    for part, color in PALETTE.items():
        level = white_in(light) if part == "teeth" else 0.85 * light.skin
        colors[parts[part]] = np.float32(color) * light.tint * level
    colors *= bright[:, None]
    if light.grey:
        colors[:] = (colors @ LUMINANCE)[:, None]
    teeth = surface.teeth[mesh.drawing.triangle] & (mesh.drawing.triangle >= 0)
    drawn = close_gaps(mesh.drawing.of(colors), teeth, GAP * scale)
    inside = mesh.kind == MOUTH
    return cv2.GaussianBlur(drawn * shade(inside, scale)[..., None], (0, 0), 1.3)


def close_gaps(drawn: np.ndarray, teeth: np.ndarray, width: float) -> np.ndarray:
    """A drawing (H, W, 3) with gaps between teeth, up to `width` px, filled by the nearest tooth, a
    little darker: the model's teeth stand apart, real ones touch. teeth: (H, W) bool."""
    if not teeth.any():
        return drawn
    row = np.ones((1, 2 * max(1, round(width / 2)) + 1), np.uint8)
    closed = cv2.morphologyEx(np.uint8(teeth), cv2.MORPH_CLOSE, row) > 0
    gaps = closed & ~teeth
    x, y = nearest(teeth)[1].astype(int).transpose(2, 0, 1)
    return np.where(gaps[..., None], np.float32(BETWEEN) * drawn[y, x], drawn)


def shade(inside: np.ndarray, scale: float) -> np.ndarray:
    """(H, W) brightness of the inside of a mouth (H, W) bool: darker near all lips, and farther
    down from the upper one, which throws a shadow. scale: px per length of the model."""
    distance = cv2.distanceTransform(np.uint8(inside), cv2.DIST_L2, 3)
    below = np.zeros(inside.shape, np.float32)  # px under the upper lip
    for row in range(1, len(inside)):
        below[row] = np.where(inside[row], below[row - 1] + 1, 0)
    near = 0.82 + 0.18 * np.clip(distance / (0.5 * scale), 0, 1)
    return near * (1 - UPPER_SHADOW * np.exp(-below / (SHADOW_DEPTH * scale)))


def light_at(behind: np.ndarray) -> np.ndarray:
    """How bright it is so far behind the front teeth [lengths of the model], 0..1."""
    return np.exp(-behind / FADING)


def white_in(light: Light) -> float:
    """What is white has this brightness in a mouth, 0..255."""
    teeth = light.inside
    if teeth is None or teeth <= 0.55 * light.skin:  # what shows is no tooth
        teeth = 1.12 * light.skin + 22
    return min(teeth, 228) / 0.92


def filled(
    source: Source, moved: np.ndarray, made: np.ndarray, inside: np.ndarray, taken: np.ndarray
) -> np.ndarray:
    """(SIDE, SIDE, 3) float32: the moved photo with its mouth filled.

    made: `modelled`; taken (SIDE, SIDE, 2): where the moved photo was taken from [px]. What a photo
    shows between lips is nearly always upper teeth, which stay with the head; in a wide open mouth
    the lower half follows the jaw.
    """
    if lip_gap(source.points) > WIDE:
        seen, own = cv2.remap(source.mouth, taken, None, cv2.INTER_LINEAR), moved
    else:
        seen, own = source.mouth, source.picture.astype(np.float32)
    share = np.clip(1.2 * seen, 0, 1)[..., None]
    result = np.where(inside[..., None], own * share + made * (1 - share), moved)
    square = np.ones((3, 3), np.uint8)
    mask = np.uint8(inside)
    seam = (cv2.dilate(mask, square) - cv2.erode(mask, square)).astype(np.float32)
    seam = cv2.GaussianBlur(seam, (0, 0), 0.8)[..., None]
    return result * (1 - seam) + cv2.GaussianBlur(result, (0, 0), 1.3) * seam


def touched(source_kind: np.ndarray, kind: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 1) float32: 1 where an edit changes what is seen, falling to 0 around it."""
    changed = (source_kind != kind) | (cv2.magnitude(flow[..., 0], flow[..., 1]) > 0.25)
    changed = cv2.dilate(np.uint8(changed), np.ones((9, 9), np.uint8)).astype(np.float32)
    return cv2.GaussianBlur(changed, (9, 9), 2)[..., None]
