"""From the options of the command line to a model, a portrait, an expression and a timeline."""

import dataclasses
from collections.abc import Callable

from ..animation.easing import MOST_FRAMES
from ..animation.named_timelines import TIMELINES, named_timeline
from ..animation.timeline import Timeline, read_timeline
from ..animation.trajectories import Trajectory, read_trajectory
from ..animator import DEFAULT_CHECKPOINT, Animator
from ..errors import InvalidExpression, Problem
from ..expressions.request import ExpressionRequest, resolve
from ..expressions.spaces import ACTION_UNITS, FACS, SPACES, Expression, space_named
from ..faces.portrait import Portrait
from ..media.images import check_picture, read_image
from ..media.video_reader import Film, read_frames
from ..recipe import Face, Fingerprint, Recipe
from ..runtime.threads import limit_torch_threads
from ..video.editing import TargetFunction, offset_by
from .console import say

# Options of `animate` that need another one, and those that exclude one another.
NEEDS = {
    "axes": ["trajectory"],
    "clip": ["trajectory"],
    "start": ["trajectory"],
    "truth": ["trajectory", "columns"],
    "labels": ["columns"],
}
_INTERPOLATION = ["set", "preset", "like", "look", "easing", "hold", "ping_pong"]
EXCLUDES = {
    "trajectory": _INTERPOLATION,
    "timeline": ["trajectory", "frames", *_INTERPOLATION],
    "columns": ["view", "size", "label"],
}


def opened(options) -> tuple[Animator, Portrait]:
    animator = load(options)
    return animator, locate(options, animator)


def load(options, check: Callable[[str], object] = check_picture) -> Animator:
    """Load the animator, after a check that the options name files that can be written and a
    request that is valid."""
    if hasattr(options, "preset"):
        expression_request(options)
    if getattr(options, "out", None):
        check(options.out)
    if getattr(options, "panels", None):
        check_picture(options.panels)
    animator = Animator.load(options.checkpoint, options.device)
    if animator.generator.moves_pixels:  # edits take less than waking a second thread
        limit_torch_threads()
    for missing in animator.unavailable:
        say(f"{missing.name} cannot be used here: {missing.reason}")
    return animator


def locate(options, animator: Animator, trajectory: Trajectory | None = None) -> Portrait:
    """The portrait in PHOTO, or in the film's first chosen frame where PHOTO is the film itself;
    says how the face was found."""
    if trajectory and options.truth == options.photo:
        photo = next(read_frames(options.truth, trajectory.frames[:1]))[1]
    else:
        photo = read_image(options.photo)
    portrait = animator.locate(photo, options.box)
    say(f"face: {portrait.finder}")
    return portrait


def expression_request(options) -> ExpressionRequest:
    """The request that --preset, --intensity, --set and --look make. Raises InvalidExpression."""
    axes = _axes(options.set, "set")
    return ExpressionRequest(options.preset, options.intensity, axes, look=options.look)


def target_function(options, animator: Animator) -> Callable[[Expression], Expression]:
    """The target expression in the generator's space, as a function of a face's Action Units.

    Reads the expression in --like.
    """
    request, space = expression_request(options), animator.space
    if space.name not in SPACES:
        say(
            f"What the axes {', '.join(space.keys)} mean is not known, so the photo's expression "
            "cannot be read into them: they start at 0."
        )
    if options.like:
        other = animator.locate(read_image(options.like))
        say(f"face of {options.like}: {other.finder}")
        request = dataclasses.replace(request, like=other.reading)
    return lambda reading: resolve(request, reading, space)


def target_expression(options, animator: Animator, portrait: Portrait) -> Expression:
    """The target expression of one photo."""
    return target_function(options, animator)(portrait.reading)


def film_target_function(options, animator: Animator, film: Film) -> TargetFunction:
    """The target expression of a film's faces: --add, --trajectory and --timeline are added to the
    reading, then --like, --preset and --set apply as in a photo."""
    target, offsets = target_function(options, animator), []
    units = FACS if animator.space == FACS else ACTION_UNITS
    if options.add:
        offsets.append(offset_by(_axes(options.add, "add"), space=animator.space))
    if options.trajectory:
        axes = space_named(options.axes) if options.axes else None
        trajectory = read_trajectory(options.trajectory, units, axes=axes)
        offsets.append(offset_by(trajectory.points, fps=float(film.fps)))
        say(*trajectory.notes)
    if options.timeline:
        timeline = _timeline(options.timeline)(Expression.neutral(units))
        points, repeats = timeline.expressions(units), timeline.mode != "once"
        offsets.append(offset_by(points, fps=timeline.fps, again=repeats))

    def film_target(seconds: float, reading: Expression) -> Expression:
        for offset in offsets:
            reading = offset(seconds, reading)
        return target(reading)

    film_target(0.0, Expression.neutral(animator.reader_space))  # an invalid request is reported
    return film_target  # before any work


def together(options) -> None:
    """Raises Problem for options of `animate` that do not go together."""
    for option, others in NEEDS.items():
        for other in others:
            if getattr(options, option) and not getattr(options, other):
                raise Problem("--{} goes with --{} only.", option, other)
    for option, others in EXCLUDES.items():
        for other in others:
            if getattr(options, option) and getattr(options, other):
                raise Problem("--{} does not go with --{}.", other.replace("_", "-"), option)


def trajectory(options, animator: Animator) -> Trajectory | None:
    """That of a file, if one is given; says what was changed or left out."""
    if not options.trajectory:
        return None
    read = read_trajectory(
        options.trajectory,
        animator.space,
        axes=space_named(options.axes) if options.axes else None,
        clip=options.clip,
        start=options.start or 0,
        frames=options.frames,
    )
    least = 2 if options.columns else 1
    if not least <= len(read.points) <= MOST_FRAMES:
        raise InvalidExpression(
            "An animation has {} to {} frames, {} has {}; choose some (--start, --frames).",
            least,
            MOST_FRAMES,
            options.trajectory,
            len(read.points),
        )
    say(*read.notes)
    return read


def timeline(options) -> Callable[[Expression], Timeline] | None:
    """The timeline of a name or a file, if one is given, as a function of the expression that a
    named one starts from; at the speed that is asked for, or else at its own. The speed of what is
    written is then known."""
    made = _timeline(options.timeline) if options.timeline else None
    if options.fps is None:
        options.fps = made(Expression.neutral(FACS)).fps if made else 24
    return made and (lambda start: dataclasses.replace(made(start), fps=options.fps))


def _timeline(name: str) -> Callable[[Expression], Timeline]:
    """Raises what `read_timeline` raises."""
    if name in TIMELINES:
        return lambda start: named_timeline(name, start)
    read = read_timeline(name)
    return lambda start: read


def interpolation(options, animator: Animator, portrait: Portrait) -> Timeline:
    """The timeline from the photo's expression to the target expression."""
    return Timeline.between(
        animator.start(portrait),
        target_expression(options, animator, portrait),
        24 if options.frames is None else options.frames,
        options.fps,
        options.easing or "smooth",
        options.ping_pong,
        options.hold,
    )


def recipe(options, portrait: Portrait, /, **fields) -> str:
    """The recipe to write into a file made of the portrait; `fields` are those of a Recipe."""
    checkpoint = Fingerprint.of(options.checkpoint or DEFAULT_CHECKPOINT)
    return Recipe(checkpoint, Face.of(portrait), **fields).text()


def _axes(assignments: list[str] | None, option: str) -> dict[str, float]:
    """Values by axis from AXIS=NUMBER; of a repeated axis, the last."""
    axes = {}
    for text in assignments or ():
        key, _, value = text.partition("=")
        try:
            axes[key] = float(value)
        except ValueError:
            raise InvalidExpression(
                "--{} wants AXIS=NUMBER, as AU12=0.8; got {}.", option, repr(text)
            ) from None
    return axes
