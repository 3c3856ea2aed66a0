"""Turn the options of the command line into model, portrait, expressions and timelines."""

import dataclasses
import math
from collections.abc import Callable

from ..animation.easing import MAX_ANIMATION_FRAMES
from ..animation.named_timelines import TIMELINES, named_timeline
from ..animation.timeline import FilmTimeline, Timeline, read_timeline
from ..animation.trajectories import Trajectory, read_trajectory
from ..animator import DEFAULT_CHECKPOINT, Animator
from ..errors import InvalidExpression, Message, NoFaceFound, Problem
from ..expressions.request import ExpressionRequest, resolve
from ..expressions.spaces import (
    ACTION_UNITS,
    FACS,
    SPACES,
    Expression,
    ExpressionSpace,
    space_named,
)
from ..faces.portrait import Portrait
from ..media.images import Photo, check_picture_path, read_image, read_photo
from ..media.video_reader import Film, read_frames
from ..media.video_writer import max_fps
from ..recipe import FacePlace, Fingerprint, Recipe
from ..runtime.threads import limit_torch_threads
from ..video.editing import TargetFunction, offset_by
from .console import print_messages

DEFAULT_FPS = 24
DEFAULT_FRAMES = 24
# Options of `animate` -> the options that each needs, and those that it excludes.
NEEDS = {
    "axes": ["trajectory"],
    "clip": ["trajectory"],
    "start": ["trajectory"],
    "truth": ["trajectory", "columns"],
    "labels": ["columns"],
}
# Options of the way from the photo's expression to a target expression.
_INTERPOLATION = ["set", "preset", "like", "look", "easing", "hold", "ping_pong"]
EXCLUDES = {
    "trajectory": _INTERPOLATION,
    "timeline": ["trajectory", "frames", *_INTERPOLATION],
    "columns": ["view", "size", "label"],
}
# Options that change the expression; `film` and `batch` need at least one of theirs.
CHANGE_OPTIONS = ("set", "preset", "like", "look")
FILM_CHANGE_OPTIONS = ("add", *CHANGE_OPTIONS, "trajectory", "timeline")
BATCH_CHANGE_OPTIONS = (*CHANGE_OPTIONS, "recipe")


def require_change(options, *names: str) -> None:
    """Raise Problem if none of these options, which change the expression, is given."""
    if not any(getattr(options, name) for name in names):
        *others, last = (f"--{name}" for name in names)
        raise Problem("Nothing would change: give {} or {}.", ", ".join(others), last)


def region_names(options) -> list[str]:
    """The names in --regions, between commas, in lower case and without blanks."""
    names = (name.strip().lower() for name in options.regions.split(","))
    return [name for name in names if name]


def load_and_locate(options, keep_16bit: bool = False) -> tuple[Animator, Photo, Portrait]:
    """Load the animator, read PHOTO, and locate its face. keep_16bit: as for `read_photo`."""
    animator = check_and_load(options)
    return animator, *locate(options, animator, keep_16bit=keep_16bit)


def check_and_load(options, check: Callable[[str], object] = check_picture_path) -> Animator:
    """Check the request and the files to write, then load the animator.

    check: called with the path --out; raises Problem if it cannot be written.
    """
    if hasattr(options, "preset"):
        expression_request(options)
    if getattr(options, "out", None):
        check(options.out)
    if getattr(options, "panels", None):
        check_picture_path(options.panels)
    animator = Animator.load(options.checkpoint, options.device)
    animator = animator.with_detail(getattr(options, "detail", 1.0))
    if animator.generator.moves_pixels:  # its edits take so little time that threads slow it down
        limit_torch_threads()
    for missing in animator.unavailable:
        print_messages(f"{missing.name} cannot be used here: {missing.reason}")
    return animator


def locate(
    options, animator: Animator, trajectory: Trajectory | None = None, keep_16bit: bool = False
) -> tuple[Photo, Portrait]:
    """Read PHOTO and locate its face; print the notes about both.

    If PHOTO is the film in --truth, the photo is the first frame that the trajectory names.
    """
    if trajectory and options.truth == options.photo:
        frame = next(read_frames(options.truth, trajectory.frame_numbers[:1]))[1]
        photo = Photo(frame, frame)
    else:
        photo = read_photo(options.photo, keep_16bit)
    print_messages(*photo.notes)
    portrait = animator.locate(photo.pixels, options.box)
    print_messages(f"face: {portrait.found_by}", *portrait.notes)
    return photo, portrait


def expression_request(options) -> ExpressionRequest:
    """The request of --preset, --intensity, --set and --look. Raises InvalidExpression."""
    axes = _axis_values(options.set, "set")
    return ExpressionRequest(options.preset, options.intensity, axes, look=options.look)


def like_reading(options, animator: Animator) -> Expression | None:
    """Read the expression in the photo of --like, if given.

    Raises UnreadableImage and NoFaceFound, which name the file.
    """
    if not options.like:
        return None
    try:
        other = animator.locate(read_image(options.like))
    except NoFaceFound:
        raise NoFaceFound(
            "No face was found in {}. Use a picture in which the face looks towards the camera.",
            options.like,
        ) from None
    print_messages(f"face of {options.like}: {other.found_by}", *other.notes)
    return other.reading


def target_function(
    options, animator: Animator, like: Expression | None = None
) -> Callable[[Expression], Expression]:
    """The function from a face's reading to its target expression in the generator's space.

    like: the reading of --like; it is read here if not given.
    """
    request, space = expression_request(options), animator.space
    request = dataclasses.replace(request, like=like or like_reading(options, animator))
    return lambda reading: resolve(request, reading, space)


def print_unknown_axes(space: ExpressionSpace) -> None:
    """Print a sentence if the meaning of the axes of a space is unknown."""
    if space.name not in SPACES:
        print_messages(
            f"The meaning of the model's axes {', '.join(space.keys)} is unknown. They start at 0; "
            "the expression in the photo is not used."
        )


def target_expression(options, animator: Animator, portrait: Portrait) -> Expression:
    """The target expression of one photo. Prints a sentence if its axes are unknown."""
    print_unknown_axes(animator.space)
    return target_function(options, animator)(portrait.reading)


def film_target_function(options, animator: Animator, film: Film) -> TargetFunction:
    """The function from a time in a film and a face's reading to its target expression.

    The values of --add, --trajectory and --timeline are added to the reading, then --like,
    --preset, --set and --look apply as in a photo. Prints a sentence if its axes are unknown.
    """
    print_unknown_axes(animator.space)
    target, offsets = target_function(options, animator), []
    unit_space = FACS if animator.space == FACS else ACTION_UNITS
    if options.add:
        offsets.append(offset_by(_axis_values(options.add, "add"), space=animator.space))
    if options.trajectory:
        axes = space_named(options.axes) if options.axes else None
        trajectory = read_trajectory(options.trajectory, unit_space, headerless_space=axes)
        offsets.append(offset_by(trajectory.expressions, fps=trajectory.fps or float(film.fps)))
        print_messages(*trajectory.notes)
    if options.timeline:
        timeline = _timeline_named(options.timeline, FilmTimeline)(Expression.neutral(unit_space))
        changes, repeat = timeline.sampled(unit_space), timeline.mode != "once"
        offsets.append(offset_by(changes, fps=timeline.fps, repeat=repeat))

    def film_target(seconds: float, reading: Expression) -> Expression:
        for offset in offsets:
            reading = offset(seconds, reading)
        return target(reading)

    # Raises for an invalid request before the film is read.
    film_target(0.0, Expression.neutral(animator.reader_space))
    return film_target


def check_combinations(options) -> None:
    """Raise Problem for options of `animate` that cannot be combined."""
    for option, others in NEEDS.items():
        for other in others:
            if getattr(options, option) and not getattr(options, other):
                raise Problem("--{} needs --{}.", option, other)
    for option, others in EXCLUDES.items():
        for other in others:
            if getattr(options, option) and getattr(options, other):
                raise Problem("--{} cannot be combined with --{}.", other.replace("_", "-"), option)


def trajectory_from_file(options, animator: Animator) -> Trajectory | None:
    """Read the trajectory in --trajectory, if given; print what was changed or left out.

    Also sets `options.fps`, if it is None, to the rate of the file's rows or DEFAULT_FPS.
    """
    if not options.trajectory:
        return None
    trajectory = read_trajectory(
        options.trajectory,
        animator.space,
        headerless_space=space_named(options.axes) if options.axes else None,
        clip=options.clip,
        start=options.start or 0,
        frames=options.frames,
    )
    if options.fps is None:
        trajectory, options.fps = with_supported_fps(trajectory, max_fps(options.out))
    min_frames = 2 if options.columns else 1
    if not min_frames <= len(trajectory.expressions) <= MAX_ANIMATION_FRAMES:
        raise InvalidExpression(
            "An animation has {} to {} frames, but {} has {}: select rows by --start and --frames.",
            min_frames,
            MAX_ANIMATION_FRAMES,
            options.trajectory,
            len(trajectory.expressions),
        )
    print_messages(*trajectory.notes)
    return trajectory


def with_supported_fps(trajectory: Trajectory, max_rate: int) -> tuple[Trajectory, float]:
    """The trajectory and the frame rate of its rows, or DEFAULT_FPS if they have no times.

    If there are more rows per second than `max_rate`, only every n-th is kept. A rate below 1 is
    raised to 1.
    """
    if trajectory.fps is None:
        return trajectory, DEFAULT_FPS
    step = math.ceil(trajectory.fps / max_rate - 1e-9)
    kept = {
        "expressions": trajectory.expressions[::step],
        "frame_numbers": trajectory.frame_numbers[::step],
    }
    fps = max(1.0, trajectory.fps / step)
    note = Message("{} frames per second, from the times of the rows.", f"{fps:.4g}")
    if step > 1:
        note = Message(
            "The table has {} rows per second: one in {} is shown.", f"{trajectory.fps:.4g}", step
        )
    elif trajectory.fps < 1:
        note = Message(
            "The table has {} rows per second: the lowest frame rate is 1.", f"{trajectory.fps:.4g}"
        )
    return dataclasses.replace(trajectory, **kept, notes=[*trajectory.notes, note]), fps


def timeline_factory(options) -> Callable[[Expression], Timeline] | None:
    """The function that makes the timeline of --timeline from its first expression, if given.

    Its frame rate is --fps, or else its own. Also sets `options.fps` if it is None, unless there is
    a trajectory.
    """
    make = _timeline_named(options.timeline) if options.timeline else None
    if options.fps is None and not options.trajectory:
        options.fps = make(Expression.neutral(FACS)).fps if make else DEFAULT_FPS
    return make and (lambda start: dataclasses.replace(make(start), fps=options.fps))


def _timeline_named(name: str, kind: type[Timeline] = Timeline) -> Callable[[Expression], Timeline]:
    """The function that makes a timeline from its first expression.

    name: of a timeline or of a file, whose timeline is independent of that expression. Raises what
    `read_timeline` raises.
    """
    if name in TIMELINES:
        return lambda start: named_timeline(name, start)
    timeline = read_timeline(name, kind)
    return lambda start: timeline


def interpolation(options, animator: Animator, portrait: Portrait) -> Timeline:
    """The timeline from the photo's expression to the target expression."""
    return Timeline.between(
        animator.start(portrait),
        target_expression(options, animator, portrait),
        DEFAULT_FRAMES if options.frames is None else options.frames,
        options.fps,
        options.easing or "smooth",
        options.ping_pong,
        options.hold,
    )


def recipe_text(options, portrait: Portrait, /, **fields) -> str:
    """The recipe of a file made from the portrait, as text; fields: those of a `Recipe`."""
    if getattr(options, "detail", 1) != 1:
        fields["options"] = fields.get("options", {}) | {"detail": options.detail}
    checkpoint = Fingerprint.of(options.checkpoint or DEFAULT_CHECKPOINT)
    return Recipe(checkpoint, FacePlace.of(portrait), **fields).text()


def _axis_values(assignments: list[str] | None, option: str) -> dict[str, float]:
    """Parse AXIS=NUMBER; of a key that is given several times in one spelling, the last counts."""
    axes = {}
    for text in assignments or ():
        key, _, value = text.partition("=")
        try:
            axes[key] = float(value)
        except ValueError:
            raise InvalidExpression(
                "--{} takes AXIS=NUMBER, for instance AU12=0.8; got {}.", option, repr(text)
            ) from None
    return axes
