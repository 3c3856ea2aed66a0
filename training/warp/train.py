"""The training loop of `warp`: fields first, then the painter too, then with critics.

Every step is a function of the state and of (seed, step), so a resumed run equals one that never
stopped, to the bit, on the same machine and number of processes.
"""

import copy
import dataclasses
import math
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from moodganimation.checkpoints.files import build_generator, save_generator
from moodganimation.expressions.spaces import ACTION_UNITS, SPACES, ExpressionSpace
from moodganimation.networks.teeth import Jaws

from ..common.ema import follow
from ..common.runs import Run
from ..data.pairs import Draw, Pairs, prefetch
from ..ganimation.train import begin_with
from ..rendering import teeth as teeth
from ..rendering.model import load_model
from .critic import Critics, critic_loss
from .experiment import Experiment, Phase
from .objective import generator_losses
from .samples import sample_sheet


class Objective(nn.Module):
    """The generator's losses as a module's forward, which is what an engine wraps."""

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
    """start: a checkpoint that a fresh run begins with, at the last phase."""
    torch.manual_seed(experiment.seed)
    generator = build_generator(experiment.generator).to(memory_format=torch.channels_last)
    generator.paints.copy_(painted_by(SPACES[experiment.space]))
    critics = Critics(experiment.critic_width, experiment.generator.condition_dim)
    average = copy.deepcopy(generator).requires_grad_(False).eval()
    generator_step = torch.optim.AdamW(
        groups(generator, experiment.painter_rate), weight_decay=1e-3, fused=True
    )
    critic_step = torch.optim.Adam(critics.parameters(), experiment.critic_rate, betas=(0.0, 0.99))
    kept = {"generator": generator, "critics": critics, "average": average,
            "generator_step": generator_step, "critic_step": critic_step}  # fmt: skip
    state = run.load_state("cpu")
    first = state["step"] if state else 0
    for name, part in kept.items() if state else ():
        part.load_state_dict(state[name])
    if accelerator.is_main_process:
        run.forget_after(first)
    if start and not state:
        accelerator.print(begin_with(start, generator, average))
        first = experiment.steps - experiment.phases[-1].steps
    if not state:
        init_teeth(generator.jaws, data, SPACES[experiment.space])
    average.to(accelerator.device)
    critics.to(accelerator.device)  # small, and past the engine's wrap: see `reduce` below
    objective, generator_step = accelerator.prepare(Objective(generator), generator_step)
    device, rank, ranks = accelerator.device, accelerator.process_index, accelerator.num_processes

    bar = tqdm(total=experiment.steps, initial=first, disable=rank > 0, smoothing=0.05)
    began, sums, counted = time.monotonic(), {}, 0
    for start, phase in phases(experiment, first):
        draw = Draw(phase.batch // ranks, phase.photos // ranks, phase.reverse, phase.opening)
        steps = range(max(first, start), start + phase.steps)
        for step, batch in zip(
            steps, prefetch(data, experiment.seed, steps, rank, draw), strict=True
        ):
            torch.manual_seed(experiment.seed * 1_000_003 + step * ranks + rank)
            batch, weights = batch.to(device), weights_at(phase, step - start)
            rate = rate_at(phase, step - start)
            for group in generator_step.param_groups:
                group["lr"] = rate * group["scale"]

            objective.train()
            critics.requires_grad_(False)
            terms, composite = objective(critics, batch, weights)
            accelerator.backward(sum(terms.values()))
            accelerator.clip_grad_norm_(generator.parameters(), 5.0)
            generator_step.step()
            generator_step.zero_grad()

            if composite is not None and step - start >= phase.critic_from * phase.steps * 0.9:
                critics.requires_grad_(True)
                slope = experiment.slope * experiment.slope_every
                terms["critic"] = critic_loss(
                    critics,
                    (batch.photos, batch.labels),
                    (composite, batch.after),
                    slope if step % experiment.slope_every == 0 else 0.0,
                )
                accelerator.backward(terms["critic"])
                for parameter in critics.parameters():
                    parameter.grad = accelerator.reduce(parameter.grad, "mean")
                critic_step.step()
                critic_step.zero_grad()
            follow(average, generator, min(experiment.ema, (1 + step) / (10 + step)))

            done = step + 1
            sums = {k: sums.get(k, 0) + v.detach() for k, v in terms.items()}
            counted += 1
            bar.update()
            if rank == 0 and (done % experiment.log_every == 0 or done == experiment.steps):
                means = {key: round(float(value) / counted, 5) for key, value in sums.items()}
                seconds = round(time.monotonic() - began, 1)
                run.log(step=done, seconds=seconds, rate=round(rate, 7), **means)
                bar.set_postfix({k: f"{v:.3f}" for k, v in means.items()}, refresh=False)
                sums, counted = {}, 0
            if rank == 0 and (done % experiment.sample_every == 0 or done == experiment.steps):
                sample_sheet(average, data, run.folder / "samples" / f"{done:07d}.png")
            if rank == 0 and (done % experiment.save_every == 0 or done == experiment.steps):
                run.save_state({k: v.state_dict() for k, v in kept.items()} | {"step": done})
                save_generator(run.folder / "generator.safetensors", average,
                               SPACES[experiment.space], {"steps": done})  # fmt: skip
    bar.close()


# Units that may open a mouth, or close it: what the others need is in the photo and has to move.
PAINTING = ("AU23", "AU25", "AU26")


def painted_by(space: ExpressionSpace) -> Tensor:
    """(D,): 1 for axes that may paint; all where no unit has a name that says so."""
    may = [key in PAINTING for key in space.keys]
    return torch.tensor(may if any(may) else [True] * len(may)).float()


def init_teeth(jaws: Jaws, data: Pairs, space: ExpressionSpace) -> None:
    """Give it the pictures of the face model, and the places of a mean face of the data."""
    model = load_model()
    for name, picture in teeth.pictures(model).items():
        getattr(jaws, name).copy_(torch.from_numpy(picture).movedim(-1, 0))
    if space == ACTION_UNITS:
        jaws.falls.copy_(torch.from_numpy(teeth.falls(model)))
    places = [
        np.concatenate([np.ravel(part) for part in found[:3]]) for found in data.jaws.values()
    ]
    if places:
        jaws.usual.copy_(torch.from_numpy(np.mean(places, 0)))


def groups(generator: nn.Module, painter_rate: float) -> list[dict]:
    """Parameters by learning rate: painter and lights begin later and may learn faster."""
    late = ("painter", "lights", "jaws", "rim")
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


def weights_at(phase: Phase, step: int):
    """The phase's weights, without realism before critics speak."""
    if step >= phase.critic_from * phase.steps:
        return phase.weights
    return dataclasses.replace(phase.weights, realism=0.0, features=0.0)
