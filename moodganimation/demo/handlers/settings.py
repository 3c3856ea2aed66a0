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

STRIP = "PNG strip"
MIN_SIZE, MAX_SIZE = 64, 1024  # longest side of an animation [px]
FORMATS = ("GIF", "MP4", "WebP", STRIP)
# There and back with both holds stays below the frames of an animation: 2 * (150 + 120) < 600.
MAX_TRANSITION_FRAMES, MAX_HOLD_FRAMES = MAX_ANIMATION_FRAMES // 4, 120


def number_checker(name: str, low: float, high: float):
    return functools.partial(schema.check, schema.number_type(name, low, high))


def int_checker(name: str, low: int, high: int):
    return functools.partial(schema.check, schema.int_type(name, low, high))


def bool_checker(name: str):
    return functools.partial(schema.check, schema.bool_type(name))


def choice_checker(name: str, *choices: str):
    return functools.partial(schema.check, schema.choice_type(name, choices))


def list_checker(name: str, *choices: str):
    """A checker of a list of some of these choices."""
    one = schema.choice_type(name, choices)
    kind = schema.list_type(name, one, 0, len(choices))
    return lambda values: list(schema.check(kind, values))


frame_rate = number_checker("Frames per second", 1, MAX_FPS)
ENDS = (PHOTO, NEUTRAL, SLIDERS, *PRESETS)  # what a timeline without keyframes goes from and to
TIMELINE = {
    "start": choice_checker("From", *ENDS),
    "end": choice_checker("To", *ENDS),
    "frames": int_checker("Frames", 2, MAX_TRANSITION_FRAMES),
    "fps": frame_rate,
    "easing": choice_checker("Easing", *EASINGS),
    "ping_pong": bool_checker("There and back"),
    "hold": int_checker("Hold at the end [frames]", 0, MAX_HOLD_FRAMES),
    "mode": choice_checker("The mode of a timeline", *MODES),
    "blinks": bool_checker("Blinks"),
}
OUTPUT = {
    "view": choice_checker("The view", *VIEWS),
    "size": int_checker("The size", MIN_SIZE, MAX_SIZE),
    "formats": list_checker("The formats", *FORMATS),
    "panels": bool_checker("With attention and color"),
}
face_count = int_checker("Faces", 1, MAX_FACES)


def retarget_checkers(space: ExpressionSpace) -> dict:
    """Checkers of how a performance is retargeted; space: of the reader, which has the regions."""
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
    """Return {name: value}, each passed through its checker; missing ones are those of DEFAULTS.

    Raises InvalidValue.
    """
    return {name: check(values.get(name, DEFAULTS.get(name))) for name, check in checkers.items()}
