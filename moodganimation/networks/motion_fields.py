"""Motion fields and their weighted sum, which is linear in the weights as with blendshapes.

A field gives each place of the photo a forward motion [face coordinates] and a log gain of its
brightness: 3 channels, computed by a 1 x 1 convolution of features that all fields share, the
*basis*.

B batch · S sides of the face, 2 or 1 · K fields · N channels of the basis · H x W cells
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .compositing import blend, smoothstep

# a and b of the face distance a + b * (length of the motion) at which motion has faded to 0 [face
# coordinates]. Long motion needs more room to fade without folding the picture.
MOTION_FALLOFF = (0.11, 0.7)
MAX_LOG_GAIN = 0.7  # of relighting, in either direction
LIGHT_SCALE = 0.1  # from outputs of the layer `lights` to log gains of brightness
# Extra fields and paint rise from none to all as the change rises from 0 to 1 / 5.
FULL_EFFECT_GAIN = 5


class MixedFields(NamedTuple):
    """The weighted sum of all fields for each side of the face, as one 1 x 1 convolution of the
    basis."""

    kernel: Tensor  # (B, N, 3S): for the left side forward motion (2) and log gain, then the right
    bias: Tensor  # (B, 1, 3S)


def mix_fields(weights: Tensor, kernels: Tensor, biases: Tensor) -> MixedFields:
    """Sum fields, given by kernels (K, 3, N) and biases (K, 3), with weights (B, S, K)."""
    kernel = torch.einsum("bsk,kcn->bnsc", weights, kernels).flatten(2)
    return MixedFields(kernel, (weights @ biases).flatten(1)[:, None])


def evaluate_fields(fields: MixedFields, basis: Tensor, left_weight: Tensor | None) -> Tensor:
    """Evaluate mixed fields at the cells of a basis (1 or B, N, H, W): (B, 3, H, W), forward motion
    and log gain.

    left_weight: (1 or B, 1, H, W) in [0, 1], the weight of the left side; None if there is one
    side.
    """
    cells = basis.permute(0, 2, 3, 1).flatten(1, 2)  # no copy if channels_last
    cells = cells.expand(len(fields.kernel), -1, -1)
    values = torch.bmm(cells, fields.kernel.to(cells.dtype)).float() + fields.bias
    values = values.movedim(1, 2).unflatten(2, basis.shape[-2:]).contiguous()
    if left_weight is None:
        return values
    left, right = values.chunk(2, 1)
    return blend(left, left_weight, right)


def fade_out(values: Tensor, face_distance: Tensor) -> Tensor:
    """Fade the values (B, 3, H, W) of `evaluate_fields` to 0 outside the face.

    face_distance: (1 or B, 1, H, W) to the outline [face coordinates], negative inside the face.
    """
    length = values[:, :2].square().sum(1, keepdim=True).sqrt()
    end = MOTION_FALLOFF[0] + MOTION_FALLOFF[1] * length
    return values * (1 - smoothstep((face_distance / end).clamp(0, 1)))
