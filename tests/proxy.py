"""A small reverse proxy that speaks TLS, and sites that show another page in a frame."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HeaderLines = list[tuple[str, str]]


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context with a self-signed certificate, made in a folder."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, chain = folder / "key.pem", folder / "chain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-keyout", key, "-out", chain]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


def forwarding(headers: HeaderLines, client: str) -> HeaderLines:
    """What a well-behaved proxy adds: the client appended, scheme and host replaced."""
    before = [value for name, value in headers if name.lower() == "x-forwarded-for"]
    host = next(value for name, value in headers if name.lower() == "host")
    replaced = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "host")
    kept = [pair for pair in headers if pair[0].lower() not in replaced]
    return [
        *kept,
        ("Host", "inside:1234"),
        ("X-Forwarded-For", ", ".join([*before, client])),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", host),
    ]


@contextlib.contextmanager
def proxied(
    url: str,
    tls: ssl.SSLContext,
    rewrite: Callable[[HeaderLines, str], HeaderLines] = forwarding,
    path: Callable[[str], str] = lambda path: path,
    answer: bytes = b"",
) -> Iterator[int]:
    """The port of a proxy in front of a page.

    rewrite: headers and the client's address to the headers that are forwarded. path: the path that
    is forwarded. answer: header lines, with their ends, that are added to each answer.
    """
    inner = url.removeprefix("http://").strip("/").split(":")

    async def serve(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            inside = await asyncio.open_connection(*inner)
            inside[1].write(_rewritten(head, rewrite, path, writer.get_extra_info("peername")[0]))
            await asyncio.gather(_copy(reader, inside[1]), _copy(inside[0], writer, answer))
        writer.close()

    with _server(serve, tls) as port:
        yield port


@contextlib.contextmanager
def framing(address: str, tls: ssl.SSLContext) -> Iterator[int]:
    """The port of a site whose one page shows another in a frame."""
    page = f"<!doctype html><iframe id=frame src='{address}' width=1280 height=960></iframe>"
    text = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"

    async def serve(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(text + page.encode())
            await writer.drain()
        writer.close()

    with _server(serve, tls) as port:
        yield port


def _rewritten(head: bytes, rewrite, path, client: str) -> bytes:
    start, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, version = start.split(" ")
    headers = rewrite([tuple(line.split(": ", 1)) for line in lines], client)
    if not any(name.lower() == "upgrade" for name, _ in headers):  # one request a connection
        headers = [pair for pair in headers if pair[0].lower() != "connection"]
        headers.append(("Connection", "close"))
    lines = [f"{method} {path(target)} {version}", *(": ".join(pair) for pair in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _copy(reader, writer, added: bytes = b"") -> None:
    """Copy until the end; `added` goes behind the first line."""
    with contextlib.suppress(OSError):
        if added:
            writer.write(await reader.readline() + added)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


@contextlib.contextmanager
def _server(serve, tls: ssl.SSLContext) -> Iterator[int]:
    """The port of a server in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    opening = asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, limit=2**20)
    server = asyncio.run_coroutine_threadsafe(opening, loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
