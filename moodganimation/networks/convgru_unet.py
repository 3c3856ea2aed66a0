"""The recurrent generator of the MoodGANimation branches for clips: a U-Net with ConvGRU layers."""

import torch
from torch import Tensor, nn

from .base import (
    Generator,
    GeneratorConfig,
    State,
    init_normal_,
    instance_norm,
    output_layers,
    with_condition,
)
from .compositing import Edit, repaint
from .convgru import ConvGRU


class ConvGRUUNetGenerator(Generator):
    """A U-Net of three resolutions whose ConvGRU layers, at the lowest, carry state between frames.

    Names and shapes of parameters are those of the original checkpoints; the converter renames
    `attetion_reg` to `attention_reg`.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        n = config.width
        self.first_conv = _conv_norm_relu(
            nn.Conv2d(3 + config.condition_dim, n, 7, 1, 3, bias=False)
        )
        self.encode1 = _conv_norm_relu(nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False))
        self.encode2 = _conv_norm_relu(nn.Conv2d(2 * n, 4 * n, 4, 2, 1, bias=False))
        self.gru = ConvGRU(4 * n, 4 * n, kernel=7, layers=config.depth)
        self.deconv1 = _conv_norm_relu(nn.ConvTranspose2d(8 * n, 2 * n, 4, 2, 1, bias=False))
        self.deconv2 = _conv_norm_relu(nn.ConvTranspose2d(4 * n, n, 4, 2, 1, bias=False))
        self.img_reg, self.attention_reg = output_layers(n, config.saturate)
        init_normal_(self)

    def edit(
        self, encoding: Tensor, condition: Tensor, state: State | None = None
    ) -> tuple[Edit, State]:
        full = self.first_conv(with_condition(encoding, condition))
        half = self.encode1(full)
        quarter = self.encode2(half)
        state = self.gru(quarter, state)
        x = self.deconv1(torch.cat([state[-1], quarter], 1))
        x = self.deconv2(torch.cat([x, half], 1))
        return repaint(encoding, self.attention_reg(x), self.img_reg(x)), state


def _conv_norm_relu(conv: nn.Module) -> nn.Sequential:
    return nn.Sequential(conv, instance_norm(conv.out_channels), nn.ReLU(inplace=True))
