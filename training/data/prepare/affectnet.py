"""AffectNet's csv and its pictures -> moods.pkl of [valence, arousal].

Mollahosseini et al. 2017. Columns: subDirectory_filePath, face_x, face_y, face_width, face_height,
facial_landmarks (separated by semicolons), expression, valence, arousal; or only the path, the
expression, valence and arousal. Files without a header are read by the number of their columns.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from moodganimation.expressions.spaces import VALENCE_AROUSAL

from .files import ENDINGS, PictureIndex, safe_name, without_ending
from .job import Job
from .tables import write_stills

PATH, BOX = "subDirectory_filePath", ("face_x", "face_y", "face_width", "face_height")
MOOD = ("valence", "arousal")
COLUMNS = {  # of files without a header, by their number
    9: (PATH, *BOX, "facial_landmarks", "expression", *MOOD),
    4: (PATH, "expression", *MOOD),
    3: (PATH, *MOOD),
}
PERSON_PATTERN = r"(.*)"  # AffectNet does not say who is in a picture


def affectnet(options) -> Job:
    """Prepare moods in [-1, 1] of all pictures. Raises ValueError for a table in another format."""
    keys = ("table", "images", "cropped", "size", "smallest", "val", "test", "seed", "person")
    settings = {key: getattr(options, key) for key in keys}
    settings |= {"table": str(options.table), "images": str(options.images)}
    pictures = PictureIndex(options.images)
    rows = list(read_rows(options.table))  # may raise, so before the folder is made
    job = Job("affectnet", options.out, settings, options.engine, options.workers)
    if not options.person:
        job.report.note("who is in a picture is not known: splits are drawn by picture")
    moods, requested = {}, {}
    for path, mood, box, reason in rows:
        name = safe_name(without_ending(path.rpartition("/")[2]))
        if reason:
            job.report.drop(reason, name)
        elif name in moods:
            job.report.drop("a name that another row has already", name)
        else:
            moods[name] = np.array(mood, np.float64)
            requested[name] = {"candidates": [path], "box": None if options.cropped else box}
    from .stills import add_pictures

    kept = add_pictures(job, options, pictures, requested)
    table = {name: moods[name] for name in kept}
    write_stills(
        job, VALENCE_AROUSAL, {"moods.pkl": table}, table, options, default_person=PERSON_PATTERN
    )
    return job


def read_rows(path: Path) -> Iterator[tuple[str, list[float], list[float] | None, str]]:
    """Yield for each row: path of the picture, [valence, arousal], box x0 y0 x1 y1 [px] or None,
    and the reason to drop the row or ""."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            first = [text.strip() for text in next(reader, [])]
            header = _header(path, first)
            if header != first:
                yield _row(dict(zip(header, first, strict=True)))
            for fields in reader:
                if any(fields):
                    yield _row(dict(zip(header, fields, strict=False)))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise ValueError(f"{path} is not a readable csv file ({problem}).") from None


def _header(path: Path, first: list[str]) -> tuple | list:
    """The names of the columns: the first line, or AffectNet's order for files without a header."""
    if PATH not in first and first and first[0].lower().endswith(ENDINGS) and len(first) in COLUMNS:
        return COLUMNS[len(first)]
    missing = [key for key in (PATH, *MOOD) if key not in first]
    if missing:
        raise ValueError(
            f"{path} lacks the columns {', '.join(missing)} of AffectNet's table in its first line."
        )
    return first


def _row(fields: dict) -> tuple[str, list[float], list[float] | None, str]:
    """Parse a row, see `read_rows`."""
    path = (fields.get(PATH) or "").strip().replace("\\", "/")
    mood = [_number(fields.get(key)) for key in MOOD]
    box, reason = None, ""
    if not path:
        reason = "a row without a picture's name"
    elif any(value is None for value in mood):
        reason = "text or nothing where a number should be"
    elif -2 in mood:
        reason = "valence or arousal -2: uncertain, or no face"
    elif not all(math.isfinite(value) and -1 <= value <= 1 for value in mood):
        reason = "valence or arousal outside -1 to 1"
    if all(key in fields for key in BOX):
        x, y, width, height = (_number(fields[key]) for key in BOX)
        known = None not in (x, y, width, height) and math.isfinite(x + y + width + height)
        box = [x, y, x + width, y + height] if known else [0.0] * 4  # `crops.BAD_BOX` reports it
    return path, mood, box, reason


def _number(text) -> float | None:
    """The number of a field; None for text."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
