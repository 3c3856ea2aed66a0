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

from moodganimation.checkpoints.files import build_generator, load_checkpoint, save_generator
from moodganimation.expressions.spaces import space_named
from moodganimation.networks.convgru import gate_parameters, init_orthogonal_
from moodganimation.networks.rollout import Feed

from ..common.ema import update_average, warmup_decay
from ..common.health import Guard, TrainingDiverged
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
    check_batches(experiment, ranks)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    dtype = torch.float64 if experiment.precision == "float64" else torch.float32
    networks, average = build(experiment, accelerator.device, dtype)
    first = start_or_resume(networks, average, run, accelerator, start)
    total = experiment.total(len(samples))
    trainer = Trainer(experiment, networks, average, len(samples), accelerator)
    progress = Progress(run, accelerator, first, total)
    batches = prefetch(samples, experiment.seed, batch_specs(experiment, first, total), rank, ranks)

    for spec, batch, waited in batches:
        terms = trainer.step(spec.step, batch.to(accelerator.device, dtype))
        progress.add(terms, waited)
        done = spec.step + 1
        if is_due(done, experiment.log_every, total):
            progress.log(done)
        if rank == 0 and sheets and is_due(done, experiment.sample_every, total):
            trainer.write_sheet(sheets, spec, run)
        if rank == 0 and is_due(done, experiment.save_every, total):
            save(networks, average, done, experiment, run)

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
    average: torch.nn.Module  # of the generator's weights; the generator itself if ema is 0
    sample_count: int
    accelerator: Accelerator

    def step(self, step: int, batch: Batch) -> Terms:
        """Take a pretraining or adversarial step on a batch; step: its number in the run."""
        stage, stage_step = self.experiment.stage_at(step)
        if stage:
            self.networks.generator.set_rate(pretraining_rate(stage, stage_step))
            terms = pretraining_step(self.networks, batch, self.accelerator)
            self._update_average(step)
            return terms
        self._set_rates(stage_step)
        update_generator, with_penalty = self.experiment.updates_at(stage_step)
        terms = adversarial_step(
            self.networks,
            batch,
            self.experiment,
            self._mix(step, batch),
            self.accelerator,
            feed_at(self.experiment, stage_step, self.sample_count),
            update_generator,
            with_penalty,
        )
        if update_generator:
            generator_steps = stage_step // self.experiment.n_critic
            self._update_average(self.experiment.pretraining_steps + generator_steps)
        return terms

    def write_sheet(self, sheets: SampleSheets, spec: BatchSpec, run: Run) -> None:
        """Write the sample sheet of a step and log its errors."""
        done, stage = spec.step + 1, self.experiment.stage_at(spec.step)[0]
        path = run.folder / "samples" / f"{done:07d}.png"
        feed = "portrait" if stage else inference_feed(self.experiment)
        run.log(step=done, **sheets.write(self.average, path, spec.size, feed))

    def _set_rates(self, stage_step: int) -> None:
        """Set the learning rates of an adversarial step."""
        factor = self.experiment.rate_factor_at(stage_step, self.sample_count)
        self.networks.generator.set_rate(self.experiment.rate * factor)
        for critic in self.networks.critics.values():
            critic.set_rate(self.experiment.critic_rate * factor)

    def _mix(self, step: int, batch: Batch) -> dict[str, Tensor]:
        """This process's interpolation weights of the gradient penalties; see `penalty_mixing`."""
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        mix = penalty_mixing(self.experiment, step, batch.targets.shape[1], rank, ranks)
        return {kind: share.to(batch.frames) for kind, share in mix.items()}

    def _update_average(self, generator_steps: int) -> None:
        """Update the average after a generator step; generator_steps: about how many came before.

        Steps that `critics_ahead` leaves out are counted as well.
        """
        network = self.networks.generator.network
        if self.average is not network:
            decay = warmup_decay(self.experiment.ema, generator_steps)
            update_average(self.average, network, decay)


class Progress:
    """Writes the log of a run, with the guard's warnings, and moves the progress bar."""

    def __init__(self, run: Run, accelerator: Accelerator, first: int, total: int):
        """Start at the step `first` of `total`."""
        self.run, self.is_main = run, accelerator.is_main_process
        self.running_means, self.guard = RunningMeans(accelerator), Guard()
        for row in run.read_log():
            self.guard.check(row)  # so that warnings of earlier steps are not repeated
        self.bar = tqdm(
            total=total, initial=min(first, total), disable=not self.is_main, smoothing=0.05
        )
        self.started, self.waited = time.monotonic(), 0.0

    def add(self, terms: Terms, waited: float) -> None:
        """Count a step; waited: for its batch [s]."""
        self.waited += waited
        self.running_means.add(terms)
        self.bar.update()

    def log(self, done: int) -> None:
        """Log the means since the last call. Every process must call it; the main one writes."""
        seconds, means = time.monotonic() - self.started, self.running_means.take()
        if not self.is_main:
            return
        for warning in self.guard.check(means):
            self.bar.write(f"guard: {warning}")
            self.run.log(step=done, guard=warning)
        loading = round(self.waited / max(seconds, 1e-9), 4)
        self.run.log(step=done, seconds=round(seconds, 1), loading=loading, **means)
        self.bar.set_postfix({k: f"{v:.3g}" for k, v in means.items()}, refresh=False)


def check_batches(experiment: Experiment, processes: int) -> None:
    """Raise ValueError for a batch size that is not a multiple of the number of processes."""
    for batch in (experiment.batch, *(stage.batch for stage in experiment.lessons)):
        if batch % processes:
            raise ValueError(f"A batch of {batch} cannot be shared by {processes} processes.")


def build(experiment: Experiment, device, dtype) -> tuple[Networks, torch.nn.Module]:
    """Build the networks, equal in every process, and the average of the generator's weights.

    The optimizers have two groups of parameters: ConvGRU gates, and all others.
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


FIRST_CONVOLUTIONS = ("main.0.weight", "first_conv.0.weight")  # their input has the condition


def copy_weights(path: Path, *networks: torch.nn.Module) -> str:
    """Copy the weights of a checkpoint that match by name and shape; return a note to print.

    Of the first convolution the photo's channels are copied even if the number of conditions
    differs. Raises ValueError if no tensor matches.
    """
    stored = load_checkpoint(path).generator.state_dict()
    for network in networks:
        tensors, copied = network.state_dict(), 0
        for name, tensor in tensors.items():
            new = stored.get(name)
            if new is not None and new.shape == tensor.shape:
                tensor.copy_(new)
                copied += 1
            elif new is not None and name in FIRST_CONVOLUTIONS and len(new) == len(tensor):
                tensor[:, :3].copy_(new[:, :3])
        if not copied:
            raise ValueError(
                f"No weights in {path} fit this generator: its architecture, width or depth differ."
            )
    return f"{copied} of {len(tensors)} tensors are initialized from {path}."


def start_or_resume(
    networks: Networks, average, run: Run, accelerator: Accelerator, start: Path | None
) -> int:
    """Resume a run, or start a new one with the weights of `start`; return the first step to take.

    Raises ValueError if processes would resume from different steps.
    """
    first = resume(networks, average, run)
    if start and not first:
        accelerator.print(copy_weights(start, networks.generator.network, average))
    steps = accelerator.gather(torch.tensor([first], device=accelerator.device)).tolist()
    if len(set(steps)) > 1:
        raise ValueError(
            f"Processes would resume from different steps ({steps}): --out must be one folder that "
            "all machines share."
        )
    return first


def state_parts(networks: Networks, average) -> dict:
    """Networks and optimizers by their keys in state.pt; NAME_step is the optimizer of NAME."""
    trainables = {"generator": networks.generator} | networks.critics
    parts = {name: trainable.network for name, trainable in trainables.items()}
    parts |= {f"{name}_step": trainable.optimizer for name, trainable in trainables.items()}
    return parts | {"average": average}


def resume(networks: Networks, average, run: Run) -> int:
    """Load the saved state, if there is one; return the number of steps done."""
    state = run.load_state("cpu")
    if state:
        for name, part in state_parts(networks, average).items():
            part.load_state_dict(state[name])
    done = state["step"] if state else 0
    run.forget_after(done)
    return done


def save(networks: Networks, average, done: int, experiment: Experiment, run: Run) -> None:
    """Save the state, the generator and the critics. Raises TrainingDiverged for weights that are
    not finite, before anything is written."""
    state = {name: part.state_dict() for name, part in state_parts(networks, average).items()}
    for name in ("generator", "average", *networks.critics):
        if not all(torch.isfinite(x).all() for x in state[name].values()):
            raise TrainingDiverged(
                f"Weights of {name} are not finite at step {done}: start a new run with lower "
                "rates (--set rate=3e-5 --set critic_rate=3e-5)."
            )
    run.save_state(state | {"step": done})
    card = {"name": experiment.name, "steps": done, "experiment": run.settings}
    space = space_named(experiment.space)
    save_generator(run.folder / "generator.safetensors", average, space, card)
    for kind, trainable in networks.critics.items():
        save_critic(run.folder / f"critic_{kind}.safetensors", trainable.network, space, card)


def batch_specs(experiment: Experiment, first: int, total: int) -> Iterator[BatchSpec]:
    """Yield the batch specification of every step from `first` on."""
    for step in range(first, total):
        stage, _ = experiment.stage_at(step)
        size = stage.image_size if stage else experiment.generator.image_size
        yield BatchSpec(step, size, stage.batch if stage else experiment.batch)


WARMUP_STEPS = 50  # of a pretraining stage


def pretraining_rate(stage: PretrainStage, step: int) -> float:
    """The learning rate at a step of a stage: a linear warm-up times a cosine to a tenth."""
    warmup = min(1.0, (step + 1) / WARMUP_STEPS)
    return stage.rate * warmup * (0.55 + 0.45 * math.cos(math.pi * step / stage.steps))


def penalty_mixing(experiment: Experiment, step: int, frames: int, rank: int, ranks: int) -> dict:
    """Draw this process's interpolation weights of the gradient penalties.

    Returns "frame" (frames, B) and, with a clip critic, "clip" (1, B), where B is the process's
    part of the batch. All processes draw the whole batch, so that the weights of a sample do not
    depend on their number.
    """
    rng = torch.Generator().manual_seed(step_seed(experiment.seed, step))
    batch = experiment.batch
    part = slice(rank * batch // ranks, (rank + 1) * batch // ranks)
    mix = {"frame": torch.rand(frames, batch, generator=rng, dtype=torch.float64)[:, part]}
    if experiment.clip_critic:
        mix["clip"] = torch.rand(1, batch, generator=rng, dtype=torch.float64)[:, part]
    return mix


def feed_at(experiment: Experiment, step: int, sample_count: int) -> Feed:
    """The feed of an adversarial step; a curriculum draws "truth" with a decreasing probability."""
    if experiment.feed != "curriculum":
        return experiment.feed
    draw = np.random.default_rng([experiment.seed, 2, step]).random()
    return "truth" if draw < experiment.truth_share(step, sample_count) else "generated"


def inference_feed(experiment: Experiment) -> Feed:
    """The feed for a trained generator, which has no true frames."""
    return {"curriculum": "generated", "truth": "portrait"}.get(experiment.feed, experiment.feed)


class RunningMeans:
    """Means of the terms over steps and processes; the sums stay on the device."""

    def __init__(self, accelerator: Accelerator):
        self.accelerator, self.sums, self.counts = accelerator, {}, defaultdict(int)

    def add(self, terms: Terms) -> None:
        """Add the terms of a step, which not every step needs to have."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach().double()
            self.counts[name] += 1

    def take(self) -> dict[str, float]:
        """Return the means since the last call, and start new ones. All processes must call it."""
        values = torch.stack([self.sums[name] / self.counts[name] for name in self.sums])
        values = self.accelerator.reduce(values, "mean").tolist()
        means = dict(zip(self.sums, values, strict=True))
        self.sums, self.counts = {}, defaultdict(int)
        return means
