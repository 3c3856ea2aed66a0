"""Settings of an experiment from the command line: `--set weights.condition=160`."""

import math
from dataclasses import fields, is_dataclass, replace
from typing import Literal, get_args, get_origin, get_type_hints

from .experiments import Experiment, PretrainStage, in_space


def override(experiment: Experiment, settings: list[str]) -> Experiment:
    """Apply settings `a.b=c` in order, each checked against the type of its field.

    `space` and `image_size` are set in all networks. Raises ValueError.
    """
    for text in settings:
        path, _, value = text.partition("=")
        if path == "space":
            experiment = in_space(experiment, value)
        elif path == "image_size":
            experiment = in_space(experiment, experiment.space, _parse(int, path, value))
        else:
            experiment = _with_field(experiment, path.split("."), value, path)
    return experiment


def _with_field(config, keys: list[str], value: str, path: str):
    """Return a dataclass with one field changed.

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
        return replace(config, **{keys[0]: _with_field(current, keys[1:], value, path)})
    if keys[0] == "lessons":
        return replace(config, lessons=_stages(value))
    if is_dataclass(current) or is_dataclass(next(iter(get_args(field_type)), None)):
        raise ValueError(f"--set {path}: set one of its settings, as {path}.NAME=VALUE.")
    return replace(config, **{keys[0]: _parse(field_type, path, value)})


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
    if math.isnan(number):
        raise ValueError(f"--set {path} needs a number, not {value!r}.")
    return number
