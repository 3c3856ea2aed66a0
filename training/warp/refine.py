"""Training of the mouth refiner of a generator whose other weights stay as they are.

    python -m training refine --data DIR --checkpoint FILE --out RUN

Photographed open mouths have a target. Edits that open a mouth have none: a critic judges them, and
their low frequencies and colors are held to the rendered drawing. Losses compare ratios: colors
divided by the estimated light of the skin around the mouth, see `ratios_of`. Losses and schedules
follow Isola et al. 2017 (hinge critic, L1), Wang et al. 2018 (feature matching) and Mescheder et
al. 2018 (R1).

B windows · h x w pixels of a window
"""

import copy
import time
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.utils import save_image
from tqdm import tqdm

from moodganimation.networks.refiner import (
    DARKEST,
    MAX_RATIO,
    MouthDrawing,
    Refiner,
    dilate,
    drawing_ratios,
    painted_boxes,
    skin_light,
)
from moodganimation.networks.warp import WarpGenerator

from ..common.ema import update_average
from ..common.runs import Run, is_due
from .mouths import Mouths

CORNER_HEIGHT = 0.4  # of a hole's greatest height; columns below it are the corners of the mouth


@dataclass(frozen=True, kw_only=True)
class RefinerExperiment:
    """Hyperparameters of a refiner's training. `pixels` to `tint` without `widest` are weights of
    the losses."""

    steps: int = 5000
    batch: int = 8  # edits a step, and as many photographed mouths
    similar: int = 24  # photographed mouths of an edit's size, one of which is in its batch
    rate: float = 3e-4
    critic_rate: float = 4e-4
    critic_from: int = 300  # step from which the refiner learns from the critic
    pixels: float = 5.0
    gradients: float = 2.0
    realism: float = 1.0
    texture: float = 0.5  # realism of patches of 22 pixels, two or three teeth wide
    features: float = 2.0
    edits_realism: float = 1.0  # factor on `realism` and `texture` of edits
    widest: int = 1000  # hole [pixels] from which edits have no `realism`: few real mouths are so
    coarse: float = 0.75  # of edits: low frequencies against those of the drawing
    drawing: float = 2.0  # of edits without `realism`, and of corners: pixels against the drawing
    tint: float = 1.5  # of edits: chroma against the blurred chroma of the drawing
    r1: float = 0.01
    r1_every: int = 8
    ema: float = 0.998
    sizes: int = 4  # groups of edits by size; a batch comes from one group
    freeze_at: float = 0.6  # share of the steps after which batch norm uses running statistics
    precision: str = "bf16"
    seed: int = 0
    log_every: int = 50
    save_every: int = 500
    sample_every: int = 500


class Batch(NamedTuple):
    drawing: MouthDrawing
    target: Tensor  # (B, 3, h, w) in [0, 1]
    real: Tensor  # (B, 1, 1, 1): 1 where the target is the truth


class MouthCritic(nn.Module):
    """Scores from colors in the light of the skin (B, 3, h, w) whether places of a mouth are
    photographed: (B, 1, h/8, w/8) by 54 pixels around, the same by 22, and the features on the way.

    The hole is not an input: holes of edits have other shapes than those of real mouths, by which
    the critic would know them.
    """

    def __init__(self, width: int = 32):
        super().__init__()
        n = width
        shapes = [(3, n, 2), (n, 2 * n, 2), (2 * n, 4 * n, 2), (4 * n, 4 * n, 1)]
        self.layers = nn.ModuleList(nn.Conv2d(i, o, 2 + s, s, 1) for i, o, s in shapes)
        self.realism = nn.Conv2d(4 * n, 1, 3, 1, 1)
        self.texture = nn.Conv2d(4 * n, 1, 1)
        for layer in (*self.layers, self.realism, self.texture):
            nn.init.kaiming_normal_(layer.weight, 0.2)
            nn.init.zeros_(layer.bias)

    def forward(self, ratios: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        x, maps = ratios - 1, []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            maps.append(x)
        return self.realism(x), self.texture(maps[2]), maps


def sample_batch(data: Mouths, experiment: RefinerExperiment, rng: torch.Generator) -> Batch:
    """A random batch of edits of about one size, and for each a photographed mouth of its height
    and width, so that the critic cannot know edits by their size. Augmented: mirrored, in other
    colors and light, with teeth of other tones, and here and there with a part of the true inside
    already known."""
    group = int(torch.randint(experiment.sizes, (), generator=rng))
    place = data.edits_by_size.tensor_split(experiment.sizes)[group]
    edits = place[torch.randint(len(place), (experiment.batch,), generator=rng)]
    similar = data.similar_real_mouths(edits, experiment.similar)
    column = torch.randint(similar.shape[1], (len(edits), 1), generator=rng)
    real = similar.gather(1, column)[:, 0]
    return augmented(select(data, torch.cat([real, edits])), rng)


def select(data: Mouths, rows: Tensor) -> Batch:
    photo, target, hole, known, teeth = (
        x[rows].float() / 255 for x in (data.photo, data.target, data.hole, data.known, data.teeth)
    )
    drawing = MouthDrawing(photo, hole, known, teeth, data.white[rows], data.saturation[rows])
    return Batch(drawing, target, data.real[rows].float()[:, None, None, None])


def augmented(batch: Batch, rng: torch.Generator) -> Batch:
    drawing, target, real = batch
    count = len(target)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=rng)

    mirror = uniform(0, 1, 1, 1, 1) < 0.5
    grey = (uniform(0, 1, 1, 1, 1) < 0.12).float()
    gamma, gain = uniform(0.75, 1.3, 1, 1, 1), uniform(0.8, 1.15, 3, 1, 1)
    gain = gain * torch.where(uniform(0, 1, 1, 1, 1) < 0.25, uniform(0.15, 0.9, 1, 1, 1), 1)
    slope = torch.where(uniform(0, 1, 1, 1, 1) < 0.3, uniform(-0.9, 0.9, 1, 1, 1), 0)
    place = torch.linspace(-1, 1, target.shape[-1])

    def flipped(x: Tensor) -> Tensor:
        return torch.where(mirror, x.flip(-1), x)

    def tone(x: Tensor) -> Tensor:
        x = x.clamp(0, 1) ** gamma * gain
        return (x + grey * (x.mean(1, keepdim=True) - x)).clamp(0, 1)

    def lit(x: Tensor) -> Tensor:
        return (tone(flipped(x)) * (slope * place).exp()).clamp(0, 1)

    white = tone(drawing.white[..., None, None])[..., 0, 0] * uniform(0.85, 1.15, 1)
    hole, known, teeth = map(flipped, (drawing.hole, drawing.known, drawing.teeth))
    shown = real * (uniform(0, 1, 1, 1, 1) < 0.2).float()
    edge = uniform(0.1, 0.5, 1, 1, 1) * target.shape[-2]
    rows = torch.arange(target.shape[-2], dtype=torch.float32)[:, None]
    known = torch.maximum(known, shown * hole * (edge - rows).clamp(0, 1))
    photo, target = lit(drawing.photo), lit(target)
    saturation = drawing.saturation * (1 - grey)
    return Batch(MouthDrawing(photo, hole, known, teeth, white, saturation), target, real)


class RefinerTrainer:
    """The networks of a run with their optimizers, and one step of their training.

    The refiner begins with the features of the generator's own, which may be new, and with the
    drawing as its output.
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
        return {
            "refiner": self.refiner,
            "critic": self.critic,
            "average": self.average,
            "refiner_step": self.refiner_optimizer,
            "critic_step": self.critic_optimizer,
        }

    def step(self, step: int, batch: Batch) -> dict[str, Tensor]:
        """Train refiner and critic on a batch; returns the terms of both."""
        e = self.experiment
        rate = e.rate * min(1.0, (step + 1) / 100, 0.05 + 2 * (1 - step / e.steps))
        for group in self.refiner_optimizer.param_groups:
            group["lr"] = rate
        drawing, target, light, tone = crop_to_holes(batch)
        paint, truth = drawing.paint, ratios_of(target, light)
        self._set_norm(step)
        with torch.autocast(paint.device.type, torch.bfloat16, enabled=e.precision == "bf16"):
            made = self.refiner.ratios(drawing, light, tone)
            photo = ratios_of(drawing.photo, light)
            composite = photo + paint * (made - photo)
            terms = self._picture_terms(made, truth, drawing, light, paint, batch.real)
            if step >= e.critic_from:
                terms |= self._adversarial_terms(composite, truth, paint, batch.real)
        self.refiner_optimizer.zero_grad()
        sum(terms.values()).backward()
        nn.utils.clip_grad_norm_(self.refiner.parameters(), 5.0)
        self.refiner_optimizer.step()
        update_average(self.average, self.refiner, min(e.ema, (1 + step) / (10 + step)))
        if step >= e.critic_from - 100:
            photographed = photo + paint * (truth - photo)
            terms["critic"] = self._step_critic(
                step, composite.detach(), photographed, paint, batch
            )
        return terms

    def _set_norm(self, step: int) -> None:
        """Normalize by the statistics of the batch, which holds mouths of one size; in later steps
        by the running statistics of all sizes, as in use."""
        self.refiner.train(step < self.experiment.freeze_at * self.experiment.steps)

    def _picture_terms(self, made, truth, drawing, light, paint, real) -> dict[str, Tensor]:
        e, known = self.experiment, real * paint
        pixels = weighted_mean((made - truth).abs(), known)
        slopes = sum(
            weighted_mean(
                (made - truth).diff(dim=axis).abs(), known.narrow(axis, 1, known.shape[axis] - 1)
            )
            for axis in (2, 3)
        )
        drawn, inner = drawing_ratios(drawing, light), -dilate(-paint)
        coarse = weighted_mean(
            cell_means((made - drawn) * inner).abs(), (1 - real) * cell_means(inner)
        )
        held = (1 - real) * torch.maximum(1 - self._is_narrow(paint), corners(paint))
        drawing_error = weighted_mean((made - drawn).abs(), held * paint)
        tint = weighted_mean((chroma(made) - blur(chroma(drawn))).abs(), (1 - real) * paint)
        return {
            "pixels": e.pixels * pixels,
            "gradients": e.gradients * slopes,
            "coarse": e.coarse * coarse,
            "drawing": e.drawing * drawing_error,
            "tint": e.tint * tint,
        }

    def _is_narrow(self, paint: Tensor) -> Tensor:
        """Return 1 for mouths that open no farther than photographed ones, else 0: (B, 1, 1, 1)."""
        return (paint.sum((1, 2, 3), keepdim=True) < self.experiment.widest).float()

    def _adversarial_terms(self, composite, truth, paint, real) -> dict[str, Tensor]:
        e = self.experiment
        self.critic.requires_grad_(False)
        score, texture, maps = self.critic(composite)
        with torch.no_grad():
            *_, target_maps = self.critic(composite + paint * (truth - composite))
        weight = F.adaptive_max_pool2d(paint, score.shape[-2:])
        weight = weight * (real + (1 - real) * e.edits_realism)
        narrow = torch.maximum(real, self._is_narrow(paint))
        features = sum(
            weighted_mean((a - b).abs(), real * F.adaptive_max_pool2d(paint, a.shape[-2:]))
            for a, b in zip(maps, target_maps, strict=True)
        ) / len(maps)
        return {
            "realism": -e.realism * weighted_mean(score, narrow * weight),
            "texture": -e.texture * weighted_mean(texture, weight),
            "features": e.features * features,
        }

    def _step_critic(self, step, made, photographed, paint, batch) -> Tensor:
        e, real = self.experiment, batch.real[:, 0, 0, 0] > 0
        self.critic.requires_grad_(True)
        weight = F.adaptive_max_pool2d(paint, tuple(n // 8 for n in paint.shape[-2:]))
        narrow = torch.maximum(batch.real, self._is_narrow(paint))
        with torch.autocast(paint.device.type, torch.bfloat16, enabled=e.precision == "bf16"):
            fakes, trues = self.critic(made)[:2], self.critic(photographed[real])[:2]
            loss = sum(
                weighted_mean(F.relu(1 + fake.float()), share * weight)
                + weighted_mean(F.relu(1 - true.float()), weight[real])
                for fake, true, share in zip(fakes, trues, (narrow, 1), strict=True)
            )
        if step % e.r1_every == 0:
            photo = photographed[real].clone().requires_grad_(True)
            score, texture, _ = self.critic(photo)
            scored = weighted_mean(score + texture, weight[real])
            slope = torch.autograd.grad(scored, photo, create_graph=True)[0]
            loss = loss + e.r1 * e.r1_every / 2 * slope.square().sum((1, 2, 3)).mean()
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()
        return loss.detach()


def crop_to_holes(batch: Batch) -> tuple[MouthDrawing, Tensor, Tensor, Tensor]:
    """Return the drawing, the target and the light of the skin of a batch, all cropped to one box
    around its holes, and the mean light (B, 3, 1, 1) of the whole windows."""
    drawing, light = batch.drawing, skin_light(batch.drawing.photo)
    painted = drawing.paint.amax(0, keepdim=True)
    (_, at), *_ = painted_boxes(painted)
    near = MouthDrawing(*(x[..., at[0], at[1]] for x in drawing[:4]), *drawing[4:])
    target, cropped = (x[..., at[0], at[1]] for x in (batch.target, light))
    return near, target, cropped, light.mean((2, 3), keepdim=True)


def ratios_of(picture: Tensor, light: Tensor) -> Tensor:
    return ((picture + DARKEST) / (light + DARKEST)).clamp(0, MAX_RATIO)


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of (B, C, h, w) over channels, and over pixels weighted by (B, 1, h, w)."""
    return (values.float().mean(1, keepdim=True) * weight).sum() / (weight.sum() + 1e-3)


def corners(paint: Tensor) -> Tensor:
    """Return the columns of a hole (B, 1, h, w) that are low beside its highest, towards the
    corners of the mouth, (B, 1, 1, w) of 0 and 1. Edits paint the lips there, which are closed in
    the photo; without a target, the refiner would take their color."""
    height = paint.sum(2, keepdim=True)
    return (height < CORNER_HEIGHT * height.amax(3, keepdim=True)).float()


def cell_means(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 8, 4)


def blur(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 9, 1, 4, count_include_pad=False)


def chroma(ratios: Tensor) -> Tensor:
    return ratios - ratios.mean(1, keepdim=True)


@torch.no_grad()
def held_out(refiner: Refiner, data: Mouths, experiment: RefinerExperiment) -> float:
    """Return the mean absolute error of ratios in the holes of photographed mouths."""
    rows, errors = data.real.nonzero()[:, 0], []
    for part in rows.split(32):
        batch = select(data, part)
        light = skin_light(batch.drawing.photo)
        made, truth = (ratios_of(x, light) for x in (refiner(batch.drawing), batch.target))
        errors.append(weighted_mean((made - truth).abs(), batch.drawing.hole))
    return float(torch.stack(errors).mean())


@torch.no_grad()
def sample_sheet(refiner: Refiner, data: Mouths, path) -> None:
    """Rows of moved photo, drawing, refined, target: real mouths, then edits."""
    rng, rows = torch.Generator().manual_seed(1), []
    for real in (True, False):
        place = (data.real == real).nonzero()[:, 0]
        rows.append(place[torch.randperm(len(place), generator=rng)[:12]])
    batch = select(data, torch.cat(rows))
    drawing, hole = batch.drawing, batch.drawing.hole
    light = skin_light(drawing.photo)
    drawn = (drawing_ratios(drawing, light) * (light + DARKEST) - DARKEST).clamp(0, 1)
    made = drawing.photo + hole * (refiner(drawing) - drawing.photo)
    sheet = torch.stack([drawing.photo, drawn, made, batch.target], 1)
    sheet = sheet.unflatten(0, (-1, 2)).flatten(1, 2).flatten(0, 1)
    save_image(sheet, path, nrow=8, padding=1)


def refine(
    experiment: RefinerExperiment, generator: WarpGenerator, data: Mouths, held: Mouths, run: Run
) -> WarpGenerator:
    """Train a refiner of a generator that has one, or go on; its own becomes the average of the
    trained ones."""
    trainer, began = RefinerTrainer(experiment, generator), time.monotonic()
    state = run.load_state("cpu")
    first = state["step"] if state else 0
    run.forget_after(first)
    for name, part in trainer.parts.items() if state else ():
        part.load_state_dict(state[name])
    sums, count = {}, 0
    for step in tqdm(range(first, experiment.steps), initial=first, total=experiment.steps):
        rng = torch.Generator().manual_seed(experiment.seed * 1_000_003 + step)
        terms = trainer.step(step, sample_batch(data, experiment, rng))
        sums = {k: sums.get(k, 0) + v.detach() for k, v in terms.items()}
        count, done = count + 1, step + 1
        if is_due(done, experiment.sample_every, experiment.steps):
            sample_sheet(trainer.average, held, run.folder / "samples" / f"{done:07d}.png")
        if is_due(done, experiment.save_every, experiment.steps):
            run.save_state({k: p.state_dict() for k, p in trainer.parts.items()} | {"step": done})
            sums["held_out"] = count * torch.tensor(held_out(trainer.average, held, experiment))
        if is_due(done, experiment.log_every, experiment.steps):
            means = {k: round(float(v) / count, 5) for k, v in sums.items()}
            run.log(step=done, seconds=round(time.monotonic() - began, 1), **means)
            sums, count = {}, 0
    generator.refiner.load_state_dict(trainer.average.state_dict())
    return generator
