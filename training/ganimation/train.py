"""The training loop of the seed's six systems: lessons, if any, then the adversarial game.

Every step is a function of the state and of (seed, step), so a resumed run equals one that never
stopped, to the bit, on the same machine and number of processes.
"""

import copy
import math
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from moodganimation.checkpoints.files import build_generator, load_checkpoint, save_generator
from moodganimation.expressions.spaces import space_named
from moodganimation.networks.convgru import begin_orthogonal, gate_parameters
from moodganimation.networks.rollout import Feed

from ..common.ema import follow
from ..common.health import Broken, Guard
from ..common.runs import Run, is_due
from ..data.batches import Batch, Draw, Samples, ahead
from .critic_checkpoint import save_critic
from .critics import build_critic
from .experiments import Experiment, PretrainStage
from .objectives import Terms
from .samples import Fixed
from .steps import Player, Players, adversarial_step, lesson_step


def train(
    experiment: Experiment,
    samples: Samples,
    fixed: Fixed | None,
    run: Run,
    accelerator: Accelerator,
    start: Path | None = None,
) -> None:
    """WGAN-GP (Gulrajani et al. 2017, Alg. 1) of GANimation (Pumarola et al. 2018).

    fixed: faces to look at, drawn anew every `sample_every` steps. start: a checkpoint whose
    weights a fresh run begins with, as far as they fit.
    """
    rank, ranks = accelerator.process_index, accelerator.num_processes
    check_batches(experiment, ranks)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    dtype = torch.float64 if experiment.precision == "float64" else torch.float32
    players, average = build(experiment, accelerator.device, dtype)
    first = begin(players, average, run, accelerator, start)
    total = experiment.total(len(samples))
    trainer = Trainer(experiment, players, average, len(samples), accelerator)
    progress = Progress(run, accelerator, first, total)
    drawn = ahead(samples, experiment.seed, draws(experiment, first, total), rank, ranks)

    for draw, batch, waited in drawn:
        terms = trainer.step(draw.step, batch.to(accelerator.device, dtype))
        progress.add(terms, waited)
        done = draw.step + 1
        if is_due(done, experiment.log_every, total):
            progress.log(done)
        if rank == 0 and fixed and is_due(done, experiment.sample_every, total):
            trainer.sample(fixed, draw, run)
        if rank == 0 and is_due(done, experiment.save_every, total):
            save(players, average, done, experiment, run)

    progress.bar.close()
    accelerator.wait_for_everyone()
    if getattr(samples, "unreadable", None):
        progress.bar.write(
            f"{len(samples.unreadable)} pictures could not be read and were passed over."
        )


@dataclass
class Trainer:
    """The networks of a run, and one step of their training."""

    experiment: Experiment
    players: Players
    average: torch.nn.Module  # of the generator's weights; the generator itself where ema is 0
    sample_count: int
    accelerator: Accelerator

    def step(self, step: int, batch: Batch) -> Terms:
        """Train on a batch at a step of the run: a pretraining or an adversarial step."""
        stage, stage_step = self.experiment.stage_at(step)
        if stage:
            self.players.generator.rate(lesson_rate(stage, stage_step))
            terms = lesson_step(self.players, batch, self.accelerator)
            self._update_average(step)
            return terms
        self._decay_rates(stage_step)
        generator_too, penalized = self.experiment.turn_at(stage_step)
        terms = adversarial_step(
            self.players,
            batch,
            self.experiment,
            self._mix(step, batch),
            self.accelerator,
            feed_at(self.experiment, stage_step, self.sample_count),
            generator_too,
            penalized,
        )
        if generator_too:
            turns = stage_step // self.experiment.n_critic
            self._update_average(self.experiment.pretraining_steps + turns)
        return terms

    def sample(self, fixed: Fixed, draw: Draw, run: Run) -> None:
        """Write the sample sheet of a step and log its errors."""
        done, stage = draw.step + 1, self.experiment.stage_at(draw.step)[0]
        path = run.folder / "samples" / f"{done:07d}.png"
        feed = "portrait" if stage else feed_in_use(self.experiment)
        run.log(step=done, **fixed.draw(self.average, path, draw.size, feed))

    def _decay_rates(self, stage_step: int) -> None:
        decay = self.experiment.decay_at(stage_step, self.sample_count)
        self.players.generator.rate(self.experiment.rate * decay)
        for critic in self.players.critics.values():
            critic.rate(self.experiment.critic_rate * decay)

    def _mix(self, step: int, batch: Batch) -> dict[str, Tensor]:
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        mix = mixes(self.experiment, step, batch.targets.shape[1], rank, ranks)
        return {kind: share.to(batch.frames) for kind, share in mix.items()}

    def _update_average(self, turns: int) -> None:
        """Update the average after a step of the generator; turns: how many it had before."""
        network = self.players.generator.network
        if self.average is not network:
            follow(self.average, network, min(self.experiment.ema, (1 + turns) / (10 + turns)))


class Progress:
    """Writes the log of a run, with the guard's warnings, and moves the progress bar."""

    def __init__(self, run: Run, accelerator: Accelerator, first: int, total: int):
        """first: steps done before, out of `total`."""
        self.run, self.is_main = run, accelerator.is_main_process
        self.meter, self.guard = Meter(accelerator), Guard()
        for row in run.rows():
            self.guard.watch(row)  # what was seen before, without saying it again
        self.bar = tqdm(
            total=total, initial=min(first, total), disable=not self.is_main, smoothing=0.05
        )
        self.began, self.waited = time.monotonic(), 0.0

    def add(self, terms: Terms, waited: float) -> None:
        """Count a step; waited: how long it waited for its batch [s]."""
        self.waited += waited
        self.meter.add(terms)
        self.bar.update()

    def log(self, done: int) -> None:
        """Log the means since the last call. Every process must call it; the main one writes."""
        seconds, means = time.monotonic() - self.began, self.meter.means()
        if not self.is_main:
            return
        for warning in self.guard.watch(means):
            self.bar.write(f"guard: {warning}")
            self.run.log(step=done, guard=warning)
        loading = round(self.waited / max(seconds, 1e-9), 4)
        self.run.log(step=done, seconds=round(seconds, 1), loading=loading, **means)
        self.bar.set_postfix({k: f"{v:.3g}" for k, v in means.items()}, refresh=False)


def check_batches(experiment: Experiment, processes: int) -> None:
    """Raise ValueError for a batch that processes cannot share equally."""
    for batch in (experiment.batch, *(stage.batch for stage in experiment.lessons)):
        if batch % processes:
            raise ValueError(f"A batch of {batch} cannot be shared by {processes} processes.")


def build(experiment: Experiment, device, dtype) -> tuple[Players, torch.nn.Module]:
    """Fresh players, equal in every process, and the average of the generator's weights."""
    torch.manual_seed(experiment.seed)
    betas = (experiment.beta1, experiment.beta2)

    def player(network, rate: float) -> Player:
        if experiment.gates != "normal":
            begin_orthogonal(network, experiment.gates == "open")
        network = network.to(device, dtype)
        groups = [{"params": [], "share": 1.0}, {"params": [], "share": experiment.gate_rate}]
        gates = gate_parameters(network)
        for parameter in network.parameters():
            groups[parameter in gates]["params"].append(parameter)
        return Player(network, torch.optim.Adam(groups, rate, betas, fused=True))

    generator = player(build_generator(experiment.generator), experiment.rate)
    critics = {"frame": player(build_critic(experiment.frame_critic), experiment.critic_rate)}
    if experiment.clip_critic:
        critics["clip"] = player(build_critic(experiment.clip_critic), experiment.critic_rate)
    average = generator.network
    if experiment.ema:
        average = copy.deepcopy(average).requires_grad_(False)
    return Players(generator, critics), average


FIRST = ("main.0.weight", "first_conv.0.weight")  # where the condition enters


def begin_with(path: Path, *networks: torch.nn.Module) -> str:
    """Copy the weights of a checkpoint that fit by name and shape; of the first convolution, those
    of the photo's channels fit even where the condition is another one. Raises ValueError where
    none fits."""
    weights = load_checkpoint(path).generator.state_dict()
    for network in networks:
        own, taken = network.state_dict(), 0
        for name, value in own.items():
            new = weights.get(name)
            if new is not None and new.shape == value.shape:
                value.copy_(new)
                taken += 1
            elif new is not None and name in FIRST and new.shape[0] == value.shape[0]:
                value[:, :3].copy_(new[:, :3])
        if not taken:
            raise ValueError(f"Nothing in {path} fits this generator (width, depth, architecture).")
    return f"{taken} of {len(own)} tensors begin as in {path}."


def begin(players: Players, average, run: Run, accelerator: Accelerator, start: Path | None) -> int:
    """Resume a run, or give a fresh one the weights of `start`; returns the steps done.

    Raises ValueError where processes would go on from different steps.
    """
    first = resume(players, average, run)
    if start and not first:
        accelerator.print(begin_with(start, players.generator.network, average))
    steps = accelerator.gather(torch.tensor([first], device=accelerator.device)).tolist()
    if len(set(steps)) > 1:
        raise ValueError(
            f"Processes would go on from different steps ({steps}): --out must be one folder that "
            "all machines share."
        )
    return first


def parts(players: Players, average) -> dict:
    """All that must survive a restart, by name."""
    named = {"generator": players.generator} | players.critics
    state = {name: player.network for name, player in named.items()}
    state |= {f"{name}_step": player.optimizer for name, player in named.items()}
    return state | {"average": average}


def resume(players: Players, average, run: Run) -> int:
    """Put back the saved state, if there is one; the number of steps done."""
    state = run.load_state("cpu")
    if state:
        for name, part in parts(players, average).items():
            part.load_state_dict(state[name])
    done = state["step"] if state else 0
    run.forget_after(done)
    return done


def save(players: Players, average, done: int, experiment: Experiment, run: Run) -> None:
    """Keep the state and the generator; raises Broken rather than to keep what is not finite."""
    state = {name: part.state_dict() for name, part in parts(players, average).items()}
    for name in ("generator", "average", *players.critics):
        if not all(torch.isfinite(x).all() for x in state[name].values()):
            raise Broken(f"Weights of {name} are not finite at step {done}: lower the rates.")
    run.save_state(state | {"step": done})
    card = {"name": experiment.name, "steps": done, "experiment": run.values}
    space = space_named(experiment.space)
    save_generator(run.folder / "generator.safetensors", average, space, card)
    for kind, player in players.critics.items():
        save_critic(run.folder / f"critic_{kind}.safetensors", player.network, space, card)


def draws(experiment: Experiment, first: int, total: int):
    for step in range(first, total):
        lesson, _ = experiment.stage_at(step)
        size = lesson.image_size if lesson else experiment.generator.image_size
        yield Draw(step, size, lesson.batch if lesson else experiment.batch)


def lesson_rate(lesson: PretrainStage, step: int) -> float:
    """A short warm-up, then a cosine down to a tenth."""
    warm = min(1.0, (step + 1) / 50)
    return lesson.rate * warm * (0.55 + 0.45 * math.cos(math.pi * step / lesson.steps))


def mixes(experiment: Experiment, step: int, frames: int, rank: int, ranks: int) -> dict:
    """Where between real and fake each gradient penalty is taken, this process's share of it."""
    random = torch.Generator().manual_seed(experiment.seed * 1_000_003 + step)
    batch = experiment.batch
    own = slice(rank * batch // ranks, (rank + 1) * batch // ranks)
    mix = {"frame": torch.rand(frames, batch, generator=random, dtype=torch.float64)[:, own]}
    if experiment.clip_critic:
        mix["clip"] = torch.rand(1, batch, generator=random, dtype=torch.float64)[:, own]
    return mix


def feed_at(experiment: Experiment, step: int, samples: int) -> str:
    """What each next frame of a clip starts from; a curriculum draws lots, ever less for truth."""
    if experiment.feed != "curriculum":
        return experiment.feed
    lot = np.random.default_rng([experiment.seed, 2, step]).random()
    return "truth" if lot < experiment.truth_share(step, samples) else "generated"


def feed_in_use(experiment: Experiment) -> Feed:
    """What each next frame of a clip starts from once the generator is in use."""
    return {"curriculum": "generated", "truth": "portrait"}.get(experiment.feed, experiment.feed)


class Meter:
    """Means of terms since the last look, over processes; fetched from the device only then."""

    def __init__(self, accelerator: Accelerator):
        self.accelerator, self.sums, self.counts = accelerator, {}, defaultdict(int)

    def add(self, terms: dict[str, Tensor]) -> None:
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach().double()
            self.counts[name] += 1

    def means(self) -> dict[str, float]:
        values = torch.stack([self.sums[name] / self.counts[name] for name in self.sums])
        values = self.accelerator.reduce(values, "mean").tolist()
        means = dict(zip(self.sums, values, strict=True))
        self.sums, self.counts = {}, defaultdict(int)
        return means
