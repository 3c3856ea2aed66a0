"""Decode a picture from standard input to standard output, as a program with bounded resources.

`decoding` starts it as `python -I decoder_process.py DECODER MAX_PIXELS`. It imports nothing of
this package. A hostile file that crashes, hangs or fills a decoder ends this process only.

Output: a line of JSON, the header, then the payload. For "heif" the payload is the ICC profile, the
EXIF block and the pixels, and the header has the sizes of the first two; a picture of more than
MAX_PIXELS has a header with its size and no payload. For "16bit" the payload is the pixels; one of
more than 4 * MAX_PIXELS numbers counts as damaged.
"""

import json
import sys

# Of address space. 80 megapixels of RGBA are 320 MB in 8 bits and 640 MB in 16, and decoders hold
# copies of them.
MAX_MEGABYTES = {"heif": 1_400, "16bit": 2_400}
MAX_CPU_SECONDS = 20


def limit_resources(decoder: str) -> None:
    """Limit memory and CPU time of this process, and let it write no file; not on Windows."""
    try:
        import resource
    except ImportError:
        return
    for what, most in (
        (resource.RLIMIT_AS, MAX_MEGABYTES[decoder] * 2**20),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


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
    header["size"] = image.size  # of the decoded pixels; the file's header may say another one
    profile, exif = image.info.get("icc_profile") or b"", image.info.get("exif") or b""
    return header | {"profile": len(profile), "exif": len(exif)}, [profile, exif, pixels], image


def decode_16bit(data: bytes, max_pixels: int) -> tuple[dict, list, object]:
    """Decode a PNG or TIFF of 16 bits a channel: grey, RGB or RGBA. Returns as `decode_heif`.

    The EXIF orientation is not applied.
    """
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint16 or picture.size > 4 * max_pixels:
        raise ValueError("not a picture of 16 bits a channel, or too large")
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
