"""Easing functions and the sequence of expressions between two expressions."""

import math
from collections.abc import Callable

from ..errors import InvalidExpression, listing
from ..expressions.spaces import Expression
from ..networks.compositing import smoothstep

MOST_FRAMES = 600  # of an animation
FASTEST = 60  # frames a second of animations and films

# What a share t in [0, 1] of the time becomes of the way.
EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": smoothstep,
    "ease in": lambda t: t * t,
    "ease out": lambda t: 1 - (1 - t) ** 2,
    "spring": lambda t: 1 - math.exp(-6 * t) * math.cos(9 * t) * (1 - t),
}


def interpolate(
    start: Expression,
    end: Expression,
    frames: int,
    easing: str = "smooth",
    ping_pong: bool = False,
    hold: int = 0,
) -> list[Expression]:
    """`frames` expressions from start to end, both included, held for `hold` more at the end, and
    back again if `ping_pong`. A spring may pass the end; values stay in the axes' ranges."""
    if not (isinstance(frames, int) and isinstance(hold, int) and hold >= 0):
        raise InvalidExpression(
            "Frames and hold must be whole numbers, got {} and {}.", frames, hold
        )
    if easing not in EASINGS:
        raise InvalidExpression(
            "{} is not an easing; choose from {}.", repr(easing), listing(EASINGS)
        )
    total = (2 * frames - 2 if ping_pong else frames) + hold
    if not (frames >= 2 and total <= MOST_FRAMES):
        raise InvalidExpression("An animation has 2 to {} frames, got {}.", MOST_FRAMES, total)
    way = [start.towards(end, EASINGS[easing](i / (frames - 1))) for i in range(frames)]
    there = way + [way[-1]] * hold
    return there + way[-2:0:-1] if ping_pong else there
