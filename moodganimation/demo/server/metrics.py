"""Metrics: /metrics for Prometheus, without photos, addresses of visitors and names of files."""

import os
import re
import time
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .proxies import route_path

STATM = Path("/proc/self/statm")  # sizes of this process's memory in pages; on Linux only
ROUTE_PATTERN = re.compile(
    r"^/(?:gradio_api/)?(queue/join|queue/data|call/v1_(?:locate|read|edit|animate|sheet|film|drive)\b"
    r"|call|upload|component_server|run|mcp|file)"
)  # a fixed number of labels, so that requests with made-up names create no new counters


class Metrics:
    """Middleware that counts all requests but those for /metrics, refused ones included.

    It comes second, just inside `TrustedProxies`.
    """

    def __init__(self, app):
        self.app, registry = app, CollectorRegistry()
        self._registry = registry
        self._seconds = Histogram(
            "moodganimation_request_seconds", "How long requests take", ["route"], registry=registry
        )
        self._requests = Counter(
            "moodganimation_requests",
            "Requests, by route and status of the response",
            ["route", "status"],
            registry=registry,
        )
        self._running = Gauge(
            "moodganimation_requests_running", "Requests that are being handled", registry=registry
        )
        if STATM.exists():
            memory = Gauge("moodganimation_memory_bytes", "Resident memory", registry=registry)
            memory.set_function(_resident_bytes)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path = route_path(scope)
        if path == "/metrics":
            return await _send_metrics(send, generate_latest(self._registry))
        route, began, status = _route(path), time.perf_counter(), 500

        async def record_and_send(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._running.track_inprogress():
            try:
                await self.app(scope, receive, record_and_send)
            finally:
                self._seconds.labels(route).observe(time.perf_counter() - began)
                self._requests.labels(route, str(status)).inc()


def _route(path: str) -> str:
    """Return the label of a request: its route, without what follows, such as a file's name."""
    found = ROUTE_PATTERN.match(path)
    return found[1] if found else "page"


def _resident_bytes() -> float:
    """Return the resident memory of this process in bytes."""
    return int(STATM.read_text("ascii").split()[1]) * float(os.sysconf("SC_PAGE_SIZE"))


async def _send_metrics(send, text: bytes) -> None:
    """Send the response to a request for /metrics."""
    headers = [(b"content-type", CONTENT_TYPE.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})
