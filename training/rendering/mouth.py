"""The inside of an opened mouth: the photo's own where it shows one, else modelled teeth."""

import cv2
import numpy as np

from .raster import Drawing, normals
from .source import LUMINANCE, Light, Source
from .surface import Surface

# color, RGB 0..1, of what lies in the mouth, relative to its brightness
PALETTE = {
    "mouth_socket": (0.27, 0.15, 0.16),
    "gums_tongue": (0.62, 0.40, 0.42),
    "teeth": (0.96, 0.90, 0.78),
}
LIGHT = np.float32([0, 0.25, 0.97])
FADING = 5.5  # length behind the front teeth at which light is down to 1/e
WIDE = 22.0  # gap of lips [px of SIDE] beyond which what is seen moves with the jaw


def modelled(
    surface: Surface,
    source: Source,
    shape: np.ndarray,
    turn: np.ndarray,
    depth: np.ndarray,
    drawing: Drawing,
    inside: np.ndarray,
) -> np.ndarray:
    """(SIDE, SIDE, 3) float32 RGB 0..255 of teeth, gums, tongue and socket.

    shape (V, 3) and its nearness depth (V,) [px], turned by turn (3, 3); inside (SIDE, SIDE) bool:
    where the mouth is open.
    """
    light, parts = source.light, surface.model.vertices_of
    scale = 2 * np.exp(source.fit.pose[3])
    behind = np.clip(depth[parts["teeth"]].max() - depth, 0, None)
    normal = normals(shape, surface.mouth_triangles) @ turn.T.astype(np.float32)
    bright = light_at(behind / scale) * (0.55 + 0.45 * np.clip(normal @ LIGHT, 0, 1))
    colors = np.zeros((len(shape), 3), np.float32)
    for part, color in PALETTE.items():
        level = white_in(light) if part == "teeth" else 0.85 * light.skin
        colors[parts[part]] = np.float32(color) * level
    colors *= bright[:, None]
    if light.grey:
        colors[:] = (colors @ LUMINANCE)[:, None]
    distance = cv2.distanceTransform(np.uint8(inside), cv2.DIST_L2, 3)
    shadow = 0.72 + 0.28 * np.clip(distance / 6, 0, 1)  # of the lips
    return cv2.GaussianBlur(drawing.of(colors) * shadow[..., None], (0, 0), 1.3)


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
    source: Source,
    moved: np.ndarray,
    made: np.ndarray,
    inside: np.ndarray,
    places: np.ndarray,
    gap: float,
) -> np.ndarray:
    """(SIDE, SIDE, 3) float32: the moved photo with its mouth filled.

    made: `modelled`; places (SIDE, SIDE, 2): where the moved photo was taken from [px]; gap: of the
    photo's lips [px]. What a photo shows between lips is nearly always upper teeth, which stay with
    the head; in a wide open mouth the lower half follows the jaw.
    """
    if gap > WIDE:
        seen = cv2.remap(source.mouth, places, None, cv2.INTER_LINEAR)
        own = moved
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
