"""The space FACS: sides, more of the mouth, gaze and head, between and beside the 17 units."""

import itertools

import numpy as np
import pytest

from moodganimation.animation.named_timelines import TIMELINES, named_timeline
from moodganimation.animation.sampling import BlinkingSequence
from moodganimation.animation.timeline import Keyframe, Timeline
from moodganimation.animation.trajectories import read_trajectory
from moodganimation.errors import InvalidExpression
from moodganimation.expressions import schema
from moodganimation.expressions.gaze import (
    GAZE_PER_PITCH,
    GAZE_PER_YAW,
    GAZE_UP_OFFSET,
    look_at_camera,
)
from moodganimation.expressions.moods import (
    convert_expression,
    convert_reading,
    convert_trajectory,
    mood_of,
    values_by_axis,
    with_mood,
)
from moodganimation.expressions.presets import GESTURES, PRESETS
from moodganimation.expressions.request import (
    ExpressionRequest,
    add_offset,
    offset_between,
    resolve,
    split_offset,
)
from moodganimation.expressions.sides import FACS_ONLY_KEYS, units_of
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    space_named,
)
from moodganimation.video.editing import blend_to, offset_by
from moodganimation.video.live import ChangeFromNeutral, fit_keyframes
from moodganimation.video.reenactment import (
    Performance,
    add_masked_change,
    region_mask,
    write_curves,
)

# A crooked smile with pursed lips, looking to the left with the head turned right and down.
FACE = Expression.of(
    FACS, AU12L=0.2, AU12R=0.6, AU04=0.1, AU18=0.3, AU61=0.4, AU64=0.2, AU52=0.5, AU54=0.25
)
POSE = ("AU61", "AU62", "AU63", "AU64", "AU51", "AU52", "AU53", "AU54", "AU55", "AU56")
WITHOUT = (ACTION_UNITS, PAD, VALENCE_AROUSAL, space_named("c4"))


def pose(expression: Expression) -> list[float]:
    return [expression[key] for key in POSE]


# ---- The space ----


def test_facs_has_fifty_axes_and_the_17_units():
    assert len(FACS.axes) == 50 and space_named("facs") == FACS
    assert all(key in FACS for key in ACTION_UNITS.keys)
    assert FACS.canonical("au29") == "AD29" and FACS.canonical("30l") == "AD30L"


def test_unit_without_a_side_is_the_mean_and_sets_both():
    assert FACE["AU12"] == pytest.approx(0.4)
    both = FACE.replace(AU12=0.7)
    assert (both["AU12L"], both["AU12R"]) == (0.7, 0.7)


def test_axis_above_0_sets_its_opposite_to_0():
    assert FACE.replace(AU62=0.3)["AU61"] == 0
    assert FACE.replace(AU62=0.0)["AU61"] == 0.4


def test_of_opposites_only_the_difference_counts():
    values = np.zeros(50)
    values[[FACS.index("AU61"), FACS.index("AU62")]] = 0.3, 0.8
    values[FACS.index("AU53")] = -0.4
    point = Expression.clipped(FACS, values)
    assert (point["AU61"], point["AU62"]) == (0, 0.5)
    assert (point["AU53"], point["AU54"]) == (0, 0.4)


def test_way_from_left_to_right_passes_the_middle():
    left, right = Expression.of(FACS, AU61=0.8), Expression.of(FACS, AU62=0.4)
    middle = left.blend_to(right, 0.5)
    assert (middle["AU61"], middle["AU62"]) == (pytest.approx(0.2), 0)


# ---- Between the spaces ----


def test_facs_in_the_17_units_is_the_mean_of_the_sides():
    units = convert_expression(FACE, ACTION_UNITS, FACE)
    assert units == Expression.of(ACTION_UNITS, AU04=0.1, AU12=0.4)


def test_unchanged_units_keep_their_sides_and_all_else_stays():
    assert convert_expression(units_of(FACE), FACS, FACE) == FACE
    rounded = Expression.clipped(ACTION_UNITS, units_of(FACE).vector().round(2))
    assert convert_expression(rounded, FACS, FACE) == FACE
    changed = convert_expression(units_of(FACE).replace(AU04=0.8), FACS, FACE)
    assert changed == FACE.replace(AU04=0.8)
    assert convert_expression(units_of(FACE).replace(AU12=0.5), FACS, FACE) == FACE.replace(
        AU12=0.5
    )


def test_way_in_facs_may_lead_to_units_without_sides():
    happy = convert_expression(PRESETS["happy"], FACS, FACE)
    assert FACE.blend_to(PRESETS["happy"], 0.5) == FACE.blend_to(happy, 0.5)


def test_sides_of_a_unit_that_changes_are_equal_on_every_frame():
    way = [units_of(FACE).replace(AU12=value) for value in (0.3, 0.4, 0.5)]
    frames = convert_trajectory([*way, FACE], FACS, FACE)
    assert [frame["AU12L"] for frame in frames[:3]] == [0.3, pytest.approx(0.4), 0.5]
    assert [frame["AU12R"] for frame in frames[:3]] == [0.3, pytest.approx(0.4), 0.5]
    assert all(frame["AU18"] == 0.3 and pose(frame) == pose(FACE) for frame in frames)
    assert frames[3] == FACE and convert_trajectory(way[1:2], FACS, FACE) == [FACE]
    moods = [mood_of(FACE), Expression.of(PAD, pleasure=0.7)]
    assert [point.space for point in convert_trajectory(moods, FACS, FACE)] == [FACS] * 2


def test_units_from_a_start_without_sides_have_equal_sides():
    smile = Expression.of(ACTION_UNITS, AU12=0.003, AU17=0.2)
    assert convert_expression(smile, FACS, smile) == Expression.of(FACS, AU12=0.003, AU17=0.2)


@pytest.mark.parametrize("space", [PAD, VALENCE_AROUSAL])
def test_mood_of_facs_is_that_of_its_units(space):
    assert mood_of(FACE, space) == mood_of(units_of(FACE), space) == convert_reading(FACE, space)


def test_mood_changes_the_units_and_neither_gaze_nor_head():
    mood = Expression.of(PAD, pleasure=0.7, arousal=0.5)
    changed = convert_expression(mood, FACS, FACE)
    assert changed == with_mood(FACE, mood) and pose(changed) == pose(FACE)
    np.testing.assert_allclose(
        units_of(changed).vector(), with_mood(units_of(FACE), mood).vector(), atol=0.0051
    )
    assert with_mood(FACE, mood_of(FACE)) == FACE


def test_values_by_axis_are_the_old_ones_and_the_new_beside_them():
    old = units_of(FACE)
    values = values_by_axis(FACE)
    assert list(values)[:20] == [*ACTION_UNITS.keys, *PAD.keys]
    assert values == old.asdict() | mood_of(old).asdict() | {
        key: FACE[key] for key in FACS_ONLY_KEYS
    }
    assert values_by_axis(old) == old.asdict() | mood_of(old).asdict()


# ---- Requests ----


@pytest.mark.parametrize(
    "axes, target",
    [
        ({"AU12": 0.8}, FACE.replace(AU12L=0.8, AU12R=0.8)),
        ({"au12l": 0.8}, FACE.replace(AU12L=0.8)),
        ({"au29": 0.5, "30R": 0.2}, FACE.replace(AD29=0.5, AD30R=0.2)),
        ({"AU62": 0.3}, FACE.replace(AU61=0.0, AU62=0.3)),
        ({"AU61": 0.0, "AU62": 0.3}, FACE.replace(AU61=0.0, AU62=0.3)),
    ],
)
def test_request_names_axes_of_facs(axes, target):
    assert resolve(ExpressionRequest(axes=axes), FACE, FACS) == target


def test_mood_comes_before_axes_of_facs():
    mood = with_mood(FACE, mood_of(FACE).replace(pleasure=0.6))
    target = resolve(ExpressionRequest(axes={"AU12L": 0.1, "pleasure": 0.6}), FACE, FACS)
    assert target == mood.replace(AU12L=0.1)


@pytest.mark.parametrize(
    "axes, sentence",
    [
        ({"AU12": 0.1, "AU12L": 0.2}, "AU12 stands for both of its sides: give AU12 or AU12L."),
        ({"au12r": 0.1, "12": 0.2}, "AU12 stands for both of its sides: give AU12 or AU12R."),
        ({"AU61": 0.1, "62": 0.2}, "AU61 and AU62 are opposites: give one of them."),
        ({"AU62": 0.1, "au61": 0.2}, "AU61 and AU62 are opposites: give one of them."),
        ({"AD29": 0.1, "AU29": 0.2}, "AD29 is given twice: give it once."),
        ({"AU99": 0.1}, "'AU99' is not an axis of facs, pad, valence_arousal"),
    ],
)
def test_axes_that_exclude_each_other_get_a_sentence(axes, sentence):
    for change in (axes, dict(reversed(axes.items()))):
        with pytest.raises(InvalidExpression, match=sentence):
            resolve(ExpressionRequest(axes=change), FACE, FACS)
        with pytest.raises(InvalidExpression, match=sentence):
            split_offset(change, FACS)


@pytest.mark.parametrize("space", WITHOUT, ids=lambda space: space.name)
@pytest.mark.parametrize("key", ["AU61", "au12l", "AU29"])
def test_axis_that_only_facs_has_is_an_error_elsewhere(space, key):
    name = FACS.canonical(key)
    sentence = f"{name} is not an axis of this model; the default model warp has it."
    with pytest.raises(InvalidExpression, match=sentence):
        resolve(ExpressionRequest(axes={key: 0.5}), units_of(FACE), space)
    with pytest.raises(InvalidExpression, match=sentence):
        split_offset({key: 0.5}, space)
    with pytest.raises(InvalidExpression, match=sentence):
        split_offset(Expression.of(FACS, **{key: 0.5}), space)


def test_offset_that_is_an_expression_counts_only_axes_that_are_not_0():
    smile = Expression.of(FACS, AU17=0.2)
    neutral = Expression.neutral(ACTION_UNITS)
    assert add_offset(neutral, split_offset(smile, ACTION_UNITS))["AU17"] == pytest.approx(0.2)
    for space in (ACTION_UNITS, FACS, PAD):
        assert split_offset(Expression.neutral(space), ACTION_UNITS) == []


@pytest.mark.parametrize("name", ["happy", "sad", "surprise", "fearful"])
def test_preset_sets_the_17_units_and_keeps_the_rest(name):
    target = resolve(ExpressionRequest(name), FACE, FACS)
    seventeen = resolve(ExpressionRequest(name), units_of(FACE), ACTION_UNITS)
    np.testing.assert_allclose(units_of(target).vector(), seventeen.vector(), atol=1e-9)
    assert pose(target) == pose(FACE) and target["AU18"] == FACE["AU18"]


@pytest.mark.parametrize("name", GESTURES)
def test_gesture_sets_the_axes_that_it_names(name):
    assert_near(resolve(ExpressionRequest(name), FACE, FACS), FACE.replace(**GESTURES[name]))
    half = resolve(ExpressionRequest(name, 0.5), FACE, FACS)
    assert half == FACE.blend_to(FACE.replace(**GESTURES[name]), 0.5)


@pytest.mark.parametrize("space", WITHOUT, ids=lambda space: space.name)
def test_gesture_is_an_error_without_its_axes(space):
    with pytest.raises(InvalidExpression, match="This model cannot show wink, which takes AU45L"):
        resolve(ExpressionRequest("wink"), units_of(FACE), space)


def test_expression_of_another_face_comes_without_gaze_and_head():
    other = Expression.of(FACS, AU12R=0.9, AU18=0.1, AU63=1.0, AU51=1.0)
    target = resolve(ExpressionRequest(like=other), FACE, FACS)
    assert pose(target) == pose(FACE)
    assert (target["AU12R"], target["AU12L"], target["AU18"]) == (0.9, 0, 0.1)


# ---- Looking into the camera ----


def test_eyes_turn_against_the_head():
    looking = look_at_camera(FACE)
    assert (looking["AU61"], looking["AU62"]) == (pytest.approx(0.5 * GAZE_PER_YAW), 0)
    assert (looking["AU63"], looking["AU64"]) == (
        pytest.approx(GAZE_UP_OFFSET + 0.25 * GAZE_PER_PITCH),
        0,
    )
    other = FACE.replace(AU51=1.0, AU53=1.0)
    looking = look_at_camera(other)
    assert (looking["AU61"], looking["AU62"]) == (0, pytest.approx(GAZE_PER_YAW))
    assert (looking["AU63"], looking["AU64"]) == (0, pytest.approx(GAZE_PER_PITCH - GAZE_UP_OFFSET))
    assert units_of(looking) == units_of(other)


def test_eyes_of_a_frontal_head_look_straight():
    frontal = FACE.replace(AU52=0.0, AU54=0.0, AU55=0.7)
    assert pose(look_at_camera(frontal)) == [0, 0, GAZE_UP_OFFSET, 0, *pose(frontal)[4:]]


def test_look_is_resolved_after_the_head():
    request = ExpressionRequest(axes={"AU51": 0.4}, look="camera")
    assert resolve(request, FACE, FACS) == look_at_camera(FACE.replace(AU51=0.4))


@pytest.mark.parametrize("key", ["AU61", "au62", "63", "AU64"])
def test_look_with_an_axis_of_the_gaze_is_an_error(key):
    with pytest.raises(InvalidExpression, match="A look sets the gaze"):
        ExpressionRequest(axes={key: 0.2}, look="camera")


def test_look_at_nothing_known_is_an_error():
    with pytest.raises(InvalidExpression, match="Eyes can look at camera, not at 'moon'"):
        ExpressionRequest(look="moon")


@pytest.mark.parametrize("space", WITHOUT, ids=lambda space: space.name)
def test_look_is_an_error_without_gaze(space):
    with pytest.raises(InvalidExpression, match="This model cannot move the eyes"):
        resolve(ExpressionRequest(look="camera"), units_of(FACE), space)


# ---- What is added to films ----


def added(change, reading=FACE, strength=1.0) -> Expression:
    return add_offset(reading, split_offset(change), strength)


def assert_near(one: Expression, other: Expression) -> None:
    assert one.space == other.space
    np.testing.assert_allclose(one.vector(), other.vector(), atol=1e-12)


def test_offset_of_a_unit_goes_to_both_sides():
    assert_near(added({"AU12": 0.3}), FACE.replace(AU12L=0.5, AU12R=0.9))
    assert_near(added({"AU12": 0.3}, strength=2), FACE.replace(AU12L=0.8, AU12R=1.0))
    assert_near(added({"AU12L": -0.1}), FACE.replace(AU12L=0.1))


@pytest.mark.parametrize(
    "change, left, right",
    [
        ({"AU61": 0.2}, 0.6, 0),
        ({"AU62": 0.1}, 0.3, 0),
        ({"AU62": 0.7}, 0, 0.3),
        ({"AU61": -0.5}, 0, 0.1),
        ({"AU61": 5.0}, 1.0, 0),
    ],
)
def test_offset_of_an_opposite_is_signed(change, left, right):
    moved = added(change)
    assert (moved["AU61"], moved["AU62"]) == (pytest.approx(left), pytest.approx(right))


def test_offset_of_a_mood_keeps_gaze_and_head():
    moved = added({"pleasure": 0.3, "AU51": 0.2})
    turned = FACE.replace(AU52=0.3)
    mood = mood_of(turned)
    wanted = with_mood(turned, mood.replace(pleasure=mood["pleasure"] + 0.3))
    np.testing.assert_allclose(moved.vector(), wanted.vector(), atol=1e-9)


def test_offset_of_facs_makes_a_reading_of_17_units_one_of_facs():
    reading = units_of(FACE)
    assert_near(
        added({"AU61": 0.2}, reading), convert_expression(reading, FACS, reading).replace(AU61=0.2)
    )
    assert added({"AU12": 0.2}, reading).space == ACTION_UNITS


@pytest.mark.parametrize("other", [FACE, Expression.of(FACS, AU62=0.3, AU12L=0.9, AU53=0.2)])
def test_difference_is_what_must_be_added(other):
    for here, there in itertools.permutations([FACE, other, Expression.neutral(FACS)], 2):
        assert_near(added(offset_between(there, here), here), there)


def test_functions_for_films_work_on_readings_in_facs():
    assert offset_by({"AU12": 0.3}, space=FACS)(0.0, FACE) == added({"AU12": 0.3})
    happy = blend_to(PRESETS["happy"])(0.0, FACE)
    assert happy == convert_expression(PRESETS["happy"], FACS, FACE)
    with pytest.raises(InvalidExpression, match="AU61 is not an axis of this model"):
        offset_by({"AU61": 0.3}, space=ACTION_UNITS)


# ---- Timelines ----


@pytest.mark.parametrize("name", TIMELINES)
def test_named_timeline_is_short_and_ends_where_it_began(name):
    made = named_timeline(name, FACE)
    way = made.expressions(FACS, FACE)
    assert 1.5 <= made.duration <= 3 and way[0] == way[-1] == FACE
    assert len(set(way)) > 10 and all(point["AU12L"] == FACE["AU12L"] for point in way)
    for a, b in FACS.opposites:
        assert all(min(point[a], point[b]) == 0 for point in way)


def test_named_timelines_move_what_their_names_say():
    turns = {"nod": ("AU53", "AU54"), "shake": ("AU51", "AU52"), "thinking": ("AU63", "AU62")}
    for name, keys in turns.items():
        way = named_timeline(name, Expression.neutral(FACS)).expressions(FACS)
        assert all(max(point[key] for point in way) > 0.15 for key in keys)


def test_named_timeline_is_an_error_without_its_axes_or_its_name():
    with pytest.raises(InvalidExpression, match="turns the head or the eyes"):
        named_timeline("nod", units_of(FACE))
    with pytest.raises(
        InvalidExpression, match="There is no timeline called 'jump'; there are nod"
    ):
        named_timeline("jump", FACE)


def test_keyframes_of_17_units_start_from_a_reading_in_facs():
    smile = Expression.of(ACTION_UNITS, AU12=0.8)
    way = Timeline((Keyframe(None, 0), Keyframe(smile, 1))).expressions(FACS, FACE)
    assert way[0] == FACE and way[-1] == convert_expression(smile, FACS, FACE)
    assert all(pose(point) == pose(FACE) for point in way)


def test_keyframes_of_facs_are_read_from_json_with_units_for_both_sides():
    key = Keyframe.from_json({"at": 0, "space": "facs", "expression": {"AU12": 0.8, "AU61": 0.3}})
    assert key.expression == Expression.of(FACS, AU12L=0.8, AU12R=0.8, AU61=0.3)
    assert Keyframe.from_json(key.to_json()) == key


def test_lids_blink_on_each_side_from_where_they_are():
    still = [Expression.of(FACS, AU45L=0.4, AU05R=0.5)] * 120
    way = list(BlinkingSequence(still, 24))
    shut = max(way, key=lambda point: point["AU45R"])
    assert shut["AU45L"] == shut["AU45R"] == 1 and shut["AU05R"] == 0
    assert way[0] == way[-1] == still[0]
    winking = [Expression.of(FACS, AU45L=1)] * 120
    assert list(BlinkingSequence(winking, 24)) == winking


# ---- Files ----


def test_json_keeps_an_expression_of_facs_by_the_name_of_its_space():
    values = schema.expression_to_json(FACE)
    assert values["space"] == "facs" and schema.expression_from_json(values) == FACE


def read(tmp_path, text: str, space=FACS) -> list[Expression]:
    path = tmp_path / "way.csv"
    path.write_text(text)
    return read_trajectory(path, space).expressions


def test_columns_name_axes_of_facs(tmp_path):
    points = read(tmp_path, "AU12,AU61,AU29\n0.5,0.2,1\n0.1,0,0\n")
    assert points[0] == Expression.of(FACS, AU12=0.5, AU61=0.2, AD29=1)
    assert points[1] == Expression.of(FACS, AU12=0.1)


def test_columns_of_the_17_units_leave_the_rest_to_the_reading(tmp_path):
    assert read(tmp_path, "AU12,AU04\n0.5,0\n") == [Expression.of(ACTION_UNITS, AU12=0.5)]


@pytest.mark.parametrize("names", ["AU12,AU12L", "AU12R,AU12", "AU61,AU61"])
def test_columns_that_name_an_axis_twice_are_refused(tmp_path, names):
    with pytest.raises(InvalidExpression, match="an axis is named twice"):
        read(tmp_path, f"{names},AU62\n0.5,0.5,0\n")


def test_columns_of_facs_are_refused_by_the_17_units(tmp_path):
    with pytest.raises(InvalidExpression, match="'AU61' is not an axis that can be read here"):
        read(tmp_path, "AU12,AU61\n0.5,0\n", ACTION_UNITS)


def test_curves_of_facs_are_trajectories_of_every_space(tmp_path):
    points = [FACE, FACE.replace(AU61=0.1, AU12L=0.9)]
    path = write_curves(tmp_path / "curves.csv", points, 10, [True, True])
    header = path.read_text().splitlines()[0].split(",")
    assert header[:21] == ["time", *ACTION_UNITS.keys, *PAD.keys] and header[-1] == "face_found"
    for one, other in zip(read_trajectory(path, FACS).expressions, points, strict=True):
        np.testing.assert_allclose(one.vector(), other.vector(), atol=1e-4)
    for one, other in zip(read_trajectory(path, ACTION_UNITS).expressions, points, strict=True):
        np.testing.assert_allclose(one.vector(), units_of(other).vector(), atol=1e-4)
    for space in (PAD, VALENCE_AROUSAL):
        assert read_trajectory(path, space).expressions[0].space == PAD


def test_curves_of_17_units_start_from_the_reading_in_facs(tmp_path):
    points = [units_of(FACE), units_of(FACE).replace(AU04=0.7)]
    path = write_curves(tmp_path / "curves.csv", points, 10, [True, True])
    read_back = read_trajectory(path, FACS).expressions
    assert [point.space for point in read_back] == [ACTION_UNITS] * 2
    assert convert_expression(read_back[0], FACS, FACE) == FACE


# ---- Driving ----


def performance() -> Performance:
    rows = np.array([FACE.values] * 9 + [FACE.replace(AU12L=0.9, AU62=0.2, AU51=0.3).values])
    return Performance(10, np.float32(rows), np.full(10, True), [], FACS)


def test_photo_follows_sides_gaze_and_head_of_a_film():
    start = Expression.of(FACS, AU61=0.1, AU12L=0.1)
    *_, last = performance().retarget(start)
    assert last["AU12L"] == pytest.approx(0.8) and last["AU12R"] == pytest.approx(0)
    assert last["AU62"] == pytest.approx(0.5) and last["AU51"] == pytest.approx(0.8)


def test_regions_choose_gaze_with_the_eyes_and_the_head_by_its_name():
    start = Expression.neutral(FACS)
    *_, eyes = performance().retarget(start, regions=["eyes"])
    *_, head = performance().retarget(start, regions=["head"])
    assert eyes["AU62"] > 0 == eyes["AU51"] and head["AU51"] > 0 == head["AU62"]
    with pytest.raises(InvalidExpression, match="Regions are any of brows, eyes, nose, mouth, or"):
        region_mask(["head"])


def test_moods_of_a_film_are_carried_to_an_expression_in_facs():
    *_, last = performance().retarget(FACE, carry="moods")
    assert last.space == FACS and pose(last) == pose(FACE) and units_of(last) != units_of(FACE)


def test_change_of_17_units_is_played_on_both_sides():
    change = np.zeros(17)
    change[ACTION_UNITS.index("AU12")] = 0.2
    mouth = region_mask(["mouth"])
    changed = add_masked_change(FACE, change, ACTION_UNITS, 1.0, mask=mouth)
    assert_near(changed, added({"AU12": 0.2}))


def test_mirror_keeps_the_space_of_what_it_sees():
    mirror = ChangeFromNeutral()
    for seconds in (0.0, 0.5):
        mirror.update(seconds, FACE)
    mirror.update(2.0, FACE.replace(AU12L=0.5))
    mouth = region_mask(["mouth"], mirror.space)
    point = add_masked_change(FACE, mirror.values, mirror.space, 1.0, mouth)
    assert_near(point, FACE.replace(AU12L=0.5))
    _, keys = fit_keyframes([(0.0, FACE), (1.0, point)])
    assert_near(keys[-1].expression, point)
