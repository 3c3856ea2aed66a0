"""Inference as fast as this machine allows: norms folded away, precision and engine
as measured."""

import copy
import logging
import time
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .openvino import compiled

LOG = logging.getLogger("moodganimation.runtime.backends")
INT8 = "OpenVINO int8"
ROUNDS = 5  # of a measurement
_RANKED: dict[tuple, list[str]] = {}  # backends, the quickest first, by configuration and device
WORTH = 0.9  # share of the time of float32 below which another backend is taken
ALIKE = 40  # decibels that int8 must reach, or it is not taken


def fuse_batchnorm(network: nn.Module) -> nn.Module:
    """The network, for good without the batch norms that follow convolutions: the same function."""
    for module in list(network.modules()):
        for (first, conv), (second, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(conv, norm))
                setattr(module, second, nn.Identity())
    return network


def optimize(
    network: nn.Module, device: torch.device, backends: Sequence[str] | None = None
) -> nn.Module:
    """Return a generator with fused norms on its device, run by the first of `backends` that can.

    backends: names of BACKENDS; by default ranked by speed, measured once a process, so that all
    pictures of a process agree. Raises ValueError for an unknown name.
    """
    if backends is not None and (
        isinstance(backends, str) or not backends or not set(backends) <= set(BACKENDS)
    ):
        raise ValueError(f"backends must be a list of {', '.join(BACKENDS)}, not {backends!r}.")
    network = fuse_batchnorm(network).to(device, memory_format=torch.channels_last)
    key, made = (network.config, device), {}
    if backends is None and key not in _RANKED:
        made = {backend: found for backend, make in BACKENDS.items() if (found := make(network))}
        times = dict(zip(made, seconds(list(made.values()), device), strict=True))
        times["float32"] *= WORTH
        _RANKED[key] = sorted(times, key=times.get)
    backends = tuple(backends or _RANKED[key])
    for backend in (*backends, "float32"):
        found = made.get(backend) or BACKENDS[backend](network)
        if found and (backend != INT8 or outputs_match(found, network)):
            break
    found.backend, found.backends = backend, backends
    return found


@torch.inference_mode()
def outputs_match(quick: nn.Module, network: nn.Module) -> bool:
    """Whether a generator shows what another does, with its first axis at 1 and with all, on a
    drawn face, light and dark: flat, so that errors have nowhere to hide. What is not is said."""
    axes, light = network.config.condition_dim, drawn_face(network.config.image_size)
    source = torch.cat([light, (light - 3) / 4]).repeat(2, 1, 1, 1)
    condition = torch.cat([torch.eye(1, axes), torch.ones(1, axes)]).repeat_interleave(2, 0)
    shown, wanted = (one(source, condition)[0].composite for one in (quick, network))
    found = psnr(shown, wanted)
    if found < ALIKE:
        LOG.warning(
            "In int8 this %s generator shows something else (%.1f dB, %d are asked for), "
            "so it is not used.",
            network.config.architecture,
            found,
            ALIKE,
        )
    return found >= ALIKE


def psnr(shown: Tensor, wanted: Tensor) -> float:
    """PSNR of the worst of some pictures (B, 3, H, W) in [-1, 1]; 126 at most, where they equal."""
    errors = (shown - wanted).square().mean(dim=(1, 2, 3))
    return float(10 * torch.log10(4 / errors.max().clamp(min=1e-12)))


def drawn_face(side: int) -> Tensor:
    """(1, 3, side, side) in [-1, 1]: a pale round with two eyes and a mouth."""
    x = torch.linspace(-1, 1, side)

    def spot(left: float, top: float, size: float) -> Tensor:
        return torch.exp(-((x - left) ** 2 + (x[:, None] - top) ** 2) / size**2)

    dark = spot(-0.35, -0.2, 0.15) + spot(0.35, -0.2, 0.15) + spot(0, 0.45, 0.2)
    light = 1.4 * spot(0, 0, 0.7) - 0.9 * dark - 0.8
    return (light * torch.tensor([1.0, 0.85, 0.7])[:, None, None])[None].clamp(-1, 1)


def multiplying_in_bf16(network: nn.Module) -> nn.Module:
    """The network, for good with convolutions of more than a cell in bf16, where nearly all its
    arithmetic is; what is between them stays as it comes."""

    def as_weights(module: nn.Module, inputs: tuple) -> tuple:
        return (inputs[0].to(module.weight.dtype),)

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.kernel_size != (1, 1):
            module.bfloat16()
        one_type = isinstance(module, nn.GroupNorm) and module.weight.is_cuda  # CPUs mix types
        if one_type or isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.register_forward_pre_hook(as_weights)
    return network


BACKENDS = {  # how a generator may be made; None where it cannot be
    "float32": lambda network: network,
    "bf16": lambda network: multiplying_in_bf16(copy.deepcopy(network)),
    "OpenVINO": lambda network: compiled(network),
    INT8: lambda network: compiled(network, int8=True),
}


@torch.inference_mode()
def seconds(networks: list[nn.Module], device: torch.device) -> list[float]:
    """What an edit of one face takes each of some generators of one configuration, at best: other
    work only ever adds time. Measured, since processors of one name differ (AMX multiplies bf16 in
    hardware, plain AVX-512 hardly)."""
    size, axes = networks[0].config.image_size, networks[0].config.condition_dim
    source = torch.zeros(1, 3, size, size, device=device).contiguous(
        memory_format=torch.channels_last
    )
    condition = torch.ones(1, axes, device=device)
    times = [[] for _ in networks]
    for turn in range(ROUNDS + 1):
        for network, taken in zip(networks, times, strict=True):
            began = time.perf_counter()
            network(source, condition)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:  # the first pays for what is made once
                taken.append(time.perf_counter() - began)
    return [min(taken) for taken in times]
