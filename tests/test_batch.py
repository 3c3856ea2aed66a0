"""A folder of photos, edited alike."""

import importlib.util
import json
import shutil

import cv2
import numpy as np
import pytest

from moodganimation.cli import batch
from moodganimation.cli.commands import main
from moodganimation.media.images import read_image
from moodganimation.recipe import read_recipe

from .conftest import PHOTO


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    shutil.copy(PHOTO, folder / "one.png")
    cv2.imwrite(str(folder / "more" / "two.bmp"), cv2.imread(str(PHOTO))[:, ::-1])
    (folder / "letter.jpg").write_text("I am a letter.")
    cv2.imwrite(str(folder / "wall.jpg"), np.full((200, 200, 3), 120, np.uint8))
    (folder / "notes.txt").write_text("no photo")
    (folder / "away.png").symlink_to("/etc/hostname")
    return folder


def run(*arguments) -> int:
    return main(["batch", *map(str, arguments)])


@pytest.mark.slow
def test_a_folder_is_edited_told_about_and_gone_on_with(folder, photo, tmp_path, capsys):
    out = tmp_path / "out"
    command = [folder, "--out", out, "--set", "AU26=1"]
    assert run(*command) == 0
    said = capsys.readouterr().out
    assert "edited: 2, edited before: 0, left out: 2" in said and "No face was found" in said
    report = json.loads((out / "report.json").read_text())
    assert report["edited"] == 2 and set(report["left out"]) == {"letter.jpg", "wall.jpg"}
    assert str(folder) not in (out / "report.json").read_text()
    one, two = read_image(out / "one.png"), read_image(out / "more" / "two.png")
    assert one.shape == photo.shape and (one != photo).any() and two.shape == photo.shape
    assert read_recipe(out / "one.png").expression["AU26"] == 1
    assert {path.name for path in out.rglob("*") if path.is_file()} == {
        "one.png",
        "two.png",
        "report.json",
        ".batch.jsonl",
    }

    (out / "one.png").unlink()
    with open(out / ".batch.jsonl", "a") as journal:
        journal.write('{"key": "cut sho')
    assert run(*command) == 0
    assert "edited: 1, edited before: 1, left out: 2" in capsys.readouterr().out
    np.testing.assert_array_equal(read_image(out / "one.png"), one)
    assert run(folder, "--out", out, "--recipe", out / "one.png") == 0  # another wish: all anew
    assert "edited: 2, edited before: 0" in capsys.readouterr().out


def test_the_entry_after_an_incomplete_line_of_the_journal_is_read(folder, tmp_path, monkeypatch):
    tried = []

    def fail(item, request, out_folder):
        tried.append(item["name"])
        return {"why": "It cannot be edited."}

    monkeypatch.setattr(batch, "_prepare_request", lambda request, engine: None)
    monkeypatch.setattr(batch, "edit_one", fail)
    command, journal = [folder, "--out", tmp_path / "out", "--set", "AU26=1"], ".batch.jsonl"
    assert run(*command) == 0 and len(tried) == 4
    content = (tmp_path / "out" / journal).read_text()
    (tmp_path / "out" / journal).write_text(content[:-5])
    assert run(*command) == 0 and tried[4:] == tried[3:4]  # the one whose entry is incomplete
    assert run(*command) == 0 and len(tried) == 5


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_engines_write_the_same(folder, tmp_path, engine):
    if engine == "ray" and not importlib.util.find_spec("ray"):
        pytest.skip('Ray is not installed: pip install "ray[data]"')
    command = [folder, "--preset", "happy", "--intensity", 0.7, "--device", "cpu"]
    assert run(*command, "--out", tmp_path / "a") == 0
    assert run(*command, "--out", tmp_path / "b", "--engine", engine, "--workers", 2) == 0
    for name in ("one.png", "more/two.png", "report.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_cannot_be_done_is_said(folder, tmp_path, capsys):
    for arguments, why in (
        ((tmp_path / "none", "--out", tmp_path / "o"), "no folder"),
        ((folder, "--out", folder / "o"), "must not contain each other"),
        ((folder, "--out", tmp_path), "must not contain each other"),
        ((folder / "more" / "..", "--out", tmp_path / "o", "--recipe", PHOTO), "no recipe"),
        ((folder, "--out", folder / "one.png" / "o"), "must not contain each other"),
    ):
        assert run(*arguments) == 2
        assert why in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", "--out", tmp_path / "o") == 2
    assert "no photos" in capsys.readouterr().err
