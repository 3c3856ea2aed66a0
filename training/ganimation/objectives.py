"""The full objective of the six systems as dicts of named, weighted terms.

B samples of this process · S generated frames · K scores of a critic: S, or 1 of a clip critic ·
D axes · H x W pixels

Terms of the generator begin with `g.`, those of critics with `d.`; then comes the weight's name in
`experiments.Weights`; then, for a part of a term, `_real` or `_fake` for real or generated frames,
or `_back` for the edit back to the source. Terms of pretraining begin with `told.` and have no
weights. Names without a dot are logged only: `attention` is the mean attention.

Each term is a mean over the samples of this process, or `experiment.batch` times such a mean where
the original sums over the batch, so that the average over processes is the term of the whole batch;
the loss term of the attention, an absolute deviation of a mean, only if `attention_rest` is 0 or 1,
as in all systems.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from moodganimation.networks.base import Generator
from moodganimation.networks.compositing import Edit
from moodganimation.networks.rollout import Feed, rollout, stack_edits

from ..data.batches import Batch
from . import losses
from .critics import Critic
from .experiments import Experiment, Weights

Terms = dict[str, Tensor]
PENALTY_EPSILON = {"frame": 1e-12, "clip": 1e-8}  # under the root of the gradient penalty
# Supervised terms:
# The region to edit is this times the mean absolute difference of source and target over 5 x 5
# pixels, on [-1, 1], clamped to 1.
DIFFERENCE_SCALE = 8
MIN_REGION_SHARE = 0.01  # added to the region's share of a frame, which bounds its errors' weight
COLOR_WEIGHTS, COMPOSITE_WEIGHTS = (5, 1), (10, 2)  # of the squared and of the absolute error
PAINT_WEIGHT, KEEP_WEIGHT = 0.1, 0.5  # of the attention error in the region, and outside it
MIN_PROBABILITY = 1e-4  # smallest argument of a logarithm


def generate(generator: Generator, batch: Batch, feed: Feed) -> Edit:
    """Generate the frames of the batch's targets from its first frame; an edit (B, S, ...)."""
    edit = stack_edits(rollout(generator, batch.frames[:, 0], batch.targets, feed, batch.truth))
    return edit.map(lambda field: field.to(batch.frames.dtype))  # losses need full precision


def total_loss(terms: Terms) -> Tensor:
    """The sum of the terms that are part of the loss."""
    return sum(value for name, value in terms.items() if is_loss(name))


def is_loss(name: str) -> bool:
    """Whether a term is part of the loss; the others are logged only."""
    return "." in name


def critic_prefix(kind: str) -> str:
    """The prefix of a critic's terms and weights."""
    return "clip_" if kind == "clip" else ""


def generator_losses(
    edit: Edit,
    generator: Generator,
    critics: dict[str, Critic],
    batch: Batch,
    experiment: Experiment,
) -> Terms:
    """Return the generator's objective: realism, condition, reconstruction and attention terms.

    edit: the generator's output for the batch. For photos, reconstruction is the cycle back to the
    source; for clips, L1 to the true frames. Pumarola et al. 2018, "Full Loss"; for clips as in
    the MoodGANimation branches.
    """
    weights, terms = experiment.weights, {}
    for kind, critic in critics.items():
        realism, condition = critic(edit.composite)
        # The original sums over the scores of a sample: one a frame, or one a clip.
        score_count, prefix = realism.shape[1], critic_prefix(kind)
        error = _condition_error(condition, batch.targets, experiment)
        terms[f"g.{prefix}realism"] = score_count * losses.wasserstein(realism)
        terms[f"g.{prefix}condition"] = score_count * error
    if batch.truth is None:  # unpaired data: cycle consistency
        back = stack_edits(rollout(generator, edit.composite[:, -1], batch.conditions[:, :1]))
        terms["g.reconstruction"] = F.l1_loss(back.composite[:, 0], batch.frames[:, 0])
        attentions = {"": edit.attention, "_back": back.attention}
    else:
        frame_count = edit.composite.shape[1]
        terms["g.reconstruction"] = frame_count * F.l1_loss(edit.composite, batch.truth)
        if weights.told:
            terms["g.told"] = sum(supervised_terms(edit, batch).values())
        attentions = {"": edit.attention}
    for suffix, attention in attentions.items():
        for name, value in _attention_terms(attention, experiment).items():
            terms[f"g.{name}{suffix}"] = value
    return _weighted(terms, weights) | {"attention": edit.attention.detach().mean()}


def _attention_terms(attention: Tensor, experiment: Experiment) -> Terms:
    """Regularization of the attention (B, S, 1, H, W), summed over frames."""
    target, power = experiment.attention_rest, experiment.roughness_power
    frames = attention.unbind(1)
    deviation = sum(losses.attention_deviation(frame, target) for frame in frames)
    variation = sum(losses.total_variation(frame, power).mean() for frame in frames)
    return {"attention": deviation, "smoothness": experiment.batch * variation}


def critic_losses(
    kind: Literal["frame", "clip"],
    critic: Critic,
    fake: Tensor,
    batch: Batch,
    experiment: Experiment,
) -> Terms:
    """Return a critic's Wasserstein terms, and its error on the expressions of real frames.

    fake: (B, S, 3, H, W). Pumarola et al. 2018, "Image Adversarial Loss" and "Conditional
    Expression Loss".
    """
    real, conditions = batch.real
    # One pass for both, since critics have no batch norm.
    realism, condition = critic(torch.cat([real, fake.detach()]))
    real_scores, fake_scores = realism.chunk(2)
    score_count, prefix = real_scores.shape[1], critic_prefix(kind)
    error = _condition_error(condition.chunk(2)[0], conditions, experiment)
    terms = {
        f"d.{prefix}realism_real": score_count * losses.wasserstein(real_scores),
        f"d.{prefix}realism_fake": -score_count * losses.wasserstein(fake_scores),
        f"d.{prefix}condition": score_count * error,
    }
    return _weighted(terms, experiment.weights)


def gradient_penalties(
    kind: Literal["frame", "clip"],
    critic: Critic,
    fake: Tensor,
    batch: Batch,
    experiment: Experiment,
    interpolation: Tensor,
) -> Tensor:
    """Return the weighted gradient penalty of each score, (K,).

    fake: (B, S, 3, H, W); interpolation: (K, B) in [0, 1], see `losses.gradient_penalty`. Generated
    frames are interpolated with the real ones; or for a frame critic, as branches of the original
    do, with the first frame (`penalty_pairs` "first") or the previous generated frame ("previous").
    With `penalty_every` = N the weight is multiplied by N: Karras et al. 2020, "Lazy
    regularization".
    """
    fake, partner = fake.detach(), batch.real[0]
    if kind == "frame" and experiment.penalty_pairs != "real":
        first = batch.frames[:, :1]
        if experiment.penalty_pairs == "first":
            partner = first.expand_as(fake)
        else:
            partner = torch.cat([first, fake[:, :-1]], 1)
    weight = getattr(experiment.weights, f"{critic_prefix(kind)}penalty")
    weight *= experiment.penalty_every
    return weight * losses.gradient_penalty(
        critic, partner, fake, interpolation, PENALTY_EPSILON[kind]
    )


def supervised_terms(edit: Edit, batch: Batch) -> Terms:
    """Return losses of color, attention and composite against the true frames, means over frames.

    edit: (B, S, ...), its color and composite (B, S, 3, H, W), its attention (B, S, 1, H, W). Not
    in the original. Color and composite are compared with the whole true frame; attention must be
    low in the region where source and true frame differ, and high elsewhere. Errors of color and
    composite in that region are added once more, averaged over it alone, so that a small region (a
    lid) weighs as much as a large one (a jaw).
    """
    source = batch.frames[:, :1].expand_as(batch.truth)
    difference = (source - batch.truth).abs().mean(2).flatten(0, 1)[:, None]
    region = (DIFFERENCE_SCALE * F.avg_pool2d(difference, 5, 1, 2)).clamp(0, 1)
    region = region.unflatten(0, batch.truth.shape[:2])
    region_share = region.mean((2, 3, 4)) + MIN_REGION_SHARE

    def mean_in_region(values: Tensor) -> Tensor:
        return ((region * values).mean((2, 3, 4)) / region_share).mean()

    def color_error(picture: Tensor, weights: tuple[float, float]) -> Tensor:
        error = picture - batch.truth
        error = weights[0] * error.square() + weights[1] * error.abs()
        return error.mean() + mean_in_region(error)

    attention = edit.attention.clamp(MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    paint_error = mean_in_region(-(1 - attention).log())
    keep_error = ((1 - region) * -attention.log()).mean()
    return {
        "color": color_error(edit.color, COLOR_WEIGHTS),
        "composite": color_error(edit.composite, COMPOSITE_WEIGHTS),
        "attention": PAINT_WEIGHT * paint_error + KEEP_WEIGHT * keep_error,
    }


def _condition_error(condition: Tensor, target: Tensor, experiment: Experiment) -> Tensor:
    """Mean error of a critic's estimates of the expression; condition, target: (B, S, D)."""
    error = condition - target
    error = error.square() if experiment.condition_loss == "mse" else losses.xsigmoid(error)
    return error.mean() / (experiment.batch if experiment.condition_by_batch else 1)


def _weighted(terms: Terms, weights: Weights) -> Terms:
    """Multiply each term by the field of `Weights` of the same name."""

    def weight(name: str) -> float:
        name = name.split(".")[1]
        for suffix in ("_back", "_real", "_fake"):
            name = name.removesuffix(suffix)
        return getattr(weights, name)

    return {name: weight(name) * value for name, value in terms.items()}
