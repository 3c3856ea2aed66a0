"""Canonical face crops by the project's face detector and aligner."""

from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from moodganimation.animator import ALIGNER, Animator
from moodganimation.errors import UnreadableImage
from moodganimation.faces.alignment import align, load_aligner
from moodganimation.faces.detection import crop_from_box, default_finder
from moodganimation.faces.portrait import Portrait
from moodganimation.media.images import read_image

from .files import write_atomically

QUALITY = 95  # of JPEG files
UNREADABLE = "the picture cannot be read: damaged, not a picture, or less than 32 pixels a side"
NO_FACE = "no face was found"
TOO_SMALL = "the face is too small"
SEVERAL_FACES = "several faces: the largest was taken"
BAD_BOX = "the face box of the table is invalid: the face was detected instead"
NOT_SQUARE = "not square, though --cropped: stretched"
RESIZED = "of another size, though --cropped: resized"


@contextmanager
def single_threaded():
    """Run torch and OpenCV with one thread, so that sums do not depend on machine and executor."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


class FaceTools(NamedTuple):
    """The networks that find and crop faces."""

    finder: Callable[[np.ndarray], list[np.ndarray]]  # the face detector, see faces.detection
    aligner: torch.nn.Module
    unavailable: list  # better detectors that could not be used, with `name` and `reason`


@cache
def face_tools() -> FaceTools:
    """Load the face tools of this process."""
    finder, unavailable = default_finder()
    return FaceTools(finder, load_aligner(ALIGNER), unavailable)


@cache
def animator() -> Animator:
    """Load the shipped model, which reads Action Units; on the CPU, for reproducible results."""
    return Animator.load(device="cpu", finder=face_tools().finder)


def detector_notes() -> list[str]:
    """Return notes about detectors that could not be used."""
    return [
        f"{detector.name} could not be used ({detector.reason}): faces were found with "
        f"{face_tools().finder.name}, which misses more of them"
        for detector in face_tools().unavailable
    ]


def find_faces(photo: np.ndarray) -> list[np.ndarray]:
    """Detect faces; return coarse `to_face` matrices (2, 3), largest first."""
    return face_tools().finder(photo)


def align_portrait(photo: np.ndarray, to_face: np.ndarray) -> Portrait:
    """Correct a coarse `to_face` matrix (2, 3) by the aligner; return the portrait."""
    return Portrait(photo, align(face_tools().aligner, photo, to_face), "")


def as_jpeg(picture: np.ndarray, quality: int = QUALITY) -> bytes:
    """Encode a picture (H, W, 3) uint8 RGB as JPEG."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def crop_picture(item: dict, out: str, size: int, smallest: int, cropped: bool) -> dict:
    """Crop a picture and write imgs/NAME.jpg for the item {name, picture[, box]}.

    box: x0, y0, x1, y1 of the face [px]. size: side of the crop [px]. smallest: least side of the
    crop in the picture [px]. cropped: the picture is a canonical crop already. Returns {"picture":
    its path in `out`, "notes": texts} or {"dropped": reason}.
    """
    picture, notes = f"imgs/{item['name']}.jpg", []
    with single_threaded():
        try:
            photo = read_image(Path(item["picture"]))
        except UnreadableImage:
            return {"dropped": UNREADABLE}
        if cropped:
            data, notes = _existing_crop(Path(item["picture"]), photo, size)
        else:
            to_face, notes = _face_of(photo, item.get("box"))
            if to_face is None:
                return {"dropped": NO_FACE}
            portrait = align_portrait(photo, to_face)
            if portrait.side < smallest:
                return {"dropped": TOO_SMALL}
            data = as_jpeg(portrait.face(size))
    write_atomically(Path(out) / picture, data)
    return {"picture": picture, "notes": notes}


def _face_of(photo: np.ndarray, box: list | None) -> tuple[np.ndarray | None, list[str]]:
    """The coarse `to_face` (2, 3) of a photo, by a box or by detection, and notes; None if no face
    is found."""
    notes = []
    if box is not None:
        x0, y0, x1, y1 = box
        height, width = photo.shape[:2]
        inside = -1 <= x0 < x1 <= width + 1 and -1 <= y0 < y1 <= height + 1
        if inside and min(x1 - x0, y1 - y0) >= 16:
            return crop_from_box(*box), notes
        notes.append(BAD_BOX)
    faces = find_faces(photo)
    if len(faces) > 1:
        notes.append(SEVERAL_FACES)
    return (faces[0] if faces else None), notes


def _existing_crop(path: Path, photo: np.ndarray, size: int) -> tuple[bytes, list[str]]:
    """The bytes of a given crop, unchanged if it is a JPEG of the right size; and notes."""
    height, width = photo.shape[:2]
    if (height, width) == (size, size):
        data = path.read_bytes()
        # other readers may ignore an EXIF rotation or a color profile
        plain = data[:2] == b"\xff\xd8" and b"Exif\0" not in data and b"ICC_PROFILE" not in data
        return (data if plain else as_jpeg(photo)), []
    method = cv2.INTER_AREA if min(height, width) > size else cv2.INTER_LINEAR
    face = cv2.resize(photo, (size, size), interpolation=method)
    return as_jpeg(face), [RESIZED] if height == width else [RESIZED, NOT_SQUARE]
