"""The interface of all generators, its configuration, and layers that they share.

A generator edits the expression of a face crop: source crop and condition in, `Edit` out.

A *cell* is an element of a feature map or field over the crop, which may be coarser than the crop's
pixels.

B batch · D axes of the condition · C channels · H x W pixels of the face crop · h x w cells
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .compositing import Edit

# What a recurrent generator passes from a frame to the next: one (B, C, h, w) for each ConvGRU
# layer. () for generators that are not recurrent.
State = tuple[Tensor, ...]


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """The settings that `build_generator` needs; stored in the checkpoint."""

    architecture: Literal["warp", "resnet", "convgru_unet"]
    condition_dim: int
    image_size: int = 128  # side of the face crop [px]; a multiple of 16 (warp) or 4 (the others)
    # resnet, convgru_unet: channels of the first layer (convgru_unet: 8 in the original). warp: the
    # channels of all layers are those in the code times width / 64, see `WarpGenerator.scaled`.
    width: int = 64
    depth: int = 6  # residual blocks of resnet, ConvGRU layers of convgru_unet
    # warp: motion fields beside those of the units. A perceptron weights them, for what is not
    # linear in the units: lips that meet, lids that close.
    extra_fields: int = 15
    # warp: number of units, each with one motion field for its axes of both sides (AU12L, AU12R).
    # 0: every axis is a unit; such a generator has neither sides nor turns of the head.
    unit_fields: int = 0
    deep_blocks: int = 3  # warp: residual blocks at a sixteenth of the resolution
    eye_reader: bool = False  # warp: whether an `EyeReader` corrects the reading
    # warp: whether, at inference, a `Refiner` paints the inside of the mouth, where the mask of the
    # `Painter` shows it. The painter's attention then only keeps visible teeth, see `inpainting`.
    refiner: bool = False
    folds: int = 0  # warp: number of fold pictures, see `Folds`
    saturate: bool = False  # resnet, convgru_unet: whether there is a `SharpenAttention` layer

    @property
    def has_sides(self) -> bool:
        """Whether axes map to units of two sides, and to turns of the head."""
        return self.unit_fields > 0

    def __post_init__(self):
        multiple = {"warp": 16, "resnet": 4, "convgru_unet": 4}.get(self.architecture)
        if multiple is None:
            raise ValueError(
                f"architecture must be warp, resnet or convgru_unet, got {self.architecture!r}."
            )
        sizes = (self.condition_dim, self.image_size, self.width, self.depth)
        sizes += (self.extra_fields, self.unit_fields, self.deep_blocks, self.folds)
        if not all(isinstance(size, int) and 0 <= size <= 1024 for size in sizes):
            raise ValueError("Sizes of a generator must be whole numbers from 0 to 1024.")
        if self.architecture == "convgru_unet" and self.depth == 0:
            raise ValueError("The depth of a convgru_unet must be at least 1.")
        is_multiple = self.image_size > 0 and self.image_size % multiple == 0
        if not is_multiple or self.condition_dim == 0 or self.width == 0:
            raise ValueError(
                f"image_size must be a positive multiple of {multiple}, condition_dim and width at "
                f"least 1; got {self.image_size}, {self.condition_dim} and {self.width}."
            )


class Generator(nn.Module, ABC):
    """A network that edits faces: `encode` once a photo, `edit` once an expression.

    source: (B, 3, H, W) in [-1, 1]. condition: (B, D), the target value of every axis (not a
    change). state: of the frame before, None at the start of a clip. Each class has its own type of
    encoding; other code passes it on unchanged. At inference, samples of a
    batch are independent.
    """

    moves_pixels = False  # True if an edit warps the photo, False if it only paints over it

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config

    def encode(self, source: Tensor):
        """Compute everything that depends on the source alone.

        By default the encoding is the source itself.
        """
        return source

    @abstractmethod
    def edit(self, encoding, condition: Tensor, state: State | None = None) -> tuple[Edit, State]:
        """Edit an encoded face; return the edit and the new state."""

    def source(self, encoding) -> Tensor:
        """The face crop (B, 3, H, W) that was encoded."""
        return encoding

    def reading(self, encoding) -> Tensor | None:
        """The expression (B, D) read in the source; None if the generator has no reader."""
        return None

    def with_reading(self, encoding, reading: Tensor):
        """Return the encoding with another reading (B, D), at which the photo is unchanged.

        Generators whose edits do not depend on a reading return the encoding as it is.
        """
        return encoding

    def with_detail(self, encoding, detail: float):
        """Return the encoding with skin folds scaled by `detail` (0: none, 1: as trained).

        Edits of generators without folds do not depend on it.
        """
        return encoding

    def forward(self, source: Tensor, condition: Tensor, state: State | None = None):
        """Encode and edit; return the edit and the new state."""
        return self.edit(self.encode(source), condition, state)


class ResidualBlock(nn.Module):
    """x + [conv, norm, ReLU, conv, norm](x), without a ReLU after the sum."""

    def __init__(self, channels: int, norm: Callable[[int], nn.Module]):
        """norm: from a number of channels to a norm layer."""
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
    """Convolution without bias, batch norm, ReLU: (B, C, h, w) to (B, outputs, h / stride,
    w / stride), rounded up."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def residual_blocks(channels: int, count: int) -> list[nn.Module]:
    """`count` residual blocks with batch norm."""
    return [ResidualBlock(channels, nn.BatchNorm2d) for _ in range(count)]


def instance_norm(channels: int) -> nn.GroupNorm:
    """Instance norm as a group norm with one channel per group.

    It has the function and the parameter names of nn.InstanceNorm2d(affine=True), but its backward
    pass on CPUs takes a fifth of the time.
    """
    return nn.GroupNorm(channels, channels)


def upsample2x(x: Tensor) -> Tensor:
    """Upsample (B, C, h, w) to (B, C, 2h, 2w), bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class SharpenAttention(nn.Module):
    """Push attention in [0, 1] towards 0 and 1, by a tanh around 0.5 with slope 1.65 there.

    Formula and constants are those of `--do_saturate_mask` in the original MoodGANimation code.
    """

    def forward(self, attention: Tensor) -> Tensor:
        return (0.55 * torch.tanh(3 * (attention - 0.5)) + 0.5).clamp(0, 1)


def output_layers(channels: int, sharpen: bool) -> tuple[nn.Sequential, nn.Sequential]:
    """The layers from features (B, channels, H, W) to color (B, 3, H, W) in [-1, 1], and to
    attention (B, 1, H, W) in [0, 1] (Pumarola et al. 2018, "Network Architecture").

    sharpen: whether `SharpenAttention` follows, see `GeneratorConfig.saturate`.
    """
    color_conv, attention_conv = (nn.Conv2d(channels, n, 7, 1, 3, bias=False) for n in (3, 1))
    activations = [nn.Sigmoid(), SharpenAttention()] if sharpen else [nn.Sigmoid()]
    return nn.Sequential(color_conv, nn.Tanh()), nn.Sequential(attention_conv, *activations)


def append_condition(source: Tensor, condition: Tensor) -> Tensor:
    """Append the condition (B, D) to a source (B, 3, H, W) as constant planes: (B, 3 + D, H, W)."""
    planes = condition[:, :, None, None].expand(-1, -1, *source.shape[-2:])
    return torch.cat([source, planes], 1)


def init_normal_(network: nn.Module) -> None:
    """Initialize the weights of convolutions from a normal distribution with standard deviation
    0.02, and their biases with 0, as the original MoodGANimation code does for all networks."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
