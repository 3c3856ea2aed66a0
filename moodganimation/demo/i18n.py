"""Texts of the page in English, Spanish and Chinese; the browser's language decides.

assets/words.csv has the translations. A text is looked up by its English, a `Message` by its
template, in which {} stands for a parameter. Texts in the page's HTML are marked (`ui.markup`), and
the browser translates them. Messages of the server, such as errors, go through `localize`;
the refusals of `server/` are in English.
Names of models and texts in pictures are not translated.
"""

import csv
import os
import re
import tempfile

from gradio.context import LocalContext
from gradio.utils import get_upload_folder

from ..errors import Message
from ..expressions.spaces import FACS
from ..resources import ASSETS
from .labels import UNIT_LABELS

ABSOLUTE_FOLDER = re.compile(r"(?<![\w/:.<])/(?:[\w.@+-]+/)+")
LANGUAGES = ("es", "zh")  # beside English

with (ASSETS / "words.csv").open(encoding="utf-8", newline="") as file:
    TEXTS = {  # {English: {language: translation}}
        row["english"]: {"es": row["spanish"], "zh": row["chinese"]} for row in csv.DictReader(file)
    }


def localize(message: str, *parameters: object) -> str:
    """Translate a message for the visitor who sent the current request.

    message: an English template with {} slots for `parameters`, or a `Message`. Folders of the
    server are removed from paths in it.
    """
    request = LocalContext.request.get(None)
    language = request.headers.get("accept-language", "")[:2] if request else ""
    return without_folders(translate(Message(message, *parameters), language))


def localized_axis_name(key: str) -> str:
    """Return the name of an axis of FACS for the visitor who sent the current request."""
    unit = key.rstrip("LR")
    if unit in UNIT_LABELS:
        name = localize(UNIT_LABELS[unit])
        side = {"L": "their left", "R": "their right"}.get(key[len(unit) :])
        return f"{name}, {localize(side)}" if side else name
    label = next(axis.label for axis in FACS.axes if axis.key == key)
    key_and_label = f"{key} {label}"  # a key of TEXTS
    return localize(key_and_label).partition(" ")[2]


def without_folders(text: str) -> str:
    """Return a text with absolute paths shortened to file names."""
    for folder in (tempfile.gettempdir(), get_upload_folder()):  # these may contain spaces
        text = re.sub(rf"{re.escape(os.path.realpath(folder))}/(?:[\w.-]+/)*", "", text)
    return ABSOLUTE_FOLDER.sub("", text)


def translate(message: str, language: str) -> str:
    """Translate a text or a `Message`; without a translation it stays English."""
    message = Message(message)
    template = TEXTS.get(message.message_id, {}).get(language, message.message_id)
    if not message.parameters:
        return template
    return template.format(
        *(translate(p, language) if isinstance(p, Message) else p for p in message.parameters)
    )
