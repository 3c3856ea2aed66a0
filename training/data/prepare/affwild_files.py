"""Annotation files of Aff-Wild and Aff-Wild2: valence and arousal, one frame per line."""

import math
import re
from pathlib import Path

from moodganimation.animation import tables

HEADER = re.compile("valence|arousal", re.IGNORECASE)  # of the first line, where there is one
NO_LINE = "frames without a line of annotation"
NOT_ANNOTATED = "frames that are not annotated (-5)"
OUTSIDE = "frames with valence or arousal not from -1 to 1"
NO_NUMBER = "frames annotated with text where a number should be"


def read_annotation(paths: list[Path]) -> list[tuple[float, float] | str]:
    """Read for every frame (valence, arousal), or the reason why it has none.

    paths: one file of both, or one of valence and one of arousal. Raises OSError, and NotATable for
    a file that is not text.
    """
    columns = []
    for path in paths:
        lines = tables.decode(path.read_bytes()).splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        if lines and HEADER.search(lines[0]):
            lines.pop(0)
        columns.append([_fields(line.strip()) for line in lines])
    if len(columns) == 2:
        fields = [a[:1] + b[:1] for a, b in zip(*columns, strict=False)]
    else:
        fields = columns[0]
    return [_mood(texts) for texts in fields]


def _fields(line: str) -> list[str]:
    """The fields of a line, separated by semicolons (spreadsheets), commas or blanks."""
    return re.split(r"\s*;\s*" if ";" in line else r"[,\s]+", line)


def _mood(texts: list[str]) -> tuple[float, float] | str:
    """The valence and arousal of a line, or the reason why it has none."""
    numbers = [tables.parse_number(text) for text in texts[:2]]
    if len(numbers) < 2 or None in numbers:
        return NO_NUMBER
    valence, arousal = numbers
    if -5 in (valence, arousal):
        return NOT_ANNOTATED
    if not all(math.isfinite(value) and -1 <= value <= 1 for value in (valence, arousal)):
        return OUTSIDE
    return valence, arousal
