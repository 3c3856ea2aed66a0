"""What the page says is said in three languages."""

import ast
import multiprocessing
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from moodganimation import errors
from moodganimation.animation.timeline import Keyframe, Timeline
from moodganimation.checkpoints.files import generators_in
from moodganimation.demo.i18n import LANGUAGES, TEXTS, translated
from moodganimation.demo.ui.page import build
from moodganimation.errors import Message, listing
from moodganimation.expressions.spaces import ACTION_UNITS, FACS
from moodganimation.media.video_reader import open_film
from moodganimation.resources import CHECKPOINTS
from moodganimation.video.reenactment import taking_part

ROOT = Path(__file__).parent.parent / "moodganimation"
# What only the command line, programs and those who train get to read.
ELSEWHERE = {
    "requests",
    "batch",
    "convert",
    "__main__",
    "api",
    "legacy",
    "torch_files",
    "provenance",
}
PROBLEMS = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.Problem)
}
NAMES = {"# MoodGANimation", *generators_in(CHECKPOINTS)}
MARK = re.compile(r'__i18n__\{"__type__": "translation_metadata", "key": "(.*?)"\}')


def calls(path: Path):
    """The calls in a module that make a message for people: of a Problem, a Message or `told`."""
    for node in ast.walk(ast.parse(path.read_text())):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
        if named and node.func.id in {*PROBLEMS, "Message", "told", "_Sentence"}:
            yield node


def templates(path: Path):
    """What these calls say as literals, and how many parameters follow, None if unknown."""
    for call in calls(path):
        parameters = call.args[1:]
        if call.func.id == "_Sentence":  # of `schema`; the value comes last
            parameters = [*parameters[0].elts, ast.Name("value")]
        known = not any(isinstance(argument, ast.Starred) for argument in parameters)
        texts = [call.args[0]]
        if isinstance(texts[0], ast.IfExp):
            texts = [texts[0].body, texts[0].orelse]
        for text in texts:
            if isinstance(text, ast.Constant):
                yield text.value, len(parameters) if known else None


def modules(folder: Path, without=()) -> dict:
    paths = [path for path in sorted(folder.rglob("*.py")) if path.stem not in without]
    return {"argvalues": paths, "ids": [path.stem for path in paths]}


@pytest.mark.parametrize("path", **modules(ROOT, ELSEWHERE))
def test_messages_have_translations(path):
    assert not {text for text, _ in templates(path)} - {*TEXTS}


@pytest.mark.parametrize("path", **modules(ROOT))
def test_messages_are_templates_with_a_parameter_for_every_slot(path):
    for call in calls(path):  # an f-string has no translation
        assert not any(isinstance(node, ast.JoinedStr) for node in ast.walk(call.args[0]))
    for text, parameters in templates(path):
        if parameters:
            assert re.findall(r"{.*?}", text) == ["{}"] * parameters, text
        elif parameters == 0:
            assert "{}" not in text


def test_problems_keep_their_message_across_processes():
    why = Message("{} must be a number from {} to {}, got {}.", Message("The mood"), 0, 1, "{x}")
    problems = (
        errors.NoFaceFound("There is no file {}.", Path("a.png")),
        errors.InvalidValue('Say {"AU12": 0.5}.'),
        errors.NotARecipe(why),
    )
    for problem in problems:
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            copy = pickle.loads(pickle.dumps(problem, protocol))
            assert type(copy) is type(problem) and str(copy) == str(problem)
            assert copy.message_id == problem.message_id and "{" in copy.message_id
            assert copy.parameters == problem.parameters
            assert translated(copy.message, "zh") == translated(problem.message, "zh")
    missing = pytest.raises(errors.UnreadableFile, match=r"^There is no video none\.mp4\.$")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, missing as raised:
        pool.submit(open_film, "none.mp4").result()
    assert raised.value.message_id == "There is no video {}."
    assert raised.value.parameters == ("none.mp4",)


def test_every_text_has_two_translations_with_the_same_slots():
    for text, others in TEXTS.items():
        for other in others.values():
            assert other and len(re.findall(r"{\d?}", other)) == text.count("{}"), text


def test_axes_and_regions_have_a_name_in_every_language():
    for axis in (*ACTION_UNITS.axes, *FACS.axes):
        assert f"{axis.key} {axis.label}" in TEXTS
        assert {axis.region, axis.region.capitalize()} <= {*TEXTS}


def test_everything_built_is_marked_for_translation(animator):
    seen = []
    for part in build(animator).get_config_file()["components"]:
        props = part["props"]
        if props.get("visible") is False or part["type"] in ("html", "dataset", "state"):
            continue
        texts = [props.get(key) for key in ("label", "info", "placeholder", "title")]
        if part["type"] in ("button", "markdown"):
            texts.append(props.get("value"))
        texts += [choice[0] for choice in props.get("choices") or []]
        seen += [(part["type"], text) for text in texts if isinstance(text, str) and text]
    plain = {(kind, text) for kind, text in seen if not MARK.search(text) and text not in NAMES}
    assert len(seen) > 150 and not plain
    for _, text in seen:
        for key in MARK.findall(text):
            assert all(key in LANGUAGES.translations_dict[code] for code in ("es", "zh", "zh-CN"))


@pytest.mark.parametrize(
    "message, language, wanted",
    [
        (Message("There is no such pin."), "es", "No existe ese fijado."),
        ("There is no such pin.", "es", "No existe ese fijado."),
        ("There is no such pin.", "de", "There is no such pin."),
        ("A {} that nobody has translated.", "es", "A {} that nobody has translated."),
        (Message("{} x {} pixels", 640, 480), "zh", "640 x 480 像素"),
        (Message("{} x {} pixels", 640, 480), "de", "640 x 480 pixels"),
        (
            Message("Choose at least one of {}.", listing(["GIF", "PNG strip"])),
            "es",
            "Elige al menos uno de GIF, Tira PNG.",
        ),
        (Message("There is no region called {}.", "eyes"), "zh", "没有名为 eyes 的区域。"),
    ],
)
def test_messages_are_translated_with_their_parameters(message, language, wanted):
    assert translated(message, language) == wanted


@pytest.mark.parametrize(
    "attempt, language, wanted",
    [
        (lambda: taking_part([]), "zh", "区域可为 眉, 眼, 鼻, 嘴 或全部;收到 none。"),
        (
            lambda: Keyframe(None, None),
            "es",
            "El momento de un fotograma clave: debe ser un número de 0 a 600, y se recibió None.",
        ),
        (
            lambda: Timeline((Keyframe(None, 0.5, 1.5), Keyframe(None, 1))),
            "zh",
            "1 秒处的关键帧早于 0.5 秒处关键帧的结束(2 秒):请移动其中一个,或缩短前一个的停留。",
        ),
    ],
)
def test_problems_are_translated_with_their_parameters(attempt, language, wanted):
    with pytest.raises(errors.Problem) as raised:
        attempt()
    assert translated(raised.value.message, language) == wanted
