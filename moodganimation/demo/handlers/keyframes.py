"""Actions on the keyframes of the timeline; see `actions`.

A request has the settings of the timeline, besides what an action's docstring says: "fps", "mode"
and "blinks", and "hold" and "easing" of its transition, so those of a keyframe have other keys.
"""

import dataclasses

from ...animation.easing import EASINGS, MAX_FILM_SECONDS
from ...animation.named_timelines import named_timeline
from ...animation.timeline import Keyframe, Timeline
from ...errors import Problem
from ..sessions import Session
from .actions import pinned_state
from .common import rounded_to_slider_steps
from .settings import TIMELINE_CHECKERS, checked_settings, choice_checker, number_checker

DEFAULT_HOLD_S = 0.3
_check_time = number_checker("The time of a keyframe", 0, MAX_FILM_SECONDS)
_check_hold = number_checker("The hold of a keyframe", 0, MAX_FILM_SECONDS)
_check_easing = choice_checker("The easing of a keyframe", *EASINGS)


def add_keyframe(session: Session, request: dict) -> None:
    """Add a keyframe of the sliders, or of a pin ("pin"), at a time ("at" [s]), held for "hold_s".

    It replaces keyframes that are less than one frame away.
    """
    time_s, fps = _check_time(request.get("at")), _timeline_settings(request)["fps"]
    state = pinned_state(session, request["pin"]) if "pin" in request else session.face.state
    added = Keyframe(state.expression, time_s, _check_hold(request.get("hold_s", DEFAULT_HOLD_S)))
    others = [old for old in session.keyframes if abs(old.at - added.at) * fps >= 1]
    set_keyframes(session, [*others, added], request)


def change_keyframe(session: Session, request: dict) -> None:
    """Change a keyframe ("keyframe", its index).

    Its time ("at" [s]), hold ("hold_s"), easing to the next one ("keyframe_easing"), or its
    expression to that of the sliders ("use_sliders").
    """
    index, changes = _keyframe_index(session, request), {}
    if "at" in request:
        changes["at"] = _check_time(request["at"])
    if "hold_s" in request:
        changes["hold"] = _check_hold(request["hold_s"])
    if "keyframe_easing" in request:
        changes["easing"] = _check_easing(request["keyframe_easing"])
    if request.get("use_sliders"):
        changes["expression"] = session.face.state.expression
    keyframes = list(session.keyframes)
    keyframes[index] = dataclasses.replace(keyframes[index], **changes)
    set_keyframes(session, keyframes, request)


def remove_keyframe(session: Session, request: dict) -> None:
    """Remove a keyframe ("keyframe"), or all of them without an index."""
    if "keyframe" not in request:
        session.keyframes = []
        return
    index = _keyframe_index(session, request)
    set_keyframes(session, [old for i, old in enumerate(session.keyframes) if i != index], request)


def show_keyframe(session: Session, request: dict) -> None:
    """Set the sliders to the expression of a keyframe ("keyframe")."""
    face, keyframe = session.face, session.keyframes[_keyframe_index(session, request)]
    timeline = Timeline((dataclasses.replace(keyframe, at=0.0, hold=0.0),))
    (expression, *_) = timeline.expressions(face.reading.space, face.reading)
    face.commit(face.state.with_expression(rounded_to_slider_steps(expression)))


def set_named_timeline(session: Session, request: dict) -> None:
    """Set the keyframes to those of a named timeline ("name"): nod, shake or thinking."""
    timeline = named_timeline(request.get("name"), session.face.state.expression)
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
    """Return the checked "fps", "mode" and "blinks" of a request."""
    checkers = {name: TIMELINE_CHECKERS[name] for name in ("fps", "mode", "blinks")}
    return checked_settings(request, checkers)


def _keyframe_index(session: Session, request: dict) -> int:
    """Return the index of the keyframe that a request names. Raises Problem."""
    index = request.get("keyframe")
    if not (isinstance(index, int) and 0 <= index < len(session.keyframes)):
        raise Problem("There is no such keyframe.")
    return index


ACTIONS = (add_keyframe, change_keyframe, remove_keyframe, show_keyframe, set_named_timeline)
