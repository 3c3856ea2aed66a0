"""Random views of canonical crops, the same for all pictures and fields of a sample.

A canonical crop has CROP_SIDE pixels a side. Arrays of it may have other resolutions, s pixels a
side; views have S.
"""

import cv2
import numpy as np

from ..rendering.model import CROP_SIDE

VIEW_MARGIN = 1.125  # side of cached pictures over that of views, which may enlarge a part of them
# Geometry of views: side and shift [crop px], roll [degrees].
SIDE_MEAN, SIDE_STD, SIDE_RANGE = 0.975 * CROP_SIDE, 10, (118, 170)
ROLL_STD, SHIFT_STD = 3.5, 4
# Tones of views. Shares are probabilities.
GREY_SHARE = 0.15
LOG_GAMMA_STD, LOG_GAIN_STD = 0.18, 0.06
UNSHARP_RANGE = (-0.6, 0.8)  # amount of unsharp masking; negative blurs
DIRECTED_LIGHT_SHARE = 0.4
LIGHT_STRENGTH_RANGE = (0.15, 0.9)  # logarithm of the gain at the edge of the view
SHADOW_SHARE = 0.35  # of directed lights: with the edge of a shadow
# Steepness of the edge [per half side], and its distance from the view's center [half sides].
SHADOW_STEEPNESS_RANGE, SHADOW_EDGE_RANGE = (1.5, 5), (-0.3, 0.3)
LOW_RESOLUTION_SHARE = 0.45
LOW_RESOLUTION_RANGE = (0.4, 0.9)  # of the view's side
LOW_LIGHT_SHARE = 0.15
LOW_LIGHT_RANGE = (0.2, 0.8)  # factor of brightness
# Degraded photos: each of noise, compression and an occluder with its own probability.
DEGRADED_SHARE = 0.5
NOISE_SHARE, NOISE_STD_RANGE = 0.4, (2, 12)  # standard deviation on 0..255
JPEG_SHARE, JPEG_QUALITIES = 0.4, (15, 70)
OCCLUDER_SHARE = 0.3


def crop_to_face_matrix(size: int) -> np.ndarray:
    """Return `to_face` (2, 3), see faces.portrait, of a picture that is a canonical crop of `size`
    pixels a side."""
    return np.array([[2 / size, 0, 1 / size - 1], [0, 2 / size, 1 / size - 1]])


CROP_TO_FACE = crop_to_face_matrix(CROP_SIDE)


class View:
    """A random part of a canonical crop, possibly mirrored, with a random tone.

    One view is applied to both pictures of a pair, to its flow and its other fields. Without a
    random generator the view is the whole crop; without tone the colors stay.

    size: side of the view [px]. mirror: whether it is a mirror image. to_view: (2, 3), crop px ->
    pixels of the view. linear: (2, 2), its linear part.
    """

    def __init__(self, rng: np.random.Generator | None, size: int, tone: bool = True):
        self.size, self.mirror = size, False
        side, roll, shift = float(CROP_SIDE), 0.0, np.zeros(2)
        if rng is not None:
            side = float(np.clip(rng.normal(SIDE_MEAN, SIDE_STD), *SIDE_RANGE))
            roll, shift = np.radians(rng.normal(0, ROLL_STD)), rng.normal(0, SHIFT_STD, 2)
            self.mirror = rng.random() < 0.5
        self._draw_tone(rng if tone else None)
        rotation = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        self.linear = size / side * rotation
        if self.mirror:
            self.linear = np.diag([-1.0, 1.0]) @ self.linear
        center = np.full(2, (CROP_SIDE - 1) / 2) + shift
        self.to_view = np.c_[self.linear, np.full(2, (size - 1) / 2) - self.linear @ center]

    def _draw_tone(self, rng: np.random.Generator | None) -> None:
        """Draw the parameters of `convert_picture` and `apply_tone`."""
        self.has_tone, self.grey, self.unsharp = rng is not None, False, 0.0
        self.gamma, self.channel_gain = 1.0, np.ones(3)
        self.lighting = None  # gain (S, S, 1), see `directed_light`
        self.low_resolution = (
            0  # side to which the view is reduced, then enlarged again [px]; 0: neither
        )
        if rng is None:
            return
        self.grey = rng.random() < GREY_SHARE
        self.gamma = np.exp(rng.normal(0, LOG_GAMMA_STD))
        self.channel_gain = np.exp(rng.normal(0, LOG_GAIN_STD, 3))
        self.unsharp = rng.uniform(*UNSHARP_RANGE)
        if rng.random() < DIRECTED_LIGHT_SHARE:
            self.lighting = directed_light(rng, self.size)
        if rng.random() < LOW_RESOLUTION_SHARE:
            self.low_resolution = round(self.size * rng.uniform(*LOW_RESOLUTION_RANGE))
        if rng.random() < LOW_LIGHT_SHARE:
            self.channel_gain = self.channel_gain * rng.uniform(*LOW_LIGHT_RANGE)

    def map_from(self, side: int) -> np.ndarray:
        """Return the affine map (2, 3) to pixels of the view from an array of the crop that has
        `side` pixels a side."""
        step = CROP_SIDE / side  # a position is at step * position + (step - 1) / 2 in crop px
        to_view = self.to_view.copy()
        to_view[:, :2] *= step
        to_view[:, 2] += self.to_view[:, :2] @ np.full(2, (step - 1) / 2)
        return to_view

    def convert_picture(self, pixels: np.ndarray) -> np.ndarray:
        """Convert a crop (s, s, 3) uint8 to the view, (3, S, S) float32 in [-1, 1]."""
        x = cv2.warpAffine(
            pixels,
            self.map_from(len(pixels)),
            (self.size,) * 2,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        ).astype(np.float32)
        if self.low_resolution:
            x = cv2.resize(x, (self.low_resolution,) * 2, interpolation=cv2.INTER_AREA)
            x = cv2.resize(x, (self.size,) * 2, interpolation=cv2.INTER_LINEAR)
        elif self.unsharp:
            x = x + self.unsharp * (x - cv2.GaussianBlur(x, (0, 0), 1))
        if self.lighting is not None:
            x = np.clip(x, 0, 255) * self.lighting
        return (self.apply_tone(x) / 127.5 - 1).transpose(2, 0, 1).astype(np.float32)

    def apply_tone(self, x: np.ndarray) -> np.ndarray:
        """Apply gamma, gain of the channels and grey to colors (..., 3), 0..255."""
        if self.has_tone:
            gain = (255 * self.channel_gain).astype(np.float32)
            x = (np.clip(x, 0, 255) / 255) ** self.gamma * gain
        if self.grey:
            x = np.repeat(x @ np.float32([[0.299], [0.587], [0.114]]), 3, -1)
        return np.clip(x, 0, 255)

    def convert_placement(self, placement: np.ndarray) -> np.ndarray:
        """Convert an affine map (2, 3) to face coordinates of the crop into one to those of the
        view. In mirrored views the x axis of the map is flipped, too, so that a picture that it
        places, such as that of the teeth, is not drawn mirrored."""
        to_face = np.diag([2 / self.size] * 2) @ self.to_view
        to_face[:, 2] += 1 / self.size - 1  # crop px -> face coordinates of the view
        to_crop = placement * (CROP_SIDE / 2)
        to_crop[:, 2] += (CROP_SIDE - 1) / 2
        result = to_face[:, :2] @ to_crop
        result[:, 2] += to_face[:, 2]
        if self.mirror:
            result[:, 0] *= -1
        return result

    def face_distance(self, outline: np.ndarray) -> np.ndarray:
        """Compute the signed distance from a face, (1, S, S), in halves of the view's side;
        negative inside.

        outline: (P, 2) in face coordinates of the crop.
        """
        pixels = outline * (CROP_SIDE / 2) + (CROP_SIDE - 1) / 2
        polygon = np.int32(np.round(pixels @ self.to_view[:, :2].T + self.to_view[:, 2]))
        face = cv2.fillPoly(np.zeros((self.size,) * 2, np.uint8), [polygon], 1)
        outside, inside = (cv2.distanceTransform(mask, cv2.DIST_L2, 5) for mask in (1 - face, face))
        return (outside - inside)[None] * np.float32(2 / self.size)

    def convert_flow(self, flow: np.ndarray) -> np.ndarray:
        """Convert a flow (s, s, 2) [crop px] to (2, S, S) in halves of the view's side."""
        vectors = self.resample(flow.astype(np.float32))
        return np.einsum("ij,jyx->iyx", self.linear * 2 / self.size, vectors).astype(np.float32)

    def convert_light(self, brightness_gain: np.ndarray) -> np.ndarray:
        """Convert a gain of brightness (s, s), 1 for none, to the relative change (1, S, S) of the
        view's brightness, 0 for none; a gain that is NaN everywhere gives NaN everywhere."""
        if np.isnan(brightness_gain).all():
            return np.full((1, self.size, self.size), np.nan, np.float32)
        change = self.resample(brightness_gain.astype(np.float32) - 1)
        return (1 + change) ** np.float32(self.gamma) - 1  # the tone's gamma acts on gains, too

    def convert_depth(self, depth: np.ndarray) -> np.ndarray:
        """Convert a depth map (s, s) in halves of the crop's side to (1, S, S) in those of the
        view's."""
        scale = np.sqrt(abs(np.linalg.det(self.linear))) * CROP_SIDE / self.size
        return self.resample(depth, cv2.BORDER_REPLICATE) * np.float32(scale)

    def convert_lateral_position(self, lateral_position: np.ndarray) -> np.ndarray:
        """Convert a lateral position (s, s), -1 at the person's right to 1 at the left, to the
        view, (1, S, S); mirror images exchange the sides."""
        return self.resample(lateral_position, cv2.BORDER_REPLICATE) * (-1 if self.mirror else 1)

    def resample(self, values: np.ndarray, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
        """Look up values (s, s[, C]) of the crop at the pixels of the view, (C, S, S).

        Outside the crop they are 0, or given by another border mode of OpenCV.
        """
        result = cv2.warpAffine(
            values.astype(np.float32),
            self.map_from(len(values)),
            (self.size,) * 2,
            borderMode=border,
        )
        return np.atleast_3d(result).transpose(2, 0, 1)


def directed_light(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw light from one side: a gain of brightness (S, S, 1) float32, sometimes with the edge of
    a shadow."""
    grid = (np.arange(size, dtype=np.float32) * 2 + 1 - size) / size  # -1 to 1
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(*LIGHT_STRENGTH_RANGE)
    ramp = np.cos(angle) * grid[None] + np.sin(angle) * grid[:, None]
    if rng.random() < SHADOW_SHARE:
        steepness, edge = rng.uniform(*SHADOW_STEEPNESS_RANGE), rng.uniform(*SHADOW_EDGE_RANGE)
        ramp = np.tanh(steepness * (ramp - edge))
    return np.exp(strength * ramp)[..., None]


def degrade(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Degrade a picture (3, S, S) in [-1, 1] by noise, JPEG compression or an elliptic occluder."""
    x = (picture.transpose(1, 2, 0) + 1) * 127.5
    if rng.random() < NOISE_SHARE:
        x = x + rng.normal(0, rng.uniform(*NOISE_STD_RANGE), x.shape)
    if rng.random() < JPEG_SHARE:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*JPEG_QUALITIES))]
        _, data = cv2.imencode(".jpg", np.uint8(np.clip(x, 0, 255)), quality)
        x = cv2.imdecode(data, cv2.IMREAD_COLOR).astype(np.float32)
    if rng.random() < OCCLUDER_SHARE:
        x = np.ascontiguousarray(x, np.float32)
        draw_ellipse(rng, x)
    return np.float32(np.clip(x, 0, 255) / 127.5 - 1).transpose(2, 0, 1)


def draw_ellipse(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Draw an ellipse of a random color over a picture (S, S, 3) float32, 0..255, in place."""
    size = len(picture)
    center, axes = rng.uniform(0, size, 2), rng.uniform(0.1, 0.5, 2) * size
    color = rng.uniform(0, 255, 3) if rng.random() < 0.5 else picture.mean((0, 1))
    box = (tuple(map(float, center)), tuple(map(float, axes)), float(rng.uniform(0, 180)))
    cv2.ellipse(picture, box, tuple(map(float, color)), -1)
