"""Mark files as edited: XMP metadata with IPTC's Digital Source Type, a visible label on request,
and signed Content Credentials (C2PA 2.2) if a certificate is configured.

The signing key is an ECDSA key on P-256 (ES256) in PKCS #8 form. The certificate's file holds the
certificate first, then its chain. No network service is contacted, so the signature has no time
stamp.
"""

import contextlib
import json
import os
from pathlib import Path

import cv2
import numpy as np

from .. import __version__
from ..errors import Unwritable
from .formats import MIME_TYPES

EDITED = "Facial expression edited with MoodGANimation"  # the description that marks an edit
DIGITAL_SOURCE_TYPE = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
LABEL = "edited with MoodGANimation"
# Names of the environment variables with the paths of PEM files.
CERTIFICATE_VARIABLE, KEY_VARIABLE = "MOODGANIMATION_CERTIFICATE", "MOODGANIMATION_KEY"


def xmp_packet(description: str) -> bytes | None:
    """The XMP packet of an edit; None if the description is not EDITED."""
    if description != EDITED:
        return None
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}" xmp:CreatorTool="MoodGANimation">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{EDITED}</rdf:li></rdf:Alt>'
        "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()


def with_edit_label(picture: np.ndarray) -> np.ndarray:
    """Draw LABEL into the lower right corner of a copy of a picture.

    picture: (H, W, 3 or 4) uint8 or uint16. The letters are opaque, also where it is transparent.
    """
    picture, font = np.ascontiguousarray(picture).copy(), cv2.FONT_HERSHEY_SIMPLEX
    height, width = picture.shape[:2]
    width_at_1 = cv2.getTextSize(LABEL, font, 1, 1)[0][0]
    # Letters grow with the picture, stay legible in small ones, and fit into narrow ones.
    scale = min(max(0.4, min(height, width) / 1200), 0.95 * width / width_at_1)
    thickness = max(1, round(scale))
    (text_width, text_height), descent = cv2.getTextSize(LABEL, font, scale, thickness)
    x, y = max(0, width - text_width - descent), height - descent - thickness
    white, top = np.iinfo(picture.dtype).max, max(0, y - text_height - 8 * thickness)
    region = picture[top:]
    # White letters with a black outline can be read on any background.
    for color, line_width in ((0, 3 * thickness), (white, thickness)):
        drawn = np.zeros(region.shape[:2], np.uint8)
        cv2.putText(drawn, LABEL, (x, y - top), font, scale, 255, line_width, cv2.LINE_AA)
        coverage = np.float32(drawn)[..., None] / 255
        target = np.full(picture.shape[2], color, np.float32)
        target[3:] = white
        region[:] = np.rint(region * (1 - coverage) + target * coverage)
    return picture


def sign(path: Path, ending: str) -> None:
    """Sign an edited file with Content Credentials, if a certificate is configured.

    ending: of the name of the target file, for instance ".png". Raises Unwritable if signing fails.
    """
    files = os.environ.get(CERTIFICATE_VARIABLE), os.environ.get(KEY_VARIABLE)
    if not any(files):
        return
    if not all(files):
        raise Unwritable("To sign files, set both {} and {}.", CERTIFICATE_VARIABLE, KEY_VARIABLE)
    try:
        import c2pa
    except ImportError:
        raise Unwritable("To sign files, install c2pa-python.") from None
    signed = path.with_name(f"{path.name}.signed")
    try:
        certificate, key = (Path(file).read_bytes() for file in files)
        signer_info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, certificate, key, None)
        with (
            c2pa.Signer.from_info(signer_info) as signer,
            c2pa.Builder(json.dumps(_manifest())) as builder,
            open(path, "rb") as source,
            open(signed, "w+b") as target,
        ):
            builder.sign(signer, MIME_TYPES[ending], source, target)
        os.replace(signed, path)
    except (OSError, ValueError, c2pa.C2paError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)  # without the key's path
        raise Unwritable("The file cannot be signed ({}); see docs/deploy.md.", reason) from problem
    finally:
        with contextlib.suppress(OSError):
            signed.unlink(missing_ok=True)


def _manifest() -> dict:
    """The C2PA manifest: the file was created from a photo, and edited."""
    actions = [
        {"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE_TYPE},
        {"action": "c2pa.edited", "description": EDITED},
    ]
    return {
        "claim_generator_info": [{"name": "MoodGANimation", "version": __version__}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": actions}}],
    }
