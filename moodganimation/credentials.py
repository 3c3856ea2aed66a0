"""Content Credentials: what a file says of itself, signed (C2PA 2.2), where whoever runs the
program has a certificate and says so in the environment.

The key is of ECDSA on P-256 (ES256), in PKCS #8; the certificate stands first in its file, those
that vouch for it follow. Nobody is asked over a network, so there is no time stamp.
"""

import contextlib
import json
import os
from pathlib import Path

from .errors import Unwritable
from .provenance import EDITED, SOURCE
from .version import __version__

CERTIFICATE, KEY = "MOODGANIMATION_CERTIFICATE", "MOODGANIMATION_KEY"  # files
KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp",
         ".gif": "image/gif", ".mp4": "video/mp4"}  # fmt: skip


def sign(path: Path, ending: str) -> None:
    """Put signed credentials into a file that was edited, if there is a certificate to do it with.

    Raises Unwritable where it cannot be done.
    """
    files = os.environ.get(CERTIFICATE), os.environ.get(KEY)
    if not any(files):
        return
    if not all(files):
        raise Unwritable(f"To sign files, set both {CERTIFICATE} and {KEY}.")
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
        reason = getattr(problem, "strerror", None) or problem  # without where the key is
        raise Unwritable(f"The file cannot be signed ({reason}); see docs/deploy.md.") from problem
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
