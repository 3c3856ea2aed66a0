"""Actions on the keyframes of the timeline: one function each, called by its name.

A request has, besides what an action says, "fps", "mode" and "blinks" of the timeline.
"""

import dataclasses

from ...animation.easing import EASINGS, MAX_FILM_SECONDS
from ...animation.named_timelines import named_timeline
from ...animation.timeline import Keyframe, Timeline
from ...errors import Problem
from ..sessions import Session
from .actions import pinned_state
from .common import rounded_to_slider_steps
from .settings import TIMELINE, checked_settings, choice_checker, number_checker

DEFAULT_HOLD_S = 0.3
_time = number_checker("The time of a keyframe", 0, MAX_FILM_SECONDS)
_hold = number_checker("The hold of a keyframe", 0, MAX_FILM_SECONDS)
_easing = choice_checker("The easing of a keyframe", *EASINGS)


def add_keyframe(session: Session, request: dict) -> None:
    """Add the sliders, or a pin ("pin"), at a time ("at" [s]) for a while ("hold_s").

    It replaces keyframes within a frame of that time.
    """
    time_s, fps = _time(request.get("at")), _timeline_settings(request)["fps"]
    state = pinned_state(session, request["pin"]) if "pin" in request else session.face.state
    added = Keyframe(state.units, time_s, _hold(request.get("hold_s", DEFAULT_HOLD_S)))
    others = [one for one in session.keyframes if abs(one.at - added.at) * fps >= 1]
    set_keyframes(session, [*others, added], request)


def change_keyframe(session: Session, request: dict) -> None:
    """Change a keyframe ("key"): its time ("at" [s]), hold ("hold_s"), easing to the next keyframe
    ("key_easing"), or ("update") its expression to that of the sliders."""
    number, changes = _number(session, request), {}
    if "at" in request:
        changes["at"] = _time(request["at"])
    if "hold_s" in request:
        changes["hold"] = _hold(request["hold_s"])
    if "key_easing" in request:
        changes["easing"] = _easing(request["key_easing"])
    if request.get("update"):
        changes["expression"] = session.face.state.units
    keyframes = list(session.keyframes)
    keyframes[number] = dataclasses.replace(keyframes[number], **changes)
    set_keyframes(session, keyframes, request)


def remove_keyframe(session: Session, request: dict) -> None:
    """Remove a keyframe ("key"), or all of them without a number."""
    if "key" not in request:
        session.keyframes = []
        return
    number = _number(session, request)
    set_keyframes(session, [k for i, k in enumerate(session.keyframes) if i != number], request)


def show_keyframe(session: Session, request: dict) -> None:
    """Set the sliders to the expression of a keyframe ("key")."""
    face, keyframe = session.face, session.keyframes[_number(session, request)]
    timeline = Timeline((dataclasses.replace(keyframe, at=0.0, hold=0.0),))
    (expression, *_) = timeline.expressions(face.reading.space, face.reading)
    face.commit(face.state.with_units(rounded_to_slider_steps(expression)))


def movement(session: Session, request: dict) -> None:
    """Set the keyframes to those of a named timeline ("name"): nod, shake or thinking."""
    timeline = named_timeline(request.get("name"), session.face.state.units)
    set_keyframes(session, list(timeline.keyframes), request)


def set_keyframes(session: Session, keyframes: list[Keyframe], request: dict) -> None:
    """Set the keyframes of a session. Raises InvalidTimeline if they make no timeline."""
    if not keyframes:
        session.keyframes = []
        return
    settings = _timeline_settings(request)
    timeline = Timeline(
        tuple(keyframes), settings["fps"], settings["mode"], blinks=settings["blinks"]
    )
    session.keyframes = list(timeline.keyframes)


def _timeline_settings(request: dict) -> dict:
    return checked_settings(request, {name: TIMELINE[name] for name in ("fps", "mode", "blinks")})


def _number(session: Session, request: dict) -> int:
    number = request.get("key")
    if not (isinstance(number, int) and 0 <= number < len(session.keyframes)):
        raise Problem("There is no such keyframe.")
    return number


ACTIONS = (add_keyframe, change_keyframe, remove_keyframe, show_keyframe, movement)
