"""Files that mean harm, at every door that a visitor has: each comes to a value or a sentence, in
seconds and in bounded memory, and nothing is called, run or written elsewhere."""

import gc
import socketserver
import tempfile
import threading
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import httpx
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from moodganimation.animation.trajectories import read_trajectory
from moodganimation.errors import Problem, UnreadableFile
from moodganimation.media.images import read_image, write_image
from moodganimation.media.video_reader import open_film, read_frames
from moodganimation.media.video_writer import write_animation

from .conftest import PHOTO
from .hostile import CANARY, FILES, SECRET
from .studio import served
from .visits import VISITOR, Visit, sent
from .watch import MEGABYTES, peak_of, watched

PWNED = Path("/tmp/pwned")  # what the files that call something would leave
TABLES = (".csv", ".npy", ".pkl")
DOORS = ("photo", "film", "trajectory", "recipe")
REDIRECTS = (
    "playlist.m3u8",
    "playlist.mp4",
    "playlist-marked.mp4",
    "playlist-key.mp4",
    "gab2.avi",
    "list.ffconcat",
    "concat.mp4",
    "concat-old.mp4",
    "protocol.mp4",
    "dash.mpd",
    "session.sdp",
    "reference.asf",
    "window.asx",
    "list.pls",
    "smile.smil",
    "stream.rtsp",
    "script.avs",
    "graph.mp4",
    "subtitles.mp4",
    "metadata.mp4",
    "movie.mov",
)


class Canary(socketserver.ThreadingTCPServer):
    """Counts who calls."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), None)
        self.calls = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        self.calls += 1


@pytest.fixture(scope="module")
def canary():
    with Canary() as server:
        yield server
        server.shutdown()
        assert server.calls == 0 and not PWNED.exists()


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The work folder, where temporary files go as well."""
    folder = tmp_path_factory.mktemp("hostile")
    gc.collect()  # what earlier tests left removes its own folders now
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def face(animator, work) -> Path:
    path = work / "face.png"
    write_image(path, cv2.resize(read_image(PHOTO), (256, 256), interpolation=cv2.INTER_AREA))
    return path


@pytest.fixture(scope="module")
def film(face) -> Path:
    return write_animation(face.with_name("film.mp4"), [read_image(face)] * 3, 10)


@pytest.fixture(scope="module")
def doors(animator, face):
    """What the page calls for a file, by door."""
    visit = Visit(animator, face)
    visit.settle(AU02=1.0)
    token, filming, recipes = visit.token, visit.filming, visit.recipes
    for name in visit.page.models.names:  # the first use of a model is no cost of a file
        assert visit.page.models[name]

    def film(file: dict) -> dict:
        """A visitor who cancels after two seconds, so that long films take no longer."""
        request = {"token": token, "job": str(time.monotonic_ns())}
        cancel = threading.Timer(2, visit.act, ("cancel_job",), request)
        cancel.start()
        answer = filming.edit(request | {"film": file}, VISITOR)
        cancel.cancel()
        return answer

    return {
        "photo": lambda file: visit.page.open({"photo": file}, VISITOR),
        "film": film,
        "trajectory": lambda file: filming.follow_trajectory(
            {"trajectory": file, "token": token}, VISITOR
        ),
        "recipe": lambda file: recipes.restore({"file": file, "token": token}, VISITOR),
    }


@pytest.fixture(scope="module")
def laid(work, canary, film):
    """The path of a hostile file; what playlists name is there."""

    def lay(name: str) -> Path:
        data = FILES[name]()
        data = data.replace(
            CANARY.encode(), CANARY.replace("65009", str(canary.server_address[1])).encode()
        )
        path = work / name
        path.write_bytes(data.replace(SECRET.encode(), str(film).encode()))
        return path

    return lay


# Those that cost most, which are tried where seconds are checked, too.
COSTLY = (
    "bomb-profile.png",
    "bomb-rgba-16.png",
    "bomb-grey-16.png",
    "bomb-grey-1.png",
    "bomb-rgb.png",
    "bomb-palette.png",
    "bomb-deflate.tif",
    "bomb.tif",
    "bomb.webp",
    "bomb.heic",
    "bomb.avif",
    "claims.avif",
    "deep-bomb.tif",
    "cut-passes.jpg",
    "markup.json",
    "copies.pkl",
    "few-passes.jpg",
    "late-chunks.png",
    "largest.avi",
    "unfinished.jpg",
    "canvas-anim.png",
    "canvas-anim.webp",
    "canvas-hdr.mkv",
    "text-anim.png",
    "head-text-anim.png",
    "frames-anim.png",
    "frames-anim.webp",
)
NAMES = [pytest.param(n, marks=pytest.mark.slow) if n in COSTLY else n for n in FILES]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_does_no_harm_at_any_door(name, doors, laid, work):
    path = laid(name)
    for door in DOORS:
        at = path
        if door == "trajectory" and path.suffix not in TABLES:
            at = path.with_suffix(TABLES[zlib.crc32(name.encode()) % 3])
            path.rename(at)
        file = sent(at)
        with peak_of() as most, watched(work):
            answer = doors[door](file)
        assert answer and "Traceback" not in str(answer.get("problem")), door
        assert most() < MEGABYTES, door
        path = at
    path.unlink()


LINE = [[0.4, 0.4], [0.6, 0.6]]


@pytest.mark.parametrize(
    "strokes",
    [
        "AAAA",
        [LINE],
        [{"points": LINE}],
        [{"points": LINE, "radius": 0}],
        [{"points": LINE, "radius": -1}],
        [{"points": LINE, "radius": 1e300}],
        [{"points": LINE, "radius": [1]}],
        [{"points": [[1e400, 0]], "radius": 0.1}],
        [{"points": [["a", "b"]], "radius": 0.1}],
        [{"points": [1, 2, 3], "radius": 0.1}],
        [{"points": [[0.5, 0.5]] * 5000, "radius": 0.1}],
        [{"points": LINE, "radius": 0.1}] * 1000,
        {"points": LINE, "radius": 0.1},
    ],
)
def test_only_strokes_are_painted_with(animator, face, strokes):
    visit = Visit(animator, face)
    assert "paint again" in visit.refused("set_brush_mask", strokes=strokes)
    assert visit.act("set_brush_mask", strokes=[{"points": LINE, "radius": 0.05}])["state"][
        "painted"
    ]
    far = [{"points": [[-1e9, 5e8], [1e9, 0.5]], "radius": 0.05}]
    assert visit.act("set_brush_mask", strokes=far)["state"]


@pytest.mark.parametrize("name", REDIRECTS)
def test_nothing_that_names_other_files_is_a_film(name, laid):
    """Not even where they are films that could be read."""
    path = laid(name)
    with pytest.raises(UnreadableFile):
        open_film(path)
    with pytest.raises(UnreadableFile):
        list(read_frames(path, [0]))
    path.unlink()


def test_a_film_ends_near_where_it_says(laid):
    film = open_film(path := laid("lying.mkv"))
    assert film.seconds == 0.5 and sum(1 for _ in film.frames()) < 2 * 0.5 * film.fps + 12
    path.unlink()


NAMES = [
    "-y.mp4",
    "--help.png",
    "a b.mp4",
    "a\nb.mp4",
    "file:c.mp4",
    "http:__d.mp4",
    "%05d.png",
    "concat:e.mp4",
    "f|g.mp4",
    "$(touch h).png",
    "`i`.mp4",
    "'j'.png",
    '"k".mp4',
    "l;m.png",
    "\u202egnp.mp4",
    "\u00e9\u4e2d\U0001f600.png",
    "n" * 240 + ".png",
    ".o.mp4",
    "p.PNG.mp4",
    "~q.png",
    "*.png",
    "[r].mp4",
    "{s,t}.png",
    "u=v:w,x.mp4",
    "subtitles='y'.mp4",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_names_and_nothing_else(name, face, film, work):
    folder = work / "names"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes((film if name.endswith("mp4") else face).read_bytes())
    with watched(work):
        if name.endswith("mp4"):
            assert len(list(open_film(path).frames())) == 3
            assert len(list(read_frames(path, [0, 2]))) == 2
        else:
            assert read_image(path).shape == (256, 256, 3)
    assert [p.name for p in folder.iterdir()] == [name]
    path.unlink()


@pytest.mark.parametrize("target", [SECRET, "/dev/zero", "/dev/full", "/", "loop", "nowhere"])
def test_links_lead_nowhere(target, work, animator):
    path = work / "loop"
    path.unlink(missing_ok=True)
    path.symlink_to(path if target == "loop" else target)
    for read in (read_image, lambda p: list(open_film(p).frames())):
        with watched(work), pytest.raises(Problem):
            read(path)
    for suffix in TABLES:
        named = path.with_suffix(suffix)
        named.unlink(missing_ok=True)
        named.symlink_to(path)
        with watched(work), pytest.raises(Problem):
            read_trajectory(named, animator.space)
        named.unlink()
    path.unlink()


# ---- Over the network, as strangers come ----

SENT = [
    "letter.jpg",
    "html.jpg",
    "plain.svg",
    "huge.png",
    "comment.gif",
    "eps.jpg",
    "zip.png",
    "chunks.png",
    "empty.png",
    "exif-circle.jpg",
    "passes.jpg",
]
SHOT = [
    "playlist.mp4",
    "concat.mp4",
    "huge.avi",
    "cut-30.mp4",
    "noise.mp4",
    "empty.mp4",
    "boxes.mp4",
]


@pytest.fixture(scope="module")
def server(animator, work):
    with served(animator) as url:
        client = Client(url, verbose=False, download_files=str(work))
        yield SimpleNamespace(url=url, client=client)


@pytest.mark.parametrize("name", SENT + SHOT)
def test_strangers_get_a_sentence(name, server, laid):
    path = laid(name)
    with pytest.raises(AppError) as told:
        if name in SENT:
            server.client.predict(handle_file(str(path)), None, api_name="/v1_read")
        else:
            server.client.predict(handle_file(str(path)), {"AU12": 0.5}, 1, api_name="/v1_film")
    said = str(told.value)
    assert said.endswith(".") and "Traceback" not in said and "verbose error" not in said, said
    path.unlink()


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/pwned",
        "/tmp/pwned",
        "..\\..\\pwned.png",
        "..",
        "a\\r\\nX: y.png",
        "%2e%2e%2fpwned",
        "\u202egnp.exe",
        "-y",
        ".",
        "n" * 300 + ".png",
        "CON",
        "a/../../b.png",
    ],
)
def test_uploads_stay_where_uploads_are(name, server, face):
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = head.encode() + face.read_bytes() + b"\r\n--x--\r\n"
    answer = httpx.post(
        f"{server.url}gradio_api/upload",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    uploads = Path(get_upload_folder()).resolve()
    for path in answer.json() if answer.status_code == 200 else ():
        assert Path(path).resolve().is_relative_to(uploads) and ".." not in Path(path).parts
    assert answer.status_code in (200, 400, 413, 422, 500) and not PWNED.exists()
    assert "Traceback" not in answer.text
