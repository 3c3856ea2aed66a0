"""A folder of photos -> canonical crops with the Action Units that the shipped model reads."""

from pathlib import Path

import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS, PAD

from .files import PictureIndex, require_outside, safe_name, write_atomically
from .job import Job
from .tables import write_stills

PERSON_PATTERN = r"(.*)"  # persons are unknown: each photo counts as one
READ_NOTE = (
    "all labels were READ BY THE SHIPPED MODEL, not annotated by people: moods are computed from "
    "the Action Units it read; do not measure anything against them"
)


def photos(options) -> Job:
    """Prepare crops, units 0..5 and moods [pleasure, arousal, dominance] of photos with a face."""
    from .crops import detector_notes

    require_outside(options.out, options.folder)
    pictures = PictureIndex(options.folder)
    keys = ("size", "smallest", "val", "test", "seed", "person")
    settings = {"folder": str(options.folder)} | {key: getattr(options, key) for key in keys}
    job = Job("photos", options.out, settings, options.engine, options.workers)
    for text in (READ_NOTE, *detector_notes()):
        job.report.note(text)
    if not options.person:
        job.report.note("who is in a photo is not known: splits are drawn by photo")
    job.report.note("files of other kinds in the folder, which were ignored", pictures.other_files)
    items = _items(pictures, job)
    (job.out / "imgs").mkdir(exist_ok=True)
    results = job.map(
        "photos", read_photo, items, out=str(job.out), size=options.size, smallest=options.smallest
    )
    units, moods = {}, {}
    for item, result in job.kept(items, results):
        units[item["name"]] = np.array(result["intensities"])
        moods[item["name"]] = np.array(result["mood"])
    write_stills(
        job,
        ACTION_UNITS,
        {"aus_openface.pkl": units, "moods.pkl": moods},
        units,
        options,
        default_person=PERSON_PATTERN,
    )
    job.report.add_histograms(PAD, np.array(list(moods.values())))
    return job


def _items(pictures: PictureIndex, job: Job) -> list[dict]:
    """Items for `read_photo`; photos with the name of another are reported as dropped."""
    items = {}
    for path in pictures.paths:
        relative_name = pictures.relative_name(path)
        name, file = safe_name(relative_name), str(path.resolve())
        if name in items:
            job.report.drop("a name that another photo has already", relative_name)
        else:
            items[name] = {"name": name, "picture": file, "made_from": [file]}
    return list(items.values())


def read_photo(item: dict, out: str, size: int, smallest: int) -> dict:
    """Crop and read the photo of the item {name, picture}, and write imgs/NAME.jpg.

    Returns {"picture": its path in `out`, "intensities": of the 17 units, 0..5, "mood": [pleasure,
    arousal, dominance], "notes": texts} or {"dropped": reason}.
    """
    from moodganimation.errors import UnreadableImage
    from moodganimation.expressions.moods import mood_of
    from moodganimation.expressions.sides import units_of
    from moodganimation.media.images import read_image

    from . import crops

    with crops.single_threaded():
        try:
            photo = read_image(Path(item["picture"]))
        except UnreadableImage:
            return {"dropped": crops.UNREADABLE}
        faces = crops.find_faces(photo)
        if not faces:
            return {"dropped": crops.NO_FACE}
        portrait = crops.align_portrait(photo, faces[0])
        if portrait.side < smallest:
            return {"dropped": crops.TOO_SMALL}
        animator = crops.animator()
        reading = animator.read(animator.encode(portrait))
    picture = f"imgs/{item['name']}.jpg"
    write_atomically(Path(out) / picture, crops.as_jpeg(portrait.face(size)))
    return {
        "picture": picture,
        "intensities": [5 * value for value in units_of(reading).values],
        "mood": list(mood_of(reading).values),
        "notes": [crops.SEVERAL_FACES] if len(faces) > 1 else [],
    }
