"""Photos and landmarks -> before/after pairs with known motion, as `data/pairs.py` reads them.

A face model is fitted to the landmarks and re-rendered with other expressions (training.rendering),
anywhere in the space FACS; photos of one person also make pairs with each other. A prepared folder
(imgs/ of canonical crops, aus_openface.pkl, lists of names) keeps its labels and splits, and only
pairs are written: train with both folders. In other folders PHOTOS/faces.csv (name, part, split,
person), if it exists, lists the photos with their splits and persons; these then lie in PHOTOS/imgs
and are cropped anew by their landmarks.
"""

import csv
import io
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np

from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.sides import FACS_ONLY_KEYS
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, Expression

from ...rendering import facs
from ..pairs import JAW_KEYS, MAP_KEYS
from ..pickles import read_pickle
from .files import PictureIndex, require_outside, safe_name, write_atomically
from .job import Job
from .tables import SPLITS, write_stills

PERSON_PATTERN = r"(.*)"  # persons are unknown: each photo counts as one
FITTED_NOTE = (
    "all labels are a FIT of a face model to landmarks, not annotated by people: do not measure "
    "anything against them"
)
PREFIXES = ("s", "t")  # of columns: expressions of the source and of the target
FACES_TABLE = "faces.csv"
NO_LANDMARKS = "no landmarks of that photo"
NO_LABEL = "without a label or a split in the folder"
NOT_LISTED = "not listed in faces.csv, or not in a part of --part"


class PhotoItem(TypedDict):
    """A photo, as an item of `Job.map`."""

    name: str
    picture: str  # path
    row: int  # of the landmarks
    made_from: list[str]  # paths of the picture and the landmarks
    person: str  # "" if it is not known
    # known after the fit:
    intensities: NotRequired[list[float]]  # (50,) 0..5
    seed: NotRequired[int]  # of the targets
    others: NotRequired[list[dict]]  # other photos of the person: name, picture, row, intensities
    pool_checksum: NotRequired[int]  # of the intensities of all photos, see `_fit_photos`


def pairs(options) -> Job:
    """Prepare pairs of all photos with landmarks, and labels and splits if there are none."""
    from ..landmarks import Landmarks

    require_outside(options.out, options.folder)
    labels, split_of = _read_prepared(options.folder)
    listed = {} if labels else _read_faces_table(options.folder, options.part)
    picture_folder = options.folder / "imgs" if labels or listed else options.folder
    pictures = PictureIndex(picture_folder)
    landmarks = Landmarks(options.landmarks or options.folder / "landmarks.npz")
    job = _job(options, landmarks, list(options.aus), bool(labels))
    photos = _photo_items(job, pictures, landmarks, labels, listed or split_of)
    for photo in photos:
        photo["person"] = listed[photo["name"]]["person"] if listed else ""
    items = _fit_photos(job, photos, landmarks, labels, options.seed)
    kept = _render_photos(job, items, landmarks, list(options.aus), bool(labels), options)
    if not labels:
        split_of = _write_labels(job, kept, options, listed)
    _write_pairs(job, kept, split_of)
    return job


def _job(options, landmarks, units: list[str], prepared: bool) -> Job:
    """Start or resume the run, and note the origin of the labels.

    units: requested units. prepared: whether the folder has labels and splits.
    """
    keys = ("per_photo", "low", "singles", "size", "flow_size", "smallest", "part")
    keys += ("val", "test", "seed", "person")
    settings = {"folder": str(options.folder), "landmarks": str(landmarks.path), "aus": units}
    settings |= {key: getattr(options, key) for key in keys}
    job = Job("pairs", options.out, settings, options.engine, options.workers)
    job.report.note("histograms are of the target expressions")
    if not prepared:
        job.report.note(FITTED_NOTE)
        if not options.person and not (options.folder / FACES_TABLE).is_file():
            job.report.note("who is in a photo is not known: splits are drawn by photo")
    return job


def _fit_photos(
    job: Job, photos: list[PhotoItem], landmarks, labels: dict, seed: int
) -> list[PhotoItem]:
    """Fit the face model; return the items of photos that it fits, complete.

    Also writes the pool, a file with the intensities (P, 50) of all photos: the targets that copy
    the expression of another photo are drawn from it.
    """
    from .renders import fit_photo

    path = str(landmarks.path.resolve())
    fits = job.map("faces", fit_photo, photos, landmarks=path, prepared=bool(labels))
    items = []
    for item, fit in _kept_photos(job, photos, fits):
        values = np.array(fit["intensities"])
        if labels:
            values = _with_labels(values, labels[item["name"]])
        # rounded as in the tables; with the seed, which may change on resume (TABLE_SETTINGS)
        items.append(item | {"intensities": values.round(2).tolist(), "seed": seed})
    _add_others(items)
    pool = np.array([item["intensities"] for item in items])
    job.scratch.mkdir(exist_ok=True)
    write_atomically(_pool_path(job), _as_file(pool))
    for item in items:
        # A part of the item's stamp: if the pool changes, pairs are made anew.
        item["pool_checksum"] = zlib.crc32(pool.tobytes())
    return items


def _with_labels(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Combine the labels (17,) of the units with the asymmetries and other axes of a fit (50,)."""
    asymmetry = (values[facs.LEFT] - values[facs.RIGHT]) / 2
    values = values.copy()
    values[facs.LEFT], values[facs.RIGHT] = labels + asymmetry, labels - asymmetry
    return np.clip(values, 0, 5)


def _add_others(items: list[PhotoItem]) -> None:
    """Add to every item the other photos of its person, with all that is needed to pair them."""
    people = {}
    for item in items:
        if item["person"]:
            people.setdefault(item["person"], []).append(item)
    keys = ("name", "picture", "row", "intensities")
    for item in items:
        others = [other for other in people.get(item["person"], ()) if other is not item]
        item["others"] = [{key: other[key] for key in keys} for other in others]


def _pool_path(job: Job) -> Path:
    """The path of the pool."""
    return job.scratch / "pool.npy"


def _render_photos(
    job: Job, items: list[PhotoItem], landmarks, units: list[str], prepared: bool, options
) -> list[tuple[PhotoItem, dict]]:
    """Render all items; return them with the results of `render_photo`, without dropped ones."""
    from .renders import RenderOptions, render_photo

    for folder in ("pairs",) if prepared else ("imgs", "pairs"):
        (job.out / folder).mkdir(exist_ok=True)
    render_options = RenderOptions(
        out=str(job.out),
        landmarks=str(landmarks.path.resolve()),
        prepared=prepared,
        pool=str(_pool_path(job)),
        per_photo=options.per_photo,
        units=units,
        low=options.low,
        single_share=options.singles,
        size=options.size,
        flow_size=options.flow_size,
        smallest=options.smallest,
    )
    results = job.map("pairs", render_photo, items, options=render_options)
    return _kept_photos(job, items, results)


def _as_file(array: np.ndarray) -> bytes:
    """Encode an array as .npy."""
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def _as_files(**arrays: np.ndarray) -> bytes:
    """Encode arrays as .npz."""
    data = io.BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


def _read_prepared(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read the labels (17,) and splits of a prepared folder by name; both empty for others."""
    table = folder / "aus_openface.pkl"
    if not (table.is_file() and (folder / "imgs").is_dir()):
        return {}, {}
    split_of = {}
    for split in SPLITS:
        ids = folder / f"{split}_ids.csv"
        for name in ids.read_text(encoding="utf-8").split() if ids.is_file() else ():
            split_of[name.removesuffix(".jpg")] = split
    labels = {name: np.asarray(row, np.float64) for name, row in read_pickle(table).items()}
    for name, row in labels.items():
        if row.shape != (len(ACTION_UNITS.keys),) or not ((row >= 0) & (row <= 5)).all():
            raise ValueError(f"{table}: {name} does not have 17 intensities from 0 to 5.")
    if not labels or not split_of:
        raise ValueError(f"{folder} holds imgs/ and {table.name}, but no labels or *_ids.csv.")
    return labels, split_of


def _read_faces_table(folder: Path, parts: Collection[str]) -> dict[str, dict]:
    """Read the rows of PHOTOS/faces.csv by name, of some parts or of all; {} without that file."""
    file = folder / FACES_TABLE
    if not file.is_file():
        if parts:
            raise ValueError(f"--part needs the file {file}, which lists the parts.")
        return {}
    with open(file, newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    missing = {"name", "part", "split", "person"} - set(rows[0] if rows else ())
    if missing:
        raise ValueError(f"{file} lacks the columns {', '.join(sorted(missing))}.")
    chosen = [row for row in rows if not parts or row["part"] in parts]
    listed = {safe_name(row["name"] or ""): row for row in chosen}
    if not listed:
        known = ", ".join(sorted({row["part"] for row in rows}))
        raise ValueError(f"{file} lists no photo of {', '.join(parts)}; its parts are {known}.")
    unknown = {str(row["split"]) for row in listed.values()} - set(SPLITS)
    if unknown:
        raise ValueError(
            f"{file}: the column split can be {', '.join(SPLITS)}, but not "
            f"{', '.join(map(repr, sorted(unknown)))}."
        )
    return listed


def _photo_items(
    job: Job, pictures: PictureIndex, landmarks, labels: dict, names: dict
) -> list[PhotoItem]:
    """Items of photos with landmarks, and with a label if labels exist; others are reported.

    names: the photos to use by name; empty for all.
    """
    items, points = {}, str(landmarks.path.resolve())
    for path in pictures.paths:
        relative = path.relative_to(pictures.folder).as_posix()
        name, row = safe_name(pictures.relative_name(path)), landmarks.row(relative)
        if name in items:
            job.report.drop("a name that another photo has already", relative)
        elif names and not (name in names and (name in labels or not labels)):
            job.report.drop(NO_LABEL if labels else NOT_LISTED, relative)
        elif row is None:
            job.report.drop(NO_LANDMARKS, relative)
        else:
            file = str(path.resolve())
            items[name] = {
                "name": name,
                "picture": file,
                "row": row,
                "made_from": [file, points],
            }
    return list(items.values())


def _kept_photos(
    job: Job, items: list[PhotoItem], results: list[dict]
) -> list[tuple[PhotoItem, dict]]:
    """Items with their results, see `Job.kept`. Raises ValueError if there are none."""
    kept = job.kept(items, results)
    if not kept:
        raise ValueError(f"No photo can be used: {job.report.reasons()}.")
    return kept


def _write_labels(job: Job, kept: list[tuple[dict, dict]], options, listed: dict) -> dict[str, str]:
    """Write labels, moods and lists of names; return the split of each name.

    listed: the rows of faces.csv by name; if empty, splits are drawn.
    """
    values = {item["name"]: np.array(item["intensities"]) for item, _ in kept}
    units = {name: facs.mean_of_sides(row) for name, row in values.items()}
    moods = {
        name: np.array(mood_of(Expression.clipped(ACTION_UNITS, row / 5)).values)
        for name, row in units.items()
    }
    splits = write_stills(
        job,
        ACTION_UNITS,
        {"aus_openface.pkl": units, "facs.pkl": values, "moods.pkl": moods},
        units,
        options,
        default_person=PERSON_PATTERN,
        listed=listed,
    )
    return {name: split for split, names in splits.items() for name in names}


def _write_pairs(job: Job, kept: list[tuple[PhotoItem, dict]], split_of: dict[str, str]) -> None:
    """Write pairs.csv, flow.npz and jaws.npz."""
    from .renders import write_flows

    rows, targets = [], []
    for item, result in kept:
        for reason, count in result["rejected"].items():
            job.report.drop(reason, item["name"], count)
        for file, kind, overlap_share, target in result["pairs"]:
            ends = (item["intensities"], target)
            values = (f"{v:.2f}" for intensities in ends for v in _columns(intensities))
            split = split_of[item["name"]]
            rows.append([file, item["name"], kind, split, f"{overlap_share:.4f}", *values])
            targets.append(target)
    if not rows:
        raise ValueError("No target could be rendered: draw more, with --per-photo 6.")
    keys = (*ACTION_UNITS.keys, *FACS_ONLY_KEYS)
    columns = [f"{prefix}_{key}" for prefix in PREFIXES for key in keys]
    text = io.StringIO()
    csv.writer(text).writerows([["file", "source", "kind", "split", "fold", *columns], *rows])
    write_atomically(job.out / "pairs.csv", text.getvalue())
    files, sources, kinds, *_ = map(list, zip(*rows, strict=True))
    written = set(files)
    for path in (job.out / "pairs").glob("*.jpg"):
        if path.name not in written:  # left by an unfinished run, whose source was deleted
            path.unlink()
    write_flows(job.out / "flow.npz", files, job.scratch)
    _write_jaws(job, {item["name"]: r["jaws"] for item, r in kept if item["name"] in sources})
    job.report.kept["pairs"] = len(rows)
    for kind in sorted(set(kinds)):
        job.report.kept[f"pairs, {kind}"] = kinds.count(kind)
    job.report.add_histograms(FACS, np.array(targets))


def _write_jaws(job: Job, jaws: dict[str, dict[str, list]]) -> None:
    """Write jaws.npz: names, and the arrays of JAW_KEYS and MAP_KEYS of each."""
    arrays = {
        key: np.array([geometry[key] for geometry in jaws.values()], np.float32)
        for key in (*JAW_KEYS, *MAP_KEYS)
    }
    write_atomically(job.out / "jaws.npz", _as_files(names=np.array(list(jaws)), **arrays))


def _columns(values: list[float]) -> np.ndarray:
    """Arrange intensities (50,) as in pairs.csv: the 17 units, then the axes that only FACS has."""
    values = np.array(values)
    facs_only = [FACS.index(key) for key in FACS_ONLY_KEYS]
    return np.concatenate([facs.mean_of_sides(values), values[facs_only]])
