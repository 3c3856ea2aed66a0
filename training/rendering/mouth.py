"""The inside of an opened mouth: from the photo where it is visible, else rendered teeth."""

import cv2
import numpy as np

from .lips import mean_lip_gap
from .model import RENDER_SCALE
from .raster import nearest_known, normals
from .source import LUMINANCE, Light, Source
from .surface import MOUTH, Surface

# Colors, RGB 0..1, of the parts of the mouth, relative to their brightness.
PALETTE = {
    "mouth_socket": (0.27, 0.15, 0.16),
    "gums_tongue": (0.62, 0.40, 0.42),
    "teeth": (0.96, 0.90, 0.78),
}
LIGHT_DIRECTION = np.float32([0, 0.25, 0.97])  # direction of the light on teeth, in model space
AMBIENT_LIGHT = 0.55  # share of the light that does not depend on the direction
LIGHT_FALLOFF = 5.5  # distance behind the front teeth at which light has fallen to 1/e [lengths]
MAX_TOOTH_GAP = 0.45  # widest gap between teeth that is closed [lengths]
GAP_BRIGHTNESS = 0.86  # of a closed gap, relative to the tooth
# Shadow of the upper lip: its strength, and the distance below the lip at which it falls to 1/e
# [lengths].
UPPER_SHADOW, SHADOW_REACH = 0.3, 0.3
# Factor of brightness at the lips, and its rise to 1 over a distance from them [lengths].
EDGE_BRIGHTNESS, EDGE_RISE, EDGE_RISE_WIDTH = 0.82, 0.18, 0.5
FLESH_BRIGHTNESS = 0.85  # of gums, tongue and socket, relative to bright skin
# Brightness of teeth, 0..255: the photo's if above this share of bright skin, else that of skin
# with this factor and offset; at most MAX_TOOTH.
MIN_TOOTH_SHARE, SKIN_TO_TOOTH, MAX_TOOTH = 0.55, (1.12, 22), 228
TOOTH_LUMINANCE = 0.92  # about that of white teeth (`teeth.WHITE`)
WIDE_OPEN = 22.0  # gap of the lips above which the photo's mouth moves with the jaw [render px]
PHOTO_GAIN = 1.2  # of the share of the photo's mouth: it is used almost up to the lips
MIN_EDIT_MOTION = 0.25  # backward flow above which a pixel counts as edited [render px]


def render_mouth(surface: Surface, source: Source, mesh) -> np.ndarray:
    """Render teeth, gums, tongue and socket, (S, S, 3) float32 RGB 0..255.

    mesh: `render.Mesh` of the edit.
    """
    light, parts = source.light, surface.model.vertices_of
    scale, z = RENDER_SCALE * np.exp(source.fit.pose[3]), mesh.vertices[:, 2]
    # Distance behind the front teeth [render px].
    depth_behind = np.clip(z[parts["teeth"]].max() - z, 0, None)
    normal = normals(mesh.shape, surface.mouth_triangles) @ mesh.head_rotation.T
    direct = np.clip(normal @ LIGHT_DIRECTION, 0, 1)
    brightness = light_at_depth(depth_behind / scale)
    brightness *= AMBIENT_LIGHT + (1 - AMBIENT_LIGHT) * direct
    flesh = FLESH_BRIGHTNESS * light.skin_brightness
    colors = np.zeros((len(mesh.shape), 3), np.float32)
    for part, color in PALETTE.items():
        level = white_brightness(light) if part == "teeth" else flesh
        colors[parts[part]] = np.float32(color) * light.tint * level
    colors *= brightness[:, None]
    if light.grey:
        colors[:] = (colors @ LUMINANCE)[:, None]
    is_tooth = surface.is_tooth[mesh.raster.triangle_index] & (mesh.raster.triangle_index >= 0)
    picture = close_gaps(mesh.raster.interpolate(colors), is_tooth, MAX_TOOTH_GAP * scale)
    shadow = lip_shadow(mesh.segmentation == MOUTH, scale)
    return cv2.GaussianBlur(picture * shadow[..., None], (0, 0), 1.3)


def close_gaps(picture: np.ndarray, is_tooth: np.ndarray, width: float) -> np.ndarray:
    """Fill gaps of up to `width` px between teeth with the nearest tooth, slightly darker.

    The model's teeth have gaps, real ones touch. picture: (H, W, 3); is_tooth: (H, W) bool.
    """
    if not is_tooth.any():
        return picture
    row = np.ones((1, 2 * max(1, round(width / 2)) + 1), np.uint8)
    closed = cv2.morphologyEx(np.uint8(is_tooth), cv2.MORPH_CLOSE, row) > 0
    gaps = closed & ~is_tooth
    x, y = nearest_known(is_tooth)[1].astype(int).transpose(2, 0, 1)
    return np.where(gaps[..., None], np.float32(GAP_BRIGHTNESS) * picture[y, x], picture)


def lip_shadow(inside: np.ndarray, scale: float) -> np.ndarray:
    """Compute the factor (H, W) of brightness inside a mouth (H, W) bool: darker near the lips, and
    in the shadow of the upper lip. scale: px per length of the model."""
    distance = cv2.distanceTransform(np.uint8(inside), cv2.DIST_L2, 3)
    below = np.zeros(inside.shape, np.float32)  # px under the upper lip
    for row in range(1, len(inside)):
        below[row] = np.where(inside[row], below[row - 1] + 1, 0)
    factor = EDGE_BRIGHTNESS + EDGE_RISE * np.clip(distance / (EDGE_RISE_WIDTH * scale), 0, 1)
    return factor * (1 - UPPER_SHADOW * np.exp(-below / (SHADOW_REACH * scale)))


def light_at_depth(depth_behind: np.ndarray) -> np.ndarray:
    """Compute the brightness, 0..1, at distances behind the front teeth [lengths of the model].

    It falls to 1/e at LIGHT_FALLOFF.
    """
    return np.exp(-depth_behind / LIGHT_FALLOFF)


def white_brightness(light: Light) -> float:
    """Compute the brightness, about 0..255, of white in the light on the teeth of a photo."""
    tooth = light.tooth_brightness
    if tooth is None or tooth <= MIN_TOOTH_SHARE * light.skin_brightness:  # no teeth are visible
        factor, offset = SKIN_TO_TOOTH
        tooth = factor * light.skin_brightness + offset
    return min(tooth, MAX_TOOTH) / TOOTH_LUMINANCE


def fill_mouth(
    source: Source,
    warped: np.ndarray,
    mouth_picture: np.ndarray,
    inside: np.ndarray,
    positions: np.ndarray,
) -> np.ndarray:
    """Fill the mouth of the warped photo, (S, S, 3) float32; return the filled picture.

    mouth_picture: of `render_mouth`. inside: (S, S) bool, the mouth of the edit. positions:
    (S, S, 2), the sampling positions of the warped photo [px]. Teeth that the photo shows are
    copied without motion, since they are nearly always upper teeth, which do not move with the jaw.
    The inside of the warped photo is used only if its mouth is wide open, since its lower half
    moves with the jaw.
    """
    if mean_lip_gap(source.points) > WIDE_OPEN:
        mouth_share = cv2.remap(source.mouth, positions, None, cv2.INTER_LINEAR)
        photo_mouth = warped
    else:
        mouth_share, photo_mouth = source.mouth, source.picture.astype(np.float32)
    share = np.clip(PHOTO_GAIN * mouth_share, 0, 1)[..., None]
    result = np.where(inside[..., None], photo_mouth * share + mouth_picture * (1 - share), warped)
    square = np.ones((3, 3), np.uint8)
    mask = np.uint8(inside)
    seam = (cv2.dilate(mask, square) - cv2.erode(mask, square)).astype(np.float32)
    seam = cv2.GaussianBlur(seam, (0, 0), 0.8)[..., None]
    return result * (1 - seam) + cv2.GaussianBlur(result, (0, 0), 1.3) * seam


def edit_mask(
    source_segmentation: np.ndarray, segmentation: np.ndarray, flow: np.ndarray
) -> np.ndarray:
    """Return a mask (S, S, 1) float32: 1 where an edit changes the picture, 0 far from it.

    source_segmentation, segmentation: (S, S), before and after the edit. flow: (S, S, 2) [px].
    """
    length = cv2.magnitude(flow[..., 0], flow[..., 1])
    changed = (source_segmentation != segmentation) | (length > MIN_EDIT_MOTION)
    changed = cv2.dilate(np.uint8(changed), np.ones((9, 9), np.uint8)).astype(np.float32)
    return cv2.GaussianBlur(changed, (9, 9), 2)[..., None]
