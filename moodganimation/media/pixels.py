"""Arrays of color and alpha: convert them from Pillow, rotate them upright, composite them over
white, and convert between 8 and 16 bits."""

import contextlib

import cv2
import numpy as np
from PIL import Image, ImageCms

from .profiles import to_srgb

STRIP_ROWS = 512  # rows converted at once, so that few copies of a large photo are in memory
HIDDEN_FILL_SIDE = 1024  # resolution at which hidden colors are filled [px]


def color_and_alpha(
    image: Image.Image, profile: bytes | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Color (H, W, 3) uint8 in sRGB, and alpha (H, W) uint8, 0 transparent.

    alpha is None if all is opaque. profile: the picture's ICC profile; None: sRGB.
    """
    width, height = image.size
    color, white = np.empty((height, width, 3), np.uint8), 1.0
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    alpha = np.empty((height, width), np.uint8) if has_alpha else None
    if is_high_bit_grey := image.mode.startswith("I") or image.mode == "F":  # more than 8 bits
        white, alpha = _white_level(image), None
    for row in range(0, height, STRIP_ROWS):
        strip = image.crop((0, row, width, min(row + STRIP_ROWS, height)))
        if alpha is not None:
            strip = strip.convert("RGBA")
            alpha[row : row + STRIP_ROWS] = np.asarray(strip.getchannel("A"))
        color[row : row + STRIP_ROWS] = (
            _grey_to_uint8(strip, white) if is_high_bit_grey else _color_to_srgb(strip, profile)
        )
    return color, alpha if alpha is not None and alpha.min() < 255 else None


def _white_level(image: Image.Image) -> float:
    """The value that means white: 1, 255 or 65535.

    Modes I and F do not define it, so it is guessed from the largest value.
    """
    largest = max(image.getextrema()[1], 0)
    if image.mode.startswith("I;") or largest > 255:
        return 65535.0
    return 1.0 if largest <= 1 else 255.0


def _grey_to_uint8(image: Image.Image, white: float) -> np.ndarray:
    """Scale grey values so that `white` becomes 255: (h, w, 1) uint8."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64)) / white
    return np.uint8(np.clip(values, 0, 1) * 255 + 0.5)[..., None]


def _color_to_srgb(image: Image.Image, profile: bytes | None) -> np.ndarray:
    """Convert a picture of 8 bits to sRGB: (h, w, 3) uint8."""
    if image.mode not in ("RGB", "CMYK"):
        image = image.convert("RGB")
    if profile:
        # If the profile is damaged or for grey, the values are taken as sRGB, as browsers do.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            image = to_srgb(image, profile)
    return np.asarray(image.convert("RGB") if image.mode == "CMYK" else image)


def apply_orientation(array: np.ndarray, orientation: int) -> np.ndarray:
    """Rotate and mirror pixels (H, W[, C]) upright, by EXIF's Orientation, 1 to 8."""
    if orientation > 4:
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def composite_over_white(color: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Composite color (H, W, 3) over white by alpha (H, W); both uint8 or both uint16."""
    if alpha is None:
        return color
    white, result = np.iinfo(color.dtype).max, np.empty_like(color)
    for row in range(0, len(color), STRIP_ROWS):
        strip = slice(row, row + STRIP_ROWS)
        opacity = np.float32(alpha[strip, :, None]) / white
        result[strip] = opacity * color[strip] + (1 - opacity) * white + 0.5
    return result


def without_alpha(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3 or 4) composited over white, (H, W, 3)."""
    if picture.shape[2] == 3:
        return picture
    return composite_over_white(picture[..., :3], picture[..., 3])


def to_dtype(picture: np.ndarray, dtype: type) -> np.ndarray:
    """Convert between uint8 and uint16; 255 corresponds to 65535."""
    if picture.dtype == dtype:
        return picture
    if dtype == np.uint16:
        return picture.astype(np.uint16) * 257
    return cv2.convertScaleAbs(picture, alpha=1 / 257)


def fill_hidden_colors(color: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Replace the colors (H, W, 3) of fully transparent pixels by that of the nearest visible one.

    Motion across an outline then shows no color that was hidden behind it. alpha: (H, W).
    """
    if alpha is None or (visible := alpha > 0).all() or not visible.any():
        return color
    scale = max(1, -(-max(alpha.shape) // HIDDEN_FILL_SIDE))
    small = visible[::scale, ::scale]
    if not small.any():
        return color
    _, labels = cv2.distanceTransformWithLabels(
        np.uint8(~small), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros((labels.max() + 1, 3), color.dtype)
    nearest[labels[small]] = color[::scale, ::scale][small]
    height, width = alpha.shape
    filled = nearest[labels].repeat(scale, 0)[:height].repeat(scale, 1)[:, :width]
    return np.where(visible[..., None], color, filled)
