"""Easing functions, and the interpolation of two expressions."""

import math
from collections.abc import Callable

from ..errors import InvalidExpression, join_names
from ..expressions.spaces import Expression
from ..networks.compositing import smoothstep

MAX_ANIMATION_FRAMES = 600
MAX_FPS = 60  # of animations and films
MAX_FILM_SECONDS = 3600
# A damped oscillation about the end: its decay rate, and its angular frequency [rad], per motion.
SPRING_DAMPING, SPRING_FREQUENCY = 6, 9


def _spring(t: float) -> float:
    oscillation = math.exp(-SPRING_DAMPING * t) * math.cos(SPRING_FREQUENCY * t)
    return 1 - oscillation * (1 - t)  # the factor (1 - t) makes it reach 1 exactly


# Fraction of the time, 0 to 1 -> fraction of the motion; 0 at 0 and 1 at 1. A spring exceeds 1.
EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": smoothstep,
    "ease in": lambda t: t * t,
    "ease out": lambda t: 1 - (1 - t) ** 2,
    "spring": _spring,
}


def interpolate(
    start: Expression,
    end: Expression,
    frames: int,
    easing: str = "smooth",
    ping_pong: bool = False,
    hold: int = 0,
) -> list[Expression]:
    """Return the expressions of an animation from `start` to `end`, both included.

    frames: number of expressions from `start` to `end`, at least 2. hold: number of further frames
    that show `end`. ping_pong: whether the motion is then repeated backwards, without `end` and
    `start`, so that the animation can loop. The easing "spring" exceeds `end`, clipped as by
    `Expression.clipped`. Raises InvalidExpression.
    """
    if not (isinstance(frames, int) and isinstance(hold, int) and hold >= 0):
        raise InvalidExpression(
            "Frames and hold must be whole numbers and not negative, got {} and {}.", frames, hold
        )
    if easing not in EASINGS:
        raise InvalidExpression(
            "{} is not an easing; choose from {}.", repr(easing), join_names(EASINGS)
        )
    total = (2 * frames - 2 if ping_pong else frames) + hold
    if not (frames >= 2 and total <= MAX_ANIMATION_FRAMES):
        raise InvalidExpression(
            "An animation has 2 to {} frames, hold and return included; this one would have {}.",
            MAX_ANIMATION_FRAMES,
            frames if frames < 2 else total,
        )
    forward = [start.blend_to(end, EASINGS[easing](i / (frames - 1))) for i in range(frames)]
    backward = forward[-2:0:-1] if ping_pong else []
    return forward + [forward[-1]] * hold + backward
