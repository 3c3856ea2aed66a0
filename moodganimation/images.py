"""Pictures from files and to files: the one border between what people have and what we compute.

Inside, a picture is (H, W, 3) uint8 RGB, upright, in sRGB.
"""

import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from .errors import UnreadableImage, Unwritable

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
MOST_PIXELS = 80_000_000
LEAST_SIDE = 32  # [px]
EDITED = "Facial expression edited with MoodGANimation"


def read_image(source: str | Path | bytes) -> np.ndarray:
    """A photo file as (H, W, 3) uint8 RGB: turned upright, alpha over white, 16 bits to 8, sRGB.

    Sizes are checked before pixels are decoded. Raises UnreadableImage.
    """
    name = "The picture" if isinstance(source, bytes) else str(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(
                io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS
            ) as image:
                check_size(*image.size, name)
                image.load()
                return _to_rgb(ImageOps.exif_transpose(image))
    except UnreadableImage:
        raise
    except FileNotFoundError:
        raise UnreadableImage(f"There is no file {name}.") from None
    except Image.DecompressionBombError:
        raise UnreadableImage(_too_large(name)) from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as problem:
        raise UnreadableImage(
            f"{name} is not a readable picture ({', '.join(FORMATS)} can be read); "
            "it may be damaged or another kind of file."
        ) from problem


def check_photo(photo: np.ndarray) -> np.ndarray:
    """`photo` if it is (H, W, 3) uint8 of a sensible size. Raises UnreadableImage."""
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.ndim != 3:
        raise UnreadableImage("A photo must be an (H, W, 3) array of uint8 RGB.")
    if photo.shape[2] != 3:
        raise UnreadableImage(f"A photo must have 3 channels (RGB), got {photo.shape[2]}.")
    check_size(photo.shape[1], photo.shape[0], "The picture")
    return photo


def check_size(width: int, height: int, name: str) -> None:
    if width * height > MOST_PIXELS:
        raise UnreadableImage(_too_large(name, f" ({width} x {height})"))
    if min(width, height) < LEAST_SIDE:
        raise UnreadableImage(
            f"{name} is {width} x {height} pixels, too small to hold a face; "
            f"use one of at least {LEAST_SIDE} pixels a side."
        )


def write_image(path: str | Path, picture: np.ndarray, description: str = EDITED) -> None:
    """Write PNG, JPEG or WebP by the file's ending, whole or not at all, marked as edited.

    Raises Unwritable.
    """
    path = Path(path)
    image, options = Image.fromarray(picture), {}
    format = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}.get(
        path.suffix.lower()
    )
    if format is None:
        raise Unwritable(f"{path}: pictures are written as .png, .jpg or .webp.")
    exif = Image.Exif()
    exif[0x010E], exif[0x0131] = description, "MoodGANimation"  # ImageDescription, Software
    if format != "PNG":
        options = {"quality": 95}
    part = path.with_name(f".{path.name}.part")
    try:
        image.save(part, format, exif=exif, **options)
        os.replace(part, path)
    except OSError as problem:
        raise Unwritable(f"{path} cannot be written ({problem.strerror or problem}).") from problem
    finally:
        part.unlink(missing_ok=True)


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more a channel, grey
        values = np.asarray(image).astype(np.float64)
        top = 255.0 if values.max(initial=0) <= 255 else 65535.0
        grey = np.uint8(np.clip(values / top, 0, 1) * 255 + 0.5)
        return np.repeat(grey[..., None], 3, 2)
    if "icc_profile" in image.info and image.mode in ("RGB", "CMYK"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            image = ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile: take the numbers as they are, as browsers do
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def _too_large(name: str, size: str = "") -> str:
    return (
        f"{name}{size} has more than {MOST_PIXELS // 1_000_000} megapixels; "
        "make it smaller or cut the face out first."
    )
