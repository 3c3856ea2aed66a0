"""Loss terms of the six systems, one equation each.

B batch · S generated frames · K scores of a critic: S, or 1 of a clip critic · H x W pixels.
"""

import torch
from torch import Tensor, nn


def wasserstein(realism: Tensor) -> Tensor:
    """Negative mean score of patches. Arjovsky et al. 2017.

    The generator minimizes it on generated frames. The critic minimizes it on real frames, and its
    negative on generated frames.
    """
    return -realism.mean()


def xsigmoid(error: Tensor) -> Tensor:
    """The xsigmoid loss e * tanh(e / 2), element-wise: quadratic near 0, |e| for large errors.

    MoodGANimation, ConvGRU branches (written there as 2 e sigmoid(e) - e).
    """
    return error * (error / 2).tanh()


def gradient_penalty(
    critic: nn.Module, partner: Tensor, fake: Tensor, interpolation: Tensor, epsilon: float
) -> Tensor:
    """Squared deviation of a critic's gradient norm from 1, a mean over the batch, (K,).

    The gradient is that at random clips between generated and other ones. Gulrajani et al. 2017,
    Alg. 1. fake, partner: generated clips (B, S, 3, H, W), and those to interpolate with, which are
    real ones unless `penalty_pairs` says otherwise. interpolation: (K, B) in [0, 1], the weight of
    `partner`. epsilon: added to the squared norm, since the root has no gradient at 0.
    """
    partner_weight = interpolation.T[:, :, None, None, None]
    interpolated = partner_weight * partner + (1 - partner_weight) * fake
    interpolated = interpolated.detach().requires_grad_()
    scores = critic(interpolated).realism
    (gradient,) = torch.autograd.grad(scores.sum(), interpolated, create_graph=True)
    # The frames that belong to a score, one or all, are one vector of the norm.
    squared_norm = gradient.square().unflatten(1, (scores.shape[1], -1)).sum((2, 3, 4, 5))
    return ((squared_norm + epsilon).sqrt() - 1).square().mean(0)


def attention_deviation(attention: Tensor, target: float) -> Tensor:
    """Absolute deviation of the mean attention from a target; 0 repaints, 1 keeps the photo."""
    return (attention.mean() - target).abs()


def total_variation(attention: Tensor, power: int) -> Tensor:
    """Sum of the differences of neighbouring pixels, to a power of 1 or 2, of each sample, (B,).

    attention: (B, 1, H, W). Pumarola et al. 2018, "Attention Loss"; the power is 2 in the paper, 1
    in the authors' code and 2 in the later branches of MoodGANimation.
    """
    differences = attention.diff(dim=-1), attention.diff(dim=-2)
    return sum(d.abs().pow(power).flatten(1).sum(1) for d in differences)
