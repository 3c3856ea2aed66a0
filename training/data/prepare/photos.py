"""A folder of photos -> canonical crops with the Action Units that the shipped model reads."""

from pathlib import Path

import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS, PAD

from .files import Pictures, plain_name, write
from .job import Job
from .tables import write_stills

PERSON = r"(.*)"  # nothing is known of who is in a photo
READ = (
    "all labels were READ BY THE SHIPPED MODEL, not annotated by people: moods are computed from "
    "the Action Units it read; do not measure anything against them"
)


def photos(options) -> Job:
    """Crops with units 0..5 and moods [pleasure, arousal, dominance] of all photos with a face."""
    from .crops import remarks

    if options.out.resolve().is_relative_to(options.folder.resolve()):
        raise ValueError(f"{options.out} must not lie in {options.folder}, which is searched.")
    pictures = Pictures(options.folder)
    keys = ("size", "smallest", "val", "test", "seed", "person")
    settings = {"folder": str(options.folder)} | {key: getattr(options, key) for key in keys}
    job = Job("photos", options.out, settings, options.engine, options.workers)
    for text in (READ, *remarks()):
        job.report.note(text)
    if not options.person:
        job.report.note("who is in a photo is not known: splits are drawn by photo")
    job.report.note("files of other kinds in the folder, which were not looked at", pictures.others)
    items = _items(pictures, job)
    (job.out / "imgs").mkdir(exist_ok=True)
    results = job.map(
        "photos", read_photo, items, out=str(job.out), size=options.size, smallest=options.smallest
    )
    units, moods = {}, {}
    for item, result in zip(items, results, strict=True):
        if "dropped" in result:
            job.report.drop(result["dropped"], item["name"])
            continue
        units[item["name"]] = np.array(result["units"])
        moods[item["name"]] = np.array(result["mood"])
        for note in result["notes"]:
            job.report.note(note, 1)
    write_stills(
        job,
        ACTION_UNITS,
        {"aus_openface.pkl": units, "moods.pkl": moods},
        units,
        options,
        default_person=PERSON,
    )
    job.report.axes(PAD, np.array(list(moods.values())))
    return job


def _items(pictures: Pictures, job: Job) -> list[dict]:
    """Photos to read, with a name each; a name that is taken is reported."""
    items = {}
    for path in pictures.paths:
        place = pictures.place(path)
        name, file = plain_name(place), str(path.resolve())
        if name in items:
            job.report.drop("a name that another photo has already", place)
        else:
            items[name] = {"name": name, "picture": file, "made_from": [file]}
    return list(items.values())


def read_photo(item: dict, out: str, size: int, smallest: int) -> dict:
    """Write imgs/NAME.jpg of {name, picture}; returns {"picture", "units", "mood", "notes"} or
    {"dropped": why}."""
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
        portrait = crops.canonical(photo, faces[0])
        if portrait.side < smallest:
            return {"dropped": crops.SMALL}
        animator = crops.reader()
        reading = animator.read(animator.encode(portrait))
    picture = f"imgs/{item['name']}.jpg"
    write(Path(out) / picture, crops.encoded(portrait.face(size)))
    return {
        "picture": picture,
        "units": [5 * value for value in units_of(reading).values],
        "mood": list(mood_of(reading).values),
        "notes": [crops.SEVERAL_FACES] if len(faces) > 1 else [],
    }
