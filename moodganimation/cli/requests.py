"""What the options of the command line ask for: a model, a portrait, an expression, a way."""

import dataclasses
from collections.abc import Callable

from ..animation.easing import MOST_FRAMES
from ..animation.timeline import Timeline, read_timeline
from ..animation.trajectories import Trajectory, read_trajectory
from ..animator import DEFAULT_CHECKPOINT, Animator
from ..errors import InvalidExpression, Problem
from ..expressions.moods import as_read, in_space
from ..expressions.presets import COMPOUND, PRESETS
from ..expressions.spaces import ACTION_UNITS, PAD, SPACES, VALENCE_AROUSAL, Expression, space_named
from ..faces.portrait import Portrait
from ..media.images import check_picture, read_image
from ..media.video_reader import Film, read_frames
from ..recipe import Face, Fingerprint, Recipe
from ..runtime.threads import limit_torch_threads
from ..video.editing import TargetFunction, offset_by
from .console import say

# Options of `animate` that need another one, and those that have no meaning beside another.
NEEDS = {
    "axes": ["trajectory"],
    "clip": ["trajectory"],
    "start": ["trajectory"],
    "truth": ["trajectory", "columns"],
    "labels": ["columns"],
}
_WAY = ["set", "preset", "like", "easing", "hold", "ping_pong"]
EXCLUDES = {
    "trajectory": _WAY,
    "timeline": ["trajectory", "frames", *_WAY],
    "columns": ["view", "size", "label"],
}


def opened(options) -> tuple[Animator, Portrait]:
    animator = load(options)
    return animator, locate(options, animator)


def load(options, check: Callable[[str], object] = check_picture) -> Animator:
    """The animator, after a look at whether what it makes can be written: nothing is computed for
    a file that cannot be."""
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


def wanted(options, animator: Animator, portrait: Portrait) -> Expression:
    """What the options ask of one photo."""
    return wish(options, animator)(portrait.reading)


def wish(options, animator: Animator) -> Callable[[Expression], Expression]:
    """What --like, --preset, --intensity and --set ask for, in the generator's space, of a face
    with these Action Units: it starts from them, or from 0 where nobody knows what the axes
    mean."""
    if not 0 <= options.intensity <= 1:
        raise InvalidExpression("Intensity must be from 0 to 1, got {}.", options.intensity)
    space, other = animator.space, None
    if space.name not in SPACES:
        say(
            f"What the axes {', '.join(space.keys)} mean is not known, so the photo's expression "
            "cannot be read into them: they start at 0."
        )
    elif options.like:
        liked = animator.locate(read_image(options.like))
        say(f"face of {options.like}: {liked.finder}")
        other = animator.start(liked)
    said = dict(_pair(text, "set") for text in options.set or ())

    def wish(reading: Expression) -> Expression:
        wish, pairs = as_read(reading, space), dict(said)
        if other:
            wish = wish.towards(other, options.intensity)
        if options.preset:
            preset = in_space((COMPOUND | PRESETS)[options.preset], space, reading)
            wish = wish.towards(preset, options.intensity)
        for words in (PAD, VALENCE_AROUSAL, ACTION_UNITS):
            now = {key: pairs.pop(key) for key in [*pairs] if key in words and key not in space}
            if now:
                point = in_space(wish, words, reading).replace(**now)
                wish = in_space(point, space, in_space(wish, ACTION_UNITS, reading))
        return wish.replace(**pairs)

    return wish


def film_wish(options, animator: Animator, film: Film) -> TargetFunction:
    """What the options ask of the faces of a film: what --add, --trajectory and --timeline add to
    what is read there, then what --like, --preset and --set ask as of a photo."""
    asked, more = wish(options, animator), []
    if options.add:
        more.append(offset_by(dict(_pair(text, "add") for text in options.add)))
    if options.trajectory:
        axes = space_named(options.axes) if options.axes else None
        read = read_trajectory(options.trajectory, ACTION_UNITS, axes=axes)
        more.append(offset_by(read.points, fps=float(film.fps)))
        say(*read.notes)
    if options.timeline:
        read = read_timeline(options.timeline)
        more.append(offset_by(read.expressions(), fps=read.fps, again=read.mode != "once"))
    asked(Expression.neutral(ACTION_UNITS))  # what cannot be is said before anything is computed

    def film_wish(seconds: float, reading: Expression) -> Expression:
        for one in more:
            reading = one(seconds, reading)
        return asked(reading)

    return film_wish


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


def timeline(options) -> Timeline | None:
    """That of a file, if one is given, at the speed that is asked for, or else at its own; the
    speed of what is written is then known."""
    read = read_timeline(options.timeline) if options.timeline else None
    if options.fps is None:
        options.fps = read.fps if read else 24
    return read and dataclasses.replace(read, fps=options.fps)


def way(options, animator: Animator, portrait: Portrait) -> Timeline:
    """From the photo's expression to the wanted one."""
    return Timeline.between(
        animator.start(portrait),
        wanted(options, animator, portrait),
        24 if options.frames is None else options.frames,
        options.fps,
        options.easing or "smooth",
        options.ping_pong,
        options.hold,
    )


def recipe(asked, portrait: Portrait, **made) -> str:
    """What is written into what is made of the portrait; `made` are further fields of a Recipe."""
    checkpoint = Fingerprint.of(asked.checkpoint or DEFAULT_CHECKPOINT)
    return Recipe(checkpoint, Face.of(portrait), **made).text()


def _pair(text: str, option: str) -> tuple[str, float]:
    key, _, value = text.partition("=")
    try:
        return key, float(value)
    except ValueError:
        raise InvalidExpression(
            "--{} wants AXIS=NUMBER, as AU12=0.8; got {}.", option, repr(text)
        ) from None
