"""The state that a request of the page asks for."""

from ...errors import InvalidExpression, Problem
from ...expressions.request import ExpressionRequest, resolve
from ...expressions.spaces import PAD, Expression
from ..sessions import Session
from ..state import State
from .common import parse_units, rounded_to_slider_steps, timeline_of
from .settings import TIMELINE, checked_settings


def requested_state(session: Session, request: dict) -> tuple[State, list[str]]:
    """Return the requested state of the selected face, and the axes that a drag on it has moved.

    request: one of
        {"units": {axis: value}}, the sliders;
        {"units", "mood": [pleasure, arousal, dominance]};
        {"units", "drag": {"at": [x, y], "to": [x, y], "side": "both" or "one"}};
        {"units", "reset": [x, y]}, a place whose axes go back to their values in the photo;
        {"moment": {"share": 0 to 1 of the timeline, and the settings of TIMELINE}}.
    Places are in shares of the photo's width and height. "units" are the sliders before the change.
    Raises InvalidExpression.
    """
    try:
        state = session.face.state
        if "moment" in request:
            return state.with_units(_at_moment(session, request["moment"])), []
        units = parse_units(request["units"], session.face.reading)
        if "drag" in request or "reset" in request:
            return _dragged(session, units, request)
        if "mood" not in request:
            return state.with_units(units), []
        mood = Expression(PAD, tuple(request["mood"])).values
        return state.with_units(_in_mood(session, units, mood), mood=mood), []
    except (KeyError, TypeError, ValueError, OverflowError) as problem:
        if isinstance(problem, Problem):
            raise
        raise InvalidExpression(
            "The request lacks valid sliders or places. Reload the page and try again."
        ) from None


def _in_mood(session: Session, units: Expression, mood: tuple[float, ...]) -> Expression:
    """Return the expression of a mood, from the last expression that was not set by a mood.

    So a mood that is moved to and fro does not accumulate. It starts from the sliders if they are
    neither that expression nor the committed state, which means that they were moved since.
    """
    face = session.face
    start = face.mood_start if units in (face.mood_start, face.state.units) else units
    axes = Expression(PAD, mood).asdict()
    return rounded_to_slider_steps(resolve(ExpressionRequest(axes=axes), start, start.space))


def _at_moment(session: Session, moment: dict) -> Expression:
    timeline = timeline_of(session, checked_settings(moment, TIMELINE))
    reading = session.face.reading
    expressions = timeline.sampled(reading.space, reading)
    share = min(max(float(moment["share"]), 0), 1)
    return expressions[round(share * (len(expressions) - 1))]


def _dragged(session: Session, units: Expression, request: dict) -> tuple[State, list[str]]:
    """Drag a place of the face to another one, or return it to the photo."""
    manipulation = session.face.manipulation
    if "reset" in request:
        drag = manipulation.reset(units, request["reset"])
    else:
        places = request["drag"]
        drag = manipulation.drag(units, places["at"], places["to"], places.get("side", "both"))
    return session.face.state.with_units(rounded_to_slider_steps(drag.expression)), list(drag.names)
