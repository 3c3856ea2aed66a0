"""Our checkpoint files, which store weights, configuration and space; loading any generator."""

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
    """A generator with its space and its model card."""

    generator: Generator  # in evaluation mode, without gradients; on the CPU when loaded
    space: ExpressionSpace  # of its condition
    card: dict  # the model card: licence, training data, results; for people


def generators_in(folder: Path) -> dict[str, Path]:
    """Return name -> path of our generator checkpoints in a folder. Reads only their headers.

    A name is the file's without its ending.
    """
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with contextlib.suppress(SafetensorError, OSError), safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("format") == GENERATOR_FORMAT:
                found[path.stem] = path
    return found


def build_generator(config: GeneratorConfig) -> Generator:
    """Build the generator of a configuration, with randomly initialized weights."""
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
    """Write a generator with its model card, see `Checkpoint`.

    float16: store the weights as float16. Raises Unwritable.
    """
    config = dataclasses.asdict(generator.config)
    header = {"format": GENERATOR_FORMAT, "generator": config, "space": space.name, "card": card}
    write_checkpoint(path, generator.state_dict(), header, float16)


def write_checkpoint(path: Path, weights: dict[str, Tensor], header: dict, float16: bool) -> None:
    """Write weights and header as safetensors, atomically.

    header: the metadata; values that are not strings are stored as JSON. float16: convert
    floating-point weights to float16. Raises Unwritable.
    """
    header = {k: v if isinstance(v, str) else json.dumps(v) for k, v in header.items()}
    weights = {
        key: value.detach().cpu().half() if float16 and value.is_floating_point() else value.cpu()
        for key, value in weights.items()
    }
    with atomic_write(path) as temporary:
        # `save_file` lets only the owner read; `touch` creates a file with the usual permissions.
        temporary.touch()
        mode = temporary.stat().st_mode
        try:
            save_file({k: v.contiguous() for k, v in weights.items()}, temporary, header)
        except SafetensorError as problem:
            raise Unwritable("{} cannot be written ({}).", path, str(problem)) from problem
        temporary.chmod(mode)


def read_checkpoint(
    path: str | Path, expected_format: str
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return header and weights (float32) of a file by `write_checkpoint`. Runs no code in it.

    expected_format: GENERATOR_FORMAT or CRITIC_FORMAT. Call it within `wrap_read_errors`, since a
    damaged file raises exceptions of many types.
    """
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        found_format = header.get("format")
        if found_format in {GENERATOR_FORMAT, CRITIC_FORMAT} - {expected_format}:
            if found_format == CRITIC_FORMAT:
                raise NotACheckpoint("{} is the checkpoint of a critic, not a generator.", path)
            raise NotACheckpoint("{} is the checkpoint of a generator, not a critic.", path)
        if found_format != expected_format:
            raise NotACheckpoint(
                "{} is a safetensors file, but not a checkpoint of MoodGANimation.", path
            )
        weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    if not all(torch.isfinite(value).all() for value in weights.values()):
        raise ValueError("some of its weights are not finite numbers")
    return header, weights


@contextlib.contextmanager
def wrap_read_errors(path: str | Path) -> Iterator[None]:
    """Raise NotACheckpoint in place of exceptions inside the `with` block, which reads `path`."""
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
    """Load a generator with its space and card, from a file in our format or an original one.

    An original checkpoint (see `original`) names neither its space, which is chosen by the number
    of condition values, nor the side of its crops, which is taken to be 128 pixels. Raises
    NotACheckpoint.
    """
    with wrap_read_errors(path):
        if is_torch_file(path):
            original = read_original(path)
            if original.role != "generator":
                raise NotACheckpoint("{} is the checkpoint of a critic, not a generator.", path)
            config, weights = GeneratorConfig(**original.config), original.weights
            space = space_of_size(config.condition_dim)
            card = {"name": Path(path).stem, "origin": original.origin}
        else:
            # `read_checkpoint` tells these two kinds apart and has more exact messages for them.
            check_file_kind(path, (FileKind.OUR_CHECKPOINT, FileKind.FOREIGN_SAFETENSORS))
            header, weights = read_checkpoint(path, GENERATOR_FORMAT)
            config = GeneratorConfig(**json.loads(header["generator"]))
            space, card = space_named(header["space"]), json.loads(header["card"])
        if config.condition_dim != len(space.axes):
            raise ValueError(f"{config.condition_dim} condition values do not fit {space.name}")
        generator = build_with_weights(lambda: build_generator(config), weights)
    return Checkpoint(generator, space, card)


def build_with_weights(build: Callable[[], Network], weights: dict[str, Tensor]) -> Network:
    """Call `build` on the meta device and assign `weights`: without copying or initializing them.

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
            raise RuntimeError(f"{name} is not supported")
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as problem:
        raise DeviceMissing("The device {} cannot be used here; try cpu.", repr(name)) from problem
    return torch.device(name)
