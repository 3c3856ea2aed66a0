"""Critics: how real frames look, and which expression they show.

B batch · T frames · D axes · H x W pixels · h x w patches. All take whole clips (a photo is a clip
of one frame), so that memory is unrolled here and nowhere else. Names, shapes and order of
parameters are those of the original checkpoints.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from moodganimation.networks.base import normal
from moodganimation.networks.convgru import ConvGRU


class Critique(NamedTuple):
    """What a critic says of clips."""

    realism: Tensor  # (B, S, h, w) scores of patches, unbounded: S = T frames, or 1 whole clip
    condition: Tensor  # (B, T, D) the expression of each frame, unbounded


@dataclass(frozen=True, kw_only=True)
class CriticConfig:
    """What must be known to rebuild a critic."""

    kind: Literal["frame", "frame_gru", "clip"]
    condition_dim: int
    image_size: int = 128  # [px]; a multiple of 2 ** depth
    width: int = 64  # channels of the first layer
    depth: int = 6  # halvings
    memory: int = 128  # channels of the ConvGRU of frame_gru
    carry: bool = True  # clip: carry the state from frame to frame; the seed's code forgot to

    def __post_init__(self):
        if self.kind not in ("frame", "frame_gru", "clip"):
            raise ValueError(f"A critic is of kind frame, frame_gru or clip, not {self.kind!r}.")
        sizes = (self.condition_dim, self.image_size, self.width, self.memory)
        if min(sizes) < 1 or not 1 <= self.depth <= 10:
            raise ValueError("Sizes of a critic must be at least 1, its depth 1 to 10.")
        if self.image_size % 2**self.depth:
            raise ValueError(
                f"A critic of depth {self.depth} wants faces whose side is a multiple of "
                f"{2**self.depth} pixels, not {self.image_size}."
            )


class FrameCritic(nn.Module):
    """Every frame for itself. Pumarola et al. 2018, "Conditional Critic" (a PatchGAN)."""

    def __init__(self, config: CriticConfig):
        super().__init__()
        self.config = config
        self.main = _trunk(config)
        channels = _channels(config)
        self.conv1 = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)  # realism
        self.conv2 = _regression(channels, config)
        normal(self)

    def forward(self, frames: Tensor) -> Critique:
        features = self.main(frames.flatten(0, 1))
        realism, condition = self.conv1(features)[:, 0], self.conv2(features).flatten(1)
        return Critique(*(x.unflatten(0, frames.shape[:2]) for x in (realism, condition)))


class RecurrentFrameCritic(nn.Module):
    """Realism of every frame for itself, its expression with a memory of the frames before."""

    def __init__(self, config: CriticConfig):
        super().__init__()
        self.config = config
        self.main = _trunk(config)
        channels = _channels(config)
        self.adv = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)
        self.gru = ConvGRU(channels, config.memory, kernel=3, layers=1)
        self.regress = _regression(config.memory, config)
        normal(self)

    def forward(self, frames: Tensor) -> Critique:
        features = self.main(frames.flatten(0, 1))
        realism = self.adv(features)[:, 0].unflatten(0, frames.shape[:2])
        states = _unroll(self.gru, features.unflatten(0, frames.shape[:2]))
        condition = self.regress(states.flatten(0, 1)).flatten(1)
        return Critique(realism, condition.unflatten(0, frames.shape[:2]))


class ClipCritic(nn.Module):
    """One score for a clip, from the last state of its memory; the expression of each frame."""

    def __init__(self, config: CriticConfig):
        super().__init__()
        self.config = config
        self.main = _trunk(config)
        channels = _channels(config)
        self.gru = ConvGRU(channels, channels, kernel=3, layers=1)
        self.adv = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)
        self.regress = _regression(channels, config)
        normal(self)

    def forward(self, frames: Tensor) -> Critique:
        features = self.main(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        states = _unroll(self.gru, features, self.config.carry)
        condition = self.regress(states.flatten(0, 1)).flatten(1)
        return Critique(self.adv(states[:, -1]), condition.unflatten(0, frames.shape[:2]))


Critic = FrameCritic | RecurrentFrameCritic | ClipCritic


def build_critic(config: CriticConfig) -> Critic:
    kinds = {"frame": FrameCritic, "frame_gru": RecurrentFrameCritic, "clip": ClipCritic}
    return kinds[config.kind](config)


class Halving(nn.Conv2d):
    """A convolution that halves the side. In bf16 and on few cells it is written as the product of
    matrices that it is: CPUs' convolutions rearrange all weights in every call, and weights
    outnumber cells there by far. In float32 sums keep the order of the original's."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = (side // 2 for side in x.shape[-2:])
        if x.device.type != "cpu" or x.dtype != torch.bfloat16 or height * width > 64:
            return super().forward(x)
        patches = F.unfold(x, self.kernel_size, padding=self.padding, stride=self.stride)
        y = F.linear(patches.transpose(1, 2), self.weight.flatten(1), self.bias)
        return y.transpose(1, 2).unflatten(2, (height, width))


def _trunk(config: CriticConfig) -> nn.Sequential:
    """(N, 3, H, W) -> (N, channels, H / 2^depth, W / 2^depth), without any norm."""
    layers, channels = [], 3
    for i in range(config.depth):
        n = config.width * 2**i
        layers += [Halving(channels, n, 4, 2, 1), nn.LeakyReLU(0.01)]
        channels = n
    return nn.Sequential(*layers)


def _channels(config: CriticConfig) -> int:
    return config.width * 2 ** (config.depth - 1)


def _regression(channels: int, config: CriticConfig) -> nn.Conv2d:
    kernel = config.image_size // 2**config.depth
    return nn.Conv2d(channels, config.condition_dim, kernel, bias=False)


def _unroll(gru: ConvGRU, features: Tensor, carry: bool = True) -> Tensor:
    """States of the last layer, (B, T, H, h, w), over features (B, T, C, h, w)."""
    states, state = [], None
    for x in features.unbind(1):
        state = gru(x, state if carry else None)
        states.append(state[-1])
    return torch.stack(states, 1)
