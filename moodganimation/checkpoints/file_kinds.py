"""Kinds of files that are mistaken for checkpoints, recognized by their first bytes.

Nothing in a file is executed.
"""

import contextlib
import json
import zipfile
from enum import Enum
from pathlib import Path

from ..errors import Message, NotACheckpoint
from ..files.regular import check_regular_file


class FileKind(Enum):
    """A kind of file; its value is the rest of the message "FILE is ..."."""

    ARCHIVE = "an archive; unpack it and choose the file of the network in it"
    TORCHSCRIPT = (
        "a TorchScript program, not weights; save the state_dict() of the network with torch.save"
    )
    KERAS = "a file of Keras or TensorFlow; only networks that PyTorch saved can be read"
    ONNX = "an ONNX model, not PyTorch weights; save the state_dict() of the network"
    NUMPY = "a file of NumPy arrays; save the state_dict() of the network with torch.save"
    PICKLE = (
        "a pickle that torch.save did not write, and nothing in it was run; save the state_dict() "
        "of the network with torch.save"
    )
    WEB_PAGE = "a web page and not the file that it offers; download it again"
    LFS_POINTER = "a pointer of Git LFS and not the file itself; fetch it with git lfs pull"
    FOREIGN_SAFETENSORS = "a safetensors file, but not a checkpoint of MoodGANimation"
    OUR_CHECKPOINT = "a checkpoint of MoodGANimation already; use it as it is, with --checkpoint"


FOLDER_ADVICE = "choose the file of the network in it"  # the rest of "FOLDER is a folder; ..."
# A file by torch.save before PyTorch 1.6 begins with a pickle of its magic number: byte 0x80, the
# version of the pickle protocol, then these bytes.
_TORCH_LEGACY_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."

SIGNATURES = (  # offset, bytes there, kind
    (0, b"\x1f\x8b", FileKind.ARCHIVE),  # gzip
    (0, b"BZh", FileKind.ARCHIVE),
    (0, b"\xfd7zXZ\0", FileKind.ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", FileKind.ARCHIVE),
    (0, b"Rar!\x1a\x07", FileKind.ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", FileKind.ARCHIVE),  # zstd
    (257, b"ustar", FileKind.ARCHIVE),  # tar
    (0, b"\x89HDF\r\n\x1a\n", FileKind.KERAS),
    (4, b"TFL3", FileKind.KERAS),
    (0, b"\x93NUMPY", FileKind.NUMPY),
    (0, b"version https://git-lfs", FileKind.LFS_POINTER),
    *((0, b"\x80" + bytes([protocol]), FileKind.PICKLE) for protocol in range(2, 6)),
)
HEAD_BYTES = 4096  # read from the start of a file to recognize it
# Of a safetensors file. A longer header is cut, so that it does not parse: FOREIGN_SAFETENSORS.
MAX_HEADER_BYTES = 1 << 20


def check_file_kind(path: str | Path, allowed: tuple[FileKind, ...] = ()) -> None:
    """Raise NotACheckpoint, with advice, if the first bytes show the wrong kind of file.

    Passes files of torch.save, of the kinds in `allowed`, and of unknown kinds. Raises OSError if
    the file cannot be read.
    """
    path = Path(path)
    check_regular_file(path, NotACheckpoint, FOLDER_ADVICE)
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise NotACheckpoint("{} is not a readable checkpoint: it is empty.", path)
    kind = _kind(path, head)
    if kind is not None and kind not in allowed:
        raise NotACheckpoint("{} is {}.", path, Message(kind.value))


def is_torch_legacy(head: bytes) -> bool:
    """Whether a file that begins with `head` is by torch.save before PyTorch 1.6."""
    return head[:1] == b"\x80" and head[2:].startswith(_TORCH_LEGACY_MAGIC)


def _kind(path: Path, head: bytes) -> FileKind | None:
    """Return the kind of a file by its first bytes, a zip by its entries, ONNX by its ending; None
    for torch.save and for unknown kinds."""
    if head.startswith(b"PK"):
        return _zip_kind(path)
    for offset, signature, kind in SIGNATURES:
        if head[offset:].startswith(signature):
            return None if is_torch_legacy(head) else kind
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return FileKind.WEB_PAGE
    # A safetensors file begins with the length of its JSON header as 8 bytes.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return _safetensors_kind(path)
    return FileKind.ONNX if path.suffix.lower() == ".onnx" or _is_onnx(head) else None


def _is_onnx(head: bytes) -> bool:
    """Whether a file begins as an ONNX model that PyTorch or tf2onnx exported.

    A model is a protobuf; its first fields are ir_version (tag 0x08, a varint) and producer_name
    (tag 0x12, its length, text).
    """
    return head[0] == 8 and head[2:3] == b"\x12" and head[4:].startswith((b"pytorch", b"tf2onnx"))


def _zip_kind(path: Path) -> FileKind | None:
    """Return the kind of a zip file by its entries; None for torch.save and damaged files."""
    names = []
    unreadable = zipfile.BadZipFile, ValueError, NotImplementedError, EOFError
    with contextlib.suppress(*unreadable), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if not names:
        return None
    files = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in files and any("/code/" in name for name in names):
        return FileKind.TORCHSCRIPT
    if any(name.count("/") == 1 and name.endswith("/data.pkl") for name in names):
        return None
    if "model.weights.h5" in files:
        return FileKind.KERAS
    return FileKind.NUMPY if all(name.endswith(".npy") for name in names) else FileKind.ARCHIVE


def _safetensors_kind(path: Path) -> FileKind | None:
    """Return the kind of what may be a safetensors file by the metadata in its header; None if the
    header describes no tensor."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = file.read(min(size, MAX_HEADER_BYTES))
    try:
        format_name = json.loads(header)["__metadata__"]["format"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return FileKind.FOREIGN_SAFETENSORS if b'"dtype"' in header else None
    ours = isinstance(format_name, str) and format_name.startswith("moodganimation-")
    return FileKind.OUR_CHECKPOINT if ours else FileKind.FOREIGN_SAFETENSORS
