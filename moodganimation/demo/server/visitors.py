"""Visitors: browsers, identified by a signed cookie, and programs without one, by address.

The page may be in a frame on another site, as in a Space. Over HTTPS its cookie therefore has
SameSite=None and Partitioned: browsers that block cookies of other sites keep one for each site
that shows the page (CHIPS). Over plain HTTP browsers take no such cookie, and it has SameSite=Lax.
"""

import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer

from .proxies import parse_address

COOKIE = "moodganimation"
IPV6_PREFIX_BITS = 64  # one household or server usually has a whole /64


@dataclass(frozen=True)
class Visitor:
    """The sender of a request, to whom files and quotas belong."""

    id: str  # a random name in the signed cookie, or "at ADDRESS" for a program
    address: str  # an IPv4 address or IPv6 network, which many visitors may share
    is_new: bool = False  # whether the browser has to be given the cookie


class Visitors:
    """Identifies visitors by signed ids. Signatures are valid as long as the process runs."""

    def __init__(self):
        key = secrets.token_bytes(32)
        self._signer = Signer(key, salt=COOKIE, digest_method=hashlib.sha256)

    def of(self, scope) -> Visitor:
        """Return the visitor of a request. A browser without a valid cookie is a new visitor."""
        host = (scope.get("client") or ["nowhere"])[0]
        address = _shared_address(host)
        for value in _cookies(scope, _cookie_name(scope)):
            with contextlib.suppress(BadSignature):
                return Visitor(self._signer.unsign(value).decode(), address)
        if any(k == b"accept" and b"text/html" in v for k, v in scope["headers"]):
            return Visitor(secrets.token_urlsafe(24), address, is_new=True)
        return Visitor(f"at {host}", address)

    def cookie(self, scope, visitor: Visitor) -> bytes:
        """Return the value of Set-Cookie with the signed id of a visitor."""
        signed = self._signer.sign(visitor.id).decode()
        secure = scope.get("scheme") == "https"
        flags = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
        path = urlsplit(scope.get("root_path") or "").path.rstrip("/") or "/"
        return f"{_cookie_name(scope)}={signed}; Path={path}; HttpOnly; {flags}".encode("latin-1")


def _shared_address(host: str) -> str:
    """Return an IPv4 address as it is, and the network of an IPv6 address."""
    address = parse_address(host)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX_BITS), strict=False))
    return str(address or host)


def _cookie_name(scope) -> str:
    """Return the cookie's name, with the port, since browsers send it to every port of a host."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    port = host.rpartition(b":")[2]
    return f"{COOKIE}-{port.decode()}" if b":" in host and port.isdigit() else COOKIE


def _cookies(scope, name: str) -> list[str]:
    """Return all values of a cookie; cookies of other programs on the host may be malformed."""
    sent = [value for key, value in scope["headers"] if key == b"cookie"]
    pairs = (pair.partition("=") for pair in b";".join(sent).decode("latin-1").split(";"))
    return [value.strip(' \t"') for key, _, value in pairs if key.strip() == name]
