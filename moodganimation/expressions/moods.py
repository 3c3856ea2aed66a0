"""Moods and Action Units: one documented mapping, both ways.

Eight emotions tie the two spaces together: their Action Units follow EMFACS (Ekman & Friesen 1983;
the intensities are ours), their pleasure, arousal and dominance are the ratings of Russell &
Mehrabian 1977. No face data set carries dominance, so dominance here is this definition and
nothing more.
"""

from functools import cache

import numpy as np

from ..errors import InvalidExpression
from .presets import PRESETS
from .sides import NEW_KEYS, UNIT_SPACES, in_units, units_of
from .spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    SAME_UNIT,
    SPACES,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
)

RIDGE = 0.15  # shrinks the regression of moods on Action Units
SAME = 0.006  # moods that differ by less are the same: sliders have hundredths
MOST_READ = 0.95  # of an axis of a mood: units hardly show more
REACH = 0.28  # how far an emotion's influence reaches in the mood space
# What carries an axis on once the emotions have said their part: lips' corners; lids and lips.
CARRIERS = {"pleasure": ("AU12", "AU15"), "arousal": ("AU05", "AU25", "AU45")}
JAW = 0.4  # that AU26 rises for each of arousal; a jaw that drops takes the lips' corners with it

# emotion -> (expression, pleasure, arousal, dominance)
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

# Names to go by on the plane, and where people put them: ratings of the same source, Russell &
# Mehrabian 1977, "Evidence for a three-factor theory of emotions".
MOODS = {name: mood for name, (_, mood) in PROTOTYPES.items()} | {
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


@cache
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units (E, 17) and moods (E, 3) of the prototypes, and the regression (17, 3) between them."""
    units = np.array([expression.values for expression, _ in PROTOTYPES.values()])
    moods = np.array([mood for _, mood in PROTOTYPES.values()])
    square = units.T @ units + RIDGE * np.eye(units.shape[1])
    return units, moods, np.linalg.solve(square, units.T @ np.arctanh(moods))


_JAW = ACTION_UNITS.index("AU26")
_MOUTH = [ACTION_UNITS.index("AU25"), _JAW]
_CORNERS = np.array([key in ("AU12", "AU14", "AU15") for key in ACTION_UNITS.keys])
# How much of the emotions' change a unit takes: nose and upper lip lift the lips' corners, too.
_SHARES = np.array([0.5 if key in ("AU09", "AU10") else 1.0 for key in ACTION_UNITS.keys])


@cache
def _carriers() -> np.ndarray:
    """(2, 17) of pleasure and of arousal: the regression, but 0 for units that do not carry it."""
    slopes = _tables()[2].T
    return np.array(
        [
            np.where([key in carriers for key in ACTION_UNITS.keys], slopes[PAD.index(axis)], 0)
            for axis, carriers in CARRIERS.items()
        ]
    )


def mood_of(expression: Expression, space: ExpressionSpace = PAD) -> Expression:
    """The mood that Action Units show: tanh of a ridge regression through the prototypes.

    `space` is PAD or VALENCE_AROUSAL (whose valence is PAD's pleasure). Of FACS, only what it has
    in common with ACTION_UNITS counts.
    """
    mood = np.tanh(units_of(expression).vector() @ _tables()[2])
    return Expression.clipped(space, mood[: len(space.axes)])


def action_units_of(mood: Expression) -> Expression:
    """The Action Units that show a mood: prototypes and neutral, weighted by their nearness.

    Nadaraya-Watson with a Gaussian of width REACH; a mood of two axes is silent on dominance, so
    nearness is then measured without it.
    """
    _expect(mood, PAD, VALENCE_AROUSAL)
    units, moods, _ = _tables()
    units, moods = np.vstack([units, 0 * units[:1]]), np.vstack([moods, 0 * moods[:1]])
    point = mood.vector()
    distance = np.square(moods[:, : len(point)] - point).sum(1)
    nearness = np.exp(-(distance - distance.min()) / (2 * REACH**2))
    return Expression.clipped(ACTION_UNITS, nearness @ units / nearness.sum())


def with_mood(expression: Expression, mood: Expression) -> Expression:
    """Action Units changed as much as the units of their mood and of `mood` differ, and then on,
    until pleasure and arousal are read back as far as units from 0 to 1 can show them.

    Relative, so that a mood that is already there leaves every unit as it is. The second step goes
    along the regression of `mood_of`, by the units that carry an axis alone, so that lips' corners
    rise with pleasure and eyes and mouth open with arousal between the eight emotions, too. In the
    first step lips' corners are deaf to arousal, the jaw to all else. Dominance keeps to its
    definition. In FACS, the units that it has in common with ACTION_UNITS change.
    """
    if expression.space == FACS:
        return in_units(with_mood(units_of(expression), mood), FACS, expression)
    now = mood_of(expression, mood.space).vector()
    if np.abs(now - mood.vector()).max() < SAME:
        return expression
    start, goal = expression.vector(), mood.vector()
    calm = np.where(np.arange(len(goal)) == 1, now, goal)  # the arousal that is there
    here, there, aside = (
        action_units_of(Expression(mood.space, tuple(m))).vector() for m in (now, goal, calm)
    )
    units = start + _SHARES * (np.where(_CORNERS, aside, there) - here)
    carried = _carriers().copy()
    if goal[1] < now[1]:  # a mouth closes little by little, all the way at the lowest arousal
        units[_MOUTH] = start[_MOUTH] * (goal[1] + 1) / (now[1] + 1)
        carried[1, _MOUTH] = 0
    else:
        units[_JAW] = start[_JAW] + JAW * (goal[1] - now[1])
    units = np.clip(units, 0, 1)
    most = np.clip(np.abs(now), MOST_READ, 0.999)
    wanted = np.arctanh(np.clip(goal, -most, most))
    for _ in range(4):
        for axis, carriers in enumerate(carried):
            slope = _tables()[2][:, axis]
            step = 0.7 * (wanted[axis] - units @ slope) / (slope @ carriers + 0.05)
            units = np.clip(units + step * carriers, 0, 1)
    return Expression.clipped(ACTION_UNITS, units)


def in_space(expression: Expression, space: ExpressionSpace, start: Expression) -> Expression:
    """An expression in the words of another space; `start` are the Action Units it starts from, in
    ACTION_UNITS or FACS.

    Raises InvalidExpression between axes without a meaning (c0, c1 ...) and any others.
    """
    if expression.space == space:
        return expression
    for unknown in (space, expression.space):
        if unknown.name not in SPACES:
            raise InvalidExpression(
                "What the axes {} to {} mean is not known, so units, moods and presets cannot be "
                "said in them; ask for these axes themselves.",
                unknown.keys[0],
                unknown.keys[-1],
            )
    if expression.space == PAD and space == VALENCE_AROUSAL:
        return Expression(space, expression.values[:2])  # valence is pleasure
    if expression.space not in UNIT_SPACES:
        expression = with_mood(start, expression)
    if space in UNIT_SPACES:
        return in_units(expression, space, start)
    return mood_of(expression, space)


def trajectory_in_space(
    points: list[Expression], space: ExpressionSpace, start: Expression
) -> list[Expression]:
    """The expressions of an animation, each as `in_space` has it; but in FACS a unit keeps its
    sides only if it never changes, so that no frame differs from its neighbors by them."""
    if (space, start.space) != (FACS, FACS):
        return [in_space(point, space, start) for point in points]
    points = [p if p.space == FACS else in_space(p, ACTION_UNITS, start) for p in points]
    rows = [point.values for point in points if point.space == ACTION_UNITS]
    here = units_of(start).vector()
    far = (np.abs(np.reshape(rows, (len(rows), len(here))) - here) > SAME_UNIT).any(0)
    changed = [key for key, moves in zip(ACTION_UNITS.keys, far, strict=True) if moves]
    return [
        p if p.space == FACS else start.replace(**{key: p[key] for key in changed}) for p in points
    ]


def as_read(reading: Expression, space: ExpressionSpace) -> Expression:
    """The Action Units of a photo in the words of a space; neutral where nobody knows its axes."""
    if space.name not in SPACES:
        return Expression.neutral(space)
    return in_space(reading, space, reading)


def values_by_axis(expression: Expression) -> dict[str, float]:
    """What Action Units say on every axis: the 17, the mood that they show, and in FACS the axes
    that the 17 do not have."""
    values = units_of(expression).asdict() | mood_of(expression).asdict()
    if expression.space == FACS:
        values |= {key: expression[key] for key in NEW_KEYS}
    return values


def _expect(expression: Expression, *spaces: ExpressionSpace) -> None:
    if expression.space not in spaces:
        names = " or ".join(space.name for space in spaces)
        raise ValueError(f"Expected a point of {names}, got one of {expression.space.name}.")
