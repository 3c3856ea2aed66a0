"""Every parser gets valid files that were damaged, and gives a value of its type or a Problem.

A few cases each here; FUZZ=10000 of them by `make fuzz`.
"""

import base64
import io
import json
import os
import pickle
import re
import struct
import subprocess
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import gradio as gr
import imageio_ffmpeg
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from moodganimation.animation.timeline import Keyframe, Timeline, read_timeline
from moodganimation.animation.trajectories import Trajectory, read_trajectory
from moodganimation.animator import DEFAULT_CHECKPOINT
from moodganimation.checkpoints.files import (
    Checkpoint,
    build_generator,
    load_checkpoint,
    save_generator,
)
from moodganimation.demo import api
from moodganimation.demo.handlers.camera import CameraHandlers
from moodganimation.demo.sessions import Sessions
from moodganimation.errors import Problem
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
)
from moodganimation.media.images import read_image, write_image
from moodganimation.media.video_reader import Film, open_film
from moodganimation.media.video_writer import write_animation
from moodganimation.networks.base import GeneratorConfig
from moodganimation.recipe import FacePlace, Fingerprint, Output, Recipe, read_recipe
from training.data.annotations import Table, read_annotations, read_ids
from training.data.prepare.affectnet import read_rows
from training.data.prepare.openface import read_table

from . import heif
from .figures import PARSERS, write_requested
from .watch import MEGABYTES, peak, watched

pytestmark = pytest.mark.fuzz
CASES = int(os.environ.get("FUZZ", "50"))
few = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize="FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)

# ---- Damage ----

NUMBERS = [
    b"nan",
    b"NaN",
    b"inf",
    b"-Infinity",
    b"1e999",
    b"-1",
    b"0",
    b"-0.0",
    b"1e308",
    b"0x10",
    b"9" * 30,
    b"9" * 5000,
    b"1_0",
    "\u0661".encode(),
    b'"1"',
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"",
    b"1e-320",
    b"18446744073709551615",
    b"-2147483648",
]
WORDS = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "flip",
                "word",
                "number",
                "number",
                "cut",
                "drop",
                "double",
                "insert",
                "chunk",
                "splice",
            ]
        ),
        st.integers(0, 2**20),  # where
        st.integers(0, 2**16),  # how much, or which
        st.binary(max_size=12),
    ),
    max_size=4,
)


def damaged(data: bytes, edits, other: bytes) -> bytes:
    """The bytes after these edits; most of them near the beginning, where headers are."""
    for kind, at, much, some in edits:
        place = int((at / 2**20) ** 3 * len(data))
        if kind == "flip" and data:
            place = min(place, len(data) - 1)
            data = data[:place] + bytes([data[place] ^ 1 << much % 8]) + data[place + 1 :]
        elif kind == "word":
            form = "<>"[much & 1] + "BHIQ"[much >> 1 & 3]
            size = struct.calcsize(form)
            value = WORDS[(much >> 3) % len(WORDS)] & (1 << 8 * size) - 1
            data = data[:place] + struct.pack(form, value) + data[place + size :]
        elif kind == "number" and (found := list(re.finditer(rb"-?\d[\d.]*", data[:20_000]))):
            here = found[at % len(found)]
            number = NUMBERS[much % len(NUMBERS)]
            data = data[: here.start()] + number + data[here.end() :]
        elif kind == "cut":
            data = data[: int(at / 2**20 * len(data))]
        elif kind == "drop":
            data = data[:place] + data[place + much % 64 :]
        elif kind == "double":
            data = data[:place] + data[place : place + much % 4096] + data[place:]
        elif kind == "insert":
            data = data[:place] + some * (1 + much % 50) + data[place:]
        elif kind == "chunk":
            kinds = [
                b"IHDR",
                b"iCCP",
                b"eXIf",
                b"acTL",
                b"fcTL",
                b"EXIF",
                b"ANMF",
                b"moov",
                b"mdat",
            ]
            head = struct.pack(">I4s", len(some), kinds[much % len(kinds)])
            data = data[:place] + head + some + data[place:]
        elif kind == "splice":
            data = data[:place] + other[int(much / 2**16 * len(other)) :]
    return data


def mended(data: bytes) -> bytes:
    """A PNG whose checksums are right again, so that what is wrong lies deeper."""
    out, at = data[:8], 8
    while at + 8 <= len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        body = data[at + 4 : at + 8 + size]
        out += struct.pack(">I", max(0, len(body) - 4)) + body
        out += struct.pack(">I", zlib.crc32(body))
        at += 12 + size
    return out


# ---- What is damaged, and how it is read ----


@dataclass(frozen=True)
class Seed:
    """A valid file; of what lies inside a wrapping, `data` is the inner part."""

    name: str
    data: bytes = field(repr=False)
    pack: Callable[[bytes], bytes] = field(default=bytes, repr=False)


@dataclass
class Figures:
    cases: int = 0
    problems: int = 0
    longest: float = 0.0


FIGURES: dict[str, Figures] = {}


def tried(parser: str, folder: Path, read: Callable[[], object], *refusals: type) -> None:
    """Run a parser: nothing but a Problem, or the refusals that it documents, may come out."""
    figures = FIGURES.setdefault(parser, Figures())
    figures.cases += 1
    began = time.monotonic()
    try:
        with watched(folder):
            read()
    except Problem as problem:
        figures.problems += 1
        assert str(problem) and "Traceback" not in str(problem)
    except refusals as problem:
        if type(problem) not in refusals:  # not those that Python derives from them
            raise
        figures.problems += 1
    figures.longest = max(figures.longest, time.monotonic() - began)
    assert peak() < MEGABYTES + START[0]


START = [0.0]


@pytest.fixture(scope="module", autouse=True)
def figures(request):
    START[0] = peak()  # what the tests before have taken
    yield
    for name, found in FIGURES.items():
        print(
            f"\n{name}: {found.cases} cases, {found.problems} problems, "
            f"longest {1000 * found.longest:.0f} ms",
            end="",
        )
    print(f"\npeak memory: {peak():.0f} MB")
    if FIGURES.keys() == PARSERS.keys() and not request.session.testsfailed:
        rows = {
            name: {"cases": x.cases, "refused": x.problems, "longest [s]": x.longest}
            for name, x in FIGURES.items()
        }
        write_requested("fuzz", {"parsers": rows, "peak memory [MB]": peak()})


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


damages = given(which=st.integers(0, 63), other=st.integers(0, 63), edits=EDITS)


def made(work: Path, seeds: list[Seed], which: int, other: int, edits) -> Path:
    """The damaged file, under the name that its seed had."""
    seed, other = seeds[which % len(seeds)], seeds[other % len(seeds)]
    path = work / f"case-{seed.name}"
    path.write_bytes(seed.pack(damaged(seed.data, edits, other.data)))
    return path


# ---- Pictures ----


def picture(width=64, height=48) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.uint8(np.stack([3 * x, 5 * y, x + y], -1))


@pytest.fixture(scope="module")
def pictures(work) -> list[Seed]:
    seeds, image = [], Image.fromarray(picture())
    frames = [Image.fromarray(np.roll(picture(), 5 * i, 1)) for i in range(3)]
    profile = bytes(range(128)) * 4
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "turned"
    for name, shown, options in (
        ("a.png", image, {"exif": exif, "icc_profile": profile}),
        ("b.png", image.convert("P"), {"transparency": 3}),
        ("c.png", Image.fromarray(np.uint16(picture()[..., 0]) * 257), {}),
        ("d.png", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("e.jpg", image, {"exif": exif, "icc_profile": profile}),
        ("f.jpg", image.convert("CMYK"), {"progressive": True}),
        ("g.webp", image, {"exif": exif, "lossless": True}),
        ("h.webp", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("i.gif", frames[0].convert("P"), {"save_all": True, "append_images": frames[1:]}),
        ("j.bmp", image, {}),
        ("k.tif", image, {"compression": "tiff_lzw"}),
        ("l.tif", Image.fromarray(np.float32(picture()[..., 0])), {}),
        ("m.tif", image.convert("1"), {"compression": "group4"}),
        ("n.ppm", image, {}),
        ("o.avif", image, {"exif": exif, "quality": 60}),
        ("p.mpo", frames[0], {"save_all": True, "append_images": frames[1:]}),
    ):
        out, form = io.BytesIO(), {"jpg": "JPEG", "tif": "TIFF", "ppm": "PPM"}
        shown.save(out, form.get(name[2:], name[2:].upper()), **options)
        seeds.append(Seed(name, out.getvalue()))
        if name.endswith("png"):
            seeds.append(Seed(name, out.getvalue(), mended))
    return [*seeds, *uncommon(work)]


def uncommon(work) -> list[Seed]:
    """Of the formats that are decoded or written without Pillow."""
    small, deep = picture(), np.uint16(picture()) * 257
    left, right = (heif.coded(small[:, side], hidden=True) for side in (np.s_[:32], np.s_[32:64]))
    alpha = heif.extra(small[..., 0].copy(), heif.ALPHA)
    files = {
        "q.heic": heif.heic(heif.coded(small, heif.turned(1)), alpha, heif.exif(b"Exif\0\0MM\0*")),
        "r.heic": heif.heic(left, right, heif.grid(1, 2, 64, len(small), [1, 2]), primary=3),
        "s.heic": heif.heic(heif.coded(deep)),
    }
    for name, shown in (
        ("t.tif", deep),
        ("u.png", deep),
        ("v.tif", np.dstack([small] * 2)[..., :4]),
    ):
        write_image(work / name, shown)
        files[name] = (work / name).read_bytes()
    return [Seed(name, data) for name, data in files.items()]


@few
@damages
def test_pictures(work, pictures, which, other, edits):
    def read():
        found = read_image(made(work, pictures, which, other, edits))
        assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3

    tried("pictures", work, read)


# ---- Films ----


@pytest.fixture(scope="module")
def films(work) -> list[Seed]:
    seeds = []
    sources = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=0.6", "-f", "lavfi", "-i", "sine=d=0.6"]
    for name, options in (
        ("a.mp4", ["-c:v", "libx264", "-c:a", "aac", "-pix_fmt", "yuv420p"]),
        ("b.webm", ["-c:v", "libvpx", "-c:a", "libopus"]),
        ("c.mkv", ["-c:v", "mpeg4"]),
        ("d.avi", ["-c:v", "mjpeg"]),
        ("e.mpg", ["-c:v", "mpeg1video", "-r", "25"]),
        ("f.ts", ["-c:v", "libx264"]),
        ("g.gif", ["-an"]),
        ("h.flv", ["-c:v", "flv1", "-ar", "44100"]),
        ("i.mov", ["-c:v", "qtrle", "-c:a", "pcm_s16le"]),
        ("j.wmv", ["-c:v", "wmv2", "-c:a", "wmav2", "-f", "asf"]),
        ("k.ogv", ["-c:v", "libtheora", "-c:a", "libvorbis"]),
        ("l.webp", ["-an", "-c:v", "libwebp_anim"]),
        ("m.png", ["-an", "-f", "apng"]),
        ("n.dv", ["-s", "720x576", "-r", "25", "-ar", "48000", "-ac", "2"]),
    ):
        path = work / name
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *sources, *options, path]
        subprocess.run(command, check=True)
        seeds.append(Seed(name, path.read_bytes()))
        if name.endswith("png"):
            seeds.append(Seed(name, path.read_bytes(), mended))
    return seeds


@few
@damages
def test_films(work, films, which, other, edits):
    def read():
        film = open_film(made(work, films, which, other, edits))
        assert isinstance(film, Film) and 1 <= film.fps <= 60
        for count, frame in enumerate(film.frames()):
            assert frame.dtype == np.uint8 and frame.shape[2] == 3
            if count == 30:
                break

    tried("films", work, read)


# ---- Checkpoints ----


def headed(rest: bytes) -> Callable[[bytes], bytes]:
    return lambda header: struct.pack("<Q", len(header)) + header + rest


def zipped(entries: dict[str, bytes], inner: str) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in (entries | {inner: data}).items():
                archive.writestr(name, content)
        return out.getvalue()

    return pack


@pytest.fixture(scope="module")
def checkpoints(work) -> list[Seed]:
    seeds = []
    for architecture in ("warp", "resnet", "convgru_unet"):
        torch.manual_seed(0)
        config = GeneratorConfig(
            architecture=architecture, condition_dim=17, image_size=32, width=4, depth=2
        )
        network = build_generator(config)
        path = work / f"{architecture}.safetensors"
        save_generator(path, network, ACTION_UNITS, {"name": "tiny"})
        data = path.read_bytes()
        size = 8 + struct.unpack("<Q", data[:8])[0]
        seeds += [
            Seed("a.safetensors", data),
            Seed("b.safetensors", data[8:size], headed(data[size:])),
        ]
    config = GeneratorConfig(
        architecture="resnet", condition_dim=17, image_size=32, width=4, depth=2
    )
    weights = build_generator(config).state_dict()
    weights = {key.replace("attention", "attetion"): value for key, value in weights.items()}
    for new in (True, False):
        out = io.BytesIO()
        torch.save(weights, out, _use_new_zipfile_serialization=new)
        seeds.append(Seed("c.pth", out.getvalue()))
        if new:
            with zipfile.ZipFile(out) as archive:
                entries = {name: archive.read(name) for name in archive.namelist()}
            inner = next(name for name in entries if name.endswith("data.pkl"))
            seeds.append(Seed("d.pth", entries[inner], zipped(entries, inner)))
    return seeds


@few
@damages
def test_checkpoints(work, checkpoints, which, other, edits):
    path = made(work, checkpoints, which, other, edits)
    tried("checkpoints", work, lambda: isinstance(load_checkpoint(path), Checkpoint) or 1 / 0)


# ---- Trajectories and annotations ----


def npy(rest: bytes) -> Callable[[bytes], bytes]:
    return lambda header: (
        b"\x93NUMPY\x01\0" + struct.pack("<H", len(header) % 2**16) + header + rest
    )


@pytest.fixture(scope="module")
def tables(work) -> list[Seed]:
    rows = np.linspace(0, 1, 34).reshape(2, 17)
    names = ",".join(ACTION_UNITS.keys)
    text = "\n".join(",".join(f"{v:.3f}" for v in row) for row in rows)
    seeds = [
        Seed("a.csv", f"{names}\n{text}\n".encode()),
        Seed("b.csv", text.encode()),
        Seed("c.csv", b"time,pleasure,arousal\n0,0.5,-0.5\n0.1,.4,.2\n"),
    ]
    for kind in (np.float32, np.int16, object):
        out = io.BytesIO()
        np.save(out, rows.astype(kind), allow_pickle=True)
        data = out.getvalue()
        seeds += [Seed("d.npy", data), Seed("e.npy", data[10:128], npy(data[128:]))]
    clip = {f"clip_{i:04d}": row for i, row in enumerate(rows)}
    for protocol in range(6):
        seeds.append(Seed("f.pkl", pickle.dumps(clip, protocol)))
        seeds.append(
            Seed("g.pkl", pickle.dumps({k: v.tolist() for k, v in clip.items()}, protocol))
        )
    return seeds


@few
@damages
def test_trajectories(work, tables, which, other, edits):
    path = made(work, tables, which, other, edits)

    def read():
        found = read_trajectory(path, ACTION_UNITS)
        assert isinstance(found, Trajectory) and len(found.expressions) == len(found.frame_numbers)
        assert all(isinstance(point, Expression) for point in found.expressions)

    tried("trajectories", work, read)


@pytest.fixture(scope="module")
def annotations(tables) -> list[Seed]:
    units = ", ".join(f"{key}_r" for key in ACTION_UNITS.keys)
    numbers = ", ".join(["0.5"] * 17)
    affect = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    affect += (
        "expression,valence,arousal\n1/a.jpg,1,2,30,40,1;2,1,0.5,-0.5\n1/b.jpg,1,2,3,4,,0,-2,-2\n"
    )
    video = "frame, face_id, timestamp, confidence, success, "
    return [seed for seed in tables if not seed.name.endswith("npy")] + [
        Seed("h.csv", f"face, confidence, {units}\n0, 0.9, {numbers}\n".encode()),
        Seed("i.csv", f"{video}{units}\n1, 0, 0.0, 0.98, 1, {numbers}\n".encode()),
        Seed("j.csv", affect.encode()),
        Seed("k.csv", b"name,pleasure,arousal,dominance\na.jpg,0.1,0.2,0.3\n"),
        Seed("l.csv", b"a.jpg\nb.jpg\tc\n"),
    ]


@few
@damages
def test_annotations(work, annotations, which, other, edits):
    path = made(work, annotations, which, other, edits)

    def table(space):
        assert isinstance(read_annotations(path, space), Table)

    def openface():
        item = {"name": path.name, "path": str(path)}
        assert {"broken"} == set(found := read_table(item, 0.5, 5)) or {"kept", "dropped"} == set(
            found
        )

    readers = [
        lambda: table(ACTION_UNITS),
        lambda: table(PAD),
        lambda: table(VALENCE_AROUSAL),
        openface,
        lambda: list(read_rows(path)),
        lambda: read_ids(path),
    ]
    for read in readers:
        tried("annotations", work, read, ValueError)


# ---- Recipes and timelines ----

SMILE = Expression.of(ACTION_UNITS, AU06=0.5, AU12=0.9)
WAY = Timeline((Keyframe(None, 0), Keyframe(SMILE, 0.3, 0.1), Keyframe(SMILE, 0.7)), 10, "loop")
RECIPE = Recipe(
    Fingerprint("warp", "0123456789abcdef" * 4),
    FacePlace((64, 48), box=(8, 8, 40, 40)),
    SMILE,
    WAY,
    Output("face", 64, 10),
    {"half": "whole face", "made": {"formats": ["GIF"]}},
)
TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | TEXT
    | st.sampled_from(["AU12", "pad", "face", "loop", "smooth", 24, 0.5, 10**400]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def changed(values, way: list[int], new):
    """JSON values with one of them, to which `way` leads, in another's place."""
    if not way or not isinstance(values, dict | list) or not values:
        return new
    if isinstance(values, list):
        at = way[0] % len(values)
        return [changed(v, way[1:], new) if i == at else v for i, v in enumerate(values)]
    at = list(values)[way[0] % len(values)]
    return {k: changed(v, way[1:], new) if k == at else v for k, v in values.items()}


LIKELY = st.floats(0, 30) | st.sampled_from(["once", "loop", "ping-pong", "spring", "pad", True])
PLACES = st.lists(
    st.tuples(st.lists(st.integers(0, 20), min_size=1, max_size=5), LIKELY | JSON), max_size=3
)


@pytest.fixture(scope="module")
def recipes(work) -> list[Seed]:
    text, seeds = RECIPE.text(), [Seed("a.json", RECIPE.text().encode())]
    for name in ("b.png", "c.jpg", "d.webp"):
        write_image(work / name, picture(), recipe=text)
    for name in ("e.gif", "f.mp4", "g.webp"):
        write_animation(work / name, [picture(), picture()[::-1]], 10, recipe=text)
    for name in ("b.png", "c.jpg", "d.webp", "e.gif", "f.mp4", "g.webp"):
        data = (work / name).read_bytes()
        seeds.append(Seed(name, data))
        if name == "b.png":
            seeds.append(Seed(name, data, mended))
    link = RECIPE.link().encode()
    return [*seeds, Seed("h.link", link), Seed("h.link", zlib.compress(text.encode()), linked)]


def linked(packed: bytes) -> bytes:
    return b"recipe=" + base64.urlsafe_b64encode(packed).rstrip(b"=")


@few
@damages
def test_recipes(work, recipes, which, other, edits):
    path = made(work, recipes, which, other, edits)

    def read():
        if path.suffix == ".link":
            found = Recipe.from_link(path.read_bytes().decode("latin1"))
        else:
            found = read_recipe(path)
        assert isinstance(found, Recipe) and Recipe.from_text(found.text()) == found

    tried("recipes", work, read)


@few
@given(places=PLACES, edits=st.just([]) | EDITS)
def test_timelines_and_recipes_of_other_values(work, places, edits):
    for parser, values, read in (
        ("timelines", WAY.to_json(), read_timeline),
        ("recipes", RECIPE.to_json(), read_recipe),
    ):
        for way, new in places:
            values = changed(values, way, new)
        path = work / f"{parser}.json"
        path.write_bytes(damaged(json.dumps(values).encode(), edits, b"[" * 5000))

        def used(path=path, read=read):
            found = read(path)
            way = found if isinstance(found, Timeline) else found.timeline
            assert way is None or len(way.expressions(ACTION_UNITS)) == way.frame_count

        tried(parser, work, used)


# ---- What programs ask ----


@pytest.fixture(scope="module")
def asking(animator, work):
    """The endpoints, with a photo and a film; what would take long is left out."""
    photo, film = work / "photo.png", work / "film.mp4"
    face = Image.open(DEFAULT_CHECKPOINT.parent.parent / "assets" / "astronaut.png").convert("RGB")
    face.resize((128, 128)).save(photo)
    write_animation(film, [np.asarray(face.resize((64, 64)))] * 3, 10)
    endpoints = api.API(animator)
    portrait = animator.locate(read_image(photo), (24, 0, 100, 80))
    endpoints.animator = Prepared(animator, portrait)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "write_animation", lambda path, *_, **__: path)
        patch.setattr(api, "contact_sheet", lambda *_: picture())
        patch.setattr(api, "edit_video", lambda *_, **__: Performed())
        patch.setattr(api, "capture_performance", lambda *_, **__: Performed())
        patch.setattr(api, "write_film", lambda *_, **__: [])
        patch.setattr(api, "write_curves", lambda *_, **__: None)
        yield endpoints, str(photo), str(film)


class Prepared:
    """An animator that has found its face already."""

    def __init__(self, animator, portrait):
        self.animator, self.portrait = animator, portrait

    def __getattr__(self, name):
        return getattr(self.animator, name)

    def locate(self, photo, box=None):
        return self.portrait if box is None else self.animator.locate(photo, box)


class Performed:
    """What a film would have given."""

    edited, frames, notes, fps, found = 1, 1, (), 10, [True]

    def retarget(self, reading, *, strength, regions):
        return [reading]


NAMES = [*ACTION_UNITS.keys, *PAD.keys, "AU1", "au99", "c0", "\u00b2", ""]
AXES = st.dictionaries(
    st.sampled_from(NAMES) | TEXT, st.floats(-1, 1) | st.integers() | JSON, max_size=4
)
BOX = st.none() | st.lists(st.floats() | st.integers(-200, 400), min_size=4, max_size=4) | JSON
NUMBER = st.floats() | st.integers() | JSON


@few
@given(
    which=st.integers(0, 5),
    axes=st.none() | AXES | JSON,
    preset=st.none() | st.sampled_from(["happy", "happily_surprised", "neutral"]) | JSON,
    number=NUMBER,
    format=st.sampled_from(["gif", "mp4", "webp"]) | JSON,
    places=st.none() | PLACES,
    regions=st.none() | st.lists(st.sampled_from(["brows", "eyes", "nose", "mouth"])) | JSON,
    box=st.none() | BOX,
)
def test_endpoints(asking, work, which, axes, preset, number, format, places, regions, box):
    endpoints, photo, film = asking
    timeline = None if places is None else WAY.to_json()
    for way, new in places or ():
        timeline = changed(timeline, way, new)
    ask = [
        lambda: endpoints.read(photo, box),
        lambda: endpoints.edit(photo, axes, preset, number, box),
        lambda: endpoints.animate(photo, axes, preset, timeline, format, number, box),
        lambda: endpoints.sheet(photo, preset, box),
        lambda: endpoints.film(film, axes, number),
        lambda: endpoints.drive(photo, film, number, regions, box),
    ][which]
    tried("endpoints", work, ask, gr.Error)


UNITS = st.dictionaries(st.sampled_from(FACS.keys), st.floats(0, 1), max_size=17)


@few
@given(
    request=JSON,
    live=JSON,
    units=UNITS | st.dictionaries(st.sampled_from(FACS.keys), NUMBER, max_size=9) | JSON,
    edits=EDITS,
    token=st.none() | JSON,
)
def test_frames_of_a_camera(animator, pictures, work, request, live, units, edits, token):
    streams = CameraHandlers(Sessions(), animator)
    jpg = damaged(next(seed.data for seed in pictures if seed.name == "e.jpg"), edits, b"")
    sent = "data:image/jpeg;base64," + base64.b64encode(jpg).decode()

    def ask(asked):
        answer = streams.process_frame(asked)
        assert set(answer) in (
            {"problem"},
            {"stream_id", "picture", "found", "calibrated", "seconds", "full"},
        )

    for asked in (
        request,
        {"stream_id": live, "picture": sent, "expression": units, "token": token},
    ):
        tried("camera", work, lambda asked=asked: ask(asked))
