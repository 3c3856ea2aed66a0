"""Time a training step on this machine, and one of the reference loop.

The reference loop is that of the code of Pumarola et al. 2018 (eager, float32, Adam). Both loops
are timed alternately on the same batch, so that other load on the machine affects both; medians are
reported.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import mean

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from benchmarks.timing import describe_processor, time_interleaved
from moodganimation.checkpoints.files import build_generator
from moodganimation.expressions.spaces import space_named
from moodganimation.runtime.openvino import use_instance_norms
from training.common.precision import suitable_precision
from training.data.batches import Batch, BatchSpec, draw_batch, prefetch
from training.data.stills import open_samples
from training.ganimation.critics import StridedConv2d, build_critic
from training.ganimation.experiments import GANIMATION, Experiment
from training.ganimation.losses import gradient_penalty, total_variation
from training.ganimation.objectives import PENALTY_EPSILON
from training.ganimation.steps import adversarial_step
from training.ganimation.train import build_networks, draw_interpolation

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "aus"


class ReferenceLoop:
    """The training step of the reference code, at the sizes of `ganimation`."""

    def __init__(self, experiment: Experiment, device: torch.device):
        self.experiment = experiment
        self.generator = reference_layers(build_generator(experiment.generator)).to(device)
        self.critic = reference_layers(build_critic(experiment.frame_critic)).to(device)
        generator, critic = self.generator.parameters(), self.critic.parameters()
        betas = experiment.beta1, experiment.beta2
        self.generator_optimizer = torch.optim.Adam(generator, experiment.rate, betas)
        self.critic_optimizer = torch.optim.Adam(critic, experiment.critic_rate, betas)

    def step(self, batch: Batch, interpolation: dict[str, Tensor], update_generator: bool) -> None:
        """Update the critic, also by its gradient penalty, and the generator if requested.

        interpolation: the random weights of the penalty's interpolated pictures.
        """
        photo, weights = batch.frames[:, 0], self.experiment.weights
        fake = self.generator(photo, batch.targets[:, 0])[0].composite.detach()[:, None]
        real_critique, fake_critique = self.critic(batch.frames), self.critic(fake)
        loss = weights.realism * (fake_critique.realism.mean() - real_critique.realism.mean())
        loss = loss + self.condition_error(real_critique.condition, batch.conditions)
        self.minimize(self.critic_optimizer, loss)
        penalty = gradient_penalty(
            self.critic, batch.frames, fake, interpolation["frame"], PENALTY_EPSILON["frame"]
        )
        self.minimize(self.critic_optimizer, weights.penalty * penalty.sum())
        if update_generator:
            edit = self.generator(photo, batch.targets[:, 0])[0]
            fake_critique = self.critic(edit.composite[:, None])
            cycle = self.generator(edit.composite, batch.conditions[:, 0])[0]
            loss = self.condition_error(fake_critique.condition, batch.targets)
            loss = loss - weights.realism * fake_critique.realism.mean()
            loss = loss + weights.reconstruction * (cycle.composite - photo).abs().mean()
            for mask in (edit.attention, cycle.attention):
                loss = loss + weights.attention * mask.mean()
                loss = loss + weights.smoothness * total_variation(mask, 1).sum()
            self.minimize(self.generator_optimizer, loss)

    def condition_error(self, condition: Tensor, target: Tensor) -> Tensor:
        """Compute the weighted condition error, divided by the batch as in the reference code."""
        weight = self.experiment.weights.condition
        return weight * (condition - target).square().mean() / self.experiment.batch

    def minimize(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """Take one step of an optimizer, which reduces the loss."""
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def reference_layers(network: nn.Module) -> nn.Module:
    """Replace layers by those of the reference: instance norms and ordinary convolutions."""
    for module in list(use_instance_norms(network).modules()):
        for name, layer in module.named_children():
            if isinstance(layer, StridedConv2d):
                channels = layer.in_channels, layer.out_channels
                setattr(module, name, nn.Conv2d(*channels, layer.kernel_size, 2, 1))
    return network


def measure_training(options) -> dict:
    """Measure images per second of both loops and samples per second of the loader.

    Raises ValueError for unusable data.
    """
    return measure(_experiment(options), *_measure_arguments(options))


def compare_precisions(options) -> dict:
    """Measure the requested or the quickest precision, and float32 if it differs."""
    chosen = _experiment(options)
    if chosen.penalty_every != 1:
        raise ValueError("With --penalty-every, --write takes the block speed-training-penalty.")
    runs = [chosen]
    if chosen.precision != "float32":
        runs.append(replace(chosen, precision="float32"))
    return {"runs": [_measure_in_process(run, options) for run in runs]}


def compare_penalties(options) -> dict:
    """Measure our loop with the penalty in every step, and every `--penalty-every` steps."""
    sparse = _experiment(options)
    if sparse.penalty_every == 1:
        raise ValueError("The block speed-training-penalty needs --penalty-every, for instance 4.")
    runs = (replace(sparse, penalty_every=1), sparse)
    return {"runs": [_measure_in_process(run, options) for run in runs]}


def _experiment(options) -> Experiment:
    """Apply the options to GANimation's experiment; "quickest" becomes a precision."""
    if min(options.batch, options.rounds, options.penalty_every) < 1:
        raise ValueError("--batch, --rounds and --penalty-every must be at least 1.")
    changes = {name: getattr(options, name) for name in ("batch", "precision", "penalty_every")}
    experiment = replace(GANIMATION, **changes)
    if experiment.precision != "quickest":
        return experiment
    device = "cuda" if torch.cuda.is_available() and not options.cpu else "cpu"
    return replace(experiment, precision=suitable_precision(device))


def _measure_arguments(options) -> tuple[list[Path], int, bool]:
    """Read the arguments of `measure` other than the experiment from the options."""
    return options.data or [SAMPLES], options.rounds, options.cpu


def _measure_in_process(experiment: Experiment, options) -> dict:
    """Run `measure` in a new process, since accelerate has one precision per process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, experiment, *_measure_arguments(options)).result()


def measure(experiment: Experiment, folders: list[Path], rounds: int, cpu: bool) -> dict:
    """Measure both loops; return figures by name.

    One of `n_critic` steps updates the generator. The gradient penalty is in one of `penalty_every`
    of our steps, and in all steps of the reference.
    """
    mixed_precision = "bf16" if experiment.precision == "bf16" else "no"
    accelerator = Accelerator(mixed_precision=mixed_precision, cpu=cpu)
    device = accelerator.device
    samples = open_samples(folders, "train", experiment.data, space_named(experiment.space))
    spec = BatchSpec(0, experiment.generator.image_size, experiment.batch)
    batch = draw_batch(samples, experiment.seed, spec).to(device)
    interpolation = draw_interpolation(experiment, step=0, frames=1, rank=0, ranks=1)
    interpolation = {"frame": interpolation["frame"].to(batch.frames)}
    reference = ReferenceLoop(experiment, device)
    ours, _ = build_networks(experiment, device, torch.float32)
    our_step = partial(
        adversarial_step, ours, batch, experiment, interpolation, accelerator, feed="portrait"
    )
    steps = range(experiment.n_critic * experiment.penalty_every)
    schedule = [experiment.updates_at(step) for step in steps]
    reference_schedule = [(updates_generator, True) for updates_generator, _ in schedule]
    schedules = {"reference": reference_schedule, "ours": schedule}
    functions = {}
    for updates_generator, has_penalty in dict.fromkeys(schedule):
        functions["reference", (updates_generator, True)] = partial(
            reference.step, batch, interpolation, updates_generator
        )
        functions["ours", (updates_generator, has_penalty)] = partial(
            our_step, update_generator=updates_generator, with_penalty=has_penalty
        )
    times = time_interleaved(functions, rounds, device)
    figures, our_speed = _speeds(experiment, schedules, times)
    loader_speed = loader_rate(samples, spec)
    settings = {
        "device": str(device),
        "precision of ours": experiment.precision,
        "batch": experiment.batch,
        "ours: penalty in one step of": experiment.penalty_every,
    }
    loader = {
        "loader: samples a second": round(loader_speed, 1),
        "loader faster than our steps, times": round(loader_speed / our_speed, 1),
    }
    return describe_processor() | settings | figures | loader


def _speeds(experiment: Experiment, schedules: dict, times: dict) -> tuple[dict, float]:
    """Compute the figures of both loops, and the images per second of ours.

    schedules: loop -> for each step whether it updates the generator, and whether it has a penalty.
    times: (loop, these two) -> seconds of a step.
    """
    figures, speeds = {}, {}
    for name, schedule in schedules.items():
        critic_alone, with_generator = (
            mean(times[name, step] for step in schedule if step[0] == updates_generator)
            for updates_generator in (False, True)
        )
        seconds = [round(critic_alone, 3), round(with_generator, 3)]
        figures[f"{name}: critic alone, with generator [s]"] = seconds
        cycle_seconds = (experiment.n_critic - 1) * critic_alone + with_generator
        speeds[name] = experiment.n_critic * experiment.batch / cycle_seconds
        figures[f"{name}: images a second"] = round(speeds[name], 2)
    figures["ours faster, times"] = round(speeds["ours"] / speeds["reference"], 2)
    return figures, speeds["ours"]


def loader_rate(samples, spec: BatchSpec, batches: int = 50) -> float:
    """Measure the samples per second of the loader alone."""
    specs = (spec._replace(step=step) for step in range(batches))
    started = time.perf_counter()
    for _ in prefetch(samples, seed=0, specs=specs, rank=0, ranks=1):
        pass
    return batches * spec.batch_size / (time.perf_counter() - started)
