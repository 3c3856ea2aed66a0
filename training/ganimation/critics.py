"""Critics (discriminators): scores of realism, and estimates of the expression.

B batch · S frames, in training the generated ones of a clip · K scores: S, or 1 of a clip critic ·
D axes · H x W pixels · h x w patches. All take clips (B, S, 3, H, W) in [-1, 1]; a photo is a clip
of one frame. Names, shapes and order of parameters are those of the original checkpoints.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from moodganimation.networks.base import init_normal_
from moodganimation.networks.convgru import ConvGRU


class Critique(NamedTuple):
    """The output of a critic for a batch of clips."""

    realism: Tensor  # (B, K, h, w) scores of patches, unbounded
    condition: Tensor  # (B, S, D) the expression of each frame, unbounded


@dataclass(frozen=True, kw_only=True)
class CriticConfig:
    """Kind and sizes of a critic, as stored in its checkpoint."""

    kind: Literal["frame", "frame_gru", "clip"]
    condition_dim: int
    image_size: int = 128  # [px]; a multiple of 2 ** depth
    width: int = 64  # channels of the first layer
    depth: int = 6  # strided convolutions
    memory: int = 128  # channels of the ConvGRU; only of the kind frame_gru
    # Whether the ConvGRU gets its state of the previous frame; only of the kind clip. The original
    # starts it anew at every frame.
    carry: bool = True

    def __post_init__(self):
        if self.kind not in ("frame", "frame_gru", "clip"):
            raise ValueError(f"A critic is of kind frame, frame_gru or clip, not {self.kind!r}.")
        sizes = (self.condition_dim, self.image_size, self.width, self.memory)
        if min(sizes) < 1 or not 1 <= self.depth <= 10:
            raise ValueError("Sizes of a critic must be at least 1, its depth 1 to 10.")
        if self.image_size % 2**self.depth:
            raise ValueError(
                f"A critic of depth {self.depth} needs faces whose side is a multiple of "
                f"{2**self.depth} pixels, not {self.image_size}."
            )


class FrameCritic(nn.Module):
    """Scores each frame independently. Pumarola et al. 2018, "Conditional Critic" (a PatchGAN)."""

    def __init__(self, config: CriticConfig):
        super().__init__()
        self.config = config
        self.main = _trunk(config)
        channels = _trunk_channels(config)
        self.conv1 = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)  # realism
        self.conv2 = _condition_head(channels, config)  # condition
        init_normal_(self)

    def forward(self, frames: Tensor) -> Critique:
        features = self.main(frames.flatten(0, 1))
        realism, condition = self.conv1(features)[:, 0], self.conv2(features).flatten(1)
        return Critique(*(x.unflatten(0, frames.shape[:2]) for x in (realism, condition)))


class RecurrentFrameCritic(nn.Module):
    """Scores each frame independently, and estimates expressions by a ConvGRU over the frames."""

    def __init__(self, config: CriticConfig):
        super().__init__()
        self.config = config
        self.main = _trunk(config)
        channels = _trunk_channels(config)
        self.adv = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)  # realism
        self.gru = ConvGRU(channels, config.memory, kernel=3, layers=1)
        self.regress = _condition_head(config.memory, config)  # condition
        init_normal_(self)

    def forward(self, frames: Tensor) -> Critique:
        features = self.main(frames.flatten(0, 1))
        realism = self.adv(features)[:, 0].unflatten(0, frames.shape[:2])
        states = _unroll(self.gru, features.unflatten(0, frames.shape[:2]))
        condition = self.regress(states.flatten(0, 1)).flatten(1)
        return Critique(realism, condition.unflatten(0, frames.shape[:2]))


class ClipCritic(nn.Module):
    """Scores a clip by the last state of a ConvGRU, and estimates the expression of each frame."""

    def __init__(self, config: CriticConfig):
        super().__init__()
        self.config = config
        self.main = _trunk(config)
        channels = _trunk_channels(config)
        self.gru = ConvGRU(channels, channels, kernel=3, layers=1)
        self.adv = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)  # realism
        self.regress = _condition_head(channels, config)  # condition
        init_normal_(self)

    def forward(self, frames: Tensor) -> Critique:
        features = self.main(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        states = _unroll(self.gru, features, self.config.carry)
        condition = self.regress(states.flatten(0, 1)).flatten(1)
        return Critique(self.adv(states[:, -1]), condition.unflatten(0, frames.shape[:2]))


Critic = FrameCritic | RecurrentFrameCritic | ClipCritic


def build_critic(config: CriticConfig) -> Critic:
    """Build a critic of the kind and sizes of a config."""
    kinds = {"frame": FrameCritic, "frame_gru": RecurrentFrameCritic, "clip": ClipCritic}
    return kinds[config.kind](config)


MAX_PRODUCT_CELLS = 64  # of the output, up to which the matrix product is faster


class StridedConv2d(nn.Conv2d):
    """A convolution of stride 2, computed as a matrix product for small bf16 inputs on a CPU.

    CPU kernels reorder all weights in every call, which takes most of the time for small inputs.
    In float32 the convolution is kept, whose sums have the order of the original's.
    """

    def forward(self, x: Tensor) -> Tensor:
        height, width = (side // 2 for side in x.shape[-2:])
        if (
            x.device.type != "cpu"
            or x.dtype != torch.bfloat16
            or height * width > MAX_PRODUCT_CELLS
        ):
            return super().forward(x)
        patches = F.unfold(x, self.kernel_size, padding=self.padding, stride=self.stride)
        y = F.linear(patches.transpose(1, 2), self.weight.flatten(1), self.bias)
        return y.transpose(1, 2).unflatten(2, (height, width))


def _trunk(config: CriticConfig) -> nn.Sequential:
    """The convolutions that all critics share, without norms.

    (N, 3, H, W) -> (N, channels, h, w), where h = H / 2^depth and w = W / 2^depth.
    """
    layers, channels = [], 3
    for i in range(config.depth):
        out_channels = config.width * 2**i
        layers += [StridedConv2d(channels, out_channels, 4, 2, 1), nn.LeakyReLU(0.01)]
        channels = out_channels
    return nn.Sequential(*layers)


def _trunk_channels(config: CriticConfig) -> int:
    """The channels of the last feature map of `_trunk`."""
    return config.width * 2 ** (config.depth - 1)


def _condition_head(channels: int, config: CriticConfig) -> nn.Conv2d:
    """A linear layer from a whole feature map (N, channels, h, w) to the axes, (N, D, 1, 1)."""
    kernel = config.image_size // 2**config.depth
    return nn.Conv2d(channels, config.condition_dim, kernel, bias=False)


def _unroll(gru: ConvGRU, features: Tensor, carry: bool = True) -> Tensor:
    """Run a ConvGRU of C channels over features (B, S, channels, h, w).

    Returns the states of its last layer, (B, S, C, h, w).
    """
    states, state = [], None
    for x in features.unbind(1):
        state = gru(x, state if carry else None)
        states.append(state[-1])
    return torch.stack(states, 1)
