"""Clips as MoodGANimation shows them: what a generator saw and said, beside what was filmed."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..animator import Animator
from ..errors import Message, NoFaceFound
from ..frame import Frame
from ..media.figures import COLUMNS, blank, columns, row
from ..media.images import EDITED, write_image
from ..media.video_reader import read_frames
from ..media.video_writer import write_animation

FILMED = "Filmed faces, beside which MoodGANimation edited others"
LEAST_SIDE = 128  # of a column [px]; generators of larger faces have larger columns


def filmed_faces(
    animator: Animator, film: str | Path, numbers: list[int], side: int
) -> tuple[list[np.ndarray], list[str]]:
    """The faces of a film's frames, (side, side, 3) each, found and cropped as a photo's is.

    Grey where there is no such frame or nobody on it; sentences say how often. Raises
    UnreadableFile.
    """
    faces = {}
    for number, photo in read_frames(film, numbers):
        try:
            faces[number] = animator.locate(photo).face(side)
        except NoFaceFound:
            faces[number] = None
    notes = []
    missing = sum(number not in faces for number in numbers)
    if missing:
        notes.append(
            Message(
                "{} ends before {} of the {} frames; they are grey.", film, missing, len(numbers)
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
    labels: bool = False,
    recipe: str | None = None,
    label: bool = False,
) -> list[Path]:
    """An animation of the columns of every frame, and beside it STEM_composite.png,
    STEM_attention.png, STEM_color.png (and STEM_truth.png): one column each, frames side by side.

    recipe: `Recipe.text()`, kept in all but what was filmed. label: says in a corner of all but
    that, too, that it was edited. Returns their paths. Raises Unwritable.
    """
    strips: dict[str, list[np.ndarray]] = {}

    def shown():
        for count, frame in enumerate(frames):
            pictures = frame.columns(side) + ([truth[count]] if truth else [])
            for name, picture in zip(COLUMNS, pictures, strict=False):
                strips.setdefault(name, []).append(picture)
            yield columns(pictures, labels)

    paths = [write_animation(out, shown(), fps, recipe=recipe, label=label)]
    for name in COLUMNS[1:]:
        if name in strips:
            what = "composite" if name == "generated" else name
            paths.append(paths[0].with_name(f"{paths[0].stem}_{what}.png"))
            said = (FILMED,) if name == "truth" else (EDITED, recipe, label)
            write_image(paths[-1], row(strips[name]), *said)
    return paths
