"""What the page says is said in three languages."""

import ast
import re
import time
from pathlib import Path

import pytest

from moodganimation import errors
from moodganimation.checkpoints.files import generators_in
from moodganimation.demo.i18n import LANGUAGES, TEXTS, translated
from moodganimation.demo.ui.page import build
from moodganimation.resources import CHECKPOINTS

ROOT = Path(__file__).parent.parent / "moodganimation"
# What only the command line, programs and those who train get to read.
ELSEWHERE = {"requests", "batch", "convert", "__main__", "api", "legacy", "torch_files",
             "provenance"}  # fmt: skip
PROBLEMS = {name for name in vars(errors) if isinstance(vars(errors)[name], type)}
NAMES = {"# MoodGANimation", *generators_in(CHECKPOINTS)}
MARK = re.compile(r'__i18n__\{"__type__": "translation_metadata", "key": "(.*?)"\}')


def written(node: ast.AST) -> str | None:
    """The text of a literal, {} for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return None


def sentences(path: Path):
    """Of every Problem that a module raises, and every `told` of the page."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            told = node.func.id == "told" and written(node.args[0])
            if (node.func.id in PROBLEMS or told) and written(node.args[0]):
                yield written(node.args[0])


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(ROOT.rglob("*.py")) if p.stem not in ELSEWHERE],
    ids=lambda p: p.stem,
)
def test_what_goes_wrong_is_said_in_every_language(path):
    units = {"{} {}"}  # of axes, which are texts each
    assert not {*sentences(path)} - {*TEXTS} - units


def test_every_text_has_two_translations_with_the_same_slots():
    for text, others in TEXTS.items():
        for other in others.values():
            assert other and len(re.findall(r"{\d?}", other)) == text.count("{}"), text


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
    "sentence, language, wanted",
    [
        ("There is no such pin.", "es", "No existe ese fijado."),
        ("There is no such pin.", "de", "There is no such pin."),
        ("640 x 480 pixels", "zh", "640 x 480 像素"),
        ("Choose at least one of GIF, PNG strip.", "es", "Elige al menos uno de GIF, Tira PNG."),
        ("Regions are any of brows, eyes, or all; got none.", "zh",
         "区域可为 眉, 眼 或全部;收到 none。"),
        ("The moment of a keyframe must be a number from 0 to 600, got None.", "es",
         "El momento de un fotograma clave: debe ser un número de 0 a 600, y se recibió None."),
        ("The keyframe at 1 s comes before the one at 0.5 s has been shown, which is until 2 s: "
         "move one of them or hold the first for a shorter time.", "zh",
         "1 秒处的关键帧早于 0.5 秒处关键帧的结束(2 秒):请移动其中一个,或缩短前一个的停留。"),
    ],
)  # fmt: skip
def test_sentences_are_translated_with_what_they_say(sentence, language, wanted):
    assert translated(sentence, language) == wanted


@pytest.mark.parametrize("times", [2, 280, 2000])
def test_no_sentence_takes_long_to_translate(times):
    kind = " is " * times + " x " * times
    sentence = f"There is no sheet called {kind!r}."
    began = time.perf_counter()
    seen = translated(sentence, "es")
    assert time.perf_counter() - began < 0.1
    assert kind in seen and (seen == sentence) == (times == 2000)
