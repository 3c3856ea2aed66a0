import math

import numpy as np
import pytest

from moodganimation.errors import InvalidExpression
from moodganimation.expressions.moods import PROTOTYPES, action_units_of, mood_of, with_mood
from moodganimation.expressions.presets import PRESETS, SHEET_PRESET_NAMES
from moodganimation.expressions.spaces import ACTION_UNITS, PAD, VALENCE_AROUSAL, Expression

OPENFACE = [
    "01",
    "02",
    "04",
    "05",
    "06",
    "07",
    "09",
    "10",
    "12",
    "14",
    "15",
    "17",
    "20",
    "23",
    "25",
    "26",
    "45",
]
# As the definition of the training data has them, to three digits: AU04, AU12, AU45.
REGRESSION = {
    "AU04": (-0.484, 0.112, -0.044),
    "AU12": (1.187, -0.031, 0.323),
    "AU45": (-0.221, -0.898, -0.283),
}


def test_action_units_have_openfaces_order():
    assert ACTION_UNITS.keys == tuple(f"AU{unit}" for unit in OPENFACE)
    assert all((axis.low, axis.high) == (0, 1) for axis in ACTION_UNITS.axes)


@pytest.mark.parametrize("name", ["AU12", "au12", "12", " AU12 "])
def test_a_unit_has_many_spellings(name):
    assert Expression.of(ACTION_UNITS, AU12=0.8)[name] == 0.8


def test_au1_means_au01():
    assert Expression.of(ACTION_UNITS, AU1=0.3).values[0] == 0.3


def test_replace_leaves_the_rest():
    smile = Expression.of(ACTION_UNITS, AU12=0.8, AU25=0.1)
    assert smile.replace(AU12=1.0) == Expression.of(ACTION_UNITS, AU12=1.0, AU25=0.1)


def test_towards_goes_from_here_to_there():
    start, end = Expression.of(ACTION_UNITS, AU04=0.6), PRESETS["happy"]
    assert start.blend_to(end, 0) == start
    assert start.blend_to(end, 1) == end
    assert start.blend_to(end, 0.5)["AU12"] == pytest.approx(0.5)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.1])
def test_impossible_values_are_refused(value):
    with pytest.raises(InvalidExpression, match="AU12 must be a number from 0 to 1"):
        Expression.of(ACTION_UNITS, AU12=value)


def test_a_key_of_thousands_of_digits_is_an_unknown_axis():
    assert "9" * 5000 not in ACTION_UNITS
    with pytest.raises(InvalidExpression, match="is not an axis"):
        ACTION_UNITS.indices("9" * 5000)


def test_an_unknown_axis_is_named_with_what_is_near():
    with pytest.raises(InvalidExpression, match=r"not an axis.*AU1"):
        Expression.of(ACTION_UNITS, AU13=1)


def test_presets_of_the_figure_are_its_combinations():
    combinations = [
        {key for key, value in PRESETS[name].asdict().items() if value == 1}
        for name in SHEET_PRESET_NAMES
    ]
    wanted = [
        "AU12 AU25",
        "AU04 AU15",
        "AU09 AU10 AU17",
        "AU04 AU09 AU10",
        "AU04 AU07 AU10",
        "AU01 AU02 AU05 AU25",
        "AU01 AU02 AU25 AU26",
    ]
    assert combinations == [set(text.split()) for text in wanted]


def test_mood_regression_is_the_documented_one():
    for key, row in REGRESSION.items():
        mood = mood_of(Expression.of(ACTION_UNITS, **{key: 1.0})).vector()
        np.testing.assert_allclose(np.arctanh(mood), row, atol=6e-4)


# What the definition of the training data gets back for each emotion: mood -> units -> mood.
THERE_AND_BACK = {
    "happy": (0.79, 0.45, 0.41),
    "surprised": (0.30, 0.63, -0.14),
    "afraid": (-0.55, 0.58, -0.32),
    "angry": (-0.53, 0.48, 0.15),
    "disgusted": (-0.54, 0.41, 0.10),
    "sad": (-0.57, -0.31, -0.28),
    "relaxed": (0.29, -0.23, 0.03),
    "bored": (-0.48, -0.43, -0.26),
}


@pytest.mark.parametrize("name", PROTOTYPES)
def test_emotions_survive_the_way_there_and_back(name):
    mood = Expression(PAD, PROTOTYPES[name][1])
    np.testing.assert_allclose(
        mood_of(action_units_of(mood)).vector(), THERE_AND_BACK[name], atol=0.006
    )


def test_neutral_is_the_middle_of_both_spaces():
    assert mood_of(Expression.neutral(ACTION_UNITS)) == Expression.neutral(PAD)


@pytest.mark.parametrize("space", [PAD, VALENCE_AROUSAL])
def test_the_mood_that_is_there_changes_nothing(space):
    face = Expression.of(ACTION_UNITS, AU12=0.4, AU04=0.3)
    np.testing.assert_allclose(
        with_mood(face, mood_of(face, space)).vector(), face.vector(), atol=1e-9
    )


def test_more_pleasure_is_more_smile():
    face = Expression.of(ACTION_UNITS, AU04=0.3)
    happier = with_mood(face, mood_of(face).replace(pleasure=0.8))
    assert happier["AU12"] > face["AU12"] + 0.2
