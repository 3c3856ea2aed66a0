"""Exponential moving average (EMA) of weights, which sample sheets and checkpoints use."""

import torch
from torch import nn


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Set `average`, in place, to decay * average + (1 - decay) * network; buffers are copied."""
    current = [p.detach() for p in network.parameters()]
    torch._foreach_lerp_(list(average.parameters()), current, 1 - decay)
    for averaged, buffer in zip(average.buffers(), network.buffers(), strict=True):
        averaged.copy_(buffer)


def warmup_decay(decay: float, updates: int) -> float:
    """The decay of the next update of an average, after a number of updates.

    It rises from 0.1 to `decay`, so that the initial weights lose their influence soon.
    """
    return min(decay, (1 + updates) / (10 + updates))
