"""The command line, the API, the page and the film tab resolve a request to one expression."""

import shutil
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from moodganimation.animator import Animator
from moodganimation.checkpoints.files import build_generator, save_generator
from moodganimation.cli.commands import main
from moodganimation.demo.api import API
from moodganimation.demo.handlers.common import rounded_to_slider_steps
from moodganimation.errors import InvalidExpression
from moodganimation.expressions.moods import convert_expression, mood_of, with_mood
from moodganimation.expressions.presets import EMOTION_PRESETS, PRESETS, UNIT_PRESETS
from moodganimation.expressions.request import (
    ExpressionRequest,
    add_offset,
    offset_between,
    resolve,
    split_offset,
)
from moodganimation.expressions.sides import units_of
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    space_named,
)
from moodganimation.networks.base import GeneratorConfig
from moodganimation.recipe import read_recipe
from moodganimation.video.editing import EditedVideo, offset_by
from moodganimation.video.reenactment import regions_of

from .conftest import ASSETS, PHOTO
from .visits import Visit, sent

VIDEO = ASSETS.parent / "samples" / "videos" / "calm.mp4"
FACE = Expression.of(ACTION_UNITS, AU04=0.3, AU12=0.2, AU25=0.1)
MOOD = mood_of(FACE)
REQUESTS = {
    "nothing": ExpressionRequest(),
    "units": ExpressionRequest(axes={"AU1": 0.7, "au12": 0.9, "25": 0.4}),
    "mood": ExpressionRequest(axes={"pleasure": 0.8, "arousal": 0.5}),
    "arousal": ExpressionRequest(axes={"Arousal": 0.2}),
    "valence": ExpressionRequest(axes={"valence": 0.5}),
    "valence-arousal": ExpressionRequest(axes={"valence": 0.5, "arousal": 0.2}),
    "valence-dominance": ExpressionRequest(axes={"valence": -0.5, "dominance": 0.2}),
    "preset": ExpressionRequest("sad"),
    "part-of-preset": ExpressionRequest("happiness", 0.4),
    "compound": ExpressionRequest("happily_surprised", 0.7),
    "mixture": ExpressionRequest("happy", 0.5, {"AU12": 0.8, "AU25": 0.4, "arousal": 0.3}),
    "preset-valence": ExpressionRequest("sadly_angry", 0.6, {"AU45": 0.2, "valence": -0.4}),
}
INVALID = {
    "intensity": ({"preset": "sad", "intensity": 1.5}, "Intensity must be from 0 to 1, got 1.5."),
    "preset": ({"preset": "hungry"}, "There is no preset called 'hungry'; there are happy, "),
    "unit": ({"axes": {"AU99": 1}}, "'AU99' is not an axis of action_units, pad, valence_arousal"),
    "mood": ({"axes": {"valenc": 1}}, "; try valence"),
    "range": ({"axes": {"AU1": 2}}, "AU01 must be a number from 0 to 1, got 2.0."),
    "mood-range": ({"axes": {"valence": -2}}, "valence must be a number from -1 to 1, got -2.0."),
    "twice": ({"axes": {"AU1": 0.1, "au01": 0.2}}, "AU01 is given twice: give it once."),
    "synonyms": (
        {"axes": {"valence": 0.5, "pleasure": 0.5}},
        "Valence and pleasure are the same axis: give one of them.",
    ),
}
by_name = pytest.mark.parametrize("name", REQUESTS)


def in_spaces(names, of_moods):
    """Parametrize by the space of the generator and a name; in spaces of moods by fewer names."""
    cases = [("action_units", name) for name in names]
    cases += [(space.name, name) for space in (PAD, VALENCE_AROUSAL) for name in of_moods]
    return pytest.mark.parametrize("any_animator, name", cases, indirect=["any_animator"])


# ---- What a request means ----


@pytest.mark.parametrize(
    "name, target",
    [
        ("nothing", FACE),
        ("units", FACE.replace(AU01=0.7, AU12=0.9, AU25=0.4)),
        ("mood", with_mood(FACE, MOOD.replace(pleasure=0.8, arousal=0.5))),
        ("arousal", with_mood(FACE, MOOD.replace(arousal=0.2))),
        ("valence", with_mood(FACE, mood_of(FACE, VALENCE_AROUSAL).replace(valence=0.5))),
        ("valence-arousal", with_mood(FACE, Expression(VALENCE_AROUSAL, (0.5, 0.2)))),
        ("valence-dominance", with_mood(FACE, MOOD.replace(pleasure=-0.5, dominance=0.2))),
        ("preset", PRESETS["sad"]),
        ("part-of-preset", FACE.blend_to(PRESETS["happiness"], 0.4)),
        ("compound", FACE.blend_to(EMOTION_PRESETS["happily_surprised"], 0.7)),
    ],
)
def test_request_has_its_documented_meaning(name, target):
    resolved = resolve(REQUESTS[name], FACE, ACTION_UNITS)
    np.testing.assert_allclose(resolved.vector(), target.vector(), atol=1e-12)


def test_request_is_applied_in_its_documented_order():
    like = Expression.of(ACTION_UNITS, AU06=1.0)
    request = ExpressionRequest("sad", 0.5, {"AU12": 0.1, "pleasure": 0.6}, like)
    target = FACE.blend_to(like, 0.5).blend_to(PRESETS["sad"], 0.5)
    target = with_mood(target, mood_of(target).replace(pleasure=0.6)).replace(AU12=0.1)
    assert resolve(request, FACE, ACTION_UNITS) == target


@pytest.mark.parametrize("space", [PAD, VALENCE_AROUSAL], ids=lambda space: space.name)
@by_name
def test_request_in_a_space_of_moods_is_a_point_in_it(name, space):
    target = resolve(REQUESTS[name], FACE, space)
    assert target.space == space
    for key, value in REQUESTS[name].axes.items():
        if key in space:
            assert target[key] == value
    if not REQUESTS[name].axes:
        preset = UNIT_PRESETS.get(REQUESTS[name].preset, FACE)
        expected = mood_of(FACE, space).blend_to(mood_of(preset, space), REQUESTS[name].intensity)
        assert target == expected


def test_space_without_a_meaning_takes_its_own_axes_only():
    space = space_named("c4")
    target = resolve(ExpressionRequest(axes={"c3": 0.5}), FACE, space)
    assert target.values == (0, 0, 0, 0.5)
    for fields in (
        {"preset": "sad"},
        {"like": FACE},
        {"axes": {"AU12": 1}},
        {"axes": {"valence": 1}},
    ):
        with pytest.raises(InvalidExpression, match="meaning is unknown"):
            resolve(ExpressionRequest(**fields), FACE, space)


@pytest.mark.parametrize("name", INVALID)
def test_invalid_request_raises_one_sentence(name):
    fields, sentence = INVALID[name]
    with pytest.raises(InvalidExpression) as raised:
        fields = fields | {"axes": {k: float(v) for k, v in fields.get("axes", {}).items()}}
        resolve(ExpressionRequest(**fields), FACE, ACTION_UNITS)
    assert sentence in str(raised.value)


# ---- The same request everywhere ----


@pytest.fixture(scope="module")
def animators(animator, tmp_path_factory):
    """Animators by the name of their generator's space; all but the shipped one have fresh
    weights."""
    folder, animators = tmp_path_factory.mktemp("checkpoints"), {animator.space.name: animator}
    for space in (ACTION_UNITS, PAD, VALENCE_AROUSAL):
        if space == animator.space:
            continue
        config = GeneratorConfig(
            architecture="convgru_unet",
            condition_dim=len(space.axes),
            image_size=32,
            width=4,
            depth=1,
        )
        save_generator(folder / space.name, build_generator(config), space, {})
        animators[space.name] = animator.with_checkpoint(folder / space.name)
    return animators


@pytest.fixture(params=["action_units", "pad", "valence_arousal"])
def any_animator(request, animators, monkeypatch):
    """The animator that the command line loads, in each space."""
    monkeypatch.setattr(Animator, "load", lambda *_, **__: animators[request.param])
    monkeypatch.setattr("moodganimation.cli.batch._animator", lambda *_: animators[request.param])
    return animators[request.param]


@pytest.fixture
def edit_video_targets(monkeypatch):
    """The target functions that the command line, the API and the page edit films by."""
    targets = []

    def edit_video(animator, film, out, target, **options):
        targets.append(target)
        return EditedVideo(out, 1, 1, [])

    for module in ("video.editing", "demo.api", "demo.handlers.film"):
        monkeypatch.setattr(f"moodganimation.{module}.edit_video", edit_video)
    return targets


@pytest.fixture
def page(animator):
    return Visit(animator)


def command(name: str, source, request: ExpressionRequest, *others) -> int:
    options = [part for key, x in request.axes.items() for part in ("--set", f"{key}={x}")]
    options += ["--preset", request.preset] if request.preset else []
    options += ["--intensity", request.intensity]
    return main([str(argument) for argument in (name, source, *options, *others)])


@in_spaces(REQUESTS, of_moods=("mood", "valence", "compound", "mixture"))
def test_edit_and_v1_edit_resolve_the_same_request_alike(name, any_animator, portrait, tmp_path):
    request, out = REQUESTS[name], tmp_path / "edited.png"
    target = resolve(request, portrait.reading, any_animator.space)
    assert command("edit", PHOTO, request, "--out", out) == 0
    assert read_recipe(out).expression == target
    api = API(any_animator)
    path, units = api.edit(str(PHOTO), dict(request.axes), request.preset, request.intensity)
    assert read_recipe(path).expression == target
    expected = convert_expression(target, ACTION_UNITS, portrait.reading)
    assert [units[key] for key in ACTION_UNITS.keys] == [round(x, 3) for x in expected.values]


@in_spaces(["valence", "preset-valence"], of_moods=["preset-valence"])
def test_animate_and_batch_resolve_the_same_request_alike(name, any_animator, portrait, tmp_path):
    request, out = REQUESTS[name], tmp_path / "animation.gif"
    target = resolve(request, portrait.reading, any_animator.space)
    assert command("animate", PHOTO, request, "--frames", 2, "--size", 64, "--out", out) == 0
    assert read_recipe(out).timeline.keyframes[-1].expression == target
    (tmp_path / "photos").mkdir()
    shutil.copy(PHOTO, tmp_path / "photos" / "one.png")
    assert command("batch", tmp_path / "photos", request, "--out", tmp_path / "edited") == 0
    assert read_recipe(tmp_path / "edited" / "one.png").expression == target


def test_v1_animate_resolves_the_same_request_alike(any_animator, portrait):
    request = ExpressionRequest("sadly_angry", axes={"AU45": 0.2, "valence": -0.4})
    api = API(any_animator)
    path = api.animate(str(PHOTO), dict(request.axes), request.preset, format="gif", size=64)
    target = resolve(request, portrait.reading, any_animator.space)
    assert target in [key.expression for key in read_recipe(path).timeline.keyframes]


@in_spaces(REQUESTS, of_moods=("mood", "valence", "compound", "mixture"))
def test_film_command_resolves_the_same_request_alike(
    name, any_animator, edit_video_targets, tmp_path
):
    asks = REQUESTS[name] != ExpressionRequest()  # a film that would stay as it is, is an error
    status = command("film", VIDEO, REQUESTS[name], "--out", tmp_path / "film.mp4")
    assert status == (0 if asks else 2)
    if not asks:
        return
    (target,) = edit_video_targets
    assert target(0.0, FACE) == resolve(REQUESTS[name], FACE, any_animator.space)


@by_name
def test_page_and_film_tab_resolve_the_same_request_alike(name, page, edit_video_targets):
    request, reading = REQUESTS[name], page.face.reading
    target = resolve(request, reading, reading.space).vector()
    on_page(page, request)
    np.testing.assert_allclose(page.face.state.expression.vector(), target, atol=0.011)
    if page.face.state.expression != reading:
        page.ask(page.filming.edit, film=sent(VIDEO), faces=1)
        filmed = edit_video_targets[0](0.0, reading).vector()
        np.testing.assert_allclose(filmed, target, atol=0.011)


def on_page(page: Visit, request: ExpressionRequest) -> None:
    """Put the sliders where the request says, by the controls that the page has for it."""
    axes = {key.lower(): value for key, value in request.axes.items()}
    if request.preset:
        page.preset(request.preset, intensity=request.intensity)
    if "valence" in axes:  # has no slider
        target = resolve(request, page.face.reading, page.face.reading.space)
        page.settle(**rounded_to_slider_steps(target).asdict())
        return
    moods = {key: value for key, value in axes.items() if key in PAD}
    if moods:
        mood = mood_of(units_of(page.face.state.expression)).replace(**moods)
        page.settle(mood=list(mood.values))
    page.settle(**{key: value for key, value in axes.items() if key not in PAD})


def test_expression_of_another_photo_is_the_same_request_on_the_page(page, any_animator, tmp_path):
    other, out = ASSETS / "portrait-calm.png", tmp_path / "like.png"
    page.borrow(other, [*regions_of(ACTION_UNITS)])
    assert command("edit", PHOTO, ExpressionRequest(), "--like", other, "--out", out) == 0
    like = convert_expression(page.face.state.expression, any_animator.space, FACE)
    np.testing.assert_allclose(read_recipe(out).expression.vector(), like.vector(), atol=0.011)


@in_spaces(INVALID, of_moods=["unit", "synonyms"])
def test_invalid_request_is_reported_alike(name, animators, any_animator, tmp_path, capsys):
    fields, sentence = INVALID[name]
    request = SimpleNamespace(**{"preset": None, "intensity": 1.0, "axes": {}} | fields)
    if any_animator is not animators["action_units"]:
        sentence = sentence.removesuffix(" of action_units, pad, valence_arousal")
    assert command("edit", PHOTO, request, "--out", tmp_path / "edited.png") == 2
    reported = capsys.readouterr().err.strip().splitlines()[-1].removeprefix("moodganimation: ")
    assert sentence in reported and not list(tmp_path.iterdir())
    with pytest.raises(gr.Error) as raised:
        API(any_animator).edit(str(PHOTO), request.axes, request.preset, request.intensity)
    assert raised.value.message == reported


def test_page_reports_invalid_presets_and_intensities_alike(page):
    for name in ("intensity", "preset"):
        fields, sentence = INVALID[name]
        intensity = fields.get("intensity", 1.0)
        assert sentence in page.refused("apply_preset", name=fields["preset"], intensity=intensity)


def test_batch_reports_an_invalid_request_once(animator, tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    shutil.copy(PHOTO, tmp_path / "photos" / "one.png")
    request = SimpleNamespace(preset="hungry", intensity=1.0, axes={})
    assert command("batch", tmp_path / "photos", request, "--out", tmp_path / "edited") == 2
    assert INVALID["preset"][1] in capsys.readouterr().err
    assert not (tmp_path / "edited").exists()


# ---- What is added to films ----


@pytest.mark.parametrize(
    "axes, target",
    [
        ({"AU1": 0.5, "au12": -0.3}, FACE.replace(AU01=0.5, AU12=0.0)),
        ({"valence": 0.2}, (0.2, 0.0)),
        ({"valence": 0.2, "arousal": -0.1}, (0.2, -0.1)),
        ({"arousal": 0.2}, (0.0, 0.2, 0.0)),
        ({"valence": 0.2, "dominance": 0.1}, (0.2, 0.0, 0.1)),
    ],
)
def test_axes_are_added_to_the_reading(axes, target):
    if isinstance(target, tuple):  # of a mood
        mood = mood_of(FACE, VALENCE_AROUSAL if len(target) == 2 else PAD)
        target = with_mood(FACE, Expression(mood.space, tuple(mood.vector() + target)))
    added = add_offset(FACE, split_offset(axes))
    np.testing.assert_allclose(added.vector(), target.vector(), atol=1e-12)


def test_units_are_added_before_the_mood():
    both = add_offset(FACE, split_offset({"pleasure": 0.2, "AU12": 0.3}))
    smile = add_offset(FACE, split_offset({"AU12": 0.3}))
    assert both == add_offset(smile, split_offset({"pleasure": 0.2}))


def test_difference_added_to_the_reading_is_the_target():
    target = PRESETS["happy"]
    added = add_offset(FACE, split_offset(offset_between(target, FACE)))
    np.testing.assert_allclose(added.vector(), target.vector(), atol=1e-12)
    assert offset_between(FACE, FACE) == {}


@pytest.mark.parametrize("axes", [{"AU1": 0.5, "valence": 0.2}, {"arousal": 0.3, "AU26": -0.1}])
def test_film_command_and_v1_film_add_the_same(axes, animators, edit_video_targets, monkeypatch):
    animator = animators["action_units"]
    monkeypatch.setattr(Animator, "load", lambda *_, **__: animator)
    options = [part for key, x in axes.items() for part in ("--add", f"{key}={x}")]
    assert command("film", VIDEO, ExpressionRequest(), *options, "--out", "film.mp4") == 0
    API(animator).film(str(VIDEO), axes)
    by_command, by_api = edit_video_targets
    assert by_command(0.0, FACE) == by_api(0.0, FACE) == offset_by(axes)(0.0, FACE)


@pytest.mark.parametrize("name", ["unit", "mood", "twice", "synonyms"])
def test_invalid_axes_of_films_are_reported_alike(name, animators, monkeypatch, capsys):
    animator = animators["action_units"]
    monkeypatch.setattr(Animator, "load", lambda *_, **__: animator)
    fields, sentence = INVALID[name]
    options = [part for key, x in fields["axes"].items() for part in ("--add", f"{key}={x}")]
    assert command("film", VIDEO, ExpressionRequest(), *options, "--out", "film.mp4") == 2
    assert sentence in capsys.readouterr().err
    with pytest.raises(gr.Error) as raised:
        API(animator).film(str(VIDEO), fields["axes"])
    assert sentence in raised.value.message
