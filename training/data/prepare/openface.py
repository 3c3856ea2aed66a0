"""OpenFace's csv files -> aus_openface.pkl.

FaceLandmarkImg writes one file per picture with one row per face (face, confidence, ..., AU01_r,
...); FeatureExtraction writes one file per video with one row per frame (frame, face_id, timestamp,
confidence, success, ...). Baltrusaitis et al. 2018, "OpenFace 2.0", and its "Output Format". Tables
that a spreadsheet saved with semicolons are read, too. Files in another format are reported as
dropped.
"""

import math
from pathlib import Path

import numpy as np

from moodganimation.animation import tables
from moodganimation.expressions.spaces import ACTION_UNITS

from .files import PictureIndex, safe_name
from .job import Job
from .tables import write_stills

PERSON_PATTERN = r"(.*)_"  # all before the last underscore; for frames of a video: the video
INTENSITIES = tuple(f"{key}_r" for key in ACTION_UNITS.keys)


def openface(options) -> Job:
    """Prepare the intensities 0..5 of all names. Raises ValueError without a file of OpenFace."""
    files = sorted(
        path
        for path in options.folder.rglob("*")
        if path.suffix.lower() == ".csv" and path.is_file()
    )
    if not files:
        raise ValueError(f"{options.folder} holds no csv files of OpenFace.")
    pictures = PictureIndex(options.images) if options.images else None
    job = Job("openface", options.out, _settings(options), options.engine, options.workers)
    labels, candidates = _read_tables(job, files, options)
    if options.max_intensity == 5 and labels and max(map(max, labels.values())) <= 1:
        job.report.note("no intensity exceeds 1: for files in 0..1, use --units 1")
    if pictures:
        from .stills import add_pictures

        used = add_pictures(
            job, options, pictures, {name: {"candidates": candidates[name]} for name in labels}
        )
        labels = {name: labels[name] for name in used}
    table = {name: np.array(values, np.float64) for name, values in labels.items()}
    write_stills(
        job,
        ACTION_UNITS,
        {"aus_openface.pkl": table},
        table,
        options,
        default_person=PERSON_PATTERN,
    )
    return job


def _settings(options) -> dict:
    """The options that the result depends on."""
    keys = ("folder", "images", "min_confidence", "val", "test", "seed", "person")
    if options.images:
        keys += ("cropped", "size", "smallest")
    values = {key: getattr(options, key) for key in keys} | {"units": options.max_intensity}
    return {key: str(x) if isinstance(x, Path) else x for key, x in values.items()}


def _read_tables(job: Job, files: list[Path], options) -> tuple[dict, dict]:
    """Read all files; return by name the intensities 0..5, and candidate names of the picture."""
    items = []
    for path in files:
        file = str(path.resolve())
        name = path.relative_to(options.folder).as_posix()
        items.append({"name": name, "path": file, "made_from": [file]})
    found = job.map(
        "tables",
        read_table,
        items,
        min_confidence=options.min_confidence,
        max_intensity=options.max_intensity,
    )
    labels, picture_names, broken = {}, {}, []
    for item, table in zip(items, found, strict=True):
        if "broken" in table:
            broken.append(f"{item['path']} {table['broken']}")
            job.report.drop(f"the file {table['broken']}", item["name"])
            continue
        for reason, (count, name) in table["dropped"].items():
            job.report.drop(reason, name, count)
        for name, (values, candidates) in table["kept"].items():
            if name in labels:
                job.report.drop("a name that another file has already", item["name"])
            else:
                labels[name], picture_names[name] = values, candidates
    if broken and not labels:
        raise ValueError(
            f"{broken[0]}. Run OpenFace with -aus, or move files that are not its own elsewhere."
        )
    return labels, picture_names


def read_table(item: dict, min_confidence: float, max_intensity: float) -> dict:
    """Read a csv file of OpenFace.

    max_intensity: on the file's scale. Returns {"kept": name -> (17 intensities 0..5, candidate
    names of the picture), "dropped": reason -> (count, an example)}, or {"broken": reason} for a
    file in another format.
    """
    path, kept, dropped = Path(item["path"]), {}, {}

    def drop(reason, name):
        count, example = dropped.get(reason, (0, name))
        dropped[reason] = (count + 1, example)

    try:
        rows = _rows(path, min_confidence)
    except (LookupError, OSError, tables.NotATable) as problem:
        known = isinstance(problem, LookupError)
        return {"broken": str(problem) if known else "is not a readable csv"}
    if not rows:
        drop("no face in the file", item["name"])
    faces = {}  # name -> rows of its faces, with the number of the frame or None
    for row in rows:
        frame = _number(row["frame"]) if "frame" in rows[0] else None
        if frame is not None and not (math.isfinite(frame) and frame >= 0):
            drop("a frame without a number", item["name"])
            continue
        name = path.stem if frame is None else f"{path.stem}_{int(frame):04d}"
        faces.setdefault(name, []).append((row, frame))
    for name, found in faces.items():
        values, reasons = _values_of_face([row for row, _ in found], min_confidence, max_intensity)
        for reason in reasons:
            drop(reason, name)
        if values:
            kept[safe_name(name)] = (values, _picture_names(path, name, found[0][1]))
    return {"kept": kept, "dropped": dropped}


def _values_of_face(
    rows: list[dict], min_confidence: float, max_intensity: float
) -> tuple[list[float], list[str]]:
    """The 17 intensities 0..5 of the only reliable row of a picture, and reasons for dropped rows;
    or [] and the reason to drop the picture.

    max_intensity: on the file's scale.
    """
    rejections = [_rejection(row, min_confidence) for row in rows]
    accepted = [row for row, reason in zip(rows, rejections, strict=True) if not reason]
    if not accepted:
        return [], rejections[:1]
    if len(accepted) > 1:  # the label would be ambiguous
        return [], ["several faces"]
    values, reason = _intensities(accepted[0], max_intensity)
    if reason:
        return [], [reason]
    return values, [f"{reason}, beside another face" for reason in rejections if reason]


def _picture_names(path: Path, name: str, frame: float | None) -> list[str]:
    """Candidate names of the picture of a row. Frames have several layouts; OpenFace's is last."""
    if frame is None:
        return [name]
    own = f"{path.stem}_aligned/frame_det_00_{int(frame):06d}"
    return [name, f"{path.stem}/{int(frame):04d}", own]


def _rows(path: Path, min_confidence: float) -> list[dict]:
    """The rows of a table by column. Raises LookupError if OpenFace's columns are missing, OSError
    and NotATable."""
    needed = INTENSITIES + (("confidence",) if min_confidence > 0 else ())
    lines = tables.read_cells(path)
    header = [text.strip() for text in next(lines, (0, []))[1]]
    if not header:
        raise LookupError("is empty")
    missing = [key for key in needed if key not in header]
    if missing:
        names = ", ".join(missing[:3]) + (", ..." if missing[3:] else "")
        raise LookupError(f"lacks the columns {names} of OpenFace's csv files")
    return [dict(zip(header, cells, strict=False)) for _, cells in lines]


def _rejection(row: dict, min_confidence: float) -> str:
    """The reason why OpenFace marks a row as unreliable, or ""."""
    if "success" in row and _number(row["success"]) != 1:
        return "OpenFace says success 0"
    if min_confidence > 0 and not _number(row.get("confidence")) >= min_confidence:
        return f"confidence below {min_confidence:g}"
    return ""


def _intensities(row: dict, max_intensity: float) -> tuple[list, str]:
    """The 17 intensities 0..5 of a row and "", or [] and the reason to drop it."""
    texts = [row.get(key) for key in INTENSITIES]
    values = [_number(text) for text in texts]
    for text, value in zip(texts, values, strict=True):
        if math.isnan(value) and (text or "").strip().lower().lstrip("+-") != "nan":
            return [], "text or nothing where a number should be"
        if not math.isfinite(value):
            return [], "a number that is not finite"
        if not 0 <= value <= max_intensity:
            return [], f"an intensity outside 0 to {max_intensity:g}"
    return [value * 5 / max_intensity for value in values], ""


def _number(text: str | None) -> float:
    """The number of a field; NaN for text."""
    number = tables.parse_number(text or "")
    return math.nan if number is None else number
