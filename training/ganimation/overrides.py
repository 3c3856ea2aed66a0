"""Settings of an experiment from the command line: `--set weights.condition=160`."""

import math
from collections import defaultdict
from dataclasses import fields, is_dataclass, replace
from typing import Literal, get_args, get_origin, get_type_hints

from moodganimation.expressions.spaces import space_named

from .experiments import Experiment, PretrainStage

MAX_WHOLE_NUMBER = 10**12  # seeds of torch, a million times that of a run, are below 2**63


def override(experiment: Experiment, settings: list[str]) -> Experiment:
    """Apply settings `a.b=c`, each checked against the type of its field, all at once: only the
    result must fit together. Of several values of a field the last one counts.

    `space` and `image_size` are set in all networks. Raises ValueError.
    """
    values = {}  # path -> value
    for text in settings:
        path, _, value = text.partition("=")
        if path == "space":
            axes = len(space_named(value).axes)
            values |= {"space": value} | _in_networks(experiment, "condition_dim", axes)
        elif path == "image_size":
            values |= _in_networks(experiment, path, _parse(int, path, value))
        else:
            values[path] = _parse_field(experiment, path.split("."), value, path)
    return _with_values(experiment, values)


def _in_networks(experiment: Experiment, name: str, value: int) -> dict[str, int]:
    """The value of a field in the generator and in every critic, by path."""
    networks = ("generator", "frame_critic", "clip_critic")
    return {f"{key}.{name}": value for key in networks if getattr(experiment, key)}


def _parse_field(config, keys: list[str], value: str, path: str):
    """Parse the value of a field of a dataclass.

    keys: names of fields that lead to it, outermost first; path: all of them, for messages.
    """
    names = [field.name for field in fields(config)]
    if keys[0] not in names:
        raise ValueError(f"--set {path}: {keys[0]!r} is unknown; known: {', '.join(names)}.")
    current = getattr(config, keys[0])
    field_type = get_type_hints(type(config))[keys[0]]
    if len(keys) > 1:
        if not is_dataclass(current):
            raise ValueError(f"--set {path}: {keys[0]} has no settings of its own.")
        return _parse_field(current, keys[1:], value, path)
    if keys[0] == "lessons":
        return _stages(value)
    if is_dataclass(current) or is_dataclass(next(iter(get_args(field_type)), None)):
        raise ValueError(f"--set {path}: set one of its settings, as {path}.NAME=VALUE.")
    return _parse(field_type, path, value)


def _with_values(config, values: dict):
    """Return a dataclass with the values of some fields, by path."""
    changes, inner = {}, defaultdict(dict)
    for path, value in values.items():
        name, _, rest = path.partition(".")
        if rest:
            inner[name][rest] = value
        else:
            changes[name] = value
    changes |= {name: _with_values(getattr(config, name), part) for name, part in inner.items()}
    return replace(config, **changes)


def _stages(value: str) -> tuple[PretrainStage, ...]:
    """Parse pretraining stages, `size:steps:batch:rate,...`; an empty text means none."""
    stages = []
    for text in filter(None, value.split(",")):
        parts = text.split(":")
        if len(parts) != 4:
            raise ValueError(f"--set lessons needs size:steps:batch:rate,..., not {text!r}.")
        size, steps, batch = (_parse(int, "lessons", part) for part in parts[:3])
        rate = _parse(float, "lessons", parts[3])
        stages.append(PretrainStage(image_size=size, steps=steps, batch=batch, rate=rate))
    return tuple(stages)


def _parse(field_type, path: str, value: str):
    """Parse a value as the type of a field: Literal, bool, int, float or str. Raises ValueError."""
    if get_origin(field_type) is Literal:
        choices = get_args(field_type)
        if value not in choices:
            raise ValueError(f"--set {path} is one of {', '.join(choices)}, not {value!r}.")
        return value
    if field_type is bool:
        if value.lower() not in ("true", "false"):
            raise ValueError(f"--set {path} is true or false, not {value!r}.")
        return value.lower() == "true"
    if field_type is str:
        return value
    try:
        number = field_type(value)
    except ValueError:
        noun = "whole number" if field_type is int else "number"
        raise ValueError(f"--set {path} needs a {noun}, not {value!r}.") from None
    if field_type is int and abs(number) > MAX_WHOLE_NUMBER:
        raise ValueError(f"--set {path} needs a whole number up to {MAX_WHOLE_NUMBER}.")
    if field_type is float and not math.isfinite(number):
        raise ValueError(f"--set {path} needs a number, not {value!r}.")
    return number
