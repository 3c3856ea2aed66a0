"""Blocks of measured figures in README.md and docs/*.md, which commands rewrite in place.

A block of figures is the text between two comments, each on a line of its own:

    <!-- figures: NAME; written by: COMMAND -->
    <!-- end figures -->

This module imports the standard library only, since some judges run in separate environments.
"""

import argparse
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
BEGIN = re.compile(r"<!-- figures: ([\w-]+); written by: (\S.*) -->")
END = "<!-- end figures -->"
MARKER = re.compile(r"<!--\s*(end\s+)?figures\b")  # matches damaged markers too


class FigureBlock(NamedTuple):
    """The command that writes a block, and the formatter of its content."""

    command: str  # as the document names it
    markdown: Callable[[dict], str]  # formats the JSON values of the command


class BlockPosition(NamedTuple):
    """Where a block is in the documents, and its present content."""

    path: Path
    command: str
    start: int  # index of the content's first line
    end: int  # index of the line of the end marker
    content: str


def add_write_option(
    parser: argparse.ArgumentParser, default: Sequence[str], others: Sequence[str] = ()
) -> None:
    """Add `--write [BLOCK ...]`; without a name it stands for the blocks in `default`."""
    parser.add_argument(
        "--write",
        nargs="*",
        choices=[*default, *others],
        metavar="BLOCK",
        help=f"write the figures into the documents (default: {', '.join(default)}"
        + (f"; also: {', '.join(others)})" if others else ")"),
    )
    parser.set_defaults(default_blocks=tuple(default))


def requested_blocks(options: argparse.Namespace) -> list[str]:
    """List the names of the blocks that `--write` requests; empty without it.

    Raises ValueError if one cannot be written, so that a command fails before its work.
    """
    if options.write is None:
        return []
    names = options.write or list(options.default_blocks)
    for name in names:
        find_block(name)
    return names


def write_blocks(names: Sequence[str], blocks: Mapping[str, FigureBlock], values: dict) -> None:
    """Format the values for each block, then write all of them. Raises ValueError."""
    contents = {name: blocks[name].markdown(values) for name in names}
    for name, content in contents.items():
        path = write_block(name, content)
        print(f"{path.relative_to(ROOT)}: {name} written")


def write_block(name: str, markdown: str) -> Path:
    """Replace the content of a block, and return its document.

    The document is replaced atomically. Raises ValueError if the block is missing or the markers
    of a document are damaged.
    """
    block = find_block(name)
    if MARKER.search(markdown):
        raise ValueError(f"The content of the block {name} contains a marker of a block.")
    lines = block.path.read_text(encoding="utf-8").split("\n")
    lines[block.start : block.end] = markdown.strip("\n").split("\n")
    part = block.path.with_name(f"{block.path.name}.part")
    part.write_text("\n".join(lines), encoding="utf-8")
    shutil.copymode(block.path, part)
    os.replace(part, block.path)
    return block.path


def find_block(name: str) -> BlockPosition:
    """Find a block by its name. Raises ValueError if it is missing, or outside a checkout."""
    blocks = find_blocks()
    if name not in blocks:
        raise ValueError(f"No block of figures is named {name} in README.md and docs/*.md.")
    return blocks[name]


def find_blocks() -> dict[str, BlockPosition]:
    """Find all blocks by name. Raises ValueError outside a checkout and for damaged markers."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if not (paths[0].is_file() and paths[1:]):
        raise ValueError(
            "--write rewrites the documents of the repository and works in a checkout only; "
            f"{ROOT} has no README.md and docs/."
        )
    found = {}
    for path in paths:
        for name, block in _blocks_in(path).items():
            if name in found:
                raise ValueError(f"{path} and {found[name].path} both have a block {name}.")
            found[name] = block
    return found


def _blocks_in(path: Path) -> dict[str, BlockPosition]:
    """Find the blocks of one document by name. Raises ValueError for damaged markers."""
    found, opened = {}, None  # opened: name, command and start of a block without end so far
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines):
        if not MARKER.search(line):
            continue
        begin = BEGIN.fullmatch(line)
        if (begin is None) == (opened is None) or (begin is None and line != END):
            raise ValueError(f"{path}, line {number + 1}: a damaged or misplaced marker: {line}")
        if begin:
            opened = (*begin.groups(), number + 1)
            continue
        name, command, start = opened
        if name in found:
            raise ValueError(f"{path} has two blocks {name}.")
        content = "\n".join(lines[start:number])
        found[name] = BlockPosition(path, command, start, number, content)
        opened = None
    if opened:
        raise ValueError(f"{path}: the block {opened[0]} has no end marker.")
    return found
