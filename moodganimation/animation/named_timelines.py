"""Timelines that have names: movements of head, eyes and brows from an expression and back."""

from ..errors import InvalidExpression, shown
from ..expressions.request import add_offset, offset_steps
from ..expressions.spaces import FACS, Expression
from .timeline import Keyframe, Timeline

# name -> (moment [s], hold [s], what is added to the expression at the start), in order.
TIMELINES = {
    "nod": (
        (0.0, 0.1, {}),
        (0.4, 0.0, {"AU54": 0.6}),
        (0.75, 0.0, {"AU53": 0.2}),
        (1.1, 0.0, {"AU54": 0.4}),
        (1.5, 0.2, {}),
    ),
    "shake": (
        (0.0, 0.1, {}),
        (0.35, 0.0, {"AU51": 0.6}),
        (0.8, 0.0, {"AU52": 0.6}),
        (1.2, 0.0, {"AU51": 0.35}),
        (1.6, 0.2, {}),
    ),
    "thinking": (
        (0.0, 0.2, {}),
        (0.7, 1.2, {"AU62": 0.5, "AU63": 0.6, "AU04": 0.25, "AU14R": 0.35, "AU52": 0.15}),
        (2.5, 0.2, {}),
    ),
}


def named_timeline(name: str, start: Expression) -> Timeline:
    """The timeline of that name from an expression in FACS, at which it ends, too.

    Raises InvalidExpression for an unknown name, and for an expression without head and gaze.
    """
    if not (isinstance(name, str) and name in TIMELINES):
        raise InvalidExpression(
            "There is no timeline called {}; there are {}.", shown(name), ", ".join(TIMELINES)
        )
    if start.space != FACS:
        raise InvalidExpression(
            "This model turns neither head nor eyes, as the timeline {} does; the default model "
            "warp does.",
            name,
        )
    return Timeline(
        tuple(
            Keyframe(add_offset(start, offset_steps(change)), at, hold)
            for at, hold, change in TIMELINES[name]
        )
    )
