"""Annotation files of Aff-Wild and Aff-Wild2: valence and arousal, a frame a line."""

import math
import re
from pathlib import Path

NO_LINE = "frames without a line of annotation"
NOBODY = "frames that nobody annotated (-5)"
OUTSIDE = "frames with valence or arousal not from -1 to 1"
NO_NUMBER = "frames annotated with text where a number should be"


def read_annotation(paths: list[Path]) -> list[tuple[float, float] | str]:
    """(valence, arousal) of every frame, or why it has none; one file of both or one of each."""
    columns = []
    for path in paths:
        lines = path.read_text("utf-8-sig", errors="replace").splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        if lines and re.search("valence|arousal", lines[0], re.IGNORECASE):
            lines.pop(0)
        columns.append([re.split(r"[,\s]+", line.strip()) for line in lines])
    if len(columns) == 2:
        fields = [a[:1] + b[:1] for a, b in zip(*columns, strict=False)]
    else:
        fields = columns[0]
    return [_mood(texts) for texts in fields]


def _mood(texts: list[str]) -> tuple[float, float] | str:
    try:
        valence, arousal = map(float, texts[:2])
    except ValueError:
        return NO_NUMBER
    if -5 in (valence, arousal):
        return NOBODY
    if not all(math.isfinite(value) and -1 <= value <= 1 for value in (valence, arousal)):
        return OUTSIDE
    return valence, arousal
