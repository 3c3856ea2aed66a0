"""One training step: supervised pretraining, or adversarial training of generator and critics.

B samples of this process · S generated frames · K scores of a critic: S, or 1 of a clip critic ·
H x W pixels
"""

from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from moodganimation.networks.compositing import Edit
from moodganimation.networks.rollout import Feed

from ..data.batches import Batch
from .experiments import Experiment
from .objectives import (
    Terms,
    critic_losses,
    critic_prefix,
    generate,
    generator_losses,
    gradient_penalties,
    supervised_terms,
    total_loss,
)


@dataclass
class Trainable:
    """A network and its optimizer."""

    network: nn.Module
    optimizer: torch.optim.Optimizer

    def step(self, loss: Tensor, accelerator: Accelerator) -> None:
        """Take one optimizer step along the gradient of the loss, averaged over processes."""
        self.optimizer.zero_grad()
        accelerator.backward(loss)
        if accelerator.num_processes > 1:
            grads = [p.grad for p in self.network.parameters() if p.grad is not None]
            mean = accelerator.reduce(torch.cat([g.flatten() for g in grads]), "mean")
            for grad, part in zip(grads, mean.split([g.numel() for g in grads]), strict=True):
                grad.copy_(part.view_as(grad))
        self.optimizer.step()

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of each group: `rate` times its "share" (a key in state.pt)."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]


@dataclass
class Networks:
    """The generator and the critics of a run."""

    generator: Trainable
    critics: dict[str, Trainable]  # "frame", and "clip" if there is a clip critic


def pretraining_step(networks: Networks, batch: Batch, accelerator: Accelerator) -> Terms:
    """Step the generator on the supervised terms alone, without critics. Not in the original."""
    with accelerator.autocast():
        edit = generate(networks.generator.network, batch, "portrait")
        terms = {f"told.{name}": value for name, value in supervised_terms(edit, batch).items()}
    networks.generator.step(total_loss(terms), accelerator)
    return terms | {"attention": edit.attention.detach().mean()}


def adversarial_step(
    networks: Networks,
    batch: Batch,
    experiment: Experiment,
    interpolation: dict[str, Tensor],
    accelerator: Accelerator,
    feed: Feed = "portrait",
    update_generator: bool = True,
    with_penalty: bool = True,
) -> Terms:
    """Step the critics, with a gradient penalty if requested, and if requested the generator.

    Gulrajani et al. 2017, Alg. 1, in the order of the original: with `penalty_apart` the penalty
    has an optimizer step of its own after that of the critic's loss. interpolation: weights of the
    gradient penalty's interpolation by kind of critic, (K, B). Returns all terms, detached.
    """
    with torch.set_grad_enabled(update_generator), accelerator.autocast():
        edit = generate(networks.generator.network, batch, feed)  # for critics and generator
    fake = edit.composite.detach()
    critic_trainer = CriticTrainer(
        networks.critics, fake, batch, experiment, interpolation, accelerator
    )
    has_penalty_step = with_penalty and experiment.penalty_apart
    terms = critic_trainer.step(with_penalty=with_penalty and not has_penalty_step)
    if has_penalty_step:
        terms |= critic_trainer.step_penalty()
    if update_generator:
        terms |= generator_step(networks, edit, batch, experiment, accelerator)
    return {name: value.detach() for name, value in terms.items()}


@dataclass
class CriticTrainer:
    """Trains the critics on one batch: on their losses, and on their gradient penalties."""

    critics: dict[str, Trainable]
    fake: Tensor  # (B, S, 3, H, W), without gradient
    batch: Batch
    experiment: Experiment
    interpolation: dict[str, Tensor]  # (K, B) for each critic, see `gradient_penalties`
    accelerator: Accelerator

    def step(self, with_penalty: bool) -> Terms:
        """Step every critic on its losses, with or without its gradient penalty."""
        terms = {}
        for kind, critic in self.critics.items():
            critic_terms = self._losses(kind, critic.network)
            if with_penalty:
                critic_terms |= self._penalty(kind, critic.network)
            critic.step(total_loss(critic_terms), self.accelerator)
            terms |= critic_terms
        return terms

    def step_penalty(self) -> Terms:
        """Step every critic on its gradient penalty alone."""
        terms = {}
        for kind, critic in self.critics.items():
            penalty = self._penalty(kind, critic.network)
            critic.step(total_loss(penalty), self.accelerator)
            terms |= penalty
        return terms

    def _losses(self, kind: str, critic: nn.Module) -> Terms:
        with self.accelerator.autocast():
            return critic_losses(kind, critic, self.fake, self.batch, self.experiment)

    def _penalty(self, kind: str, critic: nn.Module) -> Terms:
        with self.accelerator.autocast():
            values = gradient_penalties(
                kind, critic, self.fake, self.batch, self.experiment, self.interpolation[kind]
            )
        return {f"d.{critic_prefix(kind)}penalty": values.sum()}


def generator_step(
    networks: Networks, edit: Edit, batch: Batch, experiment: Experiment, accelerator: Accelerator
) -> Terms:
    """Step the generator while the critics are frozen; edit: its output for the batch."""
    generator = networks.generator
    critics = {kind: trainable.network for kind, trainable in networks.critics.items()}
    for critic in critics.values():
        critic.requires_grad_(False)
    with accelerator.autocast():
        terms = generator_losses(edit, generator.network, critics, batch, experiment)
    generator.step(total_loss(terms), accelerator)
    for critic in critics.values():
        critic.requires_grad_(True)
    return terms
