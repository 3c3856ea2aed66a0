"""Decode a picture from standard input to standard output, as a program with bounded resources.

`decoding` starts it as `python -I decoder_process.py DECODER MAX_PIXELS`. It imports nothing of
this package. A hostile file that crashes or hangs a decoder, or exhausts its memory, ends this
process only.

Output: a line of JSON, the header, then the payload.

| decoder | header | payload |
|---|---|---|
| heif | size, mode, bits; lengths of profile and exif in bytes | ICC profile, EXIF block, pixels |
| heif, more than MAX_PIXELS | size, mode, bits | none |
| 16bit | shape | pixels |
| not installed | missing: the package | none |
| cannot decode the file | damaged: the exception's name | none |

A picture for "16bit" of more than 4 * MAX_PIXELS numbers counts as damaged.
"""

import json
import sys

# 80 megapixels of RGBA are 320 MB in 8 bits and 640 MB in 16, and decoders hold copies of them.
MAX_ADDRESS_SPACE_MIB = {"heif": 1_400, "16bit": 2_400}
MAX_CPU_SECONDS = 20


def limit_resources(decoder: str) -> None:
    """Limit memory and CPU time of this process, and forbid it to write files; not on Windows."""
    try:
        import resource
    except ImportError:
        return
    for resource_id, maximum in (
        (resource.RLIMIT_AS, MAX_ADDRESS_SPACE_MIB[decoder] * 2**20),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(resource_id)
        maximum = maximum if hard == resource.RLIM_INFINITY else min(maximum, hard)
        resource.setrlimit(resource_id, (maximum, maximum))


def decode_heif(data: bytes, max_pixels: int) -> tuple[dict, list, object]:
    """Decode the primary image of a HEIF file, upright, in 8 bits.

    Returns header, payload, and the object that owns the payload's memory: it must stay alive until
    the payload is written.
    """
    import pi_heif

    for name in ("THUMBNAILS", "DEPTH_IMAGES", "AUX_IMAGES"):
        setattr(pi_heif.options, name, False)
    pi_heif.options.DECODE_THREADS = 2
    file = pi_heif.open_heif(data, convert_hdr_to_8bit=True)
    image = file[file.primary_index]
    header = {"size": image.size, "mode": image.mode, "bits": image.info["bit_depth"]}
    if image.size[0] * image.size[1] > max_pixels:
        return header, [], image
    pixels = image.data
    header["size"] = image.size  # of the decoded pixels; the file may declare another
    profile, exif = image.info.get("icc_profile") or b"", image.info.get("exif") or b""
    return header | {"profile": len(profile), "exif": len(exif)}, [profile, exif, pixels], image


def decode_16bit(data: bytes, max_pixels: int) -> tuple[dict, list, object]:
    """Decode a PNG or TIFF of 16 bits per channel: grey, RGB or RGBA. Returns as `decode_heif`.

    The EXIF orientation is not applied.
    """
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint16 or picture.size > 4 * max_pixels:
        raise ValueError("not a picture of 16 bits per channel, or too large")
    if picture.ndim == 3:
        codes = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
        picture = cv2.cvtColor(picture, codes[picture.shape[2]], picture)
    return {"shape": picture.shape}, [memoryview(picture).cast("B")], picture


if __name__ == "__main__":
    limit_resources(sys.argv[1])
    decode = {"heif": decode_heif, "16bit": decode_16bit}[sys.argv[1]]
    try:
        header, payload, owner = decode(sys.stdin.buffer.read(), int(sys.argv[2]))
    except ImportError as problem:
        header, payload = {"missing": problem.name or "pi_heif"}, []
    except Exception as problem:  # a damaged file can make a decoder raise anything
        header, payload = {"damaged": type(problem).__name__}, []
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n")
    for part in payload:
        sys.stdout.buffer.write(part)
