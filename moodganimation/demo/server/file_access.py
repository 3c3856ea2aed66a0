"""A fence between visitors: a file belongs to who sent it, or was first shown it, alone.

Gradio serves every file of its cache to whoever knows the address. Here the address is not enough:
a cookie that this process signed says who asks, a file is bound to its visitors at its upload, or
when they are told of it or are the first to ask, however they spell its name, and others get
neither the file nor anything made of it. What two visitors upload or make alike has one address.
Nor can one visitor take the server from all: see `limits`. Pure ASGI, so that streams stay streams.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import tempfile
import threading
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import unquote

from gradio.utils import get_upload_folder
from itsdangerous import BadSignature, Signer

from ...resources import ASSETS
from .quotas import Limits

COOKIE = "moodganimation"
FILE = re.compile(r"^(?:/gradio_api)?/file[=/](.+)$", re.DOTALL)
UPLOAD = re.compile(r"^(?:/gradio_api)?/upload/?$")
MOST_FILES = 50_000  # that are remembered
MOST_BYTES = 4_000_000  # of a request that is no upload
FOREIGN = "This file belongs to another visitor, or the request is too large."


class FileAccess:
    """Middleware for the app that `gr.Blocks.launch` makes."""

    def __init__(self, app):
        self.app, self._owners, self._lock = app, {}, threading.Lock()
        self._limits = Limits()
        key = secrets.token_bytes(32)  # cookies hold as long as the process
        self._signer = Signer(key, salt=COOKIE, digest_method=hashlib.sha256)
        folders = get_upload_folder(), tempfile.gettempdir()
        self._folders = [os.path.realpath(folder) for folder in folders]
        self._public = {path.name: path.read_bytes() for path in ASSETS.glob("*.png")}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        visitor, fresh = self._visitor(scope)
        scope["visitor"], path = visitor, scope["path"]
        for spelling in {path, unquote(path)}:
            if (found := FILE.match(spelling)) and not self._may(found[1], visitor):
                return await _refused(send)
        if scope["method"] != "POST":
            return await self._passed(scope, receive, send, visitor, fresh, path)
        if refusal := self._limits.refusal(scope, visitor):
            return await _refused(send, *refusal)
        with self._limits.counted(visitor):
            await self._posted(scope, receive, send, visitor, fresh, path)

    async def _posted(self, scope, receive, send, visitor, fresh, path):
        if not UPLOAD.match(path):
            body = await _read(receive)
            if body is None or not all(self._may(name, visitor) for name in _named(body)):
                return await _refused(send)
            receive = _again(body, receive)
        await self._passed(scope, receive, send, visitor, fresh, path)

    async def _passed(self, scope, receive, send, visitor, fresh, path):
        answers = UPLOAD.match(path) and scope["method"] == "POST"
        tells, said = path.endswith("/queue/data"), bytearray()

        async def told(message):
            if message["type"] == "http.response.start" and fresh:
                cookie = f"{COOKIE}={self._signer.sign(visitor).decode()}; Path=/; HttpOnly; "
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
        with contextlib.suppress(BadSignature):
            return self._signer.unsign(known.value if known else "").decode(), False
        if b"text/html" in headers.get(b"accept", b""):
            return secrets.token_urlsafe(24), True
        return f"at {(scope.get('client') or ['nowhere'])[0]}", False

    def _may(self, name: str, visitor: str, given: bool = False) -> bool:
        """Whether a file is the visitor's; one that is nobody's, or is given, becomes theirs.
        Gradio itself keeps what is in no folder of ours from everybody."""
        if "://" in name[:12] or "\0" in name:
            return False
        path = Path(os.path.realpath(name))
        if not (any(map(path.is_relative_to, self._folders)) and path.is_file()):
            return True
        if path.name in self._public and path.read_bytes() == self._public[path.name]:
            return True
        with self._lock:
            if path not in self._owners and len(self._owners) >= MOST_FILES:
                self._owners = {path: who for path, who in self._owners.items() if path.is_file()}
                if len(self._owners) >= MOST_FILES:
                    return False
            owners = self._owners.setdefault(path, {visitor})
            if given:
                owners.add(visitor)
            return visitor in owners

    def _give(self, names: list[str], visitor: str) -> None:
        for name in names:
            self._may(name, visitor, given=True)


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
