"""Action Units without and with sides: the 17 of ACTION_UNITS, and FACS, which has them and more.

From FACS to the 17, a unit is the mean of its two sides, and all other axes are left out. The other
way starts from an expression in FACS, such as a reading, and is `Expression.with_units`.
"""

from .spaces import ACTION_UNITS, FACS, Expression, ExpressionSpace

UNIT_SPACES = (ACTION_UNITS, FACS)
# Positions in FACS of each of the 17 units, and the axes that are new in FACS.
PLACES = tuple(FACS.positions(key) for key in ACTION_UNITS.keys)
NEW_KEYS = tuple(key for key in FACS.keys if key not in ACTION_UNITS.keys)
POSE = ("gaze", "head")  # regions of axes that no expression of the 17 units says anything of


def units_of(expression: Expression) -> Expression:
    """The 17 Action Units of a point of ACTION_UNITS or FACS."""
    if expression.space == ACTION_UNITS:
        return expression
    if expression.space != FACS:
        raise ValueError(f"Expected Action Units, got a point of {expression.space.name}.")
    values = expression.values
    means = (sum(values[place] for place in places) / len(places) for places in PLACES)
    return Expression(ACTION_UNITS, tuple(means))


def in_units(expression: Expression, space: ExpressionSpace, start: Expression) -> Expression:
    """A point of ACTION_UNITS or FACS in one of the two; from `start` if that is in FACS, or else
    with equal sides and 0 on all other axes."""
    if space == ACTION_UNITS:
        return units_of(expression)
    if expression.space == FACS:
        return expression
    if start.space != FACS:
        return Expression.of(FACS, **expression.asdict())
    return start.with_units(expression)


def posed_as(expression: Expression, other: Expression) -> Expression:
    """The expression with gaze and head of another one of its space."""
    values = zip(expression.space.axes, expression.values, other.values, strict=True)
    mixed = (there if axis.region in POSE else here for axis, here, there in values)
    return Expression(expression.space, tuple(mixed))
