"""The aligner: a network that predicts the canonical crop of a face from a coarse one.

The canonical crop is the convention of the training data: upright between the eyes, its side 1.25
times the height of the face from forehead to chin. Generators take only such crops.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import NotACheckpoint
from .portrait import Portrait, rotation_matrix

SIZE = 64  # side of the network's input [px]
# The input shows the middle of the coarse crop, this share of its side: more would often include
# the outside of the photo.
INPUT_SHARE = 0.85
PASSES = 2  # number of corrections, each from the crop that the last one gave
OUTPUT_SCALE = 0.1  # offsets are of this order, so that the last layer's outputs are of order 1


class Aligner(nn.Module):
    """(B, 3, 64, 64) in [-1, 1] -> (B, 4): offset from the coarse to the canonical crop.

    Center x, y of the canonical crop (face coordinates of the coarse one), natural logarithm of its
    side over the coarse side, and its roll against the coarse crop [rad, clockwise on screen].
    """

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for n in (16, 32, 48, 64):
            layers += [*conv_layer(channels, n, 2), *conv_layer(n, n, 1)]
            channels = n
        self.main = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 128), nn.ReLU())
        self.head = nn.Linear(128, 4)
        nn.init.zeros_(self.head.weight)

    def forward(self, picture: Tensor) -> Tensor:
        return self.head(self.main(picture)) * OUTPUT_SCALE


def conv_layer(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    """Return a 3x3 convolution, batch norm and ReLU."""
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def load_aligner(path: Path) -> Aligner:
    """Load an aligner. Raises NotACheckpoint."""
    return load_weights(Aligner(), path)


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """Load weights into a network and return it in evaluation mode, without gradients.

    Raises NotACheckpoint.
    """
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as problem:
        raise NotACheckpoint(
            "{} is missing or damaged: install MoodGANimation again.", path
        ) from problem
    return network.eval().requires_grad_(False)


@torch.inference_mode()
def align(aligner: Aligner, photo: np.ndarray, to_face: np.ndarray) -> np.ndarray:
    """Compute the canonical `to_face` (2, 3) from a coarse one, in PASSES corrections."""
    for _ in range(PASSES):
        # The quotient is the crop of INPUT_SHARE times the side around the same center.
        picture = Portrait(photo, to_face / INPUT_SHARE, "").face(SIZE)
        offset = aligner(to_tensor(picture))[0]
        to_face = apply_offset(to_face, offset.double().numpy())
    return to_face


def to_tensor(picture: np.ndarray, device: torch.device | None = None) -> Tensor:
    """Convert a picture (H, W, 3) uint8 to a tensor (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(picture).to(device).movedim(-1, 0)[None].float() / 127.5 - 1


def apply_offset(to_face: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Move, scale and rotate a crop (`to_face`) by an offset (4,) in the form of `Aligner`'s."""
    x, y, log_scale, roll = offset
    linear = rotation_matrix(roll) / np.exp(log_scale)
    return linear @ np.c_[to_face[:, :2], to_face[:, 2] - (x, y)]
