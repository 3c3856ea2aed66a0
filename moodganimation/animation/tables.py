"""Reading tables in text files, as programs and spreadsheets write them.

Cells are separated by tabs, semicolons, commas or blanks. Numbers have a decimal point or a decimal
comma. Files are encoded as UTF-8, as UTF-16 with a byte order mark, or in the code page of a
spreadsheet.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import UnreadableFile

# In order of preference: the first that is anywhere in the first line, outside of quotes, separates
# cells. If none is, blanks do.
SEPARATORS = "\t;,"
ENDINGS = (".csv", ".tsv", ".txt")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*", re.ASCII)


class NotATable(ValueError):
    """Raised for bytes that are neither UTF-8 nor other text, and for what `csv` refuses.

    It refuses a quote that is not closed or has text behind it, and cells of more than 131072
    characters.
    """


def read_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of each row of a file, the header included.

    Rows without any value are skipped. The first row is returned without the empty cells at its
    end, later ones without those that make them longer than the first. Raises OSError and NotATable
    while rows are read, not when called.
    """
    text = decode(path.read_bytes())
    separator, text, skipped_lines = _separator(text)
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    width = 0
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                while len(row) > width and not row[-1].strip():
                    row.pop()
                width = width or len(row)
                yield skipped_lines + rows.line_num, row
    except csv.Error as error:
        raise NotATable(str(error)) from error


def parse_number(cell: str) -> float | None:
    """Return the number in a cell, with a decimal point or comma; None if it is not a number.

    `nan` and `inf` are numbers here. So a first row of them is refused as values that are not
    finite, instead of being taken as a header.
    """
    if _DECIMAL_COMMA.fullmatch(cell):
        cell = cell.replace(",", ".")
    try:
        return float(cell.replace("_", "x"))  # refuse 1_000, which only Python accepts
    except ValueError:
        return None


def decode(data: bytes) -> str:
    """Return the text of a file. Raises NotATable for bytes that are not text."""
    try:
        if data.startswith(_UTF16):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A code page. Digits are the same in all of them, so at most letters of names are wrong.
        text = data.decode("latin-1")
        if data.startswith(_UTF16) or _CONTROL.search(text):
            raise NotATable("not text") from error
        return text


def _separator(text: str) -> tuple[str, str, int]:
    """Return the separator of cells, the text of the table, and the number of lines before it.

    A first line `sep=;`, which Excel understands, names the separator.
    """
    first = re.match(r"\s*([^\r\n]*)", text)[1]
    if declared := re.fullmatch(r"sep=(.)\s*", first, re.IGNORECASE):
        end = text.index(first) + len(first)
        return declared[1], text[end:], text.count("\n", 0, end)
    line = re.sub(r'"[^"]*"', "", first)
    separator = next((char for char in SEPARATORS if char in line), "")
    return separator or (" " if len(line.split()) > 1 else ","), text, 0


def check_clip(path: Path, clip: str, names: Iterable[str]) -> None:
    """Raise UnreadableFile unless `clip` is the name of a face or a video in a file."""
    names = [*names]
    if clip not in names:
        raise UnreadableFile(
            "{} has no clip {}; it has {}{}.",
            path,
            repr(clip[:60]),
            ", ".join(names[:5]) or "none",
            " and others" if len(names) > 5 else "",
        )


def single_clip_error(path: Path) -> UnreadableFile:
    """Return the error for a clip that is chosen in a file whose only face or video has no name."""
    return UnreadableFile("{} holds a single clip, which has no name: leave out the clip.", path)
