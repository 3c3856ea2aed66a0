"""Random command lines of the real options: a sentence or a result, and never anything else.

Options come from the parsers themselves, so that a new one takes part by itself. Values are mostly
good ones for their kind, by the option's name or type, and sometimes wrong.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from moodganimation.animation.easing import EASINGS
from moodganimation.animator import Animator
from moodganimation.checkpoints.convert import convert
from moodganimation.cli.commands import _parser, main
from moodganimation.expressions.presets import PRESET_NAMES
from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.media.video_writer import write_animation

from .conftest import PHOTO
from .test_convert import generator, original

ROOT = Path(__file__).parent.parent
SEED, COUNT, APART = 3, 200, 20
WRONG = ("", "x", "-1", "nan", "0,5", "none.png", "folder", "é \u4e2d", "inf", "1e999")
OUT = {
    **dict.fromkeys(("edit", "sheet"), ("a.png", "b.jpg", "c.webp", "d.tif", "none/e.png")),
    **dict.fromkeys(("animate", "film", "drive"), ("a.mp4", "b.gif", "c.webp", "d.png")),
    "batch": ("out", "out2", "photo.png", "folder"),
    "convert": ("a.safetensors", "b.pth", "none/c.safetensors"),
}
# Values by the name of an option or its type, good ones first: those are chosen more often.
VALUES = {
    "photo": ("photo.png", "photo.png", "photo.jpg", "blank.png", "folder", "text.txt", "pipe"),
    "video": ("film.mp4", "film.mp4", "photo.png", "folder"),
    "by": ("film.mp4", "film.mp4", "photo.png", "none.mp4"),
    "truth": ("film.mp4", "photo.png"),
    "like": ("photo.jpg", "blank.png", "none.png"),
    "folder": ("folder", "folder", "empty", "photo.png"),
    "file": ("run.pth", "run.pth", "two.pth", "photo.png", "folder"),
    "recipe": ("text.txt", "recipe.json", "photo.png"),
    "checkpoint": ("mine.safetensors", "run.pth", "photo.png", "none"),
    "trajectory": ("table.csv", "units.npy", "openface.csv", "text.txt", "pipe"),
    "timeline": ("nod", "shake", "timeline.json", "mood.json", "text.txt"),
    "panels": ("panels.png", "panels.gif"),
    "csv": ("curves.csv", "curves.txt"),
    "set": (
        "AU12=0.5",
        "AU12L=0.3",
        "valence=0.2",
        "pleasure=-0.5",
        "AU61=0.4",
        "AU99=1",
        "AU12=2",
    ),
    "add": ("AU12=0.5", "AU12=-0.3", "pleasure=0.5", "AU62=0.4", "AU99=1", "smile"),
    "preset": PRESET_NAMES,
    "easing": (*EASINGS, "bouncy"),
    "regions": ("all", "mouth", "mouth, eyes", "ears"),
    "box": ("20,20,140,140", "0, 0, 160, 160", "0,0,4,4", "1,2,3"),
    "axes": ("pad", "action_units", "facs", "c4", "feelings"),
    "space": ("action_units", "c17", "pad"),
    "network": ("G", "H"),
    "clip": ("0", "a"),
    "device": ("cpu", "cpu", "tpu"),
    "engine": ("plain", "plain", "ray"),
    "workers": ("1", "0"),
    "frames": ("1", "2", "3", "0", "700"),
    "hold": ("0", "1", "2", "700"),
    "fps": ("1", "12", "24", "61", "0"),
    "size": ("64", "65", "128", "63"),
    "start": ("0", "1", "99"),
    "faces": ("1", "2", "9"),
    "image_size": ("32", "30"),
    "intensity": ("0", "0.5", "1", "2"),
    "strength": ("0", "0.5", "2", "3"),
    int: ("1", "2", "0"),
    float: ("0.5", "1", "2"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with small files of every kind."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "folder").mkdir()
    (folder / "empty").mkdir()
    face = Image.open(PHOTO).convert("RGB").resize((160, 160), Image.LANCZOS)
    for name in ("photo.png", "photo.jpg", "folder/a.png", "folder/b.bmp"):
        face.save(folder / name)
    Image.new("RGB", (64, 64), "gray").save(folder / "blank.png")
    (folder / "text.txt").write_text("I am a letter.")
    os.mkfifo(folder / "pipe")
    write_animation(folder / "film.mp4", [np.array(face)] * 3, 12)
    torch.manual_seed(0)
    weights = original(generator())
    torch.save({"state_dict": weights, "epoch": 3}, folder / "run.pth")
    torch.save({"G": weights, "H": weights}, folder / "two.pth")
    convert(folder / "run.pth", folder / "mine.safetensors")
    (folder / "table.csv").write_text("time;AU12;AU25\n0;0;0\n0,1;0,5;0,2\n0,2;1;0,4\n")
    units = ",".join(f"{key}_r" for key in ACTION_UNITS.keys)
    rows = [f"{i},0,{i / 12:.3f},0.9,1{',1' * 17}" for i in (1, 2, 3)]
    header = f"frame,face_id,timestamp,confidence,success,{units}"
    (folder / "openface.csv").write_text("\n".join([header, *rows]))
    np.save(folder / "units.npy", np.zeros((3, 17)))
    for name, key in (("timeline.json", "AU12"), ("mood.json", "pleasure")):
        frames = [{"at": 0}, {"at": 0.2, "expression": {key: 0.5}}]
        (folder / name).write_text(json.dumps({"fps": 10, "keyframes": frames}))
    (folder / "recipe.json").write_text("{}")
    return folder


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """The commands but `demo`, which serves for ever."""
    (commands,) = (a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    return {name: parser for name, parser in commands.choices.items() if name != "demo"}


def value(command: str, action: argparse.Action, chance: random.Random) -> str:
    if chance.random() < 0.04:
        return chance.choice(WRONG)
    if action.dest == "out":
        return OUT[command][int(len(OUT[command]) * chance.random() ** 3)]
    pool = VALUES.get(action.dest) or action.choices or VALUES.get(action.type) or WRONG
    return [*pool][int(len(pool) * chance.random() ** 3)]


def command_line(chance: random.Random) -> list[str]:
    found = parsers()
    name = chance.choice([*found])
    line = [name]
    for action in found[name]._actions:
        wanted = action.required or chance.random() < 0.15
        if not wanted or isinstance(action, argparse._HelpAction):
            continue
        if not action.option_strings:
            line.append(value(name, action, chance))
        elif action.nargs == 0:
            line.append(action.option_strings[-1])
        else:
            line.append(f"{action.option_strings[-1]}={value(name, action, chance)}")
    return line


def command_lines(count: int, seed: int = SEED) -> list[list[str]]:
    chance = random.Random(seed)
    return [command_line(chance) for _ in range(count)]


def state(folder: Path) -> dict[str, tuple]:
    """Every file and folder, and when it changed."""
    facts = {}
    for path in folder.rglob("*"):
        found = path.lstat()
        facts[str(path)] = (found.st_mtime_ns, found.st_size)
    return facts


def test_every_option_is_tried_and_most_kinds_of_value_are_known():
    text = " ".join(" ".join(line) for line in command_lines(2000))
    for parser in parsers().values():
        for action in parser._actions:
            if action.option_strings and not isinstance(action, argparse._HelpAction):
                assert action.option_strings[-1] in text, action.option_strings


@pytest.mark.slow
def test_random_command_lines_end_with_a_result_or_a_sentence(files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    # A model is loaded once: its loading is tested elsewhere and takes seconds.
    monkeypatch.setattr(Animator, "load", lru_cache(Animator.load))
    statuses = []
    for line in command_lines(COUNT):
        before = state(files)
        try:
            status = main(line)
        except SystemExit as end:  # of argparse
            status = end.code
        said = capsys.readouterr()
        assert status in (0, 2), line
        assert "Traceback" not in said.err, line
        if status == 2:
            assert state(files) == before, line
            assert said.err.strip(), line
        statuses.append(status)
    assert 30 < statuses.count(0) < COUNT - 30, statuses.count(0)


@pytest.mark.slow
def test_random_command_lines_end_alike_as_processes(files):
    for line in command_lines(APART, SEED + 1):
        before = state(files)
        done = subprocess.run(
            [sys.executable, "-m", "moodganimation", *line],
            cwd=files,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        assert done.returncode in (0, 2) and "Traceback" not in done.stderr, (line, done.stderr)
        if done.returncode == 2:
            assert state(files) == before, line
