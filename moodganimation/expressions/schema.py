"""Plain values, as JSON has them: read within bounds, checked one by one.

Everything here raises InvalidValue, with a sentence that names the value.
"""

import json
from collections.abc import Collection
from numbers import Integral, Real

from ..errors import InvalidValue, Message, listing
from .spaces import ACTION_UNITS, Expression, space_named

MOST_BYTES = 60_000  # of a JSON text: what the EXIF block of a JPEG has room for
MOST_DEPTH, MOST_ITEMS, MOST_LETTERS = 6, 256, 1000  # of values that nobody has named
MOST_NUMBER = 2**53  # what every reader of JSON keeps exactly


def loads(text: bytes | str, name: str) -> object:
    """The values of a JSON text of at most MOST_BYTES: no NaN, no infinity, no key twice.

    `name` is what people call the text, at the beginning of a sentence.
    """
    if len(text) > MOST_BYTES:
        raise InvalidValue(
            "{} is larger than {} bytes; make it shorter.", Message(name), f"{MOST_BYTES:,}"
        )
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_each_once)
    except RecursionError:
        raise InvalidValue("{} is nested too deeply.", Message(name)) from None
    except ValueError as problem:
        reason = str(problem).partition(":")[0]
        raise InvalidValue(
            "{} is not JSON, or it is damaged ({}).", Message(name), reason
        ) from None


def dumps(values: object, name: str) -> str:
    """One line of ASCII that `loads` makes the same values of, floats to the last bit."""
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))
    if len(text) > MOST_BYTES:
        raise InvalidValue(
            "{} takes {} bytes, more than {}: use fewer keyframes or options.",
            Message(name),
            f"{len(text):,}",
            f"{MOST_BYTES:,}",
        )
    return text


def fields(values: object, name: str, required: Collection[str], optional: Collection[str] = ()):
    """`values` if they are an object with all of `required` and nothing beyond `optional`."""
    if not isinstance(values, dict):
        raise InvalidValue(
            "{} must be an object of named values, got {}.", Message(name), shown(values)
        )
    for key in values:
        if key not in required and key not in optional:
            names = ", ".join([*required, *optional])
            raise InvalidValue("{} has no {}; there are {}.", Message(name), shown(key), names)
    missing = [key for key in required if key not in values]
    if missing:
        raise InvalidValue("{} lacks {}.", Message(name), ", ".join(missing))
    return values


def items(values: object, name: str, least: int, most: int) -> list:
    if not (isinstance(values, list | tuple) and least <= len(values) <= most):
        count = f"{least}" if least == most else f"{least} to {most}"
        raise InvalidValue("{} must be a list of {}, got {}.", Message(name), count, shown(values))
    return list(values)


def number(value: object, name: str, low: float, high: float) -> float:
    if not (_is(value, Real) and low <= value <= high):
        raise InvalidValue(
            "{} must be a number from {} to {}, got {}.",
            Message(name),
            f"{low:g}",
            f"{high:g}",
            shown(value),
        )
    return float(value)


def whole(value: object, name: str, low: int, high: int) -> int:
    if not (_is(value, Integral) and low <= value <= high):
        raise InvalidValue(
            "{} must be a whole number from {} to {}, got {}.",
            Message(name),
            low,
            high,
            shown(value),
        )
    return int(value)


def word(value: object, name: str, choices: Collection[str] = ()) -> str:
    """One of `choices`, or any text of one to MOST_LETTERS letters if there are none."""
    if choices and not (isinstance(value, str) and value in choices):
        raise InvalidValue(
            "{} must be one of {}, got {}.", Message(name), listing(choices), shown(value)
        )
    if not (isinstance(value, str) and 1 <= len(value) <= MOST_LETTERS and _is_unicode(value)):
        raise InvalidValue(
            "{} must be a text of 1 to {} letters, got {}.",
            Message(name),
            MOST_LETTERS,
            shown(value),
        )
    return value


def truth(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue("{} must be true or false, got {}.", Message(name), shown(value))
    return value


def anything(value: object, name: str, depth: int = MOST_DEPTH) -> object:
    """A copy of values whose names are not ours to know: lists and objects nested up to `depth`
    times, of up to MOST_ITEMS each, and in them texts, numbers, true, false and null."""
    if isinstance(value, dict | list | tuple):
        if depth == 0 or len(value) > MOST_ITEMS:
            raise InvalidValue(
                "{}: at most {} values in one another {} times.",
                Message(name),
                MOST_ITEMS,
                MOST_DEPTH,
            )
        if isinstance(value, dict):
            return {word(k, Message("A key of {}", name)): anything(v, name, depth - 1)
                    for k, v in value.items()}  # fmt: skip
        return [anything(v, name, depth - 1) for v in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value and word(value, Message("A value of {}", name))
    if _is(value, Integral):
        return whole(value, Message("A value of {}", name), -MOST_NUMBER, MOST_NUMBER)
    return number(value, Message("A value of {}", name), -1e300, 1e300)


def of_expression(expression: Expression) -> dict[str, object]:
    """{"space": its name, "expression": axis -> value}, without the axes that are 0."""
    values = {key: value for key, value in expression.asdict().items() if value}
    return {"space": expression.space.name, "expression": values}


def to_expression(values: dict) -> Expression:
    """What `of_expression` says; without a space, Action Units."""
    space = space_named(word(values.get("space", ACTION_UNITS.name), "The space"))
    said = fields(values.get("expression"), "An expression", (), space.keys)
    for key, value in said.items():  # how large it may be, the space knows
        number(value, key, -MOST_NUMBER, MOST_NUMBER)
    return Expression(space, tuple(said.get(key, 0.0) for key in space.keys))


def shown(value: object) -> str:
    """A value in a sentence."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _is(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_number(name: str):
    raise ValueError(f"{name} is not a number")


def _each_once(pairs: list) -> dict:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key is there twice")
    return values
