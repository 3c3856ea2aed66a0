"""Training of the mouth refiner of a generator whose other weights stay as they are.

    python -m training refine --data DIR --checkpoint FILE --out RUN

Photographed open mouths have a target. Edits that open a mouth have none: a critic judges them, and
their low frequencies and colors are held to the rendered drawing. Losses compare color ratios, see
`mouth_batches.ratios_of`. Sources: L1 (Isola et al. 2017), hinge critic (Lim & Ye 2017), feature
matching (Wang et al. 2018), R1 (Mescheder et al. 2018).

B windows · C channels · h x w pixels of a window
"""

import copy
import time
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.utils import save_image
from tqdm import tqdm

from moodganimation.networks.refiner import (
    DARKEST,
    Refiner,
    dilate,
    drawing_ratios,
    estimate_skin_light,
)
from moodganimation.networks.warp import WarpGenerator

from ..common.ema import update_average, warmup_decay
from ..common.runs import Run, is_due, step_seed
from .mouth_batches import MouthBatch, crop_to_paint, ratios_of, sample_batch, select
from .mouth_critic import MouthCritic
from .mouths import Mouths

# The learning rate of the refiner: steps of its warm-up, then a constant until about half of all
# steps, then linear down to this share of it.
WARMUP_STEPS, FINAL_RATE = 100, 0.05
CRITIC_HEAD_START = 100  # steps for which the critic learns before the refiner learns from it
MAX_GRADIENT_NORM = 5.0
CELL, BLUR = 8, 9  # sides of the windows of `cell_means` and of `blur` [pixels]


@dataclass(frozen=True, kw_only=True)
class RefinerExperiment:
    """Hyperparameters of a refiner's training."""

    # Of settings in stored runs:
    FORMER_NAMES: ClassVar[dict[str, str]] = {"widest": "large_from", "coarse": "low_frequencies"}

    steps: int = 5000
    batch: int = 8  # edits a step, and as many photographed mouths
    groups: int = 4  # of edits by size; a batch comes from one of them
    similar: int = (
        24  # photographed mouths nearest in size to an edit, one of which is in its batch
    )
    rate: float = 3e-4
    critic_rate: float = 4e-4
    critic_from: int = 300  # step from which the refiner learns from the critic
    # Area of the paint [pixels] from which an edit has no critic: few photographed mouths are so
    # large.
    large_from: int = 1000
    freeze_at: float = 0.6  # share of the steps after which batch norm uses running statistics
    # Weights of the losses of photographed mouths, against their targets:
    pixels: float = 5.0
    gradients: float = 2.0
    features: float = 2.0
    # of all mouths, by the critic:
    realism: float = 1.0  # of patches of 54 pixels
    texture: float = 0.5  # of patches of 22 pixels, two or three teeth wide
    # Factor on both for mouths that are edits, only in the loss of the refiner:
    edits_realism: float = 1.0
    # and of edits, against their drawings:
    low_frequencies: float = 0.75
    drawing: float = 3.0  # pixels of large mouths, see `large_from`
    tint: float = 1.5  # chroma against the blurred chroma
    # Of the critic:
    r1: float = 0.01  # gamma of R1
    r1_every: int = 8  # N: R1 is applied every N steps, with N times its weight
    ema: float = 0.998
    precision: str = "bf16"
    seed: int = 0
    log_every: int = 50
    save_every: int = 500
    sample_every: int = 500

    def rate_at(self, step: int) -> float:
        """The learning rate of the refiner in a step."""
        warmup, decay = (step + 1) / WARMUP_STEPS, FINAL_RATE + 2 * (1 - step / self.steps)
        return self.rate * min(1.0, warmup, decay)


class RefinerTrainer:
    """The networks of a run with their optimizers, and one step of their training.

    The refiner starts with the weights of the generator's, but for its last layer, so that its
    first output is nearly the drawing.
    """

    def __init__(self, experiment: RefinerExperiment, generator: WarpGenerator):
        self.experiment = experiment
        torch.manual_seed(experiment.seed)
        self.refiner = Refiner(generator.scaled).to(memory_format=torch.channels_last)
        self.refiner.load_state_dict(generator.refiner.state_dict())
        self.refiner.reset_output()
        self.critic = MouthCritic().to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.refiner).requires_grad_(False).eval()
        self.refiner_optimizer = torch.optim.Adam(
            self.refiner.parameters(), experiment.rate, betas=(0.5, 0.99)
        )
        self.critic_optimizer = torch.optim.Adam(
            self.critic.parameters(), experiment.critic_rate, betas=(0.0, 0.99)
        )

    @property
    def parts(self) -> dict:
        """Everything with a state that is stored, by its key in the file."""
        return {
            "refiner": self.refiner,
            "critic": self.critic,
            "average": self.average,
            "refiner_step": self.refiner_optimizer,
            "critic_step": self.critic_optimizer,
        }

    def step(self, step: int, batch: MouthBatch) -> dict[str, Tensor]:
        """Train refiner and critic on a batch. Returns the terms of both."""
        experiment = self.experiment
        for group in self.refiner_optimizer.param_groups:
            group["lr"] = experiment.rate_at(step)
        drawing, target, skin_light, tone = crop_to_paint(batch)
        paint, truth = drawing.paint, ratios_of(target, skin_light)
        self._set_norm(step)
        with self._autocast(paint):
            refined = self.refiner.predict_ratios(drawing, skin_light, tone)
            photo, drawn = ratios_of(drawing.photo, skin_light), drawing_ratios(drawing, skin_light)
            composite = photo + paint * (refined - photo)
            terms = self._target_terms(refined, truth, batch.photographed * paint)
            terms |= self._drawing_terms(refined, drawn, paint, 1 - batch.photographed)
            if step >= experiment.critic_from:
                terms |= self._adversarial_terms(composite, truth, paint, batch.photographed)
        self.refiner_optimizer.zero_grad()
        sum(terms.values()).backward()
        nn.utils.clip_grad_norm_(self.refiner.parameters(), MAX_GRADIENT_NORM)
        self.refiner_optimizer.step()
        update_average(self.average, self.refiner, warmup_decay(experiment.ema, step))
        if step >= experiment.critic_from - CRITIC_HEAD_START:
            true_composite = photo + paint * (truth - photo)
            composites = composite.detach(), true_composite
            terms["critic"] = self._step_critic(step, composites, paint, batch.photographed)
        return terms

    def _autocast(self, like: Tensor) -> torch.autocast:
        is_bf16 = self.experiment.precision == "bf16"
        return torch.autocast(like.device.type, torch.bfloat16, enabled=is_bf16)

    def _set_norm(self, step: int) -> None:
        """Normalize by the statistics of the batch, whose mouths have one size; in later steps by
        the running statistics of all sizes, as at inference."""
        self.refiner.train(step < self.experiment.freeze_at * self.experiment.steps)

    def _target_terms(self, refined: Tensor, truth: Tensor, weight: Tensor) -> dict[str, Tensor]:
        """The L1 losses of photographed mouths, of ratios and of their gradients.

        weight: (B, 1, h, w), the paint of photographed mouths.
        """
        error = refined - truth
        gradients = sum(
            weighted_mean(
                error.diff(dim=axis).abs(), weight.narrow(axis, 1, weight.shape[axis] - 1)
            )
            for axis in (2, 3)
        )
        return {
            "pixels": self.experiment.pixels * weighted_mean(error.abs(), weight),
            "gradients": self.experiment.gradients * gradients,
        }

    def _drawing_terms(
        self, refined: Tensor, drawn: Tensor, paint: Tensor, is_edit: Tensor
    ) -> dict[str, Tensor]:
        """The L1 losses of edits against their drawings."""
        # Eroded: at its corners, the paint of an edit covers closed lips, which no drawing shows.
        error, inner = refined - drawn, -dilate(-paint)
        mean_error = weighted_mean(cell_means(error * inner).abs(), is_edit * cell_means(inner))
        large = is_edit * (1 - self._is_small(paint))
        tint_error = chroma(refined) - blur(chroma(drawn))
        return {
            "low_frequencies": self.experiment.low_frequencies * mean_error,
            "drawing": self.experiment.drawing * weighted_mean(error.abs(), large * paint),
            "tint": self.experiment.tint * weighted_mean(tint_error.abs(), is_edit * paint),
        }

    def _is_small(self, paint: Tensor) -> Tensor:
        """1 for mouths whose painted area is below `large_from`, else 0: (B, 1, 1, 1)."""
        return (paint.sum((1, 2, 3), keepdim=True) < self.experiment.large_from).float()

    def _adversarial_terms(
        self, composite: Tensor, truth: Tensor, paint: Tensor, photographed: Tensor
    ) -> dict[str, Tensor]:
        """The losses of all mouths by the critic, and feature matching with the targets."""
        experiment = self.experiment
        self.critic.requires_grad_(False)
        realism, texture, maps = self.critic(composite)
        with torch.no_grad():
            # Unlike `true_composite`, it keeps a share of the refined color at the soft edge of the
            # paint, so that the edge, which is painted only in part, adds little to the loss.
            *_, target_maps = self.critic(composite + paint * (truth - composite))
        weight = F.adaptive_max_pool2d(paint, realism.shape[-2:])
        share = experiment.edits_realism * self._is_small(paint)
        weight = weight * (photographed + (1 - photographed) * share)
        features = sum(
            weighted_mean((a - b).abs(), photographed * F.adaptive_max_pool2d(paint, a.shape[-2:]))
            for a, b in zip(maps, target_maps, strict=True)
        ) / len(maps)
        return {
            "realism": -experiment.realism * weighted_mean(realism, weight),
            "texture": -experiment.texture * weighted_mean(texture, weight),
            "features": experiment.features * features,
        }

    def _step_critic(
        self, step: int, composites: tuple[Tensor, Tensor], paint: Tensor, photographed: Tensor
    ) -> Tensor:
        """Train the critic on the composites, refined and true ones. Returns its hinge loss with
        R1, which is added in every `r1_every`-th step."""
        experiment, rows = self.experiment, photographed[:, 0, 0, 0] > 0
        refined, truths = composites[0], composites[1][rows]
        self.critic.requires_grad_(True)
        scale = self.critic.cell
        weight = F.adaptive_max_pool2d(paint, tuple(n // scale for n in paint.shape[-2:]))
        weight = weight * torch.maximum(photographed, self._is_small(paint))
        with self._autocast(paint):
            fakes, trues = self.critic(refined)[:2], self.critic(truths)[:2]
            loss = sum(
                weighted_mean(F.relu(1 + fake.float()), weight)
                + weighted_mean(F.relu(1 - true.float()), weight[rows])
                for fake, true in zip(fakes, trues, strict=True)
            )
        if step % experiment.r1_every == 0:
            penalty = self._r1_penalty(truths, weight[rows])
            loss = loss + experiment.r1 * experiment.r1_every / 2 * penalty
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()
        return loss.detach()

    def _r1_penalty(self, truths: Tensor, weight: Tensor) -> Tensor:
        """The squared norm of the gradient of the critic's weighted score, a mean over windows.

        truths: N windows of photographed mouths, half of the batch. The score is a mean over all of
        them; that of `losses.r1_penalty` is of each window. This penalty is therefore about N^2
        times smaller.
        """
        truths = truths.clone().requires_grad_(True)
        realism, texture, _ = self.critic(truths)
        score = weighted_mean(realism + texture, weight)
        gradient = torch.autograd.grad(score, truths, create_graph=True)[0]
        return gradient.square().sum((1, 2, 3)).mean()


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """The mean of (B, C, h, w) over channels, and over pixels weighted by (B, 1, h, w)."""
    # 1e-3: no division by 0.
    return (values.float().mean(1, keepdim=True) * weight).sum() / (weight.sum() + 1e-3)


def cell_means(x: Tensor) -> Tensor:
    """The means of (B, C, h, w) over overlapping cells, (B, C, h', w')."""
    return F.avg_pool2d(x, CELL, CELL // 2)


def blur(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, BLUR, 1, BLUR // 2, count_include_pad=False)


def chroma(ratios: Tensor) -> Tensor:
    """The differences of the channels (B, 3, h, w) from their mean."""
    return ratios - ratios.mean(1, keepdim=True)


@torch.no_grad()
def validation_error(refiner: Refiner, data: Mouths) -> float:
    """The mean absolute error of color ratios in the holes of photographed mouths."""
    errors = []
    for rows in data.photographed.nonzero()[:, 0].split(32):
        batch = select(data, rows)
        skin_light = estimate_skin_light(batch.drawing.photo)
        refined, truth = (ratios_of(x, skin_light) for x in (refiner(batch.drawing), batch.target))
        errors.append(weighted_mean((refined - truth).abs(), batch.drawing.hole))
    return float(torch.stack(errors).mean())


@torch.no_grad()
def sample_sheet(refiner: Refiner, data: Mouths, path) -> None:
    """Write a picture of photographed mouths, then of edits: photo, drawing, refined mouth and
    target of each. The photo of an edit is the warped one, which is also its target."""
    rng, rows = torch.Generator().manual_seed(1), []
    for photographed in (True, False):
        candidates = (data.photographed == photographed).nonzero()[:, 0]
        rows.append(candidates[torch.randperm(len(candidates), generator=rng)[:12]])
    batch = select(data, torch.cat(rows))
    drawing = batch.drawing
    skin_light = estimate_skin_light(drawing.photo)
    drawn = (drawing_ratios(drawing, skin_light) * (skin_light + DARKEST) - DARKEST).clamp(0, 1)
    refined = drawing.photo + drawing.paint * (refiner(drawing) - drawing.photo)
    sheet = torch.stack([drawing.photo, drawn, refined, batch.target], 1)
    save_image(sheet.flatten(0, 1), path, nrow=8, padding=1)


def refine(
    experiment: RefinerExperiment, generator: WarpGenerator, data: Mouths, val: Mouths, run: Run
) -> WarpGenerator:
    """Train a refiner for a generator that has one, or resume a run. The moving average of its
    weights then replaces the generator's refiner, in place."""
    e, trainer, start_time = experiment, RefinerTrainer(experiment, generator), time.monotonic()
    state = run.load_state("cpu")
    first_step = state["step"] if state else 0
    run.forget_after(first_step)
    for name, part in trainer.parts.items() if state else ():
        part.load_state_dict(state[name])
    sums, count = {}, 0
    for step in tqdm(range(first_step, e.steps), initial=first_step, total=e.steps):
        rng = torch.Generator().manual_seed(step_seed(e.seed, step))
        terms = trainer.step(step, sample_batch(data, e.batch, e.groups, e.similar, rng))
        sums = {k: sums.get(k, 0) + v.detach() for k, v in terms.items()}
        count, done = count + 1, step + 1
        if is_due(done, e.sample_every, e.steps):
            sample_sheet(trainer.average, val, run.folder / "samples" / f"{done:07d}.png")
        if is_due(done, e.save_every, e.steps):
            run.save_state({k: p.state_dict() for k, p in trainer.parts.items()} | {"step": done})
            # Means are over `count`; `save_every` is a multiple of `log_every`, so this is logged.
            sums["validation"] = count * torch.tensor(validation_error(trainer.average, val))
        if is_due(done, e.log_every, e.steps):
            means = {k: round(float(v) / count, 5) for k, v in sums.items()}
            run.log(step=done, seconds=round(time.monotonic() - start_time, 1), **means)
            sums, count = {}, 0
    generator.refiner.load_state_dict(trainer.average.state_dict())
    return generator
