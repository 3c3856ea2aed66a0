"""Checkpoints of the programs before this one, told apart by names and shapes alone.

`net_epoch_E_id_{G,D,D_temp}.pth` of GANimation and of every branch of MoodGANimation;
`*_net_gen.pth` and `*_net_dis.pth` of donydchen/ganimation_replicate; `*-G.ckpt` and `*-D.ckpt`
of vipermu/ganimation.
"""

import re
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..errors import NotACheckpoint
from ..networks.base import GeneratorConfig
from ..networks.convgru_unet import ConvGRUUNetGenerator
from ..networks.resnet import ResNetGenerator
from .torch_files import read_state_dict

DONYDCHEN, VIPERMU = "donydchen/ganimation_replicate", "vipermu/ganimation"
STATISTICS = (".running_mean", ".running_var", ".num_batches_tracked")
GATE = "gru.ConvGRUCell_00.reset_gate.weight"
RENAMED = {
    r"^model\.": "main.",
    r"\.conv_block\.": ".main.",
    r"^(color_top|im_reg)\.": "img_reg.",
    r"^(au_top|im_att|attetion_reg)\.": "attention_reg.",  # sic: their checkpoints misspell it
    r"^dis_top\.": "conv1.",
    r"^aus_top\.": "conv2.",
}


class Original(NamedTuple):
    """A network of another program under our names."""

    origin: str  # whose program wrote it
    role: Literal["generator", "critic"]
    config: dict  # what GeneratorConfig, or training.ganimation.critics.CriticConfig, takes
    weights: dict[str, Tensor]  # float32, in the order of the network
    left_out: dict[str, int]  # what the network does without -> how many entries of the file


def read_original(path: str | Path) -> Original:
    """Raises NotACheckpoint with a sentence that says what is wrong, and OSError."""
    path = Path(path)
    weights = read_state_dict(path)
    try:
        origin, weights, left_out = _translate(weights)
        role, config = _recognize(weights)
        if {"convgru_unet", "frame_gru", "clip"} & set(config.values()):
            origin = "MoodGANimation"  # the others are the same in both programs
        shapes = _shapes(role, config)
        _check(weights, shapes, path.stat().st_size)
    except ValueError as problem:
        raise NotACheckpoint("{} holds no network that is known: {}", path, str(problem)) from None
    # Taken out one by one, so that a large network is not in memory twice.
    plain = {"dtype": torch.float32, "memory_format": torch.contiguous_format, "copy": True}
    weights = {key: weights.pop(key).detach().to(**plain) for key in shapes}
    return Original(origin, role, config, weights, left_out)


def _translate(weights: dict[str, Tensor]) -> tuple[str, dict[str, Tensor], dict[str, int]]:
    """Origin, weights under our names, and what was left out. Raises ValueError."""
    if all(key.startswith("module.") for key in weights):  # a run on several GPUs
        weights = {key.removeprefix("module."): value for key, value in weights.items()}
    # Instance norms of PyTorch 0.3 kept statistics and did not use them; vipermu's were run in
    # training mode, which does not use them either.
    origin, count = "GANimation", len(weights)
    weights = {key: value for key, value in weights.items() if not key.endswith(STATISTICS)}
    left_out = {"running statistics": count - len(weights)}
    if "im_reg.0.weight" in weights:
        origin, count = VIPERMU, len(weights)
        weights = {k: v for k, v in weights.items() if not re.match(r"debug\d\.", k)}
        left_out["second names of layers"] = count - len(weights)
    elif any(key.startswith("model.") for key in weights):
        origin = DONYDCHEN
    weights = {_renamed(key): value for key, value in weights.items()}
    if origin == DONYDCHEN and "img_reg.0.weight" in weights:
        left_out["biases that norms cancel"] = _give_norms_parameters(weights)
    return origin, weights, {what: n for what, n in left_out.items() if n}


def _renamed(key: str) -> str:
    for pattern, ours in RENAMED.items():
        key = re.sub(pattern, ours, key)
    return key


def _give_norms_parameters(weights: dict[str, Tensor]) -> int:
    """Biases in front of instance norms without parameters become norms of scale 1 and shift 0.

    An instance norm subtracts the mean, and with it any constant that was added before.
    """
    if any(value.ndim == 1 and key.endswith(".weight") for key, value in weights.items()):
        raise ValueError("it was trained with batch norms, ours have instance norms.")
    biases = [key for key in weights if re.fullmatch(r"main\.[\d.]+(main\.\d\.)?bias", key)]
    for key in biases:
        bias = weights.pop(key)
        above, place, _ = key.rsplit(".", 2)
        norm = f"{above}.{int(place) + 1}"
        weights[f"{norm}.weight"] = torch.ones(()).expand(bias.shape)
        weights[f"{norm}.bias"] = torch.zeros(()).expand(bias.shape)
    return len(biases)


def _recognize(weights: dict[str, Tensor]) -> tuple[str, dict]:
    """The role and the config of a network. Raises ValueError."""
    if "first_conv.0.weight" in weights:
        blocks = _count(weights, r"gru\.ConvGRUCell_\d\d\.reset_gate\.weight")
        return "generator", _generator("convgru_unet", weights, "first_conv.0.weight", blocks)
    if "img_reg.0.weight" in weights or "attention_reg.0.weight" in weights:
        blocks = _count(weights, r"main\.\d+\.main\.0\.weight")
        return "generator", _generator("resnet", weights, "main.0.weight", blocks)
    remembers = "adv.weight" in weights or "regress.weight" in weights
    if remembers or "conv1.weight" in weights or "conv2.weight" in weights:
        return "critic", _critic(weights, remembers)
    names = ", ".join(list(weights)[:3])
    raise ValueError(f"it has layers called {names[:100]}.")


def _generator(architecture: str, weights: dict[str, Tensor], first: str, blocks: int) -> dict:
    if not blocks:
        raise ValueError("all the blocks in its middle are missing.")
    return {
        "architecture": architecture,
        "condition_dim": _size(weights, first, 1) - 3,
        "width": _size(weights, first, 0),
        "depth": blocks,
    }


def _critic(weights: dict[str, Tensor], remembers: bool) -> dict:
    last = "regress.weight" if remembers else "conv2.weight"
    width, depth = _size(weights, "main.0.weight", 0), _count(weights, r"main\.\d+\.weight")
    if depth > 10:
        raise ValueError(f"{depth} halvings are more than a critic can have.")
    config = {
        "kind": "frame",
        "condition_dim": _size(weights, last, 0),
        "image_size": _size(weights, last, 2) << depth,
        "width": width,
        "depth": depth,
    }
    if not remembers:
        return config
    memory, names = _size(weights, GATE, 0), list(weights)
    # Critics of frames remember in 128 channels, those of clips in as many as their features have.
    # Where that is one number, the order tells: critics of clips judge from their memory.
    first = "adv.weight" in names and names.index("adv.weight") < names.index(GATE)
    if memory != width << (depth - 1) or (memory <= 128 and first):
        return config | {"kind": "frame_gru", "memory": memory}
    return config | {"kind": "clip", "carry": False}  # published ones never carried their state


def _size(weights: dict[str, Tensor], key: str, axis: int) -> int:
    if key not in weights or weights[key].ndim != 4:
        raise ValueError(f"{key} is missing or is not four-dimensional.")
    return weights[key].shape[axis]


def _count(weights: dict[str, Tensor], pattern: str) -> int:
    return sum(bool(re.fullmatch(pattern, key)) for key in weights)


def _shapes(role: str, config: dict) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a network's parameters, in their order. Raises ValueError."""
    if role == "critic":
        return critic_shapes(**config)
    build = {"resnet": ResNetGenerator, "convgru_unet": ConvGRUUNetGenerator}
    with torch.device("meta"):
        generator = build[config["architecture"]](GeneratorConfig(**config))
    return {key: tuple(value.shape) for key, value in generator.state_dict().items()}


def critic_shapes(
    kind: str,
    condition_dim: int,
    image_size: int,
    width: int,
    depth: int,
    memory: int | None = None,
    carry: bool = False,
) -> dict[str, tuple[int, ...]]:
    """What training.ganimation.critics, which this library does not know, would build."""
    main, n = {}, 3
    for i in range(depth):
        main[f"main.{2 * i}.weight"] = (width << i, n, 4, 4)
        main[f"main.{2 * i}.bias"] = (n := width << i,)
    patch, side = (1, n, 3, 3), image_size >> depth
    if kind == "frame":
        return main | {"conv1.weight": patch, "conv2.weight": (condition_dim, n, side, side)}
    memory, gru = memory or n, {}
    for gate in ("reset", "update", "out"):
        name = f"gru.ConvGRUCell_00.{gate}_gate"
        gru |= {f"{name}.weight": (memory, n + memory, 3, 3), f"{name}.bias": (memory,)}
    adv, regress = {"adv.weight": patch}, {"regress.weight": (condition_dim, memory, side, side)}
    return main | (adv | gru if kind == "frame_gru" else gru | adv) | regress


def _check(weights: dict[str, Tensor], shapes: dict, size: int) -> None:
    """Whether `weights` from a file of `size` bytes are those of a network. Raises ValueError."""
    if missing := [key for key in shapes if key not in weights]:
        raise ValueError(f"weights are missing ({len(missing)}, such as {missing[0]}).")
    if unknown := [key for key in weights if key not in shapes]:
        raise ValueError(f"it has weights too many ({len(unknown)}, such as {unknown[0][:80]}).")
    for key, shape in shapes.items():
        if tuple(weights[key].shape) != shape:
            raise ValueError(f"{key} is {tuple(weights[key].shape)}, where {shape} would fit.")
    for key, value in weights.items():
        plain = value.layout == torch.strided and value.device.type == "cpu"
        if not plain or value.dtype not in (
            torch.float16,
            torch.bfloat16,
            torch.float32,
            torch.float64,
        ):
            raise ValueError(f"{key} does not hold plain numbers.")
    # One stored number can pass for many. Twice: norms that were given parameters are not stored.
    if sum(value.nbytes for value in weights.values()) > 2 * size:
        raise ValueError("it claims more weights than it holds.")
    for key, value in weights.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"some of {key} are not numbers.")
