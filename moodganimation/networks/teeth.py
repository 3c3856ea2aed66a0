"""Teeth, gums and tongue: two pictures that `warp` carries, laid where it sees the jaws in a photo.

A network of this size paints the inside of a mouth as a dark blur; but it can tell where in a face
the teeth are, whether they show or not, and how white they are in its light.

B batch · D axes · h x w pixels. Places are affine maps (B, 2, 3) from a picture's own coordinates,
[-1, 1] from edge to edge, x to the right and y down, to places of the face crop, likewise.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SHAPES = {"upper": (70, 192), "lower": (122, 192)}  # pixels of the pictures
SHADOW = 0.3  # how much darker it is at the lips


class Places(NamedTuple):
    """Where the jaws are in a face."""

    upper: Tensor  # (B, 2, 3)
    lower: Tensor  # (B, 2, 3)
    white: Tensor  # (B, 3) in [0, 1]: the color of teeth

    @classmethod
    def of(cls, numbers: Tensor) -> "Places":
        """From (B, 15): both maps row by row, then the color."""
        upper, lower, white = numbers.float().split([6, 6, 3], 1)
        return cls(upper.unflatten(1, (2, 3)), lower.unflatten(1, (2, 3)), white)


class Jaws(nn.Module):
    """Finds the jaws in the coarsest features of a face, (B, channels, side, side), and draws."""

    def __init__(self, channels: int, hidden: int, side: int, axes: int):
        super().__init__()
        self.find = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(hidden * side**2, 15),
        )
        nn.init.normal_(self.find[-1].weight, 0, 1e-3)
        nn.init.zeros_(self.find[-1].bias)
        # Set when training begins: RGB times alpha and alpha, the places in a mean face, and how
        # far the lower picture goes down, in its own coordinates, as an axis rises by 1.
        for name, shape in SHAPES.items():
            self.register_buffer(name, torch.zeros(4, *shape))
        self.register_buffer("usual", torch.tensor([1.0, 0, 0, 0, 1, 0] * 2 + [1.0] * 3))
        self.register_buffer("falls", torch.zeros(axes))

    def forward(self, features: Tensor) -> Tensor:
        """(B, 15), see `Places`."""
        return self.usual + self.find(features).float()

    def front(self, places: Places, at: Tensor) -> Tensor:
        """The upper teeth, which no expression moves: (B, 4, h, w) as in `render_teeth`."""
        return self._laid(self.upper, places.upper, at)

    def render_teeth(self, front: Tensor, places: Places, change: Tensor, at: Tensor) -> Tensor:
        """(B, 4, h, w) in [0, 1]: RGB, multiplied by alpha (Porter & Duff 1984), and alpha, at
        places (1, 2, h, w) of a crop after a change (B, D) of the axes; `front` lies before."""
        own, middle = places.lower.split([2, 1], 2)
        down = (change @ self.falls)[:, None, None]
        lower = torch.cat([own, middle + own[:, :, 1:] * down], 2)
        back = self._laid(self.lower, lower, at)
        color, alpha = (front + (1 - front[:, 3:]) * back).split([3, 1], 1)
        return torch.cat([color * places.white[..., None, None], alpha], 1)

    def _laid(self, picture: Tensor, place: Tensor, at: Tensor) -> Tensor:
        """One picture (4, h, w) over a crop, (B, 4, h, w); nothing around it."""
        x, y = (at - place[:, :, 2, None, None]).unbind(1)
        a, b, c, d = place[:, :, :2].flatten(1)[..., None, None].unbind(1)
        area = a * d - b * c
        area = torch.where(area.abs() < 1e-4, torch.full_like(area, 1e-4), area)
        grid = torch.stack([(d * x - b * y) / area, (a * y - c * x) / area], -1)
        pictures = picture.expand(len(place), -1, -1, -1)
        return F.grid_sample(pictures, grid, align_corners=False)


def shadowed(inside: Tensor) -> Tensor:
    """How bright it is in a mouth, (B, 1, h, w) in [0, 1]: lips around `inside` throw a shadow."""
    return 1 - SHADOW + SHADOW * F.avg_pool2d(inside, 5, 1, 2)
