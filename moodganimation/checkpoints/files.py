"""Checkpoints that describe themselves: weights, configuration and space in one file."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import DeviceMissing, NotACheckpoint, Unwritable
from ..expressions.spaces import ExpressionSpace, space_named, space_of_size
from ..networks.base import Generator, GeneratorConfig
from ..networks.convgru_unet import ConvGRUUNetGenerator
from ..networks.resnet import ResNetGenerator
from ..networks.warp import WarpGenerator
from .legacy import read_original
from .torch_files import is_torch_file

FORMAT = "moodganimation-generator-1"
CRITIC_FORMAT = "moodganimation-critic-1"  # training.ganimation.critic_checkpoint reads it


class Checkpoint(NamedTuple):
    generator: Generator  # in evaluation mode, on the CPU, without gradients
    space: ExpressionSpace  # what its condition means
    card: dict  # what a person should know: licence, data, figures


def generators_in(folder: Path) -> dict[str, Path]:
    """Our generator checkpoints of a folder by name; only their headers are read."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with contextlib.suppress(SafetensorError, OSError), safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("format") == FORMAT:
                found[path.stem] = path
    return found


def build_generator(config: GeneratorConfig) -> Generator:
    match config.architecture:
        case "warp":
            return WarpGenerator(config)
        case "resnet":
            return ResNetGenerator(config)
        case "convgru_unet":
            return ConvGRUUNetGenerator(config)


def save_generator(
    path: Path,
    generator: Generator,
    space: ExpressionSpace,
    card: dict[str, object],
    half: bool = True,
) -> None:
    """`card` is what a person should know (licence, data ...); half: weights in half precision.

    Raises Unwritable.
    """
    config = dataclasses.asdict(generator.config)
    header = {"format": FORMAT, "generator": config, "space": space.name, "card": card}
    write(path, generator.state_dict(), header, half)


def write(path: Path, weights: dict[str, Tensor], header: dict, half: bool) -> None:
    """A file of our own, as a whole or not at all; header's values as text or as JSON.

    Raises Unwritable.
    """
    header = {k: v if isinstance(v, str) else json.dumps(v) for k, v in header.items()}
    weights = {
        key: value.detach().cpu().half() if half and value.is_floating_point() else value.cpu()
        for key, value in weights.items()
    }
    part = Path(f"{path}.part")
    try:
        part.touch()
        mode = part.stat().st_mode
        save_file({k: v.contiguous() for k, v in weights.items()}, part, header)
        part.chmod(mode)  # safetensors keeps all but the owner from reading
        os.replace(part, path)
    except (SafetensorError, OSError) as problem:
        raise Unwritable("{} cannot be written ({}).", path, str(problem)) from problem
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def read(path: str | Path, form: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Header and weights (float32) of a file that `write` wrote. Runs nothing it reads.

    form: FORMAT or CRITIC_FORMAT. To be called within `refusing`.
    """
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        if header.get("format") in {FORMAT, CRITIC_FORMAT} - {form}:
            what = {FORMAT: "a generator, not a critic", CRITIC_FORMAT: "a critic, no generator"}
            raise NotACheckpoint("{} is the checkpoint of {}.", path, what[header["format"]])
        if header.get("format") != form:
            raise NotACheckpoint(
                "{} is a safetensors file, but not a checkpoint of MoodGANimation.", path
            )
        weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    if not all(torch.isfinite(value).all() for value in weights.values()):
        raise ValueError("some of its weights are not numbers")
    return header, weights


@contextlib.contextmanager
def refusing(path: str | Path) -> Iterator[None]:
    """What reading a file can raise becomes NotACheckpoint with a sentence that says what."""
    try:
        yield
    except NotACheckpoint:
        raise
    except FileNotFoundError:
        raise NotACheckpoint("There is no checkpoint at {}.", path) from None
    except (
        SafetensorError,
        OSError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
    ) as problem:
        reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        reason = " ".join(reason.split())
        raise NotACheckpoint(
            "{} is not a readable checkpoint; it may be damaged or from another program ({}).",
            path,
            reason[:200],
        ) from problem


def load_checkpoint(path: str | Path) -> Checkpoint:
    """A generator and what is known of it, from a file of ours or of the programs before.

    An original file (see `legacy`) says nothing of its space, which its size suggests, nor of
    the size of its crops, 128 pixels by default there. Raises NotACheckpoint.
    """
    with refusing(path):
        if is_torch_file(path):
            original = read_original(path)
            if original.role != "generator":
                raise NotACheckpoint("{} is the checkpoint of a critic, no generator.", path)
            config, weights = GeneratorConfig(**original.config), original.weights
            space = space_of_size(config.condition_dim)
            card = {"name": Path(path).stem, "origin": original.origin}
        else:
            header, weights = read(path, FORMAT)
            config = GeneratorConfig(**json.loads(header["generator"]))
            space, card = space_named(header["space"]), json.loads(header["card"])
        if config.condition_dim != len(space.axes):
            raise ValueError(f"{config.condition_dim} conditions do not fit {space.name}")
        generator = assigned(lambda: build_generator(config), weights)
    return Checkpoint(generator, space, card)


def assigned(build, weights: dict[str, Tensor]):
    """The network that `build` builds, made of `weights` without a copy, to be used as it is."""
    with torch.device("meta"):
        network = build()
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def load_generator(path: str | Path) -> Generator:
    """The network alone: (source (B, 3, H, W), condition (B, D), state=None) -> (Edit, state).

    In evaluation mode, on the CPU, without gradients. Raises NotACheckpoint.
    """
    return load_checkpoint(path).generator


def device_named(name: str) -> torch.device:
    """A device for generators; "auto" is CUDA if it is there. Raises DeviceMissing."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if torch.device(name).type not in ("cpu", "cuda", "mps"):
            raise RuntimeError(f"{name} is no device for pictures")
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as problem:
        raise DeviceMissing("The device {} cannot be used here; try cpu.", repr(name)) from problem
    return torch.device(name)
