"""Pictures of labelled names: found, cropped and counted. What openface and affectnet share."""

from pathlib import Path

from .files import Pictures


def add_pictures(job, options, pictures: Pictures, wanted: dict[str, dict]) -> list[str]:
    """Write imgs/NAME.jpg of every name that has a picture with a face; returns those names.

    wanted: name -> {"find": names of its picture, tried in turn; "box": of its face, or None}.
    """
    from .crops import crop_picture, remarks

    for text in () if options.cropped else remarks():
        job.report.note(text)
    items, used = [], set()
    for name, facts in wanted.items():
        path = pictures.find(*facts["find"])
        if not isinstance(path, Path):
            job.report.drop(path, name)
            continue
        used.add(path)
        path = str(path.resolve())
        items.append({"name": name, "picture": path, "box": facts.get("box"), "made_from": [path]})
    unused = len(pictures.paths) - len(used)
    job.report.note("pictures that no kept label names", unused)
    (job.out / "imgs").mkdir(exist_ok=True)
    results = job.map(
        "crops",
        crop_picture,
        items,
        out=str(job.out),
        size=options.size,
        smallest=options.smallest,
        cropped=options.cropped,
    )
    kept = []
    for item, result in zip(items, results, strict=True):
        if "dropped" in result:
            job.report.drop(result["dropped"], item["name"])
            continue
        kept.append(item["name"])
        for note in result["notes"]:
            job.report.note(note, 1)
    return kept
