"""What a server tells of itself: /metrics for Prometheus, and a line of JSON a request. No photos,
no addresses of visitors, no names of files."""

import json
import logging
import re
import time
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LOG = logging.getLogger("moodganimation.requests")
ROUTES = re.compile(
    r"^/(?:gradio_api/)?(queue/join|queue/data|call/v1_(?:read|edit|animate|sheet|film|drive)\b"
    r"|call|upload|component_server|run|mcp|file)"
)  # a fixed number of them: whoever asks for names that are not there makes no new counters


class Metrics:
    """Middleware for the app that `gr.Blocks.launch` makes; outermost, so that it sees all."""

    def __init__(self, app):
        self.app, registry = app, CollectorRegistry()
        self._registry = registry
        self._seconds = Histogram(
            "moodganimation_request_seconds", "How long requests take", ["route"], registry=registry
        )
        self._requests = Counter(
            "moodganimation_requests",
            "Requests, by their answer's status",
            ["route", "status"],
            registry=registry,
        )
        self._running = Gauge(
            "moodganimation_requests_running", "Requests at work", registry=registry
        )
        memory = Gauge("moodganimation_memory_bytes", "Resident memory", registry=registry)
        memory.set_function(_memory)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"] == "/metrics":
            return await _answer(send, generate_latest(self._registry))
        route, began, status = _route(scope["path"]), time.perf_counter(), 500

        async def told(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._running.track_inprogress():
            try:
                await self.app(scope, receive, told)
            finally:
                seconds = time.perf_counter() - began
                self._seconds.labels(route).observe(seconds)
                self._requests.labels(route, str(status)).inc()
                LOG.info(json.dumps({"route": route, "status": status, "ms": round(1e3 * seconds)}))


def _route(path: str) -> str:
    """The kind of request: what is behind it, a file's name say, is nobody's business."""
    found = ROUTES.match(path)
    return found[1] if found else "page"


def _memory() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096.0


async def _answer(send, text: bytes) -> None:
    head = [(b"content-type", CONTENT_TYPE.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": text})
