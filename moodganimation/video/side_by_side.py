"""Animations that show the outputs of a generator side by side, next to filmed faces."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..animator import Animator
from ..errors import Message, NoFaceFound
from ..frame import Frame
from ..media.figures import COLUMN_NAMES, blank, row, side_by_side
from ..media.images import check_picture_path, write_image
from ..media.provenance import EDITED
from ..media.video_reader import read_frames
from ..media.video_writer import write_animation

FILMED = "Filmed faces, beside which MoodGANimation edited others"  # description of STEM_truth.png
FILE_SUFFIXES = {"generated": "composite"}  # column -> suffix of its file, where they differ
MIN_COLUMN_SIDE = 128  # [px]; generators of larger faces have larger columns


def filmed_faces(
    animator: Animator, film_path: str | Path, numbers: list[int], side: int
) -> tuple[list[np.ndarray], list[str]]:
    """Locate and crop the faces of these frames of a film: (side, side, 3) uint8 each.

    A face is grey if the film has no such frame or the frame shows no face. Also returns sentences
    about how many are grey. Raises UnreadableFile.
    """
    faces = {}
    for number, frame in read_frames(film_path, numbers):
        try:
            faces[number] = animator.locate(frame).face(side)
        except NoFaceFound:
            faces[number] = None
    notes = []
    missing = sum(number not in faces for number in numbers)
    if missing:
        notes.append(
            Message(
                "{} ends before {} of the {} frames; they are grey.",
                film_path,
                missing,
                len(numbers),
            )
        )
    without_face = sum(face is None for face in faces.values())
    if without_face:
        notes.append(
            Message(
                "No face was found on {} of {} filmed frames; they are grey.",
                without_face,
                len(faces),
            )
        )
    tiles = [faces.get(number) for number in numbers]
    return [blank(side) if tile is None else tile for tile in tiles], notes


def write_columns(
    out: str | Path,
    frames: Iterable[Frame],
    side: int,
    fps: float,
    truth: list[np.ndarray] | None = None,
    captions: bool = False,
    recipe: str | None = None,
    label: bool = False,
) -> list[Path]:
    """Write an animation with the pictures of every frame side by side, and a PNG for each column.

    A PNG shows the pictures of its column from left to right, frame by frame. The first column,
    the original, has none.

    The PNGs are STEM_composite.png, STEM_attention.png, STEM_color.png and, with `truth`,
    STEM_truth.png. side: of a column [px]. truth: filmed faces, one per frame. captions: write the
    columns' names above them. recipe, label: as for `write_image`, in all files but STEM_truth.png.
    Returns the paths. Raises Unwritable.
    """
    out = Path(out)
    names = COLUMN_NAMES[1:] if truth else COLUMN_NAMES[1:-1]
    paths = {
        name: out.with_name(f"{out.stem}_{FILE_SUFFIXES.get(name, name)}.png") for name in names
    }
    for path in paths.values():  # before anything is drawn
        check_picture_path(path)
    columns: dict[str, list[np.ndarray]] = {}

    def joined_frames():
        for count, frame in enumerate(frames):
            pictures = frame.columns(side) + ([truth[count]] if truth else [])
            for name, picture in zip(COLUMN_NAMES, pictures, strict=False):
                columns.setdefault(name, []).append(picture)
            yield side_by_side(pictures, captions)

    write_animation(out, joined_frames(), fps, recipe=recipe, label=label)
    for name, path in paths.items():
        metadata = (FILMED,) if name == "truth" else (EDITED, recipe, label)
        write_image(path, row(columns[name]), *metadata)
    return [out, *paths.values()]
