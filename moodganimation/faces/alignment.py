"""The aligner: looks at a coarse crop of a face and says where the canonical crop is.

Canonical is the convention of the training crops: upright between the eyes, 1.25 heights of the
face from forehead to chin a side. A generator only knows faces that stand like that.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import NotACheckpoint
from .portrait import Portrait

SIZE = 64  # side of what the network sees [px]
VIEW = 0.85  # share of the coarse crop's side that it sees: rarely beyond the photo's border
PASSES = 2


class Aligner(nn.Module):
    """(B, 3, 64, 64) in [-1, 1] -> (B, 4): the canonical crop in the coarse crop's coordinates.

    Its center x, y (halves of the coarse side), the logarithm of its side over the coarse side,
    and its roll [rad, clockwise on screen].
    """

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for n in (16, 32, 48, 64):
            layers += [*_layer(channels, n, 2), *_layer(n, n, 1)]
            channels = n
        self.main = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 128), nn.ReLU())
        self.head = nn.Linear(128, 4)
        nn.init.zeros_(self.head.weight)

    def forward(self, view: Tensor) -> Tensor:
        return self.head(self.main(view)) * 0.1


def _layer(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def load_aligner(path: Path) -> Aligner:
    """Raises NotACheckpoint."""
    aligner = Aligner()
    try:
        aligner.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as problem:
        raise NotACheckpoint("{} is missing or damaged: install it once more.", path) from problem
    return aligner.eval().requires_grad_(False)


@torch.inference_mode()
def align(aligner: Aligner, photo: np.ndarray, to_face: np.ndarray) -> np.ndarray:
    """The canonical `to_face` (2, 3) from a coarse one, by PASSES looks."""
    for _ in range(PASSES):
        view = Portrait(photo, to_face / VIEW, "").face(SIZE)
        tensor = torch.from_numpy(view).movedim(-1, 0)[None].float() / 127.5 - 1
        to_face = correct(to_face, aligner(tensor)[0].double().numpy())
    return to_face


def correct(to_face: np.ndarray, canonical: np.ndarray) -> np.ndarray:
    """`to_face` of the crop whose place in the coarse crop is (x, y, log of side, roll)."""
    x, y, scale, roll = canonical
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) / np.exp(scale)
    return turn @ np.c_[to_face[:, :2], to_face[:, 2] - (x, y)]
