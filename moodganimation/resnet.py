"""The generator of GANimation and of the MoodGANimation branches on stills and clips."""

import torch
from torch import Tensor, nn

from .compositing import compose
from .generators import Generator, GeneratorConfig, ResidualBlock, State


def instance_norm(channels: int) -> nn.InstanceNorm2d:
    return nn.InstanceNorm2d(channels, affine=True)


class ResNetGenerator(Generator):
    """Pumarola et al. 2018, "Network Architecture", layer by layer as their code has it.

    Names and shapes of parameters are those of the original checkpoints, so their state dicts load
    (their `attetion_reg` is renamed `attention_reg` by the converter). The condition enters as
    constant planes behind the photo's channels; nothing moves.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        width, layers = config.width, []
        layers += _block(nn.Conv2d(3 + config.condition_dim, width, 7, 1, 3, bias=False))
        for n in (width, 2 * width):
            layers += _block(nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False))
        layers += [ResidualBlock(4 * width, instance_norm) for _ in range(config.depth)]
        for n in (4 * width, 2 * width):
            layers += _block(nn.ConvTranspose2d(n, n // 2, 4, 2, 1, bias=False))
        self.main = nn.Sequential(*layers)
        self.img_reg = nn.Sequential(nn.Conv2d(width, 3, 7, 1, 3, bias=False), nn.Tanh())
        self.attention_reg = nn.Sequential(nn.Conv2d(width, 1, 7, 1, 3, bias=False), nn.Sigmoid())
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0, 0.02)

    def encode(self, source: Tensor) -> Tensor:
        return source

    def edit(self, encoding: Tensor, condition: Tensor, state: State | None = None):
        planes = condition[:, :, None, None].expand(-1, -1, *encoding.shape[-2:])
        features = self.main(torch.cat([encoding, planes], 1))
        still = encoding.new_zeros(len(encoding), 2, 1, 1)
        attention, color = self.attention_reg(features), self.img_reg(features)
        return compose(encoding, attention, color, still), ()


def _block(conv: nn.Module) -> list[nn.Module]:
    return [conv, instance_norm(conv.out_channels), nn.ReLU(inplace=True)]
