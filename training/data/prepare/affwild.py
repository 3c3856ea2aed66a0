"""Aff-Wild's videos and their frame-by-frame annotation -> clips of canonical crops.

Zafeiriou et al. 2017 (Aff-Wild: valence/VIDEO.txt and arousal/VIDEO.txt, a number a line) and
Kollias & Zafeiriou 2019 (Aff-Wild2: VIDEO.txt, a first line `valence,arousal`, then two numbers a
line, -5 where nobody annotated; VIDEO_left.txt and VIDEO_right.txt where a video shows two).

A clip is one unbroken run of frames that have a face and an annotation: CLIP = VIDEO_k, and FRAME
is the frame's number in the video, from 0. Crops are found frame by frame, without smoothing.
"""

import re
import shutil
from collections import OrderedDict
from pathlib import Path

import numpy as np

from moodganimation.expressions.spaces import VALENCE_AROUSAL

from ..pickles import write_pickle
from .crops import remarks
from .files import plain_name, write
from .job import Job
from .tables import SPLITS, person_of, split_people
from .video_crops import crop_video

ENDINGS = (".mp4", ".avi", ".mov", ".mkv", ".webm")
PERSON = r"(.*?)(?:_left|_right)?$"  # in a video's name


def affwild(options) -> Job:
    """Clips of all videos that have an annotation."""
    videos, annotations = _videos(options.videos), _annotations(options.annotations)
    keys = ("every", "size", "smallest", "shortest", "val", "test", "seed", "person")
    settings = {"videos": str(options.videos), "annotations": str(options.annotations)}
    settings |= {key: getattr(options, key) for key in keys}
    job = Job("affwild", options.out, settings, options.engine, options.workers)
    job.report.note("crops were found frame by frame: they tremble a little, nothing smooths them")
    for text in remarks():
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
    _write(job, _clips(job, items, results), options)
    return job


def _videos(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise ValueError(f"There is no folder of videos {folder}.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    if not found:
        raise ValueError(f"{folder} holds no videos ({', '.join(ENDINGS)}).")
    videos = {}
    for path in found:
        if path.stem in videos:
            raise ValueError(
                f"{videos[path.stem]} and {path} have one name: which of them the annotations "
                "mean is unknown. Rename or move one."
            )
        videos[path.stem] = path
    return videos


def _annotations(folder: Path) -> dict[str, list[Path]]:
    """Files of annotation by the name of their video, in either layout."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder of annotations {folder}.")
    apart = [folder / axis for axis in VALENCE_AROUSAL.keys]
    if all(path.is_dir() for path in apart):
        names = {path.stem for axis in apart for path in axis.glob("*.txt")}
        files = {name: [axis / f"{name}.txt" for axis in apart] for name in sorted(names)}
        missing = [str(path) for paths in files.values() for path in paths if not path.exists()]
        if missing:
            raise ValueError(f"There is no {missing[0]}: every video needs valence and arousal.")
    else:
        files = {path.stem: [path] for path in sorted(folder.glob("*.txt"))}
    if not files:
        raise ValueError(
            f"{folder} holds no annotations: neither VIDEO.txt nor valence/VIDEO.txt and "
            "arousal/VIDEO.txt."
        )
    return files


def _items(job: Job, videos: dict[str, Path], annotations: dict[str, list[Path]]) -> list[dict]:
    """An item for `crop_video` of each annotation; what has no partner is counted."""
    items, named = {}, set()
    for name, files in annotations.items():
        source = name if name in videos else re.sub(r"_(left|right)$", "", name)
        if source not in videos:
            job.report.drop("annotations without a video", name)
            continue
        named.add(source)
        plain = plain_name(name)
        if plain in items:
            job.report.drop("a name that another video has already", name)
            continue
        video, texts = str(videos[source].resolve()), [str(path.resolve()) for path in files]
        items[plain] = {
            "name": plain,
            "video": video,
            "annotation": texts,
            "side": name[len(source) + 1 :],
            "made_from": [video, *texts],
        }
    for name in sorted(set(videos) - named):
        job.report.drop("videos without an annotation", name)
    return list(items.values())


def _clips(job: Job, items: list[dict], results: list[dict]) -> dict[str, dict]:
    """All clips of the videos by name, with their sources; what was dropped is counted."""
    clips = {}
    for item, result in zip(items, results, strict=True):
        for reason, count in result["dropped"].items():
            job.report.drop(reason, item["name"], count)
        for note, count in result["notes"].items():
            job.report.note(note, count)
        for clip in result["clips"]:
            clips[clip["clip"]] = {"source": item["name"], **clip}
    return clips


def _write(job: Job, clips: dict[str, dict], options) -> None:
    if not clips:
        reasons = "; ".join(f"{n} x {reason}" for reason, n in job.report.dropped.most_common(4))
        raise ValueError(f"No clip is left to write: {reasons}.")
    for folder in (job.out / "clips").iterdir():
        if folder.name not in clips:  # of an earlier, unfinished run whose source is gone
            shutil.rmtree(folder)
    # splits are drawn by frames, so that a share is a share of what is trained on
    people = {}
    for clip, facts in clips.items():
        person = person_of(facts["source"], options.person or PERSON) or facts["source"]
        people |= {(clip, i): person for i in facts["frames"]}
    shares = {"val": options.val, "test": options.test}
    splits = split_people(people, shares, options.seed)
    split_of = {clip: split for split, frames in splits.items() for clip, _ in frames}
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
    write(job.out / "clips.csv", "clip,source,split,frames\n" + "".join(rows))
    job.report.kept |= {
        "videos": len({facts["source"] for facts in clips.values()}),
        "clips": len(clips),
        "frames": len(table),
    }
    for split in SPLITS:
        job.report.kept[f"{split} clips"] = list(split_of.values()).count(split)
    job.report.axes(VALENCE_AROUSAL, np.array(list(table.values())))
