"""The full objective of the seed's systems as dicts of named, weighted terms.

B batch over all processes · S generated frames · D axes · H x W pixels. Terms of the generator
begin with `g.`, those of critics with `d.`; then comes the weight's name in `experiments.Weights`.
Each is a mean over the samples at hand, or B times such a mean where the seed sums over the batch,
so that the average over processes is the term of the whole batch.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from moodganimation.networks.base import Generator
from moodganimation.networks.compositing import Edit
from moodganimation.networks.rollout import Feed, rollout, stack

from ..data.batches import Batch
from . import losses
from .critics import Critic
from .experiments import Experiment

Terms = dict[str, Tensor]
EPSILON = {"frame": 1e-12, "clip": 1e-8}  # under the root of the gradient penalty


def generate(generator: Generator, batch: Batch, feed: Feed) -> Edit:
    """The clip (B, S, ...) that the generator makes of the first frame."""
    edit = stack(rollout(generator, batch.frames[:, 0], batch.targets, feed, batch.truth))
    return edit.map(lambda field: field.to(batch.frames.dtype))  # losses want full precision


def generator_losses(
    there: Edit,
    generator: Generator,
    critics: dict[str, Critic],
    batch: Batch,
    experiment: Experiment,
) -> Terms:
    """Be believed, wear the expression, find the way back (or what was filmed), change little.

    there: what the generator imagines of the batch.
    Pumarola et al. 2018, "Full Loss"; for clips as in the MoodGANimation branches.
    """
    weights, terms = experiment.weights, {}
    for kind, critic in critics.items():
        realism, condition = critic(there.composite)
        scores = realism.shape[1]  # sums over frames, not means; a clip critic has one score
        prefix = _prefix(kind)
        terms[f"g.{prefix}realism"] = scores * losses.wasserstein(realism)
        terms[f"g.{prefix}condition"] = scores * _condition_error(
            condition, batch.targets, experiment
        )
    if batch.truth is None:  # nobody filmed the target: go there and back
        back = stack(rollout(generator, there.composite[:, -1], batch.conditions[:, :1]))
        terms["g.reconstruction"] = F.l1_loss(back.composite[:, 0], batch.frames[:, 0])
    else:
        frames = there.composite.shape[1]
        terms["g.reconstruction"] = frames * F.l1_loss(there.composite, batch.truth)
        if weights.told:
            terms["g.told"] = sum(told(there, batch).values())
    ways = {"": there} if batch.truth is not None else {"": there, "_back": back}
    for name, edit in ways.items():
        masks = edit.attention.unbind(1)
        rest = experiment.attention_rest
        terms[f"g.attention{name}"] = sum(losses.attention_size(mask, rest) for mask in masks)
        rough = sum(losses.roughness(mask, experiment.roughness_power).mean() for mask in masks)
        terms[f"g.smoothness{name}"] = experiment.batch * rough
    return _weighed(terms, weights) | {"attention": there.attention.detach().mean()}


def critic_losses(
    kind: Literal["frame", "clip"],
    critic: Critic,
    fake: Tensor,
    batch: Batch,
    experiment: Experiment,
) -> Terms:
    """Real frames high, generated ones low, and the expression of the real ones.

    fake: (B, S, 3, H, W). Pumarola et al. 2018, "Image Adversarial Loss" and "Conditional
    Expression Loss".
    """
    real, conditions = batch.real
    realism, condition = critic(torch.cat([real, fake.detach()]))  # at once: the same scores
    of_real, of_fake = realism.chunk(2)
    scores, prefix = of_real.shape[1], _prefix(kind)
    error = _condition_error(condition.chunk(2)[0], conditions, experiment)
    terms = {
        f"d.{prefix}realism_real": scores * losses.wasserstein(of_real),
        f"d.{prefix}realism_fake": -scores * losses.wasserstein(of_fake),
        f"d.{prefix}condition": scores * error,
    }
    return _weighed(terms, experiment.weights)


def penalties(
    kind: Literal["frame", "clip"],
    critic: Critic,
    fake: Tensor,
    batch: Batch,
    experiment: Experiment,
    mix: Tensor,
) -> Tensor:
    """The weighted gradient penalty of each score, (S,). mix (S, B) in [0, 1] weighs the real side.

    Sides: the filmed frame and the generated one; or, as branches of the seed have it, the first
    frame ("first") or the generated frame before ("previous") in place of the filmed one. One that
    is taken in every k-th step alone counts k times: Karras et al. 2020, "Lazy regularization".
    """
    fake, real = fake.detach(), batch.real[0]
    if kind == "frame" and experiment.penalty_pairs != "real":
        first = batch.frames[:, :1]
        if experiment.penalty_pairs == "first":
            real = first.expand_as(fake)
        else:
            real = torch.cat([first, fake[:, :-1]], 1)
    weight = getattr(experiment.weights, f"{_prefix(kind)}penalty")
    weight *= experiment.penalty_every
    return weight * losses.gradient_penalty(critic, real, fake, mix, EPSILON[kind])


def told(edit: Edit, batch: Batch) -> Terms:
    """Ours: what a known target says to each head; a mean over frames.

    Color must paint the whole target, attention must open where the pictures differ, the composite
    must match. Where they differ counts once more, averaged over that region alone, so that a lid
    is as important as a jaw.
    """
    source = batch.frames[:, :1].expand_as(batch.truth)
    apart = (source - batch.truth).abs().mean(2).flatten(0, 1)[:, None]
    differs = (8 * F.avg_pool2d(apart, 5, 1, 2)).clamp(0, 1).unflatten(0, batch.truth.shape[:2])
    share = differs.mean((2, 3, 4)) + 0.01  # pairs that hardly differ have nothing to say

    def error(values: Tensor) -> Tensor:
        """Of the whole picture, and of the region."""
        return values.mean() + ((differs * values).mean((2, 3, 4)) / share).mean()

    color, composite = edit.color - batch.truth, edit.composite - batch.truth
    kept = edit.attention.clamp(1e-4, 1 - 1e-4)
    opened = (differs * -(1 - kept).log()).mean((2, 3, 4)) / share
    closed = (1 - differs) * -kept.log()
    return {
        "color": error(5 * color.square() + color.abs()),
        "composite": error(10 * composite.square() + 2 * composite.abs()),
        "attention": 0.1 * opened.mean() + 0.5 * closed.mean(),
    }


def _condition_error(condition: Tensor, wanted: Tensor, experiment: Experiment) -> Tensor:
    error = condition - wanted
    error = error.square() if experiment.condition_loss == "mse" else losses.xsigmoid(error)
    return error.mean() / (experiment.batch if experiment.condition_by_batch else 1)


def _prefix(kind: str) -> str:
    return "clip_" if kind == "clip" else ""


def _weighed(terms: Terms, weights) -> Terms:
    """Each term times the weight it is named after."""

    def weight(name: str) -> float:
        name = name.split(".")[1]
        for ending in ("_back", "_real", "_fake"):
            name = name.removesuffix(ending)
        return getattr(weights, name)

    return {name: weight(name) * value for name, value in terms.items()}
