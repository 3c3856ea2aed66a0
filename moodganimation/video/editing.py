"""Edit films: change the expression of faces on every frame; all else stays unchanged.

film = open_film("talk.mp4")
edit_video(animator, film, "smiling.mp4", offset_by({"AU12": 0.6}))
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..animator import Animator
from ..deprecation import renamed_parameters
from ..errors import InvalidExpression, Message, NoFaceFound
from ..expressions.moods import convert_expression
from ..expressions.request import Offset, add_offset, split_offset
from ..expressions.spaces import Expression, ExpressionSpace
from ..media.video_reader import Film
from ..media.video_writer import check_film_path, limit_fps_for, write_film
from ..runtime.threads import prefetch
from .tracking import SmoothedFace, track

MAX_STRENGTH = 2.0  # factor of a change
MAX_FACES = 8  # edited on a frame
# A film of which the header declares n frames is reported as truncated if it has at most
# TRUNCATED_SHARE * n - SLACK_FRAMES, since headers are not exact.
TRUNCATED_SHARE, SLACK_FRAMES = 0.9, 2

# From a time in the film [s] and a face's reading (in ACTION_UNITS or FACS) to its target
# expression.
TargetFunction = Callable[[float, Expression], Expression]
# Called after every frame with the number of frames done and about how many there are, None if
# unknown. It may raise `Cancelled` to stop the work; nothing is written then.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class EditedVideo:
    """The result of `edit_video`."""

    path: Path
    frames: int
    edited: int  # frames with a face; the others are unchanged
    notes: list[str]  # sentences about what was changed or lost


@renamed_parameters(again="repeat")
def offset_by(
    change: Offset | Sequence[Offset] | Callable[[float], Offset],
    strength: float = 1.0,
    fps: float | None = None,
    repeat: bool = False,
    space: ExpressionSpace | None = None,
) -> TargetFunction:
    """Return a function that adds `strength` times a change to the reading.

    change: a constant change (axes as in `expressions.request`); a sequence with one change for
    each frame at `fps`, which starts again at its end if `repeat`, else stays at its last change;
    or a function of the time [s]. Values are clipped to the axes' ranges. space: the generator's,
    so that axes that it does not have are an error. Raises InvalidExpression: for the changes of a
    function, or of a sequence that is no list or tuple, only when one of them is used.
    """
    check_strength(strength)
    if callable(change):
        return lambda seconds, reading: add_offset(
            reading, split_offset(change(seconds), space), strength
        )
    if isinstance(change, Mapping | Expression):
        space_offsets = split_offset(change, space)
        return lambda seconds, reading: add_offset(reading, space_offsets, strength)
    if not (change and fps):
        raise InvalidExpression("A sequence of changes must not be empty and needs fps.")
    if isinstance(change, list | tuple):
        space_offsets_at = [split_offset(one, space) for one in change].__getitem__
    else:  # a lazy sequence, as the samples of a timeline

        def space_offsets_at(number: int) -> list:
            return split_offset(change[number], space)

    def target(seconds: float, reading: Expression) -> Expression:
        count, number = len(change), round(seconds * fps)
        number = number % count if repeat else min(number, count - 1)
        return add_offset(reading, space_offsets_at(number), strength)

    return target


def blend_to(target: Expression, strength: float = 1.0) -> TargetFunction:
    """Return a function that moves the reading towards an expression.

    strength: 0 keeps the reading, 1 reaches the expression; up to MAX_STRENGTH goes beyond it, and
    the values are clipped to the axes' ranges.
    """
    check_strength(strength)
    return lambda seconds, reading: reading.blend_to(
        convert_expression(target, reading.space, reading), strength
    )


@renamed_parameters(wish="target", most="max_faces")
def edit_video(
    animator: Animator,
    film: Film,
    out: str | Path,
    target: TargetFunction,
    *,
    max_faces: int = 1,
    progress: Progress | None = None,
    recipe: str | None = None,
    label: bool = False,
) -> EditedVideo:
    """Edit up to `max_faces` faces of a film, chosen as by `track`, and write it to `out`.

    An .mp4 has the film's frame rate and audio; .gif and .webp are possible, too. Frames without a
    face stay as they are. Where a face appears or disappears within a scene, its edit fades in or
    out. Every frame is edited by itself, also by recurrent generators. Only a few frames are in
    memory. recipe, label: as for `write_film`.

    Raises NoFaceFound if no frame shows a face, UnreadableFile, Unwritable and InvalidExpression;
    then nothing is written.
    """
    film = limit_fps_for(film, out)
    check_film_path(out, film)
    check_faces(max_faces)
    done, edited, covered, angles = 0, 0, 0, Counter()  # frame counts, see `_face_notes`

    def edited_frames() -> Iterator[np.ndarray]:
        nonlocal done, edited, covered
        for tracked_frame, smoothed_faces in tracked:
            picture = tracked_frame.frame
            for face in smoothed_faces:
                picture = edit_face(animator, picture, face, target, tracked_frame.seconds)
            yield picture
            done, edited = done + 1, edited + bool(smoothed_faces)
            covered += any(face.portrait.mouth_covered for face in smoothed_faces)
            angles.update({face.portrait.roll_degrees for face in smoothed_faces} - {0})
            report_progress(progress, done, film)
        if not edited:
            raise NoFaceFound(no_face_message(film, done))

    with (
        closing(film.frames()) as frames,
        closing(prefetch(track(animator, frames, float(film.fps), max_faces))) as tracked,
    ):
        notes = write_film(out, edited_frames(), film, recipe=recipe, label=label)
    face_notes = _face_notes(covered, angles, done)
    notes = [*film.notes, *truncation_notes(film, done), *notes, *face_notes]
    return EditedVideo(Path(out), done, edited, notes)


def report_progress(progress: Progress | None, done: int, film: Film) -> None:
    """Call `progress`, if given, with the number of frames that are done."""
    if progress is not None:
        total = film.estimated_frames
        progress(done, None if total is None else max(done, total))


def no_face_message(film: Film, frames: int) -> Message:
    """The message of NoFaceFound if none of the `frames` decoded frames shows a face."""
    return Message(
        "No face was found in any of the {} frames of {}. Use a video in which a face looks "
        "towards the camera.",
        frames,
        film.path,
    )


def truncation_notes(film: Film, frames: int) -> list[Message]:
    """A sentence if far fewer frames were decoded than the header of a film declares."""
    total = film.estimated_frames
    if total is None or frames > TRUNCATED_SHARE * total - SLACK_FRAMES:
        return []
    shown = float(frames / film.fps)
    seconds = f"{shown:.1f}", f"{film.seconds:.1f}"
    return [
        Message(
            "The video track ends after {} of {} seconds; the file may be incomplete: download or "
            "copy it again.",
            *seconds,
        )
    ]


def _face_notes(covered: int, angles: Counter[int], frames: int) -> list[Message]:
    """Sentences about the faces of a film.

    covered: number of frames with a covered mouth. angles: number of frames with a face that is
    not upright, by its clockwise rotation [degrees]. frames: number of all frames.
    """
    notes = []
    if covered:
        notes.append(
            Message(
                "The mouth seems to be covered on {} of {} frames: the lower part of the face "
                "stays as it is there.",
                covered,
                frames,
            )
        )
    for angle, count in angles.most_common(1):
        if angles.total() > frames / 2:
            notes.append(
                Message(
                    "The face is turned by {} degrees clockwise on {} of {} frames. It was edited "
                    "that way; the video keeps its orientation.",
                    angle,
                    count,
                    frames,
                )
            )
    return notes


def edit_face(
    animator: Animator,
    picture: np.ndarray,
    face: SmoothedFace,
    target: TargetFunction,
    seconds: float,
) -> np.ndarray:
    """Edit one face of a frame; return the picture with the edit in it.

    The result shows the target expression where `face.presence` is 1; below, a blend of it and the
    face's own expression with that weight.

    picture: (H, W, 3) uint8 RGB, the frame, possibly with other faces edited already.
    """
    reading = face.portrait.reading
    portrait = animator.encode(replace(face.portrait, photo=picture), reading)
    expression = convert_expression(target(seconds, reading), animator.space, reading)
    start = animator.start(portrait)
    return animator.edit(portrait, start.blend_to(expression, face.presence)).image


def check_faces(count: int) -> None:
    """Raise InvalidExpression for a number of faces that cannot be edited."""
    if not 1 <= count <= MAX_FACES:
        raise InvalidExpression("From 1 to {} faces can be edited, got {}.", MAX_FACES, count)


def check_strength(strength: float) -> float:
    """Return `strength` if it is in range; else raise InvalidExpression."""
    if not 0 <= strength <= MAX_STRENGTH:
        raise InvalidExpression(
            "Strength must be from 0 to {}, got {}.", f"{MAX_STRENGTH:g}", strength
        )
    return strength
