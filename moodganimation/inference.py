"""Inference as fast as this machine allows: norms folded away; precision and cores as found."""

import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .compositing import Edit

ROUNDS = 5  # of a measurement
_PREFERRED: dict[tuple, bool] = {}  # by configuration and device
WORTH = 0.9  # of float32's time, below which bf16 is used


def folded(network: nn.Module) -> nn.Module:
    """The network, for good without the batch norms that follow convolutions: the same function."""
    for module in list(network.modules()):
        for (first, conv), (second, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(conv, norm))
                setattr(module, second, nn.Identity())
    return network


def prepared(network: nn.Module, device: torch.device, bf16: bool | None = None) -> nn.Module:
    """A generator, folded and on its device, that knows its precision: bf16, or the quicker one if
    None. To be called within `quick`."""
    network = folded(network).to(device, memory_format=torch.channels_last)
    if bf16 is None:  # once a process, so that all that it makes is alike
        key = network.config, device
        if key not in _PREFERRED:
            _PREFERRED[key] = prefers_bf16(network, device)
        bf16 = _PREFERRED[key]
    if bf16:  # once, and not in every call
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.shape[2:] != (1, 1):
                module.bfloat16()
    network.bf16 = bf16
    return network


def quick(network: nn.Module):
    """A context in which a network multiplies in its own precision."""
    device = next(network.parameters()).device
    return torch.autocast(device.type, torch.bfloat16, enabled=getattr(network, "bf16", False))


def quickly(network: nn.Module, edits: Iterator[Edit]) -> Iterator[Edit]:
    """Edits of a network, each made in its own precision; what they say is float32."""
    while True:
        with quick(network):
            edit = next(edits, None)
        if edit is None:
            return
        yield Edit(*(part.float() for part in edit))


@torch.inference_mode()
def prefers_bf16(network: nn.Module, device: torch.device) -> bool:
    """Whether the network, a generator, is quicker so on this machine: measured, since processors
    of one name differ (AMX multiplies bf16 in hardware, plain AVX-512 hardly)."""
    size, axes = network.config.image_size, network.config.condition_dim
    source = torch.zeros(1, 3, size, size, device=device).contiguous(
        memory_format=torch.channels_last
    )
    condition = torch.ones(1, axes, device=device)
    times = {True: [], False: []}
    for turn in range(ROUNDS + 1):
        for bf16, taken in times.items():
            began = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                network(source, condition)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:  # the first pays for what is made once
                taken.append(time.perf_counter() - began)
    return min(times[True]) < WORTH * min(times[False])  # other work only ever adds time


def cores() -> int:
    """Processor cores that this process may use: its affinity and its container's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        allowed = min(allowed, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or no limit
        pass
    return max(1, allowed)
