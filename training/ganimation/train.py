"""The training loop of the six systems: pretraining stages, if any, then adversarial training.

Every step is a function of the state and of (seed, step), so a resumed run equals one that never
stopped, to the bit, on the same machine and number of processes.
"""

import copy
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from moodganimation.checkpoints.files import build_generator, save_generator
from moodganimation.expressions.spaces import space_named
from moodganimation.networks.convgru import gate_parameters, init_orthogonal_
from moodganimation.networks.rollout import Feed

from ..common.ema import update_average, warmup_decay
from ..common.health import Guard, TrainingDiverged
from ..common.initial_weights import copy_weights
from ..common.runs import Run, is_due, step_seed
from ..data.batches import Batch, BatchSpec, Samples, prefetch
from .critic_checkpoint import save_critic
from .critics import build_critic
from .experiments import Experiment, PretrainStage
from .objectives import Terms
from .sample_sheets import SampleSheets
from .steps import Networks, Trainable, adversarial_step, pretraining_step


def train(
    experiment: Experiment,
    samples: Samples,
    sheets: SampleSheets | None,
    run: Run,
    accelerator: Accelerator,
    start: Path | None = None,
) -> None:
    """Train or resume a run by WGAN-GP (Gulrajani et al. 2017, Alg. 1) on the objective of
    GANimation (Pumarola et al. 2018).

    sheets: written every `sample_every` steps. start: a checkpoint from which a new run takes the
    weights that fit.
    """
    rank, ranks = accelerator.process_index, accelerator.num_processes
    check_batch_sizes(experiment, ranks)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    dtype = torch.float64 if experiment.precision == "float64" else torch.float32
    networks, average = build_networks(experiment, accelerator.device, dtype)
    first_step = start_or_resume(networks, average, run, accelerator, start)
    total_steps = experiment.total_steps(len(samples))
    trainer = Trainer(experiment, networks, average, len(samples), accelerator)
    progress = Progress(run, accelerator, first_step, total_steps)
    specs = batch_specs(experiment, first_step, total_steps)
    batches = prefetch(samples, experiment.seed, specs, rank, ranks)

    for spec, batch, waited in batches:
        terms = trainer.step(spec.step, batch.to(accelerator.device, dtype))
        progress.add(terms, waited)
        steps_done = spec.step + 1
        if is_due(steps_done, experiment.log_every, total_steps):
            progress.log(steps_done)
        if rank == 0 and sheets and is_due(steps_done, experiment.sample_every, total_steps):
            trainer.write_sheet(sheets, spec, run)
        if rank == 0 and is_due(steps_done, experiment.save_every, total_steps):
            save_run(networks, average, steps_done, experiment, run)

    progress.bar.close()
    accelerator.wait_for_everyone()
    if getattr(samples, "unreadable", None):
        progress.bar.write(
            f"{len(samples.unreadable)} pictures could not be read and were skipped."
        )


@dataclass
class Trainer:
    """The networks of a run, and one step of their training."""

    experiment: Experiment
    networks: Networks
    # Generator with the moving average of the weights; the trained generator itself if ema is 0.
    average: torch.nn.Module
    sample_count: int  # photos or clips of the training split
    accelerator: Accelerator

    def step(self, step: int, batch: Batch) -> Terms:
        """Take a pretraining or adversarial step on a batch; step: its number in the run."""
        # number: of the step in its stage, or among the adversarial steps
        stage, number = self.experiment.stage_at(step)
        if stage:
            self.networks.generator.set_rate(pretraining_rate(stage, number))
            terms = pretraining_step(self.networks, batch, self.accelerator)
            self._update_average(step)
            return terms
        self._set_rates(number)
        update_generator, with_penalty = self.experiment.updates_at(number)
        terms = adversarial_step(
            self.networks,
            batch,
            self.experiment,
            self._draw_interpolation(step, batch),
            self.accelerator,
            feed_at(self.experiment, number, self.sample_count),
            update_generator,
            with_penalty,
        )
        if update_generator:
            generator_steps = number // self.experiment.n_critic
            self._update_average(self.experiment.pretraining_steps + generator_steps)
        return terms

    def write_sheet(self, sheets: SampleSheets, spec: BatchSpec, run: Run) -> None:
        """Write the sample sheet of a step and log its errors."""
        steps_done, stage = spec.step + 1, self.experiment.stage_at(spec.step)[0]
        path = run.folder / "samples" / f"{steps_done:07d}.png"
        feed = "portrait" if stage else inference_feed(self.experiment)
        run.log(step=steps_done, **sheets.write(self.average, path, spec.size, feed))

    def _set_rates(self, number: int) -> None:
        """Set the learning rates of an adversarial step; number: among these steps."""
        factor = self.experiment.rate_factor_at(number, self.sample_count)
        self.networks.generator.set_rate(self.experiment.rate * factor)
        for critic in self.networks.critics.values():
            critic.set_rate(self.experiment.critic_rate * factor)

    def _draw_interpolation(self, step: int, batch: Batch) -> dict[str, Tensor]:
        """Draw this process's interpolation weights, on its device and in its dtype."""
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        interpolation = draw_interpolation(
            self.experiment, step, batch.targets.shape[1], rank, ranks
        )
        return {kind: weights.to(batch.frames) for kind, weights in interpolation.items()}

    def _update_average(self, generator_steps: int) -> None:
        """Update the average after a step of the generator.

        generator_steps: how many it took before, counting also those that `critics_ahead` left out.
        """
        network = self.networks.generator.network
        if self.average is not network:
            decay = warmup_decay(self.experiment.ema, generator_steps)
            update_average(self.average, network, decay)


class Progress:
    """Writes the log of a run, with the guard's warnings, and moves the progress bar."""

    def __init__(self, run: Run, accelerator: Accelerator, first_step: int, total_steps: int):
        """Begin before the step `first_step`, counted from 0."""
        self.run, self.is_main = run, accelerator.is_main_process
        self.running_means, self.guard = RunningMeans(accelerator), Guard()
        for row in run.read_log():
            self.guard.check(row)  # so that warnings of earlier steps are not repeated
        self.bar = tqdm(
            total=total_steps,
            initial=min(first_step, total_steps),
            disable=not self.is_main,
            smoothing=0.05,
        )
        self.started, self.waited = time.monotonic(), 0.0

    def add(self, terms: Terms, waited: float) -> None:
        """Count a step; waited: for its batch [s]."""
        self.waited += waited
        self.running_means.add(terms)
        self.bar.update()

    def log(self, steps_done: int) -> None:
        """Log the means since the last call. Every process must call it; the main one writes."""
        seconds, means = time.monotonic() - self.started, self.running_means.take()
        if not self.is_main:
            return
        for warning in self.guard.check(means):
            self.bar.write(f"guard: {warning}")
            self.run.log(step=steps_done, guard=warning)
        loading = round(self.waited / max(seconds, 1e-9), 4)  # share of the time
        self.run.log(step=steps_done, seconds=round(seconds, 1), loading=loading, **means)
        self.bar.set_postfix({k: f"{v:.3g}" for k, v in means.items()}, refresh=False)


def check_batch_sizes(experiment: Experiment, processes: int) -> None:
    """Raise ValueError for a batch size that is not a multiple of the number of processes."""
    for batch_size in (experiment.batch, *(stage.batch for stage in experiment.lessons)):
        if batch_size % processes:
            raise ValueError(f"A batch of {batch_size} cannot be shared by {processes} processes.")


def build_networks(experiment: Experiment, device, dtype) -> tuple[Networks, torch.nn.Module]:
    """Build the networks, equal in every process, and the generator with the averaged weights.

    The optimizers have two groups of parameters: all that do not belong to a ConvGRU, then those
    that do.
    """
    torch.manual_seed(experiment.seed)
    betas = (experiment.beta1, experiment.beta2)

    def trainable(network, rate: float) -> Trainable:
        if experiment.gates != "normal":
            init_orthogonal_(network, experiment.gates == "open")
        network = network.to(device, dtype)
        groups = [{"params": [], "share": 1.0}, {"params": [], "share": experiment.gate_rate}]
        gates = gate_parameters(network)
        for parameter in network.parameters():
            groups[parameter in gates]["params"].append(parameter)
        return Trainable(network, torch.optim.Adam(groups, rate, betas, fused=True))

    generator = trainable(build_generator(experiment.generator), experiment.rate)
    critics = {"frame": trainable(build_critic(experiment.frame_critic), experiment.critic_rate)}
    if experiment.clip_critic:
        critics["clip"] = trainable(build_critic(experiment.clip_critic), experiment.critic_rate)
    average = generator.network
    if experiment.ema:
        average = copy.deepcopy(average).requires_grad_(False)
    return Networks(generator, critics), average


def start_or_resume(
    networks: Networks, average, run: Run, accelerator: Accelerator, start: Path | None
) -> int:
    """Resume a run, or start a new one with the weights of `start`; return the first step to take.

    Raises ValueError if processes would resume from different steps.
    """
    first_step = load_state(networks, average, run)
    if start and not first_step:
        accelerator.print(copy_weights(start, networks.generator.network, average))
    steps = accelerator.gather(torch.tensor([first_step], device=accelerator.device)).tolist()
    if len(set(steps)) > 1:
        raise ValueError(
            f"Processes would resume from different steps ({steps}): --out must be one folder that "
            "all machines share."
        )
    return first_step


def state_parts(networks: Networks, average) -> dict:
    """Networks and optimizers by their keys in state.pt; NAME_step is the optimizer of NAME."""
    trainables = {"generator": networks.generator} | networks.critics
    parts = {name: trainable.network for name, trainable in trainables.items()}
    parts |= {f"{name}_step": trainable.optimizer for name, trainable in trainables.items()}
    return parts | {"average": average}


def load_state(networks: Networks, average, run: Run) -> int:
    """Load the saved state, if there is one; return the number of steps done.

    Log lines after the saved state are removed.
    """
    state = run.load_state("cpu")
    if state:
        for name, part in state_parts(networks, average).items():
            part.load_state_dict(state[name])
    steps_done = state["step"] if state else 0
    run.forget_after(steps_done)
    return steps_done


def save_run(
    networks: Networks, average, steps_done: int, experiment: Experiment, run: Run
) -> None:
    """Save the state, the averaged generator and the critics.

    Raises TrainingDiverged for weights that are not finite, before anything is written.
    """
    state = {name: part.state_dict() for name, part in state_parts(networks, average).items()}
    for name in ("generator", "average", *networks.critics):
        if not all(torch.isfinite(x).all() for x in state[name].values()):
            raise TrainingDiverged(
                f"Weights of {name} are not finite at step {steps_done}: start a new run with "
                "lower rates (--set rate=3e-5 --set critic_rate=3e-5)."
            )
    run.save_state(state | {"step": steps_done})
    card = {"name": experiment.name, "steps": steps_done, "experiment": run.settings}
    space = space_named(experiment.space)
    save_generator(run.folder / "generator.safetensors", average, space, card)
    for kind, trainable in networks.critics.items():
        save_critic(run.folder / f"critic_{kind}.safetensors", trainable.network, space, card)


def batch_specs(experiment: Experiment, first_step: int, total_steps: int) -> Iterator[BatchSpec]:
    """Yield the batch specification of every step from `first_step` on."""
    for step in range(first_step, total_steps):
        stage, _ = experiment.stage_at(step)
        size = stage.image_size if stage else experiment.generator.image_size
        yield BatchSpec(step, size, stage.batch if stage else experiment.batch)


WARMUP_STEPS = 50  # of a pretraining stage


def pretraining_rate(stage: PretrainStage, step: int) -> float:
    """The learning rate at a step of a stage: a linear warm-up times a cosine from 1 to 0.1."""
    warmup = min(1.0, (step + 1) / WARMUP_STEPS)
    return stage.rate * warmup * (0.55 + 0.45 * math.cos(math.pi * step / stage.steps))


def draw_interpolation(
    experiment: Experiment, step: int, frames: int, rank: int, ranks: int
) -> dict:
    """Draw this process's interpolation weights of the gradient penalties.

    Returns "frame" (frames, B) and, with a clip critic, "clip" (1, B), in [0, 1), where B is the
    process's part of the batch. All processes draw the whole batch, so that the weights of a sample
    do not depend on their number. rank, ranks: number of this process, and of all.
    """
    rng = torch.Generator().manual_seed(step_seed(experiment.seed, step))
    size = experiment.batch
    part = slice(rank * size // ranks, (rank + 1) * size // ranks)
    score_counts = {"frame": frames} | ({"clip": 1} if experiment.clip_critic else {})
    return {
        kind: torch.rand(count, size, generator=rng, dtype=torch.float64)[:, part]
        for kind, count in score_counts.items()
    }


def feed_at(experiment: Experiment, number: int, sample_count: int) -> Feed:
    """The feed of an adversarial step; a curriculum draws "truth" with a decreasing probability.

    number: among the adversarial steps.
    """
    if experiment.feed != "curriculum":
        return experiment.feed
    draw = np.random.default_rng([experiment.seed, 2, number]).random()
    return "truth" if draw < experiment.truth_share(number, sample_count) else "generated"


def inference_feed(experiment: Experiment) -> Feed:
    """The feed for a trained generator, which has no true frames but the photo.

    One that was only ever fed true frames starts from the photo, since in frames that it generated
    its errors would add up.
    """
    return {"curriculum": "generated", "truth": "portrait"}.get(experiment.feed, experiment.feed)


class RunningMeans:
    """Means of the terms over steps and processes; the sums stay on the device."""

    def __init__(self, accelerator: Accelerator):
        self.accelerator, self.sums, self.counts = accelerator, {}, defaultdict(int)
        # Apple's GPUs have no float64.
        self.dtype = torch.float32 if accelerator.device.type == "mps" else torch.float64

    def add(self, terms: Terms) -> None:
        """Add the terms of a step, which not every step needs to have."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach().to(self.dtype)
            self.counts[name] += 1

    def take(self) -> dict[str, float]:
        """Return the means since the last call, and start new ones. All processes must call it."""
        values = torch.stack([self.sums[name] / self.counts[name] for name in self.sums])
        values = self.accelerator.reduce(values, "mean").tolist()
        means = dict(zip(self.sums, values, strict=True))
        self.sums, self.counts = {}, defaultdict(int)
        return means
