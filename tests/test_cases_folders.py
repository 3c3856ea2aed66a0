"""Folders of photos: names of results, what is passed over, wrong requests, odd names."""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from moodganimation.cli.batch import result_names
from moodganimation.cli.commands import main
from moodganimation.cli.option_values import region_names
from moodganimation.demo.i18n import without_folders
from moodganimation.media.images import read_image

from .conftest import PHOTO
from .studio import served

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def face():
    return Image.open(PHOTO).convert("RGB").resize((160, 160), Image.LANCZOS)


@pytest.fixture
def photos(tmp_path, face):
    folder = tmp_path / "photos"
    folder.mkdir()
    face.save(folder / "a.png")
    return folder


def run(folder, *arguments, out=None) -> int:
    out = out or folder.parent / "out"
    return main(["batch", str(folder), "--out", str(out), *map(str, arguments)])


def report(folder) -> dict:
    return json.loads((folder.parent / "out" / "report.json").read_text("utf-8"))


def results(folder) -> list[str]:
    out = folder.parent / "out"
    found = (path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in ("report.json", ".batch.jsonl"))


# ---- Names of results ----


@pytest.mark.parametrize(
    "names, taken, wanted",
    [
        (["a.jpg", "b.PNG", "c.bmp"], [], ["a.jpg", "b.PNG", "c.png"]),
        (["a.bmp", "a.png", "a.gif"], [], ["a.bmp.png", "a.png", "a.gif.png"]),
        (["a.bmp", "a.gif"], [], ["a.bmp.png", "a.gif.png"]),
        (["a.bmp", "a.bmp.png", "a.png"], [], ["a.bmp.png.png", "a.bmp.png", "a.png"]),
        (["a.JPG", "a.jpg"], [], ["a.JPG", "a.jpg"]),
        (["x/a.bmp", "y/a.bmp", "a.png"], [], ["x/a.png", "y/a.png", "a.png"]),
        (["a.png", "a.gif"], ["a.png"], ["a.png.png", "a.gif.png"]),
        (["a.png"], ["a.png", "a.png.png"], ["a.png.png.png"]),
        (["a.b.bmp"], [], ["a.b.png"]),
    ],
)
def test_no_two_results_have_one_name(names, taken, wanted):
    assert result_names(names, taken) == wanted
    assert len({*wanted, *taken}) == len(wanted) + len(taken)


@pytest.mark.slow
def test_photos_that_differ_by_their_ending_are_all_edited(photos, face, capsys):
    face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / "a.bmp")
    face.save(photos / "a.gif")
    assert run(photos, "--set", "AU12=1") == 0
    assert results(photos) == ["a.bmp.png", "a.gif.png", "a.png"]
    assert "edited: 3" in capsys.readouterr().out
    assert report(photos)["results"] == {
        "a.bmp": "a.bmp.png",
        "a.gif": "a.gif.png",
        "a.png": "a.png",
    }
    mirrored = read_image(photos.parent / "out" / "a.bmp.png")[:, ::-1].astype(int)
    assert np.abs(mirrored - read_image(photos / "a.png")).mean() < 8


@pytest.mark.slow
def test_a_photo_that_comes_later_replaces_no_result(photos, face):
    (photos / "a.png").unlink()
    face.save(photos / "b.bmp")
    assert run(photos, "--set", "AU12=1") == 0
    assert results(photos) == ["b.png"]
    before = (photos.parent / "out" / "b.png").read_bytes()
    face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / "b.png")
    assert run(photos, "--set", "AU12=1") == 0
    assert results(photos) == ["b.png", "b.png.png"]
    assert (photos.parent / "out" / "b.png").read_bytes() == before
    assert report(photos)["results"] == {"b.bmp": "b.png", "b.png": "b.png.png"}


# ---- What is passed over, and the report ----


@pytest.mark.slow
def test_all_that_is_passed_over_is_counted_and_named(photos, face, capsys):
    for name in ("notes.txt", "IMG_1.CR2", "clip.mov", "README", ".DS_Store"):
        (photos / name).write_text("no photo")
    (photos / "link.png").symlink_to(photos / "a.png")
    (photos / "more").mkdir()
    (photos / "more" / "sheet.xlsx").touch()
    (photos / "album").symlink_to(photos / "more")
    os.mkfifo(photos / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as end:
        here = os.getcwd()
        os.chdir(photos)  # names of sockets are short
        end.bind("end.png")
        os.chdir(here)
        (photos / "broken.jpg").write_text("I am a letter.")
        assert run(photos, "--set", "AU12=1") == 0
    passed = {
        **dict.fromkeys(
            ("notes.txt", "IMG_1.CR2", "clip.mov", "README", "more/sheet.xlsx"),
            "not a kind of picture that can be read",
        ),
        ".DS_Store": "a hidden file",
        "link.png": "a link",
        "album": "a link to a folder",
        "pipe.jpg": "not a regular file",
        "end.png": "not a regular file",
    }
    found = report(photos)
    assert found["passed over"] == passed
    assert (found["edited"], found["results"]) == (1, {"a.png": "a.png"})
    assert [*found["left out"]] == ["broken.jpg"]
    said = capsys.readouterr().out
    assert "edited: 1, edited before: 0, left out: 1, passed over: 10" in said
    assert "5 x not a kind of picture that can be read (IMG_1.CR2, README, " in said
    assert "(broken.jpg)" in said and "1 x a link to a folder (album)" in said
    assert run(photos, "--set", "AU12=1") == 0  # the second time, the report is as complete
    assert report(photos) == found


def test_a_folder_of_other_files_says_what_it_holds(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "IMG_1.CR2").touch()
    assert run(tmp_path / "photos", "--set", "AU12=1") == 2
    said = capsys.readouterr().err
    assert "There are no photos in" in said and "(IMG_1.CR2)" in said
    assert not (tmp_path / "out").exists()


# ---- Wrong requests ----


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--set", "AU99=1"], "'AU99' is not an axis"),
        (["--set", "AU12=0,5"], "AU12=0,5"),
        (["--set", "AU12=7"], "must be a number from 0 to 1"),
        (["--set", "AU12"], "AXIS=NUMBER"),
        (["--set", "AU61=1", "--set", "AU62=1"], "opposites"),
        (["--set", "AU12=1", "--set", "AU12L=1"], "both of its sides"),
        (["--preset", "hungry"], "no preset called"),
        (["--preset", "happy", "--intensity", "2"], "Intensity"),
        (["--set", "AU12=1", "--checkpoint", "nope"], "There is no checkpoint at nope"),
        (["--set", "AU12=1", "--checkpoint", PHOTO], "not a readable checkpoint"),
        (["--set", "AU12=1", "--device", "tpu"], "'tpu' cannot be used here"),
        (["--like", "none.png"], "There is no file"),
        (["--like", "{blank}"], "No face was found in"),
        (["--recipe", PHOTO], "holds no recipe"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_nothing_is_written(
    photos, arguments, sentence, capsys
):
    blank = photos.parent / "blank.png"
    Image.new("RGB", (64, 64), "gray").save(blank)
    arguments = [str(a).format(blank=blank) for a in arguments]
    before = {path: path.stat().st_mtime_ns for path in photos.parent.rglob("*")}
    assert run(photos, *arguments) == 2
    said = capsys.readouterr()
    assert sentence in said.err and said.err.count("moodganimation:") == 1 and not said.out
    assert {path: path.stat().st_mtime_ns for path in photos.parent.rglob("*")} == before


@pytest.mark.parametrize("workers", ["0", "-1", "many"])
def test_workers_are_a_count(photos, workers, capsys):
    with pytest.raises(SystemExit) as status:
        run(photos, "--set", "AU12=1", "--workers", workers)
    assert status.value.code == 2 and "--workers" in capsys.readouterr().err


def test_like_without_a_face_names_its_file(tmp_path, capsys):
    blank = tmp_path / "empty.png"
    Image.new("RGB", (64, 64), "gray").save(blank)
    out = tmp_path / "out.png"
    assert main(["edit", str(PHOTO), "--like", str(blank), "--out", str(out)]) == 2
    assert f"No face was found in {blank}." in capsys.readouterr().err and not out.exists()


# ---- Names that are not UTF-8 ----


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_names_that_are_not_utf8_are_edited_and_told(photos, face, locale):
    try:
        face.save(os.fsencode(photos) + b"/caf\xe9.png")
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    Path(os.fsdecode(os.fsencode(photos) + b"/bad\xe9.jpg")).write_bytes(b"\xff\xd8\xff")
    Path(os.fsdecode(os.fsencode(photos) + b"/other\xe9.txt")).touch()
    (photos / "日本.jpg").write_bytes(b"\xff\xd8\xff")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "moodganimation", "batch", photos, "--set", "AU12=1"),
            *("--out", photos.parent / "out"),
        ],
        cwd=ROOT,
        env=os.environ | {"LC_ALL": locale, "PYTHONIOENCODING": ""},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"edited: 2, edited before: 0, left out: 2, passed over: 1" in done.stdout
    assert b"bad\\udce9.jpg" in done.stdout and b"Traceback" not in done.stderr
    found = report(photos)
    assert {*found["left out"]} == {"bad\udce9.jpg", "日本.jpg"}
    assert [*found["passed over"]] == ["other\udce9.txt"]
    assert found["results"] == {"a.png": "a.png", "caf\udce9.png": "caf\udce9.png"}
    assert os.path.isfile(os.fsencode(photos.parent) + b"/out/caf\xe9.png")


# ---- Sentences: what was given, and what to do next ----


def command(*arguments) -> int:
    return main([str(a) for a in arguments])


@pytest.fixture
def odd(tmp_path):
    """A folder with a pipe, a socket, and a link to a device."""
    odd = tmp_path / "odd"
    (odd / "folder").mkdir(parents=True)
    os.mkfifo(odd / "pipe")
    (odd / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as end:
        here = os.getcwd()
        os.chdir(odd)
        end.bind("socket")
        os.chdir(here)
    return odd


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["edit", "{}", "--set", "AU12=1", "--out", "{out}.png"],
        ["read", "{}"],
        ["edit", PHOTO, "--like", "{}", "--out", "{out}.png"],
        ["animate", PHOTO, "--timeline", "{}", "--out", "{out}.gif"],
        ["animate", PHOTO, "--trajectory", "{}.csv", "--out", "{out}.gif"],
        ["film", "{}", "--add", "AU12=1", "--out", "{out}.mp4"],
        ["drive", PHOTO, "--by", "{}", "--out", "{out}.mp4"],
        ["convert", "{}", "--out", "{out}.safetensors"],
        ["edit", PHOTO, "--checkpoint", "{}", "--out", "{out}.png"],
    ],
    ids=lambda a: " ".join(map(str, a[::2]))[:40],
)
def test_what_is_no_file_is_named_and_not_opened(odd, kind, arguments, tmp_path, capsys):
    given = odd / kind
    if ".csv" in str(arguments):
        given = given.rename(odd / f"{kind}.csv").with_suffix("")
    arguments = [str(a).format(given, out=tmp_path / "out") for a in arguments]
    assert command(*arguments) == 2
    said = capsys.readouterr().err
    assert (f"is a {kind}; " in said and "choose" in said) or "save its output" in said
    assert not list(tmp_path.glob("out*"))


def test_a_folder_as_a_photo_is_what_batch_is_for(tmp_path, capsys):
    assert command("edit", tmp_path, "--out", tmp_path / "a.png") == 2
    assert "edit all of them with python -m moodganimation batch" in capsys.readouterr().err


@pytest.mark.parametrize(
    "frames, more, got",
    [
        (1, ["--ping-pong"], 1),
        (1, ["--hold", "5"], 1),
        (0, ["--ping-pong", "--hold", "9"], 0),
        (-3, [], -3),
        (400, ["--ping-pong"], 798),
        (600, ["--hold", "1"], 601),
    ],
)
def test_the_frames_that_were_asked_for_are_named(frames, more, got, tmp_path, capsys):
    out = tmp_path / "a.gif"
    request = ["--preset", "happy", "--frames", frames, *more]
    assert command("animate", PHOTO, *request, "--out", out) == 2
    assert f"this one would have {got}." in capsys.readouterr().err


def test_a_film_and_a_folder_need_something_that_changes(photos, capsys):
    video = ROOT / "samples" / "videos" / "calm.mp4"
    assert command("film", video, "--out", photos / "a.mp4") == 2
    assert "Nothing would change: give --add, --set, --preset, " in capsys.readouterr().err
    assert run(photos) == 2
    assert "Nothing would change: give --set, " in capsys.readouterr().err
    assert not (photos.parent / "out").exists() and not (photos / "a.mp4").exists()


@pytest.mark.parametrize(
    "names, wanted",
    [
        ("mouth, eyes", ["mouth", "eyes"]),
        (" Mouth ,EYES,", ["mouth", "eyes"]),
        ("all", ["all"]),
        ("", []),
    ],
)
def test_regions_are_names_between_commas(names, wanted):
    assert region_names(argparse.Namespace(regions=names)) == wanted


@pytest.mark.parametrize(
    "expression, space",
    [
        ({"pleasure": 0.5}, "pad"),
        ({"arousal": 0.5, "dominance": 0.1}, "pad"),
        ({"valence": 0.5}, "valence_arousal"),
        ({"AU12L": 0.5, "AU61": 1}, "facs"),
    ],
)
def test_a_timeline_without_a_space_says_which_one(expression, space, tmp_path, capsys):
    frames = [{"at": 0}, {"at": 1, "expression": expression}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"keyframes": frames}))
    assert command("animate", PHOTO, "--timeline", path, "--out", tmp_path / "a.gif") == 2
    key = next(iter(expression))
    hint = f'\'{key}\' is an axis of {space} and not of action_units: write "space": "{space}"'
    assert hint in capsys.readouterr().err


# ---- Paths of the server ----


TEMPORARY = os.path.realpath(tempfile.gettempdir())


@pytest.mark.parametrize(
    "text, wanted",
    [
        (f"{TEMPORARY}/gradio/0a1b/no.jpg is no picture.", "no.jpg is no picture."),
        (
            f"{TEMPORARY}/gradio/0a1b/my photo, 2.jpg is no picture.",
            "my photo, 2.jpg is no picture.",
        ),
        ("/srv/app/checkpoints/warp.safetensors, line 2: 'x/y'", "warp.safetensors, line 2: 'x/y'"),
        ("There is no file '/home/a.b/c-d/e.png'.", "There is no file 'e.png'."),
        ("Ask https://example.org/a/b/c, and/or 24/7 of /v1_read.",) * 2,
    ],
)
def test_sentences_of_the_page_have_no_folders(text, wanted):
    assert without_folders(text) == wanted


@pytest.fixture(scope="module")
def client(animator, tmp_path_factory):
    with served(animator) as url:
        yield Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("api")))


NOT_A_FILM = "is not a video that can be read"


@pytest.mark.parametrize(
    "name, data, call, sentence",
    [
        ("no.jpg", b"no!", lambda f, p: ("/v1_read", f, None), "no.jpg is not a readable picture"),
        ("my photo.jpg", b"no!", lambda f, p: ("/v1_edit", f), "photo.jpg is not a readable"),
        ("no.png", b"", lambda f, p: ("/v1_sheet", f, "units", None), "no.png is not a readable"),
        ("no.png", b"no!", lambda f, p: ("/v1_animate", f), "no.png is not a readable picture"),
        ("no.mp4", b"no!", lambda f, p: ("/v1_film", f, {"AU12": 1}, 1), NOT_A_FILM),
        ("no.mp4", b"no!", lambda f, p: ("/v1_drive", p, f, 1, None, None), NOT_A_FILM),
    ],
)
def test_sentences_of_the_api_name_the_file_alone(client, tmp_path, name, data, call, sentence):
    (tmp_path / name).write_bytes(data)
    endpoint, *values = call(handle_file(str(tmp_path / name)), handle_file(str(PHOTO)))
    with pytest.raises(AppError) as raised:
        client.predict(*values, api_name=endpoint)
    said = str(raised.value)
    assert sentence in said and "/" not in said.replace("and/or", "")


def test_the_example_of_a_film_in_the_documents_works(client, tmp_path, monkeypatch):
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    (example,) = [part for part in text.split("```python")[1:] if "/v1_film" in part]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.mp4").write_bytes((ROOT / "samples" / "videos" / "calm.mp4").read_bytes())
    names = {"client": client, "handle_file": handle_file}
    exec(example.partition("```")[0], names)
    assert "A face was edited on" in names["summary"]
    assert Path(names["film"]).suffix == ".mp4" and Path(names["film"]).stat().st_size > 0
