"""The gaze axes: where the eyes look."""

from ..errors import InvalidExpression
from .spaces import FACS, Expression

LOOKS = ("camera",)  # what a request can turn the eyes to
GAZE_KEYS = ("AU61", "AU62", "AU63", "AU64")
# The gaze that the reader of `warp` measures in faces that look into the camera. The slopes are a
# regression of the gaze axes on the head axes over the training photos, most of which look there.
# The eyes turn against the head. By the angles at 1 (head 15 degrees, eyes 25 sideways and 20 up or
# down), the slopes would be 0.6 and 0.75. They are smaller because the landmarks of irises move by
# only a part of the turn.
GAZE_PER_YAW = 0.43  # AU61 (eyes left) per AU52 (head right)
GAZE_PER_PITCH = 0.31  # AU63 (eyes up) per AU54 (head down)
GAZE_UP_OFFSET = 0.04  # AU63 (eyes up) of a head that is neither up nor down


def look_at_camera(expression: Expression) -> Expression:
    """Return an expression in FACS with both eyes turned to the camera, within the axes' ranges.

    The eyes turn against the yaw and the pitch of the head. Its roll has no influence. Raises
    InvalidExpression if the expression is not in FACS.
    """
    if expression.space != FACS:
        raise InvalidExpression("This model cannot move the eyes; the default model warp can.")
    left = GAZE_PER_YAW * (expression["AU52"] - expression["AU51"])
    up = GAZE_UP_OFFSET + GAZE_PER_PITCH * (expression["AU54"] - expression["AU53"])
    horizontal = {"AU61": max(left, 0.0), "AU62": max(-left, 0.0)}
    vertical = {"AU63": max(up, 0.0), "AU64": max(-up, 0.0)}
    return expression.replace(**{key: min(x, 1.0) for key, x in (horizontal | vertical).items()})
