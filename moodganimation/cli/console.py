"""What people see on the terminal while a command works: sentences and counts, on stderr."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator


def say(*sentences: str) -> None:
    for sentence in sentences:
        print(sentence, file=sys.stderr)


@contextlib.contextmanager
def counting(what: str, unit: str = "frames") -> Iterator[Callable[[int, int | None], None]]:
    """A count of frames or of other units, as a `retakes.Progress`, if there is a terminal."""
    shown = sys.stderr.isatty()

    def count(done: int, total: int | None) -> None:
        if shown:
            of = f" of about {total}" if total else ""
            print(f"\r{what}: {done}{of} {unit} ", end="", file=sys.stderr, flush=True)

    try:
        yield count
    finally:
        if shown:
            print(file=sys.stderr)


def counted(what: str, frames: Iterable, total: int) -> Iterator:
    """The frames, counted as they are taken."""
    with counting(what) as count:
        for done, frame in enumerate(frames, 1):
            yield frame
            count(done, total)
