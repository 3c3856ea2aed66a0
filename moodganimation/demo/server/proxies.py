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
PROXIES_VARIABLE = "MOODGANIMATION_TRUSTED_PROXIES"
PRIVATE_KEYWORD = "private"  # stands for PRIVATE_NETWORKS in the option
PRIVATE_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"),
)
X_FORWARDED_FOR = b"x-forwarded-for"
X_FORWARDED_PROTO = b"x-forwarded-proto"
X_FORWARDED_HOST = b"x-forwarded-host"
FORWARDED = b"forwarded"
# Headers that are removed. From the last one, too, Gradio would take the address of the page.
PROXY_HEADERS = {
    X_FORWARDED_FOR,
    X_FORWARDED_PROTO,
    X_FORWARDED_HOST,
    FORWARDED,
    b"x-gradio-server",
}
_USES_TLS = {"https": True, "wss": True, "http": False, "ws": False}
_HOST_PATTERN = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_FORWARDED_PAIR = re.compile(  # name=value or name="value", and the separator after it
    r'[ \t]*(?:([^\s=;,"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?[ \t]*([;,]|$)'
)

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]


def parse_networks(text: str) -> Networks:
    """Parse a list of addresses and networks such as "10.0.0.5, 172.16.0.0/12" or "private".

    Raises InvalidValue.
    """
    names: list[str] = []
    for word in text.replace(",", " ").split():
        names += PRIVATE_NETWORKS if word == PRIVATE_KEYWORD else [word]
    parsed = []
    for name in names:
        try:
            parsed.append(ip_network(name, strict=False))
        except ValueError:
            raise InvalidValue(
                "{} is not an address of a proxy: give addresses and networks, as 10.0.0.5 or "
                "172.16.0.0/12, or the word private for all private ones.",
                repr(name),
            ) from None
    return tuple(parsed)


def parse_address(text: str) -> Address | None:
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

    It is the outermost middleware.
    """

    def __init__(self, app, trusted: Networks = ()):
        self.app, self._trusted, self._warned = app, trusted, False

    async def __call__(self, scope, receive, send):
        if scope["type"] in ("http", "websocket"):
            self._resolve(scope)
        await self.app(scope, receive, send)

    def _resolve(self, scope) -> None:
        """Set client, scheme and Host from the headers of a trusted proxy; remove such headers."""
        headers: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            if name in PROXY_HEADERS:
                text = value.decode("latin-1")
                headers[name] = f"{headers[name]},{text}" if name in headers else text
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in PROXY_HEADERS]
        peer = parse_address((scope.get("client") or ("", 0))[0])
        if not headers:
            return
        if not self._trusts(peer):
            return self._warn()
        elements = _parse_forwarded(headers.get(FORWARDED, ""))
        client = self._client(peer, headers, elements)
        if client != peer:
            scope["client"] = (str(client), 0)
        first = elements[0] if elements else {}
        scheme = _first_value(headers.get(X_FORWARDED_PROTO)) or first.get("proto", "")
        if (uses_tls := _USES_TLS.get(scheme.lower())) is not None:
            plain = "ws" if scope["type"] == "websocket" else "http"
            scope["scheme"] = plain + "s" * uses_tls
        host = _first_value(headers.get(X_FORWARDED_HOST)) or first.get("host", "")
        if _HOST_PATTERN.fullmatch(host):
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", host.encode("ascii")), *others]

    def _warn(self) -> None:
        """Log a warning once only, since every client can send such headers."""
        if not self._warned:
            self._warned = True
            LOG.warning(
                "A request has headers of a reverse proxy, which are ignored. If the page is "
                "behind one, name its address: --trusted-proxies or %s.",
                PROXIES_VARIABLE,
            )

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)

    def _client(self, peer: Address, headers: dict[bytes, str], elements: list[dict]) -> Address:
        """Return the client's address, or the proxy's if the two headers disagree.

        A proxy that writes one of them may pass on the other as the client wrote it.
        """
        candidates = set()
        if X_FORWARDED_FOR in headers:
            hops = headers[X_FORWARDED_FOR].split(",")
            candidates.add(self._client_from_hops(peer, hops))
        if FORWARDED in headers:
            hops = [element.get("for", "") for element in elements]
            candidates.add(self._client_from_hops(peer, hops))
        return candidates.pop() if len(candidates) == 1 else peer

    def _client_from_hops(self, peer: Address, hops: list[str]) -> Address:
        """Return the client's address from the list of hops, the addresses that a request came by.

        Each proxy appends the address that its request came from. So the list is read from its
        end, as long as the proxy that wrote an entry is trusted.
        """
        address = peer
        for hop in reversed(hops):
            if not self._trusts(address) or (previous := parse_address(hop)) is None:
                break
            address = previous
        return address


def route_path(scope) -> str:
    """Return the path of a request without the prefix that the page is served under.

    Some proxies remove the prefix themselves before they forward a request.
    """
    path, prefix = scope["path"], scope.get("root_path") or ""
    return path[len(prefix) :] if path.startswith(f"{prefix}/") else path


def _first_value(values: str | None) -> str:
    """Return the first value of a header that is a list; "" for a missing header."""
    return (values or "").partition(",")[0].strip()


def _parse_forwarded(text: str) -> list[dict[str, str]]:
    """Parse a Forwarded header into its elements, by lower-case names; [] if it is malformed."""
    elements: list[dict[str, str]] = [{}]
    position = 0
    while text:
        pair = _FORWARDED_PAIR.match(text, position)
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
        position = pair.end()
    return elements if text else []
