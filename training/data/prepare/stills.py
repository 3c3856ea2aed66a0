"""Finding and cropping the pictures of labelled names, for `openface` and `affectnet`."""

from pathlib import Path

from .files import PictureIndex


def add_pictures(job, options, pictures: PictureIndex, requested: dict[str, dict]) -> list[str]:
    """Write imgs/NAME.jpg of every name that has a picture with a face; return those names.

    requested: name -> {"candidates": names that its picture may have, "box": of its face, x0, y0,
    x1, y1 [px], or None}.
    """
    from .crops import crop_picture, detector_notes

    for text in () if options.cropped else detector_notes():
        job.report.note(text)
    items, used = [], set()
    for name, request in requested.items():
        path = pictures.find(*request["candidates"])
        if not isinstance(path, Path):
            job.report.drop(path, name)
            continue
        used.add(path)
        path = str(path.resolve())
        items.append(
            {"name": name, "picture": path, "box": request.get("box"), "made_from": [path]}
        )
    unused = len(pictures.paths) - len(used)
    job.report.note("pictures without a usable label", unused)
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
    return [item["name"] for item, _ in job.kept(items, results)]
