import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from moodganimation.animation.easing import EASINGS, interpolate
from moodganimation.animation.sampling import BlinkingSequence
from moodganimation.animation.timeline import MODES, Keyframe, Timeline, read_timeline
from moodganimation.cli.commands import main
from moodganimation.errors import InvalidExpression, InvalidTimeline, InvalidValue, UnreadableFile
from moodganimation.expressions import schema
from moodganimation.expressions.moods import convert_expression
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    space_named,
)
from moodganimation.media.figures import CURVE_BACKGROUND, CURVE_COLORS, curves

from .conftest import ASSETS, PHOTO

NEUTRAL = Expression.neutral(ACTION_UNITS)
HAPPY, SAD, FEAR = (PRESETS[name] for name in ("happy", "sad", "fear"))
FPS = 24


def timeline(**options) -> Timeline:
    keys = Keyframe(NEUTRAL, 0, 0.25), Keyframe(HAPPY, 1, 0.5, "ease in"), Keyframe(SAD, 2.5, 0.5)
    return Timeline(keys, FPS, **options)


def test_keyframes_are_shown_at_their_moments_and_held():
    way = timeline().expressions()
    assert way[:6] == [NEUTRAL] * 6 and way[6] != NEUTRAL
    assert way[23] != HAPPY and way[24:36] == [HAPPY] * 12 and way[36] != HAPPY
    assert way[59] != SAD and way[60:] == [SAD] * 12
    assert len(way) == timeline().frame_count == 3 * FPS and timeline().duration == 3


def test_before_the_first_keyframe_is_the_first():
    way = Timeline((Keyframe(SAD, 1.0), Keyframe(HAPPY, 2.0)), 10).expressions()
    assert way[:11] == [SAD] * 11 and way[-1] == HAPPY and len(way) == 21


@pytest.mark.parametrize("easing", EASINGS)
def test_between_keyframes_is_what_interpolate_gives(easing):
    for ping_pong in (False, True):
        asked = (NEUTRAL, FEAR, 10, easing, ping_pong, 4)
        for fps in (7, 24, 29.97):
            made = Timeline.between(*asked[:3], fps, *asked[3:])
            assert made.expressions() == interpolate(*asked)


@pytest.mark.parametrize("fps", [0, -1, 0.5, 61, "24"])
def test_a_timeline_between_two_expressions_names_a_wrong_frame_rate(fps):
    with pytest.raises(InvalidValue, match="Frames per second must be a number from 1 to 60, got"):
        Timeline.between(NEUTRAL, HAPPY, 5, fps)


def test_a_loop_comes_home_without_a_doubled_frame():
    way = timeline(mode="loop", back=0.5).expressions()
    once = timeline().expressions()
    home = way[len(once) :]
    assert way[: len(once)] == once and len(home) == FPS // 2 - 1
    steps = np.diff([SAD.vector(), *(e.vector() for e in home), NEUTRAL.vector()], axis=0)
    assert (np.abs(steps).max(1) > 0).all()  # neither the last nor the first is there twice
    assert np.abs(steps).max() < 0.15


def test_ping_pong_goes_back_as_it_came():
    way, once = timeline(mode="ping-pong").expressions(), timeline().expressions()
    assert way[:72] == once
    assert way[72:] == once[6:60][::-1]  # what turns is not held again


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fps", [1, 7.5, 24, 60])
def test_there_are_as_many_frames_as_are_said(mode, fps):
    made = dataclasses.replace(timeline(mode=mode), fps=fps)
    way = made.expressions()
    assert len(way) == made.frame_count == pytest.approx(made.duration * fps)
    assert way[0] == NEUTRAL and HAPPY in way and SAD in way
    alone = Timeline((Keyframe(SAD, 0),), fps, mode)
    assert alone.expressions() == [SAD] and alone.frame_count == 1


def test_changes_make_other_timelines():
    first = timeline()
    longer = first.add(Keyframe(FEAR, 1.75))
    assert [key.expression for key in longer.keyframes] == [NEUTRAL, HAPPY, FEAR, SAD]
    assert longer.delete(2) == first != longer
    moved = first.move(2, 0.5)
    assert [key.expression for key in moved.keyframes] == [NEUTRAL, SAD, HAPPY]
    assert first.replace(1, Keyframe(FEAR, 1)).keyframes[1].expression == FEAR
    assert first == timeline()


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda t: t.move(1, 0.1), "overlaps the one at 0 s, which is shown until"),
        (lambda t: t.move(1, 2.5), "shorten the hold of the earlier one"),
        (lambda t: t.add(Keyframe(SAD, 1.2)), "move one of them"),
        (lambda t: t.delete(0).delete(0).delete(0), "needs a keyframe"),
        (lambda t: t.move(2, 30), "at most 600 frames .* would have 732"),
        (lambda t: dataclasses.replace(t, mode="loop", back=60), "at most 600 frames"),
    ],
)
def test_what_cannot_follow_each_other_is_said(change, sentence):
    with pytest.raises(InvalidTimeline, match=sentence):
        change(timeline())


def test_keyframes_of_other_spaces_start_from_the_photo():
    reading = Expression.of(ACTION_UNITS, AU01=0.4, AU12=0.2)
    mood = Expression.of(PAD, pleasure=0.7, arousal=0.3)
    made = Timeline((Keyframe(None, 0), Keyframe(mood, 1), Keyframe(HAPPY, 2)))
    for space in (ACTION_UNITS, PAD, VALENCE_AROUSAL):
        way = made.expressions(space, reading)
        assert {e.space for e in way} == {space}
        assert way[0] == convert_expression(reading, space, reading)
        assert way[24] == convert_expression(mood, space, reading)
        assert way[48] == convert_expression(HAPPY, space, reading)
    nameless = space_named("c4")
    assert Timeline((Keyframe(None, 0),)).expressions(nameless) == [Expression.neutral(nameless)]
    with pytest.raises(InvalidExpression, match="meaning is unknown"):
        made.expressions(nameless, reading)


def blinks(way: list[Expression]) -> list[int]:
    return [i for i, expression in enumerate(way) if expression["AU45"] == 1]


def test_lids_blink_now_and_then():
    wide = Expression.of(ACTION_UNITS, AU05=0.6, AU45=0.1)
    made = Timeline((Keyframe(wide, 0, 20),), blinks=True)
    way = made.expressions()
    shut = blinks(way)
    assert way == made.expressions() and 3 <= len(shut) <= 7
    assert len(set(np.diff(shut))) > 1 and np.diff(shut).mean() / FPS == pytest.approx(4, abs=1)
    assert way[0] == way[-1] == wide
    for i in shut:
        assert way[i]["AU05"] == 0
        moving = [j for j in range(i - 6, i + 7) if way[j] != wide]
        assert 0.2 <= len(moving) / FPS <= 0.4 and moving == list(range(moving[0], moving[-1] + 1))


def test_blinks_leave_closed_eyes_moods_and_slow_films_alone():
    closed = Timeline((Keyframe(Expression.of(ACTION_UNITS, AU45=0.7), 0, 20),), blinks=True)
    assert closed.expressions() == dataclasses.replace(closed, blinks=False).expressions()
    calm = Timeline((Keyframe(NEUTRAL, 0, 20),), blinks=True)
    assert not any(np.diff([e.values for e in calm.expressions(PAD)], axis=0).any(1))
    assert blinks(calm.expressions())
    assert not blinks(list(BlinkingSequence([NEUTRAL] * 60, 2)))
    assert not blinks(list(BlinkingSequence([NEUTRAL] * 20, 24)))


def text(made: Timeline) -> str:
    return schema.dumps(made.to_json(), "The timeline")


def test_json_keeps_a_timeline_to_the_bit():
    chance = np.random.default_rng(0)
    keys = [Keyframe(Expression.clipped(PAD, chance.uniform(-1, 1, 3)), i / 3, 0.1) for i in (1, 2)]
    keys += [Keyframe(Expression.clipped(ACTION_UNITS, chance.random(17)), 1.1, easing="spring")]
    made = Timeline((Keyframe(None, 0), *keys), 23.976, "loop", 1 / 7, True)
    assert Timeline.from_json(schema.loads(text(made), "It")) == made
    assert Timeline.from_json({"keyframes": [{"at": 0}]}) == Timeline((Keyframe(None, 0),))


def test_the_readme_shows_a_timeline():
    said = (ASSETS.parent / "docs" / "cli.md").read_text().split("```json")[1].split("```")[0]
    made = Timeline.from_json(schema.loads(said, "It"))
    assert made.frame_count == 84 and len(made.expressions()) == 84 and made.blinks


KEY = {"at": 0.0, "expression": {"AU12": 0.5}}


@pytest.mark.parametrize(
    "values, sentence",
    [
        ([], "an object of named values"),
        ({"keyframes": []}, "a list of 1 to 600"),
        ({"keyframes": [KEY] * 601}, "a list of 1 to 600"),
        ({"keyframes": {"at": 0}}, "a list"),
        ({"keyframes": [KEY], "speed": 2}, "contain 'speed'; it may contain keyframes, fps"),
        ({"keyframes": [KEY], "fps": 1e9}, "from 1 to 60"),
        ({"keyframes": [KEY], "fps": "24"}, "must be a number"),
        ({"keyframes": [KEY], "fps": True}, "must be a number"),
        ({"keyframes": [KEY], "fps": 10**400}, "must be a number"),
        ({"keyframes": [KEY], "mode": "again"}, "one of once, loop, ping-pong"),
        ({"keyframes": [KEY], "mode": ["loop"]}, "one of once"),
        ({"keyframes": [KEY], "blinks": 1}, "true or false"),
        ({"keyframes": [KEY], "back": -1}, "from 0"),
        ({"keyframes": [{}]}, "lacks at"),
        ({"keyframes": [KEY | {"at": -0.1}]}, "time .* from 0"),
        ({"keyframes": [KEY | {"at": float("nan")}]}, "time .* got nan"),
        ({"keyframes": [KEY | {"hold": float("inf")}]}, "hold"),
        ({"keyframes": [KEY | {"easing": "bouncy"}]}, "one of linear"),
        ({"keyframes": [KEY | {"expression": [0.5] * 17}]}, "An expression must be an object"),
        ({"keyframes": [KEY | {"expression": {"AU99": 1}}]}, "not contain 'AU99'"),
        ({"keyframes": [KEY | {"expression": {"AU12": 1.5}}]}, "from 0 to 1"),
        ({"keyframes": [KEY | {"expression": {"AU12": "1"}}]}, "AU12 must be a number"),
        ({"keyframes": [KEY | {"expression": {"space": 1}}]}, "not contain 'space'"),
        ({"keyframes": [{"at": 0, "space": "pad"}]}, "An expression must be"),
        ({"keyframes": [KEY | {"space": "c999"}]}, "not a space"),
        ({"keyframes": [KEY | {"space": 7}]}, "must be a text"),
        ({"keyframes": [KEY | {"smile": 7}]}, "not contain 'smile'"),
    ],
)
def test_values_that_are_no_timeline_are_refused(values, sentence):
    with pytest.raises((InvalidValue, InvalidExpression), match=sentence):
        Timeline.from_json(values)


@pytest.mark.parametrize(
    "said, sentence",
    [
        ("", "not JSON"),
        ('{"keyframes": [{"at": NaN}]}', "NaN is not a number"),
        ('{"keyframes": [{"at": 1e999}]}', "a number is too large"),
        ('{"keyframes": [{"at": -1e999}]}', "a number is too large"),
        (f'{{"keyframes": [{{"at": 1{"0" * 309}}}]}}', "a number is too large"),
        ('{"keyframes": [{"at": 0, "at": 1}]}', "a key appears twice"),
        ("[" * 50_000, "nested too deeply"),
        ("9" * 6000, "not JSON"),
        (" " * 70_000 + "{}", "larger than 60,000 bytes"),
        ("\udcff", "not JSON"),
    ],
)
def test_texts_that_are_no_timeline_are_refused(said, sentence, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(said.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidValue, match=sentence):
        read_timeline(path)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read_timeline(tmp_path / "b.json")


def test_the_limit_of_a_json_text_counts_bytes_also_in_a_str():
    text = '"' + "é" * 40 + '"'
    for form in (text, text.encode()):
        assert schema.loads(form, "It", 82) == "é" * 40
        with pytest.raises(InvalidValue, match="larger than 81 bytes"):
            schema.loads(form, "It", 81)


def test_curves_show_what_changes_and_where_one_is():
    way = timeline().expressions()
    picture = curves(way, (400, 160))
    assert picture.shape == (160, 400, 3) and picture.dtype == np.uint8
    for color in CURVE_COLORS[:4]:  # AU04, AU12, AU15, AU25
        assert (picture == color).all(2).sum() > 50
    assert not (picture == CURVE_COLORS[4]).all(2).any()
    marked = curves(way, (400, 160), cursor=36)
    columns = (marked != picture).any((0, 2)).nonzero()[0]
    assert len(columns) == 1 and 150 < columns[0] < 200
    fear = Timeline((Keyframe(NEUTRAL, 0), Keyframe(Expression.clipped(ACTION_UNITS, [1] * 17), 1)))
    for still in ([NEUTRAL], [NEUTRAL] * 5, fear.expressions(), fear.expressions(PAD)):
        for size in ((10, 10), (300, 80)):
            assert (curves(still, size, cursor=99)[0, -1] == CURVE_BACKGROUND).all()


def run(*arguments) -> int:
    return main(["animate", *map(str, arguments)])


def test_animate_takes_a_timeline(tmp_path, capsys):
    path, out = tmp_path / "a.json", tmp_path / "a.gif"
    short = Timeline((Keyframe(None, 0), Keyframe(HAPPY, 0.2, 0.1), Keyframe(SAD, 0.5)), 10, "loop")
    path.write_text(text(short))
    assert run(PHOTO, "--timeline", path, "--size", 64, "--out", out) == 0
    with Image.open(out) as image:
        assert image.n_frames >= 9 and image.info["duration"] == 100
    out.unlink()
    for others, sentence in (
        (["--preset", "sad"], "--preset cannot be combined with --timeline"),
        (["--frames", "3"], "--frames cannot be combined with --timeline"),
        (["--fps", "60"], "from 1 to 50"),
    ):
        assert run(PHOTO, "--timeline", path, *others, "--out", out) == 2
        assert sentence in capsys.readouterr().err and not out.exists()
    path.write_text(json.dumps({"keyframes": [{"at": "now"}]}))
    assert run(PHOTO, "--timeline", path, "--out", out) == 2
    assert "The time of a keyframe must be a number" in capsys.readouterr().err
