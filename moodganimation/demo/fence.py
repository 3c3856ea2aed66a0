"""A fence between visitors: a file belongs to who sent it, or was first shown it, alone.

Gradio serves every file of its cache to whoever knows the address. Here the address is not enough:
a cookie says who asks, a file is bound to its visitors at its upload, or when they are told of it
or are the first to ask, and others get neither the file nor anything made of it. What two visitors
upload or make alike has one address. Nor can one visitor take the server from all: see `limits`.
Pure ASGI, so that streams stay streams.
"""

import json
import re
import secrets
import threading
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import unquote

from .assets import ASSETS
from .limits import Limits

COOKIE = "moodganimation"
FILE = re.compile(r"^(?:/gradio_api)?/file=(.+)$")
MOST_FILES = 50_000  # that are remembered
MOST_BYTES = 4_000_000  # of a request that is no upload
FOREIGN = "This file belongs to another visitor, or the request is too large."


class Fence:
    """Middleware for the app that `gr.Blocks.launch` makes."""

    def __init__(self, app):
        self.app, self._owners, self._lock = app, OrderedDict(), threading.Lock()
        self._limits = Limits()
        self._public = {path.name: path.read_bytes() for path in ASSETS.glob("*.png")}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        visitor, fresh = self._visitor(scope)
        scope["visitor"], path = visitor, unquote(scope["path"])
        if (found := FILE.match(path)) and not self._may(found[1], visitor):
            return await _refused(send)
        if scope["method"] != "POST":
            return await self._passed(scope, receive, send, visitor, fresh, path)
        if refusal := self._limits.refusal(scope, visitor):
            return await _refused(send, *refusal)
        with self._limits.counted(visitor):
            await self._posted(scope, receive, send, visitor, fresh, path)

    async def _posted(self, scope, receive, send, visitor, fresh, path):
        if not path.endswith("/upload"):
            body = await _read(receive)
            if body is None or not all(self._may(name, visitor) for name in _named(body)):
                return await _refused(send)
            receive = _again(body, receive)
        await self._passed(scope, receive, send, visitor, fresh, path)

    async def _passed(self, scope, receive, send, visitor, fresh, path):
        answers = path.endswith("/upload") and scope["method"] == "POST"
        tells, said = path.endswith("/queue/data"), bytearray()

        async def told(message):
            if message["type"] == "http.response.start" and fresh:
                cookie = f"{COOKIE}={visitor}; Path=/; HttpOnly; "
                secure = scope.get("scheme") == "https"  # a Space shows the page in a frame
                cookie += "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            if answers and message["type"] == "http.response.body":
                said.extend(message.get("body", b""))
                if not message.get("more_body"):
                    self._give(_uploaded(bytes(said)), visitor)
            if tells and message["type"] == "http.response.body":
                said.extend(message.get("body", b""))
                *whole, rest = bytes(said).split(b"\n\n")
                said[:] = rest
                for event in whole:
                    self._give(_named(event.removeprefix(b"data:")), visitor)
            await send(message)

        await self.app(scope, receive, told)

    def _visitor(self, scope) -> tuple[str, bool]:
        """Who asks, and whether that is a new name. Programs without cookies are their address."""
        headers = dict(scope["headers"])
        try:
            known = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)
        except CookieError:
            known = None
        if known and re.fullmatch(r"[\w-]{20,64}", known.value):
            return known.value, False
        if b"text/html" in headers.get(b"accept", b""):
            return secrets.token_urlsafe(24), True
        return f"at {(scope.get('client') or ['nowhere'])[0]}", False

    def _may(self, name: str, visitor: str) -> bool:
        """Whether a file is the visitor's; one that is nobody's becomes theirs."""
        path = Path(name.split("?")[0])
        if path.name in self._public:
            try:
                if path.read_bytes() == self._public[path.name]:
                    return True
            except OSError:
                pass
        with self._lock:
            owners = self._owners.setdefault(str(path), {visitor})
            self._owners.move_to_end(str(path))
            while len(self._owners) > MOST_FILES:
                self._owners.popitem(last=False)
        return visitor in owners

    def _give(self, names: list[str], visitor: str) -> None:
        for name in names:
            if not self._may(name, visitor):
                with self._lock:
                    self._owners.setdefault(str(Path(name.split("?")[0])), set()).add(visitor)


async def _read(receive) -> bytes | None:
    """The whole body of a request; None for one that is too long."""
    body = bytearray()
    while True:
        message = await receive()
        body.extend(message.get("body", b""))
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive):
    """`receive` for an app that has not seen the body yet."""
    told = False

    async def once():
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def _named(body: bytes) -> list[str]:
    """The files that a request names: every "path" of its JSON."""
    try:
        waiting = [json.loads(body)] if body else []
    except ValueError:
        return []
    found = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
            if isinstance(value.get("path"), str):
                found.append(value["path"])
        elif isinstance(value, list):
            waiting.extend(value)
    return found


def _uploaded(answer: bytes) -> list[str]:
    try:
        names = json.loads(answer)
    except ValueError:
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


async def _refused(send, status: int = 403, why: str = FOREIGN) -> None:
    text = json.dumps({"detail": why}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": text})
