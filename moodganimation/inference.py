"""Inference as fast as this machine allows: norms folded away; precision and cores as found."""

import copy
import os
import time
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .compiled import compiled

ROUNDS = 5  # of a measurement
_RANKED: dict[tuple, list[str]] = {}  # ways, the quickest first, by configuration and device
WORTH = 0.9  # of float32's time, below which another way is taken


def folded(network: nn.Module) -> nn.Module:
    """The network, for good without the batch norms that follow convolutions: the same function."""
    for module in list(network.modules()):
        for (first, conv), (second, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(conv, norm))
                setattr(module, second, nn.Identity())
    return network


def prepared(network: nn.Module, device: torch.device, bf16: bool | None = None) -> nn.Module:
    """A generator, folded and on its device, that multiplies in bf16 or in float32; None for what
    is quicker there, OpenVINO's way included, measured once a process, so that all that it makes
    is alike."""
    network = folded(network).to(device, memory_format=torch.channels_last)
    if bf16 is None:
        key, engine = (network.config, device), None
        if device.type == "cpu" and _RANKED.get(key, ["OpenVINO"])[0] == "OpenVINO":
            engine = compiled(network)
        if key not in _RANKED:
            ways = {"float32": network, "bf16": multiplying_in_bf16(copy.deepcopy(network))}
            ways |= {"OpenVINO": engine} if engine else {}
            times = dict(zip(ways, seconds(list(ways.values()), device), strict=True))
            times["float32"] *= WORTH
            _RANKED[key] = sorted(times, key=times.get)
        bf16 = _RANKED[key].index("bf16") < _RANKED[key].index("float32")
        if engine and _RANKED[key][0] == "OpenVINO":
            engine.bf16, engine.way = bf16, "OpenVINO"
            return engine
    network.bf16, network.way = bf16, "bf16" if bf16 else "float32"
    return multiplying_in_bf16(network) if bf16 else network


def multiplying_in_bf16(network: nn.Module) -> nn.Module:
    """The network, for good with convolutions of more than a cell in bf16, where nearly all its
    arithmetic is; what is between them stays as it comes."""

    def as_weights(module: nn.Module, inputs: tuple) -> tuple:
        return (inputs[0].to(module.weight.dtype),)

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.kernel_size != (1, 1):
            module.bfloat16()
        alike = isinstance(module, nn.GroupNorm) and module.weight.is_cuda  # CPUs mix types
        if alike or isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.register_forward_pre_hook(as_weights)
    return network


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


def cores() -> int:
    """Processor cores that this process may use: its affinity and its container's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        allowed = min(allowed, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or no limit
        pass
    return max(1, allowed)
