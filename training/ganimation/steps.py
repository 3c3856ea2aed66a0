"""One step of training: of a lesson, or of the game between generator and critics.

B batch · S scores of a critic.
"""

from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ..data.batches import Batch
from .experiments import Experiment
from .objectives import Terms, critic_losses, generate, generator_losses, penalties, told


@dataclass
class Player:
    """A network and what moves it."""

    network: nn.Module
    optimizer: torch.optim.Optimizer

    def step(self, loss: Tensor, accelerator: Accelerator) -> None:
        """Descend once along the gradient, averaged over processes."""
        self.optimizer.zero_grad()
        accelerator.backward(loss)
        if accelerator.num_processes > 1:
            grads = [p.grad for p in self.network.parameters() if p.grad is not None]
            mean = accelerator.reduce(torch.cat([g.flatten() for g in grads]), "mean")
            for grad, part in zip(grads, mean.split([g.numel() for g in grads]), strict=True):
                grad.copy_(part.view_as(grad))
        self.optimizer.step()

    def rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]


@dataclass
class Players:
    generator: Player
    critics: dict[str, Player]  # "frame", and "clip" where there is one


def lesson_step(players: Players, batch: Batch, accelerator: Accelerator) -> Terms:
    """Ours: tell the heads what the target picture knows. No critic takes part."""
    with accelerator.autocast():
        edit = generate(players.generator.network, batch, "portrait")
        terms = {f"told.{name}": value for name, value in told(edit, batch).items()}
    players.generator.step(sum(terms.values()), accelerator)
    return terms | {"attention": edit.attention.detach().mean()}


def adversarial_step(
    players: Players,
    batch: Batch,
    experiment: Experiment,
    mix: dict[str, Tensor],
    accelerator: Accelerator,
    feed: str = "portrait",
    generator_too: bool = True,
    penalized: bool = True,
) -> Terms:
    """Critics once, their gradient penalties and the generator when it is their turn.

    Gulrajani et al. 2017, Alg. 1, in the order of the seed: it takes a step of its own for the
    penalty, from the weights after the first (`penalty_apart`). mix: (S, B) for each critic.
    """
    terms, generator = {}, players.generator.network
    with torch.set_grad_enabled(generator_too), accelerator.autocast():
        there = generate(generator, batch, feed)  # once: its weights move last
    fake = there.composite.detach()

    def penalty(kind: str, critic: nn.Module) -> Terms:
        prefix = "clip_" if kind == "clip" else ""
        with accelerator.autocast():
            values = penalties(kind, critic, fake, batch, experiment, mix[kind])
        return {f"d.{prefix}penalty": values.sum()}

    for kind, player in players.critics.items():
        with accelerator.autocast():
            losses = critic_losses(kind, player.network, fake, batch, experiment)
        if penalized and not experiment.penalty_apart:
            losses |= penalty(kind, player.network)
        player.step(sum(losses.values()), accelerator)
        terms |= losses
    for kind, player in players.critics.items() if penalized and experiment.penalty_apart else ():
        losses = penalty(kind, player.network)
        player.step(sum(losses.values()), accelerator)
        terms |= losses

    if generator_too:
        critics = {kind: player.network for kind, player in players.critics.items()}
        for critic in critics.values():
            critic.requires_grad_(False)
        with accelerator.autocast():
            losses = generator_losses(there, generator, critics, batch, experiment)
        players.generator.step(sum(v for k, v in losses.items() if "." in k), accelerator)
        for critic in critics.values():
            critic.requires_grad_(True)
        terms |= losses
    return {name: value.detach() for name, value in terms.items()}
