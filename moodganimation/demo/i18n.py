"""What the page says, in English, Spanish and Chinese; the browser's language decides.

Texts are looked up by their English in assets/words.csv, where {} stands for what differs from one
sentence to another. What is built once goes through `say` and is put into words by the browser;
what is said to one visitor goes through `told`, as errors do (`rendering.reported`), and what
scripts of the page write through `script`. Names of models are not translated, nor is what is
drawn into pictures.
"""

import csv
import functools
import json
import re

import gradio as gr
from gradio.context import LocalContext

from ..resources import ASSETS

LONGEST = 2000  # letters of a sentence that is translated
with (ASSETS / "words.csv").open(encoding="utf-8", newline="") as file:
    TEXTS = {row["english"]: {"es": row["spanish"], "zh": row["chinese"]}
             for row in csv.DictReader(file)}  # fmt: skip


def _key(english: str) -> str:
    """What the browser looks a text up by: dots would part it."""
    return re.sub(r"\W+", "_", english)


def _all(language: str) -> dict[str, str]:
    return {_key(text): others.get(language, text) for text, others in TEXTS.items()}


LANGUAGES = gr.I18n(en=_all("en"), es=_all("es"),
                    **{code: _all("zh") for code in ("zh", "zh-CN", "zh-TW")})  # fmt: skip


def say(english: str) -> str:
    """A mark that the browser puts into the visitor's words, alone or within Markdown. Raises
    KeyError for a text that nobody has translated."""
    if english not in TEXTS:
        raise KeyError(english)
    return str(LANGUAGES(_key(english)))


def choices(names) -> list[tuple[str, str]]:
    """Of a list to choose from: what is shown and what is meant."""
    return [(say(name), name) for name in names]


def told(sentence: str) -> str:
    """A sentence in the words of the visitor who asks at the moment, or as it is."""
    request = LocalContext.request.get(None)
    return translated(sentence, request.headers.get("accept-language", "")[:2] if request else "")


def translated(sentence: str, language: str) -> str:
    if sentence in TEXTS:
        return TEXTS[sentence].get(language, sentence)
    if len(sentence) > LONGEST:
        return sentence
    for parts, others in _patterns():
        if language in others and (slots := _slots(sentence, parts)) is not None:
            ours = (", ".join(TEXTS.get(part, {}).get(language, part) for part in said.split(", "))
                    for said in slots)  # fmt: skip
            return others[language].format(*ours)
    return sentence


@functools.cache
def _patterns() -> list[tuple[list[str], dict[str, str]]]:
    """What is around the slots of sentences; those that say most themselves come first."""
    texts = sorted((text for text in TEXTS if "{}" in text), key=len, reverse=True)
    return [(text.split("{}"), TEXTS[text]) for text in texts]


def _slots(sentence: str, parts: list[str]) -> list[str] | None:
    """What stands between the parts, each of which is taken as early as it comes; None if the
    sentence is another."""
    first, *within, last = parts
    at, end, slots = len(first), len(sentence) - len(last), []
    if at > end or not (sentence.startswith(first) and sentence.endswith(last)):
        return None
    for part in within:
        found = sentence.find(part, at, end)
        if found < 0:
            return None
        slots.append(sentence[at:found])
        at = found + len(part)
    return [*slots, sentence[at:end]]


def script(name: str, *texts: str) -> str:
    """One of assets/*.js, with `words` before it."""
    return words(*texts) + (ASSETS / name).read_text("utf-8")


def words(*texts: str) -> str:
    """JavaScript by which say(text) gives these texts in the visitor's language."""
    known = {code: {text: TEXTS[text][code] for text in texts} for code in ("es", "zh")}
    return (
        f"const words = {json.dumps(known)}[navigator.language.slice(0, 2)] ?? {{}};\n"
        "const say = (text) => words[text] ?? text;\n"
    )
