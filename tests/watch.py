"""What a parser must not do while it reads a hostile file: write elsewhere, call anybody, start
anything but ffmpeg and the decoder of pictures, take long, or take much memory."""

import contextlib
import functools
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from moodganimation.media.decoding import DECODER_PROGRAM as DECODER

with contextlib.suppress(ImportError):  # Windows has no such module: no memory is measured there
    import resource

SECONDS, MEGABYTES = 10, 1500  # that one file may take, on a machine of usual speed
USUAL_SPEED_S = 0.6  # time that `_measure_speed` takes there; a slower machine has more seconds
time_limits = False  # whether seconds are checked; conftest.py sets it for `make test-all`
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.chmod", "os.truncate", "os.utime")
_PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "os.startfile", "pty.spawn")
COUNTER_ERROR = 100  # of two counts of one process's memory, on a machine of many cores [MB]
_watching: list["_Watch"] = []
_highest = [0.0]  # peaks of this process that were reset [MB]


class _Watch:
    def __init__(self, folder: Path):
        self.roots = (os.path.realpath(folder), os.path.realpath(tempfile.gettempdir()))
        self.wrong: list[str] = []
        # Clients of earlier tests look for their servers from threads of their own.
        self.others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}

    def see(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes | os.PathLike) and (flags or 0) & _WRITES:
                self.inside(event, path)
        elif event in ("os.remove", "os.rmdir"):
            path, folder = arguments
            root = f"/proc/self/fd/{folder}" if folder >= 0 else ""
            self.inside(event, os.path.join(root, os.fsdecode(path)))
        elif event in _CHANGES:
            for path in arguments[:2]:
                if isinstance(path, str | bytes | os.PathLike):
                    self.inside(event, path)
        elif event == "subprocess.Popen" and not _may_start(arguments):
            self.wrong.append(f"{event} {arguments[0]}")
        elif event in _PROGRAMS or (
            event == "socket.connect" and threading.get_ident() not in self.others
        ):
            self.wrong.append(f"{event} {arguments}")

    def inside(self, event: str, path) -> None:
        place = os.path.realpath(os.fsdecode(path))
        if "__pycache__" in place:  # Python's own, of a module that is imported late
            return
        if place != os.devnull and not place.startswith(self.roots):
            self.wrong.append(f"{event} {place}")


def _may_start(arguments: tuple) -> bool:
    """Whether a program is ffmpeg or the decoder of pictures."""
    program, options = arguments[:2]
    return "ffmpeg" in str(program) or list(options)[1:3] == ["-I", str(DECODER)]


def _hook(event: str, arguments: tuple) -> None:
    for watch in _watching:
        watch.see(event, arguments)


sys.addaudithook(_hook)  # cannot be taken away again; it sees nothing while nobody watches


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Fails where what is done inside does what it must not; files are allowed in `folder` and
    where temporary ones go."""
    watch, began, worked = _Watch(folder), time.monotonic(), sum(os.times()[:4])
    _watching.append(watch)
    try:
        yield
    finally:
        _watching.remove(watch)
    assert not watch.wrong, watch.wrong
    if time_limits:
        seconds = time.monotonic() - began  # which others on the machine make longer
        limit = time_limit()
        assert min(seconds, sum(os.times()[:4]) - worked) < limit and seconds < 6 * limit


@functools.cache
def time_limit() -> float:
    """The seconds that one file may take on this machine."""
    return SECONDS * max(1.0, _measure_speed() / USUAL_SPEED_S)


def _measure_speed() -> float:
    """Time the kinds of work that large photos cost: reduction and convolutions. The least of three
    times [s], which others on the machine disturb least."""
    photo = np.zeros((6000, 6000, 3), np.uint8)
    crop, kernel = torch.zeros(1, 3, 1024, 1024), torch.zeros(48, 3, 3, 3)
    times = []
    for _ in range(3):
        start = time.monotonic()
        for side in (3000, 2000, 1000, 500):
            cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
            torch.nn.functional.conv2d(crop, kernel, padding=1)
        times.append(time.monotonic() - start)
    return min(times)


def peak() -> float:
    """Most memory that this process or one that it started has had so far [MB]."""
    return max(_most("RUSAGE_SELF"), _most("RUSAGE_CHILDREN"))


@contextlib.contextmanager
def peak_of() -> Iterator[Callable[[], float]]:
    """Give a function of how much memory was taken since [MB]: by this process, beyond what it had
    before, or by a child process.

    The kernel counts the memory of its parent as that of a child until it runs its own program. So
    a child counts where it took more than this process ever had, and more than any child before.
    """
    _highest.append(_size("VmHWM"))  # which the next line resets
    with contextlib.suppress(OSError):  # elsewhere than on Linux the peak is that of all times
        Path("/proc/self/clear_refs").write_text("5")
    before, children = _size("VmRSS"), _most("RUSAGE_CHILDREN")

    def most() -> float:
        largest, parent = _most("RUSAGE_CHILDREN"), max(*_highest, _size("VmHWM"))
        own = largest > max(children, parent + COUNTER_ERROR)
        return max(_size("VmHWM") - before, largest if own else 0.0)

    yield most


def _size(name: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _most(who: str) -> float:
    """Of "RUSAGE_SELF" or "RUSAGE_CHILDREN", in MB."""
    if "resource" not in globals():
        return 0.0
    size = resource.getrusage(getattr(resource, who)).ru_maxrss
    return size / (1024 if sys.platform == "linux" else 1024**2)
