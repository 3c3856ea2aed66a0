"""Read and write picture files.

In memory a picture is (H, W, 3) uint8 RGB, upright, in sRGB. A `Photo` also has what the files of
its edits keep: alpha, 16 bits per channel, and the metadata of `photo_metadata`.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ExifTags import Base as Tag

from ..deprecation import renamed_parameters
from ..errors import Message, UnreadableImage, Unwritable
from ..files.atomic import atomic_write, check_writable
from ..files.regular import check_regular_file
from .decoding import avif_bit_depth, is_heif, read_16bit, read_heif
from .formats import ENDINGS_WITHOUT_ALPHA, FORMATS_16BIT, PILLOW_FORMATS, WRITABLE_FORMATS
from .jpeg import MAX_MISSING_SHARE, append_missing_end, missing_share
from .metadata import exif_block, png_text
from .opening import open_bounded
from .photo_metadata import PhotoMetadata, read_photo_metadata
from .pixels import (
    apply_orientation,
    color_and_alpha,
    composite_over_white,
    to_dtype,
    without_alpha,
)
from .profiles import adobe_rgb, is_rgb
from .provenance import EDITED, sign, with_edit_label, xmp_packet
from .tiff_png_writer import write_png_16bit, write_tiff

MAX_PHOTO_PIXELS = 80_000_000
MIN_PHOTO_SIDE = 32  # [px]
MAX_ASPECT_RATIO = 100  # longer side over shorter side
HEAD_BYTES = 65_536  # read first, to recognize the format of a file
# The end of the error message for a folder.
FOLDER_ADVICE = "choose a picture in it, or edit all of them with python -m moodganimation batch"
UNSIGNED_INTEGERS = 1  # a value of TIFF's SampleFormat
BLACK_IS_ZERO, RGB = 1, 2  # values of TIFF's PhotometricInterpretation


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo file, rotated upright."""

    pixels: np.ndarray  # (H, W, 3) uint8, sRGB, over white: the input of the networks
    # (H, W, 3) before compositing by `alpha`: edits are pasted into it and written to files.
    color: np.ndarray  # uint8 in sRGB, or uint16 in `profile`
    alpha: np.ndarray | None = None  # (H, W), 0 transparent, dtype of `color`; None: all is opaque
    profile: bytes | None = None  # ICC profile of a `color` in uint16; None: sRGB
    bits: int = 8  # per channel, in the file
    metadata: PhotoMetadata = field(default_factory=PhotoMetadata)
    name: str = Message("The picture")  # of the file, without its folder; for messages
    format: str = ""  # of the file: Pillow's name, or HEIF
    notes: tuple[Message, ...] = ()  # about what reading has changed, and what the file lacks

    def loss_notes(self, path: str | Path) -> list[Message]:
        """Sentences about what an edit loses in a file of this name: alpha, bit depth, location."""
        name, notes = Path(path).name, self.alpha_notes(path)
        format = WRITABLE_FORMATS.get(Path(path).suffix.lower())
        written_in_8bit = format not in FORMATS_16BIT or self.color.dtype == np.uint8
        if self.bits > 8 and format and written_in_8bit:
            notes.append(
                Message("{} has {} bits per channel; 8 are kept in {}.", self.name, self.bits, name)
            )
        if self.metadata.has_gps:
            notes.append(Message("The place where the photo was taken is left out of {}.", name))
        return notes

    def alpha_notes(self, path: str | Path, over_white: bool = False) -> list[Message]:
        """Sentences about what a file of this name loses of the photo's alpha.

        over_white: the file shows faces over white (as sheets and panels) instead of an edit.
        """
        ending, name = Path(path).suffix.lower(), Path(path).name
        if self.alpha is None:
            return []
        if over_white or ending in ENDINGS_WITHOUT_ALPHA:
            return [Message("The transparent parts of the photo are white in {}.", name)]
        translucent = (self.alpha > 0) & (self.alpha < np.iinfo(self.alpha.dtype).max)
        if ending == ".gif" and translucent.any():
            return [
                Message(
                    "Pixels that are half transparent in the photo are opaque or fully transparent "
                    "in {}.",
                    name,
                )
            ]
        return []


def read_image(source: str | Path | bytes) -> np.ndarray:
    """Read a photo as (H, W, 3) uint8 RGB: upright, over white, in sRGB.

    The size is checked before pixels are decoded. Raises UnreadableImage.
    """
    return read_photo(source, keep_16bit=False).pixels


@renamed_parameters(deep="keep_16bit")
def read_photo(source: str | Path | bytes, keep_16bit: bool = True) -> Photo:
    """Read a photo with what the files of its edits keep.

    keep_16bit: keep 16 bits per channel if the file has them, which takes twice the memory. The
    size is checked before pixels are decoded. Raises UnreadableImage.
    """
    name = Message("The picture") if isinstance(source, bytes) else str(source)
    if not isinstance(source, bytes):
        check_regular_file(source, UnreadableImage, FOLDER_ADVICE)
    try:
        return _decode_photo(source, name, keep_16bit)
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
            ", ".join((*PILLOW_FORMATS, "HEIC")),
        ) from problem


def _decode_photo(source: str | Path | bytes, name: str, keep_16bit: bool) -> Photo:
    """Read a photo as `read_photo`, but raise what the decoders raise. name: for messages."""
    notes: list[Message] = []
    short_name = name if isinstance(source, bytes) else Path(source).name
    with _open_decoded(source, name, notes) as (image, bits):
        metadata, profile = read_photo_metadata(image), image.info.get("icc_profile")
        format = image.format or ""
        if not profile and metadata.adobe_rgb:
            profile = adobe_rgb()
            sentence = "{} says in its EXIF data that its colors are Adobe RGB (1998)."
            notes.append(Message(sentence, short_name))
        color_alpha = color_and_alpha(image, profile)
        has_16bit = bits == 16 and image.format in FORMATS_16BIT and _is_unsigned_rgb(image)
    color_alpha_16bit = (
        _read_color_alpha_16bit(source, color_alpha[0].shape) if keep_16bit and has_16bit else None
    )
    color, alpha = _upright(color_alpha, metadata.orientation)
    pixels = composite_over_white(color, alpha)
    if color_alpha_16bit is None:
        profile = None  # `color` is in sRGB
    else:
        color, alpha = _upright(color_alpha_16bit, metadata.orientation)
        profile = profile if profile and is_rgb(profile) else None
    kept = {"profile": profile, "bits": bits, "metadata": metadata}
    return Photo(pixels, color, alpha, **kept, name=short_name, format=format, notes=tuple(notes))


def _upright(
    color_alpha: tuple[np.ndarray, np.ndarray | None], orientation: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Apply an EXIF orientation to color and alpha."""
    color, alpha = color_alpha
    upright_alpha = None if alpha is None else apply_orientation(alpha, orientation)
    return apply_orientation(color, orientation), upright_alpha


@contextlib.contextmanager
def _open_decoded(
    source: str | Path | bytes, name: str, notes: list[Message]
) -> Iterator[tuple[Image.Image, int]]:
    """Decode a picture; yield it and the bits per channel of the file. Appends to `notes`."""
    head = source[:HEAD_BYTES] if isinstance(source, bytes) else _read_head(source)
    if is_heif(head):
        image = read_heif(source, name, MAX_PHOTO_PIXELS, lambda *size: check_size(*size, name))
        yield image, image.info["bits"]
        return
    jpeg = _read_bytes(source) if head.startswith(b"\xff\xd8\xff") else None
    completed = jpeg and append_missing_end(jpeg)  # None if nothing is missing
    with open_bounded(completed or source) as image:
        check_size(*image.size, name)
        bits = avif_bit_depth(head) if image.format == "AVIF" else _bit_depth(image)
        image.load()
        if jpeg:
            notes += _truncation_notes(completed or jpeg, image, bool(completed), name)
        yield image, bits


def _truncation_notes(jpeg: bytes, image: Image.Image, truncated: bool, name: str) -> list[Message]:
    """Sentences about the missing rows of a JPEG. Raises UnreadableImage if they are too many."""
    short_name = Path(name).name
    missing = missing_share(jpeg, image, truncated)
    if missing is None:
        raise UnreadableImage(
            "{} is incomplete: the file has only a coarse version of the picture. Download or copy "
            "it again.",
            name,
        )
    percent = int(np.ceil(100 * missing))
    if missing > MAX_MISSING_SHARE:
        raise UnreadableImage(
            "{} is cut off: its lowest {} % are missing. Download or copy it again.", name, percent
        )
    if missing:
        return [Message("The lowest {} % of {} are missing in the file.", percent, short_name)]
    sentence = "The end of {} is missing, but all its pixels are there."
    return [Message(sentence, short_name)] if truncated else []


def _bit_depth(image: Image.Image) -> int:
    """Bits per channel of a picture that is not decoded yet; fewer than 8 count as 8."""
    if image.format == "TIFF":
        return max(8, *(image.tag_v2.get(Tag.BitsPerSample) or (8,)))
    decoder, arguments = (image.tile[0][0], image.tile[0][3]) if image.tile else ("", "")
    if image.format == "PPM" and decoder == "ppm":
        return max(8, arguments[1].bit_length())  # of the largest value
    return 16 if image.format in ("PNG", "PPM") and "16" in str(arguments) else 8


def _is_unsigned_rgb(image: Image.Image) -> bool:
    """Whether a TIFF stores grey or RGB as unsigned integers, 0 black; a PNG always does."""
    tags = getattr(image, "tag_v2", {Tag.PhotometricInterpretation: RGB})
    unsigned = set(tags.get(Tag.SampleFormat) or (UNSIGNED_INTEGERS,)) == {UNSIGNED_INTEGERS}
    return unsigned and tags.get(Tag.PhotometricInterpretation) in (BLACK_IS_ZERO, RGB)


def _read_color_alpha_16bit(
    source: str | Path | bytes, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Color (H, W, 3) and alpha (H, W) uint16; None if decoding fails, so that 8 bits are kept.

    shape: (H, W, ...) of the picture as Pillow decodes it; another one counts as a failure.
    """
    try:
        picture = read_16bit(source, MAX_PHOTO_PIXELS)
    except (OSError, ValueError, MemoryError):
        return None
    if picture.shape[:2] != shape[:2]:
        return None
    if picture.ndim == 2:
        return np.repeat(picture[..., None], 3, 2), None
    alpha = np.ascontiguousarray(picture[..., 3]) if picture.shape[2] == 4 else None
    alpha = None if alpha is not None and alpha.min() == 65535 else alpha
    return np.ascontiguousarray(picture[..., :3]), alpha


def _read_head(path: str | Path) -> bytes:
    """Read the first HEAD_BYTES of a file."""
    with open(path, "rb") as file:
        return file.read(HEAD_BYTES)


def _read_bytes(source: str | Path | bytes) -> bytes:
    """Read a whole file, unless its bytes are given."""
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def holds_16bit(path: str | Path) -> bool:
    """Whether a picture file of this name can hold 16 bits per channel."""
    return WRITABLE_FORMATS.get(Path(path).suffix.lower()) in FORMATS_16BIT


def check_photo(photo: np.ndarray) -> np.ndarray:
    """Return `photo` if it is (H, W, 3) uint8 of an accepted size; else raise UnreadableImage."""
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.ndim != 3:
        raise UnreadableImage("A photo must be an (H, W, 3) array of uint8 RGB.")
    if photo.shape[2] != 3:
        raise UnreadableImage("A photo must have 3 channels (RGB), got {}.", photo.shape[2])
    check_size(photo.shape[1], photo.shape[0], Message("The picture"))
    return photo


def check_size(width: int, height: int, name: str) -> None:
    """Raise UnreadableImage for a size that is too large, too small or too narrow."""
    if width * height > MAX_PHOTO_PIXELS:
        raise UnreadableImage(_too_large(Message("{} ({} x {})", name, width, height)))
    if min(width, height) < MIN_PHOTO_SIDE:
        raise UnreadableImage(
            "{} is {} x {} pixels, too small to hold a face; use one of at least {} pixels a side.",
            name,
            width,
            height,
            MIN_PHOTO_SIDE,
        )
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise UnreadableImage(
            "{} is {} x {} pixels, too narrow: one side may be at most {} times the other. Crop it "
            "to the face.",
            name,
            width,
            height,
            MAX_ASPECT_RATIO,
        )


def write_image(
    path: str | Path,
    picture: np.ndarray,
    description: str = EDITED,
    recipe: str | None = None,
    label: bool = False,
    source: Photo | None = None,
) -> list[Message]:
    """Write a PNG, JPEG, WebP or TIFF by the file's ending, completely or not at all.

    picture: (H, W, 3), or (H, W, 4) with alpha, uint8 or uint16. description: EDITED for an edit,
    which also gets an XMP packet and, if a certificate is configured, a signature; other texts are
    only written as description. recipe: `Recipe.text()`, written as metadata. label: draw "edited
    with ..." into a corner. source: the photo that was edited. Its `metadata` is kept, and its
    `profile` embedded, so `picture` must be in that profile (see `Frame.render_for_file`). Returns
    sentences about what is lost. Raises Unwritable.
    """
    path, format = check_picture_path(path)
    if path.suffix.lower() in ENDINGS_WITHOUT_ALPHA:
        picture = without_alpha(picture)
    if format not in FORMATS_16BIT:
        picture = to_dtype(picture, np.uint8)
    picture = with_edit_label(picture) if label else picture
    with atomic_write(path) as temporary:
        try:
            _write(temporary, picture, format, description, recipe, source)
            if description == EDITED:
                sign(temporary, path.suffix.lower())
        except ValueError as problem:
            raise Unwritable("{} cannot be written ({}).", path, problem) from problem
    return source.loss_notes(path) if source else []


def check_picture_path(path: str | Path) -> tuple[Path, str]:
    """The path and the format of a picture that can be written. Raises Unwritable."""
    path = Path(path)
    format = WRITABLE_FORMATS.get(path.suffix.lower())
    if format is None:
        raise Unwritable("{}: pictures are written as .png, .jpg, .webp or .tif.", path)
    return check_writable(path), format


def _write(path: Path, picture: np.ndarray, format: str, description, recipe, source) -> None:
    """Write a picture with its metadata, without signing it; the rest as for `write_image`."""
    metadata = source.metadata if source else PhotoMetadata()
    exif = exif_block(description, None if format == "PNG" else recipe, metadata)
    packet, profile = xmp_packet(description), source.profile if source else None
    if format == "TIFF":
        write_tiff(path, picture, exif, metadata.dpi, profile, packet)
        return
    options: dict = {"exif": exif} | ({"icc_profile": profile} if profile else {})
    options |= {"dpi": metadata.dpi} if metadata.dpi else {}
    if format == "PNG":  # compressed lightly: a large photo takes one second instead of three
        options |= {"pnginfo": png_text(description, recipe), "compress_level": 1}
    else:
        options |= {"quality": 95} | ({"xmp": packet} if packet else {})
    if picture.dtype == np.uint16:
        write_png_16bit(path, picture, **options)
    else:
        Image.fromarray(picture).save(path, format, **options)


def _too_large(name: str) -> Message:
    """The message for a picture of more than MAX_PHOTO_PIXELS. name: of the file."""
    return Message(
        "{} has more than {} megapixels; make it smaller or cut the face out first.",
        name,
        MAX_PHOTO_PIXELS // 1_000_000,
    )
