"""JSON values: parsing them within limits, and checking their types.

The functions `*_type` make types for pydantic, which checks them in its strict mode: neither true
nor "1" is a number. JSON is parsed by the standard library, since pydantic's parser accepts
duplicate keys. Wrong values raise InvalidValue with a message that names the value. Axes and spaces
also raise InvalidExpression. A `checked_dataclass` also raises the errors of its `__post_init__`,
and TypeError for arguments that do not fit its fields.
"""

import functools
import json
import math
from collections.abc import Collection, Iterable
from numbers import Integral
from typing import Annotated, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AllowInfNan, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import core_schema

from ..errors import InvalidValue, Message, Problem, join_names, short_repr
from .spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
    space_named,
)

MAX_BYTES = 60_000  # of a JSON text, so that it fits into the EXIF block of a JPEG
MAX_DEPTH, MAX_ITEMS = 6, 256  # of lists and objects of any type, see `checked_copy`
MAX_CHARACTERS = 1000  # of a string
MAX_NUMBER = 1e300  # far below the largest float
MAX_INTEGER = 2**53  # every JSON parser keeps integers up to this exactly
STRICT = ConfigDict(strict=True, extra="forbid")


def loads(text: bytes | str, name: str, max_bytes: int = MAX_BYTES) -> object:
    """Parse a JSON text of at most `max_bytes` without NaN, infinity or duplicate keys.

    A number that is too large for a float is refused, too. name: how messages call the text, at the
    beginning of a sentence. max_bytes: of a str in UTF-8.
    """
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    if len(data) > max_bytes:
        raise InvalidValue(
            "{} is larger than {} bytes; make it shorter.", Message(name), f"{max_bytes:,}"
        )
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
            object_pairs_hook=_refuse_duplicate_keys,
        )
    except RecursionError:
        raise InvalidValue("{} is nested too deeply.", Message(name)) from None
    except ValueError as error:
        reason = str(error).partition(":")[0]
        raise InvalidValue(
            "{} is not JSON, or it is damaged ({}).", Message(name), reason
        ) from None


def dumps(values: object, name: str) -> str:
    """Return values as one line of ASCII JSON, from which `loads` restores them exactly."""
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))
    if len(text) > MAX_BYTES:
        raise InvalidValue(
            "{} takes {} bytes, more than {}: use fewer keyframes or options.",
            Message(name),
            f"{len(text):,}",
            f"{MAX_BYTES:,}",
        )
    return text


def check_keys(
    values: object, name: str, required: Collection[str], optional: Collection[str] = ()
):
    """Return `values` if they are an object with all `required` keys and no others but `optional`.

    name: how messages call the object.
    """
    if not isinstance(values, dict):
        raise InvalidValue(
            "{} must be an object of named values, got {}.", Message(name), short_repr(values)
        )
    for key in values:
        if key not in required and key not in optional:
            names = ", ".join([*required, *optional])
            raise InvalidValue(
                "{} must not contain {}; it may contain {}.", Message(name), short_repr(key), names
            )
    missing = [key for key in required if key not in values]
    if missing:
        raise InvalidValue("{} lacks {}.", Message(name), ", ".join(missing))
    return values


class _ErrorMessage(NamedTuple):
    """Metadata of `Annotated`: the template of the InvalidValue that replaces pydantic's error.

    The value is appended to the parameters.
    """

    template: str
    parameters: tuple

    def __get_pydantic_core_schema__(self, source, handler):
        def validate_or_explain(value, validate):
            try:
                return validate(value)
            except ValidationError as errors:
                parameters = *self.parameters, short_repr(value)
                raise _inner_problem(errors) or InvalidValue(self.template, *parameters) from None

        return core_schema.no_info_wrap_validator_function(validate_or_explain, handler(source))


def _inner_problem(errors: ValidationError) -> Problem | None:
    """Return the Problem that pydantic has wrapped in its error, or None.

    `_ErrorMessage` has raised it for a part of the value, or a dataclass in its `__post_init__`.
    """
    return errors.errors(include_url=False)[0].get("ctx", {}).get("error")


def number_type(name: str, low: float, high: float):
    """Return the type of a number from `low` to `high`.

    name: how messages call the value, at the beginning of a sentence; the same in all functions
    `*_type`.
    """
    limits = f"{low:g}", f"{high:g}"
    message = _ErrorMessage("{} must be a number from {} to {}, got {}.", (Message(name), *limits))
    return Annotated[
        float, Ge(low), Le(high), AllowInfNan(False), BeforeValidator(_python_number), message
    ]


def int_type(name: str, low: int, high: int):
    """Return the type of an integer from `low` to `high`."""
    message = _ErrorMessage(
        "{} must be a whole number from {} to {}, got {}.", (Message(name), low, high)
    )
    return Annotated[int, Ge(low), Le(high), BeforeValidator(_python_number), message]


def choice_type(name: str, choices: Iterable[str]):
    """Return the type of a text that is one of `choices`."""
    choices = tuple(choices)
    message = _ErrorMessage("{} must be one of {}, got {}.", (Message(name), join_names(choices)))
    return Annotated[Literal[choices], message]


def text_type(name: str):
    """Return the type of a text of 1 to MAX_CHARACTERS characters."""
    message = _ErrorMessage(
        "{} must be a text of 1 to {} characters, got {}.", (Message(name), MAX_CHARACTERS)
    )
    return Annotated[str, MinLen(1), MaxLen(MAX_CHARACTERS), message]


def bool_type(name: str):
    """Return the type of true or false."""
    return Annotated[bool, _ErrorMessage("{} must be true or false, got {}.", (Message(name),))]


def tuple_type(name: str, *types):
    """Return the type of a list with one value of each of these types, which becomes a tuple."""
    message = _ErrorMessage("{} must be a list of {} values, got {}.", (Message(name), len(types)))
    return Annotated[tuple[types], BeforeValidator(_list_to_tuple), message]


def list_type(name: str, item_type, min_length: int, max_length: int):
    """Return the type of a list of min_length to max_length items, which becomes a tuple."""
    message = _ErrorMessage(
        "{} must be a list of {} values, got {}.", (Message(name), f"{min_length} to {max_length}")
    )
    return Annotated[
        tuple[item_type, ...],
        MinLen(min_length),
        MaxLen(max_length),
        BeforeValidator(_list_to_tuple),
        message,
    ]


def check(value_type, value: object):
    """Return `value`, checked against a type that one of the functions above has made.

    Lists come back as tuples. Raises InvalidValue.
    """
    try:
        return _type_adapter(value_type).validate_python(value)
    except ValidationError as errors:
        # The types above put a Problem into each error of pydantic, so that it is never None.
        raise _inner_problem(errors) from None


@functools.lru_cache(maxsize=512)
def _type_adapter(value_type) -> TypeAdapter:
    return TypeAdapter(value_type, config=STRICT)


def checked_dataclass(cls: type) -> type:
    """Make a class a frozen dataclass that checks its fields' types on creation."""
    decorated = pydantic_dataclass(frozen=True, config=STRICT)(cls)
    init = decorated.__init__

    @functools.wraps(init)
    def __init__(self, *arguments, **fields):
        try:
            init(self, *arguments, **fields)
        except ValidationError as errors:
            raise _inner_problem(errors) or TypeError(str(errors)) from None

    decorated.__init__ = __init__
    return decorated


def _python_number(value: object) -> object:
    """Convert numpy scalars to Python's, since strict types take no others."""
    return value.item() if isinstance(value, np.generic) else value


def _list_to_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def checked_copy(value: object, name: str, depth: int = MAX_DEPTH) -> object:
    """Return a checked copy of any JSON value: list, object, string, number, true, false or null.

    Lists and objects have at most MAX_ITEMS values each and are nested at most `depth` deep.
    """
    if isinstance(value, dict | list | tuple):
        if depth == 0 or len(value) > MAX_ITEMS:
            raise InvalidValue(
                "{}: lists and objects have at most {} values and are nested at most {} deep.",
                Message(name),
                MAX_ITEMS,
                MAX_DEPTH,
            )
        if isinstance(value, dict):
            key_type = text_type(Message("A key of {}", name))
            return {check(key_type, k): checked_copy(v, name, depth - 1) for k, v in value.items()}
        return [checked_copy(v, name, depth - 1) for v in value]
    if value is None or isinstance(value, bool):
        return value
    name = Message("A value of {}", name)
    if isinstance(value, str):
        return value and check(text_type(name), value)
    if isinstance(value, Integral):
        return check(int_type(name, -MAX_INTEGER, MAX_INTEGER), value)
    return check(number_type(name, -MAX_NUMBER, MAX_NUMBER), value)


def expression_to_json(expression: Expression) -> dict[str, object]:
    """Return {"space": its name, "expression": {axis: value}}, without the axes that are 0."""
    values = {key: value for key, value in expression.asdict().items() if value}
    return {"space": expression.space.name, "expression": values}


def expression_from_json(values: dict) -> Expression:
    """Return the expression that these values describe, by default in ACTION_UNITS.

    The inverse of `expression_to_json`. AU12 in FACS sets AU12L and AU12R.
    """
    space = space_named(check(text_type("The space"), values.get("space", ACTION_UNITS.name)))
    axes = values.get("expression")
    if "space" not in values:
        _check_assumed_space(axes, space)
    axes = check_keys(axes, "An expression", (), (*space.keys, *space.lateral))
    for key, value in axes.items():  # only the type: `Expression` checks the range of the axis
        check(number_type(key, -MAX_INTEGER, MAX_INTEGER), value)
    return Expression.of(space, **axes)


def _check_assumed_space(axes: object, space: ExpressionSpace) -> None:
    """Raise InvalidValue with a hint if all axes belong to another space than `space`.

    `space` is assumed for expressions that do not name their space.
    """
    keys = list(axes) if isinstance(axes, dict) else []
    if all(key in space for key in keys if isinstance(key, str)):
        return
    for other in (PAD, VALENCE_AROUSAL, FACS, ACTION_UNITS):
        if all(isinstance(key, str) and key in (*other.keys, *other.lateral) for key in keys):
            key = next(key for key in keys if key not in space)
            raise InvalidValue(
                '{} is an axis of {} and not of {}: write "space": "{}" beside the expression.',
                short_repr(key),
                other.name,
                space.name,
                other.name,
            )


def _refuse_constant(name: str):
    raise ValueError(f"{name} is not a number")


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _bounded_int(digits: str) -> int:
    _finite_float(digits)
    return int(digits)


def _refuse_duplicate_keys(pairs: list) -> dict:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key appears twice")
    return values
