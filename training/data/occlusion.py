"""Occluders drawn in front of faces in canonical crops: cloth, hands, microphones, patches; and
glasses, beards and lipstick, which do not cover the mouth.

Pictures are (S, S, 3) float32, 0..255. Shapes, colors, patterns and positions are random; lengths
are in shares of the picture's side. Shapes of occluders are functions (rng, size, center) -> mask
(S, S) in [0, 1] and shading (S, S, 1), a factor of brightness.
"""

from collections.abc import Callable

import cv2
import numpy as np

MOUTH = (0.5, 0.705, 0.125, 0.052)  # center and radii in a canonical crop, in shares of its side
NEAR_MOUTH, NEAR_MOUTH_STD = (0.5, 0.69), (0.05, 0.05)  # center of an occluder near the mouth
# Probabilities that fingers, and that any occluder, has the texture of skin; and of a shadow.
FINGER_SKIN_SHARE, SKIN_SHARE, SHADOW_SHARE = 0.85, 0.15, 0.6
EDGE_BLUR_RANGE = (0.3, 1.2)  # of an occluder's edge: standard deviation [px of 96]
# Of a shadow: blur and standard deviation of the shift to the side, greatest shift down [px], and
# greatest loss of brightness.
SHADOW_BLUR, SHADOW_SHIFT_STD, MAX_SHADOW_DROP, MAX_SHADOW = 3, 2, 3, 0.5
SKIN_POSITIONS = ((0.3, 0.62), (0.7, 0.62), (0.5, 0.25))  # cheeks and forehead
Picture = np.ndarray


def mouth_share(mask: np.ndarray) -> float:
    """Compute the share of the mouth that a mask (S, S) in [0, 1] covers."""
    mouth = _ellipse(len(mask), *MOUTH)
    return float(np.clip((mask * mouth).sum() / mouth.sum(), 0, 1))


def occlude(
    rng: np.random.Generator, picture: Picture, other: Picture, near_mouth: bool
) -> tuple[Picture, float]:
    """Draw one occluder; return the picture and the covered share of its mouth.

    other: another picture, whose texture the occluder may have. near_mouth: whether it is placed
    near the mouth, or anywhere.
    """
    size = len(picture)
    center = rng.normal(NEAR_MOUTH, NEAR_MOUTH_STD) if near_mouth else rng.uniform(0, 1, 2)
    shape = SHAPES[rng.choice(len(SHAPES), p=SHAPE_SHARES)]
    mask, shading = shape(rng, size, center)
    is_skin = shape is fingers and rng.random() < FINGER_SKIN_SHARE
    is_skin = is_skin or rng.random() < SKIN_SHARE
    cover = (skin_texture if is_skin else texture)(rng, picture, other)
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(*EDGE_BLUR_RANGE) * size / 96)
    if rng.random() < SHADOW_SHARE:
        aside, down = rng.normal(0, SHADOW_SHIFT_STD), rng.uniform(0, MAX_SHADOW_DROP)
        shadow = cv2.warpAffine(mask, np.float32([[1, 0, aside], [0, 1, down]]), (size, size))
        shadow = cv2.GaussianBlur(shadow, (0, 0), SHADOW_BLUR)
        picture = picture * (1 - rng.uniform(0, MAX_SHADOW) * shadow[..., None])
    return picture + mask[..., None] * (cover * shading - picture), mouth_share(mask)


def blob(rng, size: int, center) -> tuple[np.ndarray, np.ndarray]:
    """Draw a smooth closed outline, as of masks and balls."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = 1 + sum(
        rng.normal(0, 0.22 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
        for k in range(2, 6)
    )
    wide, high = rng.uniform(0.12, 0.4), rng.uniform(0.1, 0.3)
    return _polygon(size, center, radius, angles, (wide, high)), _shading(rng, size)


def cloth(rng, size: int, center) -> tuple[np.ndarray, np.ndarray]:
    """Draw cloth from a wavy upper edge down, of the whole width or tapering: scarves and masks."""
    x = np.linspace(-0.1, 1.1, 30)
    top = center[1] - rng.uniform(0.02, 0.22) + rng.normal(0, 0.02) * (x - 0.5)
    bulge = rng.uniform(-0.1, 0.35) * (x - center[0]) ** 2
    top = top + bulge + rng.normal(0, 0.01) * np.sin(rng.uniform(3, 12) * x)
    points = np.stack([x, top], 1)
    top_half_width = rng.uniform(0.25, 0.6) if rng.random() < 0.6 else 2.0
    points = points[np.abs(points[:, 0] - center[0]) < top_half_width]
    bottom = min(1.2, center[1] + rng.uniform(0.1, 0.6))
    half_width = rng.uniform(0.3, 1.1) * top_half_width
    corners = [(center[0] + half_width, bottom), (center[0] - half_width, bottom)]
    points = np.concatenate([points, corners])
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.int32(points * size)], 1.0)
    return mask, _shading(rng, size) * _pleats(rng, size)


def fingers(rng, size: int, center) -> tuple[np.ndarray, np.ndarray]:
    """Draw one to five fingers side by side, with or without a palm."""
    mask, shading = np.zeros((size, size), np.float32), np.ones((size, size, 1), np.float32)
    count, thick = int(rng.integers(1, 6)), rng.uniform(0.035, 0.06)
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.5)
    along = np.array([np.cos(angle), np.sin(angle)])
    sideways = np.array([-np.sin(angle), np.cos(angle)])
    if rng.random() < 0.6:
        palm = center - along * rng.uniform(0.3, 0.8) * length
        wide = count * thick * rng.uniform(0.9, 1.5)
        mask = np.maximum(mask, _ellipse(size, *palm, wide, wide))
    for i in range(count):
        start = center + sideways * (2 * i - count + 1) * thick * rng.uniform(0.85, 1.05)
        near, far = start - along * length, start + along * length * rng.uniform(0.3, 0.7)
        finger = np.zeros((size, size), np.uint8)
        ends = [tuple(int(v) for v in end * size) for end in (near, far)]
        cv2.line(finger, *ends, 1, max(1, round(2 * thick * size)))
        # Distance from the edge over half the thickness: fingers are darker at the edge.
        inset = cv2.distanceTransform(finger, cv2.DIST_L2, 3) / (thick * size)
        rounded = 1 - rng.uniform(0.1, 0.5) * (1 - np.clip(inset, 0, 1)) ** 2
        shading = np.where(finger[..., None] > 0, rounded[..., None], shading)
        mask = np.maximum(mask, finger)
    return mask, np.float32(shading) * _shading(rng, size)


def microphone(rng, size: int, center) -> tuple[np.ndarray, np.ndarray]:
    """Draw a ball on a stick."""
    radius = rng.uniform(0.07, 0.17)
    mask = _ellipse(size, *center, radius, radius * rng.uniform(0.9, 1.5))
    end = np.array([rng.uniform(-0.3, 1.3), 1.2])
    ends = [tuple(int(v) for v in point * size) for point in (center, end)]
    cv2.line(mask, *ends, 1.0, max(1, round(rng.uniform(0.8, 1.5) * radius * size)))
    return mask, _shading(rng, size)


def rectangle(rng, size: int, center) -> tuple[np.ndarray, np.ndarray]:
    """Draw a turned rectangle: telephones, books, plasters, sunglasses, censor bars."""
    box = tuple(map(float, center * size)), tuple(map(float, rng.uniform(0.12, 0.7, 2) * size))
    corners = cv2.boxPoints((*box, float(rng.uniform(0, 180))))
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.int32(corners)], 1.0)
    return mask, _shading(rng, size)


Shape = Callable[..., tuple[np.ndarray, np.ndarray]]
SHAPES: tuple[Shape, ...] = (blob, cloth, fingers, microphone, rectangle)
SHAPE_SHARES = (0.22, 0.28, 0.3, 0.1, 0.1)  # probabilities


def glasses(rng: np.random.Generator, picture: Picture) -> Picture:
    """Draw dark glasses over a picture."""
    size, mask = len(picture), np.zeros(picture.shape[:2], np.float32)
    wide, high = rng.uniform(0.1, 0.16), rng.uniform(0.06, 0.11)
    for x in (0.345, 0.65):
        mask = np.maximum(mask, _ellipse(size, x, rng.uniform(0.37, 0.4), wide, high))
    cv2.line(mask, (0, int(0.36 * size)), (size, int(0.36 * size)), 1.0, max(1, size // 60))
    color = rng.uniform(0, 90, 3) * np.ones(3)
    return picture + (rng.uniform(0.7, 1) * mask)[..., None] * (color - picture)


def beard(rng: np.random.Generator, picture: Picture) -> Picture:
    """Draw a beard around the mouth, which stays visible."""
    size, grid = len(picture), _grid(len(picture))
    hair = _noise(rng, size, (size // 2, size // int(rng.integers(2, 7))), 0.25)
    tone = rng.uniform(10, 90) if rng.random() < 0.75 else rng.uniform(90, 210)
    color = tone * np.exp(rng.normal((0.1, 0, -0.1), 0.08)) * hair[..., None]
    x, y = grid[None] - 0.5, grid[:, None]
    low, edge = rng.uniform(0.6, 0.66), rng.uniform(0.03, 0.08)
    edge_line = low + 1.2 * rng.uniform(0, 1) * np.maximum(0, 0.3 - abs(x))
    jaw = 1 / (1 + np.exp((edge_line - y) / 0.02))
    inside = 1 / (1 + np.exp((np.hypot(x / 0.36, (y - 0.62) / 0.36) - 1) / edge))
    mask = jaw * inside
    if rng.random() < 0.7:  # a moustache
        mask = np.maximum(mask, _ellipse(size, 0.5, 0.645, rng.uniform(0.1, 0.17), 0.028))
    x, y, wide, high = MOUTH
    lips = _ellipse(size, x, y + 0.005, 0.9 * wide, high * rng.uniform(0.6, 1))
    mask = cv2.GaussianBlur(np.float32(mask * (1 - lips)), (0, 0), size / 90)
    return picture + (rng.uniform(0.3, 0.95) * mask)[..., None] * (color - picture)


def lipstick(rng: np.random.Generator, picture: Picture) -> Picture:
    """Tint the lips of a picture."""
    mask = cv2.GaussianBlur(_ellipse(len(picture), *MOUTH), (0, 0), len(picture) / 40)
    tint = np.exp(rng.normal((0.1, -0.3, -0.15), 0.3))
    return picture * (1 + mask[..., None] * (tint - 1))


def texture(rng: np.random.Generator, picture: Picture, other: Picture) -> np.ndarray:
    """Draw a texture (S, S, 3): plain, striped, blotched, or a piece of another picture."""
    size, kind = len(picture), rng.random()
    colors = rng.uniform(0, 255, (2, 3))
    if rng.random() < 0.5:  # of little saturation: white, grey, black, pale
        colors = colors.mean(1, keepdims=True) + rng.normal(0, 12, (2, 3))
    plain = np.tile(np.float32(colors[0]), (size, size, 1))
    if kind < 0.45:
        return plain
    if kind < 0.6:
        grid, angle = np.arange(size) / size, rng.uniform(0, np.pi)
        phase = np.cos(angle) * grid[None] + np.sin(angle) * grid[:, None]
        share = np.sin(rng.uniform(15, 120) * phase)
        share = np.clip(0.5 + rng.uniform(0.5, 3) * share, 0, 1)
    elif kind < 0.78:
        rough = int(rng.integers(4, 24))
        share = np.clip(0.5 + 3 * (_noise(rng, size, (rough, rough), 1) - 1), 0, 1)
    else:
        side_share, start = rng.uniform(0.2, 0.7), rng.uniform(0, 0.3, 2)
        x, y, side = (int(v * len(other)) for v in (*start, side_share))
        return cv2.resize(other[y : y + side, x : x + side], (size, size))
    return plain + np.float32(share[..., None]) * np.float32(colors[1] - colors[0])


def skin_texture(rng: np.random.Generator, picture: Picture, other: Picture) -> np.ndarray:
    """Draw a texture (S, S, 3) with the color and grain of the skin of this face, or of another."""
    source = picture if rng.random() < 0.75 else other
    size, radius = len(source), len(source) // 12
    x, y = (int(v * size) for v in SKIN_POSITIONS[rng.integers(len(SKIN_POSITIONS))])
    patch = source[y - radius : y + radius, x - radius : x + radius]
    tone = patch.mean((0, 1)) * np.exp(rng.normal(0, 0.08, 3) + rng.normal(-0.05, 0.15))
    grain = cv2.resize(patch, picture.shape[1::-1]) - patch.mean((0, 1))
    return tone + rng.uniform(0, 0.8) * grain


def _grid(size: int) -> np.ndarray:
    """The centres (S,) of pixels, in shares of the side."""
    return (np.arange(size, dtype=np.float32) + 0.5) / size


def _ellipse(size: int, x: float, y: float, wide: float, high: float) -> np.ndarray:
    """The mask (S, S) of an ellipse with the given center and radii."""
    grid = _grid(size)
    distance = ((grid - x)[None] / wide) ** 2 + ((grid - y)[:, None] / high) ** 2
    return np.float32(distance < 1)


def _polygon(size: int, center, radius, angles, radii) -> np.ndarray:
    """The mask (S, S) of a polygon: relative radius (N,) at angles (N,), times radii (x, y)."""
    points = np.stack([radius * np.cos(angles) * radii[0], radius * np.sin(angles) * radii[1]], 1)
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.int32((points + center) * size)], 1.0)
    return mask


def _noise(rng, size: int, cells: tuple[int, int], strength: float) -> np.ndarray:
    """Smooth noise (S, S) around 1, interpolated from a grid of cells (columns, rows)."""
    rough = rng.normal(0, strength, (max(2, cells[1]), max(2, cells[0]))).astype(np.float32)
    return 1 + cv2.resize(rough, (size, size), interpolation=cv2.INTER_CUBIC)


def _shading(rng, size: int) -> np.ndarray:
    """A smooth factor of brightness (S, S, 1)."""
    return np.clip(_noise(rng, size, (3, 3), rng.uniform(0, 0.2)), 0.3, 1.7)[..., None]


def _pleats(rng, size: int) -> np.ndarray:
    """A factor of brightness (S, S, 1): horizontal pleats of cloth, or creases in any direction."""
    cells = (2, int(rng.integers(3, 9))) if rng.random() < 0.6 else (5, 5)
    return np.clip(_noise(rng, size, cells, rng.uniform(0, 0.25)), 0.4, 1.6)[..., None]
