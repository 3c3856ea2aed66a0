"""What a parser must not do while it reads a hostile file: write elsewhere, call anybody, start
anything but ffmpeg, take long, or take much memory."""

import contextlib
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SECONDS, MEGABYTES = 10, 1500  # that one file may take
time_limits = False  # whether seconds are checked; conftest.py sets it for `make test-all`
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.chmod", "os.truncate", "os.utime")
_PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "os.startfile", "pty.spawn")
_watching: list["_Watch"] = []


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
        elif event == "subprocess.Popen" and "ffmpeg" not in str(arguments[0]):
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
        assert min(seconds, sum(os.times()[:4]) - worked) < SECONDS and seconds < 6 * SECONDS


def peak() -> float:
    """Most memory that this process or one that it started has had so far [MB]."""
    sizes = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return max(sizes) / (1024 if sys.platform == "linux" else 1024**2)


@contextlib.contextmanager
def peak_of() -> Iterator[Callable[[], float]]:
    """Gives a function of how much memory this process has taken at most since, beyond what it
    had, or a child that took more than it and any before: a child begins as large as this [MB]."""
    with contextlib.suppress(OSError):  # elsewhere than on Linux the peak is that of all times
        Path("/proc/self/clear_refs").write_text("5")
    before, children = _size("VmRSS"), _children()

    def most() -> float:
        grown = _children() if _children() > max(children, _size("VmHWM")) else 0.0
        return max(_size("VmHWM") - before, grown)

    yield most


def _size(name: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _children() -> float:
    size = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return size / (1024 if sys.platform == "linux" else 1024**2)
