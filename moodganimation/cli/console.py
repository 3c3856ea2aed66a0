"""Messages and progress on the terminal, on stderr."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator


def print_messages(*sentences: str) -> None:
    """Print each sentence on a line of stderr."""
    for sentence in sentences:
        print(sentence, file=sys.stderr)


@contextlib.contextmanager
def progress_counter(
    what: str, unit: str = "frames"
) -> Iterator[Callable[[int, int | None], None]]:
    """Yield a progress callback (`video.editing.Progress`) that prints if stderr is a terminal.

    what: what has been done, for instance "edited". unit: what is counted.
    """
    is_terminal = sys.stderr.isatty()

    def count(done: int, total: int | None) -> None:
        if is_terminal:
            of = f" of about {total}" if total else ""
            print(f"\r{what}: {done}{of} {unit} ", end="", file=sys.stderr, flush=True)

    try:
        yield count
    finally:
        if is_terminal:
            print(file=sys.stderr)


def with_counter(what: str, frames: Iterable, total: int) -> Iterator:
    """Pass frames on, and count on the terminal how many of `total` were taken."""
    with progress_counter(what) as count:
        for done, frame in enumerate(frames, 1):
            yield frame
            count(done, total)
