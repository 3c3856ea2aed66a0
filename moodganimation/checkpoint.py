"""Checkpoints that describe themselves: weights, configuration and space in one file."""

import dataclasses
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .errors import NotACheckpoint
from .expressions import SPACES, ExpressionSpace
from .generators import Generator, GeneratorConfig
from .resnet import ResNetGenerator
from .warp import WarpGenerator

FORMAT = "moodganimation-generator-1"


def build_generator(config: GeneratorConfig) -> Generator:
    match config.architecture:
        case "warp":
            return WarpGenerator(config)
        case "resnet":
            return ResNetGenerator(config)


def save_generator(
    path: Path, generator: Generator, space: ExpressionSpace, card: dict[str, object]
) -> None:
    """Write weights in half precision; `card` is what a person should know (licence, data ...)."""
    header = {
        "format": FORMAT,
        "generator": json.dumps(dataclasses.asdict(generator.config)),
        "space": space.name,
        "card": json.dumps(card),
    }
    weights = {
        key: value.detach().cpu().half() if value.is_floating_point() else value.cpu()
        for key, value in generator.state_dict().items()
    }
    part = Path(f"{path}.part")
    save_file({k: v.contiguous() for k, v in weights.items()}, part, header)
    os.replace(part, path)


def load_checkpoint(path: Path) -> tuple[Generator, ExpressionSpace, dict]:
    """The generator in evaluation mode on the CPU, its space and its card. Runs nothing it reads.

    Raises NotACheckpoint with a sentence that says what is wrong.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise NotACheckpoint(
                    f"{path} is a safetensors file, but not a checkpoint of MoodGANimation."
                )
            config = GeneratorConfig(**json.loads(header["generator"]))
            space, card = SPACES[header["space"]], json.loads(header["card"])
            if config.condition_dim != len(space.axes):
                raise ValueError(f"{config.condition_dim} conditions do not fit {space.name}")
            weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        if not all(torch.isfinite(value).all() for value in weights.values()):
            raise ValueError("some of its weights are not numbers")
        with torch.device("meta"):
            generator = build_generator(config)
        generator.load_state_dict(weights, assign=True)
    except NotACheckpoint:
        raise
    except FileNotFoundError:
        raise NotACheckpoint(f"There is no checkpoint at {path}.") from None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise NotACheckpoint(
            f"{path} is not a readable checkpoint; it may be damaged or from another program "
            f"({str(problem).splitlines()[0][:200]})."
        ) from problem
    return generator.eval().requires_grad_(False), space, card
