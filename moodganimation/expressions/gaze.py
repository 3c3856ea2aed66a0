"""Where the eyes look."""

from ..errors import InvalidExpression
from .spaces import FACS, Expression

LOOKS = ("camera",)  # what a request may look at
GAZE_KEYS = ("AU61", "AU62", "AU63", "AU64")
# How `warp` reads people who look into the camera: against the head, and a little up. Regression of
# the gaze axes on the head axes of its training photos, most of which look there. Less than the
# angles of eyes and head would give, since landmarks of irises show part of a turn only.
AGAINST_LEFT, AGAINST_UP, LEVEL = 0.43, 0.31, 0.04


def look_at_camera(expression: Expression) -> Expression:
    """The expression with both eyes on the camera: turned against the head, as far as they go.

    The expression is in FACS. A head that is tilted to a side, but not turned, looks into the
    camera with its eyes straight ahead.
    """
    if expression.space != FACS:
        raise InvalidExpression("This model moves no eyes; the default model warp does.")
    left = AGAINST_LEFT * (expression["AU52"] - expression["AU51"])
    up = LEVEL + AGAINST_UP * (expression["AU54"] - expression["AU53"])
    across = {"AU61": max(left, 0.0), "AU62": max(-left, 0.0)}
    upright = {"AU63": max(up, 0.0), "AU64": max(-up, 0.0)}
    return expression.replace(**{key: min(x, 1.0) for key, x in (across | upright).items()})
