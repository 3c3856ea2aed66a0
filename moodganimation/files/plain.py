"""The check that a path to be read is a regular file, not a folder, a pipe or a device."""

import os
import stat
from pathlib import Path

from ..errors import Message, Problem

PIPE, SOCKET, DEVICE = "a pipe", "a socket", "a device"
_KINDS = ((stat.S_ISFIFO, PIPE), (stat.S_ISSOCK, SOCKET))


def check_plain_file(path: str | Path, problem: type[Problem], advice: str) -> None:
    """Raise `problem` unless `path` is a regular file or does not exist. Nothing is opened.

    advice: the end of the message for a folder: what to choose instead. Pipes, sockets and devices
    are refused because reading them may never end. A missing file is reported by whoever opens it.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if stat.S_ISDIR(mode):
        raise problem("{} is a folder; {}.", path, Message(advice))
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), DEVICE)
        raise problem("{} is {}; save what it gives to a file first.", path, Message(kind))
