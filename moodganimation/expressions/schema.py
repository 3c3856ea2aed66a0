"""Values as JSON has them: read within bounds, and the types of what they may be.

Types are checked by pydantic, in its strict mode: true is no number, and neither is "1". Texts are
parsed by the standard library, since pydantic's parser takes keys that are there twice. Everything
raises InvalidValue, with a sentence that names the value.
"""

import functools
import json
from collections.abc import Collection, Iterable
from numbers import Integral
from typing import Annotated, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AllowInfNan, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import core_schema

from ..errors import InvalidValue, Message, Problem, listing, shown
from .spaces import ACTION_UNITS, Expression, space_named

MOST_BYTES = 60_000  # of a JSON text: what the EXIF block of a JPEG has room for
MOST_DEPTH, MOST_ITEMS, MOST_LETTERS = 6, 256, 1000  # of values that nobody has named
MOST_NUMBER = 2**53  # what every reader of JSON keeps exactly
STRICT = ConfigDict(strict=True, extra="forbid")


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


class _Sentence(NamedTuple):
    """What a value must be: raises InvalidValue where it is not. Metadata of `Annotated`."""

    template: str
    parameters: tuple

    def __get_pydantic_core_schema__(self, source, handler):
        def check(value, validate):
            try:
                return validate(value)
            except ValidationError as errors:
                parameters = *self.parameters, shown(value)
                raise _cause(errors) or InvalidValue(self.template, *parameters) from None

        return core_schema.no_info_wrap_validator_function(check, handler(source))


def _cause(errors: ValidationError) -> Problem | None:
    """What a part of a value, or the dataclass that holds it, has raised."""
    return errors.errors(include_url=False)[0].get("ctx", {}).get("error")


def number(name: str, low: float, high: float):
    """The type of a number; `name` is what people call it, at the beginning of a sentence."""
    ends = f"{low:g}", f"{high:g}"
    sentence = _Sentence("{} must be a number from {} to {}, got {}.", (Message(name), *ends))
    return Annotated[float, Ge(low), Le(high), AllowInfNan(False), BeforeValidator(_item), sentence]


def whole(name: str, low: int, high: int):
    """The type of a whole number."""
    sentence = _Sentence(
        "{} must be a whole number from {} to {}, got {}.", (Message(name), low, high)
    )
    return Annotated[int, Ge(low), Le(high), BeforeValidator(_item), sentence]


def choice(name: str, choices: Iterable[str]):
    """The type of one of these texts."""
    choices = tuple(choices)
    sentence = _Sentence("{} must be one of {}, got {}.", (Message(name), listing(choices)))
    return Annotated[Literal[choices], sentence]


def string(name: str):
    """The type of a text of one to MOST_LETTERS letters."""
    sentence = _Sentence(
        "{} must be a text of 1 to {} letters, got {}.", (Message(name), MOST_LETTERS)
    )
    return Annotated[str, MinLen(1), MaxLen(MOST_LETTERS), sentence]


def truth(name: str):
    """The type of true or false."""
    return Annotated[bool, _Sentence("{} must be true or false, got {}.", (Message(name),))]


def group(name: str, *kinds):
    """The type of a list with one value of each type; it becomes a tuple."""
    sentence = _Sentence("{} must be a list of {}, got {}.", (Message(name), len(kinds)))
    return Annotated[tuple[kinds], BeforeValidator(_tuple), sentence]


def several(name: str, kind, least: int, most: int):
    """The type of a list of `least` to `most` values of a type; it becomes a tuple."""
    sentence = _Sentence("{} must be a list of {}, got {}.", (Message(name), f"{least} to {most}"))
    kinds = tuple[kind, ...]
    return Annotated[kinds, MinLen(least), MaxLen(most), BeforeValidator(_tuple), sentence]


def check(kind, value: object):
    """`value` if it is of a type that one of the functions above made."""
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as errors:
        raise _cause(errors) from None


@functools.lru_cache(maxsize=512)
def _adapter(kind) -> TypeAdapter:
    return TypeAdapter(kind, config=STRICT)


def checked(cls: type) -> type:
    """A frozen dataclass whose fields are checked when it is made."""
    made = pydantic_dataclass(frozen=True, config=STRICT)(cls)
    init = made.__init__

    @functools.wraps(init)
    def __init__(self, *arguments, **fields):
        try:
            init(self, *arguments, **fields)
        except ValidationError as errors:
            raise _cause(errors) or TypeError(str(errors)) from None

    made.__init__ = __init__
    return made


def _item(value: object) -> object:
    """Numbers of numpy as those of Python, which is what strict types take."""
    return value.item() if isinstance(value, np.generic) else value


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


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
            key = string(Message("A key of {}", name))
            return {check(key, k): anything(v, name, depth - 1) for k, v in value.items()}
        return [anything(v, name, depth - 1) for v in value]
    if value is None or isinstance(value, bool):
        return value
    name = Message("A value of {}", name)
    if isinstance(value, str):
        return value and check(string(name), value)
    if isinstance(value, Integral):
        return check(whole(name, -MOST_NUMBER, MOST_NUMBER), value)
    return check(number(name, -1e300, 1e300), value)


def of_expression(expression: Expression) -> dict[str, object]:
    """{"space": its name, "expression": axis -> value}, without the axes that are 0."""
    values = {key: value for key, value in expression.asdict().items() if value}
    return {"space": expression.space.name, "expression": values}


def to_expression(values: dict) -> Expression:
    """What `of_expression` says; without a space, Action Units. A unit stands for both of its sides
    where the space has them."""
    space = space_named(check(string("The space"), values.get("space", ACTION_UNITS.name)))
    said = fields(values.get("expression"), "An expression", (), (*space.keys, *space.lateral))
    for key, value in said.items():  # how large it may be, the space knows
        check(number(key, -MOST_NUMBER, MOST_NUMBER), value)
    return Expression.of(space, **said)


def _no_number(name: str):
    raise ValueError(f"{name} is not a number")


def _each_once(pairs: list) -> dict:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key is there twice")
    return values
