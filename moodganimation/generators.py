"""Generators: a photo and a condition in, an edited face out.

B batch · D axes of the condition · H x W pixels of the face crop.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from .compositing import Edit

State = tuple[Tensor, ...]  # what a recurrent generator remembers of a clip; () for still ones


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """What must be known to rebuild a generator; stored in its checkpoint."""

    architecture: Literal["warp", "resnet"]
    condition_dim: int
    image_size: int = 128  # side of the face crop [px]; a multiple of 16 (warp) or 4 (resnet)
    width: int = 64  # channels of the first layer of resnet; those of warp scale with width / 64
    depth: int = 6  # residual blocks of resnet
    extra_fields: int = 15  # warp: motion fields that no single condition axis owns

    def __post_init__(self):
        step = {"warp": 16, "resnet": 4}.get(self.architecture)
        if step is None:
            raise ValueError(f"architecture must be warp or resnet, got {self.architecture!r}.")
        numbers = (self.condition_dim, self.image_size, self.width, self.depth, self.extra_fields)
        if not all(isinstance(n, int) and 0 <= n <= 1024 for n in numbers):
            raise ValueError("Sizes of a generator must be whole numbers from 0 to 1024.")
        if not self.image_size or self.image_size % step or not self.condition_dim * self.width:
            raise ValueError(f"image_size must be a multiple of {step}, widths above 0.")


class Generator(nn.Module, ABC):
    """One frame at a time. `encode` once a photo, `edit` once an expression; `forward` does both.

    source (B, 3, H, W) in [-1, 1]; condition (B, D), absolute as in the paper; state None starts
    a clip. What `encode` returns is the generator's own business.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config

    @abstractmethod
    def encode(self, source: Tensor):
        """All that depends on the photo alone."""

    @abstractmethod
    def edit(self, encoding, condition: Tensor, state: State | None = None) -> tuple[Edit, State]:
        """The face of an encoding with another expression."""

    def forward(self, source: Tensor, condition: Tensor, state: State | None = None):
        return self.edit(self.encode(source), condition, state)


class ResidualBlock(nn.Module):
    """x + [conv, norm, ReLU, conv, norm](x), without a ReLU after the sum."""

    def __init__(self, channels: int, norm):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            norm(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.main(x)
