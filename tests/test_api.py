"""The page's endpoints, as programs call them."""

import json
import os
import socket
import tempfile
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import imageio_ffmpeg
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from moodganimation.animation.easing import interpolate
from moodganimation.contact_sheets import KINDS
from moodganimation.demo.api import API
from moodganimation.demo.server.quotas import MAX_REQUESTS
from moodganimation.demo.server.visitors import COOKIE
from moodganimation.errors import Problem
from moodganimation.expressions.presets import PRESETS
from moodganimation.media.images import read_image
from moodganimation.media.video_writer import write_animation
from moodganimation.recipe import read_recipe

from .conftest import PHOTO
from .studio import served, wait_for


@pytest.fixture(scope="module")
def server(animator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    with served(animator) as url:
        client = Client(url, verbose=False, download_files=str(folder))
        yield SimpleNamespace(url=url, client=client, photo=handle_file(str(PHOTO)))


@pytest.fixture(scope="module")
def clip(animator, portrait, tmp_path_factory):
    way = interpolate(portrait.reading, portrait.reading.replace(AU26=1.0), 6)
    frames = (frame.view("photo", 256) for frame in animator.animate(portrait, way))
    path = write_animation(tmp_path_factory.mktemp("clip") / "clip.mp4", frames, 10)
    return handle_file(str(path))


def test_only_documented_endpoints_have_names(server):
    named = server.client.view_api(return_format="dict")["named_endpoints"]
    names = ("read", "locate", "edit", "animate", "sheet", "film", "drive")
    assert set(named) == {f"/v1_{name}" for name in names}
    assert all(point["description"] for point in named.values())
    labels = [p["label"] for p in named["/v1_edit"]["parameters"]]
    assert labels == ["photo", "axes", "preset", "intensity", "box", "look", "detail"]
    assert [p["label"] for p in named["/v1_film"]["returns"]] == ["file", "said"]


def test_every_kind_of_sheet_is_documented():
    *names, last = KINDS
    docs = Path(__file__).parent.parent / "docs" / "api.md"
    assert f"a contact sheet ({', '.join(KINDS)})" in docs.read_text("utf-8")
    assert f"kind: {', '.join(names)} or {last}\n" in API.sheet.__doc__


def test_a_photo_is_read_and_edited(server, portrait, photo, animator):
    read = server.client.predict(server.photo, None, api_name="/v1_read")
    assert (
        read["AU12"] == pytest.approx(portrait.reading["AU12"], abs=0.006) and "dominance" in read
    )
    path, asked = server.client.predict(
        server.photo, {"AU26": 1.0}, None, 1, None, api_name="/v1_edit"
    )
    wanted = animator.edit(portrait, portrait.reading.replace(AU26=1.0)).image
    np.testing.assert_array_equal(read_image(path), wanted)
    assert asked["AU26"] == 1 and read_recipe(path).expression["AU26"] == 1
    _, asked = server.client.predict(
        server.photo, {"pleasure": 0.9}, "sad", 0.5, None, api_name="/v1_edit"
    )
    assert asked["AU12"] > PRESETS["sad"]["AU12"]


def test_animations_sheets_and_films(server, clip):
    call = server.client.predict
    timeline = {"fps": 10, "keyframes": [{"at": 0}, {"at": 0.5, "expression": {"AU12": 1}}]}
    gif = call(server.photo, None, None, timeline, "gif", 128, None, api_name="/v1_animate")
    assert read_recipe(gif).timeline.fps == 10
    sheet = call(server.photo, "emotions", None, api_name="/v1_sheet")
    assert read_image(sheet).shape[0] == 160 + 22
    film, said = call(clip, {"AU02": 0.8}, 1, api_name="/v1_film")
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 6 and "6 of 6" in said
    driven, curves = call(server.photo, clip, 1, ["mouth"], None, api_name="/v1_drive")
    assert imageio_ffmpeg.count_frames_and_secs(driven)[0] == 6
    assert Path(curves).read_text().startswith("time,")


def test_plain_http_does_as_well(server):
    """What curl does: upload, post, then read the stream of events."""
    answer = posted(server, "v1_read", None)
    assert "event: complete" in answer and '"AU12"' in answer


def test_parameters_that_a_program_leaves_out_have_their_defaults(server):
    """Programs written before an endpoint got a parameter go on working."""
    answer = posted(server, "v1_edit", {"AU12": 0.9}, None, 1, None)
    assert "event: complete" in answer and '"AU12": 0.9' in answer


def posted(server, name: str, *values) -> str:
    boundary, data = "b", PHOTO.read_bytes()
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    request = urllib.request.Request(
        f"{server.url}gradio_api/upload",
        head.encode() + data + f"\r\n--{boundary}--\r\n".encode(),
        {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    path = json.load(urllib.request.urlopen(request))[0]
    body = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, *values]}
    request = urllib.request.Request(
        f"{server.url}gradio_api/call/{name}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    event = json.load(urllib.request.urlopen(request))["event_id"]
    return urllib.request.urlopen(f"{server.url}gradio_api/call/{name}/{event}").read().decode()


@pytest.mark.parametrize(
    "arguments, why",
    [
        (({"AU99": 1}, None, 1, None), "AU99"),
        (({"AU12": "much"}, None, 1, None), "not a number"),
        ((["AU12"], None, 1, None), "named numbers"),
        ((None, "hungry", 1, None), "no preset called"),
        ((None, "sad", 1, [1, 2, 3]), "box"),
        ((None, "sad", 1, ["a", 2, 3, 4]), "not a number"),
        ((None, "sad", 1, None, "", 3), "Detail is a number from 0 to 1.5, not 3"),
        ((None, "sad", 1, None, "moon"), "Eyes can look at camera, not at 'moon'"),
    ],
)
def test_wrong_values_get_a_sentence(server, arguments, why):
    with pytest.raises(AppError, match=why):
        server.client.predict(server.photo, *arguments, api_name="/v1_edit")


def test_timeline_may_be_a_name(server):
    values = None, None, "jump", "gif", 64, None, None
    with pytest.raises(AppError, match="There is no timeline called 'jump'; there are nod, shake"):
        server.client.predict(server.photo, *values, api_name="/v1_animate")


def test_the_file_of_one_visitor_is_nobody_elses(server):
    """Neither by its address, nor as an input."""
    page = {"Accept": "text/html"}
    with httpx.Client(base_url=server.url) as one, httpx.Client(base_url=server.url) as other:
        for visitor in (one, other):
            assert visitor.get("", headers=page).cookies
        files = {"files": ("face.png", PHOTO.read_bytes() + b"mine")}
        path = one.post("gradio_api/upload", files=files).json()[0]
        assert one.get(f"gradio_api/file={path}").status_code == 200
        asked = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, None]}
        event = one.post("gradio_api/call/v1_read", json=asked)
        assert event.status_code == 200
        for stranger in (other, httpx):
            base = "" if stranger is other else server.url
            assert stranger.get(f"{base}gradio_api/file={path}").status_code == 403
            assert stranger.get(f"{base}gradio_api/file={quote(path)}?x=1").status_code == 403
            answer = stranger.post(f"{base}gradio_api/call/v1_read", json=asked)
            assert answer.status_code == 403
        folder, _, base = path.rpartition("/")
        spelled = [
            f"{folder}/zz/../{base}",
            f"{folder}/zz/%2e%2e/{base}",
            f"/proc/self/root{path}",
            os.path.relpath(path),
            f"{folder}?/../{folder.rpartition('/')[2]}/{base}",
            f"{folder}/./{base}",
            f"http://127.0.0.1/{path}",
        ]
        for other_name in spelled:
            for route in ("file=", "file/"):
                got = other.get(f"gradio_api/{route}{other_name}")
                assert got.status_code >= 400 and not got.content.endswith(b"mine"), other_name
            asked["data"][0]["path"] = other_name
            answer = other.post("gradio_api/call/v1_read", json=asked)
            assert answer.status_code == 403 or not Path(other_name).exists(), other_name
        asked["data"][0]["path"] = path
        assert other.get(f"gradio_api/file/{path}").status_code == 403
        for route in ("run/upload", "api/upload", "call/upload"):
            assert (
                other.post(f"gradio_api/{route}", json=asked | {"fn_index": 0}).status_code == 403
            )
        crowd = {"data": [{"path": f"{tempfile.gettempdir()}/{k}"} for k in range(60_000)]}
        other.post("gradio_api/call/v1_read", json=crowd)
        assert other.get(f"gradio_api/file={path}").status_code == 403
        assert one.get(f"gradio_api/file={path}").status_code == 200
        cookie = f"{COOKIE}-{httpx.URL(server.url).port}"
        (name, signature), theirs = one.cookies[cookie].rsplit(".", 1), other.cookies[cookie]
        unsigned = (name, f"{name}.", f"{name}.{theirs.rsplit('.', 1)[1]}", f"{name}x.{signature}")
        for forged in unsigned:
            made_up = httpx.Client(base_url=server.url, cookies={cookie: forged})
            assert made_up.get(f"gradio_api/file={path}").status_code == 403
        huge = other.post("gradio_api/call/v1_read", json={"data": ["x" * 5_000_000]})
        assert huge.status_code == 413
        for outside in ("/etc/passwd", "../../etc/passwd", "app.py"):
            assert other.get(f"gradio_api/file={outside}").status_code in (403, 404)


def test_a_server_tells_how_it_fares_and_nothing_of_anybody(server):
    text = httpx.get(f"{server.url}metrics").text
    assert 'moodganimation_requests_total{route="call/v1_read",status="200"}' in text
    assert 'route="file"' in text and "moodganimation_memory_bytes" in text
    assert "face.png" not in text and "astronaut" not in text


@pytest.mark.slow
def test_one_visitor_does_not_take_the_server_from_all(server, monkeypatch):
    """Works beyond a number at once are refused with a sentence; others are let in."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def waits(*_):
        begun.release()
        go_on.wait(60)
        raise Problem("Done.")

    monkeypatch.setattr("moodganimation.demo.api.read_photo", waits)
    page = {"Accept": "text/html"}
    with httpx.Client(base_url=server.url) as one, httpx.Client(base_url=server.url) as other:
        for visitor in (one, other):
            visitor.get("", headers=page)
        files = {"files": ("face.png", PHOTO.read_bytes() + b"works")}
        path = one.post("gradio_api/upload", files=files).json()[0]
        asked = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, None]}
        nothing = {"data": [None, None]}
        for _ in range(MAX_REQUESTS):
            assert one.post("gradio_api/call/v1_read", json=asked).status_code == 200
        assert begun.acquire(timeout=30)
        answer = one.post("gradio_api/call/v1_read", json=asked)
        assert answer.status_code == 429 and "wait until one of them is done" in answer.text
        assert other.post("gradio_api/call/v1_read", json=nothing).status_code == 200
        go_on.set()
        wait_for(lambda: one.post("gradio_api/call/v1_read", json=asked).status_code == 200)


def test_uploads_are_refused_before_they_are_kept(server, monkeypatch):
    def said_to(size: str, body: bytes = b"") -> str:
        """Only the beginning is sent: an answer that waited for the rest would not come."""
        url = httpx.URL(server.url)
        head = f"Host: {url.host}\r\nContent-Type: multipart/form-data; boundary=x\r\n{size}"
        with socket.create_connection((url.host, url.port), 10) as line:
            line.sendall(f"POST /gradio_api/upload HTTP/1.1\r\n{head}\r\n\r\n".encode() + body)
            said = ""
            while not said.endswith("}"):
                said += line.recv(4096).decode()
            return said

    assert " 413 " in (said := said_to("Content-Length: 90000000")) and "at most 40 MB" in said
    assert " 411 " in said_to("Transfer-Encoding: chunked", b"0\r\n\r\n")
    monkeypatch.setattr("moodganimation.demo.server.quotas.MAX_KEPT_BYTES", 1000)
    assert " 429 " in (said := said_to("Content-Length: 2000")) and "minutes" in said
    answer = httpx.post(f"{server.url}gradio_api/process_recording", content=b"x")
    assert answer.status_code == 404
