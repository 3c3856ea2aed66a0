"""The page: its handlers as functions, and the whole in a real browser."""

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import gradio as gr
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
from moodganimation.demo.handlers import live as live_handlers
from moodganimation.demo.handlers.animate import FORMATS, Animations
from moodganimation.demo.handlers.common import PHOTO, PLACED, SLIDERS, UNTOUCHED, jpeg
from moodganimation.demo.handlers.edit import PAINTED, Changes
from moodganimation.demo.handlers.explore import Explorer
from moodganimation.demo.handlers.film import Filming
from moodganimation.demo.handlers.live import CAMERAS, Streams
from moodganimation.demo.handlers.photo import Page
from moodganimation.demo.recipe_io import RecipeIO, fingerprint
from moodganimation.demo.sessions import MOST_BYTES, Sessions, slider_units
from moodganimation.errors import Problem
from moodganimation.expressions import schema
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.sides import units_of
from moodganimation.expressions.spaces import ACTION_UNITS, PAD, Expression
from moodganimation.media.images import read_image, write_image
from moodganimation.media.video_reader import open_film
from moodganimation.media.video_writer import write_animation
from moodganimation.networks.base import GeneratorConfig
from moodganimation.recipe import read_recipe
from moodganimation.resources import ASSETS
from moodganimation.video.live import MOST_KEYS, Live, keyframes
from moodganimation.video.reenactment import played, taking_part

from .conftest import PHOTO as FILE
from .studio import chromium, needs_chromium, served, source, wait_for

VISITOR = SimpleNamespace(session_hash="visitor")
WAY = [PHOTO, "sad", 24, 24, "smooth", True, 6, "once", False]  # settings of an animation


@pytest.fixture
def page(animator) -> Page:
    return Page(animator)


def changes(page) -> Changes:
    tabs = [Animations(page.visits), Filming(page.visits), streams(page), Explorer(page.visits)]
    restorers = [tab.restored for tab in tabs]
    return Changes(page.visits, RecipeIO(page.visits, page.models), restorers)


def streams(page) -> Streams:
    return Streams(page.visits, page.models[None], Animations(page.visits).show)


def restored(opened, path, link="") -> SimpleNamespace:
    """What every control is put on, by name."""
    values = opened.changes.restore(opened.token, path, link)
    names = [
        "model",
        "part",
        "locked",
        "painted",
        "preset",
        "intensity",
        "units",
        "moods",
        "pictures",
        "start",
        "end",
        "frames",
        "fps",
        "easing",
        "ping_pong",
        "hold",
        "mode",
        "blinks",
        "view",
        "size",
        "formats",
        "panels",
        "keys",
        "drawing",
        "folder",
        "faces",
        "strength",
        "regions",
        "by",
        "clip",
        "pace",
        "what",
        "mirrored",
        "mirrored_regions",
        "kind",
    ]
    groups = [*values[:6], values[6:23], values[23:26], values[26:32], *values[32:]]
    return SimpleNamespace(**dict(zip(names, groups, strict=True)))


@pytest.fixture
def opened(page):
    token, note, _, _, *values = page.open(str(FILE), None, None, VISITOR)
    return SimpleNamespace(
        page=page,
        token=token,
        note=note,
        units=values[:17],
        moods=values[17:20],
        pictures=values[20:],
        changes=changes(page),
        animations=Animations(page.visits),
    )


def asked(**request) -> SimpleNamespace:
    return SimpleNamespace(_data=request)


def test_opening_a_photo_shows_it_unchanged_with_what_was_read(opened, photo, portrait):
    assert "CenterFace" in opened.note and "512 x 512" in opened.note
    assert tuple(opened.units) == slider_units(portrait.reading).values
    np.testing.assert_array_equal(read_image(opened.pictures[0]), photo)


def test_settling_changes_the_picture_and_the_mood(opened, photo):
    units = list(opened.units)
    units[ACTION_UNITS.index("AU12")] = 0.0
    out = opened.page.settle(opened.token, asked(units=units))
    assert (read_image(out[20]) != photo).any()
    assert out[17] < opened.moods[0]  # less smile, less pleasure


@pytest.fixture
def mood_model(tmp_path, monkeypatch) -> str:
    """A mood generator beside the shipped ones."""
    torch.manual_seed(0)
    config = GeneratorConfig(architecture="resnet", condition_dim=3, image_size=32, width=4)
    save_generator(tmp_path / "moody.safetensors", build_generator(config), PAD, {})
    monkeypatch.setattr("moodganimation.demo.models.CHECKPOINTS", tmp_path)
    return "moody"


@pytest.mark.slow
def test_another_model_can_be_chosen_and_hears_moods_as_they_are(mood_model, animator):
    page = Page(animator)
    assert page.models.names == ["warp", mood_model]
    token, *_ = page.open(str(FILE), None, None, VISITOR)
    before = page.visits[token].face.portrait
    out = page.choose(token, mood_model)
    visit = page.visits[token]
    assert visit.animator.space == PAD and visit.face.portrait.reading == before.reading
    assert tuple(out[:17]) == slider_units(before.reading).values
    units, shown = page._asked(visit, {"mood": [0.5, -0.2, 0.1], "units": list(out[:17])})
    assert shown.asdict() == {"pleasure": 0.5, "arousal": -0.2, "dominance": 0.1}
    assert units.space == ACTION_UNITS
    assert page.preview({"token": token, "mood": [0.5, 0, 0], "units": list(out[:17])})
    made = page.settle(token, asked(mood=[0.5, -0.2, 0.1], units=list(out[:17])))
    kept = Path(made[20]).with_name("kept.png")
    kept.write_bytes(Path(made[20]).read_bytes())
    opened = SimpleNamespace(token=token, changes=changes(page))
    opened.changes.put(token, "sad", 1.0)
    page.choose(token, "warp")
    back = restored(opened, str(kept))
    assert back.model == mood_model and list(back.moods) == [0.5, -0.2, 0.1]
    assert back.units == made[:17]
    np.testing.assert_array_equal(read_image(back.pictures[0]), read_image(kept))
    with pytest.raises(gr.Error, match="no model called"):
        page.choose(token, "../../secret")
    assert page.choose("", mood_model) == UNTOUCHED


def test_a_mood_sets_the_sliders_and_going_back_undoes_it(opened):
    mood = list(opened.moods)
    sad = opened.page.settle(opened.token, asked(mood=[-0.7, *mood[1:]], units=opened.units))
    assert sad[ACTION_UNITS.index("AU12")] < opened.units[ACTION_UNITS.index("AU12")]
    back = opened.page.settle(opened.token, asked(mood=mood, units=list(sad[:17])))
    np.testing.assert_allclose(back[:17], opened.units, atol=0.011)


def test_a_mood_starts_from_sliders_that_a_hand_has_moved(opened):
    units = list(opened.units)
    units[ACTION_UNITS.index("AU45")] = 0.9  # and never settled
    out = opened.page.settle(opened.token, asked(mood=opened.moods, units=units))
    assert out[ACTION_UNITS.index("AU45")] > 0.5


def test_results_of_another_photo_are_not_shown(opened):
    skipped = opened.page.settle(opened.token, asked(token="old", units=opened.units))
    assert len(skipped) == PLACED and all(value == gr.skip() for value in skipped)


def test_without_a_face_the_photo_is_there_to_click_on(page, photo, portrait, tmp_path):
    path = tmp_path / "nobody.png"
    write_image(path, np.ascontiguousarray(photo[300:, 300:]))
    token, note, outline, *_ = page.open(str(path), None, None, VISITOR)
    assert token == "" and "No face was found" in note and outline.shape == (212, 212, 3)
    x, y = np.linalg.solve(portrait.to_face[:, :2], -portrait.to_face[:, 2])
    click = SimpleNamespace(index=[int(x), int(y)])
    token, note, *_ = page.open_at(str(FILE), token, None, 100 * 110 / 512, VISITOR, click)
    assert token and "box drawn by hand" in note


def test_presets_reset_and_neutral_put_the_sliders(opened):
    happy = opened.changes.put(opened.token, "happy", 1.0)
    assert tuple(happy[:17]) == PRESETS["happy"].values
    assert opened.changes.put(opened.token, PHOTO, 1.0)[:17] == tuple(opened.units)
    assert not any(opened.changes.put(opened.token, "neutral", 1.0)[:17])


def test_what_was_done_can_be_undone_and_done_again(opened):
    happy = opened.changes.put(opened.token, "happy", 1.0)[:17]
    sad = opened.changes.put(opened.token, "sad", 1.0)[:17]
    assert opened.changes.undo(opened.token)[:17] == happy
    assert opened.changes.undo(opened.token)[:17] == tuple(opened.units)
    assert opened.changes.undo(opened.token) == UNTOUCHED  # there is nothing before
    assert opened.changes.redo(opened.token)[:17] == happy
    angry = opened.changes.put(opened.token, "anger", 1.0)[:17]
    assert opened.changes.redo(opened.token) == UNTOUCHED and angry != sad  # sad is forgotten


def test_one_group_of_sliders_goes_back(opened):
    units = [0.9] * 17
    back = opened.changes.reset(opened.token, "brows", *units)[:17]
    for axis, value, read in zip(ACTION_UNITS.axes, back, opened.units, strict=True):
        assert value == (read if axis.region == "brows" else 0.9)
    with pytest.raises(gr.Error, match="no region"):
        opened.changes.reset(opened.token, "ears", *units)


def test_an_expression_is_copied_region_by_region(opened, animator, tmp_path):
    other = tmp_path / "other.png"
    smiling = animator.edit(opened.page.visits[opened.token].face.portrait, PRESETS["anger"])
    write_image(other, smiling.image)
    read = slider_units(animator.locate(read_image(other)).reading)
    out = opened.changes.borrow(opened.token, str(other), ["brows"], *opened.units)[:17]
    for axis, value, was in zip(ACTION_UNITS.axes, out, opened.units, strict=True):
        assert value == pytest.approx(read[axis.key] if axis.region == "brows" else was)
    for nothing in ((None, ["brows"]), (str(other), [])):
        with pytest.raises(gr.Error, match="Choose a photo"):
            opened.changes.borrow(opened.token, *nothing, *opened.units)


def test_edits_can_be_kept_to_one_half(opened, photo, portrait):
    units = list(opened.units)
    units[ACTION_UNITS.index("AU45")] = 1.0
    out = opened.changes.confine(opened.token, "their left half", [], *units)
    changed = np.argwhere((read_image(out[20]) != photo).any(2))
    middle = np.linalg.solve(portrait.to_face[:, :2], -portrait.to_face[:, 2])[0]
    assert len(changed) > 100 and changed[:, 1].min() > middle - portrait.side / 12
    whole = opened.changes.confine(opened.token, "whole face", [], *units)
    assert np.argwhere((read_image(whole[20]) != photo).any(2))[:, 1].min() < middle - 20
    with pytest.raises(gr.Error, match="no part of the face"):
        opened.changes.confine(opened.token, "ears", [], *units)


@pytest.mark.parametrize("name, unit, still", [("eyes", "AU45", 0.36), ("mouth", "AU26", 0.69)])
def test_eyes_or_mouth_can_be_locked(opened, photo, portrait, name, unit, still):
    units = list(opened.units)
    units[ACTION_UNITS.index(unit)] = units[ACTION_UNITS.index("AU02")] = 1.0
    free = opened.changes.confine(opened.token, "whole face", [], *units)
    kept = opened.changes.confine(opened.token, "whole face", [name], *units)
    rows = slice(*(round(portrait.box[1] + portrait.side * (still + d)) for d in (-0.04, 0.04)))
    middle = portrait.box[0] + portrait.side / 2
    columns = slice(round(middle - 0.2 * portrait.side), round(middle + 0.2 * portrait.side))
    changed = [(read_image(out[20]) != photo)[rows, columns].any(2).mean() for out in (free, kept)]
    assert changed[0] > 0.9 and changed[1] < 0.1
    assert (read_image(kept[20]) != photo).any()
    with pytest.raises(gr.Error, match="no part of the face"):
        opened.changes.confine(opened.token, "whole face", ["ears"], *units)


@pytest.fixture
def two(page, photo, portrait, tmp_path):
    """A photo of two faces, opened."""
    x0, y0, x1, y1 = portrait.box
    face = photo[max(0, y0 - 30) : y1 + 30, max(0, x0 - 20) : x1 + 20]
    small = cv2.resize(face, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    small = np.pad(small, ((0, len(face) - len(small)), (0, 0), (0, 0)), mode="edge")
    both = np.concatenate([face, small], 1)
    write_image(tmp_path / "two.png", both)
    token, note, _, gallery, *values = page.open(str(tmp_path / "two.png"), None, None, VISITOR)
    assert "2 faces" in note and len(gallery["value"]) == 2
    return SimpleNamespace(
        page=page,
        token=token,
        photo=both,
        width=face.shape[1],
        units=values[:17],
        changes=changes(page),
    )


def sides(two, path) -> tuple[int, int]:
    """How many pixels differ from the photo on its left and on its right."""
    differ = (read_image(path) != two.photo).any(2)
    return int(differ[:, : two.width].sum()), int(differ[:, two.width :].sum())


def test_every_face_has_an_expression_of_its_own(two):
    happy = two.changes.put(two.token, "surprise", 1.0)
    left, right = sides(two, happy[20])
    assert left > 500 and right == 0
    other = two.page.turn(two.token, SimpleNamespace(index=1))
    assert sides(two, other[20]) == (left, 0)  # the first stays as it was edited
    angry = two.changes.put(two.token, "anger", 1.0)
    assert sides(two, angry[20])[0] == left and sides(two, angry[20])[1] > 300
    back = two.page.turn(two.token, SimpleNamespace(index=0))
    assert back[:17] == happy[:17] and sides(two, back[20]) == sides(two, angry[20])
    with pytest.raises(gr.Error, match="no such face"):
        two.page.turn(two.token, SimpleNamespace(index=2))


@pytest.mark.slow
def test_a_picture_of_several_faces_brings_them_all_back(two, tmp_path):
    two.changes.put(two.token, "surprise", 1.0)
    everywhere = {"layers": [np.full((256, 256, 4), 255, np.uint8)]}
    two.changes.brush(two.token, everywhere, PAINTED[1], *PRESETS["surprise"].values)
    two.page.turn(two.token, SimpleNamespace(index=1))
    made = two.changes.put(two.token, "anger", 1.0)[20]
    kept = tmp_path / "kept.png"
    kept.write_bytes(Path(made).read_bytes())
    original = two.page.visits[two.token].original
    again, *_ = two.page.open(original, two.token, None, VISITOR)
    opened = SimpleNamespace(token=again, changes=two.changes)
    pictures = restored(opened, str(kept)).pictures
    np.testing.assert_array_equal(read_image(pictures[0]), read_image(kept))
    assert two.page.visits[again].at == 1
    back = two.page.turn(again, SimpleNamespace(index=0))
    assert tuple(back[:17]) == PRESETS["surprise"].values


def test_one_expression_for_every_face(two):
    units = list(two.units)
    units[ACTION_UNITS.index("AU26")] = 1.0
    left, right = sides(two, two.changes.everyone(two.token, *units)[20])
    assert left > 500 and right > 300


def test_a_brush_keeps_edits_away(opened, photo, portrait):
    token, changes = opened.token, opened.changes
    units = list(opened.units)
    units[ACTION_UNITS.index("AU26")], units[ACTION_UNITS.index("AU02")] = 1.0, 1.0
    canvas = changes.canvas(token)
    layer = np.zeros((*canvas.shape[:2], 4), np.uint8)
    layer[len(layer) // 2 :] = 255  # the lower half of the crop
    kept = read_image(changes.brush(token, {"layers": [layer]}, PAINTED[0], *units)[20])
    only = read_image(changes.brush(token, {"layers": [layer]}, PAINTED[1], *units)[20])
    middle = np.linalg.solve(portrait.to_face[:, :2], -portrait.to_face[:, 2])[1]
    margin = portrait.side / 10
    assert np.argwhere((kept != photo).any(2))[:, 0].max() < middle + margin
    assert np.argwhere((only != photo).any(2))[:, 0].min() > middle - margin
    for nothing in (None, {"layers": []}, {"layers": [0 * layer]}):
        out = changes.brush(token, nothing, PAINTED[0], *units)
    rows = np.argwhere((read_image(out[20]) != photo).any(2))[:, 0]
    assert rows.min() < middle - margin and rows.max() > middle + margin


def test_what_was_made_brings_the_page_back(opened, photo, tmp_path):
    token, changes = opened.token, opened.changes
    layer = np.zeros((256, 256, 4), np.uint8)  # rough enough to be long in a recipe
    layer[:100] = 255 * (np.random.default_rng(0).random((100, 256, 1)) < 0.7)
    units = list(PRESETS["happy"].values)
    changes.put(token, "happy", 1.0)
    changes.confine(token, "their left half", ["mouth"], *units)
    made = changes.brush(token, {"layers": [layer]}, PAINTED[0], *units)[20]
    shown = read_image(made)
    kept = tmp_path / "kept.png"
    kept.write_bytes(Path(made).read_bytes())
    file, link = changes.recipe(token)
    assert "half" in Path(file).read_text()
    again, *_ = opened.page.open(str(FILE), token, None, VISITOR)
    for path, text in ((str(kept), ""), (None, "https://here/" + link)):
        back = restored(SimpleNamespace(token=again, changes=changes), path, text)
        assert (back.part, back.locked) == ("their left half", ["mouth"])
        assert back.painted == PAINTED[0]
        assert back.units == tuple(units) and back.preset == "happy"
        np.testing.assert_array_equal(read_image(back.pictures[0]), shown)
    with pytest.raises(gr.Error, match="Choose a file"):
        changes.restore(again, None, "")
    with pytest.raises(gr.Error, match="no recipe"):
        changes.restore(again, str(FILE), "")
    options = {"half": "whole face", "marked": ["AAAA"]}
    with pytest.raises(Problem, match="painted mask"):
        opened.page.visits[again].face.restore(options)


def test_pins_bring_back_what_was_shown(opened):
    happy = opened.changes.put(opened.token, "happy", 1.0)[:17]
    assert len(opened.changes.pin(opened.token, *happy)) == 1
    opened.changes.put(opened.token, "sad", 1.0)
    back = opened.changes.unpin(opened.token, SimpleNamespace(index=0))
    assert back[:17] == happy
    with pytest.raises(gr.Error, match="no such pin"):
        opened.changes.unpin(opened.token, SimpleNamespace(index=1))


def test_what_is_made_says_so_in_a_corner_if_asked(opened, photo):
    before = read_image(opened.pictures[0])
    out = opened.changes.label(opened.token, True, *opened.units)
    shown = read_image(out[20])
    assert (shown[-30:] != before[-30:]).any() and (shown[:400] == before[:400]).all()
    out = opened.changes.label(opened.token, False, *opened.units)
    np.testing.assert_array_equal(read_image(out[20]), before)


def test_bars_tell_what_was_asked_and_seen(opened):
    assert "Nothing is asked" in opened.pictures[4]
    units = list(opened.units)
    units[ACTION_UNITS.index("AU26")] = 1.0
    bars = opened.page.settle(opened.token, asked(units=units))[24]
    assert "AU26 Jaw drop" in bars and "1.00 / " in bars and "AU12" not in bars
    assert 'class="asked"' in bars and "seen: pleasure" in bars


@pytest.mark.slow
def test_sheets_are_drawn(opened):
    path = Explorer(opened.page.visits).draw(opened.token, "moods", progress=lambda *a, **k: None)
    assert read_image(path).shape == (5 * 160 + 22, 92 + 5 * 160, 3)
    with pytest.raises(gr.Error, match="no sheet"):
        Explorer(opened.page.visits).draw(opened.token, "x", progress=lambda *a, **k: None)


@pytest.fixture
def clip(opened, animator, tmp_path) -> str:
    """The photo's face opening its mouth, ten frames."""
    portrait = opened.page.visits[opened.token].face.portrait
    way = interpolate(portrait.reading, portrait.reading.replace(AU26=1.0), 10)
    frames = (frame.view("photo", 256) for frame in animator.animate(portrait, way))
    return str(write_animation(tmp_path / "clip.mp4", frames, 10))


def still(*_, **__):
    """A progress bar that nobody sees."""


@pytest.mark.slow
def test_films_sheets_and_recordings_say_so_too(opened, clip, photo, tmp_path):
    filming, cameras = Filming(opened.page.visits), streams(opened.page)
    (tmp_path / "way.csv").write_text("AU12\n0\n1\n")
    frame = {"token": opened.token, "picture": jpeg(photo[::2, ::2]), "units": opened.units}

    def made() -> list[np.ndarray]:
        way = str(tmp_path / "way.csv")
        film, strips, _ = filming.follow(opened.token, way, "", 12, clip, progress=still)
        sheet = Explorer(opened.page.visits).draw(opened.token, "scales", progress=still)
        live = None
        for _ in range(2):
            live = cameras.frame(frame | {"record": True, "live": live})["live"]
        films = [next(open_film(path).frames()) for path in (film, cameras.save(live)[0])]
        return [*films, *map(read_image, [*strips[1:], sheet])]

    unlabelled = made()
    opened.changes.label(opened.token, True, *opened.units)
    for number, (before, after) in enumerate(zip(unlabelled, made(), strict=True)):
        changed = np.abs(before[-20:, -60:].astype(int) - after[-20:, -60:]).max() > 60
        assert changed == (number != 5), number  # what was filmed was not edited


def test_a_clip_changes_as_the_photo_does(opened, clip):
    filming = Filming(opened.page.visits)
    units = list(opened.units)
    with pytest.raises(gr.Error, match="ask for nothing"):
        filming.edit_video(opened.token, clip, 1, *units, progress=still)
    units[ACTION_UNITS.index("AU02")] = 1.0
    film, said = filming.edit_video(opened.token, clip, 1, *units, progress=still)
    assert "10 of 10 frames" in said
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 10
    back = restored(opened, film)
    assert list(back.units) == units and back.faces == 1 and back.strength == gr.skip()
    again, _ = filming.edit_video(opened.token, clip, 1, *units, progress=still)
    assert Path(again).exists() and not Path(film).exists()
    with pytest.raises(gr.Error, match="upload one first"):
        filming.edit_video(opened.token, None, 1, *units, progress=still)
    with pytest.raises(gr.Error):
        filming.edit_video(opened.token, str(FILE.with_suffix(".py")), 1, *units, progress=still)


@pytest.mark.slow
def test_a_photo_mirrors_the_camera(opened, photo, animator, monkeypatch):
    cameras, visit = streams(opened.page), opened.page.visits[opened.token]
    clock = iter(range(100))
    monkeypatch.setattr(live_handlers.time, "monotonic", lambda: next(clock) / 8)
    seen = [np.full(17, 0.1)] * 12 + [np.linspace(0, 0.9, 17)] * 8
    monkeypatch.setattr(
        Live, "read", lambda self, photo: Expression.clipped(ACTION_UNITS, seen.pop(0))
    )
    units = Expression(ACTION_UNITS, tuple(opened.units)).replace(AU02=0.3)
    mirror = {"strength": 1.5, "regions": ["mouth", "brows"]}
    request = {
        "token": opened.token,
        "picture": jpeg(photo[::2, ::2]),
        "units": units.values,
        "mirror": mirror,
        "record": True,
    }
    settled = []
    for _ in range(20):
        answer = cameras.frame(request)
        request["live"] = answer["live"]
        settled.append(answer["settled"])
    assert not settled[0] and settled[-1] and sorted(settled) == settled
    points = [point for _, point in cameras._streams[answer["live"]].played]
    change = np.linspace(0, 0.9, 17) - 0.1
    wanted = played(units, change, 1.5, taking_part(["mouth", "brows"]))
    first, last = (units_of(point).vector() for point in (points[0], points[-1]))
    np.testing.assert_allclose(first, units.vector(), atol=0.011)  # sliders have hundredths
    np.testing.assert_allclose(last, wanted.vector(), atol=0.011)
    assert points[-1]["AU05"] == pytest.approx(units["AU05"], abs=0.006)
    assert answer["picture"] == jpeg(animator.edit(visit.face.small, points[-1]).image)
    fps, mode, blinks, keys, drawing, folder = cameras.keyframes(answer["live"], opened.token)
    assert "keyframes" in keys and drawing.ndim == 3 and (mode, blinks) == ("once", False)
    assert folder["open"]
    way = Timeline(tuple(visit.keyframes), fps).expressions()
    for point, other in ((way[0], units), (way[-1], wanted)):
        np.testing.assert_allclose(units_of(point).vector(), other.vector(), atol=0.011)
    film, table = cameras.save(answer["live"])
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 20
    assert len(Path(table).read_text().splitlines()) == 21
    assert read_trajectory(table, ACTION_UNITS).points[-1]["AU12"] == pytest.approx(
        wanted["AU12"], abs=1e-4
    )
    back = restored(opened, film)
    assert (back.what, back.mirrored, back.mirrored_regions) == (
        CAMERAS[1],
        1.5,
        ["mouth", "brows"],
    )
    assert back.units == units.values
    for bad in ({"token": ""}, {"mirror": {"strength": 9, "regions": []}}, {"mirror": 3}):
        assert set(cameras.frame(request | bad)) == {"said"}
    with pytest.raises(gr.Error, match="no recording of a mirror"):
        cameras.keyframes("another's", opened.token)


def test_a_long_mirror_becomes_keyframes_that_a_timeline_and_a_recipe_hold():
    chance = np.random.default_rng(3)
    played = [
        (9 + i / 20, Expression.clipped(ACTION_UNITS, chance.random(17))) for i in range(1200)
    ]
    fps, keys = keyframes(played)
    timeline = Timeline(tuple(keys), fps)
    assert len(keys) == MOST_KEYS and 59 < timeline.duration < 61
    assert len(schema.dumps(timeline.to_json(), "")) < schema.MOST_BYTES - 8_000


@pytest.mark.slow
def test_a_camera_is_edited_frame_by_frame_and_recorded(opened, photo, monkeypatch):
    cameras = streams(opened.page)
    small = jpeg(cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA))
    units = list(opened.units)
    units[ACTION_UNITS.index("AU26")] = 1.0
    request = {"token": opened.token, "picture": small, "record": True}
    first = cameras.frame(request | {"units": units})
    assert first["found"] and first["seconds"] == 0
    request["live"] = first["live"]
    as_it_is = cameras.frame(request | {"units": opened.units})["picture"]
    assert first["picture"] != as_it_is
    with pytest.raises(gr.Error, match="no recording"):
        cameras.save("another's")
    film, _ = cameras.save(first["live"])
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 2
    opened.page.visits.close(opened.token)
    with pytest.raises(gr.Error, match="upload it once more"):
        restored(opened, film)
    opened.token = opened.page.open(str(FILE), None, None, VISITOR)[0]
    recipe, back = read_recipe(film), restored(opened, film)
    assert recipe.checkpoint == fingerprint(DEFAULT_CHECKPOINT) and recipe.version == __version__
    assert back.units == tuple(opened.units) and back.part == "whole face"
    alone = cameras.frame({"picture": small, "units": units, "record": True})["live"]
    cameras.frame({"picture": small, "units": units, "record": True, "live": alone})
    film, _ = cameras.save(alone)  # nobody needs a photo for the camera
    for token in (opened.token, ""):
        opened.token = token
        assert list(restored(opened, film).units) == units
    request["token"] = opened.token = opened.page.open(str(FILE), None, None, VISITOR)[0]
    blank = jpeg(np.full((120, 160, 3), 90, np.uint8))
    assert not cameras.frame(request | {"picture": blank, "units": units})["found"]
    huge = jpeg(np.zeros((64, 1300, 3), np.uint8))
    for bad in (
        {"picture": "x"},
        {"picture": huge},
        {"units": [1]},
        {"token": "x"},
        {"units": 3},
        {"picture": "data:image/jpeg;base64,////"},
    ):
        assert set(cameras.frame(request | {"units": units} | bad)) == {"said"}
    assert set(cameras.frame(None)) == {"said"}
    monkeypatch.setattr(live_handlers, "MOST", len(cameras._streams))
    known = list(cameras._streams)
    assert "in use" in cameras.frame({"picture": blank, "units": units})["said"]
    assert list(cameras._streams) == known  # nobody's camera went
    monkeypatch.setattr(live_handlers, "SILENT", -1.0)
    fresh = cameras.frame({"picture": blank, "units": units, "live": "made up"})["live"]
    assert list(cameras._streams) == [*known[1:], fresh]


@pytest.mark.slow
def test_long_work_can_be_stopped_and_leaves_nothing(opened, clip):
    filming, visit = Filming(opened.page.visits), opened.page.visits[opened.token]
    units = [1 - value for value in opened.units]

    def stop(*_, **__):
        filming.cancel(opened.token)

    with pytest.raises(gr.Error, match="Stopped, as you asked"):
        filming.edit_video(opened.token, clip, 1, *units, progress=stop)
    with pytest.raises(gr.Error, match="Stopped, as you asked"):
        filming.drive(opened.token, clip, 1.0, ["mouth"], "units", progress=stop)
    assert not [*Path(visit.folder.name).glob("retake*")]
    assert not [*Path(visit.folder.name).glob("driven*")]
    filming.cancel("guess")

    def leave(*_, **__):
        opened.page.leave(VISITOR)

    with pytest.raises(gr.Error, match="Stopped"):  # who closes the page frees the place
        filming.edit_video(opened.token, clip, 1, *units, progress=leave)
    with pytest.raises(gr.Error, match="upload it once more"):
        filming.edit_video(opened.token, clip, 1, *units, progress=leave)


@pytest.mark.slow
def test_the_photo_plays_what_a_clip_plays(opened, clip):
    filming = Filming(opened.page.visits)
    film, drawing, table, _ = filming.drive(
        opened.token, clip, 1.3, ["mouth"], "moods", progress=still
    )
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 10 and drawing.ndim == 3
    back = restored(opened, film)
    assert (back.strength, back.regions, back.by) == (1.3, ["mouth"], "moods")
    assert back.units == tuple(opened.units) and back.faces == gr.skip()
    rows = Path(table).read_text().splitlines()
    assert len(rows) == 11 and "AU26" in rows[0]
    with pytest.raises(gr.Error, match="Regions are any of"):
        filming.drive(opened.token, clip, 1.0, [], "units", progress=still)


@pytest.mark.slow
def test_the_photo_follows_a_trajectory_beside_what_was_filmed(opened, clip, tmp_path):
    filming, way = Filming(opened.page.visits), tmp_path / "way.csv"
    way.write_text("AU12,AU26\n" + "".join(f"{i / 5},{3 * i / 5}\n" for i in range(6)))
    film, strips, said = filming.follow(opened.token, str(way), "", 12, clip, progress=still)
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 5
    for path in (film, strips[1]):
        back = restored(opened, path)
        assert (back.clip, back.pace) == ("", 12)
    names = [Path(path).stem.rpartition("_")[2] for path in strips[1:]]
    assert names == ["composite", "attention", "color", "truth"] and "clipped" in said
    assert read_image(strips[-1]).shape == (128, 5 * 128, 3)
    for bad, why in ((None, "no trajectory"), (str(FILE), "are read from")):
        with pytest.raises(gr.Error, match=why):
            filming.follow(opened.token, bad, "", 12, None, progress=still)
    way.write_text("AU12\n1\n")
    with pytest.raises(gr.Error, match="2 to 480 rows"):
        filming.follow(opened.token, str(way), "", 12, None, progress=still)


def test_previews_answer_only_sensible_requests(opened):
    good = opened.page.preview({"token": opened.token, "units": [0.5] * 17})
    assert all(value.startswith("data:image/jpeg;base64,") for value in good.values())
    way = {"way": [0.5, *WAY], "units": opened.units}
    assert opened.page.preview({"token": opened.token, **way})
    for bad in (
        {"units": [0.5] * 16},
        {"units": [float("nan")] * 17},
        {"units": [7] * 17},
        {"units": "12345678901234567"},
        {"mood": [0, 0]},
        {"way": [0.5, PHOTO, "nobody", *WAY[2:]], "units": opened.units},
        {"way": [float("nan"), *WAY], "units": opened.units},
        {"way": "abc"},
        {},
    ):
        assert opened.page.preview({"token": opened.token, **bad}) == {}
    assert opened.page.preview({"token": "guess", "units": [0.5] * 17}) == {}
    assert opened.page.preview(None) == {}


def test_problems_become_messages(page, opened, tmp_path):
    letter = tmp_path / "face.jpg"
    letter.write_text("no face")
    with pytest.raises(gr.Error, match="not a readable picture"):
        page.open(str(letter), None, None, VISITOR)
    with pytest.raises(gr.Error, match="upload it once more"):
        Changes(page.visits, None, ()).put("guess", "happy", 1.0)
    with pytest.raises(gr.Error, match="Choose at least one"):
        opened.animations.make(
            opened.token,
            PHOTO,
            "sad",
            4,
            24,
            "smooth",
            True,
            0,
            "once",
            False,
            "face",
            96,
            [],
            *opened.units,
        )


def test_keyframes_make_a_timeline(opened):
    token, animations = opened.token, opened.animations
    pace = (12, "ping-pong", True)
    animations.add(token, 0, 0, "smooth", *pace, *opened.units)
    said, drawing = animations.add(token, 1, 0.5, "smooth", *pace, *PRESETS["sad"].values)
    assert "2 keyframes" in said and drawing.ndim == 3
    with pytest.raises(gr.Error, match="before"):
        animations.add(token, 1.2, 0, "smooth", *pace, *opened.units)  # while the other is held
    assert len(opened.page.visits[token].keyframes) == 2
    said, _ = animations.add(token, 1, 0, "smooth", *pace, *PRESETS["happy"].values)
    assert "2 keyframes" in said  # in place of the one that was there
    visit = opened.page.visits[token]
    assert len(visit.keyframes) == 2
    assert "1 keyframe" in animations.remove(token, 0.9, *pace)[0]
    assert "No keyframes" in animations.remove(token, 0, *pace)[0]
    with pytest.raises(gr.Error, match="no keyframe"):
        animations.remove(token, 0, *pace)


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_scrubbing_shows_what_the_animation_shows(opened, keyed, mode):
    token, visit, happy = opened.token, opened.page.visits[opened.token], PRESETS["happy"].values
    if keyed:
        visit.keyframes = [Keyframe(None, 0), Keyframe(PRESETS["sad"], 3, 0.5, "spring")]
    settings = [PHOTO, SLIDERS, 9, 10, "ease out", mode == "ping-pong", 2, mode, True]
    film, _, _ = opened.animations.make(
        token, *settings, "face", 96, ["MP4"], False, *happy, progress=still
    )
    reading = visit.face.portrait.reading
    way = read_recipe(film).timeline.expressions(reading.space, reading)
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == len(way)
    for number, point in enumerate(way):
        request = {"way": [number / (len(way) - 1), *settings], "units": happy}
        assert opened.page._asked(visit, request)[0] == point
    assert any(point["AU45"] > 0.9 for point in way) == keyed  # a blink


def test_animations_come_in_every_format(opened):
    film, moving, files = opened.animations.make(
        opened.token,
        PHOTO,
        SLIDERS,
        4,
        12,
        "smooth",
        True,
        1,
        "once",
        False,
        "face",
        96,
        [*FORMATS],
        True,
        *PRESETS["sad"].values,
        progress=still,
    )
    assert read_image(files[-1]).shape == (96, 4 * 3 * 96, 3)  # the strip, with its panels
    assert Image.open(moving).n_frames == 4 + 1 + 2
    assert imageio_ffmpeg.count_frames_and_secs(film)[0] == 7
    assert [name.rpartition(".")[2] for name in files] == ["gif", "mp4", "webp", "png"]


@pytest.mark.slow
@pytest.mark.parametrize("keyed", [False, True])
def test_every_format_of_an_animation_brings_every_control_back(opened, keyed):
    token, visit = opened.token, opened.page.visits[opened.token]
    keyframes = [Keyframe(None, 0), Keyframe(PRESETS["fear"], 0.5, 0.2)] if keyed else []
    visit.keyframes = keyframes
    settings = ["neutral", "happy", 5, 12, "ease in", True, 2, "loop", True]
    output = ["photo", 96, [*FORMATS], True]
    units = PRESETS["sad"].values
    _, _, files = opened.animations.make(token, *settings, *output, *units, progress=still)
    for name in files:
        visit.keyframes = [Keyframe(PRESETS["anger"], 3)]
        back = restored(opened, name)
        assert back.units == units and back.model == "warp" and back.kind == gr.skip()
        assert [
            back.start,
            back.end,
            back.frames,
            back.fps,
            back.easing,
            back.ping_pong,
            back.hold,
            back.mode,
            back.blinks,
        ] == settings
        assert [back.view, back.size, back.formats, back.panels] == output
        assert visit.keyframes == keyframes and ("2 keyframes" in back.keys) == keyed
        again = [*settings, *output[:2], [name_of(name)], True]
        *_, (made,) = opened.animations.make(token, *again, *back.units, progress=still)
        assert read_recipe(made).timeline == read_recipe(name).timeline


def name_of(path: str) -> str:
    """Of the format."""
    return next(name for name in FORMATS if Path(path).suffix[1:] in name.lower())


@pytest.mark.slow
def test_a_still_brings_mood_and_emotion_back(opened, tmp_path):
    kept = tmp_path / "kept.png"
    mood = [0.55, -0.35, 0.15]
    made = opened.page.settle(opened.token, asked(mood=mood, units=opened.units))
    kept.write_bytes(Path(made[20]).read_bytes())
    opened.changes.put(opened.token, "happy", 1.0)
    back = restored(opened, str(kept))
    assert list(back.moods) == mood and back.units == made[:17] and back.preset is None
    made = opened.changes.put(opened.token, "sad", 0.4)
    kept.write_bytes(Path(made[20]).read_bytes())
    opened.changes.put(opened.token, "happy", 1.0)
    back = restored(opened, str(kept))
    assert (back.preset, back.intensity) == ("sad", 0.4) and back.units == made[:17]
    units = [0.5] * 17
    made = opened.page.settle(opened.token, asked(units=units))
    assert restored(opened, made[20]).preset is None  # a hand has moved the sliders since
    sheet = Explorer(opened.page.visits).draw(opened.token, "scales", progress=still)
    back = restored(opened, sheet)
    assert back.kind == "scales" and list(back.units) == units


@pytest.mark.parametrize(
    "changed, sentence",
    [
        ({"preset": "x"}, "The emotion must be one of"),
        ({"preset": "sad"}, "The intensity must be a number"),
        ({"mood": [1]}, "The mood must be a list of 3"),
        ({"mood": [0, 0, 7]}, "dominance must be a number"),
        ({"film": 3}, "says of film must be an object"),
        ({"film": {"strength": 9}}, "from 0 to 2"),
        ({"film": {"regions": ["ears"]}}, "one of brows"),
        ({"explore": {"colour": 1}}, "has no 'colour'"),
        ({"sliders": {"AU12": 3}}, "AU12 must be a number from 0 to 1"),
    ],
)
def test_damaged_recipes_are_said_to_be(opened, changed, sentence):
    recipe = opened.changes.recipe(opened.token)[0]
    values = json.loads(Path(recipe).read_text())
    values["options"] |= changed
    Path(recipe).write_text(json.dumps(values))
    with pytest.raises(gr.Error, match=sentence):
        restored(opened, recipe)


def test_visits_are_secret_bounded_and_end(portrait):
    def visit(session):
        return SimpleNamespace(nbytes=MOST_BYTES // 3, session=session, gone=threading.Event())

    visits = Sessions()
    tokens = [visits.open(visit("a")) for _ in range(3)]
    assert len(set(tokens)) == 3 and min(map(len, tokens)) >= 32
    tokens.append(visits.open(visit("b")))  # the first one makes room
    with pytest.raises(Problem):
        visits[tokens[0]]
    visits.leave("a")
    assert visits[tokens[3]].session == "b"
    with pytest.raises(Problem):
        visits[tokens[1]]


@pytest.mark.slow
@needs_chromium
def test_a_visitor_uploads_moves_a_slider_and_takes_a_gif_home(animator, photo, tmp_path):
    with served(animator) as url, chromium(tmp_path) as browser:
        tab = browser.new_page(viewport={"width": 1300, "height": 1000})
        problems, foreign = [], []
        tab.on("pageerror", lambda problem: problems.append(str(problem)))
        tab.on(
            "request",
            lambda r: None if r.url.startswith((url, "data:", "blob:")) else foreign.append(r.url),
        )
        tab.goto(url)
        drive(tab, photo, tmp_path)
        for locale, word in (("es-ES", "AU12 Sonreír"), ("zh-CN", "AU12 嘴角上扬")):
            tab = browser.new_page(locale=locale)
            tab.goto(url)
            tab.get_by_text(word).wait_for(timeout=20_000)
        assert problems == [] and foreign == []


def result(tab, path) -> np.ndarray:
    """The picture in the result, as the visitor downloads it."""
    with tab.expect_download() as download:
        tab.locator("#result").get_by_label("Download").click()
    download.value.save_as(path)
    return read_image(path)


def drive(tab, photo, folder):
    small = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    write_animation(folder / "clip.mp4", [small] * 6, 6)
    tab.set_input_files("#photo input[type=file]", str(FILE))
    began = time.monotonic()
    tab.wait_for_selector("#result img", timeout=30_000)
    assert time.monotonic() - began < 15
    np.testing.assert_array_equal(result(tab, folder / "same.png"), photo)

    assert "zygomaticus" in tab.get_attribute("#AU12", "title")
    slider = tab.locator("#AU26 input[type=number]")
    slider.fill("1")
    wait_for(lambda: source(tab).startswith("data:"))  # the fast lane's preview
    wait_for(lambda: source(tab).startswith("http"))  # and the full result
    changed = (result(tab, folder / "open.png") != photo).any(2)
    rows, columns = np.nonzero(changed)
    assert changed.sum() > 500
    assert rows.min() > 20 and rows.max() < 220 and columns.min() > 130 and columns.max() < 320

    tab.get_by_role("tab", name="Emotions").click()
    before = source(tab)
    tab.locator("#preset").get_by_text("sad", exact=True).click()
    wait_for(lambda: source(tab) != before)
    tab.get_by_role("tab", name="Action Units").click()
    assert tab.input_value("#AU15 input[type=number]") == "1"

    before = source(tab)
    tab.locator("#undo").click()
    wait_for(lambda: source(tab) != before)
    assert tab.input_value("#AU26 input[type=number]") == "1"
    tab.locator("#redo").click()
    wait_for(lambda: tab.input_value("#AU15 input[type=number]") == "1")
    assert "asked" in tab.inner_text("#bars")

    tab.get_by_role("tab", name="Mood").click()
    place = tab.locator("#pad svg").bounding_box()
    before = source(tab)
    tab.mouse.click(place["x"] + 0.85 * place["width"], place["y"] + 0.3 * place["height"])
    wait_for(lambda: float(tab.input_value("#pleasure input[type=number]")) > 0.6)
    wait_for(lambda: source(tab) != before and source(tab).startswith("http"))
    assert float(tab.input_value("#arousal input[type=number]")) > 0.3

    tab.get_by_text("Pinned").click()
    tab.locator("#pin").click()
    tab.wait_for_selector("#pins img", timeout=20_000)
    tab.get_by_role("tab", name="Before and after").click()
    tab.wait_for_selector("#both img", timeout=20_000)
    tab.get_by_role("tab", name="Result", exact=True).click()
    tab.get_by_text("Lock a part with a brush").click()
    tab.locator("#canvas").click()
    canvas = tab.wait_for_selector("#painting canvas", timeout=20_000)
    time.sleep(1)
    place = canvas.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + 0.75 * place["height"]
    tab.mouse.move(x - 40, y)
    tab.mouse.down()
    tab.mouse.move(x + 40, y, steps=5)
    tab.mouse.up()
    before = source(tab)
    tab.locator("#brush").click()
    wait_for(lambda: source(tab) != before)

    tab.get_by_role("tab", name="Film").click()
    tab.set_input_files("#clip input[type=file]", str(folder / "clip.mp4"))
    tab.wait_for_selector("#clip video", timeout=30_000)
    tab.locator("#drive").click()
    tab.wait_for_selector("#film video", timeout=90_000)
    tab.wait_for_selector("#curves img", timeout=20_000)

    tab.get_by_role("tab", name="Live").click()
    tab.locator("#camera").click()
    wait_for(lambda: int(tab.get_attribute("#live [data-frames]", "data-frames") or 0) > 1)
    tab.locator("#record").click()
    wait_for(lambda: "●" in tab.inner_text("#live [role=status]"))
    time.sleep(1)
    tab.locator("#camera").click()
    tab.locator("#save-recording").click()
    tab.wait_for_selector("#recording video", timeout=30_000)

    tab.get_by_role("tab", name="Explore").click()
    tab.locator("#kind").get_by_text("Pleasure across").click()
    tab.locator("#draw").click()
    tab.wait_for_selector("#sheet img", timeout=60_000)
    tab.get_by_role("tab", name="Emotions").click()
    tab.locator("#preset").get_by_text("sad", exact=True).click()
    tab.get_by_role("tab", name="Animate").click()
    tab.get_by_text("Keyframes, instead").click()
    tab.locator("#add-key").click()
    tab.wait_for_selector("#timeline img", timeout=20_000)
    tab.locator("#remove-key").click()
    tab.get_by_text("No keyframes").wait_for(timeout=20_000)
    tab.locator("#make").click()
    tab.wait_for_selector("#files a", timeout=90_000)
    with tab.expect_download() as download:
        tab.locator("#files a").first.click()
    download.value.save_as(folder / "sad.gif")
    assert Image.open(folder / "sad.gif").n_frames == 24 + 6 + 22
    tab.wait_for_selector("#mp4 video", timeout=10_000)

    letter = folder / "face.jpg"
    letter.write_text("I am a letter.")
    tab.locator("#photo").get_by_label("Remove Image").click()
    tab.set_input_files("#photo input[type=file]", str(letter))
    tab.get_by_text("is not a readable picture").wait_for(timeout=30_000)


def test_the_examples_are_there():
    for path in ASSETS.glob("*.png"):
        assert min(cv2.imread(str(path)).shape[:2]) >= 400
