"""Photos and landmarks -> before/after pairs with known motion, as `data/pairs.py` reads them.

A face model is fitted to the landmarks and re-rendered with other expressions (training.rendering).
Of a folder that was prepared already (imgs/ of canonical crops, aus_openface.pkl, lists of names),
labels and splits hold, and only pairs are written: train with both folders.
"""

import csv
import io
import zlib
from pathlib import Path

import numpy as np

from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.spaces import ACTION_UNITS, Expression

from ..pairs import PLACES
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
NO_LANDMARKS = "no landmarks of that photo"
NO_LABEL = "without a label or a split in the folder"


def pairs(options) -> Job:
    """Pairs of all photos with landmarks; of photos that have no labels, labels and splits too."""
    from ..landmarks import Landmarks

    if options.out.resolve().is_relative_to(options.folder.resolve()):
        raise ValueError(f"{options.out} must not lie in {options.folder}, which is searched.")
    labels, split_of = _prepared(options.folder)
    pictures = Pictures(options.folder / "imgs" if labels else options.folder)
    landmarks = Landmarks(options.landmarks or options.folder / "landmarks.npz")
    aus = sorted({ACTION_UNITS.index(name) for name in options.aus})
    job = _job(options, landmarks, aus, bool(labels))
    photos = _items(job, pictures, landmarks, labels, split_of)
    items = _fit_photos(job, photos, landmarks, labels, options.seed)
    kept = _render_photos(job, items, landmarks, aus, bool(labels), options)
    if not labels:
        split_of = _tables(job, kept, options)
    _write_pairs(job, kept, split_of)
    return job


def _job(options, landmarks, aus: list[int], prepared: bool) -> Job:
    """Begin the run, or resume it, and note where labels come from."""
    keys = ("per_photo", "low", "singles", "flow_size", "smallest", "val", "test", "seed", "person")
    settings = {"folder": str(options.folder), "landmarks": str(landmarks.path), "aus": aus}
    settings |= {key: getattr(options, key) for key in keys}
    job = Job("pairs", options.out, settings, options.engine, options.workers)
    job.report.note("histograms are of the expressions after")
    if not prepared:
        job.report.note(FITTED)
        if not options.person:
            job.report.note("who is in a photo is not known: splits are drawn by photo")
    return job


def _fit_photos(job: Job, photos: list[dict], landmarks, labels: dict, seed: int) -> list[dict]:
    """Items of the photos that the face model fits, with "units" 0..5, "seed" and "bank".

    The bank is a file with the units of all photos, from which targets are drawn.
    """
    from .renders import fit_photo

    path = str(landmarks.path.resolve())
    fits = job.map("faces", fit_photo, photos, landmarks=path, prepared=bool(labels))
    items = []
    for item, fit in _kept(job, photos, fits):
        units = labels[item["name"]] if labels else np.array(fit["units"])
        # rounded, as the tables say them; the seed may change until the end, see job.LATE
        items.append(item | {"units": units.round(2).tolist(), "seed": seed})
    bank = np.array([item["units"] for item in items])
    job.scratch.mkdir(exist_ok=True)
    write(_bank_path(job), _as_file(bank))
    for item in items:
        item["bank"] = zlib.crc32(bank.tobytes())  # another bank, other pairs
    return items


def _bank_path(job: Job) -> Path:
    return job.scratch / "bank.npy"


def _render_photos(
    job: Job, items: list[dict], landmarks, aus: list[int], prepared: bool, options
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


def _items(job: Job, pictures: Pictures, landmarks, labels: dict, split_of: dict) -> list[dict]:
    items, points = {}, str(landmarks.path.resolve())
    for path in pictures.paths:
        shown = path.relative_to(pictures.folder).as_posix()
        name, place = plain_name(pictures.place(path)), landmarks.place(shown)
        if name in items:
            job.report.drop("a name that another photo has already", shown)
        elif labels and not (name in labels and name in split_of):
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


def _tables(job: Job, kept: list[tuple[dict, dict]], options) -> dict[str, str]:
    """Write labels, moods and lists of the photos; returns the split of each name."""
    units = {item["name"]: np.array(item["units"]) for item, _ in kept}
    moods = {
        name: np.array(mood_of(Expression.clipped(ACTION_UNITS, row / 5)).values)
        for name, row in units.items()
    }
    splits = write_stills(
        job,
        ACTION_UNITS,
        {"aus_openface.pkl": units, "moods.pkl": moods},
        units,
        options,
        default_person=PERSON,
    )
    return {name: split for split, names in splits.items() for name in names}


def _write_pairs(job: Job, kept: list[tuple[dict, dict]], split_of: dict[str, str]) -> None:
    """pairs.csv and flow.npz."""
    from .renders import write_flows

    heads = [f"{side}_{key}" for side in SIDES for key in ACTION_UNITS.keys]
    rows, targets = [], []
    for item, result in kept:
        for reason, count in result["spoilt"].items():
            job.report.drop(reason, item["name"], count)
        for file, kind, folded, target in result["pairs"]:
            values = (f"{value:.2f}" for value in [*item["units"], *target])
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
                for key in PLACES
            },
        ),
    )
    job.report.kept["pairs"] = len(rows)
    for kind in sorted({row[2] for row in rows}):
        job.report.kept[f"pairs, {kind}"] = sum(row[2] == kind for row in rows)
    job.report.axes(ACTION_UNITS, np.array(targets))
