"""Video editing: the faces of every frame get another expression, the rest stays as it is.

film = open_film("talk.mp4")
edit_video(animator, film, "smiling.mp4", offset_by({"AU12": 0.6}))
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..animator import Animator
from ..errors import InvalidExpression, Message, NoFaceFound
from ..expressions.moods import in_space
from ..expressions.request import Change, add_offset, offset_steps
from ..expressions.spaces import Expression, ExpressionSpace
from ..media.video_reader import Film
from ..media.video_writer import check_film, write_film
from ..runtime.threads import prefetch
from .tracking import Steady, follow

STRONGEST = 2.0  # times that a change may be taken
MOST_FACES = 8  # of a frame

# The target expression at a time in the film [s] of a face with these Action Units.
TargetFunction = Callable[[float, Expression], Expression]
# Called after every frame with how many are done and about how many there are, None for unknown.
# What it raises ends the work, and nothing is written: `Cancelled` is for that.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class EditedVideo:
    """What became of a film."""

    path: Path
    frames: int
    edited: int  # frames with a face; the others are as they were
    notes: list[str]  # what was changed or lost on the way, in sentences for people


def offset_by(
    change: Change | Sequence[Change] | Callable[[float], Change],
    strength: float = 1.0,
    fps: float | None = None,
    again: bool = False,
    space: ExpressionSpace | None = None,
) -> TargetFunction:
    """Return a function that adds `strength` times a change to the reading.

    change: a constant change (axes as in `expressions.request`); a sequence with one change for
    each frame at `fps`, which repeats if `again` and else stays at its last; or a function of the
    time [s]. Values are clipped to the axes' ranges. space: the generator's, so that axes that it
    does not have are an error. Raises InvalidExpression; for the changes of a function, when it is
    called.
    """
    check_strength(strength)
    if callable(change):
        return lambda seconds, reading: add_offset(
            reading, offset_steps(change(seconds), space), strength
        )
    if isinstance(change, Mapping | Expression):
        steps = offset_steps(change, space)
        return lambda seconds, reading: add_offset(reading, steps, strength)
    timeline = [offset_steps(one, space) for one in change]
    if not (timeline and fps):
        raise InvalidExpression("A sequence of changes has at least one, and frames a second.")

    def target(seconds: float, reading: Expression) -> Expression:
        count, number = len(timeline), round(seconds * fps)
        number = number % count if again else min(number, count - 1)
        return add_offset(reading, timeline[number], strength)

    return target


def blend_to(target: Expression, strength: float = 1.0) -> TargetFunction:
    """Return a function that moves the reading by the share `strength` towards an expression."""
    check_strength(strength)
    return lambda seconds, reading: reading.towards(
        in_space(target, reading.space, reading), strength
    )


def edit_video(
    animator: Animator,
    film: Film,
    out: str | Path,
    wish: TargetFunction,
    *,
    most: int = 1,
    progress: Progress | None = None,
    recipe: str | None = None,
    label: bool = False,
) -> EditedVideo:
    """Write a film in which up to `most` faces, the largest first, show what is wished, to an .mp4
    of its pace and with its sound.

    Frames without a face are passed on as they are. An edit sets in and ends softly where a face
    appears or is lost within a scene. Every frame is edited for itself, also by generators with a
    memory. Holds a few frames, however long the film is. recipe, label: as for
    `write_film`. Raises NoFaceFound if there is nobody in the whole film, UnreadableFile,
    Unwritable and InvalidExpression; nothing is written then.
    """
    check_film(out, film)
    if not 1 <= most <= MOST_FACES:
        raise InvalidExpression("From 1 to {} faces can be edited, got {}.", MOST_FACES, most)
    done = edited = 0

    def pictures() -> Iterator[np.ndarray]:
        nonlocal done, edited
        for moment, faces in moments:
            picture = moment.photo
            for face in faces:
                picture = edit_face(animator, picture, face, wish, moment.seconds)
            yield picture
            done, edited = done + 1, edited + bool(faces)
            report(progress, done, film)
        if not edited:
            raise NoFaceFound(no_face_message(film, done))

    with (
        closing(film.frames()) as photos,
        closing(prefetch(follow(animator, photos, float(film.fps), most))) as moments,
    ):
        notes = write_film(out, pictures(), film, recipe=recipe, label=label)
    notes = [*film.notes, *truncation_notes(film, done), *notes]
    return EditedVideo(Path(out), done, edited, notes)


def report(progress: Progress | None, done: int, film: Film) -> None:
    if progress is not None:
        progress(done, None if film.count is None else max(done, film.count))


def no_face_message(film: Film, frames: int) -> Message:
    return Message(
        "No face was found in any of the {} frames of {}. Use a film in which a face looks towards "
        "the camera.",
        frames,
        film.path,
    )


def truncation_notes(film: Film, frames: int) -> list[Message]:
    """A sentence if a film had far fewer frames than its header says."""
    if film.count is None or frames > 0.9 * film.count - 2:
        return []
    shown = float(frames / film.fps)
    seconds = f"{shown:.1f}", f"{film.seconds:.1f}"
    return [Message("The picture ends after {} of {} seconds.", *seconds)]


def edit_face(
    animator: Animator, picture: np.ndarray, face: Steady, wish: TargetFunction, seconds: float
) -> np.ndarray:
    """A frame with what is wished on one of its faces."""
    reading = face.portrait.reading
    portrait = animator.encode(replace(face.portrait, photo=picture), reading)
    wished = in_space(wish(seconds, reading), animator.space, reading)
    start = animator.start(portrait)
    return animator.edit(portrait, start.towards(wished, face.presence)).image


def check_strength(strength: float) -> float:
    if not 0 <= strength <= STRONGEST:
        raise InvalidExpression(
            "Strength must be from 0 to {}, got {}.", f"{STRONGEST:g}", strength
        )
    return strength
