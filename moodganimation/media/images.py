"""Pictures from files and to files: the one border between what people have and what we compute.

Inside, a picture is (H, W, 3) uint8 RGB, upright, in sRGB.
"""

import contextlib
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from ..errors import Message, UnreadableImage, Unwritable
from .headers import FORMATS, MOST_EXIF, opening
from .metadata import exif, text_chunks
from .provenance import EDITED, labelled, sign, xmp

WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
MOST_PIXELS = 80_000_000
LEAST_SIDE = 32  # [px]
LONGEST_SHAPE = 100  # times as long as it is wide
STRIP = 512  # rows that are converted at once


def read_image(source: str | Path | bytes) -> np.ndarray:
    """A photo file as (H, W, 3) uint8 RGB: turned upright, alpha over white, 16 bits to 8, sRGB.

    Sizes are checked before pixels are decoded. Raises UnreadableImage.
    """
    name = Message("The picture") if isinstance(source, bytes) else str(source)
    try:
        with opening(source) as image:
            check_size(*image.size, name)
            image.load()
            _turn_upright(image)
            return _to_rgb(image)
    except UnreadableImage:
        raise
    except FileNotFoundError:
        raise UnreadableImage("There is no file {}.", name) from None
    except Image.DecompressionBombError:
        raise UnreadableImage(_too_large(name)) from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as problem:
        raise UnreadableImage(
            "{} is not a readable picture ({} can be read); it may be damaged or another kind of "
            "file.",
            name,
            ", ".join(FORMATS),
        ) from problem


def check_photo(photo: np.ndarray) -> np.ndarray:
    """`photo` if it is (H, W, 3) uint8 of a sensible size. Raises UnreadableImage."""
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.ndim != 3:
        raise UnreadableImage("A photo must be an (H, W, 3) array of uint8 RGB.")
    if photo.shape[2] != 3:
        raise UnreadableImage("A photo must have 3 channels (RGB), got {}.", photo.shape[2])
    check_size(photo.shape[1], photo.shape[0], Message("The picture"))
    return photo


def check_size(width: int, height: int, name: str) -> None:
    if width * height > MOST_PIXELS:
        raise UnreadableImage(_too_large(Message("{} ({} x {})", name, width, height)))
    if min(width, height) < LEAST_SIDE:
        raise UnreadableImage(
            "{} is {} x {} pixels, too small to hold a face; use one of at least {} pixels a side.",
            name,
            width,
            height,
            LEAST_SIDE,
        )
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise UnreadableImage(
            "{} is {} x {} pixels, a mere line; cut the face out first.", name, width, height
        )


def write_image(
    path: str | Path,
    picture: np.ndarray,
    description: str = EDITED,
    recipe: str | None = None,
    label: bool = False,
) -> None:
    """Write PNG, JPEG or WebP by the file's ending, whole or not at all, marked as edited.

    recipe: `Recipe.text()`, kept inside. label: says in a corner, too, that it was edited. Raises
    Unwritable.
    """
    path, format = check_picture(path)
    image = Image.fromarray(labelled(picture) if label else picture)
    # A PNG of a large photo is compressed lightly: a second instead of three.
    options = {"compress_level": 1} if format == "PNG" else {"quality": 95}
    if format == "PNG":
        options["pnginfo"], recipe = text_chunks(description, recipe), None
    elif packet := xmp(description):
        options["xmp"] = packet
    part = path.with_name(f".{path.name[:80]}.part")
    try:
        image.save(part, format, exif=exif(description, recipe), **options)
        if description == EDITED:
            sign(part, path.suffix.lower())
        os.replace(part, path)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise Unwritable("{} cannot be written ({}).", path, reason) from problem
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def check_picture(path: str | Path) -> tuple[Path, str]:
    """The path of a picture that could be written, and its format. Raises Unwritable."""
    path = Path(path)
    format = WRITTEN.get(path.suffix.lower())
    if format is None:
        raise Unwritable("{}: pictures are written as .png, .jpg or .webp.", path)
    if not path.parent.is_dir():
        raise Unwritable("There is no folder {}.", path.parent)
    return path, format


def _to_rgb(image: Image.Image) -> np.ndarray:
    """In strips, so that a large photo is not there several times at once."""
    width, height = image.size
    picture, top = np.empty((height, width, 3), np.uint8), 1.0
    if deep := image.mode.startswith("I") or image.mode == "F":  # more than 8 bits, grey
        most = max(image.getextrema()[1], 0)
        wide = image.mode.startswith("I;") or most > 255
        top = 65535.0 if wide else 1.0 if most <= 1 else 255.0
    for row in range(0, height, STRIP):
        strip = image.crop((0, row, width, min(row + STRIP, height)))
        picture[row : row + STRIP] = _grey(strip, top) if deep else _color(strip)
    return picture


def _grey(image: Image.Image, top: float) -> np.ndarray:
    values = np.nan_to_num(np.asarray(image).astype(np.float64)) / top
    return np.uint8(np.clip(values, 0, 1) * 255 + 0.5)[..., None]


def _color(image: Image.Image) -> np.ndarray:
    profile = image.info.get("icc_profile")
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode not in ("RGB", "CMYK"):
        image = image.convert("RGB")
    if profile:
        try:
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ours = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, theirs, ours, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken or a grey profile: take the numbers as they are, as browsers do
    return np.asarray(image.convert("RGB") if image.mode == "CMYK" else image)


def _turn_upright(image: Image.Image) -> None:
    """Turn a picture as its camera says; a damaged EXIF block, or a very large one, is ignored."""
    spelled = image.info.get("Raw profile type exif", "")  # of a PNG, in hexadecimal
    if max(len(image.info.get("exif", b"")), len(spelled) / 2) <= MOST_EXIF:
        with contextlib.suppress(Exception):  # whatever a damaged block makes of the parser
            ImageOps.exif_transpose(image, in_place=True)


def _too_large(name: str) -> Message:
    return Message(
        "{} has more than {} megapixels; make it smaller or cut the face out first.",
        name,
        MOST_PIXELS // 1_000_000,
    )
