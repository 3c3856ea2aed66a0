"""The interface of all generators, its configuration, and layers that they share.

A generator edits the expression of a face crop: source crop and condition in, `Edit` out.

B batch · D axes of the condition · C channels · H x W pixels of the face crop · h x w cells
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .compositing import Edit

# What a recurrent generator remembers of the frames before; () for generators without memory.
State = tuple[Tensor, ...]


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """The settings that `build_generator` needs; stored in the checkpoint."""

    architecture: Literal["warp", "resnet", "convgru_unet"]
    condition_dim: int
    image_size: int = 128  # side of the face crop [px]; a multiple of 16 (warp) or 4 (the others)
    # Channels of the first layer (convgru_unet: 8 in the original). warp: all numbers of channels
    # in the code are those for a width of 64; others are in proportion.
    width: int = 64
    depth: int = 6  # residual blocks of resnet, ConvGRU layers of convgru_unet
    extra_fields: int = 15  # warp: motion fields for combinations of units
    # warp: units, each with a motion field for its axes of both sides (AU12L and AU12R). 0: every
    # axis is a unit; such a generator has neither sides nor turns of the head.
    unit_fields: int = 0
    deep_blocks: int = 3  # warp: residual blocks at a sixteenth of the resolution
    eye_reader: bool = False  # warp: whether an `EyeReader` corrects the reading
    refiner: bool = False  # warp: whether a `Refiner` completes the mouth
    folds: int = 0  # warp: number of fold pictures, see `Folds`
    saturate: bool = False  # resnet, convgru_unet: whether attention is sharpened

    def __post_init__(self):
        step = {"warp": 16, "resnet": 4, "convgru_unet": 4}.get(self.architecture)
        if step is None:
            raise ValueError(
                f"architecture must be warp, resnet or convgru_unet, got {self.architecture!r}."
            )
        numbers = (self.condition_dim, self.image_size, self.width, self.depth)
        numbers += (self.extra_fields, self.unit_fields, self.deep_blocks, self.folds)
        if not all(isinstance(n, int) and 0 <= n <= 1024 for n in numbers):
            raise ValueError("Sizes of a generator must be whole numbers from 0 to 1024.")
        if not self.image_size or self.image_size % step or not self.condition_dim * self.width:
            raise ValueError(
                f"image_size must be a positive multiple of {step}, condition_dim and width at "
                f"least 1; got {self.image_size}, {self.condition_dim} and {self.width}."
            )


class Generator(nn.Module, ABC):
    """A network that edits faces: `encode` once a photo, `edit` once an expression.

    source: (B, 3, H, W) in [-1, 1]. condition: (B, D), the target value of every axis (not a
    change). state: of the frame before, None at the start of a clip. The type of an encoding is the
    generator's own; only its methods look into it. Rows of a batch do not influence each other.
    """

    moves_pixels = False  # whether an edit warps the photo, or only paints over it

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config

    def encode(self, source: Tensor):
        """Compute everything that does not depend on the condition.

        By default that is nothing: the encoding is the source.
        """
        return source

    @abstractmethod
    def edit(self, encoding, condition: Tensor, state: State | None = None) -> tuple[Edit, State]:
        """Edit an encoded face; returns the edit and the new state."""

    def source(self, encoding) -> Tensor:
        """The face crop (B, 3, H, W) that was encoded."""
        return encoding

    def reading(self, encoding) -> Tensor | None:
        """The expression (B, D) read in the source; None if the generator has no reader."""
        return None

    def rebase(self, encoding, reading: Tensor):
        """Replace the reading, from which changes are measured, by another (B, D).

        Generators that do not measure changes return the encoding as it is.
        """
        return encoding

    def with_detail(self, encoding, detail: float):
        """Set the strength of skin folds (1: as trained).

        Generators without folds return the encoding as it is.
        """
        return encoding

    def forward(self, source: Tensor, condition: Tensor, state: State | None = None):
        """Encode and edit, see `edit`."""
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


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution without bias (size kept, divided by the stride), batch norm, ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def batchnorm_blocks(channels: int, count: int) -> list[nn.Module]:
    """`count` residual blocks with batch norm."""
    return [ResidualBlock(channels, nn.BatchNorm2d) for _ in range(count)]


def instance_norm(channels: int) -> nn.GroupNorm:
    """Instance norm as a group norm with one channel a group: the same function and parameter
    names, but on CPUs the backward pass takes a fifth of the time."""
    return nn.GroupNorm(channels, channels)


def upsample2x(x: Tensor) -> Tensor:
    """Enlarge (B, C, h, w) to (B, C, 2h, 2w), bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class SharpenAttention(nn.Module):
    """Push attention in [0, 1] towards 0 and 1: option `--do_saturate_mask` of the original
    MoodGANimation code, with its constants (slope 1.65 at 0.5)."""

    def forward(self, attention: Tensor) -> Tensor:
        return (0.55 * torch.tanh(3 * (attention - 0.5)) + 0.5).clamp(0, 1)


def output_layers(channels: int, saturate: bool) -> tuple[nn.Sequential, nn.Sequential]:
    """The layers from features to color and to attention (Pumarola et al. 2018, "Network
    Architecture")."""
    color, attention = (nn.Conv2d(channels, n, 7, 1, 3, bias=False) for n in (3, 1))
    last = [nn.Sigmoid(), SharpenAttention()] if saturate else [nn.Sigmoid()]
    return nn.Sequential(color, nn.Tanh()), nn.Sequential(attention, *last)


def with_condition(source: Tensor, condition: Tensor) -> Tensor:
    """Append the condition (B, D) to a source (B, 3, H, W) as constant planes: (B, 3 + D, H, W)."""
    planes = condition[:, :, None, None].expand(-1, -1, *source.shape[-2:])
    return torch.cat([source, planes], 1)


def init_normal_(network: nn.Module) -> None:
    """Draw the weights of convolutions from N(0, 0.02) and set their biases to 0, as the original
    MoodGANimation code does for all networks."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
