"""Reading state dicts from files of torch.save, in its old and new format, without running code."""

import argparse
import re
import warnings
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch

from ..errors import NotACheckpoint
from ..files.regular import check_regular_file
from .file_kinds import FOLDER_ADVICE, HEAD_BYTES, check_file_kind, is_torch_legacy
from .unwrap import unwrap

MAX_BYTES = 4 << 30  # the largest network of the GANimation family, a critic, has 1.1e9 bytes
ZIP_MAGIC = b"PK\x03\x04"  # of any zip archive; torch.save writes them since PyTorch 1.6


def is_torch_file(path: Path) -> bool:
    """Whether a file begins as those of torch.save do; so does any zip archive.

    Raises OSError, and NotACheckpoint for anything but a regular file.
    """
    check_regular_file(path, NotACheckpoint, FOLDER_ADVICE)
    with open(path, "rb") as file:
        start = file.read(HEAD_BYTES)
    return start.startswith(ZIP_MAGIC) or is_torch_legacy(start)


def read_state_dict(path: Path, name: str | None = None) -> tuple[dict, dict[str, int]]:
    """Read the state dict of the network in a file, or of the one called `name` of several.

    Returns the state dict, with its tensors on the CPU, and what was left out (see `unwrap`).
    Raises NotACheckpoint with a message that says what the file is instead, and OSError.
    """
    check_file_kind(path)
    if not is_torch_file(path):
        raise NotACheckpoint(
            "{} is not a readable checkpoint: torch.save did not write it. Files of networks are "
            "called net_epoch_30_id_G.pth, for example.",
            path,
        )
    return unwrap(path, _load(path), name)


def _load(path: Path):
    """Return the content of a file of torch.save. Raises NotACheckpoint, and OSError."""
    size = path.stat().st_size
    try:
        if size > MAX_BYTES:
            raise NotACheckpoint("{} is larger than any network of the GANimation family.", path)
        if _declared_bytes(path) > size:
            raise NotACheckpoint(
                "{} is damaged or was tampered with: its contents are declared larger than the "
                "file. Download it again.",
                path,
            )
        with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except NotACheckpoint:
        raise
    except Exception as problem:  # a damaged or hostile file can make the parser raise anything
        # torch names the global that is not allowed: a function or class that the file refers to.
        refused = re.search(r"GLOBAL ([\w.]+)", str(problem))
        if isinstance(problem, UnpicklingError) and refused:
            raise NotACheckpoint(
                "Reading {} would run code ({}), so it was not read; save the state_dict() of the "
                "network alone.",
                path,
                refused[1][:80],
            ) from None
        raise NotACheckpoint(
            "{} is not a readable checkpoint: it is damaged or cut off.", path
        ) from problem


def _declared_bytes(path: Path) -> int:
    """Sum of the uncompressed sizes that a zip archive declares; torch.save does not compress."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())
