"""Access to files by visitor: a file belongs to those who uploaded it or got it in an answer.

Gradio serves every file of its cache to anyone who knows the address. Here a file has owners, and
nobody else gets the file or anything made from it, however its name is spelled. A visitor becomes
an owner by uploading the file, by an answer that names it, or by being the first to ask for it.
Equal files of two visitors have one address, and both own it. `visitors` identifies the sender of a
request; `quotas` limits what a visitor may have at once. Pure ASGI, so that responses are streamed.
"""

import json
import os
import re
import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote

from gradio.utils import get_upload_folder

from ...resources import ASSETS
from .proxies import route_path
from .quotas import Quotas
from .visitors import Visitor, Visitors

FILE_PATH = re.compile(r"^(?:/gradio_api)?/file[=/](.+)$", re.DOTALL)
UPLOAD_PATH = re.compile(r"^(?:/gradio_api)?/upload/?$")
MAX_OWNED_FILES = 50_000  # whose owners are remembered
MAX_REQUEST_BYTES = 4_000_000  # of a request that is no upload
MAX_FILES_IN_REQUEST = 1000
NOT_OWNED = 403, "This file belongs to another visitor. Upload it again to use it."
TOO_LARGE = 413, "The request is larger than 4 MB or names more than 1000 files."


class FileAccess:
    """Middleware for the app that `gr.Blocks.launch` makes."""

    def __init__(self, app):
        self.app, self._lock = app, threading.Lock()
        self._owners: dict[Path, set[str]] = {}  # ids of visitors
        self._visitors, self._quotas = Visitors(), Quotas()
        folders = get_upload_folder(), tempfile.gettempdir()
        self._folders = [os.path.realpath(folder) for folder in folders]
        self._examples = {path.name: path.read_bytes() for path in ASSETS.glob("*.png")}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        visitor = scope["visitor"] = self._visitors.of(scope)
        path = route_path(scope)
        for spelling in {path, unquote(path), scope["path"]}:
            if (found := FILE_PATH.match(spelling)) and not self._claim(found[1], visitor.id):
                return await _refuse(send, *NOT_OWNED)
        if scope["method"] != "POST":
            return await self._forward(scope, receive, send, visitor, path)
        if refusal := self._quotas.refusal(scope, path, visitor):
            return await _refuse(send, *refusal)
        with self._quotas.counted(visitor):
            await self._forward_post(scope, receive, send, visitor, path)

    async def _forward_post(self, scope, receive, send, visitor: Visitor, path: str):
        """Forward a POST, unless it is too large or names a file of another visitor."""
        if not UPLOAD_PATH.match(path):
            body = await _read_body(receive)
            paths = _paths_in_json(body or b"")
            if body is None or len(paths) > MAX_FILES_IN_REQUEST:
                return await _refuse(send, *TOO_LARGE)
            if not all(self._claim(path, visitor.id) for path in paths):
                return await _refuse(send, *NOT_OWNED)
            receive = _replay_body(body, receive)
        await self._forward(scope, receive, send, visitor, path)

    async def _forward(self, scope, receive, send, visitor: Visitor, path: str):
        """Forward a request and its response.

        The visitor becomes an owner of every file that the response to an upload or an event of the
        queue names.
        """
        is_upload = UPLOAD_PATH.match(path) and scope["method"] == "POST"
        is_event_stream, buffer = path.endswith("/queue/data"), bytearray()

        async def add_owner_and_send(message):
            if message["type"] == "http.response.start":
                # Without this header nginx would hold events back.
                added = [(b"x-accel-buffering", b"no")] if is_event_stream else []
                if visitor.is_new:
                    added.append((b"set-cookie", self._visitors.cookie(scope, visitor)))
                message["headers"] = [*message["headers"], *added]
            if is_upload and message["type"] == "http.response.body":
                buffer.extend(message.get("body", b""))
                if not message.get("more_body"):
                    self._add_owner(_uploaded_paths(bytes(buffer)), visitor.id)
            if is_event_stream and message["type"] == "http.response.body":
                buffer.extend(message.get("body", b""))
                *events, rest = bytes(buffer).split(b"\n\n")
                buffer[:] = rest
                for event in events:
                    self._add_owner(_paths_in_json(event.removeprefix(b"data:")), visitor.id)
            await send(message)

        await self.app(scope, receive, add_owner_and_send)

    def _claim(self, name: str, visitor_id: str, add_owner: bool = False) -> bool:
        """Return whether the visitor may use a file; a file without owners becomes the visitor's.

        add_owner: make the visitor a further owner. False for URLs, for names with NUL, and for new
        files over MAX_OWNED_FILES. True for shipped examples, which everyone may use, and for paths
        of no file or outside the folders of uploads and temporary files, which Gradio refuses.
        """
        if "://" in name[:12] or "\0" in name:
            return False
        path = Path(os.path.realpath(name))
        if not (any(map(path.is_relative_to, self._folders)) and path.is_file()):
            return True
        if path.name in self._examples and path.read_bytes() == self._examples[path.name]:
            return True
        with self._lock:
            if path not in self._owners and len(self._owners) >= MAX_OWNED_FILES:
                self._owners = {path: ids for path, ids in self._owners.items() if path.is_file()}
                if len(self._owners) >= MAX_OWNED_FILES:
                    return False
            owners = self._owners.setdefault(path, {visitor_id})
            if add_owner:
                owners.add(visitor_id)
            return visitor_id in owners

    def _add_owner(self, paths: list[str], visitor_id: str) -> None:
        for path in paths:
            self._claim(path, visitor_id, add_owner=True)


async def _read_body(receive) -> bytes | None:
    """Return the whole body of a request; None over MAX_REQUEST_BYTES."""
    body = bytearray()
    while True:
        message = await receive()
        body.extend(message.get("body", b""))
        if len(body) > MAX_REQUEST_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replay_body(body: bytes, receive):
    """Return an ASGI `receive` that first yields a body which was already read."""
    replayed = False

    async def replay():
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _paths_in_json(body: bytes) -> list[str]:
    """Return every text that is the value of a key "path" in a JSON text, at any depth."""
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


def _uploaded_paths(response: bytes) -> list[str]:
    """Return the paths in the response to an upload, a JSON list."""
    try:
        paths = json.loads(response)
    except ValueError:
        return []
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


async def _refuse(send, status: int, sentence: str) -> None:
    """Send an error response with the sentence as JSON."""
    text = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
