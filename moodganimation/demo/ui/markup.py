"""HTML elements of the page, with texts that the browser translates.

Every text is an English key of assets/words.csv. It stands in a `data-text` attribute, which
assets/store.js translates. `texts_in` finds all texts of templates and scripts.
"""

import html
import re

from ..i18n import TEXTS

# The text of a `data-text`, `data-text-title` or `data-text-label` attribute, or of translate("").
MARKED_TEXT = re.compile(r'data-text(?:-\w+)?="([^"]+)"|\btranslate\("((?:[^"\\]|\\.)+)"')


def text_attribute(english: str) -> str:
    """Return a text, escaped for an attribute. Raises KeyError for one without translations."""
    if english not in TEXTS:
        raise KeyError(english)
    return html.escape(english, quote=True)


def text(english: str, tag: str = "span", attributes: str = "") -> str:
    """Return an element with a text; attributes: further ones, here and below."""
    return (
        f'<{tag} {attributes} data-text="{text_attribute(english)}">{html.escape(english)}</{tag}>'
    )


def tooltip(english: str) -> str:
    """Return attributes of an element whose name is a tooltip, which screen readers read, too."""
    name = text_attribute(english)
    return f'data-text-title="{name}" title="{name}" data-text-label="{name}" aria-label="{name}"'


def aria_label(english: str) -> str:
    """Return attributes of an element whose name only screen readers read."""
    name = text_attribute(english)
    return f'data-text-label="{name}" aria-label="{name}"'


def button(id_: str, english: str, attributes: str = "") -> str:
    """Return a button with a text."""
    return text(english, "button", f'type="button" id="{id_}" {attributes}')


def icon_button(id_: str, symbol: str, english: str, attributes: str = "") -> str:
    """Return a button with a symbol, and a text as its tooltip."""
    start = f'<button type="button" id="{id_}" class="icon" {tooltip(english)} {attributes}>'
    return f"{start}{symbol}</button>"


def select(name: str, english: str, options, chosen: str) -> str:
    """Return a labelled list to choose from; options: (value, text) each."""
    items = "".join(
        text(option, "option", f'value="{value}"' + (" selected" if value == chosen else ""))
        for value, option in options
    )
    return f'<label class="field">{text(english)}<select name="{name}">{items}</select></label>'


def range_input(name: str, english: str, value: float, bounds: tuple[float, float, float]) -> str:
    """Return a labelled range input with its value beside it; bounds: low, high and step."""
    low, high, step = bounds
    limits = f'min="{low}" max="{high}" step="{step}" value="{value}"'
    return (
        f'<label class="field">{text(english)}<span class="pair">'
        f'<input type="range" name="{name}" {limits}><output>{value}</output></span></label>'
    )


def checkbox(name: str, english: str, on: bool = False, value: str = "") -> str:
    """Return a labelled check box; value: of one of several check boxes of the same name."""
    attributes = f' value="{value}"' if value else ""
    attributes += " checked" if on else ""
    return (
        f'<label class="check"><input type="checkbox" name="{name}"{attributes}>'
        f"{text(english)}</label>"
    )


def checkboxes(name: str, english: str, options, chosen) -> str:
    """Return a group of check boxes; options: (value, text) each; chosen: values."""
    boxes = "".join(checkbox(name, option, value in chosen, value) for value, option in options)
    return _fieldset(english, boxes)


def radio_buttons(name: str, english: str, options, chosen: str) -> str:
    """Return a group of radio buttons; options: (value, text) each."""
    items = "".join(
        f'<label class="check"><input type="radio" name="{name}" value="{value}"'
        f"{' checked' if value == chosen else ''}>{text(option)}</label>"
        for value, option in options
    )
    return _fieldset(english, items)


def _fieldset(english: str, items: str) -> str:
    head = text(english, "legend")
    return f'<fieldset class="field">{head}<div class="row">{items}</div></fieldset>'


def file_input(id_: str, english: str, accept: str) -> str:
    """Return a labelled file input; its name is its id."""
    return (
        f'<label class="field file">{text(english)}'
        f'<input type="file" id="{id_}" name="{id_}" accept="{accept}"></label>'
    )


def text_input(name: str, english: str, id_: str = "") -> str:
    """Return a labelled text input."""
    attributes = f'id="{id_}" ' if id_ else ""
    field = f'<input type="text" {attributes}name="{name}">'
    return f'<label class="field">{text(english)}{field}</label>'


def texts_in(*sources: str) -> set[str]:
    """Return all marked texts of templates and scripts."""
    found = (match[1] or match[2] for source in sources for match in MARKED_TEXT.finditer(source))
    return {html.unescape(text) for text in found}
