"""Conversion: checkpoints of the programs before this one become files that describe themselves."""

from pathlib import Path

import torch

from ..errors import NotACheckpoint, Unwritable
from ..expressions.spaces import ExpressionSpace, space_named, space_of_size
from ..networks.base import GeneratorConfig
from .files import CRITIC_FORMAT, assigned, build_generator, refusing, save_generator, write
from .legacy import Original, read_original


def convert(
    path: str | Path,
    out: str | Path,
    *,
    space: str | None = None,
    image_size: int | None = None,
    saturate: bool = False,
    half: bool = False,
) -> str:
    """Write an original checkpoint (see `legacy`) as one of ours; a line on what it was.

    space: what its conditions mean, if not what their number suggests. image_size, of a generator
    alone: side of the crops that it learned from [px], 128 if not told; critics show theirs.
    saturate: a generator trained with --do_saturate_mask. half: weights in half precision instead
    of as they are. Raises NotACheckpoint, InvalidExpression for a space that there is not, and
    Unwritable.
    """
    out = Path(out)
    _check_arguments(out, image_size)
    wanted = space_named(space) if space else None
    with refusing(path):
        original = read_original(path)
        meaning = wanted or space_of_size(original.config["condition_dim"])
        _check_original(path, original, meaning)
        card = {"name": Path(path).stem, "origin": original.origin}
        if original.role == "generator":
            settings = {"image_size": image_size or 128, "saturate": saturate}
            config = GeneratorConfig(**original.config, **settings)
            generator = assigned(lambda: build_generator(config), original.weights)
        elif saturate or image_size not in (None, original.config["image_size"]):
            raise NotACheckpoint(
                "{} is a critic of crops of {} pixels; another size and saturation are for "
                "generators.",
                path,
                original.config["image_size"],
            )
    most = torch.finfo(torch.float16).max
    if half and any(value.abs().max() > most for value in original.weights.values()):
        raise Unwritable("{} has weights beyond half precision; convert it without --half.", path)
    if original.role == "generator":
        save_generator(out, generator, meaning, card, half)
    else:
        header = {"format": CRITIC_FORMAT, "critic": original.config, "space": meaning.name}
        write(out, original.weights, header | {"card": card}, half)
    return describe(original, meaning)


def _check_arguments(out: Path, image_size: int | None) -> None:
    """Raises Unwritable for a file or a size of crops that cannot be."""
    if out.suffix.lower() != ".safetensors":
        raise Unwritable("{}: checkpoints are written as .safetensors.", out)
    if not out.parent.is_dir():
        raise Unwritable("There is no folder {}.", out.parent)
    if image_size is not None and (image_size % 4 or not 4 <= image_size <= 1024):
        raise Unwritable("{}: crops have from 4 to 1024 pixels, in fours, not {}.", out, image_size)


def _check_original(path: str | Path, original: Original, space: ExpressionSpace) -> None:
    """Raises NotACheckpoint where the conditions of the network are not those of the space."""
    conditions, axes = original.config["condition_dim"], len(space.axes)
    if axes != conditions:
        raise NotACheckpoint(
            "{} has {} conditions and does not fit {}, which has {} axes.",
            path,
            conditions,
            space.name,
            axes,
        )


def describe(original: Original, space: ExpressionSpace) -> str:
    """One line: what was found, what its conditions mean, what was left out."""
    config = original.config
    kind = config["architecture"] if original.role == "generator" else config["kind"]
    found = [f"{original.origin} {original.role}", kind]
    found += [f"{key} {config[key]}" for key in ("width", "depth", "memory") if key in config]
    if config.get("carry") is False:
        found.append("forgetting between frames")
    if "image_size" in config:
        found.append(f"{config['image_size']} pixels")
    found.append(f"{config['condition_dim']} conditions -> {space.name}")
    left_out = ", ".join(f"{n} {what}" for what, n in original.left_out.items())
    return ", ".join(found) + (f"; left out: {left_out}" if left_out else "")
