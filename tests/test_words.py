"""What the page says is said in three languages."""

import ast
import json
import multiprocessing
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest

from moodganimation import errors
from moodganimation.animation.timeline import Keyframe, Timeline
from moodganimation.checkpoints.files import generators_in
from moodganimation.demo.i18n import TEXTS, translate
from moodganimation.demo.labels import (
    BIPOLAR_SLIDERS,
    GESTURE_LABELS,
    MUSCLES,
    PRESET_LABELS,
    TIMELINE_LABELS,
    UNIT_LABELS,
)
from moodganimation.demo.ui.markup import texts_in
from moodganimation.demo.ui.page import PART_SCRIPTS, SCRIPTS, build, head, script
from moodganimation.demo.ui.page import templates as parts
from moodganimation.errors import Message, join_names
from moodganimation.expressions.spaces import ACTION_UNITS, FACS
from moodganimation.media.video_reader import open_film
from moodganimation.resources import CHECKPOINTS
from moodganimation.video.reenactment import region_mask

ROOT = Path(__file__).parent.parent / "moodganimation"
# What only the command line, programs and those who train get to read.
ELSEWHERE = {
    "option_values",
    "batch",
    "convert",
    "__main__",
    "api",
    "original",
    "torch_files",
    "file_kinds",
    "unwrap",
    "provenance",
    "proxies",
}
PROBLEMS = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.Problem)
}
NAMES = {"MoodGANimation", *generators_in(CHECKPOINTS)}
SIGNS = re.compile(r"[\W\d_]*")  # what needs no translation


def calls(path: Path):
    """The calls in a module that make a message: of a Problem, a Message or `localize`."""
    for node in ast.walk(ast.parse(path.read_text())):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
        if named and node.func.id in {*PROBLEMS, "Message", "localize", "_ErrorMessage"}:
            yield node


def templates(path: Path):
    """What these calls say as literals, and how many parameters follow, None if unknown."""
    for call in calls(path):
        parameters = call.args[1:]
        if call.func.id == "_ErrorMessage":  # of `schema`; the value comes last
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


# Functions that take the name of a value for messages, and the position of the name.
NAMING = {
    **dict.fromkeys(("number_type", "int_type", "choice_type", "text_type", "bool_type"), 0),
    **dict.fromkeys(("tuple_type", "list_type", "number_checker", "int_checker"), 0),
    **dict.fromkeys(("bool_checker", "choice_checker", "list_checker"), 0),
    **dict.fromkeys(("check_keys", "checked_copy"), 1),
}


@pytest.mark.parametrize("path", **modules(ROOT, ELSEWHERE))
def test_names_of_values_in_messages_have_translations(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        function = getattr(node.func, "attr", getattr(node.func, "id", ""))
        name = node.args[NAMING[function]] if function in NAMING else None
        assert not isinstance(name, ast.JoinedStr), ast.unparse(node)
        if isinstance(name, ast.Constant):
            assert name.value in TEXTS or name.value == "to_face", name.value  # a key of recipes


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
            assert translate(copy.message, "zh") == translate(problem.message, "zh")
    missing = pytest.raises(errors.UnreadableFile, match=r"^There is no video none\.mp4\.$")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, missing as raised:
        pool.submit(open_film, "none.mp4").result()
    assert raised.value.message_id == "There is no video {}."
    assert raised.value.parameters == ("none.mp4",)


def test_every_text_has_two_translations_with_the_same_slots():
    for text, others in TEXTS.items():
        for other in others.values():
            assert other and len(re.findall(r"{\d?}", other)) == text.count("{}"), text


def test_parts_of_recipes_have_a_name_in_every_language():
    assert {f"The {part} of a recipe" for part in ("checkpoint", "face", "output")} <= {*TEXTS}


def test_axes_and_regions_have_a_name_in_every_language():
    for axis in (*ACTION_UNITS.axes, *FACS.axes):
        assert f"{axis.key} {axis.label}" in TEXTS
        assert {axis.region, axis.region.capitalize()} <= {*TEXTS}


class Unmarked(HTMLParser):
    """The texts of a page's part that no mark puts into the visitor's words."""

    NAMED = ("title", "aria-label", "placeholder", "alt")
    EMPTY = ("img", "input", "br", "circle", "rect", "path")

    def __init__(self, markup: str):
        super().__init__()
        self.found, self.seen, self._marks = set(), 0, []
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in self.NAMED:
            text, mark = attributes.get(name), name.removeprefix("aria-")
            if text and attributes.get(f"data-text-{mark}") != text:
                self.found.add(text)
        if tag not in self.EMPTY:
            self._marks.append(attributes.get("data-text"))

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            self._marks.pop()

    def handle_data(self, text):
        self.seen += 1
        if self._marks and text.strip() != (self._marks[-1] or text.strip()):
            self.found.add(text)
        if not (self._marks and self._marks[-1]) and not SIGNS.fullmatch(text):
            self.found.add(text.strip())


def test_everything_built_is_marked_for_translation(animator):
    built = {
        part["props"].get("elem_id"): part["props"]["html_template"]
        for part in build(animator).get_config_file()["components"]
        if part["type"] == "html"
    }
    assert {*parts("", {}, [])} <= {*built}
    parsed = [Unmarked(markup) for markup in built.values()]
    assert sum(part.seen for part in parsed) > 150
    assert set().union(*(part.found for part in parsed)) <= NAMES
    assert not texts_in(*built.values()) - {*TEXTS}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_say_what_is_translated(name):
    assert not texts_in(script(name)) - {*TEXTS}


def test_the_page_has_all_its_texts_in_every_language():
    code, said = head(), {*UNIT_LABELS.values(), *PRESET_LABELS.values(), *GESTURE_LABELS.values()}
    said |= {
        *TIMELINE_LABELS.values(),
        *(line.name for lines in BIPOLAR_SLIDERS.values() for line in lines),
    }
    said |= {f"{key}: {muscle}" for key, muscle in MUSCLES.items()}
    for text in said:
        assert json.dumps(TEXTS[text]["zh"]) in code and json.dumps(TEXTS[text]["es"]) in code
    assert all(script(name) for names in PART_SCRIPTS.values() for name in names)


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
            Message("Choose at least one of {}.", join_names(["GIF", "PNG strip"])),
            "es",
            "Elige al menos uno de GIF, Tira PNG.",
        ),
        (Message("There is no region called {}.", "eyes"), "zh", "没有名为 eyes 的区域。"),
    ],
)
def test_messages_are_translated_with_their_parameters(message, language, wanted):
    assert translate(message, language) == wanted


@pytest.mark.parametrize(
    "attempt, language, wanted",
    [
        (lambda: region_mask([]), "zh", "区域可为 眉, 眼, 鼻, 嘴 或全部;收到 none。"),
        (
            lambda: Keyframe(None, None),
            "es",
            "El momento de un fotograma clave: debe ser un número de 0 a 3600, y se recibió None.",
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
    assert translate(raised.value.message, language) == wanted
