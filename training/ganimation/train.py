"""The training loop of the seed's six systems: lessons, if any, then the adversarial game.

Every step is a function of the state and of (seed, step), so a resumed run equals one that never
stopped, to the bit, on the same machine and number of processes.
"""

import copy
import math
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from tqdm import tqdm

from moodganimation.checkpoints.files import build_generator, load_checkpoint, save_generator
from moodganimation.expressions.spaces import space_named
from moodganimation.networks.convgru import begin_orthogonal, gate_parameters

from ..common.ema import follow
from ..common.health import Broken, Guard
from ..common.runs import Run
from ..data.batches import Draw, Samples, ahead
from .critic_checkpoint import save_critic
from .critics import build_critic
from .experiments import Experiment, PretrainStage
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
    dtype = torch.float64 if experiment.precision == "float64" else torch.float32
    rank, ranks = accelerator.process_index, accelerator.num_processes
    for batch in (experiment.batch, *(lesson.batch for lesson in experiment.lessons)):
        if batch % ranks:
            raise ValueError(f"A batch of {batch} cannot be shared by {ranks} processes.")
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    players, average = build(experiment, accelerator.device, dtype)
    first = resume(players, average, run)
    if start and not first:
        accelerator.print(begin_with(start, players.generator.network, average))
    steps = accelerator.gather(torch.tensor([first], device=accelerator.device)).tolist()
    if len(set(steps)) > 1:
        raise ValueError(
            f"Processes would go on from different steps ({steps}): --out must be one folder that "
            "all machines share."
        )
    total, guard = experiment.total(len(samples)), Guard()
    for row in run.rows():
        guard.watch(row)  # what was seen before, without saying it again

    bar = tqdm(total=total, initial=min(first, total), disable=rank > 0, smoothing=0.05)
    meter, began, waiting = Meter(accelerator), time.monotonic(), 0.0
    drawn = ahead(samples, experiment.seed, draws(experiment, first, total), rank, ranks)
    for draw, batch, waited in drawn:
        batch, waiting = batch.to(accelerator.device, dtype), waiting + waited
        lesson, step = experiment.stage_at(draw.step)
        if lesson:
            players.generator.rate(lesson_rate(lesson, step))
            terms = lesson_step(players, batch, accelerator)
            moved = True
        else:
            decay = experiment.decay_at(step, len(samples))
            players.generator.rate(experiment.rate * decay)
            for player in players.critics.values():
                player.rate(experiment.critic_rate * decay)
            moved, penalized = experiment.turn_at(step)
            mix = mixes(experiment, draw.step, batch.targets.shape[1], rank, ranks)
            mix = {kind: share.to(batch.frames) for kind, share in mix.items()}
            feed = feed_at(experiment, step, len(samples))
            terms = adversarial_step(
                players, batch, experiment, mix, accelerator, feed, moved, penalized
            )
        if moved and average is not players.generator.network:
            turns = (
                draw.step if lesson else experiment.pretraining_steps + step // experiment.n_critic
            )
            follow(
                average, players.generator.network, min(experiment.ema, (1 + turns) / (10 + turns))
            )
        meter.add(terms)

        done = draw.step + 1
        bar.update()
        if done % experiment.log_every == 0 or done == total:
            seconds, means = time.monotonic() - began, meter.means()
            if rank == 0:
                for warning in guard.watch(means):
                    bar.write(f"guard: {warning}")
                    run.log(step=done, guard=warning)
                seconds, share = round(seconds, 1), round(waiting / max(seconds, 1e-9), 4)
                run.log(step=done, seconds=seconds, loading=share, **means)
                bar.set_postfix({k: f"{v:.3g}" for k, v in means.items()}, refresh=False)
        if rank == 0 and fixed and (done % experiment.sample_every == 0 or done == total):
            size = lesson.image_size if lesson else experiment.generator.image_size
            shown = {"curriculum": "generated", "truth": "portrait"}.get(experiment.feed)
            shown = "portrait" if lesson else shown or experiment.feed  # as it will be used
            values = fixed.draw(average, run.folder / "samples" / f"{done:07d}.png", size, shown)
            run.log(step=done, **values)
        if rank == 0 and (done % experiment.save_every == 0 or done == total):
            save(players, average, done, experiment, run)
    bar.close()
    accelerator.wait_for_everyone()
    if getattr(samples, "unreadable", None):
        bar.write(f"{len(samples.unreadable)} pictures could not be read and were passed over.")


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
