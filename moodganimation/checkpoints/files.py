"""Checkpoint files that store weights, configuration and space together."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..errors import DeviceMissing, NotACheckpoint, Unwritable
from ..expressions.spaces import ExpressionSpace, space_named, space_of_size
from ..files.atomic import atomic_write
from ..networks.base import Generator, GeneratorConfig
from ..networks.convgru_unet import ConvGRUUNetGenerator
from ..networks.resnet import ResNetGenerator
from ..networks.warp import WarpGenerator
from .file_kinds import FileKind, check_file_kind
from .original import read_original
from .torch_files import is_torch_file

Network = TypeVar("Network", bound=nn.Module)
GENERATOR_FORMAT = "moodganimation-generator-1"
CRITIC_FORMAT = "moodganimation-critic-1"  # training.ganimation.critic_checkpoint reads it


class Checkpoint(NamedTuple):
    """A generator, and what its file states about it."""

    generator: Generator  # in evaluation mode, on the CPU, without gradients
    space: ExpressionSpace  # of its condition
    card: dict  # facts for people: licence, data, figures


def generators_in(folder: Path) -> dict[str, Path]:
    """Paths of our generator checkpoints in a folder, by name; only their headers are read."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with contextlib.suppress(SafetensorError, OSError), safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("format") == GENERATOR_FORMAT:
                found[path.stem] = path
    return found


def build_generator(config: GeneratorConfig) -> Generator:
    """Build the generator of a configuration, with new weights."""
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
    float16: bool = True,
) -> None:
    """Write a generator with its card: facts for people, such as licence and data.

    float16: store the weights as float16. Raises Unwritable.
    """
    config = dataclasses.asdict(generator.config)
    header = {"format": GENERATOR_FORMAT, "generator": config, "space": space.name, "card": card}
    write_checkpoint(path, generator.state_dict(), header, float16)


def write_checkpoint(path: Path, weights: dict[str, Tensor], header: dict, float16: bool) -> None:
    """Write weights and header as safetensors, atomically.

    header: values that are not strings are stored as JSON. float16: convert floating-point weights
    to float16. Raises Unwritable.
    """
    header = {k: v if isinstance(v, str) else json.dumps(v) for k, v in header.items()}
    weights = {
        key: value.detach().cpu().half() if float16 and value.is_floating_point() else value.cpu()
        for key, value in weights.items()
    }
    with atomic_write(path) as part:
        part.touch()
        mode = part.stat().st_mode
        try:
            save_file({k: v.contiguous() for k, v in weights.items()}, part, header)
        except SafetensorError as problem:
            raise Unwritable("{} cannot be written ({}).", path, str(problem)) from problem
        part.chmod(mode)  # save_file lets only the owner read


def read_checkpoint(
    path: str | Path, expected_format: str
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return header and weights (float32) of a file by `write_checkpoint`. Executes nothing in it.

    expected_format: GENERATOR_FORMAT or CRITIC_FORMAT. To be called within `as_not_a_checkpoint`.
    """
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        format = header.get("format")
        if format in {GENERATOR_FORMAT, CRITIC_FORMAT} - {expected_format}:
            critic = format == CRITIC_FORMAT
            what = "a critic, no generator" if critic else "a generator, not a critic"
            raise NotACheckpoint("{} is the checkpoint of {}.", path, what)
        if format != expected_format:
            raise NotACheckpoint(
                "{} is a safetensors file, but not a checkpoint of MoodGANimation.", path
            )
        weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    if not all(torch.isfinite(value).all() for value in weights.values()):
        raise ValueError("some of its weights are not numbers")
    return header, weights


@contextlib.contextmanager
def as_not_a_checkpoint(path: str | Path) -> Iterator[None]:
    """Convert exceptions of reading `path` inside the `with` block to NotACheckpoint."""
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
    """Load a generator and what its file states about it, from one of ours or an original one.

    An original checkpoint (see `original`) does not state its space, which is chosen by the number
    of conditions, nor the side of its crops, taken to be 128 pixels. Raises NotACheckpoint.
    """
    with as_not_a_checkpoint(path):
        if is_torch_file(path):
            original = read_original(path)
            if original.role != "generator":
                raise NotACheckpoint("{} is the checkpoint of a critic, no generator.", path)
            config, weights = GeneratorConfig(**original.config), original.weights
            space = space_of_size(config.condition_dim)
            card = {"name": Path(path).stem, "origin": original.origin}
        else:
            # For these two kinds `read_checkpoint` has better messages.
            check_file_kind(path, (FileKind.OUR_CHECKPOINT, FileKind.FOREIGN_SAFETENSORS))
            header, weights = read_checkpoint(path, GENERATOR_FORMAT)
            config = GeneratorConfig(**json.loads(header["generator"]))
            space, card = space_named(header["space"]), json.loads(header["card"])
        if config.condition_dim != len(space.axes):
            raise ValueError(f"{config.condition_dim} conditions do not fit {space.name}")
        generator = build_with_weights(lambda: build_generator(config), weights)
    return Checkpoint(generator, space, card)


def build_with_weights(build: Callable[[], Network], weights: dict[str, Tensor]) -> Network:
    """Call `build` on the meta device and assign `weights`, without copy or initialization.

    Returns the network in evaluation mode, without gradients.
    """
    with torch.device("meta"):
        network = build()
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def load_generator(path: str | Path) -> Generator:
    """Load a generator: (source (B, 3, H, W), condition (B, D), state=None) -> (Edit, state).

    In evaluation mode, on the CPU, without gradients. Raises NotACheckpoint.
    """
    return load_checkpoint(path).generator


def device_named(name: str) -> torch.device:
    """Return a device of this machine by name; "auto" is CUDA where available, else the CPU.

    Raises DeviceMissing.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if torch.device(name).type not in ("cpu", "cuda", "mps"):
            raise RuntimeError(f"{name} is no device for pictures")
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as problem:
        raise DeviceMissing("The device {} cannot be used here; try cpu.", repr(name)) from problem
    return torch.device(name)
