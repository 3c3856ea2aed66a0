"""The state that a request of the page describes."""

from ...errors import InvalidExpression, Problem
from ...expressions.request import ExpressionRequest, resolve
from ...expressions.spaces import PAD, Expression
from ..sessions import Session
from ..state import State
from .common import parse_expression, rounded_to_slider_steps, timeline_of
from .settings import TIMELINE_CHECKERS, checked_settings


def requested_state(session: Session, request: dict) -> tuple[State, list[str]]:
    """Return the requested state of the selected face, and the keys of the controls that a drag or
    reset has changed, see `ExpressionChange`: AU12 for both sides, AU12L for one, and of two
    opposites the one above 0.

    request: one of
        {"expression": {axis: value}}, that of the sliders;
        {"expression", "mood": [pleasure, arousal, dominance]};
        {"expression", "drag": {"at": [x, y], "to": [x, y], "side": "both" or "one"}};
        {"expression", "reset": [x, y]}, a place whose axes go back to their values in the photo;
        {"moment": {"fraction": 0 to 1 of the timeline, and the settings of TIMELINE_CHECKERS}}.
    Places are fractions of the photo's width and height. "expression" is that of the sliders before
    the change. Raises Problem.
    """
    try:
        state = session.face.state
        if "moment" in request:
            return state.with_expression(_expression_at(session, request["moment"])), []
        expression = parse_expression(request["expression"], session.face.reading)
        if "drag" in request or "reset" in request:
            return _state_of_drag(session, expression, request)
        if "mood" not in request:
            return state.with_expression(expression), []
        mood = Expression(PAD, tuple(request["mood"])).values
        return state.with_expression(_expression_of_mood(session, expression, mood), mood=mood), []
    except (KeyError, TypeError, ValueError, OverflowError) as problem:
        if isinstance(problem, Problem):
            raise
        raise InvalidExpression(
            "The request lacks valid sliders or places. Reload the page and try again."
        ) from None


def _expression_of_mood(
    session: Session, sliders: Expression, mood: tuple[float, ...]
) -> Expression:
    """Return the expression of a mood, from the last expression that was not set by a mood.

    So changes of a mood that is moved to and fro do not accumulate. If the sliders are neither at
    that expression nor at the committed state, they were moved since: the mood starts from them.
    """
    face = session.face
    is_unmoved = sliders in (face.mood_start, face.state.expression)
    start = face.mood_start if is_unmoved else sliders
    axes = Expression(PAD, mood).asdict()
    return rounded_to_slider_steps(resolve(ExpressionRequest(axes=axes), start, start.space))


def _expression_at(session: Session, moment: dict) -> Expression:
    """Return the expression at a fraction of the timeline."""
    timeline = timeline_of(session, checked_settings(moment, TIMELINE_CHECKERS))
    reading = session.face.reading
    expressions = timeline.sampled(reading.space, reading)
    fraction = min(max(float(moment["fraction"]), 0), 1)
    return expressions[round(fraction * (len(expressions) - 1))]


def _state_of_drag(session: Session, sliders: Expression, request: dict) -> tuple[State, list[str]]:
    """Return the state after a drag or reset of a place, and the keys of changed controls."""
    manipulation = session.face.manipulation
    if "reset" in request:
        drag = manipulation.reset(sliders, request["reset"])
    else:
        places = request["drag"]
        side = places.get("side", "both")
        drag = manipulation.drag(sliders, places["at"], places["to"], side)
    expression = rounded_to_slider_steps(drag.expression)
    return session.face.state.with_expression(expression), list(drag.keys)
