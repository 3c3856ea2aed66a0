"""What a step of training costs on this machine, beside the reference's own loop.

A plain loop as in Pumarola et al. 2018's code (eager, float32, Adam) and ours take turns in one
run on the same batches, so that what disturbs the machine disturbs both; medians are told.
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

from benchmarks.timing import interleaved, processor
from moodganimation.checkpoints.files import build_generator
from moodganimation.expressions.spaces import space_named
from moodganimation.runtime.openvino import with_instance_norms
from training.common.precision import suitable_precision
from training.data.batches import Batch, Draw, ahead, draw_batch
from training.data.stills import open_samples
from training.ganimation.critics import Halving, build_critic
from training.ganimation.experiments import GANIMATION, Experiment
from training.ganimation.losses import gradient_penalty, roughness
from training.ganimation.objectives import EPSILON
from training.ganimation.steps import adversarial_step
from training.ganimation.train import build, mixes

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "aus"


class Plain:
    """The reference's step at the sizes of `ganimation`, as anybody would write it."""

    def __init__(self, experiment: Experiment, device: torch.device):
        self.experiment = experiment
        self.generator = plain_layers(build_generator(experiment.generator)).to(device)
        self.critic = plain_layers(build_critic(experiment.frame_critic)).to(device)
        betas = experiment.beta1, experiment.beta2
        self.optimizers = [
            torch.optim.Adam(self.generator.parameters(), experiment.rate, betas),
            torch.optim.Adam(self.critic.parameters(), experiment.critic_rate, betas),
        ]

    def step(self, batch: Batch, mix: dict[str, Tensor], generator_too: bool) -> None:
        """The critic's step, that of its penalty, and the generator's when it is its turn."""
        photo, weights = batch.frames[:, 0], self.experiment.weights
        fake = self.generator(photo, batch.targets[:, 0])[0].composite.detach()[:, None]
        real, judged = self.critic(batch.frames), self.critic(fake)
        loss = weights.realism * (judged.realism.mean() - real.realism.mean())
        self.descend(1, loss + self.error(real.condition, batch.conditions))
        steep = gradient_penalty(self.critic, batch.frames, fake, mix["frame"], EPSILON["frame"])
        self.descend(1, weights.penalty * steep.sum())
        if generator_too:
            there = self.generator(photo, batch.targets[:, 0])[0]
            judged = self.critic(there.composite[:, None])
            back = self.generator(there.composite, batch.conditions[:, 0])[0]
            loss = self.error(judged.condition, batch.targets)
            loss = loss - weights.realism * judged.realism.mean()
            loss = loss + weights.reconstruction * (back.composite - photo).abs().mean()
            for mask in (there.attention, back.attention):
                loss = loss + weights.attention * mask.mean()
                loss = loss + weights.smoothness * roughness(mask, 1).sum()
            self.descend(0, loss)

    def error(self, condition: Tensor, wanted: Tensor) -> Tensor:
        weight = self.experiment.weights.condition
        return weight * (condition - wanted).square().mean() / self.experiment.batch

    def descend(self, which: int, loss: Tensor) -> None:
        self.optimizers[which].zero_grad()
        loss.backward()
        self.optimizers[which].step()


def plain_layers(network: nn.Module) -> nn.Module:
    """The network of the layers that the reference has: instance norms and plain convolutions."""
    for module in list(with_instance_norms(network).modules()):
        for name, layer in module.named_children():
            if isinstance(layer, Halving):
                wide = layer.in_channels, layer.out_channels
                setattr(module, name, nn.Conv2d(*wide, layer.kernel_size, 2, 1))
    return network


def bench(options) -> dict:
    """Images a second of both loops and samples a second of the loader. Raises ValueError for data
    that do not fit."""
    return measured(_experiment(options), *_conditions(options))


def compare_precisions(options) -> dict:
    """The requested or chosen precision, and float32 if that is another one."""
    chosen = _experiment(options)
    if chosen.penalty_every != 1:
        raise ValueError("With --penalty-every, --write takes the block speed-training-penalty.")
    runs = [chosen]
    if chosen.precision != "float32":
        runs.append(replace(chosen, precision="float32"))
    return {"runs": [_measured_apart(run, options) for run in runs]}


def compare_penalties(options) -> dict:
    """Our gradient penalty in every step, and in one of `--penalty-every` steps."""
    sparse = _experiment(options)
    if sparse.penalty_every == 1:
        raise ValueError("The block speed-training-penalty needs --penalty-every, for instance 4.")
    runs = (replace(sparse, penalty_every=1), sparse)
    return {"runs": [_measured_apart(run, options) for run in runs]}


def _experiment(options) -> Experiment:
    """GANimation's experiment with the options, and a precision that is settled."""
    if min(options.batch, options.rounds, options.penalty_every) < 1:
        raise ValueError("--batch, --rounds and --penalty-every must be at least 1.")
    changes = {name: getattr(options, name) for name in ("batch", "precision", "penalty_every")}
    experiment = replace(GANIMATION, **changes)
    if experiment.precision != "quickest":
        return experiment
    device = "cuda" if torch.cuda.is_available() and not options.cpu else "cpu"
    return replace(experiment, precision=suitable_precision(device))


def _conditions(options) -> tuple[list[Path], int, bool]:
    """The arguments of `measured` beside the experiment."""
    return options.data or [SAMPLES], options.rounds, options.cpu


def _measured_apart(experiment: Experiment, options) -> dict:
    """`measured` in a process of its own: accelerate has one precision per process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measured, experiment, *_conditions(options)).result()


def measured(experiment: Experiment, folders: list[Path], rounds: int, cpu: bool) -> dict:
    """What is measured, by name. Of `n_critic` steps, one moves the generator too; of
    `penalty_every` steps, one of ours and all of the reference's have the penalty."""
    accelerator = Accelerator(
        mixed_precision="bf16" if experiment.precision == "bf16" else "no", cpu=cpu
    )
    device = accelerator.device
    samples = open_samples(folders, "train", experiment.data, space_named(experiment.space))
    draw = Draw(0, experiment.generator.image_size, experiment.batch)
    batch = draw_batch(samples, experiment.seed, draw).to(device)
    mix = {"frame": mixes(experiment, 0, 1, 0, 1)["frame"].to(batch.frames)}
    plain, (ours, _) = Plain(experiment, device), build(experiment, device, torch.float32)
    args = ours, batch, experiment, mix, accelerator, "portrait"
    steps = range(experiment.n_critic * experiment.penalty_every)
    turns = [experiment.turn_at(step) for step in steps]
    turns = {"reference": [(moved, True) for moved, _ in turns], "ours": turns}
    subjects = {}
    for moved, penalized in dict.fromkeys(turns["ours"]):
        subjects["reference", (moved, True)] = partial(plain.step, batch, mix, moved)
        subjects["ours", (moved, penalized)] = partial(adversarial_step, *args, moved, penalized)
    times = interleaved(subjects, rounds, device)
    result = processor() | {"device": str(device), "precision of ours": experiment.precision}
    result["batch"] = experiment.batch
    result["ours: penalty in one step of"] = experiment.penalty_every
    speed = {}
    for name, own in turns.items():
        critics, both = (
            mean(times[name, turn] for turn in own if turn[0] == moved) for moved in (False, True)
        )
        result[f"{name}: critic alone, with generator [s]"] = [round(critics, 3), round(both, 3)]
        turn = (experiment.n_critic - 1) * critics + both
        speed[name] = experiment.n_critic * experiment.batch / turn
        result[f"{name}: images a second"] = round(speed[name], 2)
    result["ours faster, times"] = round(speed["ours"] / speed["reference"], 2)
    loaded = loading(samples, draw)
    result["loader: samples a second"] = round(loaded, 1)
    result["loader faster than our steps, times"] = round(loaded / speed["ours"], 1)
    return result


def loading(samples, draw: Draw, batches: int = 50) -> float:
    """Samples a second of the loader, with nothing else to do."""
    draws = (draw._replace(step=step) for step in range(batches))
    began = time.perf_counter()
    for _ in ahead(samples, 0, draws, 0, 1):
        pass
    return batches * draw.batch / (time.perf_counter() - began)
