"""How much of the server one visitor may have at once."""

import contextlib
import time
from collections import Counter, deque
from collections.abc import Iterator

MOST_WORKS = 16  # running and waiting, and requests on their way; half of app.py's queue
MOST_UPLOAD = 40 * 2**20  # of a file [bytes]
FRAME = 2**16  # around it in a request [bytes]
KEPT = 3000  # how long uploads are kept, at most [s]
MOST_KEPT = 2**30  # of all uploads of a visitor in that time [bytes]


class Limits:
    """Counts by visitor; asked on the event loop alone."""

    def __init__(self):
        self._open, self._sent = Counter(), deque()

    def refusal(self, scope, visitor: str) -> tuple[int, str] | None:
        """Status and sentence for a POST that would be too much."""
        path = scope["path"]
        if path.endswith("/process_recording"):  # Gradio's own editor of recordings
            return 404, "There is no such thing here."
        if max(self._open[visitor], _queued(scope, visitor)) >= MOST_WORKS:
            return 429, (
                f"You have {MOST_WORKS} works at once already: wait until one of them is done, or "
                "cancel it."
            )
        return self._upload(scope, visitor) if path.rstrip("/").endswith("/upload") else None

    def _upload(self, scope, visitor: str) -> tuple[int, str] | None:
        size = dict(scope["headers"]).get(b"content-length", b"")
        if not size.isdigit():
            return 411, "Say how large the upload is (Content-Length)."
        if int(size) > MOST_UPLOAD + FRAME:
            return (
                413,
                f"A file may have at most {MOST_UPLOAD >> 20} MB: make it smaller or cut it.",
            )
        now = time.monotonic()
        while self._sent and self._sent[0][0] < now - KEPT:
            self._sent.popleft()
        sent = sum(bytes_ for _, who, bytes_ in self._sent if who == visitor)
        if sent + int(size) > MOST_KEPT:
            minutes = KEPT // 60
            return 429, f"You have sent {MOST_KEPT >> 20} MB: send more in {minutes} minutes."
        self._sent.append((now, visitor, int(size)))
        return None

    @contextlib.contextmanager
    def counted(self, visitor: str) -> Iterator[None]:
        self._open[visitor] += 1
        try:
            yield
        finally:
            self._open[visitor] -= 1
            self._open += Counter()  # without those that are 0


def _queued(scope, visitor: str) -> int:
    """Works of a visitor in Gradio's queue, running or waiting; `FileAccess` names them."""
    events = list(scope["app"].get_blocks()._queue.event_ids_to_events.values())
    return sum(event.request.scope.get("visitor") == visitor for event in events)
