"""Conversion between the two spaces of Action Units: ACTION_UNITS (17 axes) and FACS (with sides).

From FACS to ACTION_UNITS, a lateral unit becomes the mean of its two sides, units without sides
(AU17, AU23, AU25, AU26) keep their value, and all other axes are dropped. The other direction needs
an expression in FACS to start from: see `Expression.with_units`.
"""

from .spaces import ACTION_UNITS, FACS, Expression, ExpressionSpace

UNIT_SPACES = (ACTION_UNITS, FACS)
# For each of the 17 units, the index of its axis in FACS, or those of its left and right side.
FACS_INDICES_OF_UNITS = tuple(FACS.indices(key) for key in ACTION_UNITS.keys)
# Keys of axes that ACTION_UNITS lacks, among them those of sides: AU12L and AU12R.
FACS_ONLY_KEYS = tuple(key for key in FACS.keys if key not in ACTION_UNITS.keys)
GAZE_AND_HEAD = ("gaze", "head")  # regions of the axes that turn the eyes and the head


def units_of(expression: Expression) -> Expression:
    """Return an expression in ACTION_UNITS or FACS as one in ACTION_UNITS.

    A lateral unit of FACS becomes the mean of its sides. For a mood, see `moods.action_units_of`.
    """
    if expression.space == ACTION_UNITS:
        return expression
    if expression.space != FACS:
        raise ValueError(f"Expected Action Units, got a point of {expression.space.name}.")
    values = expression.values
    means = (sum(values[i] for i in indices) / len(indices) for indices in FACS_INDICES_OF_UNITS)
    return Expression(ACTION_UNITS, tuple(means))


def convert_units(
    expression: Expression, space: ExpressionSpace, reading: Expression
) -> Expression:
    """Convert an expression in ACTION_UNITS or FACS to `space`, one of the two.

    For a conversion to FACS, `reading` supplies the axes that ACTION_UNITS lacks, and the sides of
    units that do not change, see `Expression.with_units`. If the reading is in ACTION_UNITS, those
    axes are 0 and both sides of a unit are equal.
    """
    if space == ACTION_UNITS:
        return units_of(expression)
    if expression.space == FACS:
        return expression
    if reading.space != FACS:
        return Expression.of(FACS, **expression.asdict())
    return reading.with_units(expression)


def with_gaze_and_head_of(expression: Expression, other: Expression) -> Expression:
    """Return `expression` with gaze and head of `other`, which is in the same space."""
    rows = zip(expression.space.axes, expression.values, other.values, strict=True)
    values = (new if axis.region in GAZE_AND_HEAD else old for axis, old, new in rows)
    return Expression(expression.space, tuple(values))
