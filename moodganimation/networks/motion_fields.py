"""Motion fields: linear in the weights, as blendshapes are, and 0 beyond the face.

B batch · S sides of the face, 2 or 1 · K fields · N features of the basis · H x W cells
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .compositing import blend, smoothstep

# Face distance at which motion has faded out: a constant [face coordinates], and a factor on the
# length of the motion, so that long motion fades slowly and does not fold the picture.
MOTION_FALLOFF = (0.11, 0.7)
MAX_LOG_GAIN = 0.7  # limit of relighting
LIGHT_SCALE = 0.1  # from outputs of the layer `lights` to log gains of brightness
FULL_EFFECT_GAIN = 5  # extra fields and paint rise with the change, up to a change of 1 / 5


class MixedFields(NamedTuple):
    """The weighted sum of all fields, for each side of the face.

    Fields are 1 x 1 convolutions of the basis, so their sum is one, too.
    """

    kernel: Tensor  # (B, N, 3S): for the left side forward motion (2) and log gain, then the right
    bias: Tensor  # (B, 1, 3S)


def mix_fields(weights: Tensor, kernels: Tensor, biases: Tensor) -> MixedFields:
    """Sum fields of kernels (K, 3, N) and biases (K, 3) with weights (B, S, K)."""
    kernel = torch.einsum("bsk,kcn->bnsc", weights, kernels).flatten(2)
    return MixedFields(kernel, (weights @ biases).flatten(1)[:, None])


def evaluate_fields(fields: MixedFields, basis: Tensor, left_weight: Tensor | None) -> Tensor:
    """Mixed fields at the cells of a basis (1 or B, N, H, W): (B, 3, H, W).

    left_weight: (1 or B, 1, H, W), the weight of the left side; None if there is one side.
    """
    cells = basis.permute(0, 2, 3, 1).flatten(1, 2)  # no copy where channels come last
    cells = cells.expand(len(fields.kernel), -1, -1)
    values = torch.bmm(cells, fields.kernel.to(cells.dtype)).float() + fields.bias
    values = values.movedim(1, 2).unflatten(2, basis.shape[-2:]).contiguous()
    if left_weight is None:
        return values
    left, right = values.chunk(2, 1)
    return blend(left, left_weight, right)


def fade_out(values: Tensor, face_distance: Tensor) -> Tensor:
    """Fade the values of fields (B, 3, H, W), see `evaluate_fields`, to 0 beyond the face.

    face_distance: (1 or B, 1, H, W) [face coordinates], negative inside the face.
    """
    length = values[:, :2].square().sum(1, keepdim=True).sqrt()
    end = MOTION_FALLOFF[0] + MOTION_FALLOFF[1] * length
    return values * (1 - smoothstep((face_distance / end).clamp(0, 1)))
