"""The training loop of `warp`: fields first, then the painter too, then with critics.

Every step is a function of the state and of (seed, step), so a resumed run equals one that never
stopped, to the bit, on the same machine and number of processes.
"""

import copy
import dataclasses
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from moodganimation.checkpoints.files import build_generator, save_generator
from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import SPACES, ExpressionSpace
from moodganimation.networks.teeth import Jaws
from moodganimation.networks.warp import WarpGenerator

from ..common.ema import follow
from ..common.runs import Run, is_due
from ..data.pairs import Batch, Draw, Pairs, prefetch
from ..ganimation.train import begin_with
from ..rendering import teeth
from ..rendering.model import load_model
from .critic import Critics, critic_loss
from .experiment import Experiment, Phase, Weights
from .objective import generator_losses
from .samples import sample_sheet

MAX_GRADIENT_NORM = 5.0  # of the generator
CRITIC_LEAD = 0.9  # critics start training at this share of the steps before the adversarial terms


class Objective(nn.Module):
    """The generator's losses as a module's forward, which is what accelerate wraps."""

    def __init__(self, generator: nn.Module):
        super().__init__()
        self.generator = generator

    def forward(self, critics, batch, weights):
        return generator_losses(self.generator, critics, batch, weights)


def train(
    experiment: Experiment,
    data: Pairs,
    run: Run,
    accelerator: Accelerator,
    start: Path | None = None,
) -> None:
    """Train in phases: fields, then the painter too, then against critics.

    start: a checkpoint that a fresh run begins with, at the last phase.
    """
    trainer = Trainer(experiment, accelerator)
    first = trainer.begin(data, run, start)
    progress = Progress(run, accelerator, first, experiment.steps)

    for step, phase, phase_step, batch in batches(experiment, data, first, accelerator):
        progress.add(trainer.step(step, phase, phase_step, batch))
        done = step + 1
        if not accelerator.is_main_process:
            continue
        if is_due(done, experiment.log_every, experiment.steps):
            progress.log(done, rate_at(phase, phase_step))
        if is_due(done, experiment.sample_every, experiment.steps):
            sample_sheet(trainer.average, data, run.folder / "samples" / f"{done:07d}.png")
        if is_due(done, experiment.save_every, experiment.steps):
            trainer.save(done, run)

    progress.bar.close()


class Trainer:
    """The networks of a run with their optimizers, and one step of their training."""

    def __init__(self, experiment: Experiment, accelerator: Accelerator):
        self.experiment, self.accelerator = experiment, accelerator
        torch.manual_seed(experiment.seed)
        generator = build_generator(experiment.generator)
        self.generator = generator.to(memory_format=torch.channels_last)
        set_axes(self.generator, SPACES[experiment.space])
        # Critics are small and not wrapped by accelerate: `_step_critics` reduces their gradients.
        # They are placed before their optimizer's state is loaded, which follows them.
        critics = Critics(experiment.critic_width, experiment.generator.condition_dim)
        self.critics = critics.to(accelerator.device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.generator_optimizer = torch.optim.AdamW(
            groups(self.generator, experiment.painter_rate), weight_decay=1e-3, fused=True
        )
        self.critic_optimizer = torch.optim.Adam(
            self.critics.parameters(), experiment.critic_rate, betas=(0.0, 0.99)
        )

    def begin(self, data: Pairs, run: Run, start: Path | None) -> int:
        """Resume the run, or begin a fresh one; returns the first step. Call it before `step`."""
        state = run.load_state("cpu")
        first = state["step"] if state else 0
        if self.accelerator.is_main_process:
            run.forget_after(first)
        if state:
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
        else:
            if start:
                self.accelerator.print(begin_with(start, self.generator, self.average))
                first = self.experiment.steps - self.experiment.phases[-1].steps
            init_teeth(self.generator.jaws, data, SPACES[self.experiment.space])
        self._prepare()
        return first

    def step(self, step: int, phase: Phase, phase_step: int, batch: Batch) -> dict[str, Tensor]:
        """Train the generator on a batch, and the critics once they take part; return the terms."""
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        torch.manual_seed(self.experiment.seed * 1_000_003 + step * ranks + rank)
        batch = batch.to(self.accelerator.device)
        for group in self.generator_optimizer.param_groups:
            group["lr"] = rate_at(phase, phase_step) * group["scale"]
        terms, composite = self._step_generator(batch, weights_at(phase, phase_step))
        if composite is not None and critics_learn_at(phase, phase_step):
            terms["critic"] = self._step_critics(step, batch, composite)
        follow(self.average, self.generator, min(self.experiment.ema, (1 + step) / (10 + step)))
        return terms

    def save(self, done: int, run: Run) -> None:
        """Save the state, and the average as a generator to use."""
        state = {name: part.state_dict() for name, part in self._parts().items()}
        run.save_state(state | {"step": done})
        path, space = run.folder / "generator.safetensors", SPACES[self.experiment.space]
        save_generator(path, self.average, space, {"steps": done})

    def _parts(self) -> dict:
        """All that must survive a restart, by name."""
        return {
            "generator": self.generator,
            "critics": self.critics,
            "average": self.average,
            "generator_step": self.generator_optimizer,
            "critic_step": self.critic_optimizer,
        }

    def _prepare(self) -> None:
        """Place networks and the generator's optimizer on this process's device."""
        self.average.to(self.accelerator.device)
        self.objective, self.generator_optimizer = self.accelerator.prepare(
            Objective(self.generator), self.generator_optimizer
        )

    def _step_generator(
        self, batch: Batch, weights: Weights
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """Step the generator while the critics are frozen; see `generator_losses`."""
        self.objective.train()
        self.critics.requires_grad_(False)
        terms, composite = self.objective(self.critics, batch, weights)
        self.accelerator.backward(sum(terms.values()))
        self.accelerator.clip_grad_norm_(self.generator.parameters(), MAX_GRADIENT_NORM)
        self.generator_optimizer.step()
        self.generator_optimizer.zero_grad()
        return terms, composite

    def _step_critics(self, step: int, batch: Batch, composite: Tensor) -> Tensor:
        """Step the critics on photographs and composites; return their loss.

        R1 is taken every `slope_every` steps, that many times as strong (Karras et al. 2020).
        """
        self.critics.requires_grad_(True)
        every = self.experiment.slope_every
        loss = critic_loss(
            self.critics,
            (batch.photos, batch.labels),
            (composite, batch.after),
            self.experiment.slope * every if step % every == 0 else 0.0,
        )
        self.accelerator.backward(loss)
        for parameter in self.critics.parameters():
            parameter.grad = self.accelerator.reduce(parameter.grad, "mean")
        self.critic_optimizer.step()
        self.critic_optimizer.zero_grad()
        return loss


class Progress:
    """Writes the log of a run and moves the progress bar."""

    def __init__(self, run: Run, accelerator: Accelerator, first: int, total: int):
        """first: steps done before, out of `total`."""
        self.run, self.began, self.sums, self.count = run, time.monotonic(), {}, 0
        hidden = not accelerator.is_main_process
        self.bar = tqdm(total=total, initial=first, disable=hidden, smoothing=0.05)

    def add(self, terms: dict[str, Tensor]) -> None:
        """Count a step."""
        self.sums = {key: self.sums.get(key, 0) + value.detach() for key, value in terms.items()}
        self.count += 1
        self.bar.update()

    def log(self, done: int, rate: float) -> None:
        """Log this process's means since the last call."""
        means = {key: round(float(value) / self.count, 5) for key, value in self.sums.items()}
        seconds = round(time.monotonic() - self.began, 1)
        self.run.log(step=done, seconds=seconds, rate=round(rate, 7), **means)
        self.bar.set_postfix({k: f"{v:.3f}" for k, v in means.items()}, refresh=False)
        self.sums, self.count = {}, 0


def batches(
    experiment: Experiment, data: Pairs, first: int, accelerator: Accelerator
) -> Iterator[tuple[int, Phase, int, Batch]]:
    """Every step from `first` on: its number, its phase, its number in the phase and its batch."""
    rank, ranks = accelerator.process_index, accelerator.num_processes
    for phase_start, phase in phases(experiment, first):
        draw = Draw(phase.batch // ranks, phase.photos // ranks, phase.reverse, phase.opening)
        steps = range(max(first, phase_start), phase_start + phase.steps)
        drawn = prefetch(data, experiment.seed, steps, rank, draw)
        for step, batch in zip(steps, drawn, strict=True):
            yield step, phase, step - phase_start, batch


# Units that may open a mouth, or close it: what the others need is in the photo and has to move.
PAINTING = ("AU16", "AU22", "AU23", "AU24", "AU25", "AU26", "AU27", "AU28")


def set_axes(generator: WarpGenerator, space: ExpressionSpace) -> None:
    """Tell a generator what the axes of a space move, and which units may paint; all may where none
    has a name that says so."""
    axes = axis_map(space)
    if generator.config.unit_fields:
        for name, part in (("left_units", "left"), ("right_units", "right"), ("turns", "turns")):
            getattr(generator, name).copy_(torch.from_numpy(getattr(axes, part)))
    may = [key in PAINTING for key in axes.units]
    generator.paints.copy_(torch.tensor(may if any(may) else [True] * len(may)).float())


def init_teeth(jaws: Jaws, data: Pairs, space: ExpressionSpace) -> None:
    """Give it the pictures of the face model, and the places of a mean face of the data."""
    model = load_model()
    for name, picture in teeth.pictures(model).items():
        getattr(jaws, name).copy_(torch.from_numpy(picture).movedim(-1, 0))
    falls = teeth.falls(model)
    units = axis_map(space).units
    jaws.falls.copy_(torch.tensor([falls.get(unit, 0.0) for unit in units]))
    places = [
        np.concatenate([np.ravel(part) for part in found[:3]]) for found in data.jaws.values()
    ]
    if places:
        jaws.usual.copy_(torch.from_numpy(np.mean(places, 0)))


def groups(generator: nn.Module, painter_rate: float) -> list[dict]:
    """Parameters by learning rate: painter and lights begin later and may learn faster."""
    late = ("painter", "lights", "jaws", "rim", "geometry")
    named = list(generator.named_parameters())
    painter = [p for name, p in named if name.startswith(late)]
    rest = [p for name, p in named if not name.startswith(late)]
    return [{"params": rest, "scale": 1.0}, {"params": painter, "scale": painter_rate}]


def phases(experiment: Experiment, first: int):
    """(first step, phase) of every phase that is not yet over."""
    start = 0
    for phase in experiment.phases:
        if first < start + phase.steps:
            yield start, phase
        start += phase.steps


def rate_at(phase: Phase, step: int) -> float:
    """Linear warm-up, then a cosine down to the final rate."""
    if step < phase.warmup:
        return phase.rate * (step + 1) / phase.warmup
    share = (step - phase.warmup) / max(1, phase.steps - phase.warmup)
    return phase.final_rate + (phase.rate - phase.final_rate) * (1 + math.cos(math.pi * share)) / 2


def weights_at(phase: Phase, step: int) -> Weights:
    """The phase's weights, without realism before critics speak."""
    if step >= phase.critic_from * phase.steps:
        return phase.weights
    return dataclasses.replace(phase.weights, realism=0.0, features=0.0)


def critics_learn_at(phase: Phase, step: int) -> bool:
    """Whether critics train at a step of a phase: they start before the generator uses them."""
    return step >= phase.critic_from * phase.steps * CRITIC_LEAD
