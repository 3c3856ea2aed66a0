"""Metadata of a photo that files of its edits keep.

Kept: resolution, maker and model of the camera, dates, artist and copyright. All else is dropped,
the place where it was taken included; so is the orientation, since edits are written upright.
"""

import contextlib
import math
from dataclasses import dataclass, field

from PIL import Image
from PIL.ExifTags import IFD
from PIL.ExifTags import Base as Tag

from .opening import MAX_EXIF_BYTES

KEPT_TAGS = (Tag.Make, Tag.Model, Tag.DateTime, Tag.Artist, Tag.Copyright)
KEPT_EXIF_TAGS = (
    *(Tag.DateTimeOriginal, Tag.DateTimeDigitized),
    *(Tag.OffsetTime, Tag.OffsetTimeOriginal, Tag.OffsetTimeDigitized),
    *(Tag.SubsecTime, Tag.SubsecTimeOriginal, Tag.SubsecTimeDigitized),
)
INCH, CENTIMETER = 2, 3  # values of ResolutionUnit
UNCALIBRATED, ADOBE_RGB = 0xFFFF, 2  # values of ColorSpace
INTEROPERABILITY_INDEX = 1  # a tag of EXIF's interoperability directory
MAX_TEXT_BYTES = 1_000
DPI_RANGE = (2.0, 100_000.0)  # Pillow reports 1 for a TIFF without a resolution


@dataclass(frozen=True)
class PhotoMetadata:
    """The kept metadata, and the entries that reading the pixels needs."""

    dpi: tuple[float, float] | None = None  # horizontal, vertical
    tags: dict[int, str | bytes] = field(default_factory=dict)  # those of KEPT_TAGS
    exif_tags: dict[int, str | bytes] = field(default_factory=dict)  # those of KEPT_EXIF_TAGS
    has_gps: bool = False  # whether EXIF has GPS data, or XMP a latitude
    orientation: int = 1  # of EXIF, 1 to 8
    adobe_rgb: bool = False  # whether EXIF says that the colors are those of Adobe RGB (1998)

    def write(self, exif: Image.Exif) -> None:
        """Write the kept metadata into an EXIF block."""
        for tag, value in self.tags.items():
            exif[tag] = value
        for tag, value in self.exif_tags.items():
            exif.get_ifd(IFD.Exif)[tag] = value
        if self.dpi:
            exif[Tag.XResolution], exif[Tag.YResolution] = self.dpi
            exif[Tag.ResolutionUnit] = INCH


def read_photo_metadata(image: Image.Image) -> PhotoMetadata:
    """Read the metadata of a picture whose file is still open.

    EXIF is read in the order orientation, texts, GPS, color space, resolution: the first of these
    that is damaged, and those after it, are left out.
    """
    tags, exif_tags, has_gps, orientation, adobe, dpi = {}, {}, False, 1, False, None
    hex_exif = image.info.get("Raw profile type exif", "")  # in a text chunk of a PNG
    if max(len(image.info.get("exif", b"")), len(hex_exif) / 2) <= MAX_EXIF_BYTES:
        with contextlib.suppress(Exception):  # a damaged block can make the parser raise anything
            exif = image.getexif()
            orientation = exif.get(Tag.Orientation, 1)
            tags = _text_tags(exif, KEPT_TAGS)
            exif_tags = _text_tags(exif.get_ifd(IFD.Exif), KEPT_EXIF_TAGS)
            has_gps = bool(exif.get_ifd(IFD.GPSInfo))
            adobe = _is_adobe_rgb(exif)
            units_per_inch = {INCH: 1.0, CENTIMETER: 2.54}[exif.get(Tag.ResolutionUnit, INCH)]
            dpi = _dpi([exif.get(Tag.XResolution), exif.get(Tag.YResolution)], units_per_inch)
    with contextlib.suppress(Exception):
        has_gps = has_gps or b"GPSLatitude" in _bytes(image.info.get("xmp", b""))
    for name, tag in (("Author", Tag.Artist), ("Copyright", Tag.Copyright)):  # text chunks of a PNG
        if tag not in tags and isinstance(text := image.info.get(name), str):
            # As Pillow returns UTF-8 from EXIF: one Latin-1 character per byte, see `_text_tags`.
            tags |= _text_tags({tag: text.encode().decode("latin1")}, (tag,))
    # The decoder of HEIF has applied the file's own orientation, which is not that of EXIF.
    if image.format == "HEIF" or orientation not in range(1, 9):
        orientation = 1
    if image.format not in ("JPEG", "MPO") or image.info.get("jfif_unit") in (1, 2):
        # For JPEGs without a resolution Pillow reports 72.
        dpi = _dpi(image.info.get("dpi")) or dpi
    return PhotoMetadata(dpi, tags, exif_tags, has_gps, orientation, adobe)


def _text_tags(exif, kept: tuple[int, ...]) -> dict[int, str | bytes]:
    """The entries of these tags that are texts: str if ASCII, else bytes.

    Pillow decodes texts as Latin-1 and writes str as ASCII only.
    """
    found = {}
    for tag in kept:
        text = exif.get(tag)
        if isinstance(text, str) and text.strip("\0 ") and len(text) <= MAX_TEXT_BYTES:
            data = text.strip("\0 ").encode("latin1")
            found[tag] = data.decode() if data.isascii() else data
    return found


def _is_adobe_rgb(exif: Image.Exif) -> bool:
    """Whether EXIF says Adobe RGB.

    DCF 2.0 (JEITA CP-3461A) says so by an uncalibrated color space and the interoperability index
    R03, some cameras by color space 2. One of the three is enough, unless the index is R98 (sRGB).
    """
    inner = exif.get_ifd(IFD.Exif)
    color_space = inner.get(Tag.ColorSpace)
    index = exif.get_ifd(IFD.Interop).get(INTEROPERABILITY_INDEX) if IFD.Interop in inner else None
    index = index.decode() if isinstance(index, bytes) else index or ""
    if index.startswith("R98"):  # sRGB
        return False
    return color_space in (UNCALIBRATED, ADOBE_RGB) or index.startswith("R03")


def _dpi(values: object, units_per_inch: float = 1.0) -> tuple[float, float] | None:
    """Pixels per inch, horizontal and vertical; None if they are missing or out of DPI_RANGE.

    values: pixels per unit.
    """
    with contextlib.suppress(Exception):
        horizontal, vertical = (float(value) * units_per_inch for value in values)
        low, high = DPI_RANGE
        if all(math.isfinite(v) and low <= v <= high for v in (horizontal, vertical)):
            return horizontal, vertical
    return None


def _bytes(value: object) -> bytes:
    """Return bytes unchanged, and text as UTF-8."""
    return value if isinstance(value, bytes) else str(value).encode()
