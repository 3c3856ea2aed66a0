"""State dicts in files of torch.save, old and new, read as data: nothing in them is run."""

import re
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from ..errors import NotACheckpoint

LARGEST = 4 << 30  # [bytes]; the largest network of GANimation's family, a critic, has 1.1e9
ZIP = b"PK\x03\x04"
PICKLES = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # how torch.save began before PyTorch 1.6


def is_torch_file(path: Path) -> bool:
    """Whether torch.save wrote it, by its first bytes. Raises OSError."""
    with open(path, "rb") as file:
        start = file.read(len(PICKLES))
    return start.startswith(ZIP) or start == PICKLES


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Names and tensors on the CPU, whatever device and Python wrote them.

    Raises NotACheckpoint with a sentence that says what else it is, and OSError.
    """
    if not is_torch_file(path):
        raise NotACheckpoint(
            "{} is not a readable checkpoint: torch.save did not write it. Files of networks are "
            "called net_epoch_30_id_G.pth, for example.",
            path,
        )
    content = _load(path)
    if not isinstance(content, dict) or not content:
        raise NotACheckpoint("{} holds no network, but a {}.", path, type(content).__name__)
    if "param_groups" in content:
        raise NotACheckpoint(
            "{} holds the state of an optimizer, not a network; take the file net_epoch_* beside "
            "opt_epoch_*.",
            path,
        )
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise NotACheckpoint(
                "{} holds more or other than a network ({} is no tensor); save the state_dict() "
                "of the network alone.",
                path,
                repr(str(key)[:40]),
            )
    return dict(content)


def _load(path: Path):
    size = path.stat().st_size
    try:
        if size > LARGEST:
            raise NotACheckpoint("{} is larger than any network of GANimation's family.", path)
        if _unpacked(path) > size:
            raise NotACheckpoint("{} claims to hold more than it has room for.", path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except NotACheckpoint:
        raise
    except Exception as problem:  # whatever a damaged or hostile file makes of the parser
        code = re.search(r"GLOBAL ([\w.]+)", str(problem))
        if isinstance(problem, UnpicklingError) and code:
            raise NotACheckpoint(
                "{} asks to run code when it is read ({}), so it was not read; save the "
                "state_dict() of the network alone.",
                path,
                code[1][:80],
            ) from None
        raise NotACheckpoint(
            "{} is not a readable checkpoint: it is damaged or cut off.", path
        ) from problem


def _unpacked(path: Path) -> int:
    """Bytes that the entries of a zip archive say they have; torch.save does not compress."""
    if not zipfile.is_zipfile(path):
        return 0
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())
