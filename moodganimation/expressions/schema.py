"""Plain values, as JSON has them: read within bounds, checked one by one.

Everything here raises InvalidValue, with a sentence that names the value.
"""

import json
from collections.abc import Collection
from numbers import Integral, Real

from ..errors import InvalidValue
from .spaces import ACTION_UNITS, Expression, space_named

MOST_BYTES = 60_000  # of a JSON text: what the EXIF block of a JPEG has room for
MOST_DEPTH, MOST_ITEMS, MOST_LETTERS = 6, 256, 1000  # of values that nobody has named
MOST_NUMBER = 2**53  # what every reader of JSON keeps exactly


def loads(text: bytes | str, name: str) -> object:
    """The values of a JSON text of at most MOST_BYTES: no NaN, no infinity, no key twice.

    `name` is what people call the text, at the beginning of a sentence.
    """
    if len(text) > MOST_BYTES:
        raise InvalidValue(f"{name} is larger than {MOST_BYTES:,} bytes; make it shorter.")
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_each_once)
    except RecursionError:
        raise InvalidValue(f"{name} is nested too deeply.") from None
    except ValueError as problem:
        reason = str(problem).partition(":")[0]
        raise InvalidValue(f"{name} is not JSON, or it is damaged ({reason}).") from None


def dumps(values: object, name: str) -> str:
    """One line of ASCII that `loads` makes the same values of, floats to the last bit."""
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))
    if len(text) > MOST_BYTES:
        raise InvalidValue(
            f"{name} takes {len(text):,} bytes, more than {MOST_BYTES:,}: use fewer keyframes "
            "or options."
        )
    return text


def fields(values: object, name: str, required: Collection[str], optional: Collection[str] = ()):
    """`values` if they are an object with all of `required` and nothing beyond `optional`."""
    if not isinstance(values, dict):
        raise InvalidValue(f"{name} must be an object of named values, got {shown(values)}.")
    for key in values:
        if key not in required and key not in optional:
            names = ", ".join([*required, *optional])
            raise InvalidValue(f"{name} has no {shown(key)}; there are {names}.")
    missing = [key for key in required if key not in values]
    if missing:
        raise InvalidValue(f"{name} lacks {', '.join(missing)}.")
    return values


def items(values: object, name: str, least: int, most: int) -> list:
    if not (isinstance(values, list | tuple) and least <= len(values) <= most):
        count = f"{least}" if least == most else f"{least} to {most}"
        raise InvalidValue(f"{name} must be a list of {count}, got {shown(values)}.")
    return list(values)


def number(value: object, name: str, low: float, high: float) -> float:
    if not (_is(value, Real) and low <= value <= high):
        raise InvalidValue(f"{name} must be a number from {low:g} to {high:g}, got {shown(value)}.")
    return float(value)


def whole(value: object, name: str, low: int, high: int) -> int:
    if not (_is(value, Integral) and low <= value <= high):
        raise InvalidValue(
            f"{name} must be a whole number from {low} to {high}, got {shown(value)}."
        )
    return int(value)


def word(value: object, name: str, choices: Collection[str] = ()) -> str:
    """One of `choices`, or any text of one to MOST_LETTERS letters if there are none."""
    if choices and not (isinstance(value, str) and value in choices):
        raise InvalidValue(f"{name} must be one of {', '.join(choices)}, got {shown(value)}.")
    if not (isinstance(value, str) and 1 <= len(value) <= MOST_LETTERS and _is_unicode(value)):
        raise InvalidValue(
            f"{name} must be a text of 1 to {MOST_LETTERS} letters, got {shown(value)}."
        )
    return value


def truth(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"{name} must be true or false, got {shown(value)}.")
    return value


def anything(value: object, name: str, depth: int = MOST_DEPTH) -> object:
    """A copy of values whose names are not ours to know: lists and objects nested up to `depth`
    times, of up to MOST_ITEMS each, and in them texts, numbers, true, false and null."""
    if isinstance(value, dict | list | tuple):
        if depth == 0 or len(value) > MOST_ITEMS:
            raise InvalidValue(
                f"{name}: at most {MOST_ITEMS} values in one another {MOST_DEPTH} times."
            )
        if isinstance(value, dict):
            return {word(k, f"A key of {name}"): anything(v, name, depth - 1)
                    for k, v in value.items()}  # fmt: skip
        return [anything(v, name, depth - 1) for v in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value and word(value, f"A value of {name}")
    if _is(value, Integral):
        return whole(value, f"A value of {name}", -MOST_NUMBER, MOST_NUMBER)
    return number(value, f"A value of {name}", -1e300, 1e300)


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
