"""The mapping between moods and Action Units, in both directions.

Eight prototype emotions relate the two. The Action Units of six follow EMFACS (Ekman & Friesen
1983). Those of relaxed and bored, and all intensities, are ours. Their pleasure, arousal and
dominance are the ratings of Russell & Mehrabian 1977. No data set of faces has labels of dominance,
so dominance is this definition and is not validated.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..errors import InvalidExpression
from .presets import PRESETS
from .sides import FACS_ONLY_KEYS, UNIT_SPACES, convert_units, units_of
from .spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    SPACES,
    UNIT_TOLERANCE,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
)

RIDGE_WEIGHT = 0.15  # weight of the ridge penalty in the regression of moods on Action Units
# Moods that differ by less on every axis count as equal: a little more than half of a slider's
# step, which is 0.01.
MOOD_TOLERANCE = 0.006
# `with_mood` clips pleasure and arousal to +-MAX_TARGET_MOOD, since units from 0 to 1 rarely reach
# more. If the face already shows a larger value, it clips to that one, and at most to
# MAX_CURRENT_MOOD, where arctanh is finite.
MAX_TARGET_MOOD, MAX_CURRENT_MOOD = 0.95, 0.999
MOOD_SIGMA = 0.28  # standard deviation of the Gaussian weight of a prototype, in the mood space
# Units that step 2 of `with_mood` changes to adjust an axis of the mood.
ADJUSTED_UNITS = {"pleasure": ("AU12", "AU15"), "arousal": ("AU05", "AU25", "AU45")}
# Rise of AU26 per rise of arousal by 1. It is small, since a jaw drop pulls the lip corners down.
JAW_PER_AROUSAL = 0.4
# Step 2 of `with_mood`: the number of damped Newton iterations and the factor on their changes.
NEWTON_ITERATIONS, DAMPING = 4, 0.7
SLOPE_OFFSET = 0.05  # added to the slope that a change is divided by, which may be near 0

# Emotion -> (expression, (pleasure, arousal, dominance)). These names are moods; the presets of the
# same names, such as "happy", are other expressions.
PROTOTYPES = {
    "happy": (PRESETS["happiness"], (0.81, 0.51, 0.46)),
    "surprised": (PRESETS["surprise"], (0.40, 0.67, -0.13)),
    "afraid": (PRESETS["fear"], (-0.64, 0.60, -0.43)),
    "angry": (PRESETS["anger"], (-0.51, 0.59, 0.25)),
    "disgusted": (PRESETS["disgust"], (-0.60, 0.35, 0.11)),
    "sad": (PRESETS["sadness"], (-0.63, -0.27, -0.33)),
    "relaxed": (Expression.of(ACTION_UNITS, AU12=0.3, AU45=0.25), (0.68, -0.46, 0.06)),
    "bored": (
        Expression.of(ACTION_UNITS, AU14=0.2, AU15=0.3, AU45=0.45),
        (-0.65, -0.62, -0.33),
    ),
}

# Name -> (pleasure, arousal, dominance): the labels on the page's plane of pleasure and arousal,
# placed by the ratings of the same source: Russell & Mehrabian 1977, "Evidence for a three-factor
# theory of emotions". Only the PROTOTYPES among them define the mapping.
NAMED_MOODS = {name: mood for name, (_, mood) in PROTOTYPES.items()} | {
    "astonished": (0.16, 0.88, -0.15),
    "terrified": (-0.62, 0.82, -0.43),
    "excited": (0.62, 0.75, 0.38),
    "fascinated": (0.55, 0.51, -0.07),
    "anxious": (0.01, 0.59, -0.15),
    "suspicious": (-0.25, 0.42, 0.11),
    "awed": (0.18, 0.40, -0.38),
    "proud": (0.77, 0.38, 0.65),
    "hopeful": (0.51, 0.23, 0.14),
    "skeptical": (-0.22, 0.21, 0.03),
    "grateful": (0.64, 0.16, -0.18),
    "troubled": (-0.63, 0.16, -0.40),
    "ashamed": (-0.57, 0.01, -0.34),
    "modest": (0.27, -0.06, 0.12),
    "secure": (0.74, -0.13, 0.03),
    "despairing": (-0.72, -0.16, -0.38),
    "leisurely": (0.58, -0.32, 0.11),
    "weary": (-0.18, -0.33, -0.24),
    "quiet": (0.19, -0.40, -0.04),
    "lonely": (-0.66, -0.43, -0.32),
    "fatigued": (-0.18, -0.57, -0.29),
}


class _MoodModel(NamedTuple):
    """The P prototypes as arrays, and the regression through them."""

    units: np.ndarray  # (P, 17)
    moods: np.ndarray  # (P, 3)
    regression: np.ndarray  # (17, 3): units @ regression approximates arctanh(mood)


@cache
def _mood_model() -> _MoodModel:
    units = np.array([expression.values for expression, _ in PROTOTYPES.values()])
    moods = np.array([mood for _, mood in PROTOTYPES.values()])
    gram = units.T @ units + RIDGE_WEIGHT * np.eye(units.shape[1])
    return _MoodModel(units, moods, np.linalg.solve(gram, units.T @ np.arctanh(moods)))


_AROUSAL = 1  # index in PAD, in VALENCE_AROUSAL and in ADJUSTED_UNITS
_JAW = ACTION_UNITS.index("AU26")
_MOUTH = [ACTION_UNITS.index("AU25"), _JAW]
_LIP_CORNERS = np.array([key in ("AU12", "AU14", "AU15") for key in ACTION_UNITS.keys])
# Factor on what step 1 of `with_mood` adds to each unit: half for AU09 and AU10, since they raise
# the lip corners, too.
_STEP_1_FACTORS = np.array([0.5 if key in ("AU09", "AU10") else 1.0 for key in ACTION_UNITS.keys])


@cache
def _adjustment_directions() -> np.ndarray:
    """Return the directions (2, 17) in which step 2 moves the units, for pleasure and for arousal.

    Each is the column of the regression, with 0 for units that are not its ADJUSTED_UNITS.
    """
    weights = _mood_model().regression.T  # (3, 17)
    return np.array(
        [
            np.where([key in units for key in ACTION_UNITS.keys], weights[PAD.index(axis)], 0)
            for axis, units in ADJUSTED_UNITS.items()
        ]
    )


def mood_of(expression: Expression, space: ExpressionSpace = PAD) -> Expression:
    """Return the mood that Action Units show: tanh of a ridge regression through the prototypes.

    `expression` is in ACTION_UNITS or FACS; only its 17 Action Units count, see `units_of`. `space`
    is PAD or VALENCE_AROUSAL; valence is pleasure.
    """
    mood = np.tanh(units_of(expression).vector() @ _mood_model().regression)
    return Expression.clipped(space, mood[: len(space.axes)])


def action_units_of(mood: Expression) -> Expression:
    """Return the Action Units that show a mood: a weighted mean of the prototypes and neutral.

    The weights are Gaussians of the distance in the mood space, with sigma MOOD_SIGMA (the
    estimator of Nadaraya and Watson). For a mood in VALENCE_AROUSAL, dominance is left out of the
    distance.
    """
    _check_space(mood, PAD, VALENCE_AROUSAL)
    units, moods, _ = _mood_model()
    units, moods = np.vstack([units, 0 * units[:1]]), np.vstack([moods, 0 * moods[:1]])
    point = mood.vector()
    squared = np.square(moods[:, : len(point)] - point).sum(1)  # distances
    weights = np.exp(-(squared - squared.min()) / (2 * MOOD_SIGMA**2))  # the minimum cancels out
    return Expression.clipped(ACTION_UNITS, weights @ units / weights.sum())


def with_mood(expression: Expression, mood: Expression) -> Expression:
    """Return the expression with its Action Units changed so that it shows `mood`.

    1. Add `action_units_of(mood)` minus `action_units_of` the current mood, times _STEP_1_FACTORS.
       Three kinds of units differ. AU12, AU14 and AU15, which move the lip corners, ignore the
       difference in arousal. AU26 ignores the prototypes: it rises by JAW_PER_AROUSAL times the
       rise of arousal, and stays if arousal does not change. If arousal falls, AU25 and AU26 shrink
       in proportion to arousal + 1, and step 2 does not change them.
    2. Change the ADJUSTED_UNITS, within 0 to 1, by NEWTON_ITERATIONS towards the pleasure and the
       arousal of `mood`. A difference may remain. Dominance changes in step 1 only.

    An expression that already shows the mood, within MOOD_TOLERANCE, stays unchanged. In FACS, only
    its 17 Action Units change, see `Expression.with_units`.
    """
    if expression.space == FACS:
        return convert_units(with_mood(units_of(expression), mood), FACS, expression)
    current = mood_of(expression, mood.space).vector()
    if np.abs(current - mood.vector()).max() < MOOD_TOLERANCE:
        return expression
    old, target = expression.vector(), mood.vector()
    units = _add_prototype_difference(old, mood.space, current, target)
    directions = _adjustment_directions().copy()
    if target[_AROUSAL] < current[_AROUSAL]:
        # Close the mouth in proportion, and completely at the lowest arousal, -1.
        units[_MOUTH] = old[_MOUTH] * (target[_AROUSAL] + 1) / (current[_AROUSAL] + 1)
        directions[_AROUSAL, _MOUTH] = 0
    else:
        units[_JAW] = old[_JAW] + JAW_PER_AROUSAL * (target[_AROUSAL] - current[_AROUSAL])
    units = np.clip(units, 0, 1)
    limits = np.clip(np.abs(current), MAX_TARGET_MOOD, MAX_CURRENT_MOOD)
    target_arctanh = np.arctanh(np.clip(target, -limits, limits))
    for _ in range(NEWTON_ITERATIONS):
        for axis, direction in enumerate(directions):
            weights = _mood_model().regression[:, axis]
            error = target_arctanh[axis] - units @ weights
            slope = weights @ direction
            units += DAMPING * error / (slope + SLOPE_OFFSET) * direction
            units = np.clip(units, 0, 1)
    return Expression.clipped(ACTION_UNITS, units)


def _add_prototype_difference(
    units: np.ndarray, space: ExpressionSpace, current: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Return units (17,) plus the difference between two moods' units, times _STEP_1_FACTORS.

    current, target: the moods, vectors in `space`. The units that move the lip corners ignore the
    difference in arousal. `with_mood` then replaces AU26, and AU25 if arousal falls.
    """
    is_arousal = np.arange(len(target)) == _AROUSAL
    target_at_current_arousal = np.where(is_arousal, current, target)
    before, after, after_without_arousal = (
        action_units_of(Expression(space, tuple(mood))).vector()
        for mood in (current, target, target_at_current_arousal)
    )
    after = np.where(_LIP_CORNERS, after_without_arousal, after)
    return units + _STEP_1_FACTORS * (after - before)


def convert_expression(
    expression: Expression, space: ExpressionSpace, reading: Expression
) -> Expression:
    """Convert an expression to another space.

    reading: the Action Units of the face, in ACTION_UNITS or FACS. From ACTION_UNITS to FACS, it
    supplies the axes that ACTION_UNITS lacks, see `convert_units`. A mood becomes the reading,
    changed by `with_mood`. An expression in `space` is returned as it is. Raises InvalidExpression
    if the spaces differ and one of them has axes of unknown meaning (c0, c1 ...).
    """
    if expression.space == space:
        return expression
    if space.name not in SPACES:
        raise InvalidExpression(
            "This model takes the axes {} to {}, whose meaning is unknown: give values of these "
            "axes instead of presets, moods or Action Units.",
            space.keys[0],
            space.keys[-1],
        )
    if expression.space.name not in SPACES:
        raise InvalidExpression(
            "This expression has the axes {} to {}, whose meaning is unknown: only the model that "
            "it was made for can show it.",
            expression.space.keys[0],
            expression.space.keys[-1],
        )
    if expression.space == PAD and space == VALENCE_AROUSAL:
        return Expression(space, expression.values[:2])  # valence is pleasure
    if expression.space not in UNIT_SPACES:
        expression = with_mood(reading, expression)
    if space in UNIT_SPACES:
        return convert_units(expression, space, reading)
    return mood_of(expression, space)


def convert_trajectory(
    expressions: list[Expression], space: ExpressionSpace, reading: Expression
) -> list[Expression]:
    """Convert the expressions of an animation to a space, consistently over the frames.

    Each is converted by `convert_expression`, with one exception: in a conversion to FACS (from
    ACTION_UNITS, and from moods by way of ACTION_UNITS), a unit keeps the sides of the reading only
    if no frame changes it. So the difference between its sides does not jump from frame to frame.
    """
    if (space, reading.space) != (FACS, FACS):
        return [convert_expression(expression, space, reading) for expression in expressions]
    converted = [
        e if e.space == FACS else convert_expression(e, ACTION_UNITS, reading) for e in expressions
    ]
    rows = [e.values for e in converted if e.space == ACTION_UNITS]
    read_units = units_of(reading).vector()
    differences = np.reshape(rows, (len(rows), len(read_units))) - read_units
    changes = np.abs(differences).max(0, initial=0)
    changed = [k for k, x in zip(ACTION_UNITS.keys, changes, strict=True) if x > UNIT_TOLERANCE]
    return [
        e if e.space == FACS else reading.replace(**{key: e[key] for key in changed})
        for e in converted
    ]


def convert_reading(reading: Expression, space: ExpressionSpace) -> Expression:
    """Convert the reading of a photo to a space; return neutral if its axes have no meaning."""
    if space.name not in SPACES:
        return Expression.neutral(space)
    return convert_expression(reading, space, reading)


def values_by_axis(expression: Expression) -> dict[str, float]:
    """Return the 17 Action Units and the mood that they show, by key.

    For an expression in FACS, also its axes that ACTION_UNITS lacks (FACS_ONLY_KEYS).
    """
    values = units_of(expression).asdict() | mood_of(expression).asdict()
    if expression.space == FACS:
        values |= {key: expression[key] for key in FACS_ONLY_KEYS}
    return values


def _check_space(expression: Expression, *spaces: ExpressionSpace) -> None:
    if expression.space not in spaces:
        names = " or ".join(space.name for space in spaces)
        raise ValueError(f"Expected an expression in {names}, got one in {expression.space.name}.")
