"""Losses of `warp`, one equation each: tensors in, a scalar out.

B batch · D axes · H x W pixels. Attention is 1 where the warped photo is kept and 0 where the color
is painted.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Of `flow_error`, whose motion is in pixels:
MOVING_WEIGHT = 4.0  # added to the weight 1, at the place that moves most
MIN_SPEED = 0.1  # added to the largest speed, so that a face at rest can be divided by it
MIN_SQUARED_FLOW = 0.02  # added to a face's mean squared motion, which its error is divided by
ABSOLUTE_WEIGHT = 0.2  # of the absolute error, against half the relative squared error
# Of `picture_error`:
PICTURE_SCALES = 2  # at which gradients are compared, each half as large as the last
GRADIENT_WEIGHT = 0.5  # of an axis and a scale; the difference of the pictures has the weight 1
# Of masks:
MIN_MASK_SUM = 100  # added to the sum of a mask, which bounds the weight of small masks
MIN_PROBABILITY = 1e-4  # smallest argument of a logarithm
LABEL_WEIGHT = 2  # of an axis at 1, added to the weight 1


def flow_error(motion: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Squared error of the motion relative to each face's mean squared motion, plus a small
    absolute error.

    motion, truth: (B, C, H, W), a flow in pixels of the crop (C = 2) or the light (C = 1); weight:
    (B, 1, H, W) in [0, 1], 0 where the truth is unknown. Squared, since most pixels do not move:
    zero, the median, minimizes an absolute error; relative, so that a lid weighs as much as a
    jaw; and weighted up to fivefold where the face moves most. Faces whose true motion is unknown,
    or 0 everywhere, have the error 0.
    """
    speed = (weight * truth).norm(dim=1, keepdim=True)
    max_speed = speed.amax((2, 3), keepdim=True) + MIN_SPEED
    total_weight = weight * (1 + MOVING_WEIGHT * speed / max_speed)
    error = motion - truth
    square = (total_weight * error.square()).sum(1).mean((1, 2))
    squared_flow = speed.square().mean((1, 2, 3))
    relative = square / (squared_flow + MIN_SQUARED_FLOW) / 2
    absolute = (weight * error.abs()).sum(1).mean((1, 2))
    return ((squared_flow > 0) * (relative + ABSOLUTE_WEIGHT * absolute)).mean()


def picture_error(picture: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean absolute difference of pictures, plus that of their gradients at two scales.

    picture, truth: (B, 3, H, W); weight: (B, 1, H, W).
    """
    total = (weight * (picture - truth).abs()).mean()
    for _ in range(PICTURE_SCALES):
        for axis in (2, 3):
            n = picture.shape[axis] - 1
            difference = (picture - truth).diff(dim=axis).abs()
            total = total + GRADIENT_WEIGHT * (weight.narrow(axis, 0, n) * difference).mean()
        picture, truth, weight = (F.avg_pool2d(x, 2) for x in (picture, truth, weight))
    return total


def masked_squared_error(picture: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference over the pixels of a mask (B, 1, H, W); 0 where it is empty."""
    count = mask.sum() * picture.shape[1]
    return (mask * (picture - truth).square()).sum() / (count + MIN_MASK_SUM)


def mask_error(attention: Tensor, paint_region: Tensor, keep_region: Tensor) -> Tensor:
    """Cross-entropy of 1 - attention, averaged over `paint_region`, plus the mean of
    keep_region * (1 - attention) over all pixels.

    All (B, 1, H, W) in [0, 1]. The logarithm has a gradient up to an attention of
    1 - MIN_PROBABILITY.
    Inner mouths have few pixels, so the first term is averaged over the area of `paint_region`.
    """
    cross_entropy = -(1 - attention).clamp(min=MIN_PROBABILITY).log()
    paint_error = (paint_region * cross_entropy).sum() / (paint_region.sum() + MIN_MASK_SUM)
    return paint_error + (keep_region * (1 - attention)).mean()


def total_variation(attention: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels.

    As Pumarola et al. 2018, "Attention Loss", with absolute differences for squared ones.
    """
    return attention.diff(dim=2).abs().mean() + attention.diff(dim=3).abs().mean()


def expression_error(reading: Tensor, condition: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean squared error of expressions; all (B, D)."""
    return (weight * (reading - condition).square()).mean()


def label_weight(labels: Tensor) -> Tensor:
    """The weight of each axis (B, D), from 1 at 0 to 3 at 1: strong expressions are rare in photos
    and weigh more."""
    return 1 + LABEL_WEIGHT * labels


def error_in_pixels(predicted: Tensor, truth: Tensor, side: int) -> Tensor:
    """Mean absolute difference of values in halves of the side, converted to pixels.

    The color of teeth in `jaws` and the lateral position are no lengths in halves of the side; for
    them the factor is only a weight.
    """
    return (predicted - truth).abs().mean() * (side / 2)


def to_pixels(motion: Tensor) -> Tensor:
    """Convert motion from halves of the side to pixels of its own grid."""
    return motion * (motion.shape[-1] / 2)


def logistic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's logistic loss on scores before the sigmoid. Goodfellow et al. 2014, eq. 1."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def r1_penalty(scores: Tensor, real: Tensor) -> Tensor:
    """Mean squared gradient of the scores at real pictures: R1 without gamma / 2.

    Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?"
    """
    (gradient,) = torch.autograd.grad(scores.flatten(1).mean(1).sum(), real, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()
