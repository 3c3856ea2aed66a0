"""The objective of the `warp` generator, supervised by pairs with known motion.

B batch · D axes · H x W pixels. Each term has the name of its weight in `experiment.Weights`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from moodganimation.networks.compositing import blend
from moodganimation.networks.encoding import Encoding
from moodganimation.networks.mouth import Rendering
from moodganimation.networks.warp import WarpGenerator

from ..data.pair_batches import PairBatch
from . import losses
from .critic import Critics, adversarial_terms
from .experiment import Weights

LATERAL_WEIGHT = 0.5  # of the lateral position, whose range is larger than that of the depth
# Face distances [halves of the side], negative inside the face, are clamped to these, since only
# the edge matters.
MAX_DISTANCE_INSIDE, MAX_DISTANCE_OUTSIDE = 0.2, 0.5
# How changed a place is: CHANGE_SCALE times the mean absolute difference of source and target, on
# [-1, 1], clamped to 1, then blurred. The weight of a place is 1 plus CHANGE_WEIGHT times that.
CHANGE_SCALE, CHANGE_WEIGHT = 4, 3
# How much a place lacks paint, from 0 to 1: the scale times the blurred mean absolute difference of
# warped photo and target, on [-1, 1], minus the margin, clamped. Blurred differences below 0.05
# need no paint.
MISSING_SCALE, MISSING_MARGIN = 6, 0.3
LIGHT_SCALE = 50  # `flow_error` counts a light change of 0.02 like a motion of 1 pixel


def generator_losses(
    generator: WarpGenerator, critics: Critics, batch: PairBatch, weights: Weights
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Return the weighted terms by name, and the composite (B, 3, H, W), None if it is not trained.

    Without a weight of the composite, only motion and light are computed, which is faster.
    """
    encoding = generator.encode(batch.source)
    terms = {"reading": reading_loss(generator, encoding, batch)}
    encoding = generator.with_reading(encoding, batch.before)  # the label replaces the reading
    if weights.composite:
        rendering = generator.render(encoding, batch.after)
        composite = blend(rendering.warped, rendering.attention, rendering.color)
        terms |= picture_losses(rendering, composite, batch)
        if weights.realism:
            # Feature matching also counts pairs of two photographs, unlike `picture_losses`.
            terms |= adversarial_terms(critics, composite, batch.after, batch.target)
        motion, light = rendering.motion, rendering.light
    else:
        composite = None
        motion, light = generator.motion_and_light(encoding, batch.after)
    terms |= field_losses(motion, light, encoding, batch)
    return {key: getattr(weights, key) * value for key, value in terms.items()}, composite


def reading_loss(generator: WarpGenerator, encoding: Encoding, batch: PairBatch) -> Tensor:
    """Error of the generator's readings of the sources and of labelled photos."""
    labels = torch.cat([batch.before, batch.labels])
    reading = torch.cat([encoding.reading, generator.read(batch.photos)])
    return losses.expression_error(reading, labels, losses.label_weight(labels))


def picture_losses(rendering: Rendering, composite: Tensor, batch: PairBatch) -> dict[str, Tensor]:
    """Errors of the composite and of its parts against the target picture."""
    warped, attention, color = rendering.warped, rendering.attention, rendering.color
    change = (batch.source - batch.target).abs().mean(1, keepdim=True)
    weight = 1 + CHANGE_WEIGHT * box_blur((CHANGE_SCALE * change).clamp(0, 1))
    weight, inner_mouth = batch.same_light * weight, batch.same_light * batch.mouth
    # The painter is to paint only inner mouths that the warped photo does not already match.
    missing = (warped.detach() - batch.target).abs().mean(1, keepdim=True)
    paint_region = inner_mouth * (MISSING_SCALE * box_blur(missing) - MISSING_MARGIN).clamp(0, 1)
    # Of pairs whose motion is unknown, as reversed ones, the field weight is 0 and the inner mouth
    # is unknown as well.
    mouth_known = batch.same_light * (batch.field_weight.amax((1, 2, 3), keepdim=True) > 0)
    keep_region = (1 - box_blur(paint_region)) * mouth_known
    return {
        "composite": losses.picture_error(composite, batch.target, weight),
        "moved": losses.picture_error(warped, batch.target, weight * (1 - inner_mouth)),
        "mouth": losses.masked_squared_error(color, batch.target, inner_mouth),
        "color": losses.picture_error(color, batch.target, weight),
        "attention": losses.mask_error(attention, paint_region, keep_region),
        # As an attention: 1 - mouth_mask has to be 0 in inner mouths and 1 elsewhere.
        "inside": losses.mask_error(
            1 - rendering.mouth_mask, inner_mouth, mouth_known * (1 - inner_mouth)
        ),
        "smoothness": losses.total_variation(attention),
    }


def field_losses(
    motion: Tensor, light: Tensor, encoding: Encoding, batch: PairBatch
) -> dict[str, Tensor]:
    """Errors of motion, light, placement of the teeth and face distance, and of the maps of
    `geometry_losses` if the generator predicts them.

    motion: (B, 2, H, W) [halves of the side]; light: (B, 1, H, W).
    """
    side = batch.source.shape[-1]
    jaws = known_or_predicted(batch.jaws, encoding.jaw_numbers)
    distance = batch.face_distance.clamp(-MAX_DISTANCE_INSIDE, MAX_DISTANCE_OUTSIDE)
    distance = known_or_predicted(distance, encoding.face_distance)
    true_light = known_or_predicted(batch.light, light)
    terms = {
        "flow": losses.flow_error(
            losses.to_pixels(motion), losses.to_pixels(batch.flow), batch.field_weight
        ),
        "jaws": losses.error_in_pixels(encoding.jaw_numbers, jaws, side),
        "outside": losses.error_in_pixels(encoding.face_distance, distance, side),
        "light": losses.flow_error(
            LIGHT_SCALE * light, LIGHT_SCALE * true_light, batch.field_weight
        ),
    }
    if encoding.depth is not None:
        terms |= geometry_losses(encoding, batch)
    return terms


def geometry_losses(encoding: Encoding, batch: PairBatch) -> dict[str, Tensor]:
    """Errors of the maps of depth and of lateral position, on the grid of the encoding."""
    side, terms = batch.source.shape[-1], {}
    for name, predicted, truth, weight in (
        ("depth", encoding.depth, batch.depth, 1.0),
        ("across", encoding.lateral_position, batch.lateral_position, LATERAL_WEIGHT),
    ):
        truth = F.interpolate(truth, size=predicted.shape[-2:], mode="area")
        truth = known_or_predicted(truth, predicted)
        terms[name] = weight * losses.error_in_pixels(predicted, truth, side)
    return terms


def known_or_predicted(truth: Tensor, predicted: Tensor) -> Tensor:
    """The truth; where it is NaN (unknown) the prediction without gradient, whose error is 0."""
    return torch.where(truth.isnan(), predicted.detach(), truth)


def box_blur(mask: Tensor) -> Tensor:
    """The mean over windows of 5 x 5 pixels."""
    return F.avg_pool2d(mask, 5, 1, 2)
