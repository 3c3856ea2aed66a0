"""Original checkpoints: those of earlier GANimation programs, read with our names of layers.

Files that can be read:
`net_epoch_E_id_{G,D,D_temp}.pth` of GANimation and of every branch of MoodGANimation;
`*_net_gen.pth` and `*_net_dis.pth` of donydchen/ganimation_replicate; `*-G.ckpt` and `*-D.ckpt`
of vipermu/ganimation. File names do not matter: the program and the type of a network are
recognized by names, shapes and order of its weights alone.
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
NORM_STATISTICS = (".running_mean", ".running_var", ".num_batches_tracked")
RESET_GATE_KEY = "gru.ConvGRUCell_00.reset_gate.weight"  # of the only GRU cell of a critic
# Original critics are of three kinds: `frame` has no GRU, `frame_gru` and `clip` have one (see
# `_critic_config`). This is the largest number of channels of the state of a frame_gru critic.
MAX_FRAME_GRU_CHANNELS = 128
RENAMED = {  # pattern in an original name of a layer -> replacement
    r"^model\.": "main.",
    r"\.conv_block\.": ".main.",
    r"^(color_top|im_reg)\.": "img_reg.",
    r"^(au_top|im_att|attetion_reg)\.": "attention_reg.",  # sic: GANimation's own misspelling
    r"^dis_top\.": "conv1.",
    r"^aus_top\.": "conv2.",
}


class OriginalNetwork(NamedTuple):
    """A network that another program wrote, with our names of layers."""

    origin: (
        str  # the name of that program, as far as the weights tell: GANimation for both without GRU
    )
    role: Literal["generator", "critic"]
    config: dict  # arguments of GeneratorConfig, or of training.ganimation.critics.CriticConfig
    weights: dict[str, Tensor]  # float32, in the order of the network's state dict
    left_out: dict[str, int]  # what the network does not need -> number of entries in the file


def read_original(path: str | Path, name: str | None = None) -> OriginalNetwork:
    """Read the network in an original checkpoint, or the one called `name` of several.

    Raises NotACheckpoint with a message that says what is wrong, and OSError.
    """
    path = Path(path)
    weights, beside_network = read_state_dict(path, name)
    try:
        origin, weights, left_out = _rename_weights(weights)
        left_out |= beside_network
        role, config = _recognize(weights)
        recurrent = config.get("kind") in ("frame_gru", "clip")
        if recurrent or config.get("architecture") == "convgru_unet":
            # GRUs exist only in MoodGANimation. Without one, files of GANimation and MoodGANimation
            # are alike, and the origin stays as `_rename_weights` recognized it.
            origin = "MoodGANimation"
        shapes = _expected_shapes(role, config)
        _check_weights(weights, shapes, path.stat().st_size)
    except ValueError as problem:
        raise NotACheckpoint(
            "{} cannot be read as a generator or critic of the GANimation family: {}",
            path,
            str(problem),
        ) from None
    # Each is removed from `weights` as it is converted, so that memory holds a large network once.
    options = {"dtype": torch.float32, "memory_format": torch.contiguous_format, "copy": True}
    weights = {key: weights.pop(key).detach().to(**options) for key in shapes}
    return OriginalNetwork(origin, role, config, weights, left_out)


def _rename_weights(
    weights: dict[str, Tensor],
) -> tuple[str, dict[str, Tensor], dict[str, int]]:
    """Return origin, weights with our names of layers, what was left out. Raises ValueError."""
    # Running statistics are not needed: instance norms of PyTorch 0.3 kept but did not use them,
    # and vipermu's were run in training mode, which does not use them either.
    origin, count = "GANimation", len(weights)
    weights = {key: value for key, value in weights.items() if not key.endswith(NORM_STATISTICS)}
    left_out = {"running statistics": count - len(weights)}
    if "im_reg.0.weight" in weights:
        origin, count = VIPERMU, len(weights)
        # Its generator has its layers a second time, as `debug1` and so on.
        weights = {k: v for k, v in weights.items() if not re.match(r"debug\d\.", k)}
        left_out["duplicates of layers"] = count - len(weights)
    elif any(key.startswith("model.") for key in weights):
        origin = DONYDCHEN
    weights = {_rename(key): value for key, value in weights.items()}
    if origin == DONYDCHEN and "img_reg.0.weight" in weights:
        left_out["biases that norms cancel"] = _replace_biases_by_norm_parameters(weights)
    return origin, weights, {what: n for what, n in left_out.items() if n}


def _rename(key: str) -> str:
    """Return the name of a weight in our networks."""
    for pattern, replacement in RENAMED.items():
        key = re.sub(pattern, replacement, key)
    return key


def _replace_biases_by_norm_parameters(weights: dict[str, Tensor]) -> int:
    """Remove biases before instance norms, and add the norms' parameters: scale 1, shift 0.

    In place; returns the number of biases. An instance norm subtracts the mean of its input, and so
    cancels a bias. Raises ValueError for batch norms.
    """
    if any(value.ndim == 1 and key.endswith(".weight") for key, value in weights.items()):
        raise ValueError("it has batch norms; only networks with instance norms can be read.")
    biases = [key for key in weights if re.fullmatch(r"main\.[\d.]+(main\.\d\.)?bias", key)]
    for key in biases:
        bias = weights.pop(key)
        parent, index, _ = key.rsplit(".", 2)
        norm = f"{parent}.{int(index) + 1}"
        weights[f"{norm}.weight"] = torch.ones(()).expand(bias.shape)
        weights[f"{norm}.bias"] = torch.zeros(()).expand(bias.shape)
    return len(biases)


def _recognize(weights: dict[str, Tensor]) -> tuple[str, dict]:
    """Return the role and the config of a network. Raises ValueError."""
    if "first_conv.0.weight" in weights:
        depth = _count(weights, r"gru\.ConvGRUCell_\d\d\.reset_gate\.weight")
        config = _generator_config("convgru_unet", weights, "first_conv.0.weight", depth)
        return "generator", config
    if "img_reg.0.weight" in weights or "attention_reg.0.weight" in weights:
        depth = _count(weights, r"main\.\d+\.main\.0\.weight")
        return "generator", _generator_config("resnet", weights, "main.0.weight", depth)
    recurrent = "adv.weight" in weights or "regress.weight" in weights
    if recurrent or "conv1.weight" in weights or "conv2.weight" in weights:
        return "critic", _critic_config(weights, recurrent)
    names = ", ".join(list(weights)[:3])
    raise ValueError(f"it has none of their layers; its layers are called {names[:100]}.")


def _generator_config(
    architecture: str, weights: dict[str, Tensor], first_key: str, depth: int
) -> dict:
    """Return arguments of GeneratorConfig. first_key: of the first layer. Raises ValueError."""
    if not depth:
        raise ValueError("it has no residual blocks or GRU layers.")
    return {
        "architecture": architecture,
        "condition_dim": _dim(weights, first_key, 1) - 3,  # the other inputs are the photo's RGB
        "width": _dim(weights, first_key, 0),
        "depth": depth,
    }


def _critic_config(weights: dict[str, Tensor], recurrent: bool) -> dict:
    """Return arguments of CriticConfig. Raises ValueError."""
    condition_key = "regress.weight" if recurrent else "conv2.weight"
    width, depth = _dim(weights, "main.0.weight", 0), _count(weights, r"main\.\d+\.weight")
    if depth > 10:
        raise ValueError(f"{depth} layers of stride 2 are more than a critic can have.")
    config = {
        "kind": "frame",
        "condition_dim": _dim(weights, condition_key, 0),
        # Its kernel covers all that `depth` layers of stride 2 leave of the crop.
        "image_size": _dim(weights, condition_key, 2) << depth,
        "width": width,
        "depth": depth,
    }
    if not recurrent:
        return config
    memory, keys = _dim(weights, RESET_GATE_KEY, 0), list(weights)
    # The hidden state of a frame_gru critic has at most MAX_FRAME_GRU_CHANNELS channels, and `adv`
    # precedes the GRU. That of a clip critic has as many channels as the features, and `adv`
    # follows the GRU. If the number of channels allows both, the order of the keys decides.
    adv_first = "adv.weight" in keys and keys.index("adv.weight") < keys.index(RESET_GATE_KEY)
    if memory != width << (depth - 1) or (memory <= MAX_FRAME_GRU_CHANNELS and adv_first):
        return config | {"kind": "frame_gru", "memory": memory}
    # The original code resets the state of a clip critic in every frame.
    return config | {"kind": "clip", "carry": False}


def _dim(weights: dict[str, Tensor], key: str, axis: int) -> int:
    """Return the size of a convolution's weight (outputs, inputs, h, w) along an axis.

    Raises ValueError.
    """
    if key not in weights or weights[key].ndim != 4:
        raise ValueError(f"{key} is missing or is not four-dimensional.")
    return weights[key].shape[axis]


def _count(weights: dict[str, Tensor], pattern: str) -> int:
    """Count the weights whose full name matches a pattern."""
    return sum(bool(re.fullmatch(pattern, key)) for key in weights)


def _expected_shapes(role: str, config: dict) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of a network's parameters, in its order. Raises ValueError."""
    if role == "critic":
        return critic_shapes(**config)
    classes = {"resnet": ResNetGenerator, "convgru_unet": ConvGRUUNetGenerator}
    with torch.device("meta"):
        generator = classes[config["architecture"]](GeneratorConfig(**config))
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
    """Return name -> shape of a critic's parameters, in its order.

    The networks are built in training.ganimation.critics, which this library does not import.
    Arguments are those of its CriticConfig: depth counts strided convolutions, memory the channels
    of the state of the GRU (None: as many as the features). carry changes no shape.
    """
    main, channels = {}, 3
    for i in range(depth):
        main[f"main.{2 * i}.weight"] = (width << i, channels, 4, 4)
        channels = width << i
        main[f"main.{2 * i}.bias"] = (channels,)
    realism, side = (1, channels, 3, 3), image_size >> depth
    if kind == "frame":
        condition = (condition_dim, channels, side, side)
        return main | {"conv1.weight": realism, "conv2.weight": condition}
    memory, gru = memory or channels, {}
    for gate in ("reset", "update", "out"):
        name = f"gru.ConvGRUCell_00.{gate}_gate"
        gru |= {f"{name}.weight": (memory, channels + memory, 3, 3), f"{name}.bias": (memory,)}
    adv, regress = {"adv.weight": realism}, {"regress.weight": (condition_dim, memory, side, side)}
    return main | (adv | gru if kind == "frame_gru" else gru | adv) | regress


def _check_weights(weights: dict[str, Tensor], shapes: dict, file_bytes: int) -> None:
    """Raise ValueError unless the weights fit the network: names, shapes, dtypes, finite values.

    shapes: name -> shape. file_bytes: size of the file.
    """
    if missing := [key for key in shapes if key not in weights]:
        raise ValueError(f"weights are missing ({len(missing)}, such as {missing[0]}).")
    if extra := [key for key in weights if key not in shapes]:
        raise ValueError(f"it has {len(extra)} extra weights, such as {extra[0][:80]}.")
    for key, shape in shapes.items():
        if tuple(weights[key].shape) != shape:
            raise ValueError(f"{key} has the shape {tuple(weights[key].shape)}, not {shape}.")
    floats = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    for key, value in weights.items():
        dense = value.layout == torch.strided and value.device.type == "cpu"
        if not dense or value.dtype not in floats:
            raise ValueError(f"{key} is not a dense tensor of floating-point numbers.")
    # With stride 0, a small file can describe huge tensors. Factor 2: the parameters that
    # `_replace_biases_by_norm_parameters` adds are not in the file.
    if sum(value.nbytes for value in weights.values()) > 2 * file_bytes:
        raise ValueError("its weights are larger than the file.")
    for key, value in weights.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"{key} has values that are not finite numbers.")
