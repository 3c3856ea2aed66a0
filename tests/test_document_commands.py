"""Every command and every example of the documents: all are accepted by the programs that they
name, and those that use the shipped checkpoint run as written."""

import argparse
import ast
import contextlib
import importlib
import io
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from moodganimation.cli.commands import main

from .conftest import ASSETS, PHOTO
from .studio import served

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS += [ROOT / "training" / "README.md", ROOT / "checkpoints" / "README.md"]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`((?:python -m |moodganimation |make )[^`]+)`")
# Words of the documents that stand for one of several names.
NAMES = {"SYSTEM": "mood", "KIND": "scales", "WHAT": "mouths"}
CALM = ROOT / "samples" / "videos" / "calm.mp4"
FILES = {  # that examples read
    "face.jpg": PHOTO,
    "cutout.png": PHOTO,
    "PHOTO": PHOTO,
    "PHOTO2": ASSETS / "portrait-calm.png",
    "VIDEO": CALM,
    "talk.mp4": CALM,
    "FILE.json": ASSETS / "demo.json",
    "moods.csv": ASSETS / "moods.csv",
}


def blocks(*languages: str) -> list[tuple[str, str]]:
    """(place, text) of the code blocks in these languages."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            if match[1] in languages:
                line = text[: match.start()].count("\n") + 1
                found.append((f"{path.relative_to(ROOT).as_posix()}:{line}", match[2]))
    return found


def commands(*languages: str) -> list[tuple[str, str]]:
    """(place, command) of the lines in shell blocks; without comments, continued lines joined.
    Those of the API are one script, which runs as a whole."""
    found = []
    for place, text in blocks(*languages):
        if place.startswith("docs/api.md"):
            continue
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                found.append((place, shlex.join(words)))
    return found


def program(words: list[str]) -> tuple[str, list[str]] | None:
    """The Python module or file that a command runs, and its arguments; None for other programs."""
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]  # environment variables
    if words[:1] == ["moodganimation"]:
        return "moodganimation", words[1:]
    if words[:2] == ["accelerate", "launch"]:
        words = words[words.index("-m") - 1 :]
    elif not words or not re.search(r"(^|/)python[\d.]*$", words[0]):
        return None
    if words[1:2] == ["-m"] and words[2] not in ("venv", "pip", "pytest"):
        return words[2], words[3:]
    return (words[1], words[2:]) if words[1].endswith(".py") else None


class Accepted(Exception):
    """Raised in place of what a program would do with its arguments."""


def parse_only(module: str, arguments: list[str], monkeypatch) -> None:
    """Run a program up to the end of its parsing. Raises SystemExit where that fails."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(self, *args, **kwargs):
        parse(self, *args, **kwargs)
        raise Accepted

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
    monkeypatch.setattr(sys, "argv", [module, *(NAMES.get(word, word) for word in arguments)])
    with pytest.raises(Accepted), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of modules that are imported already
        if module.endswith(".py"):
            runpy.run_path(str(ROOT / module), run_name="__main__")
        else:
            runpy.run_module(module, run_name="__main__", alter_sys=False)


PARSED = [(place, c) for place, c in commands("sh") if program(shlex.split(c))]
INLINES = sorted({m[1] for path in DOCUMENTS for m in INLINE.finditer(path.read_text("utf-8"))})


@pytest.mark.parametrize("command", sorted({command for _, command in PARSED}))
def test_every_command_of_a_block_is_accepted_by_its_program(command, monkeypatch):
    module, arguments = program(shlex.split(command))
    if module == "moodganimation" or module == "app.py":
        arguments = [str(FILES.get(word, word)) for word in arguments]
    parse_only(module, arguments, monkeypatch)


@pytest.mark.parametrize("command", [c for c in INLINES if not c.startswith("make ")])
def test_every_command_in_a_sentence_exists_with_its_options(command, monkeypatch):
    module, arguments = program(shlex.split(command))
    arguments = [NAMES.get(word, word) for word in arguments]
    options = [word for word in arguments if word.startswith("--") and word != "--help"]
    called = [word for word in arguments[:1] if not word.startswith("-") and word != "COMMAND"]
    texts = [usage(module, called, monkeypatch), usage(module, [], monkeypatch)]
    for option in options:
        assert any(option in text for text in texts), option


def usage(module: str, called: list[str], monkeypatch) -> str:
    monkeypatch.setattr(sys, "argv", [module, *called, "--help"])
    out = io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        pytest.raises(SystemExit) as ended,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", RuntimeWarning)
        runpy.run_module(module, run_name="__main__", alter_sys=False)
    assert not ended.value.code
    return out.getvalue()


def test_the_readme_has_at_most_6_kb():
    assert (ROOT / "README.md").stat().st_size <= 6000


def test_every_target_of_make_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    named = [c.split()[1] for c in INLINES if c.startswith("make ")]
    for _, command in commands("sh"):
        words = [word for word in shlex.split(command) if "=" not in word]
        named += words[1:2] if words[:1] == ["make"] else []
    assert named and set(named) <= targets


@pytest.mark.parametrize(("place", "text"), blocks("python"))
def test_the_names_that_python_examples_import_exist(place, text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            assert not [name.name for name in node.names if not hasattr(module, name.name)]


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with the files that examples read, and what they name in the repository."""
    for name, source in FILES.items():
        shutil.copyfile(source, tmp_path / name)
    for name in ("assets", "samples", "checkpoints"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "FOLDER").mkdir()
    shutil.copyfile(PHOTO, tmp_path / "FOLDER" / "photo.png")
    edited = tmp_path / "edited.png"
    assert main(["edit", str(PHOTO), "--set", "AU12=0.5", "--out", str(edited)]) == 0
    edited.rename(tmp_path / "FILE")  # a picture that carries its recipe
    return tmp_path


def use_of(*names: str) -> list[str]:
    """The commands of these documents that use the shipped checkpoint and end."""
    found = dict.fromkeys(c for place, c in commands("sh") if place.split(":")[0] in names)
    return [c for c in found if program(shlex.split(c)) and runs_here(shlex.split(c))]


def runs_here(words: list[str]) -> bool:
    """Whether a command needs neither weights of the original systems nor a visitor."""
    return program(words)[0] == "moodganimation" and not (
        {"demo", "--checkpoint", "convert"} & set(words)
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", use_of("README.md", "docs/cli.md", "docs/install.md"))
def test_commands_run_as_written(command, folder, monkeypatch):
    monkeypatch.chdir(folder)
    _, arguments = program(shlex.split(command))
    assert main(arguments) == 0
    if "--out" in arguments:
        assert (folder / arguments[arguments.index("--out") + 1]).exists()


@pytest.mark.slow
@pytest.mark.parametrize("document", ["README.md", "docs/python.md"])
def test_python_examples_run_as_written(document, folder, monkeypatch):
    """One after the other, as in a notebook; those whose weights are not shipped are left out."""
    monkeypatch.chdir(folder)
    names = {}
    for place, text in blocks("python"):
        shipped = ".pth" not in text and "face_alignment_landmarker" not in text
        if place.split(":")[0] == document and shipped:
            exec(compile(text, place, "exec"), names)
            if "reading" in names:  # `smile` of a later example is any expression
                names["smile"] = names["reading"].replace(AU12=0.9)


@pytest.mark.slow
def test_examples_of_the_api_run_as_written(animator, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    with served(animator) as url:
        for place, text in blocks("python", "sh"):
            if place.startswith("docs/api.md"):
                text = text.replace("http://127.0.0.1:7860", url.rstrip("/"))
                if "import" in text or "client" in text:
                    exec(compile(text, place, "exec"), names)
                else:
                    done = subprocess.run(
                        ["bash", "-ec", text], capture_output=True, text=True, cwd=folder
                    )
                    assert done.returncode == 0 and "event: complete" in done.stdout, done.stdout
    assert Path(names["path"]).exists() and Path(names["film"]).exists()
