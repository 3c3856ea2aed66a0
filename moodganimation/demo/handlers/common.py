"""From a visit and an expression to what the page shows of it: plain values out."""

import base64
import functools
import time
from pathlib import Path

import cv2
import gradio as gr
import numpy as np

from ...animation.timeline import Timeline
from ...errors import Cancelled, InvalidExpression, Problem
from ...expressions.moods import mood_of
from ...expressions.presets import preset_named
from ...expressions.spaces import ACTION_UNITS, PAD, Expression
from ...frame import Frame
from ...media.images import write_image
from ..comparison import bars
from ..i18n import told
from ..recipe_io import recipe_of
from ..sessions import Session

PHOTO, SLIDERS, NEUTRAL = "the photo", "the sliders", "neutral"
PLACED = 17 + 3 + 4 + 2  # values of `place`: units, moods, result and panels, bars, both
UNTOUCHED = [gr.skip()] * PLACED


def reported(handler):
    """A Problem becomes its sentence on the page."""

    @functools.wraps(handler)
    def report(*arguments, **options):
        try:
            return handler(*arguments, **options)
        except Problem as problem:
            raise gr.Error(
                told(problem.message), title=told("Error"), duration=None, print_exception=False
            ) from None

    return report


def telling(visit: Session, progress, what: str, unit: str = "frames"):
    """A function of how many are done of how many: it shows that, and ends the work when the
    visitor has asked for it or has gone."""
    visit.stopped.clear()

    def tell(done: int, total: int | None) -> None:
        if visit.stopped.is_set() or visit.gone.is_set():
            raise Cancelled("Stopped, as you asked: nothing was written.")
        progress((done, total or done), desc=told(what), unit=told(unit))

    return tell


def place(visit: Session, goal: Expression, **turned) -> tuple:
    """Sliders on an expression, to which undoing will come back, and its pictures. turned: as in
    `Face`."""
    visit.face.anchor, visit.face.turned = hundredths(goal), turned
    visit.face.history.add(visit.face.anchor)
    moods, shown = rounded(mood_of(visit.face.anchor)), visit.face.anchor
    if "mood" in turned:
        moods, visit.face.mooded = turned["mood"], visit.face.anchor
        shown = Expression(PAD, tuple(moods)) if visit.animator.space == PAD else shown
    return *visit.face.anchor.values, *moods, *render(visit, shown)


def render(visit: Session, expression: Expression) -> tuple:
    """The result as a file of the visit, the three panels, the bars, and the photo with the result
    to compare. Old files go."""
    frame = visit.animator.edit(visit.face.portrait, expression, visit.face.where)
    visit.face.frame = frame
    folder = Path(visit.folder.name)
    path = folder / f"{time.monotonic_ns()}.png"
    text = recipe_of(visit, expression).text()
    write_image(path, frame.image, recipe=text, label=visit.label)
    past = sorted(folder.glob("[0-9]*.png"))[:-4]  # the page may still be copying the last ones
    for old in past:
        old.unlink(missing_ok=True)
    read = visit.animator.measure(frame)
    seen = bars(visit.face.reading, expression, read)
    return str(path), *pictures(frame)[1:], seen, (visit.original, str(path))


def pictures(frame: Frame) -> tuple:
    return frame.image, frame.attention, frame.color, frame.motion


def named(visit: Session, name: str, units) -> Expression:
    if name == PHOTO:
        return visit.face.reading
    if name == SLIDERS:
        return asked_units(units)
    if name == NEUTRAL:
        return Expression.neutral(ACTION_UNITS)
    return preset_named(name)


def timeline_of(
    visit: Session, start, end, frames, fps, easing, ping_pong, hold, mode, blinks, units
) -> Timeline:
    """What the tab Animate makes: along the keyframes if there are any, else from `start` to
    `end`."""
    if visit.keyframes:
        return Timeline(tuple(visit.keyframes), fps, mode, blinks=blinks)
    ends = (named(visit, name, units) for name in (start, end))
    return Timeline.between(*ends, int(frames), fps, easing, ping_pong, int(hold))


def asked_units(values) -> Expression:
    """What the 17 sliders say. Raises InvalidExpression for an empty one."""
    try:
        units = tuple(map(float, values))
    except (TypeError, ValueError, OverflowError):
        raise InvalidExpression("Every slider needs a number: fill in the empty one.") from None
    return Expression(ACTION_UNITS, units)


def hundredths(expression: Expression) -> Expression:
    return Expression.clipped(expression.space, expression.vector().round(2))


def rounded(expression: Expression) -> list[float]:
    return [round(value, 2) for value in expression.values]


def jpeg(picture: np.ndarray) -> str:
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
