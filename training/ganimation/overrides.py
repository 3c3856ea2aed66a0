"""Settings of an experiment from the command line: `--set weights.condition=160`."""

from dataclasses import fields, is_dataclass, replace
from typing import Literal, get_args, get_origin, get_type_hints

from .experiments import Experiment, PretrainStage, in_space


def override(experiment: Experiment, settings: list[str]) -> Experiment:
    """Apply `a.b=c` settings in order, each checked against the type of its field."""
    for text in settings:
        path, _, value = text.partition("=")
        if path == "space":
            experiment = in_space(experiment, value)
        elif path == "image_size":
            experiment = in_space(experiment, experiment.space, _typed(int, path, value))
        else:
            experiment = _set(experiment, path.split("."), value, path)
    return experiment


def _set(config, keys: list[str], value: str, path: str):
    """Return a dataclass with one field changed; keys: the path to it, outermost first."""
    names = [field.name for field in fields(config)]
    if keys[0] not in names:
        raise ValueError(f"--set {path}: {keys[0]!r} is unknown; known: {', '.join(names)}.")
    current, kind = getattr(config, keys[0]), get_type_hints(type(config))[keys[0]]
    if len(keys) > 1:
        if not is_dataclass(current):
            raise ValueError(f"--set {path}: {keys[0]} has no settings of its own.")
        return replace(config, **{keys[0]: _set(current, keys[1:], value, path)})
    if keys[0] == "lessons":
        return replace(config, lessons=_stages(value))
    if is_dataclass(current) or is_dataclass(next(iter(get_args(kind)), None)):
        raise ValueError(f"--set {path}: set one of its settings, as {path}.NAME=VALUE.")
    return replace(config, **{keys[0]: _typed(kind, path, value)})


def _stages(value: str) -> tuple[PretrainStage, ...]:
    """Parse pretraining stages, `size:steps:batch:rate,...`; an empty text means none."""
    stages = []
    for text in filter(None, value.split(",")):
        parts = text.split(":")
        if len(parts) != 4:
            raise ValueError(f"--set lessons needs size:steps:batch:rate,..., not {text!r}.")
        size, steps, batch = (_typed(int, "lessons", part) for part in parts[:3])
        rate = _typed(float, "lessons", parts[3])
        stages.append(PretrainStage(image_size=size, steps=steps, batch=batch, rate=rate))
    return tuple(stages)


def _typed(kind, path: str, value: str):
    """Parse a value as the type of a field. Raises ValueError."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError(f"--set {path} is one of {', '.join(get_args(kind))}, not {value!r}.")
        return value
    if kind is bool:
        if value.lower() not in ("true", "false"):
            raise ValueError(f"--set {path} is true or false, not {value!r}.")
        return value.lower() == "true"
    try:
        number = kind(value)
    except ValueError:
        raise ValueError(f"--set {path} needs a {kind.__name__}, not {value!r}.") from None
    if number != number:
        raise ValueError(f"--set {path} needs a number, not {value!r}.")
    return number
