"""Photos and landmarks -> before/after pairs with known motion, as `data/pairs.py` reads them.

A face model is fitted to the landmarks and re-rendered with other expressions (training.rendering),
anywhere in the space FACS; photos of one person make pairs with each other, too. Of a folder that
was prepared already (imgs/ of canonical crops, aus_openface.pkl, lists of names), labels and splits
hold, and only pairs are written: train with both folders. Where PHOTOS/faces.csv (name, part,
split, person) exists, it says which photos there are and what split and person they belong to.
"""

import csv
import io
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, Expression

from ...rendering import facs
from ..pairs import MAPS, PLACES
from ..pickles import read_pickle
from .files import Pictures, plain_name, write
from .job import Job
from .tables import SPLITS, write_stills

PERSON = r"(.*)"  # nothing is known of who is in a photo
FITTED = (
    "all labels are a FIT of a face model to landmarks, not annotated by people: do not measure "
    "anything against them"
)
SIDES = ("s", "t")  # columns: before and after
COLUMNS = tuple(key for key in FACS.keys if key not in ACTION_UNITS.keys)
LIST = "faces.csv"
NO_LANDMARKS = "no landmarks of that photo"
NO_LABEL = "without a label or a split in the folder"


def pairs(options) -> Job:
    """Pairs of all photos with landmarks; of photos that have no labels, labels and splits too."""
    from ..landmarks import Landmarks

    if options.out.resolve().is_relative_to(options.folder.resolve()):
        raise ValueError(f"{options.out} must not lie in {options.folder}, which is searched.")
    labels, split_of = _prepared(options.folder)
    listed = {} if labels else _listed(options.folder, options.part)
    crops = options.folder / "imgs"
    pictures = Pictures(crops if labels or listed else options.folder)
    landmarks = Landmarks(options.landmarks or options.folder / "landmarks.npz")
    job = _job(options, landmarks, list(options.aus), bool(labels))
    photos = _items(job, pictures, landmarks, labels, listed or split_of)
    for item in photos:
        item["person"] = listed[item["name"]]["person"] if listed else ""
    items = _fit_photos(job, photos, landmarks, labels, options.seed)
    kept = _render_photos(job, items, landmarks, list(options.aus), bool(labels), options)
    if not labels:
        split_of = _tables(job, kept, options, listed)
    _write_pairs(job, kept, split_of)
    return job


def _job(options, landmarks, aus: list[str], prepared: bool) -> Job:
    """Begin the run, or resume it, and note where labels come from."""
    keys = ("per_photo", "low", "singles", "size", "flow_size", "smallest", "part")
    keys += ("val", "test", "seed", "person")
    settings = {"folder": str(options.folder), "landmarks": str(landmarks.path), "aus": aus}
    settings |= {key: getattr(options, key) for key in keys}
    job = Job("pairs", options.out, settings, options.engine, options.workers)
    job.report.note("histograms are of the expressions after")
    if not prepared:
        job.report.note(FITTED)
        if not options.person and not (options.folder / LIST).is_file():
            job.report.note("who is in a photo is not known: splits are drawn by photo")
    return job


def _fit_photos(job: Job, photos: list[dict], landmarks, labels: dict, seed: int) -> list[dict]:
    """Items of the photos that the face model fits, with "units" (50) 0..5, "seed", "bank" and
    "others", the photos of the same person.

    The bank is a file with the units of all photos, from which targets are drawn.
    """
    from .renders import fit_photo

    path = str(landmarks.path.resolve())
    fits = job.map("faces", fit_photo, photos, landmarks=path, prepared=bool(labels))
    items = []
    for item, fit in _kept(job, photos, fits):
        values = np.array(fit["units"])
        if labels:
            values = _with_labels(values, labels[item["name"]])
        # rounded, as the tables say them; the seed may change until the end, see job.LATE
        items.append(item | {"units": values.round(2).tolist(), "seed": seed})
    _add_real_pairs(items)
    bank = np.array([item["units"] for item in items])
    job.scratch.mkdir(exist_ok=True)
    write(_bank_path(job), _as_file(bank))
    for item in items:
        item["bank"] = zlib.crc32(bank.tobytes())  # another bank, other pairs
    return items


def _with_labels(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(50,) fitted intensities, with the 17 units as labelled and the fit's difference of sides."""
    half = (values[facs.LEFT] - values[facs.RIGHT]) / 2
    values = values.copy()
    values[facs.LEFT], values[facs.RIGHT] = labels + half, labels - half
    return np.clip(values, 0, 5)


def _add_real_pairs(items: list[dict]) -> None:
    """Tell every photo of the others of its person: what is needed to pair them."""
    people = {}
    for item in items:
        if item["person"]:
            people.setdefault(item["person"], []).append(item)
    keys = ("name", "picture", "place", "units")
    for item in items:
        others = people.get(item["person"], ())
        item["others"] = [{key: o[key] for key in keys} for o in others if o is not item]


def _bank_path(job: Job) -> Path:
    return job.scratch / "bank.npy"


def _render_photos(
    job: Job, items: list[dict], landmarks, aus: list[str], prepared: bool, options
) -> list[tuple[dict, dict]]:
    """Items with what `render_photo` found, less those that were dropped."""
    from .renders import RenderOptions, render_photo

    for folder in ("pairs",) if prepared else ("imgs", "pairs"):
        (job.out / folder).mkdir(exist_ok=True)
    render_options = RenderOptions(
        out=str(job.out),
        landmarks=str(landmarks.path.resolve()),
        prepared=prepared,
        bank=str(_bank_path(job)),
        per_photo=options.per_photo,
        aus=aus,
        low=options.low,
        singles=options.singles,
        size=options.size,
        flow_size=options.flow_size,
        smallest=options.smallest,
    )
    found = job.map("pairs", render_photo, items, options=render_options)
    return _kept(job, items, found)


def _as_file(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def _as_files(**arrays: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


def _prepared(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Labels and splits by name of a prepared folder; two empty ones of any other folder."""
    table = folder / "aus_openface.pkl"
    if not (table.is_file() and (folder / "imgs").is_dir()):
        return {}, {}
    split_of = {}
    for split in SPLITS:
        ids = folder / f"{split}_ids.csv"
        for name in ids.read_text().split() if ids.is_file() else ():
            split_of[name.removesuffix(".jpg")] = split
    labels = {name: np.asarray(row, np.float64) for name, row in read_pickle(table).items()}
    for name, row in labels.items():
        if row.shape != (len(ACTION_UNITS.keys),) or not ((row >= 0) & (row <= 5)).all():
            raise ValueError(f"{table}: {name} has no 17 intensities from 0 to 5.")
    if not labels or not split_of:
        raise ValueError(f"{folder} holds imgs/ and {table.name}, but no labels or *_ids.csv.")
    return labels, split_of


def _listed(folder: Path, parts: Collection[str]) -> dict[str, dict]:
    """The rows of PHOTOS/faces.csv by name, of some parts or of all; empty where there is none."""
    file = folder / LIST
    if not file.is_file():
        if parts:
            raise ValueError(f"--part: there is no {file}, which says what belongs to a part.")
        return {}
    with open(file, newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    missing = {"name", "part", "split", "person"} - set(rows[0] if rows else ())
    if missing:
        raise ValueError(f"{file} lacks the columns {', '.join(sorted(missing))}.")
    listed = {row["name"]: row for row in rows if not parts or row["part"] in parts}
    if not listed:
        known = ", ".join(sorted({row["part"] for row in rows}))
        raise ValueError(f"{file} lists no photo of {', '.join(parts)}; its parts are {known}.")
    return listed


def _items(job: Job, pictures: Pictures, landmarks, labels: dict, names: dict) -> list[dict]:
    items, points = {}, str(landmarks.path.resolve())
    for path in pictures.paths:
        shown = path.relative_to(pictures.folder).as_posix()
        name, place = plain_name(pictures.place(path)), landmarks.place(shown)
        if name in items:
            job.report.drop("a name that another photo has already", shown)
        elif names and not (name in names and (name in labels or not labels)):
            job.report.drop(NO_LABEL, shown)
        elif place is None:
            job.report.drop(NO_LANDMARKS, shown)
        else:
            file = str(path.resolve())
            items[name] = {
                "name": name,
                "picture": file,
                "place": place,
                "made_from": [file, points],
            }
    return list(items.values())


def _kept(job: Job, items: list[dict], results: list[dict]) -> list[tuple[dict, dict]]:
    """Items with their results, less those that were dropped, which are counted."""
    kept = []
    for item, result in zip(items, results, strict=True):
        if "dropped" in result:
            job.report.drop(result["dropped"], item["name"])
        else:
            kept.append((item, result))
    if not kept:
        reasons = "; ".join(f"{n} x {reason}" for reason, n in job.report.dropped.most_common(4))
        raise ValueError(f"No photo can be used: {reasons}.")
    return kept


def _tables(job: Job, kept: list[tuple[dict, dict]], options, listed: dict) -> dict[str, str]:
    """Write labels, moods and lists of the photos; returns the split of each name."""
    values = {item["name"]: np.array(item["units"]) for item, _ in kept}
    units = {name: facs.of_units(row) for name, row in values.items()}
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
        default_person=PERSON,
        split_of={name: row["split"] for name, row in listed.items()},
    )
    return {name: split for split, names in splits.items() for name in names}


def _write_pairs(job: Job, kept: list[tuple[dict, dict]], split_of: dict[str, str]) -> None:
    """pairs.csv and flow.npz."""
    from .renders import write_flows

    keys = (*ACTION_UNITS.keys, *COLUMNS)
    heads = [f"{side}_{key}" for side in SIDES for key in keys]
    rows, targets = [], []
    for item, result in kept:
        for reason, count in result["spoilt"].items():
            job.report.drop(reason, item["name"], count)
        for file, kind, folded, target in result["pairs"]:
            values = (f"{v:.2f}" for row in (item["units"], target) for v in _columns(row))
            split = split_of[item["name"]]
            rows.append([file, item["name"], kind, split, f"{folded:.4f}", *values])
            targets.append(target)
    if not rows:
        raise ValueError("No photo gave a pair: draw more of them, --per-photo 6.")
    text = io.StringIO()
    csv.writer(text).writerows([["file", "source", "kind", "split", "fold", *heads], *rows])
    write(job.out / "pairs.csv", text.getvalue())
    files = {row[0] for row in rows}
    for path in (job.out / "pairs").glob("*.jpg"):
        if path.name not in files:  # of an earlier, unfinished run whose source is gone
            path.unlink()
    write_flows(job.out / "flow.npz", [row[0] for row in rows], job.scratch)
    used = {row[1] for row in rows}
    jaws = {item["name"]: result["jaws"] for item, result in kept if item["name"] in used}
    write(
        job.out / "jaws.npz",
        _as_files(
            names=np.array(list(jaws)),
            **{
                key: np.array([places[key] for places in jaws.values()], np.float32)
                for key in (*PLACES, *MAPS)
            },
        ),
    )
    job.report.kept["pairs"] = len(rows)
    for kind in sorted({row[2] for row in rows}):
        job.report.kept[f"pairs, {kind}"] = sum(row[2] == kind for row in rows)
    job.report.axes(FACS, np.array(targets))


def _columns(values: list[float]) -> np.ndarray:
    """What pairs.csv holds of intensities (50,): the 17 units, then the axes that FACS adds."""
    values = np.array(values)
    added = [FACS.index(key) for key in COLUMNS]
    return np.concatenate([facs.of_units(values), values[added]])
