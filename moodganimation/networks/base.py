"""Generators: a photo and a condition in, an edited face out.

B batch · D axes of the condition · H x W pixels of the face crop.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from .compositing import Edit

State = tuple[Tensor, ...]  # what a recurrent generator remembers of a clip; () for still ones


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """What must be known to rebuild a generator; stored in its checkpoint."""

    architecture: Literal["warp", "resnet", "convgru_unet"]
    condition_dim: int
    image_size: int = 128  # side of the face crop [px]; a multiple of 16 (warp) or 4 (the others)
    width: int = 64  # channels of the first layer (convgru_unet: 8 in the original); warp: / 64
    depth: int = 6  # residual blocks of resnet, ConvGRU layers of convgru_unet
    extra_fields: int = 15  # warp: motion fields that no single condition axis owns
    # warp: motion fields that the axes share, mixed for each side of the face; 0: every axis has
    # its own, alike on both sides, and the head does not turn.
    unit_fields: int = 0
    saturate: bool = False  # resnet, convgru_unet: push attention towards 0 and 1

    def __post_init__(self):
        step = {"warp": 16, "resnet": 4, "convgru_unet": 4}.get(self.architecture)
        if step is None:
            raise ValueError(
                f"architecture must be warp, resnet or convgru_unet, got {self.architecture!r}."
            )
        numbers = (self.condition_dim, self.image_size, self.width, self.depth)
        numbers += (self.extra_fields, self.unit_fields)
        if not all(isinstance(n, int) and 0 <= n <= 1024 for n in numbers):
            raise ValueError("Sizes of a generator must be whole numbers from 0 to 1024.")
        if not self.image_size or self.image_size % step or not self.condition_dim * self.width:
            raise ValueError(f"image_size must be a multiple of {step}, widths above 0.")


class Generator(nn.Module, ABC):
    """One frame at a time. `encode` once a photo, `edit` once an expression; `forward` does both.

    source (B, 3, H, W) in [-1, 1]; condition (B, D), absolute as in the paper; state None starts
    a clip. What `encode` returns is read by the generator's own methods only. A row of a batch
    equals a batch of one.
    """

    moves_pixels = False  # whether an edit moves the photo's pixels, or only paints over them

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config

    def encode(self, source: Tensor):
        """All that depends on the photo alone: by default the photo, into which the condition
        enters with the first layer."""
        return source

    @abstractmethod
    def edit(self, encoding, condition: Tensor, state: State | None = None) -> tuple[Edit, State]:
        """The face of an encoding with another expression."""

    def source(self, encoding) -> Tensor:
        """The face crop (B, 3, H, W) that an encoding was made of."""
        return encoding

    def reading(self, encoding) -> Tensor | None:
        """The expression (B, D) that was read in the source; None if the generator reads none."""
        return None

    def rebase(self, encoding, reading: Tensor):
        """The encoding with every change counted from another reading (B, D). Generators whose
        condition is absolute return it as it is."""
        return encoding

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


def instance_norm(channels: int) -> nn.GroupNorm:
    """Instance norm as a group norm of one channel a group: the same function and names, but on
    CPUs its gradient takes a fifth of the time."""
    return nn.GroupNorm(channels, channels)


class Saturate(nn.Module):
    """Attention in [0, 1], nearer to its ends. The seed's `--do_saturate_mask`."""

    def forward(self, attention: Tensor) -> Tensor:
        return (0.55 * torch.tanh(3 * (attention - 0.5)) + 0.5).clamp(0, 1)


def heads(channels: int, saturate: bool) -> tuple[nn.Sequential, nn.Sequential]:
    """From features to color and to attention. Pumarola et al. 2018, "Network Architecture"."""
    color, attention = (nn.Conv2d(channels, n, 7, 1, 3, bias=False) for n in (3, 1))
    last = [nn.Sigmoid(), Saturate()] if saturate else [nn.Sigmoid()]
    return nn.Sequential(color, nn.Tanh()), nn.Sequential(attention, *last)


def with_condition(source: Tensor, condition: Tensor) -> Tensor:
    """(B, 3, H, W), (B, D) -> (B, 3 + D, H, W): the condition as constant planes behind colors."""
    planes = condition[:, :, None, None].expand(-1, -1, *source.shape[-2:])
    return torch.cat([source, planes], 1)


def normal(network: nn.Module) -> None:
    """Draw convolutions from N(0, 0.02), biases 0: how every network of the seed starts."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
