"""Named timelines: short movements of head, eyes, brows and mouth that end where they start."""

from ..errors import InvalidExpression, short_repr
from ..expressions.request import add_offset, split_offset
from ..expressions.spaces import FACS, Expression
from .timeline import Keyframe, Timeline

# name -> keyframes as (time [s], hold [s], offset from the expression at the start).
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
    """Return a named timeline that starts and ends at an expression in FACS.

    Raises InvalidExpression for an unknown name, and for an expression in another space.
    """
    if not (isinstance(name, str) and name in TIMELINES):
        raise InvalidExpression(
            "There is no timeline called {}; there are {}.", short_repr(name), ", ".join(TIMELINES)
        )
    if start.space != FACS:
        raise InvalidExpression(
            "The timeline {} turns the head or the eyes, which this model cannot do; the default "
            "model warp can.",
            name,
        )
    return Timeline(
        tuple(
            Keyframe(add_offset(start, split_offset(offset)), at, hold)
            for at, hold, offset in TIMELINES[name]
        )
    )
