"""What tells that a file was edited: XMP metadata with IPTC's Digital Source Type, a visible label
on request, and signed Content Credentials (C2PA 2.2) where a certificate is configured.

The signing key is an ECDSA key on P-256 (ES256) in PKCS #8 form; the file of the certificate holds
the certificate first, then the chain that vouches for it. No network service is contacted, so the
signature has no time stamp.
"""

import contextlib
import json
import os
from pathlib import Path

import cv2
import numpy as np

from .. import __version__
from ..errors import Unwritable

EDITED = "Facial expression edited with MoodGANimation"
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
LABEL = "edited with MoodGANimation"
CERTIFICATE, KEY = "MOODGANIMATION_CERTIFICATE", "MOODGANIMATION_KEY"  # files
KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
}


def xmp(description: str) -> bytes | None:
    """For what was edited; None for anything else."""
    if description != EDITED:
        return None
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{SOURCE}" xmp:CreatorTool="MoodGANimation">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{EDITED}</rdf:li></rdf:Alt>'
        "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()


def labelled(picture: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) uint8 with LABEL in its lower right corner, the rest as it was."""
    picture, font = np.ascontiguousarray(picture).copy(), cv2.FONT_HERSHEY_SIMPLEX
    height, width = picture.shape[:2]
    most = cv2.getTextSize(LABEL, font, 1, 1)[0][0]
    scale = min(max(0.4, min(height, width) / 1200), 0.95 * width / most)
    thickness = max(1, round(scale))
    (length, _), below = cv2.getTextSize(LABEL, font, scale, thickness)
    at = max(0, width - length - below), height - below - thickness
    for color, more in ((0, 2), (255, 0)):  # light letters with a dark rim, for any ground
        line = thickness + more * thickness
        cv2.putText(picture, LABEL, at, font, scale, (color,) * 3, line, cv2.LINE_AA)
    return picture


def sign(path: Path, ending: str) -> None:
    """Put signed credentials into a file that was edited, if there is a certificate to do it with.

    Raises Unwritable where it cannot be done.
    """
    files = os.environ.get(CERTIFICATE), os.environ.get(KEY)
    if not any(files):
        return
    if not all(files):
        raise Unwritable("To sign files, set both {} and {}.", CERTIFICATE, KEY)
    try:
        import c2pa
    except ImportError:
        raise Unwritable("To sign files, install c2pa-python.") from None
    signed = path.with_name(f"{path.name}.signed")
    try:
        certificate, key = (Path(file).read_bytes() for file in files)
        told = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, certificate, key, None)
        with (
            c2pa.Signer.from_info(told) as signer,
            c2pa.Builder(json.dumps(_manifest())) as builder,
            open(path, "rb") as source,
            open(signed, "w+b") as target,
        ):
            builder.sign(signer, KINDS[ending], source, target)
        os.replace(signed, path)
    except (OSError, ValueError, c2pa.C2paError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)  # without where the key is
        raise Unwritable("The file cannot be signed ({}); see docs/deploy.md.", reason) from problem
    finally:
        with contextlib.suppress(OSError):
            signed.unlink(missing_ok=True)


def _manifest() -> dict:
    actions = [
        {"action": "c2pa.created", "digitalSourceType": SOURCE},
        {"action": "c2pa.edited", "description": EDITED},
    ]
    return {
        "claim_generator_info": [{"name": "MoodGANimation", "version": __version__}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": actions}}],
    }
