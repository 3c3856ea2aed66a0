"""Blocks of measured figures in the documents: each has one command and one formatter."""

import json
import re
import shlex
import shutil
from functools import partial
from pathlib import Path

import pytest

import benchmarks.__main__
import benchmarks.blocks
import training.__main__
import training.evaluate.__main__
import training.evaluate.blocks
from training.evaluate import documents
from training.evaluate.judges import (
    command,
    detection,
    drags,
    face_mesh,
    face_mesh_blocks,
    folds,
    gaze,
    head,
    identity,
    mouths,
    sharpness,
    sides,
    teeth,
    true_smiles,
)
from training.evaluate.markdown import duration, short, significant, table, word

from . import figures

ROOT = Path(__file__).parent.parent
EXAMPLES = Path(__file__).parent / "examples"
MODULES = (
    benchmarks.blocks,
    training.evaluate.blocks,
    face_mesh_blocks,
    identity,
    sharpness,
    detection,
    drags,
    true_smiles,
    folds,
    mouths,
    teeth,
    sides,
    gaze,
    head,
    figures,
)
BLOCKS = {name: block for module in MODULES for name, block in module.BLOCKS.items()}
PARSERS = {
    "benchmarks": benchmarks.__main__._parser,
    "training": training.__main__._parser,
    "training.evaluate": training.evaluate.__main__._parser,
    "training.evaluate.judges.face_mesh": face_mesh._parser,
    "training.evaluate.judges.identity": identity._parser,
    "training.evaluate.judges.mouths": mouths._parser,
    "training.evaluate.judges.teeth": teeth._parser,
    "training.evaluate.judges.drags": drags._parser,
}
for judge in (true_smiles, folds, sides, gaze, head):
    name = judge.__name__.rpartition(".")[2]
    PARSERS[judge.__name__] = partial(command.folder_parser, name, judge.__doc__, judge.BLOCKS)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A copy of the documents, which commands take for those of the repository."""
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Writes a document of its own and returns its path."""
    (tmp_path / "README.md").write_text("# Title\n")
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(documents, "ROOT", tmp_path)

    def write(text: str) -> Path:
        path = tmp_path / "docs" / "page.md"
        path.write_text(text)
        return path

    return write


def test_every_block_of_the_documents_has_one_formatter_and_its_command():
    assert sum(len(module.BLOCKS) for module in MODULES) == len(BLOCKS)
    commands = {name: place.command for name, place in documents.find_blocks().items()}
    assert commands == {name: block.command for name, block in BLOCKS.items()}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_command_of_a_block_is_one_that_writes_it(name):
    *variables, program, flag, module = re.match(
        r"((?:\w+=\S+ )*)(make|python) (-m )?(\S+)", BLOCKS[name].command
    ).groups()
    if program == "make":
        assert f"WRITE_FIGURES={name} " in variables[0]
        assert f"\n{module}:" in (ROOT / "Makefile").read_text()
        return
    assert flag and not variables[0]
    options = PARSERS[module]().parse_args(shlex.split(BLOCKS[name].command)[3:])
    assert name in documents.requested_blocks(options)


@pytest.mark.parametrize("name", BLOCKS)
def test_example_values_give_the_expected_block(name):
    values = json.loads((EXAMPLES / "blocks.json").read_text())
    expected = documents._blocks_in(EXAMPLES / "blocks.md")
    assert set(values) == set(expected) == set(BLOCKS)
    assert BLOCKS[name].markdown(values[name]) == expected[name].content


def test_writing_a_block_with_its_own_content_changes_nothing(checkout):
    paths = [checkout / "README.md", *(checkout / "docs").iterdir()]
    before = {path: path.read_bytes() for path in paths}
    for name, place in documents.find_blocks().items():
        documents.write_block(name, place.content)
    assert {path: path.read_bytes() for path in paths} == before
    assert {*checkout.iterdir(), *(checkout / "docs").iterdir()} == {*paths, checkout / "docs"}


def test_writing_a_block_changes_this_block_only(checkout):
    before = documents.find_blocks()
    assert documents.write_block("identity", "| a |\n|---|\n| 1 |\n") == before["identity"].path
    after = documents.find_blocks()
    assert after["identity"].content == "| a |\n|---|\n| 1 |"
    contents = [{k: v.content for k, v in x.items() if k != "identity"} for x in (before, after)]
    assert contents[0] == contents[1]


BEGIN, END = "<!-- figures: a; written by: make a -->", "<!-- end figures -->"


@pytest.mark.parametrize(
    "text, sentence",
    [
        (f"{BEGIN}\n1\n", "the block a has no end marker"),
        (f"1\n{END}\n", "line 2: a damaged or misplaced marker"),
        (f"{BEGIN}\n{BEGIN}\n1\n{END}\n", "line 2: a damaged or misplaced marker"),
        (f"{BEGIN}\n1\n <!-- end figures -->\n", "line 3: a damaged or misplaced marker"),
        (f"<!-- figures: a -->\n1\n{END}\n", "line 1: a damaged or misplaced marker"),
        (f"{BEGIN}\n1\n{END}\n{BEGIN}\n2\n{END}\n", "has two blocks a"),
        (f"{BEGIN}\n{END}\n", "No block of figures is named b"),
    ],
)
def test_missing_and_damaged_blocks_raise_a_readable_error(page, text, sentence):
    path = page(text)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        documents.write_block("b", "new")
    assert path.read_text() == text


def test_a_block_in_two_documents_is_refused(page):
    path = page(f"{BEGIN}\n1\n{END}\n")
    shutil.copy(path, path.with_name("other.md"))
    with pytest.raises(ValueError, match=r"both have a block a\."):
        documents.write_block("a", "2")


def test_content_with_a_marker_is_refused(page):
    path = page(f"{BEGIN}\n1\n{END}\n")
    with pytest.raises(ValueError, match="contains a marker"):
        documents.write_block("a", f"2\n{END}\n3")
    assert path.read_text() == f"{BEGIN}\n1\n{END}\n"
    documents.write_block("a", "2")
    assert path.read_text() == f"{BEGIN}\n2\n{END}\n"


@pytest.mark.parametrize(
    "main, arguments",
    [
        (benchmarks.__main__.main, ["inference", "--write"]),
        (training.__main__.main, ["sharpness", "SWEEPS", "--write"]),
        (training.evaluate.__main__.main, ["--all", "--data", "DIR", "--write"]),
        (face_mesh.main, ["SWEEPS", "--write"]),
        (identity.main, ["SWEEPS", "--data", "DIR", "--write"]),
        (true_smiles.main, ["SMILES", "--write"]),
        (drags.main, ["--data", "DIR", "--write"]),
    ],
)
def test_commands_refuse_to_write_outside_a_checkout(
    main, arguments, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "works in a checkout only" in line


def test_measured_tables_reach_the_document(checkout, tmp_path, monkeypatch):
    values = json.loads((EXAMPLES / "blocks.json").read_text())["sharpness"]
    monkeypatch.setattr(sharpness, "measure_sweeps", lambda folder: values["sharpness"])
    monkeypatch.setattr(sharpness, "MIN_SHARPNESS", 0.75)
    out = tmp_path / "sharpness.json"
    arguments = ["sharpness", "SWEEPS", "--out", str(out), "--write"]
    assert training.__main__.main(arguments) == 0
    assert "keep at least 0.75." in documents.find_block("sharpness").content
    assert json.loads(out.read_text()) == values


def test_tests_write_the_blocks_that_the_environment_names(checkout, monkeypatch):
    values = {"preview [ms]": 99, "model [ms]": 1}
    figures.write_requested("speed-page", values)
    assert "99 ms" not in documents.find_block("speed-page").content
    monkeypatch.setenv("WRITE_FIGURES", "fuzz,speed-page")
    figures.write_requested("speed-page", values)
    assert "99 ms" in documents.find_block("speed-page").content
    monkeypatch.setenv("WRITE_FIGURES", "page")
    with pytest.raises(ValueError, match="names no block of the tests: page"):
        figures.write_requested("speed-page", values)


def test_numbers_are_rounded_and_empty_cells_stay_empty():
    assert [short(x) for x in (3.81, 9.949, 9.96, 98.4)] == ["3.8", "9.9", "10", "98"]
    assert [significant(x) for x in (0.1512, 1.268, 323.4, 1259.7)] == [
        "0.151",
        "1.27",
        "323",
        "1260",
    ]
    assert [duration(x) for x in (0.0801, 0.0996, 1.07)] == ["80 ms", "0.1 s", "1.1 s"]
    assert [word(x) for x in (2, 1234)] == ["two", "1,234"]
    assert table(["", "a"], [["b", ""]]) == "| | a |\n|---|---|\n| b | |"
