"""The page behind reverse proxies and in frames: addresses, cookies, quotas, files of visitors."""

import contextlib
import logging
import socket
import ssl
from collections import Counter
from types import SimpleNamespace

import httpx
import pytest
from gradio_client import Client, handle_file

from moodganimation.demo import serve
from moodganimation.demo.server.proxies import (
    PRIVATE_NETWORKS,
    TrustedProxies,
    parse_address,
    parse_networks,
    route_path,
)
from moodganimation.demo.server.quotas import (
    MAX_KEPT_BYTES,
    MAX_REQUESTS,
    MAX_REQUESTS_OF_ADDRESS,
    MAX_UPLOAD_BYTES,
    Quotas,
)
from moodganimation.demo.server.visitors import COOKIE, Visitors
from moodganimation.errors import Problem
from moodganimation.media.images import read_image

from .conftest import PHOTO
from .proxy import certificate, forwarding, framing, proxied
from .studio import chromium, needs_chromium, served, wait_for

PROXY = "10.0.0.1"
TRUSTED = parse_networks(f"{PROXY}, 10.0.1.0/24, 2001:db8:ffff::/48")


def scope_of(client: str | None = PROXY, kind="http", path="/", method="GET", **headers) -> dict:
    """What an ASGI server hands on for a request; _ in names is -."""
    lines = []
    for name, values in ({"host": "inside:7860"} | headers).items():
        for value in values if isinstance(values, list) else [values]:
            lines.append((name.replace("_", "-").encode(), value.encode("latin-1")))
    scheme = "ws" if kind == "websocket" else "http"
    peer = None if client is None else (client, 40000)
    return {"type": kind, "client": peer, "scheme": scheme, "headers": lines} | {
        "path": path,
        "method": method,
    }


def resolved(scope: dict, trusted=TRUSTED) -> SimpleNamespace:
    TrustedProxies(None, trusted)._resolve(scope)
    headers = dict(scope["headers"])
    client = scope["client"] and scope["client"][0]
    return SimpleNamespace(
        client=client, scheme=scope["scheme"], host=headers[b"host"].decode(), headers=headers
    )


# ---- Who sent it ----


@pytest.mark.parametrize(
    "headers, client",
    [
        ({}, PROXY),  # the proxy hides all addresses
        ({"x_forwarded_for": "192.0.2.7"}, "192.0.2.7"),
        ({"x_forwarded_for": "192.0.2.7:5150"}, "192.0.2.7"),
        ({"x_forwarded_for": "6.6.6.6, 192.0.2.7"}, "192.0.2.7"),  # the client wrote the first
        ({"x_forwarded_for": "6.6.6.6, 192.0.2.7, 10.0.1.9"}, "192.0.2.7"),  # two proxies
        ({"x_forwarded_for": ["6.6.6.6, 192.0.2.7", "10.0.1.9"]}, "192.0.2.7"),  # two lines
        ({"x_forwarded_for": "10.0.1.8, 10.0.1.9"}, "10.0.1.8"),  # a machine of the network itself
        ({"x_forwarded_for": "2001:db8::5"}, "2001:db8::5"),
        ({"x_forwarded_for": "[2001:db8::5]:443"}, "2001:db8::5"),
        ({"x_forwarded_for": "2001:db8::5, 2001:db8:ffff::1"}, "2001:db8::5"),
        ({"x_forwarded_for": "::ffff:192.0.2.7, ::ffff:10.0.1.9"}, "192.0.2.7"),
        ({"x_forwarded_for": "fe80::1%eth0"}, "fe80::1"),
        ({"x_forwarded_for": "192.0.2.7, unknown"}, PROXY),
        ({"x_forwarded_for": "192.0.2.7, unknown, 10.0.1.9"}, "10.0.1.9"),
        ({"x_forwarded_for": ""}, PROXY),
        ({"x_forwarded_for": ",,, ,"}, PROXY),
        ({"x_forwarded_for": "999.1.1.1"}, PROXY),
        ({"x_forwarded_for": "192.0.2.7\xff<script>"}, PROXY),
        ({"x_forwarded_for": "," * 60_000 + "192.0.2.7"}, "192.0.2.7"),
        ({"forwarded": "for=192.0.2.7;proto=https"}, "192.0.2.7"),
        ({"forwarded": 'For="[2001:db8::5]:4711"'}, "2001:db8::5"),
        ({"forwarded": "for=6.6.6.6, for=192.0.2.7;by=10.0.0.1, for=10.0.1.9"}, "192.0.2.7"),
        ({"forwarded": "for=_hidden"}, PROXY),
        ({"forwarded": 'for="x, for=192.0.2.7'}, PROXY),  # a quote that never ends
        ({"forwarded": '"' * 60_000}, PROXY),
        ({"forwarded": '"\\' * 30_000}, PROXY),
        ({"forwarded": 'for=192.0.2.7;ext="a, for=6.6.6.6"'}, "192.0.2.7"),
        ({"forwarded": "for=192.0.2.7", "x_forwarded_for": "192.0.2.7"}, "192.0.2.7"),
        ({"forwarded": "for=6.6.6.6", "x_forwarded_for": "192.0.2.7"}, PROXY),  # one is a lie
    ],
)
def test_address_is_the_last_one_that_a_trusted_proxy_named(headers, client):
    assert resolved(scope_of(**headers)).client == client


@pytest.mark.parametrize("peer", ["192.0.2.9", "127.0.0.1", "::1", "10.0.0.2", "nonsense", None])
@pytest.mark.parametrize("trusted", [(), TRUSTED], ids=["nobody", "others"])
def test_headers_of_an_untrusted_client_are_ignored_and_removed(peer, trusted, caplog):
    lies = {
        "x_forwarded_for": "6.6.6.6",
        "x_forwarded_proto": "https",
        "x_forwarded_host": "evil.example",
        "forwarded": "for=6.6.6.6;proto=https;host=evil.example",
        "x_gradio_server": "https://evil.example",
    }
    proxies = TrustedProxies(None, trusted)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            scope = scope_of(peer, **lies)
            proxies._resolve(scope)
            assert scope["client"] == (peer and (peer, 40000)) and scope["scheme"] == "http"
            assert scope["headers"] == [(b"host", b"inside:7860")]
    assert len(caplog.records) == 1 and "6.6.6.6" not in caplog.text


@pytest.mark.parametrize(
    "headers, scheme, host",
    [
        ({"x_forwarded_proto": "https"}, "https", "inside:7860"),
        ({"x_forwarded_proto": "HTTPS, http"}, "https", "inside:7860"),
        ({"x_forwarded_proto": "http"}, "http", "inside:7860"),
        ({"x_forwarded_proto": "javascript"}, "http", "inside:7860"),
        ({"x_forwarded_host": "demo.example"}, "http", "demo.example"),
        ({"x_forwarded_host": "demo.example:8443, cdn.example"}, "http", "demo.example:8443"),
        ({"x_forwarded_host": "[2001:db8::5]:8443"}, "http", "[2001:db8::5]:8443"),
        ({"x_forwarded_host": "a b"}, "http", "inside:7860"),
        ({"x_forwarded_host": "demo.example/../x"}, "http", "inside:7860"),
        ({"x_forwarded_host": "\xe9vil.example"}, "http", "inside:7860"),
        ({"x_forwarded_host": "user@demo.example"}, "http", "inside:7860"),
        ({"forwarded": "proto=https;host=demo.example"}, "https", "demo.example"),
        ({"forwarded": 'proto=https;host="demo.example:8443"'}, "https", "demo.example:8443"),
    ],
)
def test_scheme_and_host_are_those_of_the_browser(headers, scheme, host):
    found = resolved(scope_of(**headers))
    assert (found.scheme, found.host) == (scheme, host)
    assert not set(found.headers) - {b"host"}
    live = resolved(scope_of(kind="websocket", **headers))
    assert live.scheme == scheme.replace("http", "ws")


def test_networks_are_addresses_networks_and_the_word_private():
    assert parse_networks("") == ()
    assert len(parse_networks("10.0.0.5, 172.16.0.9/12  ::1")) == 3
    assert len(parse_networks("private")) == len(PRIVATE_NETWORKS)
    for wrong in ("nginx", "*", "10.0.0.0/40", "10.0.0.1-9", "é"):
        with pytest.raises(Problem, match="not an address of a proxy"):
            parse_networks(wrong)
    for text in ("", "[", "[::1", "1.2.3.4:x:y", "::ffff:999.1.1.1", "%", "1" * 5000):
        assert parse_address(text) in (None, parse_address("::1"))


def test_a_wrong_list_of_proxies_is_refused_before_anything_is_loaded(monkeypatch, capsys):
    monkeypatch.setattr(serve, "_load", None)
    for arguments, why in (
        (["--trusted-proxies", "nginx"], "'nginx' is not an address of a proxy"),
        (["--root-path", "mood"], "must begin with /"),
    ):
        with pytest.raises(SystemExit) as end:
            serve.main(arguments)
        assert end.value.code == 2 and why in capsys.readouterr().err


def test_only_a_space_trusts_private_proxies_unasked(monkeypatch):
    monkeypatch.delenv("SYSTEM", raising=False)
    monkeypatch.delenv(serve.PROXIES_VARIABLE, raising=False)
    assert serve._trusted_proxies(None) == ""
    monkeypatch.setenv("SYSTEM", "spaces")
    assert serve._trusted_proxies(None) == "private" and serve._trusted_proxies("") == ""
    monkeypatch.setenv(serve.PROXIES_VARIABLE, "10.0.0.1")
    assert serve._trusted_proxies(None) == "10.0.0.1"


# ---- Cookies ----


def page_of(scheme: str = "http", **more) -> dict:
    return scope_of("192.0.2.7", accept="text/html", **more) | {"scheme": scheme}


def test_flags_of_a_cookie_are_those_of_the_request():
    visitors = Visitors()
    for scheme, flags in (
        ("https", "SameSite=None; Secure; Partitioned"),
        ("http", "SameSite=Lax"),
        ("https", "SameSite=None; Secure; Partitioned"),
    ):
        scope = page_of(scheme, host="demo.example")
        cookie = visitors.cookie(scope, visitors.of(scope)).decode()
        assert cookie.startswith(f"{COOKIE}=") and cookie.endswith(f"; Path=/; HttpOnly; {flags}")


@pytest.mark.parametrize(
    "root, path", [("/mood", "/mood"), ("https://x.example/mood/", "/mood"), ("", "/")]
)
def test_cookies_of_two_pages_on_one_host_do_not_meet(root, path):
    visitors = Visitors()
    scope = page_of() | {"root_path": root}
    assert f"; Path={path};" in visitors.cookie(scope, visitors.of(scope)).decode()
    names = {
        visitors.cookie(s, visitors.of(s)).split(b"=")[0]
        for s in (page_of(host=h) for h in ("a", "a:1", "a:2", "[::1]", "[::1]:1"))
    }
    assert names == {COOKIE.encode(), f"{COOKIE}-1".encode(), f"{COOKIE}-2".encode()}


def test_a_cookie_is_found_among_others_of_any_form():
    visitors, scope = Visitors(), page_of(host="demo.example")
    visitor = visitors.of(scope)
    ours = visitors.cookie(scope, visitor).decode().split(";")[0]
    for sent in (
        ours,
        f'prefs={{"a": [1, 2]}}; {ours}',
        f"\xff\xfe=\x01; ; =; {ours}; last",
        [f"a=1; {COOKIE}=stale.signature", ours],
        f"{COOKIE}=; {ours}; {COOKIE}=forged.x",
    ):
        found = visitors.of(scope_of("192.0.2.7", host="demo.example", cookie=sent))
        assert (found.id, found.is_new) == (visitor.id, False), sent
    for sent in ("", f"{COOKIE}=", f"{COOKIE}=\xff", f"{COOKIE}={visitor.id}", f"x{ours}"):
        found = visitors.of(scope_of("192.0.2.7", host="demo.example", cookie=sent))
        assert found.id == "at 192.0.2.7", sent
    assert Visitors().of(scope_of("192.0.2.7", cookie=ours)).id == "at 192.0.2.7"


# ---- Quotas ----


def queue_of(*visitors) -> SimpleNamespace:
    """An app in whose queue these visitors have works."""
    events = {
        i: SimpleNamespace(request=SimpleNamespace(scope={"visitor": v}))
        for i, v in enumerate(visitors)
    }
    queue = SimpleNamespace(event_ids_to_events=events)
    return SimpleNamespace(get_blocks=lambda: SimpleNamespace(_queue=queue))


def refused(quotas: Quotas, visitor, queued=(), path="/gradio_api/queue/join", **headers):
    scope = scope_of(method="POST", **headers) | {"app": queue_of(*queued)}
    answer = quotas.refusal(scope, path, visitor)
    return answer and answer[0]


def visitor_at(client: str, visitors: Visitors, page: bool = True):
    return visitors.of(scope_of(client, **({"accept": "text/html"} if page else {})))


def test_deleting_cookies_does_not_give_more_than_the_ceiling_of_an_address():
    visitors, quotas, queued = Visitors(), Quotas(), []
    for _ in range(100):  # a new cookie with every request
        visitor = visitor_at("192.0.2.7", visitors)
        if not refused(quotas, visitor, queued):
            queued.append(visitor)
    assert len(queued) == MAX_REQUESTS_OF_ADDRESS
    assert not refused(quotas, visitor_at("192.0.2.8", visitors), queued)


def test_an_office_behind_one_address_works_while_one_of_it_is_at_the_limit():
    visitors, quotas = Visitors(), Quotas()
    busy, other = (visitor_at("192.0.2.7", visitors) for _ in range(2))
    assert busy.id != other.id and busy.address == other.address
    queued = [busy] * MAX_REQUESTS
    assert refused(quotas, busy, queued) == 429 and not refused(quotas, other, queued)


def test_an_ipv6_client_has_one_quota_in_its_whole_network():
    visitors, quotas, queued = Visitors(), Quotas(), []
    for host in range(100):
        visitor = visitor_at(f"2001:db8::{host:x}", visitors, page=False)
        if not refused(quotas, visitor, queued):
            queued.append(visitor)
    assert len(queued) == MAX_REQUESTS_OF_ADDRESS
    assert len({visitor.id for visitor in queued}) == len(queued)  # but no files in common
    assert not refused(quotas, visitor_at("2001:db8:0:1::1", visitors), queued)


def test_programs_without_cookies_share_the_quota_of_their_address():
    visitors, quotas = Visitors(), Quotas()
    one, other = (visitor_at("192.0.2.7", visitors, page=False) for _ in range(2))
    assert refused(quotas, other, [one] * MAX_REQUESTS) == 429
    assert not refused(quotas, visitor_at("192.0.2.8", visitors, False), [one] * MAX_REQUESTS)


def test_requests_under_way_count_until_they_end():
    visitors, quotas = Visitors(), Quotas()
    visitor, other = (visitor_at("192.0.2.7", visitors) for _ in range(2))
    open_ = [quotas.counted(visitor) for _ in range(MAX_REQUESTS)]
    open_ += [quotas.counted(other) for _ in range(MAX_REQUESTS_OF_ADDRESS - MAX_REQUESTS)]
    for request in open_:
        assert not refused(quotas, other)
        request.__enter__()
    assert refused(quotas, visitor) == refused(quotas, other) == 429
    for request in open_:
        request.__exit__(None, None, None)
    assert not refused(quotas, visitor) and quotas._open_requests == Counter()


def test_uploads_have_a_limit_for_visitors_and_addresses():
    visitors, quotas = Visitors(), Quotas()
    upload = {"path": "/gradio_api/upload", "content_length": str(MAX_UPLOAD_BYTES)}
    visitor, sent = visitor_at("192.0.2.7", visitors), 0
    while not refused(quotas, visitor, **upload):
        sent += MAX_UPLOAD_BYTES
    assert MAX_KEPT_BYTES - MAX_UPLOAD_BYTES < sent <= MAX_KEPT_BYTES
    while not refused(quotas, visitor_at("192.0.2.7", visitors), **upload):
        sent += MAX_UPLOAD_BYTES
    assert 4 * MAX_KEPT_BYTES - MAX_UPLOAD_BYTES < sent <= 4 * MAX_KEPT_BYTES
    assert not refused(quotas, visitor_at("192.0.2.8", visitors), **upload)
    for size, status in (("x", 411), ("", 411), ("9" * 30, 411), ("-1", 411), ("9" * 15, 413)):
        visitor = visitor_at("192.0.2.9", visitors)
        assert refused(quotas, visitor, **upload | {"content_length": size}) == status


def test_paths_are_those_of_routes_with_and_without_the_prefix():
    for path, prefix, found in (
        ("/mood/gradio_api/upload", "/mood", "/gradio_api/upload"),
        ("/gradio_api/upload", "/mood", "/gradio_api/upload"),
        ("/moody/x", "/mood", "/moody/x"),
        ("/metrics", "", "/metrics"),
        ("/metrics", "https://x.example/mood", "/metrics"),
    ):
        assert route_path({"path": path, "root_path": prefix}) == found


# ---- Served, behind a proxy that speaks TLS ----

PAGE = {"Accept": "text/html"}
LOCAL = parse_networks("127.0.0.1")  # the test's own proxy


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(animator):
    with served(animator, trusted=LOCAL) as url:
        yield url


@pytest.fixture(scope="module")
def https(server, tls):
    with proxied(server, tls) as port:
        yield f"https://localhost:{port}/"


@contextlib.contextmanager
def browser_at(url: str):
    """A client with a cookie, as a browser has after it has opened the page."""
    with httpx.Client(base_url=url, verify=False, timeout=60) as client:
        assert client.get("", headers=PAGE).cookies
        yield client


def uploaded(client, name: str = "face.png", base: str = "", more: bytes = b"") -> str:
    answer = client.post(
        f"{base}gradio_api/upload", files={"files": (name, PHOTO.read_bytes() + more)}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()[0]


def test_cookies_over_the_proxy_are_partitioned_and_over_plain_http_lax(server, https):
    with httpx.Client(verify=False) as client:
        over, plain = (client.get(url, headers=PAGE) for url in (https, server))
        assert over.headers["set-cookie"].endswith("; SameSite=None; Secure; Partitioned")
        assert plain.headers["set-cookie"].endswith("; HttpOnly; SameSite=Lax")
        assert client.get(f"{https}config").json()["root"] == https.rstrip("/")
        again = client.get(https, headers=PAGE)
        assert "set-cookie" not in again.headers


def test_nobody_is_trusted_unless_configured(animator):
    lies = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    lies |= {"X-Forwarded-For": "6.6.6.6", "X-Gradio-Server": "https://evil.example"}
    with served(animator) as url, httpx.Client(base_url=url, headers=lies) as client:
        assert client.get("", headers=PAGE).headers["set-cookie"].endswith("SameSite=Lax")
        assert client.get("config").json()["root"] == url.rstrip("/")
        program = httpx.Client(base_url=url, headers={"X-Forwarded-For": "7.7.7.7"})
        path = uploaded(program, more=b"program")
        program.headers["X-Forwarded-For"] = "8.8.8.8"  # the address of the connection counts
        assert program.get(f"gradio_api/file={path}").status_code == 200


@pytest.mark.parametrize("hides", [False, True], ids=["forwards", "hides-addresses"])
def test_browsers_behind_one_address_do_not_see_files_of_each_other(server, tls, hides):
    def without_address(headers, client):
        return [pair for pair in forwarding(headers, client) if pair[0] != "X-Forwarded-For"]

    with proxied(server, tls, without_address if hides else forwarding) as port:
        url = f"https://localhost:{port}/"
        with browser_at(url) as one, browser_at(url) as other:
            path = uploaded(one, more=b"office%d" % hides)
            asked = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, None]}
            assert one.get(f"gradio_api/file={path}").status_code == 200
            for stranger in (other, httpx.Client(base_url=url, verify=False)):
                assert stranger.get(f"gradio_api/file={path}").status_code == 403
                answer = stranger.post("gradio_api/call/v1_read", json=asked)
                assert answer.status_code == 403


def test_events_of_the_page_take_files_of_their_own_visitor_only(server):
    with browser_at(server) as one, browser_at(server) as other:
        path = uploaded(one, more=b"event")
        event = {"data": [None], "fn_index": 0, "session_hash": "a", "trigger_id": 1}
        event["event_data"] = {"photo": {"path": path}, "job": "1"}
        call = {"data": {"photo": {"path": path}}, "fn_name": "act", "component_id": 1}
        call["session_hash"] = "a"
        for address, asked in (("queue/join", event), ("component_server", call)):
            answer = other.post(f"gradio_api/{address}", json=asked)
            assert answer.status_code == 403 and "another visitor" in answer.text
            assert one.post(f"gradio_api/{address}", json=asked).status_code != 403


def test_fonts_and_texts_are_served_as_they_are_best(prefixed, server):
    for url in (server, f"{prefixed}/" if not prefixed.endswith("/") else prefixed):
        with httpx.Client(base_url=url) as client:
            font = client.get("studio/fonts/ibm-plex-sans-latin-400-normal.woff2")
            assert font.headers["content-type"] == "font/woff2" and len(font.content) > 20_000
            assert "max-age" in font.headers["cache-control"]
            assert client.get("studio/fonts/OFL.txt").status_code == 404
            page = client.get("", headers=PAGE)
            assert page.headers["content-encoding"] == "gzip" and len(page.text) > 100_000


def test_programs_behind_the_proxy_are_told_apart_by_their_address(server, tls):
    def at(address):  # as a proxy before this one would have appended it
        rewrite = lambda headers, client: forwarding(headers, address)  # noqa: E731
        return proxied(server, tls, rewrite)

    with at("192.0.2.7") as one, at("192.0.2.8") as other:
        lie = {"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
        mine, theirs = (
            httpx.Client(base_url=f"https://localhost:{port}/", verify=False, headers=headers)
            for port, headers in ((one, {}), (other, lie))
        )
        path = uploaded(mine, more=b"told apart")
        assert mine.get(f"gradio_api/file={path}").status_code == 200
        assert theirs.get(f"gradio_api/file={path}").status_code == 403


def test_a_program_gets_its_events_through_the_proxy(https, tmp_path):
    client = Client(https, verbose=False, ssl_verify=False, download_files=str(tmp_path))
    read = client.predict(handle_file(str(PHOTO)), None, api_name="/v1_read")
    assert "AU12" in str(read)


def test_uploads_through_the_proxy_have_the_same_limits(https):
    with browser_at(https) as client:
        path = uploaded(client, more=bytes(20 * 2**20))
        assert client.get(f"gradio_api/file={path}").status_code == 200
    port = httpx.URL(https).port
    insecure = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    insecure.check_hostname, insecure.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        insecure.wrap_socket(plain) as line,
    ):
        head = (
            f"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: {2 * MAX_UPLOAD_BYTES}"
        )
        line.sendall(f"{head}\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n".encode())
        said = b""
        while not said.endswith(b"}"):
            said += line.recv(4096)
    assert b" 413 " in said and b"at most 40 MB" in said


@pytest.mark.parametrize("value", [b"\xff\xfe", b",;=\"'" * 99, b"[" * 999, b"%0d%0a", b"for=[::1"])
def test_garbage_in_headers_gets_an_answer(server, value):
    names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Cookie")
    answer = httpx.get(server, headers=PAGE | dict.fromkeys(names, value))
    assert answer.status_code == 200 and "set-cookie" in answer.headers


@pytest.fixture(scope="module")
def prefixed(animator):
    with served(animator, trusted=LOCAL, root_path="/mood") as url:
        yield url


@pytest.mark.parametrize("strips", [True, False])
def test_files_under_a_prefix_are_guarded_as_well(prefixed, tls, strips):
    def path(target):
        assert target.startswith("/mood/")
        return target.removeprefix("/mood") if strips else target

    with proxied(prefixed, tls, path=path) as port:
        url = f"https://localhost:{port}/mood/"
        with browser_at(url) as one, browser_at(url) as other:
            assert one.get("config").json()["root"] == url.rstrip("/")
            mine = uploaded(one, more=b"prefix%d" % strips)
            assert one.get(f"gradio_api/file={mine}").status_code == 200
            assert other.get(f"gradio_api/file={mine}").status_code == 403
            asked = {"data": [{"path": mine, "meta": {"_type": "gradio.FileData"}}, None]}
            assert other.post("gradio_api/call/v1_read", json=asked).status_code == 403
            assert "moodganimation_requests" in other.get("metrics").text
        cookie = httpx.get(url, headers=PAGE, verify=False).headers["set-cookie"]
        assert "; Path=/mood; " in cookie


# ---- In a frame of another site ----

FLAGS = [
    "--ignore-certificate-errors",
    "--test-third-party-cookie-phaseout",  # blocks cookies of other sites
    "--host-resolver-rules=MAP *.test 127.0.0.1",
]


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("prefix", ["", "/mood"])
def test_page_in_a_frame_of_another_site_edits_a_photo(request, tls, tmp_path, photo, prefix):
    url = request.getfixturevalue("prefixed" if prefix else "server")
    unpartitioned = b"Set-Cookie: control=1; Path=/; SameSite=None; Secure\r\n"
    with (
        proxied(url, tls, path=lambda p: p.removeprefix(prefix), answer=unpartitioned) as port,
        framing(f"https://demo.test:{port}{prefix}/", tls) as site,
        chromium(tmp_path, flags=FLAGS) as browser,
    ):
        size = {"width": 1300, "height": 1000}
        context = browser.new_context(ignore_https_errors=True, viewport=size)
        tab = context.new_page()
        failed = []
        tab.on("response", lambda r: failed.append(r.url) if r.status >= 400 else None)
        tab.goto(f"https://office.test:{site}/")
        frame = tab.frame_locator("#frame")
        frame.locator("body[data-photo=there]").wait_for(timeout=60_000)
        frame.locator("#photo input[type=file]").set_input_files(str(PHOTO))
        frame.locator("#photo-info", has_text="astronaut").wait_for(timeout=60_000)
        result = frame.locator("#stage-image")
        before = result.get_attribute("src")
        frame.locator("#slider-AU26").fill("1")
        wait_for(lambda: result.get_attribute("src") != before)
        wait_for(lambda: frame.locator("#undo").is_enabled())
        with tab.expect_download() as download:
            frame.locator("#save").click()
        download.value.save_as(tmp_path / "open.png")
        assert (read_image(tmp_path / "open.png") != photo).any()
        assert failed == []
        (cookie,) = context.cookies()  # not the control: the browser blocks those
        assert cookie["name"] == f"{COOKIE}-{port}" and cookie["partitionKey"]
        assert cookie["secure"] and cookie["httpOnly"] and cookie["path"] == (prefix or "/")
