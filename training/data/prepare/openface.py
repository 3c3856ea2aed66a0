"""OpenFace's csv files -> aus_openface.pkl.

FaceLandmarkImg writes a file a picture with a row a face (face, confidence, ..., AU01_r, ...);
FeatureExtraction a file a video with a row a frame (frame, face_id, timestamp, confidence, success,
...). Baltrusaitis et al. 2018, "OpenFace 2.0", and its "Output Format".
"""

import csv
import math
from pathlib import Path

import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS

from .files import Pictures, plain_name
from .job import Job
from .tables import write_stills

PERSON = r"(.*)_"  # in a name: all before the last underscore; of a video's frames: the video
INTENSITIES = tuple(f"{key}_r" for key in ACTION_UNITS.keys)


def openface(options) -> Job:
    """Intensities 0..5 of every name; raises ValueError where a file lacks columns."""
    files = sorted(path for path in options.folder.rglob("*.csv") if path.is_file())
    if not files:
        raise ValueError(f"{options.folder} holds no csv files of OpenFace.")
    pictures = Pictures(options.images) if options.images else None
    job = Job("openface", options.out, _settings(options), options.engine, options.workers)
    labels, places = _read_tables(job, files, options)
    if options.units == 5 and labels and max(map(max, labels.values())) <= 1:
        job.report.note("no intensity exceeds 1: if the files are in 0..1, say --units 1")
    if pictures:
        from .stills import add_pictures

        used = add_pictures(
            job, options, pictures, {name: {"find": places[name]} for name in labels}
        )
        labels = {name: labels[name] for name in used}
    table = {name: np.array(values, np.float64) for name, values in labels.items()}
    write_stills(
        job, ACTION_UNITS, {"aus_openface.pkl": table}, table, options, default_person=PERSON
    )
    return job


def _settings(options) -> dict:
    """The options that the result depends on."""
    keys = ("folder", "images", "min_confidence", "units", "val", "test", "seed", "person")
    if options.images:
        keys += ("cropped", "size", "smallest")
    values = {key: getattr(options, key) for key in keys}
    return {key: str(x) if isinstance(x, Path) else x for key, x in values.items()}


def _read_tables(job: Job, files: list[Path], options) -> tuple[dict, dict]:
    """Intensities 0..5, and names that the picture may have, by name."""
    items = []
    for path in files:
        file = str(path.resolve())
        name = path.relative_to(options.folder).as_posix()
        items.append({"name": name, "path": file, "made_from": [file]})
    found = job.map(
        "tables", read_table, items, min_confidence=options.min_confidence, units=options.units
    )
    labels, places = {}, {}
    for item, table in zip(items, found, strict=True):
        if "broken" in table:
            raise ValueError(table["broken"])
        for reason, (count, name) in table["dropped"].items():
            job.report.drop(reason, name, count)
        for name, (values, candidates) in table["kept"].items():
            if name in labels:
                job.report.drop("a name that another file has already", item["name"])
            else:
                labels[name], places[name] = values, candidates
    return labels, places


def read_table(item: dict, min_confidence: float, units: float) -> dict:
    """{"kept": name -> (17 intensities 0..5, names its picture may have), "dropped": reason ->
    (count, an example)} of a csv file, or {"broken": a sentence} where columns are missing."""
    path, kept, dropped = Path(item["path"]), {}, {}

    def drop(reason, name):
        count, example = dropped.get(reason, (0, name))
        dropped[reason] = (count + 1, example)

    try:
        rows = _rows(path, min_confidence)
    except LookupError as problem:
        return {"broken": str(problem)}
    except (UnicodeDecodeError, csv.Error):
        return {"kept": {}, "dropped": {"the file is not a readable csv": (1, item["name"])}}
    if not rows:
        drop("no face in the file", item["name"])
    still = bool(rows) and "frame" not in rows[0]
    faces = {}
    for row in rows:
        frame = None if still else _number(row["frame"])
        if frame is not None and not (math.isfinite(frame) and frame >= 0):
            drop("a frame without a number", item["name"])
            continue
        name = path.stem if still else f"{path.stem}_{int(frame):04d}"
        faces.setdefault(name, []).append((row, frame))
    for name, [(row, frame), *others] in faces.items():
        if others:  # it is unknown which of them is meant
            drop("several faces", name)
            continue
        values, reason = _intensities(row, min_confidence, units)
        if reason:
            drop(reason, name)
            continue
        places = [name]
        if frame is not None:  # further ways in which frames are laid out, OpenFace's own last
            places += [
                f"{path.stem}/{int(frame):04d}",
                f"{path.stem}_aligned/frame_det_00_{int(frame):06d}",
            ]
        kept[plain_name(name)] = (values, places)
    return {"kept": kept, "dropped": dropped}


def _rows(path: Path, min_confidence: float) -> list[dict]:
    needed = INTENSITIES + (("confidence",) if min_confidence > 0 else ())
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, skipinitialspace=True)
        header = [text.strip() for text in next(reader, [])]
        missing = [key for key in needed if key not in header]
        if missing:
            raise LookupError(
                f"{path} lacks the columns {', '.join(missing)} of OpenFace's csv files. Run "
                "OpenFace with -aus, or move files that are not its own elsewhere."
            )
        return [dict(zip(header, row, strict=False)) for row in reader if any(row)]


def _intensities(row: dict, min_confidence: float, units: float) -> tuple[list, str]:
    """17 numbers 0..5 and no reason, or a reason to drop the row."""
    if "success" in row and _number(row["success"]) != 1:
        return [], "OpenFace says success 0"
    if min_confidence > 0 and not _number(row.get("confidence")) >= min_confidence:
        return [], f"confidence below {min_confidence:g}"
    texts = [row.get(key) for key in INTENSITIES]
    values = [_number(text) for text in texts]
    for text, value in zip(texts, values, strict=True):
        if math.isnan(value) and (text or "").strip().lower().lstrip("+-") != "nan":
            return [], "text or nothing where a number should be"
        if not math.isfinite(value):
            return [], "a number that is not finite"
        if not 0 <= value <= units:
            return [], f"an intensity outside 0 to {units:g}"
    return [value * 5 / units for value in values], ""


def _number(text) -> float:
    """The number of a field; NaN for text."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan
