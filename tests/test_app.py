"""The page's handlers as functions: plain values in, plain values out."""

import base64
import io
import json
import threading
from pathlib import Path
from types import SimpleNamespace

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image

from moodganimation import __version__
from moodganimation.animation.easing import interpolate
from moodganimation.animation.timeline import MODES, Keyframe, Timeline
from moodganimation.animation.trajectories import read_trajectory
from moodganimation.animator import DEFAULT_CHECKPOINT
from moodganimation.checkpoints.files import build_generator, save_generator
from moodganimation.demo.handlers import camera as camera_handlers
from moodganimation.demo.handlers.camera import CAMERA_MODES, CameraStream
from moodganimation.demo.handlers.common import PHOTO, SLIDERS, jpeg_data_url, start_progress
from moodganimation.demo.handlers.photo import EXAMPLES, PhotoHandlers
from moodganimation.demo.handlers.settings import FORMATS
from moodganimation.demo.labels import PRESET_LABELS
from moodganimation.demo.recipe_io import fingerprint
from moodganimation.demo.sessions import MAX_TOTAL_BYTES, Sessions
from moodganimation.demo.state import State
from moodganimation.errors import Problem
from moodganimation.expressions import schema
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.sides import units_of
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, PAD, Expression
from moodganimation.media.images import read_image, write_image
from moodganimation.media.video_reader import open_film
from moodganimation.media.video_writer import write_animation
from moodganimation.networks.base import GeneratorConfig
from moodganimation.recipe import read_recipe
from moodganimation.resources import ASSETS
from moodganimation.video.live import MAX_KEYFRAMES, Live, fit_keyframes
from moodganimation.video.reenactment import add_masked_change, region_mask

from .conftest import PHOTO as FILE
from .visits import VISITOR, Visit, sent

TRANSITION = {
    "start": PHOTO,
    "end": "sad",
    "frames": 24,
    "fps": 24,
    "easing": "smooth",
    "ping_pong": True,
    "hold": 6,
    "mode": "once",
    "blinks": False,
}


@pytest.fixture
def visit(animator) -> Visit:
    return Visit(animator)


def shown(address: str) -> np.ndarray:
    """A picture of an answer."""
    assert address.startswith("data:image/")
    data = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def means(values: dict) -> dict[str, float]:
    """The 17 Action Units of sliders."""
    return units_of(Expression.of(FACS, **values)).asdict()


# ---- Opening ----


def test_opening_a_photo_shows_it_unchanged_with_what_was_read(visit, photo, portrait):
    answer = visit.opened
    assert "CenterFace" in answer["finder"] and "512 x 512" in answer["size_text"]
    assert answer["state"]["expression"] == answer["reading"] == pytest.approx(visit.reading)
    assert visit.reading == portrait.reading.asdict()
    np.testing.assert_array_equal(visit.picture(), photo)


def test_the_stage_shows_the_face_and_says_where_it_is(visit, portrait):
    answer = visit.opened
    x0, y0, x1, y1 = answer["view_boxes"]["face"]
    face = portrait.side / 1.25  # from forehead to chin
    assert face / (512 * (y1 - y0)) > 0.8
    height, width = shown(answer["picture"]).shape[:2]
    assert width / height == pytest.approx((x1 - x0) / (y1 - y0), abs=0.02)
    whole = visit.studio.show_view({"token": visit.token, "view": "photo"})
    assert shown(whole["picture"]).shape == (512, 512, 3)
    assert shown(whole["inset"]).shape[:2] == (height, width)


def test_presets_are_drawn_on_the_visitors_own_face(visit):
    drawn = visit.studio.draw_presets({"token": visit.token})["presets"]
    assert tuple(drawn) == tuple(PRESET_LABELS) and len(set(drawn.values())) == len(PRESET_LABELS)
    assert all(shown(picture).shape[0] == shown(picture).shape[1] for picture in drawn.values())


def test_examples_open_without_an_upload(animator):
    visit = Visit(animator, None)
    answers = [visit.page.open_example({"name": name}, VISITOR) for name in EXAMPLES]
    assert all(answer["token"] and answer["faces"] for answer in answers)
    assert "no example" in visit.page.open_example({"name": "../secret"}, VISITOR)["problem"]


def test_without_a_face_the_photo_is_there_to_draw_a_box_on(animator, photo, portrait, tmp_path):
    path = tmp_path / "nobody.png"
    write_image(path, np.ascontiguousarray(photo[300:, 300:]))
    visit = Visit(animator, None)
    answer = visit.open(path)
    assert "token" not in answer and "Drag a box" in answer["problem"]
    assert shown(answer["no_face"]).shape == (212, 212, 3)
    x, y = np.linalg.solve(portrait.to_face[:, :2], -portrait.to_face[:, 2])
    box = [(x - 55) / 512, (y - 55) / 512, (x + 55) / 512, (y + 55) / 512]
    answer = visit.open(FILE, box=box)
    assert visit.token and "box drawn by hand" in answer["finder"]
    assert "four numbers" in visit.open(FILE, box=["a"])["problem"]


def test_files_that_nobody_uploaded_are_not_opened(animator, tmp_path):
    visit = Visit(animator, None)
    for path in (str(FILE), "/etc/passwd", 3):
        answer = visit.page.open({"photo": {"path": path}}, VISITOR)
        assert answer["problem"] == "This file was not uploaded here."
    assert "upload one first" in visit.page.open({}, VISITOR)["problem"]
    letter = tmp_path / "face.jpg"
    letter.write_text("no face")
    assert "not a readable picture" in visit.open(letter)["problem"]


# ---- Sliders, moods, presets ----


def test_settling_changes_the_picture_and_the_mood(visit, photo):
    answer = visit.settle(AU12=0.0)
    assert (visit.picture() != photo).any()
    assert answer["state"]["mood"][0] < visit.opened["state"]["mood"][0]  # less smile


def test_a_side_has_a_value_of_its_own(visit, animator, portrait):
    visit.settle(AU45L=1.0, AU61=0.8)
    assert visit.units["AU45L"] == 1 and visit.units["AU45R"] == visit.reading["AU45R"]
    wanted = animator.edit(portrait, portrait.reading.replace(AU45L=1.0, AU61=0.8)).image
    np.testing.assert_array_equal(visit.picture(), wanted)


@pytest.fixture
def mood_model(tmp_path, monkeypatch) -> str:
    """A mood generator beside the shipped ones."""
    torch.manual_seed(0)
    config = GeneratorConfig(architecture="resnet", condition_dim=3, image_size=32, width=4)
    save_generator(tmp_path / "moody.safetensors", build_generator(config), PAD, {})
    monkeypatch.setattr("moodganimation.demo.models.CHECKPOINTS", tmp_path)
    return "moody"


@pytest.mark.slow
def test_another_model_can_be_chosen_and_hears_moods_as_they_are(mood_model, animator, tmp_path):
    visit = Visit(animator)
    assert visit.page.models.names == ["warp", mood_model]
    before = visit.face.portrait
    answer = visit.ask(visit.page.switch_model, model=mood_model)
    assert visit.session.animator.space == PAD and visit.face.portrait.reading == before.reading
    assert answer["state"]["expression"] == pytest.approx(visit.reading)
    assert "AU12L" in answer["axes"] and "AU61" not in answer["axes"]
    assert visit.studio.preview({"token": visit.token, "mood": [0.5, 0, 0], "expression": {}})
    visit.settle(mood=[0.5, -0.2, 0.1])
    assert visit.face.target.asdict() == {"pleasure": 0.5, "arousal": -0.2, "dominance": 0.1}
    assert visit.face.state.expression.space == FACS
    units, picture, kept = visit.units, visit.picture(), tmp_path / "kept.png"
    kept.write_bytes(visit.saved().read_bytes())
    visit.preset("sad")
    visit.ask(visit.page.switch_model, model="warp")
    back = visit.restore(kept)
    assert back["model"] == mood_model and back["state"]["mood"] == [0.5, -0.2, 0.1]
    assert visit.units == units
    np.testing.assert_array_equal(visit.picture(), picture)
    refused = visit.ask(visit.page.switch_model, model="../../secret")
    assert "no model called" in refused["problem"]


def test_a_mood_sets_the_sliders_and_going_back_undoes_it(visit):
    mood = visit.opened["state"]["mood"]
    visit.settle(mood=[-0.7, *mood[1:]])
    assert visit.units["AU12L"] < visit.reading["AU12L"]
    visit.settle(mood=mood)
    np.testing.assert_allclose([*visit.units.values()], [*visit.reading.values()], atol=0.011)


def test_a_mood_starts_from_sliders_that_a_hand_has_moved(visit):
    visit.settle(mood=visit.opened["state"]["mood"], AU45=0.9)  # and never settled
    assert visit.units["AU45L"] > 0.5


def test_presets_reset_and_neutral_put_the_sliders(visit):
    answer = visit.preset("happy")
    assert means(visit.units) == PRESETS["happy"].asdict()
    assert (answer["state"]["preset"], answer["state"]["intensity"]) == ("happy", 1)
    assert visit.preset(PHOTO)["state"]["preset"] is None
    assert visit.units == visit.reading
    visit.preset("neutral")
    assert not any(visit.units.values())
    assert visit.preset("awe")["state"]["preset"] == "awed"
    assert "no preset called" in visit.refused("apply_preset", name="nobody")
    assert visit.refused("apply_preset", name="happy", intensity="much")
    assert "no preset called None" in visit.refused("apply_preset")


def test_gestures_move_one_side(visit):
    visit.preset("wink")
    assert visit.units["AU45L"] == 1 and visit.units["AU45R"] == visit.reading["AU45R"]


def test_what_was_done_can_be_undone_and_done_again(visit):
    visit.preset("happy")
    visit.preset("sad")
    assert visit.act("undo")["state"]["preset"] == "happy"  # and the preset with the sliders
    assert means(visit.units) == PRESETS["happy"].asdict()
    answer = visit.act("undo")
    assert visit.units == visit.reading and not answer["state"]["undo"]
    visit.act("undo")  # there is nothing before
    assert visit.units == visit.reading
    assert visit.act("redo")["state"]["redo"]
    assert means(visit.units) == PRESETS["happy"].asdict()
    assert not visit.preset("anger")["state"]["redo"]  # sad is forgotten


def test_one_group_of_sliders_or_one_goes_back(visit):
    units = dict.fromkeys(visit.reading, 0.0) | {"AU01L": 0.9, "AU12L": 0.9, "AU12R": 0.9}
    visit.act("reset_sliders", region="brows", expression=units)
    for axis in FACS.axes:
        wanted = visit.reading[axis.key] if axis.region == "brows" else units[axis.key]
        assert visit.units[axis.key] == wanted
    visit.act("reset_sliders", axis="AU12", expression=visit.units)
    assert visit.units["AU12L"] == visit.reading["AU12L"]
    assert "no region" in visit.refused("reset_sliders", region="ears", expression=units)


def test_an_expression_is_copied_region_by_region(visit, animator, tmp_path):
    other = tmp_path / "other.png"
    write_image(other, animator.edit(visit.face.portrait, PRESETS["anger"]).image)
    read = animator.locate(read_image(other)).reading
    before = visit.units
    visit.borrow(other, ["brows"])
    for axis, value in zip(FACS.axes, visit.units.values(), strict=True):
        wanted = read[axis.key] if axis.region == "brows" else before[axis.key]
        assert value == pytest.approx(wanted, abs=0.006)
    for nothing in ({}, {"other": sent(other)}, {"regions": ["brows"]}):
        with pytest.raises(Problem, match="Choose a photo"):
            from moodganimation.demo.handlers.actions import copy_expression

            copy_expression(visit.session, nothing)


# ---- Where edits act ----


def test_folds_of_the_skin_can_be_weaker_and_come_back_with_undo(visit):
    visit.act("apply_preset", name="happiness")
    whole = visit.session.face.frame.edit.light
    visit.act("set_detail", amount=0.0)
    plain = visit.session.face.frame.edit.light
    assert (whole - plain).abs().max() > 0.01
    assert visit.session.face.state.to_json()["detail"] == 0
    visit.act("undo")
    assert (visit.session.face.frame.edit.light == whole).all()
    assert "from 0 to 1.5" in visit.refused("set_detail", amount=9)


def test_edits_can_be_kept_to_one_half(visit, photo, portrait):
    visit.settle(AU45=1.0)
    visit.act("restrict_edits", half="their left half")
    changed = np.argwhere((visit.picture() != photo).any(2))
    middle = np.linalg.solve(portrait.to_face[:, :2], -portrait.to_face[:, 2])[0]
    assert len(changed) > 100 and changed[:, 1].min() > middle - portrait.side / 12
    visit.act("restrict_edits", half="whole face")
    assert np.argwhere((visit.picture() != photo).any(2))[:, 1].min() < middle - 20
    assert "no part of the face" in visit.refused("restrict_edits", half="ears")
    visit.act("undo")
    assert visit.face.state.half == "their left half"  # undo knows of places, too


@pytest.mark.parametrize("name, unit, still", [("eyes", "AU45", 0.36), ("mouth", "AU26", 0.69)])
def test_eyes_or_mouth_can_be_locked(visit, photo, portrait, name, unit, still):
    visit.settle(**{unit: 1.0, "AU02": 1.0})
    free = visit.picture()
    visit.act("restrict_edits", locked=[name])
    kept = visit.picture()
    rows = slice(*(round(portrait.box[1] + portrait.side * (still + d)) for d in (-0.04, 0.04)))
    middle = portrait.box[0] + portrait.side / 2
    columns = slice(round(middle - 0.2 * portrait.side), round(middle + 0.2 * portrait.side))
    changed = [(out != photo)[rows, columns].any(2).mean() for out in (free, kept)]
    assert changed[0] > 0.9 and changed[1] < 0.1
    assert (kept != photo).any()
    for wrong in (["ears"], [3]):
        assert "no part of the face" in visit.refused("restrict_edits", locked=wrong)
    assert "a list of names" in visit.refused("restrict_edits", locked="eyes")


def stroke(portrait, where: float) -> dict:
    """A broad stroke of the brush across the crop, at a share of its height."""
    x0, y0, x1, y1 = portrait.box
    y = (y0 + where * (y1 - y0)) / 512
    return {"points": [[x0 / 512, y], [x1 / 512, y]], "radius": 0.25 * (y1 - y0) / 512}


def test_a_brush_keeps_edits_away(visit, photo, portrait):
    visit.settle(AU26=1.0, AU02=1.0)
    strokes = [stroke(portrait, 0.75), stroke(portrait, 0.9)]  # the lower half of the crop
    visit.act("set_brush_mask", strokes=strokes, only_painted=False)
    kept = visit.picture()
    assert visit.act("set_brush_mask", strokes=strokes, only_painted=True)["state"]["painted"]
    only = visit.picture()
    middle = np.linalg.solve(portrait.to_face[:, :2], -portrait.to_face[:, 2])[1]
    margin = portrait.side / 10
    assert np.argwhere((kept != photo).any(2))[:, 0].max() < middle + margin
    assert np.argwhere((only != photo).any(2))[:, 0].min() > middle - margin
    assert not visit.act("set_brush_mask", strokes=[])["state"]["painted"]
    rows = np.argwhere((visit.picture() != photo).any(2))[:, 0]
    assert rows.min() < middle - margin and rows.max() > middle + margin
    for wrong in ([3], [{"points": [["a", 1]], "radius": 1}], [{"points": [[0, 0]]}]):
        assert "paint again" in visit.refused("set_brush_mask", strokes=wrong)


# ---- Several faces ----


@pytest.fixture
def two(animator, photo, portrait, tmp_path):
    """A photo of two faces, opened."""
    x0, y0, x1, y1 = portrait.box
    face = photo[max(0, y0 - 30) : y1 + 30, max(0, x0 - 20) : x1 + 20]
    small = cv2.resize(face, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    small = np.pad(small, ((0, len(face) - len(small)), (0, 0), (0, 0)), mode="edge")
    both = np.concatenate([face, small], 1)
    write_image(tmp_path / "two.png", both)
    visit = Visit(animator, tmp_path / "two.png")
    assert len(visit.opened["faces"]) == len(visit.opened["face_corners"]) == 2
    visit.photo, visit.width, visit.file = both, face.shape[1], tmp_path / "two.png"
    return visit


def sides(two) -> tuple[int, int]:
    """How many pixels differ from the photo on its left and on its right."""
    differ = (two.picture() != two.photo).any(2)
    return int(differ[:, : two.width].sum()), int(differ[:, two.width :].sum())


def test_every_face_has_an_expression_of_its_own(two):
    two.preset("surprise")
    happy = two.units
    left, right = sides(two)
    assert left > 500 and right == 0
    assert two.act("select_face", face=1)["face_index"] == 1
    assert sides(two) == (left, 0)  # the first stays as it was edited
    two.preset("anger")
    both = sides(two)
    assert both[0] == left and both[1] > 300
    two.act("select_face", face=0)
    assert two.units == happy and sides(two) == both
    for wrong in (2, -1, "a"):
        assert "no such face" in two.refused("select_face", face=wrong)


@pytest.mark.slow
def test_a_picture_of_several_faces_brings_them_all_back(two, tmp_path):
    two.preset("surprise")
    x0, y0, x1, y1 = two.face.portrait.box
    height, width = two.photo.shape[:2]
    points = [[x0 / width, y0 / height], [x1 / width, y1 / height]]
    two.act("set_brush_mask", strokes=[{"points": points, "radius": 0.3}], only_painted=True)
    two.act("select_face", face=1)
    two.preset("anger")
    kept = tmp_path / "kept.png"
    kept.write_bytes(two.saved().read_bytes())
    two.open(two.file)
    two.restore(kept)
    np.testing.assert_array_equal(two.picture(), read_image(kept))
    assert two.session.face_index == 1
    two.act("select_face", face=0)
    assert means(two.units) == PRESETS["surprise"].asdict()


@pytest.mark.parametrize("others", [{"0": {"options": {}}, "7": {"options": {}}}, {"x": 3}])
def test_a_damaged_recipe_leaves_every_face_as_it_is(two, others, tmp_path):
    two.preset("surprise")
    values = json.loads(Path(two.ask(two.recipes.share)["file"]["path"]).read_text())
    values["options"] |= {"others": others, "at": 1}
    (tmp_path / "recipe.json").write_text(json.dumps(values))
    two.act("select_face", face=1)
    two.preset("anger")
    states = {index: face.state for index, face in two.session.faces.items()}
    assert "problem" in two.restore(tmp_path / "recipe.json")
    assert {index: face.state for index, face in two.session.faces.items()} == states
    assert two.session.face_index == 1


def test_the_photo_before_has_no_edits_of_other_faces(two):
    def before(view):
        return two.act("select_face", face=1, view=view)["unedited"]

    unedited = before("face"), before("photo")
    two.act("select_face", face=0)
    two.preset("surprise")
    assert (before("face"), before("photo")) == unedited


def test_one_expression_for_every_face(two):
    two.settle(AU26=1.0)
    two.act("apply_to_all_faces")
    left, right = sides(two)
    assert left > 500 and right > 300


# ---- Pins, labels, bars ----


def test_pins_bring_back_what_was_shown(visit):
    visit.preset("happy")
    assert len(visit.act("add_pin")["state"]["pins"]) == 1
    visit.preset("sad")
    assert visit.act("restore_pin", pin=0)["state"]["preset"] == "happy"
    assert means(visit.units) == PRESETS["happy"].asdict()
    assert "no such pin" in visit.refused("restore_pin", pin=1)


def test_what_is_made_says_so_in_a_corner_if_asked(visit):
    before = visit.picture()
    visit.act("set_label", on=True)
    after = visit.picture()
    assert (after[-30:] != before[-30:]).any() and (after[:400] == before[:400]).all()
    visit.act("set_label", on=False)
    np.testing.assert_array_equal(visit.picture(), before)


def test_bars_tell_what_was_requested_and_detected(visit):
    assert "nothing to compare" in visit.studio.explain({"token": visit.token})["comparison"]
    visit.settle(AU26=1.0)
    answer = visit.studio.explain({"token": visit.token})
    assert "Open jaw" in answer["comparison"] and "1.00 / " in answer["comparison"]
    assert "Smile" not in answer["comparison"] and 'class="requested"' in answer["comparison"]
    assert "detected: pleasure" in answer["comparison"] and "CPU" in answer["device"]
    for name in ("composite", "attention", "color", "motion"):
        assert shown(answer[name]).shape == (256, 256, 3)


def test_a_unit_did_nothing_only_if_no_pixel_moved(visit, portrait):
    visit.settle(AU45=1.0)
    strokes = [stroke(portrait, share) for share in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    visit.act("set_brush_mask", strokes=strokes)  # all of the face is protected
    assert "no visible change" in visit.studio.explain({"token": visit.token})["comparison"]
    visit.act("set_brush_mask", strokes=[])
    visit.face.animator = SimpleNamespace(  # a reader that never sees anything
        edit=visit.session.animator.edit, measure=lambda frame: visit.face.reading
    )
    from moodganimation.demo.comparison import comparison_table

    frame = visit.session.animator.edit(visit.face.portrait, visit.face.target)
    assert "visible change, but not detected" in comparison_table(visit.face, frame)


# ---- Recipes ----


def test_what_was_made_brings_the_page_back(visit, portrait, tmp_path):
    chance = np.random.default_rng(0).random((60, 2))  # rough enough to be long in a recipe
    x0, y0, x1, y1 = portrait.box
    points = (np.array([x0, y0]) + chance * (x1 - x0, y1 - y0)) / 512
    visit.preset("happy")
    visit.act("restrict_edits", half="their left half", locked=["mouth"])
    visit.act("set_brush_mask", strokes=[{"points": points.tolist(), "radius": 0.008}])
    state, picture, kept = visit.face.state, visit.picture(), tmp_path / "kept.png"
    kept.write_bytes(visit.saved().read_bytes())
    answer = visit.ask(visit.recipes.share)
    assert "half" in Path(answer["file"]["path"]).read_text()
    for path, link in ((kept, ""), (None, "https://here/#" + answer["link"])):
        visit.open(FILE)
        back = visit.restore(path, link=link)
        assert (back["state"]["half"], back["state"]["locked"]) == ("their left half", ["mouth"])
        assert back["state"]["preset"] == "happy" and back["state"]["painted"]
        assert visit.face.state == state
        np.testing.assert_array_equal(visit.picture(), picture)
    assert "Choose a file" in visit.restore()["problem"]
    assert "no recipe" in visit.restore(FILE)["problem"]
    with pytest.raises(Problem, match="painted mask"):
        state.with_options({"half": "whole face", "marked": ["AAAA"]})


def test_a_state_is_its_json(visit):
    visit.preset("fear", intensity=0.4)
    visit.act("restrict_edits", half="their right half", locked=["eyes"])
    for state in (visit.face.state, State(visit.face.reading)):
        values = json.loads(json.dumps(state.to_json()))
        assert State.from_json(values, visit.face.reading) == state


def test_a_link_opens_on_another_photo(animator, visit):
    visit.preset("surprise")
    link = visit.ask(visit.recipes.share)["link"]
    other = Visit(animator, ASSETS / "portrait-calm.png")
    assert "belongs to a photo of 512 x 512" in other.restore(link=link)["problem"]
    back = other.restore(link=link, anywhere=True)
    assert back["state"]["preset"] == "surprise"
    assert means(other.units)["AU01"] == PRESETS["surprise"]["AU01"]


def test_downloads_are_named_after_photo_and_expression(visit):
    answers = [visit.ask(visit.studio.save)]
    visit.preset("happiness")
    answers += [visit.ask(visit.studio.save), visit.ask(visit.recipes.share)]
    assert [answer["file"]["orig_name"] for answer in answers] == [
        "astronaut-edited.png",
        "astronaut-happiness.png",
        "astronaut-happiness.json",
    ]


@pytest.mark.slow
def test_a_still_brings_mood_and_emotion_back(visit, tmp_path):
    kept, mood = tmp_path / "kept.png", [0.55, -0.35, 0.15]
    visit.settle(mood=mood)
    units = visit.units
    kept.write_bytes(visit.saved().read_bytes())
    visit.preset("happy")
    back = visit.restore(kept)["state"]
    assert back["mood"] == mood and visit.units == units and back["preset"] is None
    visit.preset("sad", intensity=0.4)
    units = visit.units
    kept.write_bytes(visit.saved().read_bytes())
    visit.preset("happy")
    back = visit.restore(kept)["state"]
    assert (back["preset"], back["intensity"]) == ("sad", 0.4) and visit.units == units
    visit.settle(AU12=0.5)
    assert visit.restore(visit.saved())["state"]["preset"] is None  # a hand has moved it since
    units, sheet = visit.units, visit.ask(visit.explorer.draw, kind="scales")["picture"]["path"]
    back = visit.restore(sheet)
    assert back["settings"]["explore"] == {"kind": "scales"} and visit.units == units


@pytest.mark.parametrize(
    "changed, sentence",
    [
        ({"half": ["left half"]}, "part of the face that does not exist"),
        ({"preset": "x"}, "The emotion must be one of"),
        ({"preset": "sad"}, "The intensity must be a number"),
        ({"mood": [1]}, "The mood must be a list of 3"),
        ({"mood": [0, 0, 7]}, "dominance must be a number"),
        ({"film": 3}, "says of film must be an object"),
        ({"film": {"strength": 9}}, "from 0 to 2"),
        ({"film": {"regions": ["ears"]}}, "one of brows"),
        ({"explore": {"colour": 1}}, "must not contain 'colour'"),
        ({"sliders": {"AU12": 3}}, "AU12 must be a number from 0 to 1"),
        ({"sliders": {"AU12L": 3}, "sliders_space": "facs"}, "AU12L must be a number from 0 to 1"),
    ],
)
def test_damaged_recipes_are_said_to_be(visit, changed, sentence, tmp_path):
    recipe = visit.ask(visit.recipes.share)["file"]["path"]
    values = json.loads(Path(recipe).read_text())
    values["options"] |= changed
    (tmp_path / "recipe.json").write_text(json.dumps(values))
    visit.preset("happy")
    state = visit.face.state
    assert sentence in visit.restore(tmp_path / "recipe.json")["problem"]
    assert visit.face.state == state and not visit.face.history.can_step(1)


def test_old_recipes_have_units_without_sides(visit, tmp_path):
    recipe = visit.ask(visit.recipes.share)["file"]["path"]
    values = json.loads(Path(recipe).read_text())
    values |= {"space": "action_units", "expression": PRESETS["sad"].asdict()}
    (tmp_path / "recipe.json").write_text(json.dumps(values))
    visit.restore(tmp_path / "recipe.json")
    assert means(visit.units) == PRESETS["sad"].asdict()


# ---- The timeline ----


def test_keyframes_make_a_timeline(visit):
    pace = {"fps": 12, "mode": "ping-pong", "blinks": True}
    visit.act("add_keyframe", at=0, hold_s=0, **pace)
    visit.preset("sad")
    answer = visit.act("add_keyframe", at=1, hold_s=0.5, **pace)
    assert [key["at"] for key in answer["state"]["keyframes"]] == [0, 1]
    drawn = visit.ask(lambda request, session: visit.animations.draw_curves(request), **pace)
    assert drawn["seconds"] > 2 and shown(drawn["curves"]).ndim == 3
    assert "overlaps" in visit.refused("add_keyframe", at=1.2, **pace)  # while the other is held
    assert len(visit.session.keyframes) == 2
    visit.preset("happy")
    visit.act("add_keyframe", at=1, hold_s=0, **pace)  # in place of the one that was there
    assert len(visit.session.keyframes) == 2
    visit.act("change_keyframe", keyframe=1, at=2, hold_s=0.1, keyframe_easing="spring", **pace)
    moved = visit.session.keyframes[1]
    assert (moved.at, moved.hold, moved.easing) == (2, 0.1, "spring")
    visit.act("show_keyframe", keyframe=0)
    assert visit.units == visit.reading
    visit.act("change_keyframe", keyframe=1, use_sliders=True, **pace)
    assert visit.session.keyframes[1].expression.asdict() == visit.reading
    visit.act("remove_keyframe", keyframe=1, **pace)
    assert len(visit.session.keyframes) == 1
    assert visit.act("remove_keyframe")["state"]["keyframes"] == []
    assert "no such keyframe" in visit.refused("remove_keyframe", keyframe=0, **pace)


def test_pins_become_keyframes_and_named_timelines_fill_the_timeline(visit):
    visit.preset("happy")
    visit.act("add_pin")
    visit.preset(PHOTO)
    visit.act("add_keyframe", pin=0, at=1.5)
    assert means(visit.session.keyframes[0].expression.asdict()) == PRESETS["happy"].asdict()
    assert "no such pin" in visit.refused("add_keyframe", pin=3, at=1)
    for name in ("nod", "shake", "thinking"):
        visit.act("set_named_timeline", name=name)
        assert len(visit.session.keyframes) > 2
    assert "no timeline called" in visit.refused("set_named_timeline", name="dance")


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_scrubbing_shows_what_the_animation_shows(visit, keyed, mode):
    visit.preset("happy")
    if keyed:
        keys = [Keyframe(None, 0), Keyframe(PRESETS["sad"], 3, 0.5, "spring")]
        visit.session.keyframes = keys
    settings = TRANSITION | {
        "end": SLIDERS,
        "frames": 9,
        "fps": 10,
        "easing": "ease out",
        "hold": 2,
    }
    settings |= {"ping_pong": mode == "ping-pong", "mode": mode, "blinks": True}
    made = visit.ask(visit.animations.write, **settings, formats=["MP4"], size=96)
    film = made["files"][0]["path"]
    reading = visit.face.reading
    way = read_recipe(film).timeline.expressions(reading.space, reading)
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == len(way)
    for number, point in enumerate(way):
        request = {
            "moment": {"fraction": number / (len(way) - 1), **settings},
            "token": visit.token,
        }
        values = visit.studio.preview(request)["expression"]
        assert values == pytest.approx(point.asdict(), abs=6e-4)
    assert any(point["AU45"] > 0.9 for point in way) == keyed  # a blink


def test_animations_come_in_every_format(visit):
    visit.preset("sad")
    settings = TRANSITION | {"end": SLIDERS, "frames": 4, "fps": 12, "hold": 1}
    made = visit.ask(visit.animations.write, **settings, size=96, formats=[*FORMATS], panels=True)
    files = [file["path"] for file in made["files"]]
    assert [name.rpartition(".")[2] for name in files] == ["gif", "mp4", "webp", "png"]
    assert read_image(files[-1]).shape == (96, 4 * 3 * 96, 3)  # the strip, with its panels
    assert Image.open(files[0]).n_frames == 4 + 1 + 2
    assert imageio_ffmpeg.count_frames_and_secs(files[1])[0] == 7
    assert made["files"][0]["orig_name"] == "astronaut-sad.gif"
    assert "at least one" in visit.ask(visit.animations.write, formats=[])["problem"]


@pytest.mark.slow
@pytest.mark.parametrize("keyed", [False, True])
def test_every_format_of_an_animation_brings_every_setting_back(visit, keyed):
    keys = [Keyframe(None, 0), Keyframe(PRESETS["fear"], 0.5, 0.2)] if keyed else []
    visit.preset("sad")
    visit.session.keyframes, units = keys, visit.units
    settings = TRANSITION | {
        "start": "neutral",
        "end": "happy",
        "frames": 5,
        "fps": 12,
        "mode": "loop",
    }
    settings |= {"easing": "ease in", "hold": 2, "blinks": True}
    output = {"view": "photo", "size": 96, "formats": [*FORMATS], "panels": True}
    files = visit.ask(visit.animations.write, **settings, **output)["files"]
    for name in [file["path"] for file in files]:
        visit.session.keyframes = [Keyframe(PRESETS["anger"], 3)]
        back = visit.restore(name)
        assert visit.units == units and back["model"] == "warp"
        assert back["settings"]["explore"] == {}
        assert back["settings"]["animate"] == settings | output
        assert visit.session.keyframes == keys and len(back["state"]["keyframes"]) == len(keys)
        again = settings | output | {"formats": [name_of(name)]}
        (made,) = visit.ask(visit.animations.write, **again)["files"]
        assert read_recipe(made["path"]).timeline == read_recipe(name).timeline


def name_of(path: str) -> str:
    """Of the format."""
    return next(name for name in FORMATS if Path(path).suffix[1:] in name.lower())


# ---- Sheets and films ----


@pytest.mark.slow
def test_sheets_are_drawn(visit):
    path = visit.ask(visit.explorer.draw, kind="moods")["picture"]["path"]
    assert read_image(path).shape == (5 * 160 + 22, 92 + 5 * 160, 3)
    assert "no sheet" in visit.ask(visit.explorer.draw, kind="x")["problem"]


@pytest.fixture
def clip(visit, animator, tmp_path) -> Path:
    """The photo's face opening its mouth, ten frames."""
    portrait = visit.face.portrait
    way = interpolate(portrait.reading, portrait.reading.replace(AU26=1.0), 10)
    frames = (frame.view("photo", 256) for frame in animator.animate(portrait, way))
    return write_animation(tmp_path / "clip.mp4", frames, 10)


@pytest.mark.slow
def test_films_sheets_and_recordings_say_so_too(visit, clip, photo, tmp_path):
    (tmp_path / "way.csv").write_text("AU12\n0\n1\n")
    frame = {"token": visit.token, "picture": jpeg_data_url(photo[::2, ::2])}

    def made() -> list[np.ndarray]:
        way, truth = sent(tmp_path / "way.csv"), sent(clip)
        followed = visit.ask(
            visit.filming.follow_trajectory, trajectory=way, ground_truth=truth, fps=12
        )
        sheet = visit.ask(visit.explorer.draw, kind="scales")["picture"]["path"]
        live = None
        for _ in range(2):
            live = visit.streams.process_frame(frame | {"record": True, "stream_id": live})[
                "stream_id"
            ]
        recorded = visit.ask(visit.streams.save_recording, stream_id=live)["film"]["path"]
        films = [next(open_film(path).frames()) for path in (followed["film"]["path"], recorded)]
        strips = [file["path"] for file in followed["files"][1:]]
        return [*films, *map(read_image, [*strips, sheet])]

    unlabelled = made()
    visit.act("set_label", on=True)
    for number, (before, after) in enumerate(zip(unlabelled, made(), strict=True)):
        changed = np.abs(before[-20:, -60:].astype(int) - after[-20:, -60:]).max() > 60
        assert changed == (number != 5), number  # what was filmed was not edited


def test_a_clip_changes_as_the_photo_does(visit, clip):
    edit_video = visit.filming.edit
    assert "Nothing is changed yet" in visit.ask(edit_video, film=sent(clip))["problem"]
    visit.settle(AU02=1.0)
    units, made = visit.units, visit.ask(edit_video, film=sent(clip), faces=1)
    film = made["film"]["path"]
    assert "10 of 10 frames" in " ".join(made["notes"])
    assert made["film"]["orig_name"] == "astronaut-clip.mp4"
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 10
    back = visit.restore(film)
    assert visit.units == units and back["settings"]["film"] == {"faces": 1}
    assert "upload one first" in visit.ask(edit_video)["problem"]
    assert visit.ask(edit_video, film=sent(FILE))["problem"]
    assert visit.ask(edit_video, film=sent(clip), faces=99)["problem"]


@pytest.mark.slow
def test_long_work_can_be_cancelled_and_leaves_nothing(visit, clip, monkeypatch):
    visit.settle(AU02=1.0, AU26=0.1)
    work, begin = visit.session, "moodganimation.demo.handlers.film.start_progress"

    def stopping(session, request, what):
        tell = start_progress(session, request, what)
        visit.act("cancel_job", job=request["job"])
        return tell

    monkeypatch.setattr(begin, stopping)
    for job, handler in enumerate((visit.filming.edit, visit.filming.drive)):
        answer = visit.ask(handler, film=sent(clip), regions=["mouth"], job=str(job))
        assert answer == {"cancelled": "Cancelled. Nothing was written."}
    assert not [*Path(work.folder.name).glob("*.mp4")]

    def leaving(session, request, what):
        tell = start_progress(session, request, what)
        visit.page.close_tab(VISITOR)
        return tell

    monkeypatch.setattr(begin, leaving)  # who closes the page frees the place
    assert "cancelled" in visit.ask(visit.filming.edit, film=sent(clip))
    assert "upload it again" in visit.ask(visit.filming.edit, film=sent(clip))["problem"]


def test_a_job_that_is_cancelled_while_it_waits_does_not_run(visit):
    visit.act("cancel_job", job="1")
    cancelled = {"cancelled": "Cancelled. Nothing was written."}
    assert visit.ask(visit.explorer.draw, kind="scales", job="1") == cancelled
    copied = visit.ask(visit.studio.copy_expression, other=sent(FILE), regions=["mouth"], job="1")
    assert copied == cancelled
    assert start_progress(visit.session, {"job": "2"}, "Drawing")


def test_progress_is_that_of_the_job_that_is_asked_for(visit):
    def progress(job):
        return visit.studio.progress({"token": visit.token, "job": job})

    start_progress(visit.session, {"job": "1"}, "Editing")(37, None)
    assert progress("1") == {"label": "Editing", "done": 37, "total": 0}  # all steps: unknown
    assert progress("2") == {}  # it waits in the queue
    visit.ask(visit.studio.copy_expression, other=sent(FILE), regions=["mouth"], job="2")
    assert progress("1") == {} and progress("2")["label"] == "Reading"


@pytest.mark.slow
def test_the_photo_plays_what_a_clip_plays(visit, clip):
    form = {"strength": 1.3, "regions": ["mouth"], "by": "moods"}
    made = visit.ask(visit.filming.drive, film=sent(clip), **form)
    film = made["film"]["path"]
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 10 and shown(made["curves"]).ndim == 3
    back = visit.restore(film)
    assert back["settings"]["film"] == form and visit.units == visit.reading
    rows = Path(made["files"][0]["path"]).read_text().splitlines()
    assert len(rows) == 11 and "AU26" in rows[0]
    refused = visit.ask(visit.filming.drive, film=sent(clip), regions=[])
    assert "Regions are any of" in refused["problem"]


@pytest.mark.slow
def test_the_photo_follows_a_trajectory_beside_what_was_filmed(visit, clip, tmp_path):
    way, follow = tmp_path / "way.csv", visit.filming.follow_trajectory
    way.write_text("AU12,AU26\n" + "".join(f"{i / 5},{3 * i / 5}\n" for i in range(6)))
    made = visit.ask(follow, trajectory=sent(way), ground_truth=sent(clip), fps=12)
    film, strips = made["film"]["path"], [file["path"] for file in made["files"]]
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 5
    for path in (film, strips[1]):
        back = visit.restore(path)["settings"]["film"]
        assert (back["clip"], back["fps"]) == ("", 12)
    names = [Path(path).stem.rpartition("_")[2] for path in strips[1:]]
    assert names == ["composite", "attention", "color", "truth"]
    assert "clipped" in " ".join(made["notes"])
    assert read_image(strips[-1]).shape == (128, 5 * 128, 3)
    for bad, why in (({}, "no trajectory"), ({"trajectory": sent(FILE)}, "are read from")):
        assert why in visit.ask(follow, **bad)["problem"]
    way.write_text("AU12\n1\n")
    assert "2 to 480 rows" in visit.ask(follow, trajectory=sent(way))["problem"]


# ---- Previews and the camera ----


def test_previews_answer_only_sensible_requests(visit):
    def preview(**request):
        return visit.studio.preview({"token": visit.token, **request})

    units = dict.fromkeys(visit.reading, 0.0) | {"AU12L": 0.5}
    good = preview(expression=units)
    assert good["picture"].startswith("data:image/webp;base64,") and good["expression"] == units
    assert preview(moment={"fraction": 0.5, **TRANSITION})
    assert preview(expression={"AU12": 0.5})  # both sides
    for bad in (
        {"expression": {"AU99": 0.5}},
        {"expression": {"AU12": float("nan")}},
        {"expression": {"AU12": 7}},
        {"expression": "AU12"},
        {"expression": [0.5] * 17},
        {"expression": {"AU12": [1]}},
        {"mood": [0, 0], "expression": units},
        {"mood": [0, 0, 7], "expression": units},
        {"moment": {"fraction": 0.5, **TRANSITION, "end": "nobody"}},
        {"moment": {"fraction": float("nan"), **TRANSITION}},
        {"moment": "abc"},
        {},
    ):
        assert preview(**bad) == {}
    assert visit.studio.preview({"token": "guess", "expression": units}) == {}
    assert visit.studio.preview(None) == {}


def test_problems_become_sentences(visit):
    assert "upload it again" in visit.studio.act({"token": "guess", "action": "undo"})["problem"]
    assert "no action called" in visit.refused("explode")
    assert visit.studio.act(None)["problem"]


def test_a_list_in_place_of_a_name_is_a_problem(visit):
    assert "no action called ['undo']" in visit.refused(["undo"])
    assert "no preset called ['happy']" in visit.refused("apply_preset", name=["happy"])
    switched = visit.page.switch_model({"token": visit.token, "model": ["warp"]}, VISITOR)
    assert "no model called ['warp']" in switched["problem"]
    recorded = visit.ask(visit.streams.edit_recording, stream_id=["a"])
    assert "no recording of a mirror" in recorded["problem"]
    visit.page.sessions.close(["a"])  # there is no such session


def test_previews_are_small(visit):
    for view in ("face", "photo"):
        request = {"token": visit.token, "expression": {"AU26": 1, "AU12": 0.8}, "view": view}
        assert len(visit.studio.preview(request)["picture"]) < 40_000 * 4 / 3


@pytest.mark.slow
def test_a_photo_mirrors_the_camera(visit, photo, animator, monkeypatch):
    cameras = visit.streams
    clock = iter(range(100))
    monkeypatch.setattr(camera_handlers.time, "monotonic", lambda: next(clock) / 8)
    seen = [np.full(17, 0.1)] * 12 + [np.linspace(0, 0.9, 17)] * 8
    monkeypatch.setattr(
        Live, "read", lambda self, photo: Expression.clipped(ACTION_UNITS, seen.pop(0))
    )
    visit.settle(AU02=0.3)
    units = units_of(visit.face.state.expression)
    mirror = {"strength": 1.5, "regions": ["mouth", "brows"]}
    request = {"token": visit.token, "picture": jpeg_data_url(photo[::2, ::2]), "mirror": mirror}
    request["record"] = True
    settled = []
    for _ in range(20):
        answer = cameras.process_frame(request)
        request["stream_id"] = answer["stream_id"]
        settled.append(answer["calibrated"])
    assert not settled[0] and settled[-1] and sorted(settled) == settled
    points = [point for _, point in cameras._streams[answer["stream_id"]].recorded_expressions]
    change = np.linspace(0, 0.9, 17) - 0.1
    mask = region_mask(["mouth", "brows"])
    wanted = add_masked_change(units, change, ACTION_UNITS, 1.5, mask)
    first, last = (units_of(point).vector() for point in (points[0], points[-1]))
    np.testing.assert_allclose(first, units.vector(), atol=0.011)  # sliders have hundredths
    np.testing.assert_allclose(last, wanted.vector(), atol=0.011)
    live = {"stream_id": answer["stream_id"]}
    made = visit.ask(cameras.edit_recording, **live)
    pace = made["settings"]["animate"]
    assert len(made["state"]["keyframes"]) > 1 and (pace["mode"], pace["blinks"]) == ("once", False)
    way = Timeline(tuple(visit.session.keyframes), pace["fps"]).expressions()
    for point, other in ((way[0], units), (way[-1], wanted)):
        np.testing.assert_allclose(units_of(point).vector(), other.vector(), atol=0.011)
    saved = visit.ask(cameras.save_recording, **live)
    film, table = saved["film"]["path"], saved["files"][0]["path"]
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 20
    assert len(Path(table).read_text().splitlines()) == 21
    assert read_trajectory(table, ACTION_UNITS).expressions[-1]["AU12"] == pytest.approx(
        wanted["AU12"], abs=1e-4
    )
    sliders, back = visit.units, visit.restore(film)["settings"]["live"]
    assert back == {"what": CAMERA_MODES[1], "strength": 1.5, "regions": ["mouth", "brows"]}
    assert visit.units == sliders
    for bad in ({"token": ""}, {"mirror": {"strength": 9, "regions": []}}, {"mirror": 3}):
        assert set(cameras.process_frame(request | bad)) == {"problem"}
    refused = visit.ask(cameras.edit_recording, stream_id="another's")
    assert "no recording of a mirror" in refused["problem"]


def test_a_long_mirror_becomes_keyframes_that_a_timeline_and_a_recipe_hold():
    chance = np.random.default_rng(3)
    played = [
        (9 + i / 20, Expression.clipped(ACTION_UNITS, chance.random(17))) for i in range(1200)
    ]
    fps, keys = fit_keyframes(played)
    timeline = Timeline(tuple(keys), fps)
    assert len(keys) == MAX_KEYFRAMES and 59 < timeline.duration < 61
    assert len(schema.dumps(timeline.to_json(), "")) < schema.MAX_BYTES - 8_000


@pytest.mark.slow
def test_a_camera_is_edited_frame_by_frame_and_recorded(visit, photo, monkeypatch):
    cameras, token = visit.streams, visit.token
    small = jpeg_data_url(cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA))
    visit.settle(AU26=1.0)
    request = {"token": token, "picture": small, "record": True}
    first = cameras.process_frame(request)
    assert first["found"] and first["seconds"] == 0
    request["stream_id"] = first["stream_id"]
    as_it_is = cameras.process_frame(request | {"expression": visit.reading})["picture"]
    assert first["picture"] != as_it_is
    assert "no recording" in visit.ask(cameras.save_recording, stream_id="another's")["problem"]
    film = visit.ask(cameras.save_recording, stream_id=first["stream_id"])["film"]["path"]
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 2
    kept = sent(film)["path"]
    visit.page.sessions.close(token)
    assert "upload it again" in visit.restore(kept)["problem"]
    visit.open(FILE)
    recipe, back = read_recipe(film), visit.restore(kept)
    assert recipe.checkpoint == fingerprint(DEFAULT_CHECKPOINT) and recipe.version == __version__
    assert visit.units == visit.reading and back["state"]["half"] == "whole face"
    units = {"AU26": 1.0, "AU12L": 0.25}
    alone = cameras.process_frame({"picture": small, "expression": units, "record": True})[
        "stream_id"
    ]
    cameras.process_frame(
        {"picture": small, "expression": units, "record": True, "stream_id": alone}
    )
    film = cameras.save_recording({"stream_id": alone}, VISITOR)["film"][
        "path"
    ]  # it needs no photo
    assert visit.restore(film)["state"]["expression"]["AU26"] == 1
    visit.token = None
    assert visit.restore(film)["expression"]["AU12L"] == 0.25
    visit.open(FILE)
    request["token"] = visit.token
    blank = jpeg_data_url(np.full((120, 160, 3), 90, np.uint8))
    assert not cameras.process_frame(request | {"picture": blank})["found"]
    huge = jpeg_data_url(np.zeros((64, 1300, 3), np.uint8))
    for bad in (
        {"picture": "x"},
        {"picture": huge},
        {"expression": [1]},
        {"token": "x"},
        {"expression": {"AU12": 3}},
        {"picture": "data:image/jpeg;base64,////"},
    ):
        assert set(cameras.process_frame(request | bad)) == {"problem"}
    assert set(cameras.process_frame(None)) == {"problem"}
    monkeypatch.setattr(camera_handlers, "MAX_STREAMS", len(cameras._streams))
    known = list(cameras._streams)
    assert "in use" in cameras.process_frame({"picture": blank, "expression": {}})["problem"]
    assert list(cameras._streams) == known  # nobody's camera went
    monkeypatch.setattr(camera_handlers, "REPLACEABLE_AFTER_S", -1.0)
    fresh = cameras.process_frame({"picture": blank, "expression": {}, "stream_id": "made up"})[
        "stream_id"
    ]
    assert list(cameras._streams) == [*known[1:], fresh]


def test_a_recording_at_its_limit_is_kept(visit, photo, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(camera_handlers.time, "monotonic", lambda: clock[0])
    stream, picture = CameraStream(Live(visit.session.animator)), jpeg_data_url(photo[::8, ::8])

    def record(pause_s):
        clock[0] += pause_s
        return visit.streams._record(stream, picture, None)

    seconds = [record(0.5) for _ in range(130)]
    assert len(stream.recorded_frames) == 120 and stream.is_full
    assert max(seconds) == seconds[-1] == 59.5
    assert record(3) == 0 and len(stream.recorded_frames) == 1 and not stream.is_full


# ---- Visits ----


def test_visits_are_secret_bounded_and_end():
    def of(tab_hash):
        return SimpleNamespace(
            nbytes=MAX_TOTAL_BYTES // 3, tab_hash=tab_hash, closed=threading.Event()
        )

    visits = Sessions()
    tokens = [visits.open(of("a")) for _ in range(3)]
    assert len(set(tokens)) == 3 and min(map(len, tokens)) >= 32
    tokens.append(visits.open(of("b")))  # the first one makes room
    with pytest.raises(Problem):
        visits[tokens[0]]
    visits.close_tab("a")
    assert visits[tokens[3]].tab_hash == "b"
    with pytest.raises(Problem):
        visits[tokens[1]]


def test_a_visit_ends_with_the_page_and_with_the_next_photo(animator):
    visit = Visit(animator)
    first = visit.token
    visit.open(ASSETS / "portrait-calm.png")
    with pytest.raises(Problem):
        visit.page.sessions[first]
    visit.page.close_tab(VISITOR)
    assert visit.refused("undo")


def test_the_examples_are_there():
    for path in ASSETS.glob("*.png"):
        assert min(cv2.imread(str(path)).shape[:2]) >= 400
    assert all((ASSETS / f"{name}.png").exists() for name in EXAMPLES)
    assert isinstance(PhotoHandlers, type)
