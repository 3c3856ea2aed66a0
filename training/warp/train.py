"""The training loop of `warp`, in phases: motion, then also painting, then also critics.

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

from ..common.ema import update_average, warmup_decay
from ..common.initial_weights import copy_weights
from ..common.runs import Run, is_due, step_seed
from ..data.pair_batches import PairBatch, SamplingOptions
from ..data.pairs import Pairs, prefetch_pairs
from ..rendering import teeth
from ..rendering.model import load_model
from .critic import Critics, critic_loss
from .experiment import Experiment, Phase, Weights
from .objective import generator_losses
from .sample_sheet import write_sample_sheet

MAX_GRADIENT_NORM, WEIGHT_DECAY = 5.0, 1e-3  # of the generator
CRITIC_BETAS = (0.0, 0.99)  # of Adam
# Critics begin to train at this share of the steps before `critic_from`: they are ahead when the
# adversarial terms begin. In a phase whose `critic_from` is 1 they train in its last tenth.
CRITIC_START = 0.9
# Parts whose learning rate is multiplied by `painter_rate`; `rim` predicts the face distance,
# `geometry` depth and lateral position.
FAST_MODULES = ("painter", "lights", "jaws", "rim", "geometry")


class Objective(nn.Module):
    """The generator's losses as the forward of a module, which is what accelerate wraps."""

    def __init__(self, generator: WarpGenerator):
        super().__init__()
        self.generator = generator

    def forward(
        self, critics: Critics, batch: PairBatch, weights: Weights
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """See `generator_losses`."""
        return generator_losses(self.generator, critics, batch, weights)


def train(
    experiment: Experiment,
    data: Pairs,
    run: Run,
    accelerator: Accelerator,
    start: Path | None = None,
) -> None:
    """Train or resume a run, phase by phase.

    start: a checkpoint from which a new run takes its weights, with gains of 1; the run then skips
    the first phase of `experiment`. From data without known motion `train_warp` has removed the
    phase of motion already, so that the phase of the painter is skipped, too.
    """
    trainer = Trainer(experiment, accelerator)
    first_step = trainer.start_or_resume(data, run, start)
    progress = Progress(run, accelerator, first_step, experiment.steps)

    for step, phase, phase_step, batch in numbered_batches(
        experiment, data, first_step, accelerator
    ):
        progress.add(trainer.step(step, phase, phase_step, batch))
        steps_done = step + 1
        if not accelerator.is_main_process:
            continue
        if is_due(steps_done, experiment.log_every, experiment.steps):
            progress.log(steps_done, rate_at(phase, phase_step))
        if is_due(steps_done, experiment.sample_every, experiment.steps):
            path = run.folder / "samples" / f"{steps_done:07d}.png"
            write_sample_sheet(trainer.average, data, path)
        if is_due(steps_done, experiment.save_every, experiment.steps):
            trainer.save(steps_done, run)

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
        # They are moved first: an optimizer's state is loaded to the device of its parameters.
        critics = Critics(experiment.critic_width, experiment.generator.condition_dim)
        self.critics = critics.to(accelerator.device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False).eval()
        self.generator_optimizer = torch.optim.AdamW(
            parameter_groups(self.generator, experiment.painter_rate),
            weight_decay=WEIGHT_DECAY,
            fused=True,
        )
        self.critic_optimizer = torch.optim.Adam(
            self.critics.parameters(), experiment.critic_rate, betas=CRITIC_BETAS
        )

    def start_or_resume(self, data: Pairs, run: Run, start: Path | None) -> int:
        """Resume the run, or start a new one with the weights of `start`; return the first step.

        It must be called before `step`.
        """
        state = run.load_state("cpu")
        first_step = state["step"] if state else 0
        if self.accelerator.is_main_process:
            run.forget_after(first_step)
        if state:
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
        else:
            if start:
                self.accelerator.print(copy_weights(start, self.generator, self.average))
                for network in (self.generator, self.average):
                    network.gain.fill_(1)  # gains are measured after training
                first_step = self.experiment.phases[0].steps
            init_teeth(self.generator.jaws, data, SPACES[self.experiment.space])
        self._prepare()
        return first_step

    def step(self, step: int, phase: Phase, phase_step: int, batch: PairBatch) -> dict[str, Tensor]:
        """Take a step on a batch: of the generator, and of the critics once they train.

        step: its number in the run; phase_step: in the phase. Returns the terms.
        """
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        torch.manual_seed(step_seed(self.experiment.seed, step * ranks + rank))
        batch = batch.to(self.accelerator.device)
        for group in self.generator_optimizer.param_groups:
            group["lr"] = rate_at(phase, phase_step) * group["scale"]
        terms, composite = self._step_generator(batch, weights_at(phase, phase_step))
        if composite is not None and critics_train_at(phase, phase_step):
            terms["critic"] = self._step_critics(step, batch, composite)
        update_average(self.average, self.generator, warmup_decay(self.experiment.ema, step))
        return terms

    def save(self, steps_done: int, run: Run) -> None:
        """Save the state, and the generator with the averaged weights."""
        state = {name: part.state_dict() for name, part in self._parts().items()}
        run.save_state(state | {"step": steps_done})
        path, space = run.folder / "generator.safetensors", SPACES[self.experiment.space]
        save_generator(path, self.average, space, {"steps": steps_done})

    def _parts(self) -> dict:
        """Networks and optimizers by their keys in state.pt; NAME_step is the optimizer of NAME."""
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
        self, batch: PairBatch, weights: Weights
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

    def _step_critics(self, step: int, batch: PairBatch, composite: Tensor) -> Tensor:
        """Step the critics on labelled photos, see `Phase.photos`, and composites; return their
        loss.

        R1 is applied every `slope_every` steps, with that many times its weight (Karras et al.
        2020, "Lazy regularization").
        """
        self.critics.requires_grad_(True)
        r1_every = self.experiment.slope_every
        r1_weight = self.experiment.slope * r1_every if step % r1_every == 0 else 0.0
        real, fake = (batch.photos, batch.labels), (composite, batch.after)
        loss = critic_loss(self.critics, real, fake, r1_weight)
        self.accelerator.backward(loss)
        for parameter in self.critics.parameters():
            parameter.grad = self.accelerator.reduce(parameter.grad, "mean")
        self.critic_optimizer.step()
        self.critic_optimizer.zero_grad()
        return loss


class Progress:
    """Writes the log of a run and moves the progress bar."""

    def __init__(self, run: Run, accelerator: Accelerator, first_step: int, total_steps: int):
        """Begin before the step `first_step`, counted from 0."""
        self.run, self.started, self.sums, self.count = run, time.monotonic(), {}, 0
        hidden = not accelerator.is_main_process
        self.bar = tqdm(total=total_steps, initial=first_step, disable=hidden, smoothing=0.05)

    def add(self, terms: dict[str, Tensor]) -> None:
        """Add the terms of a step to the sums.

        Terms that this step lacks are dropped, and those that it adds count as 0 in earlier steps.
        This happens where a phase changes, or critics begin, between two log lines: a log line has
        the names of its last step's terms, and their means since the line before.
        """
        self.sums = {key: self.sums.get(key, 0) + value.detach() for key, value in terms.items()}
        self.count += 1
        self.bar.update()

    def log(self, steps_done: int, rate: float) -> None:
        """Log the learning rate, and this process's means since the last call."""
        means = {key: round(float(value) / self.count, 5) for key, value in self.sums.items()}
        seconds = round(time.monotonic() - self.started, 1)
        self.run.log(step=steps_done, seconds=seconds, rate=round(rate, 7), **means)
        self.bar.set_postfix({k: f"{v:.3f}" for k, v in means.items()}, refresh=False)
        self.sums, self.count = {}, 0


def numbered_batches(
    experiment: Experiment, data: Pairs, first_step: int, accelerator: Accelerator
) -> Iterator[tuple[int, Phase, int, PairBatch]]:
    """Yield the batches of the steps from `first_step` on.

    Each comes as the step's number in the run, its phase, its number in the phase, and its batch.
    """
    rank, ranks = accelerator.process_index, accelerator.num_processes
    for phase_start, phase in remaining_phases(experiment, first_step):
        options = SamplingOptions(
            phase.batch // ranks, phase.photos // ranks, phase.reverse, phase.opening
        )
        steps = range(max(first_step, phase_start), phase_start + phase.steps)
        loaded = prefetch_pairs(data, experiment.seed, steps, rank, options)
        for step, batch in zip(steps, loaded, strict=True):
            yield step, phase, step - phase_start, batch


# Units that may open or close a mouth. For all others the warped photo shows everything needed.
PAINTED_UNITS = ("AU16", "AU22", "AU23", "AU24", "AU25", "AU26", "AU27", "AU28")


def set_axes(generator: WarpGenerator, space: ExpressionSpace) -> None:
    """Set the buffers of a generator that depend on its space: the motion fields of each axis, and
    which fields may paint, those of PAINTED_UNITS, or all if the space has none of them."""
    axes = axis_map(space)
    if generator.config.has_sides:
        for name, part in (("left_units", "left"), ("right_units", "right"), ("turns", "turns")):
            getattr(generator, name).copy_(torch.from_numpy(getattr(axes, part)))
    may_paint = torch.tensor([key in PAINTED_UNITS for key in axes.fields]).float()
    generator.paints.copy_(may_paint if may_paint.any() else torch.ones_like(may_paint))


def init_teeth(jaws: Jaws, data: Pairs, space: ExpressionSpace) -> None:
    """Set the pictures of teeth, the jaw drop of each motion field, and the mean placement of the
    teeth over the faces of the data."""
    model = load_model()
    for name, picture in teeth.render_pictures(model).items():
        getattr(jaws, name).copy_(torch.from_numpy(picture).movedim(-1, 0))
    drops = teeth.jaw_drop(model)
    fields = axis_map(space).fields
    jaws.falls.copy_(torch.tensor([drops.get(field, 0.0) for field in fields]))
    placements = [
        np.concatenate([np.ravel(part) for part in (upper, lower, white)])
        for upper, lower, white, _ in data.jaws.values()
    ]
    if placements:
        jaws.usual.copy_(torch.from_numpy(np.mean(placements, 0)))


def parameter_groups(generator: nn.Module, painter_rate: float) -> list[dict]:
    """Return the optimizer's groups; "scale", a key in state.pt, multiplies their learning rate."""
    named = list(generator.named_parameters())
    fast = [p for name, p in named if name.startswith(FAST_MODULES)]
    others = [p for name, p in named if not name.startswith(FAST_MODULES)]
    return [{"params": others, "scale": 1.0}, {"params": fast, "scale": painter_rate}]


def remaining_phases(experiment: Experiment, first_step: int) -> Iterator[tuple[int, Phase]]:
    """Yield the phases that have steps from `first_step` on, each with the number of its first."""
    phase_start = 0
    for phase in experiment.phases:
        if first_step < phase_start + phase.steps:
            yield phase_start, phase
        phase_start += phase.steps


def rate_at(phase: Phase, step: int) -> float:
    """The learning rate at a step of a phase: linear warm-up, then a cosine to the final rate."""
    if step < phase.warmup:
        return phase.rate * (step + 1) / phase.warmup
    progress = (step - phase.warmup) / max(1, phase.steps - phase.warmup)
    factor = (1 + math.cos(math.pi * progress)) / 2
    return phase.final_rate + (phase.rate - phase.final_rate) * factor


def weights_at(phase: Phase, step: int) -> Weights:
    """The weights at a step of a phase: until `critic_from` without adversarial terms."""
    if step >= phase.critic_from * phase.steps:
        return phase.weights
    return dataclasses.replace(phase.weights, realism=0.0, features=0.0)


def critics_train_at(phase: Phase, step: int) -> bool:
    """Whether critics train at a step of a phase (one whose composite is trained)."""
    return step >= phase.critic_from * phase.steps * CRITIC_START
