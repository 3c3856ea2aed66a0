"""Losses, one equation each: tensors in, a scalar out.

B batch · D axes · H x W pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def flow_error(motion: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Squared error of the motion relative to how much each face moves, plus a little absolute.

    motion, truth: (B, 2, H, W) in pixels of the crop; known: (B, 1, H, W) in [0, 1]. Squared, since
    most pixels do not move and under an absolute error the median, zero, is a plateau; relative,
    since a lid is as important as a jaw; and weighted up to fivefold where the face moves most.
    """
    speed = (known * truth).norm(dim=1, keepdim=True)
    weight = known * (1 + 4 * speed / (speed.amax((2, 3), keepdim=True) + 0.1))
    error = motion - truth
    square = (weight * error.square()).sum(1).mean((1, 2))
    size = speed.square().mean((1, 2, 3))
    absolute = (known * error.abs()).sum(1).mean((1, 2))
    return ((size > 0) * (square / (size + 0.02) / 2 + 0.2 * absolute)).mean()


def picture_error(picture: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean absolute difference of pictures and of their gradients at two scales."""
    total = (weight * (picture - truth).abs()).mean()
    for _ in range(2):
        for axis in (2, 3):
            n = picture.shape[axis] - 1
            difference = (picture - truth).diff(dim=axis).abs()
            total = total + 0.5 * (weight.narrow(axis, 0, n) * difference).mean()
        picture, truth, weight = (F.avg_pool2d(x, 2) for x in (picture, truth, weight))
    return total


def total_variation(attention: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels. Pumarola et al. 2018, "Attention Loss"."""
    return attention.diff(dim=2).abs().mean() + attention.diff(dim=3).abs().mean()


def logistic(real: Tensor, fake: Tensor) -> Tensor:
    """What the critic minimises. Goodfellow et al. 2014, eq. 1, on scores before the sigmoid."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def slope_at_real(scores: Tensor, real: Tensor) -> Tensor:
    """Mean squared gradient of pictures' mean scores. Mescheder et al. 2018, R1 less gamma."""
    (slope,) = torch.autograd.grad(scores.flatten(1).mean(1).sum(), real, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean()


def masked_square(picture: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference over the pixels of a mask (B, 1, H, W); 0 where it is empty."""
    return (mask * (picture - truth).square()).sum() / (mask.sum() * picture.shape[1] + 100)


def mask_error(attention: Tensor, opened: Tensor, closed: Tensor) -> Tensor:
    """Cross-entropy where attention must open, mean openness where it must not.

    attention, opened, closed: (B, 1, H, W) in [0, 1]. The logarithm keeps a saturated mask
    learning where it has to open; inner mouths are few pixels, so they are averaged apart.
    """
    open_error = (opened * -(1 - attention).clamp(min=1e-4).log()).sum() / (opened.sum() + 100)
    return open_error + (closed * (1 - attention)).mean()


def expression_error(reading: Tensor, condition: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean squared error of an expression, all (B, D)."""
    return (weight * (reading - condition).square()).mean()


def pixels_apart(places: Tensor, truth: Tensor, side: int) -> Tensor:
    """Mean absolute difference of places [halves of the side], in pixels."""
    return (places - truth).abs().mean() * (side / 2)


def pixels(motion: Tensor) -> Tensor:
    """Motion in halves of the side -> in pixels of its own grid."""
    return motion * (motion.shape[-1] / 2)


# ---- The seed's terms: adversarial training of GANimation and of its descendants ----


def wasserstein(realism: Tensor) -> Tensor:
    """What raises the scores of patches when it falls. Arjovsky et al. 2017; critics get it with
    the opposite sign on generated frames."""
    return -realism.mean()


def xsigmoid(error: Tensor) -> Tensor:
    """e * tanh(e / 2), by element: a square near 0, |e| far out. MoodGANimation, ConvGRU branches
    (written there as 2 e sigmoid(e) - e)."""
    return error * (error / 2).tanh()


def gradient_penalty(critic, real: Tensor, fake: Tensor, mix: Tensor, epsilon: float) -> Tensor:
    """How far the slope of a critic is from 1 between real and fake clips, (S,): one a score.

    Gulrajani et al. 2017, Alg. 1. real, fake (B, T, 3, H, W); mix (S, B) in [0, 1] weighs the real
    side, S = T for a critic that scores frames and 1 for one that scores clips.
    """
    share = mix.T[:, :, None, None, None]
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    realism = critic(between).realism
    (slope,) = torch.autograd.grad(realism.sum(), between, create_graph=True)
    square = slope.square().unflatten(1, (realism.shape[1], -1)).sum((2, 3, 4, 5))
    return ((square + epsilon).sqrt() - 1).square().mean(0)


def attention_size(attention: Tensor, rest: float) -> Tensor:
    """How far the mean attention is from where it should rest: 0 repaints, 1 keeps."""
    return (attention.mean() - rest).abs()


def roughness(attention: Tensor, power: int) -> Tensor:
    """Sum over pixels of the (squared) differences of neighbours, by sample; (B,).

    Pumarola et al. 2018, "Attention Loss"; power 1 there, 2 in later MoodGANimation branches.
    """
    differences = attention.diff(dim=-1), attention.diff(dim=-2)
    return sum(d.abs().pow(power).flatten(1).sum(1) for d in differences)
