"""Training of a small network that takes minutes and has no state to resume."""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm


def train_one_cycle(
    network: nn.Module,
    draw_loss: Callable[[np.random.Generator], Tensor],
    steps: int,
    max_rate: float,
    weight_decay: float,
    seed: int,
) -> None:
    """Train a network by AdamW with the one-cycle schedule (Smith & Topin 2018).

    draw_loss: draws a batch and returns its loss; its random generator is seeded by (seed, step).
    max_rate: the largest learning rate.
    """
    optimizer = torch.optim.AdamW(network.parameters(), max_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_rate, total_steps=steps)
    started, bar = time.monotonic(), tqdm(range(steps))
    for step in bar:
        loss = draw_loss(np.random.default_rng([seed, step]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            minutes = (time.monotonic() - started) / 60
            bar.set_postfix(loss=f"{float(loss.detach()):.4f}", minutes=f"{minutes:.1f}")
