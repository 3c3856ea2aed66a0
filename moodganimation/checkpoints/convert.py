"""Conversion of original checkpoints to our own format, which stores configuration and space."""

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InvalidValue, NotACheckpoint, Unwritable
from ..expressions.spaces import ExpressionSpace, space_named, space_of_size
from ..networks.base import GeneratorConfig
from .files import CRITIC_FORMAT, GENERATOR_FORMAT, wrap_read_errors, write_checkpoint
from .original import OriginalNetwork, read_original


def convert(
    path: str | Path,
    out: str | Path,
    *,
    space: str | None = None,
    image_size: int | None = None,
    saturate: bool = False,
    float16: bool = False,
    network: str | None = None,
) -> str:
    """Convert an original checkpoint (see `original`) to our format; return the line of `describe`.

    space: name of the space of its condition, by default chosen by the number of values.
    image_size: side of a generator's crops [px], 128 by default; a critic's follows from its
    weights. saturate: whether a generator was trained with the original option --do_saturate_mask,
    see `SharpenAttention`. float16: store the weights as float16 instead of float32. network: name
    of the network, if the file holds several. Raises NotACheckpoint, InvalidExpression for an
    unknown space, InvalidValue for an image_size that is not a multiple of 4 or out of range, and
    Unwritable.
    """
    out = Path(out)
    _check_arguments(out, image_size)
    requested = space_named(space) if space else None
    with wrap_read_errors(path):
        original = read_original(path, network)
        condition_space = requested or space_of_size(original.config["condition_dim"])
        _check_condition_dim(path, original, condition_space)
        if original.role == "generator":
            config = GeneratorConfig(
                **original.config, image_size=image_size or 128, saturate=saturate
            )
            header = {"format": GENERATOR_FORMAT, "generator": dataclasses.asdict(config)}
        else:
            _check_critic_options(path, original, image_size, saturate)
            header = {"format": CRITIC_FORMAT, "critic": original.config}
    if float16:
        _check_float16(path, original.weights)
    card = {"name": Path(path).stem, "origin": original.origin}
    header |= {"space": condition_space.name, "card": card}
    write_checkpoint(out, original.weights, header, float16)
    return describe(original, condition_space)


def _check_arguments(out: Path, image_size: int | None) -> None:
    """Raise Unwritable if `out` is not .safetensors or has no folder; InvalidValue for the size."""
    if out.suffix.lower() != ".safetensors":
        raise Unwritable("{}: checkpoints are written as .safetensors.", out)
    if not out.parent.is_dir():
        raise Unwritable("There is no folder {}.", out.parent)
    if image_size is not None and (image_size % 4 or not 4 <= image_size <= 1024):
        raise InvalidValue(
            "The image size must be a multiple of 4 from 4 to 1024 pixels, not {}.", image_size
        )


def _check_condition_dim(
    path: str | Path, original: OriginalNetwork, space: ExpressionSpace
) -> None:
    """Raise NotACheckpoint unless the condition has as many values as the space has axes."""
    condition_dim, axes = original.config["condition_dim"], len(space.axes)
    if axes != condition_dim:
        raise NotACheckpoint(
            "{} takes {} condition values and does not fit {}, which has {} axes.",
            path,
            condition_dim,
            space.name,
            axes,
        )


def _check_critic_options(
    path: str | Path, original: OriginalNetwork, image_size: int | None, saturate: bool
) -> None:
    """Raise NotACheckpoint if a critic was given options that apply to generators only."""
    own_size = original.config["image_size"]
    if saturate or image_size not in (None, own_size):
        raise NotACheckpoint(
            "{} is a critic of {}-pixel crops: --image-size and --saturate apply to generators "
            "only; leave them out.",
            path,
            own_size,
        )


def _check_float16(path: str | Path, weights: dict[str, Tensor]) -> None:
    """Raise Unwritable if a weight is out of float16's range."""
    largest = torch.finfo(torch.float16).max
    if any(value.abs().max() > largest for value in weights.values()):
        raise Unwritable(
            "{} has weights out of the range of float16; convert it without --half.", path
        )


def describe(original: OriginalNetwork, space: ExpressionSpace) -> str:
    """Return one line: the recognized network, the space of its condition, what was left out."""
    config = original.config
    kind = config["architecture"] if original.role == "generator" else config["kind"]
    parts = [f"{original.origin} {original.role}", kind]
    parts += [f"{key} {config[key]}" for key in ("width", "depth", "memory") if key in config]
    if config.get("carry") is False:
        parts.append("GRU state reset on every frame")
    if "image_size" in config:
        parts.append(f"{config['image_size']} pixels")
    parts.append(f"{config['condition_dim']} condition values -> {space.name}")
    left_out = ", ".join(f"{n} {what}" for what, n in original.left_out.items())
    return ", ".join(parts) + (f"; left out: {left_out}" if left_out else "")
