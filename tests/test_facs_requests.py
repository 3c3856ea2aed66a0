"""A generator and a reader in FACS: the command line, the API, the page and Python agree."""

import dataclasses
import json
import shutil

import gradio as gr
import numpy as np
import pytest

from moodganimation.animation.easing import interpolate
from moodganimation.animation.named_timelines import TIMELINES, named_timeline
from moodganimation.animator import Animator
from moodganimation.checkpoints.files import build_generator, save_generator
from moodganimation.cli.commands import main
from moodganimation.demo.api import API
from moodganimation.demo.handlers.common import PHOTO as THE_PHOTO
from moodganimation.demo.handlers.common import SLIDERS, jpeg_data_url
from moodganimation.errors import InvalidExpression
from moodganimation.expressions.moods import convert_expression, values_by_axis
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.request import (
    ExpressionRequest,
    add_offset,
    offset_between,
    resolve,
    split_offset,
)
from moodganimation.expressions.sides import FACS_ONLY_KEYS, units_of
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, PAD, VALENCE_AROUSAL, Expression
from moodganimation.faces.portrait import center_side_roll
from moodganimation.media.images import read_image
from moodganimation.media.video_reader import open_film
from moodganimation.media.video_writer import write_animation
from moodganimation.networks.base import GeneratorConfig
from moodganimation.recipe import read_recipe
from moodganimation.video.editing import EditedVideo, edit_video, offset_by
from moodganimation.video.reenactment import capture_performance

from .conftest import ASSETS, PHOTO
from .visits import Visit, sent

VIDEO = ASSETS.parent / "samples" / "videos" / "calm.mp4"
REQUESTS = {
    "nothing": ExpressionRequest(),
    "both-sides": ExpressionRequest(axes={"AU12": 0.8}),
    "one-side": ExpressionRequest(axes={"au12l": 0.9, "AU45R": 0.4}),
    "gaze-and-head": ExpressionRequest(axes={"AU62": 0.7, "AU53": 0.4, "AU29": 0.2}),
    "preset": ExpressionRequest("sad", 0.6, {"AU18": 0.3}),
    "gesture": ExpressionRequest("wink", 0.8),
    "mood": ExpressionRequest(axes={"pleasure": 0.8, "AU51": 0.5}),
    "look": ExpressionRequest(axes={"AU52": 0.5}, look="camera"),
}
ONLY_FACS = {
    "axis": (ExpressionRequest(axes={"AU61": 0.5}), "AU61 is not an axis of this model"),
    "side": (ExpressionRequest(axes={"AU12L": 0.5}), "AU12L is not an axis of this model"),
    "gesture": (ExpressionRequest("kiss"), "This model cannot show kiss, which takes AU18"),
    "look": (ExpressionRequest(look="camera"), "This model cannot move the eyes"),
}
INVALID = {
    "sides": (ExpressionRequest(axes={"AU12": 0.5, "AU12R": 0.1}), "AU12 stands for both"),
    "opposites": (ExpressionRequest(axes={"AU62": 0.5, "AU61": 0.1}), "are opposites: give one"),
    "range": (ExpressionRequest(axes={"AU61": 2.0}), "AU61 must be a number from 0 to 1"),
}
by_name = pytest.mark.parametrize("name", REQUESTS)


def save(path, space, **config):
    config = {"architecture": "convgru_unet", "image_size": 32, "width": 4, "depth": 1} | config
    generator = build_generator(GeneratorConfig(condition_dim=len(space.axes), **config))
    save_generator(path, generator, space, {})
    return path


@pytest.fixture(scope="module")
def readers_of_facs(facs_animator, tmp_path_factory):
    """Generators of the other spaces whose reader has FACS."""
    folder = tmp_path_factory.mktemp("checkpoints")
    spaces = (ACTION_UNITS, PAD, VALENCE_AROUSAL)
    return {
        space.name: facs_animator.with_checkpoint(save(folder / space.name, space))
        for space in spaces
    }


@pytest.fixture
def loaded(monkeypatch, facs_animator):
    """The command line loads this animator, by default the one of FACS."""

    def load(one: Animator) -> Animator:
        monkeypatch.setattr(Animator, "load", lambda *_, **__: one)
        monkeypatch.setattr("moodganimation.cli.batch._animator", lambda *_: one)
        return one

    load(facs_animator)
    return load


@pytest.fixture(scope="module")
def clip(animator, portrait, tmp_path_factory):
    """A film of six frames in which a jaw drops."""
    way = interpolate(portrait.reading, portrait.reading.replace(AU26=1.0), 6)
    frames = (frame.view("photo", 256) for frame in animator.animate(portrait, way))
    return write_animation(tmp_path_factory.mktemp("clip") / "clip.mp4", frames, 10)


def command(name: str, source, request: ExpressionRequest, *others) -> int:
    options = [part for key, x in request.axes.items() for part in ("--set", f"{key}={x}")]
    options += ["--preset", request.preset] if request.preset else []
    options += ["--look", request.look] if request.look else []
    options += ["--intensity", request.intensity]
    return main([str(argument) for argument in (name, source, *options, *others)])


def last_line(capsys) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


# ---- Requests ----


@by_name
def test_edit_and_v1_edit_resolve_the_same_request_alike(
    name, loaded, facs_animator, facs_portrait, tmp_path
):
    request, out = REQUESTS[name], tmp_path / "edited.png"
    target = resolve(request, facs_portrait.reading, FACS)
    assert command("edit", PHOTO, request, "--out", out) == 0
    assert read_recipe(out).expression == target
    api, axes = API(facs_animator), dict(request.axes)
    path, values = api.edit(str(PHOTO), axes, request.preset, request.intensity, look=request.look)
    assert read_recipe(path).expression == target
    assert list(values) == [*ACTION_UNITS.keys, *FACS_ONLY_KEYS]
    assert values == {key: round(target[key], 3) for key in values}
    wanted = facs_animator.edit(facs_portrait, target).image
    np.testing.assert_array_equal(read_image(out), wanted)


@pytest.mark.parametrize("name", ["one-side", "look"])
def test_animate_and_batch_resolve_the_same_request_alike(
    name, loaded, facs_animator, facs_portrait, tmp_path
):
    request, out = REQUESTS[name], tmp_path / "animation.gif"
    target = resolve(request, facs_portrait.reading, FACS)
    assert command("animate", PHOTO, request, "--frames", 2, "--size", 64, "--out", out) == 0
    assert read_recipe(out).timeline.keyframes[-1].expression == target
    api = API(facs_animator)
    path = api.animate(str(PHOTO), dict(request.axes), format="gif", size=64, look=request.look)
    assert target in [key.expression for key in read_recipe(path).timeline.keyframes]
    (tmp_path / "photos").mkdir()
    shutil.copy(PHOTO, tmp_path / "photos" / "one.png")
    edited = tmp_path / "edited"
    assert command("batch", tmp_path / "photos", request, "--out", edited) == 0
    assert read_recipe(edited / "one.png").expression == target
    again = tmp_path / "again"  # from the recipe
    others = ("--recipe", edited / "one.png", "--out", again)
    assert command("batch", tmp_path / "photos", ExpressionRequest(), *others) == 0
    assert read_recipe(again / "one.png").expression == target


@pytest.fixture
def edit_video_targets(monkeypatch):
    targets = []

    def edit_video(animator, film, out, target, **options):
        targets.append(target)
        return EditedVideo(out, 1, 1, [])

    for module in ("video.editing", "demo.api", "demo.handlers.film"):
        monkeypatch.setattr(f"moodganimation.{module}.edit_video", edit_video)
    return targets


@by_name
def test_film_command_resolves_the_same_request_alike(
    name, loaded, facs_portrait, edit_video_targets, tmp_path
):
    asks = REQUESTS[name] != ExpressionRequest()  # a film that would stay as it is, is an error
    status = command("film", VIDEO, REQUESTS[name], "--out", tmp_path / "film.mp4")
    assert status == (0 if asks else 2)
    if not asks:
        return
    reading = facs_portrait.reading
    assert edit_video_targets[0](0.0, reading) == resolve(REQUESTS[name], reading, FACS)


@pytest.mark.parametrize("axes", [{"AU12": 0.5, "AU61": 0.2}, {"AU62": -0.4, "pleasure": 0.3}])
def test_film_command_and_v1_film_add_the_same(
    axes, loaded, facs_animator, facs_portrait, edit_video_targets
):
    options = [part for key, x in axes.items() for part in ("--add", f"{key}={x}")]
    assert command("film", VIDEO, ExpressionRequest(), *options, "--out", "film.mp4") == 0
    API(facs_animator).film(str(VIDEO), axes)
    by_command, by_api = (target(0.0, facs_portrait.reading) for target in edit_video_targets)
    assert by_command == by_api == add_offset(facs_portrait.reading, split_offset(axes))


@pytest.mark.parametrize("name", INVALID)
def test_invalid_request_is_reported_alike(name, loaded, facs_animator, tmp_path, capsys):
    request, sentence = INVALID[name]
    assert command("edit", PHOTO, request, "--out", tmp_path / "a.png") == 2
    assert sentence in last_line(capsys) and not list(tmp_path.iterdir())
    with pytest.raises(gr.Error) as raised:
        API(facs_animator).edit(str(PHOTO), dict(request.axes))
    assert sentence in raised.value.message


@pytest.mark.parametrize("space", ["shipped", "action_units", "pad", "valence_arousal"])
@pytest.mark.parametrize("name", ONLY_FACS)
def test_what_only_facs_has_is_reported_alike_by_other_models(
    name, space, animator, readers_of_facs, loaded, tmp_path, capsys
):
    one = loaded(readers_of_facs.get(space, animator))
    if one.space == FACS:
        pytest.skip("the shipped model has it")
    request, sentence = ONLY_FACS[name]
    assert command("edit", PHOTO, request, "--out", tmp_path / "a.png") == 2
    assert sentence in last_line(capsys)
    assert command("film", VIDEO, request, "--out", tmp_path / "a.mp4") == 2
    assert sentence in last_line(capsys) and not list(tmp_path.iterdir())
    with pytest.raises(gr.Error) as raised:
        API(one).edit(str(PHOTO), dict(request.axes), request.preset, look=request.look)
    assert sentence in raised.value.message
    if not request.axes:
        return
    add = [part for key, x in request.axes.items() for part in ("--add", f"{key}={x}")]
    assert command("film", VIDEO, ExpressionRequest(), *add, "--out", tmp_path / "a.mp4") == 2
    assert sentence in last_line(capsys)
    with pytest.raises(gr.Error) as raised:
        API(one).film(str(VIDEO), dict(request.axes))
    assert sentence in raised.value.message


# ---- Named timelines ----


@pytest.mark.parametrize("name", TIMELINES)
def test_named_timeline_is_the_same_everywhere(
    name, loaded, facs_animator, facs_portrait, tmp_path
):
    made = named_timeline(name, facs_portrait.reading)
    out = tmp_path / "clip.gif"
    options = ("--timeline", name, "--size", 64, "--fps", 12, "--out", out)
    assert main([str(option) for option in ("animate", PHOTO, *options)]) == 0
    assert read_recipe(out).timeline == dataclasses.replace(made, fps=12)
    api = API(facs_animator)
    path = api.animate(str(PHOTO), timeline=name, format="gif", size=64)
    assert read_recipe(path).timeline == made


def test_named_timeline_is_added_to_a_film(loaded, facs_portrait, edit_video_targets, tmp_path):
    others = ("--timeline", "nod", "--out", tmp_path / "film.mp4")
    assert command("film", VIDEO, ExpressionRequest(), *others) == 0
    reading = facs_portrait.reading
    nod = named_timeline("nod", Expression.neutral(FACS)).expressions(FACS)
    middle = add_offset(reading, [(FACS, nod[9].vector())])
    assert edit_video_targets[0](9 / 24, reading) == middle != reading


def test_named_timeline_is_reported_by_models_without_a_head(
    readers_of_facs, loaded, tmp_path, capsys
):
    one, sentence = loaded(readers_of_facs["action_units"]), "turns the head or the eyes"
    for name in ("animate", "film"):
        source, out = {"animate": (PHOTO, "a.gif"), "film": (VIDEO, "a.mp4")}[name]
        others = ("--timeline", "nod", "--out", tmp_path / out)
        assert command(name, source, ExpressionRequest(), *others) == 2
        assert sentence in last_line(capsys) and not list(tmp_path.iterdir())
    with pytest.raises(gr.Error, match=sentence):
        API(one).animate(str(PHOTO), timeline="nod", format="gif", size=64)
    with pytest.raises(gr.Error, match="There is no timeline called 'jump'"):
        API(one).animate(str(PHOTO), timeline="jump", format="gif", size=64)


# ---- What is read ----


def test_read_has_the_old_values_and_the_new_ones_beside_them(
    loaded, facs_animator, facs_portrait, capsys
):
    assert main(["read", str(PHOTO)]) == 0
    values, wanted = json.loads(capsys.readouterr().out), values_by_axis(facs_portrait.reading)
    assert list(values) == [*ACTION_UNITS.keys, *PAD.keys, *FACS_ONLY_KEYS]
    assert values == pytest.approx(wanted, abs=0.006)
    assert values["AU12"] == pytest.approx((values["AU12L"] + values["AU12R"]) / 2)
    assert API(facs_animator).read(str(PHOTO)) == pytest.approx(wanted, abs=0.006)


def test_reader_takes_the_tilt_from_the_crop_and_sees_one_of_two_opposites(
    facs_animator, facs_portrait
):
    roll = np.degrees(center_side_roll(facs_portrait.to_face)[3])
    seen = facs_animator.measure(facs_animator.edit(facs_portrait, facs_portrait.reading))
    for reading in (facs_portrait.reading, seen):
        assert reading.space == FACS and any(reading.values)
        assert reading["AU55"] - reading["AU56"] == pytest.approx(roll / 15, abs=0.006)
        assert all(min(reading[a], reading[b]) == 0 for a, b in FACS.opposites)


def test_untouched_photo_stays(facs_animator, facs_portrait, photo):
    for same in (facs_portrait.reading, units_of(facs_portrait.reading)):
        np.testing.assert_array_equal(facs_animator.edit(facs_portrait, same).image, photo)
    other = facs_animator.edit(facs_portrait, facs_portrait.reading.replace(AU12L=1.0))
    assert (other.image != photo).any()


@pytest.mark.parametrize("space", [ACTION_UNITS, PAD, VALENCE_AROUSAL], ids=lambda s: s.name)
def test_other_generators_work_with_a_reader_of_facs(space, readers_of_facs, photo):
    one = readers_of_facs[space.name]
    portrait = one.locate(photo)
    assert portrait.reading.space == FACS and one.start(portrait).space == space
    np.testing.assert_array_equal(one.edit(portrait, portrait.reading).image, photo)
    for point in (PRESETS["happy"], Expression.of(PAD, pleasure=0.8), portrait.reading):
        target = convert_expression(point, space, portrait.reading)
        same = one.edit(portrait, target).edit.composite
        np.testing.assert_array_equal(one.edit(portrait, point).edit.composite, same)


def test_generator_of_facs_works_with_a_reader_of_17_units(animator, photo, tmp_path):
    path = save(tmp_path / "facs", FACS, architecture="warp", width=16)
    one = animator.with_checkpoint(path)
    if one.reader_space == FACS:
        pytest.skip("the shipped reader has FACS")
    portrait = one.locate(photo)
    assert portrait.reading.space == ACTION_UNITS and one.start(portrait).space == FACS
    np.testing.assert_array_equal(one.edit(portrait, portrait.reading).image, photo)
    target = resolve(ExpressionRequest("wink", look="camera"), portrait.reading, FACS)
    assert one.edit(portrait, target).image.shape == photo.shape
    moved = offset_by({"AU61": 0.4}, space=one.space)(0.0, portrait.reading)
    assert moved["AU61"] == 0.4 and units_of(moved) == portrait.reading


# ---- Sheets ----


def test_sheet_of_muscles_has_every_unit_on_every_side(loaded, tmp_path):
    out = tmp_path / "sheet.png"
    assert command_sheet("muscles", out) == 0
    # 13 units of three pictures, 12 without sides, 6 pairs of opposites: six pictures a row
    assert read_image(out).shape == ((7 + 2 + 2) * (256 + 22), 6 * 256, 3)


@pytest.mark.parametrize("kind", ["figure", "units", "moods", "scales", "emotions", "limits"])
def test_other_sheets_are_drawn_in_facs(kind, loaded, tmp_path):
    assert command_sheet(kind, tmp_path / "sheet.png") == 0


def test_sheet_of_muscles_is_reported_by_models_without_sides(
    readers_of_facs, loaded, tmp_path, capsys
):
    loaded(readers_of_facs["action_units"])
    assert command_sheet("muscles", tmp_path / "sheet.png") == 2
    assert "needs left and right units, gaze and head pose" in last_line(capsys)


def command_sheet(kind: str, out) -> int:
    return main(["sheet", str(PHOTO), "--kind", kind, "--out", str(out)])


# ---- Films ----


def test_film_is_edited_on_one_side(facs_animator, clip, tmp_path):
    done = edit_video(
        facs_animator,
        open_film(clip),
        tmp_path / "film.mp4",
        offset_by({"AU12L": 0.8, "AU61": 0.5}, space=FACS),
    )
    assert (done.frames, done.edited) == (6, 6)


def test_photo_is_driven_in_facs(facs_animator, loaded, clip, tmp_path):
    performance = capture_performance(facs_animator, open_film(clip))
    assert performance.space == FACS and performance.units.shape == (6, 50)
    out, table = tmp_path / "film.mp4", tmp_path / "curves.csv"
    options = ("--by", clip, "--csv", table, "--regions", "mouth,head", "--size", 64, "--out", out)
    assert main([str(option) for option in ("drive", PHOTO, *options)]) == 0
    assert "AU12,AU14" in table.read_text() and ",AU61," in table.read_text()
    again = ("--trajectory", table, "--size", 64, "--out", tmp_path / "again.gif")
    assert main([str(option) for option in ("animate", PHOTO, *again)]) == 0


# ---- The page ----


@pytest.fixture
def opened(facs_animator):
    return Visit(facs_animator)


def test_page_opens_with_the_sides_that_are_read(opened, facs_portrait, photo):
    assert opened.units == facs_portrait.reading.asdict()
    assert opened.opened["axes"] == list(FACS.keys)
    np.testing.assert_array_equal(opened.picture(), photo)


def test_slider_of_the_page_sets_both_sides_and_keeps_the_rest(
    opened, facs_animator, facs_portrait
):
    opened.settle(AU12=0.8)
    wanted = facs_animator.edit(facs_portrait, facs_portrait.reading.replace(AU12=0.8)).image
    np.testing.assert_array_equal(opened.picture(), wanted)


def test_slider_of_the_page_sets_one_side(opened, facs_animator, facs_portrait):
    opened.settle(AU12L=0.8, AU55=0.3)
    wanted = facs_portrait.reading.replace(AU12L=0.8, AU55=0.3)
    np.testing.assert_array_equal(opened.picture(), facs_animator.edit(facs_portrait, wanted).image)


def test_buttons_of_the_page_work_in_facs(opened):
    opened.preset("sad")
    sad = opened.units
    assert units_of(opened.face.state.expression) == PRESETS["sad"]
    opened.settle(mood=[0.8, 0.5, 0.2])
    assert opened.units["AU12L"] > 0
    opened.preset(THE_PHOTO)
    assert opened.units == opened.reading
    opened.act("reset_sliders", region="mouth", expression=sad)
    assert [opened.units[key] for key in FACS.keys[:6]] == [sad[key] for key in FACS.keys[:6]]
    assert opened.units["AU12L"] == opened.reading["AU12L"]
    opened.borrow(ASSETS / "portrait-calm.png", ["brows"])
    units, answer = opened.units, opened.ask(opened.recipes.share)
    for made in ({"path": answer["file"]["path"]}, {"link": answer["link"]}):
        opened.preset("happy")
        opened.restore(**made)
        assert opened.units == units
    way = {"fraction": 0.5, "start": THE_PHOTO, "end": SLIDERS, "frames": 6, "fps": 12}
    assert opened.studio.preview({"token": opened.token, "moment": way})["picture"]


def test_page_restores_all_axes_of_a_picture(opened, loaded, facs_animator):
    api = API(facs_animator)
    path, values = api.edit(str(PHOTO), {"AU12L": 0.9, "AU61": 0.5})
    opened.restore(path)
    assert opened.units == pytest.approx({key: values[key] for key in FACS.keys}, abs=0.006)


def test_page_shows_gestures(opened):
    opened.preset("wink")
    assert opened.units["AU45L"] == 1 and opened.units["AU45R"] < 1
    way = {"fraction": 0.5, "start": "wink"}  # but not as an end of an animation
    assert opened.studio.preview({"token": opened.token, "moment": way}) == {}


def test_film_tab_and_camera_add_to_each_side(opened, facs_animator, edit_video_targets, photo):
    opened.settle(AU12L=0.8)
    opened.ask(opened.filming.edit, film=sent(VIDEO))
    reading = opened.face.reading
    change = offset_between(opened.face.state.expression, reading)
    assert list(change) == ["AU12L"]
    assert edit_video_targets[0](0.0, reading) == add_offset(reading, split_offset(change))
    frame = {
        "token": opened.token,
        "picture": jpeg_data_url(photo[::2, ::2]),
        "expression": opened.units,
    }
    mirror = {"strength": 1, "regions": ["brows", "mouth"]}
    for request in (frame, frame | {"mirror": mirror}):
        assert "picture" in opened.streams.process_frame(request)


def test_expressions_of_another_space_cannot_be_mixed():
    with pytest.raises(InvalidExpression, match="cannot be blended with"):
        PRESETS["happy"].blend_to(Expression.neutral(FACS), 0.5)
