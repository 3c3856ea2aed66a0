"""Quotas: how much of the server one visitor, and all visitors of one address, may use at once.

An address has a larger share than a visitor, so that an office behind one router can work. It has a
limit all the same, so that a browser that drops its cookie gains little.
"""

import contextlib
import time
from collections import Counter, deque
from collections.abc import Iterator

from .visitors import Visitor

MAX_QUEUED_JOBS = 32  # waiting in Gradio's queue, of all visitors together
MAX_REQUESTS = 16  # of a visitor at once: POSTs that are open, or jobs in the queue
MAX_REQUESTS_OF_ADDRESS = 24
MAX_UPLOAD_BYTES = 40 * 2**20  # of a file
MULTIPART_OVERHEAD = 2**16  # bytes of an upload beside its file; the least that an upload counts
UPLOAD_LIFETIME_S = 3000  # age from which on Gradio deletes uploads, see DELETE_EVERY_S of ui/page
MAX_KEPT_BYTES = 2**30  # of all uploads of a visitor in that time
MAX_KEPT_BYTES_OF_ADDRESS = 4 * MAX_KEPT_BYTES


class Quotas:
    """What each visitor and each address uses now. Used on the event loop only: needs no lock."""

    def __init__(self):
        # POSTs whose response is not complete, by visitor and by address.
        self._open_requests = Counter()
        self._uploads = deque()  # (time [s], (visitor, address), bytes), oldest first

    def refusal(self, scope, path: str, visitor: Visitor) -> tuple[int, str] | None:
        """Return status and message of the response to a refused POST, or None.

        An upload that is not refused is counted here; `counted` counts open requests.
        """
        if path.endswith("/process_recording"):  # Gradio's own editor of recordings
            return 404, "This page has no editor of recordings."
        queued = _queued_jobs(scope)
        for key, limit, subject in (
            (visitor.id, MAX_REQUESTS, "You have"),
            (visitor.address, MAX_REQUESTS_OF_ADDRESS, "Visitors from your address have"),
        ):
            # A job whose request is still open is in both counts, so the larger one is taken.
            if max(self._open_requests[key], queued[key]) >= limit:
                return 429, (
                    f"{subject} {limit} requests running or waiting already: wait until one of "
                    "them is done, or cancel it."
                )
        is_upload = path.rstrip("/").endswith("/upload")
        return self._upload_refusal(scope, visitor) if is_upload else None

    def _upload_refusal(self, scope, visitor: Visitor) -> tuple[int, str] | None:
        """Return the refusal of an upload that is over a quota; else count it and return None."""
        text = dict(scope["headers"]).get(b"content-length", b"")
        if not (text.isdigit() and len(text) < 20):
            return 411, "An upload needs the header Content-Length."
        size = max(int(text), MULTIPART_OVERHEAD)
        if size > MAX_UPLOAD_BYTES + MULTIPART_OVERHEAD:
            return (
                413,
                f"A file may have at most {MAX_UPLOAD_BYTES >> 20} MB: make it smaller or cut it.",
            )
        now = time.monotonic()
        while self._uploads and self._uploads[0][0] < now - UPLOAD_LIFETIME_S:
            self._uploads.popleft()
        for key, limit, subject in (
            (visitor.id, MAX_KEPT_BYTES, "You have"),
            (visitor.address, MAX_KEPT_BYTES_OF_ADDRESS, "Visitors from your address have"),
        ):
            if sum(kept for _, keys, kept in self._uploads if key in keys) + size > limit:
                return 429, (
                    f"{subject} sent nearly {limit >> 20} MB, which is the limit: send a smaller "
                    "file, or wait until older uploads expire, at most "
                    f"{UPLOAD_LIFETIME_S // 60} minutes."
                )
        self._uploads.append((now, _quota_keys(visitor), size))
        return None

    @contextlib.contextmanager
    def counted(self, visitor: Visitor) -> Iterator[None]:
        """Count a request while the context is open."""
        self._open_requests.update(_quota_keys(visitor))
        try:
            yield
        finally:
            self._open_requests.subtract(_quota_keys(visitor))
            self._open_requests += Counter()  # removes counts of 0


def _quota_keys(visitor: Visitor) -> tuple[str, str]:
    """Return the keys under which the use of a visitor is counted."""
    return visitor.id, visitor.address


def _queued_jobs(scope) -> Counter:
    """Count the jobs in Gradio's queue, running or waiting, by visitor and by address.

    `FileAccess` has put the visitor into the scope of each request.
    """
    events = list(scope["app"].get_blocks()._queue.event_ids_to_events.values())
    visitors = [event.request.scope.get("visitor") for event in events]
    return Counter(key for visitor in visitors if visitor for key in _quota_keys(visitor))
