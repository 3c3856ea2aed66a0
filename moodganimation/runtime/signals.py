"""Termination by signals: unfinished files are removed, as after Ctrl-C."""

import contextlib
import signal
import threading
from collections.abc import Iterator

# SIGHUP: the terminal was closed; Windows does not have it.
TERMINATION = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminated(BaseException):
    """Raised in the main thread when a signal of TERMINATION arrives."""

    def __init__(self, number: int):
        super().__init__(number)
        self.status = 128 + number  # exit status of the process, as shells define it


@contextlib.contextmanager
def raise_on_termination() -> Iterator[None]:
    """Let the first signal of TERMINATION raise Terminated inside the `with` block.

    Later ones are ignored: schedulers send several, which must not interrupt the clean-up.
    Signals that are ignored already, as under nohup, stay ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can handle signals
        return
    before = {number: signal.getsignal(number) for number in TERMINATION}
    handled = [number for number in TERMINATION if before[number] is not signal.SIG_IGN]

    def terminate(number: int, _) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        raise Terminated(number)

    for number in handled:
        signal.signal(number, terminate)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
