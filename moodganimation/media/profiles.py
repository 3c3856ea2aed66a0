"""Color profiles (ICC): Adobe RGB (1998), and conversion between a profile and sRGB."""

import io
import struct

import numpy as np
from PIL import Image, ImageCms

# Adobe RGB (1998) Color Image Encoding, Adobe 2005: the primaries adapted to the white point of
# profiles, D50, and the gamma 2 + 51/256.
_PRIMARIES = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}
_D50 = (0.9642, 1.0, 0.8249)
_GAMMA = 563  # [1/256]


def adobe_rgb() -> bytes:
    """A display profile (ICC.1:2001-04) of Adobe RGB (1998)."""
    text = b"Adobe RGB (1998)"
    tags = {name: b"XYZ \0\0\0\0" + _fixed_point(*values) for name, values in _PRIMARIES.items()}
    tags |= {
        b"wtpt": b"XYZ \0\0\0\0" + _fixed_point(*_D50),
        b"cprt": b"text\0\0\0\0public domain\0",
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(79),
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, _GAMMA)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    header = struct.pack(">I4xI", size, 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    header += bytes(28) + _fixed_point(*_D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _fixed_point(*values: float) -> bytes:
    """Encode numbers as s15Fixed16: big-endian, in 1/65536."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def is_rgb(profile: bytes) -> bool:
    """Whether a profile can be read and describes RGB colors."""
    try:
        _from_srgb(Image.new("RGB", (1, 1)), profile)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False
    return profile[16:20] == b"RGB "


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert an RGB or CMYK picture from its profile to sRGB.

    Raises ImageCms.PyCMSError, OSError or ValueError for a profile that is damaged or made
    for other channels than the picture's.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")


def srgb_to_profile(colors: np.ndarray, profile: bytes) -> np.ndarray:
    """Convert colors (h, w, 3) uint8 from sRGB to an RGB profile."""
    return np.asarray(_from_srgb(Image.fromarray(colors), profile))


def _from_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert an RGB picture from sRGB to a profile. Raises as `to_srgb`."""
    target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, srgb, target, outputMode="RGB")
