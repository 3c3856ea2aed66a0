"""Conversion between the two spaces of Action Units: ACTION_UNITS (17 axes) and FACS (with sides).

From FACS to ACTION_UNITS, a unit is the mean of its two sides and all other axes are dropped. The
other direction needs an expression in FACS to start from: see `Expression.with_units`.
"""

from .spaces import ACTION_UNITS, FACS, Expression, ExpressionSpace

UNIT_SPACES = (ACTION_UNITS, FACS)
FACS_INDICES = tuple(FACS.indices(key) for key in ACTION_UNITS.keys)  # of the 17 units, in FACS
# Keys that ACTION_UNITS lacks, as they are spelled: AU12L is one of them.
FACS_ONLY_KEYS = tuple(key for key in FACS.keys if key not in ACTION_UNITS.keys)
GAZE_AND_HEAD = ("gaze", "head")  # regions without any axis in ACTION_UNITS


def units_of(expression: Expression) -> Expression:
    """Return the 17 Action Units of an expression in ACTION_UNITS or FACS."""
    if expression.space == ACTION_UNITS:
        return expression
    if expression.space != FACS:
        raise ValueError(f"Expected Action Units, got a point of {expression.space.name}.")
    values = expression.values
    means = (sum(values[i] for i in indices) / len(indices) for indices in FACS_INDICES)
    return Expression(ACTION_UNITS, tuple(means))


def convert_units(
    expression: Expression, space: ExpressionSpace, reading: Expression
) -> Expression:
    """Convert an expression in ACTION_UNITS or FACS to `space`, one of the two.

    For a conversion to FACS, `reading` supplies sides and axes that ACTION_UNITS lacks; if it is
    not in FACS, both sides are equal and those axes are 0.
    """
    if space == ACTION_UNITS:
        return units_of(expression)
    if expression.space == FACS:
        return expression
    if reading.space != FACS:
        return Expression.of(FACS, **expression.asdict())
    return reading.with_units(expression)


def with_gaze_and_head_of(expression: Expression, other: Expression) -> Expression:
    """Return the expression with gaze and head of another expression in the same space."""
    pairs = zip(expression.space.axes, expression.values, other.values, strict=True)
    values = (theirs if axis.region in GAZE_AND_HEAD else own for axis, own, theirs in pairs)
    return Expression(expression.space, tuple(values))
