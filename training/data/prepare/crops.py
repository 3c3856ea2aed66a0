"""Canonical face crops: found with the project's own finder, set upright by its aligner."""

from contextlib import contextmanager
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch

from moodganimation.animator import ALIGNER, Animator
from moodganimation.errors import UnreadableImage
from moodganimation.faces.alignment import align, load_aligner
from moodganimation.faces.detection import default_finder, from_box
from moodganimation.faces.portrait import Portrait
from moodganimation.media.images import read_image

from .files import write

QUALITY = 95  # of JPEG files
UNREADABLE = "the picture cannot be read: damaged, not a picture, or less than 32 pixels a side"
NO_FACE = "no face was found"
SMALL = "the face is too small"
SEVERAL_FACES = "several faces: the largest was taken"
BAD_BOX = "the face box of the table cannot be used: our own finder was asked"
NOT_SQUARE = "not square, though --cropped: stretched"
RESIZED = "of another size, though --cropped: resized"


@contextmanager
def single_threaded():
    """The same numbers on every machine and engine: sums are taken in one order."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


@cache
def tools() -> tuple:
    """The finder, the aligner, and what had to be done without."""
    finder, unavailable = default_finder()
    return finder, load_aligner(ALIGNER), unavailable


@cache
def reader() -> Animator:
    """The shipped reader of Action Units, on the processor: the same numbers everywhere."""
    return Animator.load(device="cpu", finder=tools()[0])


def remarks() -> list[str]:
    """What people should know of the crops made here."""
    return [
        f"{lost.name} could not be used ({lost.reason}): faces were found with "
        f"{tools()[0].name}, which misses more of them"
        for lost in tools()[2]
    ]


def find_faces(photo: np.ndarray) -> list[np.ndarray]:
    """Coarse `to_face` matrices, largest first."""
    return tools()[0](photo)


def canonical(photo: np.ndarray, to_face: np.ndarray) -> Portrait:
    return Portrait(photo, align(tools()[1], photo, to_face), "")


def encoded(face: np.ndarray) -> bytes:
    """(H, W, 3) uint8 RGB as JPEG."""
    _, data = cv2.imencode(".jpg", face[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes()


def crop_picture(item: dict, out: str, size: int, smallest: int, cropped: bool) -> dict:
    """Write imgs/NAME.jpg for {name, picture[, box]}; box: x0, y0, x1, y1 [px].

    Returns {"picture": its path in `out`} or {"dropped": why}, and "notes".
    """
    picture, notes = f"imgs/{item['name']}.jpg", []
    with single_threaded():
        try:
            photo = read_image(Path(item["picture"]))
        except UnreadableImage:
            return {"dropped": UNREADABLE}
        if cropped:
            data, notes = _as_it_is(Path(item["picture"]), photo, size)
        else:
            to_face, notes = _face_of(photo, item.get("box"))
            if to_face is None:
                return {"dropped": NO_FACE}
            portrait = canonical(photo, to_face)
            if portrait.side < smallest:
                return {"dropped": SMALL}
            data = encoded(portrait.face(size))
    write(Path(out) / picture, data)
    return {"picture": picture, "notes": notes}


def _face_of(photo: np.ndarray, box: list | None) -> tuple[np.ndarray | None, list[str]]:
    notes = []
    if box is not None:
        x0, y0, x1, y1 = box
        height, width = photo.shape[:2]
        inside = -1 <= x0 < x1 <= width + 1 and -1 <= y0 < y1 <= height + 1
        if inside and min(x1 - x0, y1 - y0) >= 16:
            return from_box(*box), notes
        notes.append(BAD_BOX)
    faces = find_faces(photo)
    if len(faces) > 1:
        notes.append(SEVERAL_FACES)
    return (faces[0] if faces else None), notes


def _as_it_is(path: Path, photo: np.ndarray, size: int) -> tuple[bytes, list[str]]:
    """A crop that people made: the file itself where it is a JPEG of the right size."""
    height, width = photo.shape[:2]
    if (height, width) == (size, size):
        data = path.read_bytes()
        # EXIF may turn a picture and a profile may color it, which other readers would not heed
        plain = data[:2] == b"\xff\xd8" and b"Exif\0" not in data and b"ICC_PROFILE" not in data
        return (data if plain else encoded(photo)), []
    way = cv2.INTER_AREA if min(height, width) > size else cv2.INTER_LINEAR
    face = cv2.resize(photo, (size, size), interpolation=way)
    return encoded(face), [RESIZED] if height == width else [RESIZED, NOT_SQUARE]
