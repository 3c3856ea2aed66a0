"""The gaze axes: where the eyes look."""

from ..errors import InvalidExpression
from .spaces import FACS, Expression

LOOKS = ("camera",)  # what a request may look at
GAZE_KEYS = ("AU61", "AU62", "AU63", "AU64")
# The gaze that the model `warp` reads in photos of people who look into the camera: a regression of
# the gaze axes on the head axes over its training photos, most of which look there. The eyes turn
# against the head, by less than the angles alone would give (1 is 15 degrees of the head, but 25
# across or 20 up and down of the eyes), since landmarks of irises show part of a turn only.
GAZE_PER_TURN = 0.43  # eyes left per head right
GAZE_PER_NOD = 0.31  # eyes up per head down
GAZE_UP_OFFSET = 0.04  # eyes up of an upright head


def look_at_camera(expression: Expression) -> Expression:
    """Return the expression with both eyes turned to the camera, within the range of the axes.

    The eyes turn against the head. A head that is only tilted needs no gaze to the side. Raises
    InvalidExpression if the expression is not in FACS.
    """
    if expression.space != FACS:
        raise InvalidExpression("This model moves no eyes; the default model warp does.")
    left = GAZE_PER_TURN * (expression["AU52"] - expression["AU51"])
    up = GAZE_UP_OFFSET + GAZE_PER_NOD * (expression["AU54"] - expression["AU53"])
    horizontal = {"AU61": max(left, 0.0), "AU62": max(-left, 0.0)}
    vertical = {"AU63": max(up, 0.0), "AU64": max(-up, 0.0)}
    return expression.replace(**{key: min(x, 1.0) for key, x in (horizontal | vertical).items()})
