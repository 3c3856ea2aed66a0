"""One step of training: of a lesson, or of the game between generator and critics.

B batch · S scores of a critic.
"""

from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from moodganimation.networks.compositing import Edit

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
    with torch.set_grad_enabled(generator_too), accelerator.autocast():
        edit = generate(players.generator.network, batch, feed)  # once: its weights move last
    fake = edit.composite.detach()
    trainer = CriticTrainer(players.critics, fake, batch, experiment, mix, accelerator)
    penalty_apart = penalized and experiment.penalty_apart
    terms = trainer.step(with_penalty=penalized and not penalty_apart)
    if penalty_apart:
        terms |= trainer.step_penalty()
    if generator_too:
        terms |= generator_step(players, edit, batch, experiment, accelerator)
    return {name: value.detach() for name, value in terms.items()}


@dataclass
class CriticTrainer:
    """Trains the critics on one batch: on their losses, and on gradient penalties."""

    critics: dict[str, Player]
    fake: Tensor  # (B, S, 3, H, W), without gradient
    batch: Batch
    experiment: Experiment
    mix: dict[str, Tensor]  # (S, B) for each critic
    accelerator: Accelerator

    def step(self, with_penalty: bool) -> Terms:
        """Step every critic along its losses, with or without its gradient penalty."""
        terms = {}
        for kind, critic in self.critics.items():
            losses = self._losses(kind, critic.network)
            if with_penalty:
                losses |= self._penalty(kind, critic.network)
            critic.step(sum(losses.values()), self.accelerator)
            terms |= losses
        return terms

    def step_penalty(self) -> Terms:
        """Step every critic along its gradient penalty alone."""
        terms = {}
        for kind, critic in self.critics.items():
            penalty = self._penalty(kind, critic.network)
            critic.step(sum(penalty.values()), self.accelerator)
            terms |= penalty
        return terms

    def _losses(self, kind: str, critic: nn.Module) -> Terms:
        with self.accelerator.autocast():
            return critic_losses(kind, critic, self.fake, self.batch, self.experiment)

    def _penalty(self, kind: str, critic: nn.Module) -> Terms:
        prefix = "clip_" if kind == "clip" else ""
        with self.accelerator.autocast():
            values = penalties(kind, critic, self.fake, self.batch, self.experiment, self.mix[kind])
        return {f"d.{prefix}penalty": values.sum()}


def generator_step(
    players: Players, edit: Edit, batch: Batch, experiment: Experiment, accelerator: Accelerator
) -> Terms:
    """Step the generator while the critics are frozen; edit: what it generated of the batch."""
    generator = players.generator
    critics = {kind: player.network for kind, player in players.critics.items()}
    for critic in critics.values():
        critic.requires_grad_(False)
    with accelerator.autocast():
        losses = generator_losses(edit, generator.network, critics, batch, experiment)
    generator.step(sum(value for name, value in losses.items() if "." in name), accelerator)
    for critic in critics.values():
        critic.requires_grad_(True)
    return losses
