"""The check before reading that a path is a regular file, not a folder, a pipe or a device."""

import os
import stat
from pathlib import Path

from ..errors import Message, Problem

PIPE, SOCKET, DEVICE = "a pipe", "a socket", "a device"
_KINDS = ((stat.S_ISFIFO, PIPE), (stat.S_ISSOCK, SOCKET))


def check_regular_file(path: str | Path, problem: type[Problem], advice: str) -> None:
    """Raise `problem` for a path that is not a regular file, without opening it.

    advice: what to choose instead, the end of the message for a folder. Pipes, sockets and devices
    are refused because reading them may never end. A path that does not exist passes: opening it
    raises FileNotFoundError.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if stat.S_ISDIR(mode):
        raise problem("{} is a folder; {}.", path, Message(advice))
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), DEVICE)
        raise problem("{} is {}; save its output to a file first.", path, Message(kind))
