"""What the page says, in English, Spanish and Chinese; the browser's language decides.

Texts are looked up by their English in assets/words.csv: a text without slots is its own id, and a
`Message` has that of its template, where {} stands for a parameter. What is built once goes through
`say` and is put into words by the browser; what is said to one visitor goes through `told`, as
errors do (`handlers.common.reported`), and what scripts of the page write through `script`. Names
of models are not translated, nor is what is drawn into pictures.
"""

import csv
import json
import re

import gradio as gr
from gradio.context import LocalContext

from ..errors import Message
from ..resources import ASSETS

with (ASSETS / "words.csv").open(encoding="utf-8", newline="") as file:
    TEXTS = {
        row["english"]: {"es": row["spanish"], "zh": row["chinese"]} for row in csv.DictReader(file)
    }


def _key(english: str) -> str:
    """What the browser looks a text up by: dots would part it."""
    return re.sub(r"\W+", "_", english)


def _all(language: str) -> dict[str, str]:
    return {_key(text): others.get(language, text) for text, others in TEXTS.items()}


LANGUAGES = gr.I18n(
    en=_all("en"), es=_all("es"), **{code: _all("zh") for code in ("zh", "zh-CN", "zh-TW")}
)


def say(english: str) -> str:
    """A mark that the browser puts into the visitor's words, alone or within Markdown. Raises
    KeyError for a text that nobody has translated."""
    if english not in TEXTS:
        raise KeyError(english)
    return str(LANGUAGES(_key(english)))


def choices(names) -> list[tuple[str, str]]:
    """Of a list to choose from: what is shown and what is meant."""
    return [(say(name), name) for name in names]


def told(message: str, *parameters: object) -> str:
    """A message in the language of the visitor who asks at the moment, or in English.

    A template and its parameters, or a `Message`: a note, or that of a `Problem`.
    """
    request = LocalContext.request.get(None)
    language = request.headers.get("accept-language", "")[:2] if request else ""
    return translated(Message(message, *parameters), language)


def translated(message: str, language: str) -> str:
    """A text or a `Message` in a language; as it is where it has no translation."""
    message = Message(message)
    template = TEXTS.get(message.message_id, {}).get(language, message.message_id)
    if not message.parameters:
        return template
    return template.format(
        *(translated(p, language) if isinstance(p, Message) else p for p in message.parameters)
    )


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
