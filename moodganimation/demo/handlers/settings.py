"""Checkers of settings, for requests of the page and for recipes.

A checker takes a value and returns it, or raises InvalidValue with a message that begins with the
setting's name.
"""

import functools

from ...animation.easing import EASINGS, MAX_ANIMATION_FRAMES, MAX_FPS
from ...animation.timeline import MODES
from ...expressions import schema
from ...expressions.presets import PRESETS
from ...expressions.spaces import ExpressionSpace
from ...video.editing import MAX_FACES, MAX_STRENGTH
from ...video.reenactment import regions_of
from .common import NEUTRAL, PHOTO, SLIDERS
from .views import VIEWS

STRIP = "PNG strip"  # frames of the animation side by side
MIN_SIZE, MAX_SIZE = 64, 1024  # longest side of an animation [px]
FORMATS = ("GIF", "MP4", "WebP", STRIP)
# There, hold and back stay within MAX_ANIMATION_FRAMES: 2 * 150 - 2 + 120 < 600.
MAX_TRANSITION_FRAMES, MAX_HOLD_FRAMES = MAX_ANIMATION_FRAMES // 4, 120


def number_checker(name: str, low: float, high: float):
    """Return a checker of a number in a range."""
    return functools.partial(schema.check, schema.number_type(name, low, high))


def int_checker(name: str, low: int, high: int):
    """Return a checker of an integer in a range."""
    return functools.partial(schema.check, schema.int_type(name, low, high))


def bool_checker(name: str):
    """Return a checker of true or false."""
    return functools.partial(schema.check, schema.bool_type(name))


def choice_checker(name: str, *choices: str):
    """Return a checker of one of these choices."""
    return functools.partial(schema.check, schema.choice_type(name, choices))


def list_checker(name: str, *choices: str):
    """Return a checker of a list of some of these choices."""
    choice = schema.choice_type(name, choices)
    list_type = schema.list_type(name, choice, 0, len(choices))
    return lambda values: list(schema.check(list_type, values))


check_frame_rate = number_checker("Frames per second", 1, MAX_FPS)
# Names of the expressions that a timeline without keyframes can start from and end at.
END_CHOICES = (PHOTO, NEUTRAL, SLIDERS, *PRESETS)
TIMELINE_CHECKERS = {
    "start": choice_checker("From", *END_CHOICES),
    "end": choice_checker("To", *END_CHOICES),
    "frames": int_checker("Frames", 2, MAX_TRANSITION_FRAMES),
    "fps": check_frame_rate,
    "easing": choice_checker("Easing", *EASINGS),
    "ping_pong": bool_checker("There and back"),
    "hold": int_checker("Hold at the end [frames]", 0, MAX_HOLD_FRAMES),
    "mode": choice_checker("The mode of a timeline", *MODES),
    "blinks": bool_checker("Blinks"),
}
OUTPUT_CHECKERS = {
    "view": choice_checker("The view", *VIEWS),
    "size": int_checker("The size", MIN_SIZE, MAX_SIZE),
    "formats": list_checker("The formats", *FORMATS),
    "panels": bool_checker("With attention and color"),
}
check_face_count = int_checker("Faces", 1, MAX_FACES)


def retarget_checkers(space: ExpressionSpace) -> dict:
    """Return the checkers of how a performance is retargeted; space: of the reader."""
    return {
        "strength": number_checker("Strength", 0, MAX_STRENGTH),
        "regions": list_checker("Regions", *regions_of(space)),
        "by": choice_checker("Carry over", "units", "moods"),
    }


DEFAULTS = {
    "start": PHOTO,
    "end": SLIDERS,
    "frames": 24,
    "fps": 24,
    "easing": "smooth",
    "ping_pong": True,
    "hold": 6,
    "mode": "once",
    "blinks": False,
    "view": "face",
    "size": 384,
    "formats": ["GIF", "MP4"],
    "panels": False,
}


def checked_settings(values: dict, checkers: dict) -> dict:
    """Return {name: value}, each passed through its checker; missing values come from DEFAULTS.

    Raises InvalidValue.
    """
    return {name: check(values.get(name, DEFAULTS.get(name))) for name, check in checkers.items()}
