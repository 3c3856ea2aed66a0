"""Aff-Wild's videos and their frame-by-frame annotation -> clips of canonical crops.

* Aff-Wild (Zafeiriou et al. 2017): valence/VIDEO.txt and arousal/VIDEO.txt, one number per line.
* Aff-Wild2 (Kollias & Zafeiriou 2019): VIDEO.txt, whose first line is `valence,arousal`, then two
  numbers per line, -5 for frames without annotation; VIDEO_left.txt and VIDEO_right.txt if a video
  shows two persons.

Files may lie in folders such as VA_Set/Train_Set and VA_Set/Validation_Set, which set their split.
A clip is one unbroken run of frames that have a face and an annotation: CLIP = VIDEO_k, and FRAME
is the number of the frame in the video, from 0. Crops are detected in each frame, not smoothed.
"""

import re
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from moodganimation.expressions.spaces import VALENCE_AROUSAL

from ..pickles import write_pickle
from .affwild_files import HEADER
from .crops import detector_notes
from .files import safe_name, write_atomically
from .job import Job
from .tables import SPLITS, person_of, split_people
from .video_crops import crop_video

ENDINGS = (".mp4", ".avi", ".mov", ".mkv", ".webm")
SPLIT_FOLDER = re.compile(r"(train|validation|val|test)(?:[ _-]?set)?$")  # a folder of one split
SPLIT_OF = {"train": "train", "validation": "val", "val": "val", "test": "test"}
PERSON_PATTERN = r"(.*?)(?:_left|_right)?$"  # in a video's name


class Annotation(NamedTuple):
    """The annotation of one video, or of one of two persons in it."""

    name: str
    files: list[Path]  # one of both axes, or one of each
    split: str | None  # by the name of a folder


def affwild(options) -> Job:
    """Prepare clips of all videos that have an annotation."""
    videos, annotations = _videos(options.videos), _annotations(options.annotations)
    keys = ("every", "size", "smallest", "shortest", "val", "test", "seed", "person")
    settings = {"videos": str(options.videos), "annotations": str(options.annotations)}
    settings |= {key: getattr(options, key) for key in keys}
    job = Job("affwild", options.out, settings, options.engine, options.workers)
    job.report.note("crops were detected in each frame without smoothing, so they jitter a little")
    for text in detector_notes():
        job.report.note(text)
    items = _items(job, videos, annotations)
    results = job.map(
        "videos",
        crop_video,
        items,
        out=str(job.out),
        size=options.size,
        smallest=options.smallest,
        every=options.every,
        shortest=options.shortest,
    )
    _write_tables(job, _clips(job, items, results), options)
    return job


def _videos(folder: Path) -> dict[str, Path]:
    """Find the videos of a folder by name. Raises ValueError."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder of videos {folder}.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not found:
        raise ValueError(f"{folder} holds no videos ({', '.join(ENDINGS)}).")
    videos = {}
    for path in found:
        if path.stem in videos:
            raise ValueError(
                f"{videos[path.stem]} and {path} have the same name, so their annotations are "
                "ambiguous. Rename or move one."
            )
        videos[path.stem] = path
    return videos


def _annotations(folder: Path) -> list[Annotation]:
    """Find the annotations in a folder and its subfolders, in either layout."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder of annotations {folder}.")
    found, axes = [], set(VALENCE_AROUSAL.keys)
    folders = sorted({folder, *(path for path in folder.rglob("*") if path.is_dir())})
    for subfolder in folders:
        parts = subfolder.relative_to(folder).parts
        split = next(
            (SPLIT_OF[m[1]] for p in parts[::-1] if (m := SPLIT_FOLDER.match(p.lower()))), None
        )
        by_axis = [subfolder / axis for axis in VALENCE_AROUSAL.keys]
        if all(path.is_dir() for path in by_axis):
            names = {path.stem for axis in by_axis for path in axis.glob("*.txt")}
            found += [
                Annotation(name, [axis / f"{name}.txt" for axis in by_axis], split)
                for name in sorted(names)
            ]
        elif not (subfolder.name in axes and axes <= _names_in(subfolder.parent)):
            # not one of the folders valence/ and arousal/, which were read with their parent
            found += [Annotation(p.stem, [p], split) for p in sorted(subfolder.glob("*.txt"))]
    if not found:
        raise ValueError(
            f"{folder} holds no annotations: neither VIDEO.txt nor valence/VIDEO.txt and "
            "arousal/VIDEO.txt, there or in a subfolder."
        )
    return found


def _names_in(folder: Path) -> set[str]:
    """Names of the files and folders in a folder."""
    return {path.name for path in folder.iterdir()}


def _items(job: Job, videos: dict[str, Path], annotations: list[Annotation]) -> list[dict]:
    """Items for `crop_video`, one per annotation with a video; others are reported as dropped."""
    items, used = {}, set()
    for name, files, split in annotations:
        source = name if name in videos else re.sub(r"_(left|right)$", "", name)
        safe = safe_name(name)
        if source not in videos:
            job.report.drop("annotations without a video", name)
        elif not all(path.is_file() for path in files):
            job.report.drop("annotations of valence or arousal alone", name)
        elif split and len(files) == 1 and not _has_header(files[0]):
            job.report.drop("annotations of something else than valence and arousal", name)
        elif safe in items:
            job.report.drop("a name that another video has already", name)
        else:
            video, texts = str(videos[source].resolve()), [str(path.resolve()) for path in files]
            items[safe] = {
                "name": safe,
                "video": video,
                "annotation": texts,
                "side": name[len(source) + 1 :],
                "split": split,
                "made_from": [video, *texts],
            }
        used.add(source)
    for name in sorted(set(videos) - used):
        job.report.drop("videos without an annotation", name)
    return list(items.values())


def _has_header(path: Path) -> bool:
    """Whether the first 1000 bytes name valence or arousal, or are blank.

    The first line of Aff-Wild2 does, whose folders also hold annotations of expressions and Action
    Units.
    """
    with open(path, "rb") as file:
        start = file.read(1000)
    return not start.strip() or bool(HEADER.search(start.decode("latin-1").replace("\0", "")))


def _clips(job: Job, items: list[dict], results: list[dict]) -> dict[str, dict]:
    """All clips of the videos by name, with their sources; dropped frames are reported."""
    clips = {}
    for item, result in zip(items, results, strict=True):
        for reason, count in result["dropped"].items():
            job.report.drop(reason, item["name"], count)
        for note, count in result["notes"].items():
            job.report.note(note, count)
        for clip in result["clips"]:
            clips[clip["clip"]] = {"source": item["name"], "split": item["split"], **clip}
    return clips


def _write_tables(job: Job, clips: dict[str, dict], options) -> None:
    """Write the tables of the clips and add them to the report."""
    if not clips:
        raise ValueError(f"No clip is left to write: {job.report.reasons()}.")
    for folder in (job.out / "clips").iterdir():
        if folder.name not in clips:  # left by an unfinished run, whose source was deleted
            shutil.rmtree(folder)
    split_of = _splits(job, clips, options)
    table = OrderedDict(
        (f"{clip}_{i:04d}", np.array(mood, np.float64))
        for clip, facts in clips.items()
        for i, mood in zip(facts["frames"], facts["values"], strict=True)
    )
    write_pickle(job.out / "clips_annotations.pkl", table)
    rows = [
        f"{clip},{facts['source']},{split_of[clip]},{len(facts['frames'])}\n"
        for clip, facts in clips.items()
    ]
    write_atomically(job.out / "clips.csv", "clip,source,split,frames\n" + "".join(rows))
    job.report.kept |= {
        "videos": len({facts["source"] for facts in clips.values()}),
        "clips": len(clips),
        "frames": len(table),
    }
    for split in SPLITS:
        job.report.kept[f"{split} clips"] = list(split_of.values()).count(split)
    job.report.add_histograms(VALENCE_AROUSAL, np.array(list(table.values())))


def _splits(job: Job, clips: dict[str, dict], options) -> dict[str, str]:
    """The split of each clip: by the folders of the annotations, or else drawn by person."""
    known = {clip: facts["split"] for clip, facts in clips.items() if facts["split"]}
    if known:
        job.report.note("splits are those of the folders of the annotations, not drawn")
        unknown = len(clips) - len(known)
        job.report.note("clips without a split in the name of a folder: used for train", unknown)
        return {clip: known.get(clip, "train") for clip in clips}
    people = {}  # by (clip, frame), since shares of splits are counted in frames
    for clip, facts in clips.items():
        person = person_of(facts["source"], options.person or PERSON_PATTERN) or facts["source"]
        people |= {(clip, i): person for i in facts["frames"]}
    shares = {"val": options.val, "test": options.test}
    splits = split_people(people, shares, options.seed)
    return {clip: split for split, frames in splits.items() for clip, _ in frames}
