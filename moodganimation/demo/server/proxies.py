"""Reverse proxies: the client, scheme and host of the requests that they forward.

The headers X-Forwarded-For, -Proto and -Host and Forwarded (RFC 7239) are text that every client
can send. They are read only in requests that come from an address that was configured as a proxy's.
In all other requests they are removed, since Gradio would believe them.
"""

import logging
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ...errors import InvalidValue

LOG = logging.getLogger("moodganimation.proxies")
VARIABLE = "MOODGANIMATION_TRUSTED_PROXIES"
PRIVATE = "private"  # an option that stands for PRIVATE_NETWORKS
PRIVATE_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"),
)
FOR, PROTO, HOST = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"
FORWARDED = b"forwarded"
# Gradio would take the address of the page from these headers.
REMOVED = {FOR, PROTO, HOST, FORWARDED, b"x-gradio-server"}
_ENCRYPTED = {"https": True, "wss": True, "http": False, "ws": False}
_NAME = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PAIR = re.compile(  # name=value or name="value", and the separator after it
    r'[ \t]*(?:([^\s=;,"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?[ \t]*([;,]|$)'
)

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(text: str) -> Networks:
    """Parse a list of addresses and networks such as "10.0.0.5, 172.16.0.0/12" or "private".

    Raises InvalidValue.
    """
    words = text.replace(",", " ").split()
    names = [name for word in words for name in (PRIVATE_NETWORKS if word == PRIVATE else (word,))]
    found = []
    for name in names:
        try:
            found.append(ip_network(name, strict=False))
        except ValueError:
            raise InvalidValue(
                "{} is not an address of a proxy: give addresses and networks, as 10.0.0.5 or "
                "172.16.0.0/12, or the word private for all private ones.",
                repr(name),
            ) from None
    return tuple(found)


def address_of(text: str) -> Address | None:
    """Parse an address, "192.0.2.1", "192.0.2.1:80", "2001:db8::1" or "[2001:db8::1]:80".

    An IPv4 address inside an IPv6 one (::ffff:192.0.2.1) becomes that IPv4 address. None if the
    text is no address.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])  # without the zone of a link-local address
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class TrustedProxies:
    """Middleware that puts the client, scheme and host of trusted proxies into the scope.

    The outermost one.
    """

    def __init__(self, app, trusted: Networks = ()):
        self.app, self._trusted, self._warned = app, trusted, False

    async def __call__(self, scope, receive, send):
        if scope["type"] in ("http", "websocket"):
            self._resolve(scope)
        await self.app(scope, receive, send)

    def _resolve(self, scope) -> None:
        """Set client, scheme and Host from the headers of a trusted proxy; remove such headers."""
        sent: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            if name in REMOVED:
                text = value.decode("latin-1")
                sent[name] = f"{sent[name]},{text}" if name in sent else text
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in REMOVED]
        peer = address_of((scope.get("client") or ("", 0))[0])
        if not sent:
            return
        if not self._trusts(peer):
            return self._warn()
        elements = _elements(sent.get(FORWARDED, ""))
        client = self._client(peer, sent, elements)
        if client != peer:
            scope["client"] = (str(client), 0)
        first = elements[0] if elements else {}
        scheme = _first(sent.get(PROTO)) or first.get("proto", "")
        if (encrypted := _ENCRYPTED.get(scheme.lower())) is not None:
            plain = "ws" if scope["type"] == "websocket" else "http"
            scope["scheme"] = plain + "s" * encrypted
        host = _first(sent.get(HOST)) or first.get("host", "")
        if _NAME.fullmatch(host):
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", host.encode("ascii")), *others]

    def _warn(self) -> None:
        """Tell the operator once, since every client can send such headers."""
        if not self._warned:
            self._warned = True
            LOG.warning(
                "A request has headers of a reverse proxy, which are ignored. If the page is "
                "behind one, name its address: --trusted-proxies or %s.",
                VARIABLE,
            )

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)

    def _client(self, peer: Address, sent: dict[bytes, str], elements: list[dict]) -> Address:
        """Return the client's address, or the proxy's if the two headers disagree.

        A proxy that writes one of them may pass on the other as the client wrote it.
        """
        found = set()
        if FOR in sent:
            found.add(self._farthest(peer, sent[FOR].split(",")))
        if FORWARDED in sent:
            found.add(self._farthest(peer, [element.get("for", "") for element in elements]))
        return found.pop() if len(found) == 1 else peer

    def _farthest(self, peer: Address, hops: list[str]) -> Address:
        """Return the client's address from the list of hops.

        Each proxy appends the address that it was reached from, so the list is read from its end,
        as long as the writer of an entry is trusted.
        """
        address = peer
        for hop in reversed(hops):
            if not self._trusts(address) or (before := address_of(hop)) is None:
                break
            address = before
        return address


def route_path(scope) -> str:
    """Return the path of a request without the prefix that the page is served under.

    Some proxies remove the prefix themselves before they forward a request.
    """
    path, prefix = scope["path"], scope.get("root_path") or ""
    return path[len(prefix) :] if path.startswith(f"{prefix}/") else path


def _first(values: str | None) -> str:
    """Return the first value of a header with a list; "" without one."""
    return (values or "").partition(",")[0].strip()


def _elements(text: str) -> list[dict[str, str]]:
    """Parse a Forwarded header into its elements, by lower-case names; [] if it is malformed."""
    elements: list[dict[str, str]] = [{}]
    place = 0
    while text:
        pair = _PAIR.match(text, place)
        if pair is None:
            return []
        name, quoted, token, end = pair.groups()
        if name:
            value = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            elements[-1].setdefault(name.lower(), value)
        if end == ",":
            elements.append({})
        if not end:
            break
        place = pair.end()
    return elements if text else []
