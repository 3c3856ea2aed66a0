"""Visits: what the server keeps of an uploaded photo, secret and bounded."""

import secrets
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from ..errors import Problem
from ..expressions import Expression
from ..portraits import Portrait

MOST_BYTES = 600_000_000  # of photos kept for visitors; the one unused longest goes first


@dataclass(eq=False)
class Visit:
    """What the server keeps of one uploaded photo until the visitor leaves."""

    portrait: Portrait
    small: Portrait  # the same face in a picture of at most PREVIEW pixels, for dragging
    anchor: Expression  # the Action Units that mood sliders start from
    session: str | None  # of the visitor's browser tab
    folder: tempfile.TemporaryDirectory = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="moodganimation-")
    )


class Visits:
    """Visits by secret token, bounded in memory."""

    def __init__(self):
        self._visits, self._lock = OrderedDict(), threading.Lock()

    def open(self, visit: Visit) -> str:
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._visits[token] = visit
            kept = [v.portrait.photo.nbytes for v in self._visits.values()]
            while len(kept) > 1 and sum(kept) > MOST_BYTES:
                kept.pop(0)
                self._visits.popitem(last=False)
        return token

    def __getitem__(self, token: str) -> Visit:
        with self._lock:
            visit = self._visits.get(token) if isinstance(token, str) else None
            if visit is None:
                raise Problem("There is no photo yet, or it was put away: upload it once more.")
            self._visits.move_to_end(token)
            return visit

    def close(self, token: str | None) -> None:
        with self._lock:
            self._visits.pop(token, None)

    def leave(self, session: str | None) -> None:
        """Forget every photo of a visitor who closed the page."""
        with self._lock:
            gone = [t for t, v in self._visits.items() if v.session == session]
            for token in gone:
                del self._visits[token]
