"""Direct manipulation of a portrait. Points are (x, y), 0 to 1 over the photo's width and height.

manipulation = Manipulation(animator, portrait)  # one for each portrait
change = manipulation.drag(portrait.reading, at=(0.46, 0.61), to=(0.44, 0.58))
picture = animator.edit(portrait, change.expression).image
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..animator import Animator
from ..errors import InvalidValue, Problem, short_repr
from ..expressions.moods import convert_expression
from ..expressions.spaces import Expression
from ..faces.portrait import Portrait
from ..networks.point_motion import PointMotion
from .drags import ExpressionChange, drag_face
from .fields import FaceFields
from .motion_map import motion_map
from .resets import reset_place

SIDES = ("both", "one")
MAX_COORDINATE = 1e6  # [px] far beyond any photo; coordinates are clipped to it
Point = Sequence[float]  # (x, y), 0 to 1 over the photo's width and height


class Manipulation:
    """Converts drags on a portrait's face to changes of its expression. Immutable."""

    def __init__(self, animator: Animator, portrait: Portrait):
        """Measure the motion fields of all controls, which takes about as long as an edit.

        Raises Problem for generators that do not move the photo's pixels.
        """
        if not animator.generator.moves_pixels:
            raise Problem(
                "This model repaints faces, so that they cannot be dragged; the default model warp "
                "moves the photo's own pixels."
            )
        self.portrait, self.space = portrait, animator.space
        # The reading in the generator's space, at which the photo is unchanged.
        self.reading = animator.start(portrait)
        motion = PointMotion(animator.generator, portrait.encoding)
        self.fields = FaceFields(motion, self.space, self.reading, portrait.mouth_covered)

    def drag(
        self, before: Expression, at: Point, to: Point, side: Literal["both", "one"] = "both"
    ) -> ExpressionChange:
        """Return the change that moves what the edit of `before` shows at `at` towards `to`.

        side: "one" changes lateral units only on the half of the face that `at` is on. If no
        control moves the place that way, the expression is unchanged. Raises InvalidValue for a
        wrong point or side, and InvalidExpression if `before` cannot be converted to the
        generator's space.
        """
        if side not in SIDES:
            raise InvalidValue('A drag moves "both" sides or "one", not {}.', short_repr(side))
        before, points = self._in_space(before), [self._to_face(point) for point in (at, to)]
        return drag_face(self.fields, *points, before, side == "one")

    def reset(self, before: Expression, at: Point) -> ExpressionChange:
        """Return the change that gives controls at `at` their values in the reading.

        Where a drag would move gaze or head, these are all controls of that group, elsewhere the
        controls of the face with a strong influence. Raises the errors of `drag`.
        """
        return reset_place(self.fields, self._to_face(at), self._in_space(before))

    def motion_map(self) -> dict:
        """Return which control moves each place, and how, as JSON; see the module `motion_map`."""
        return motion_map(self.fields, self.portrait)

    def _in_space(self, expression: Expression) -> Expression:
        return convert_expression(expression, self.space, self.portrait.reading)

    def _to_face(self, point: Point) -> np.ndarray:
        """Convert a point to face coordinates (2,). Raises InvalidValue."""
        try:
            x, y = map(float, point)
        except (TypeError, ValueError):
            x = y = math.nan
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InvalidValue(
                "A place on the photo must be two finite numbers, got {}.", short_repr(point)
            )
        height, width = self.portrait.photo.shape[:2]
        # `to_face` counts from the center of the first pixel, `point` from its corner.
        pixel = np.array([x * width, y * height]).clip(-MAX_COORDINATE, MAX_COORDINATE) - 0.5
        return self.portrait.to_face[:, :2] @ pixel + self.portrait.to_face[:, 2]
