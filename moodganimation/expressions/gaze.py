"""Where the eyes look."""

from ..errors import InvalidExpression
from .spaces import FACS, Expression

LOOKS = ("camera",)  # what a request may look at
GAZE_KEYS = ("AU61", "AU62", "AU63", "AU64")
# Angles at 1 [degrees], as `FACS` defines them.
HEAD_TURN = 15.0
GAZE_ACROSS, GAZE_UPRIGHT = 25.0, 20.0


def look_at_camera(expression: Expression) -> Expression:
    """The expression with both eyes on the camera: turned against the head, as far as they go.

    The expression is in FACS. A head that is tilted to a side, but not turned, looks into the
    camera with its eyes straight ahead.
    """
    if expression.space != FACS:
        raise InvalidExpression("This model moves no eyes; the default model warp does.")
    left = (expression["AU52"] - expression["AU51"]) * HEAD_TURN / GAZE_ACROSS
    up = (expression["AU54"] - expression["AU53"]) * HEAD_TURN / GAZE_UPRIGHT
    across = {"AU61": max(left, 0.0), "AU62": max(-left, 0.0)}
    upright = {"AU63": max(up, 0.0), "AU64": max(-up, 0.0)}
    return expression.replace(**{key: min(x, 1.0) for key, x in (across | upright).items()})
