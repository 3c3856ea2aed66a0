"""The recurrent generator of two git branches of the original MoodGANimation code,
`convgru_unet_gen` and `spatiotemporal_disc`: a U-Net with ConvGRU layers."""

import torch
from torch import Tensor, nn

from .base import (
    Generator,
    GeneratorConfig,
    State,
    append_condition,
    init_normal_,
    instance_norm,
    output_layers,
)
from .compositing import Edit, compose_unwarped
from .convgru import ConvGRU


class ConvGRUUNetGenerator(Generator):
    """A U-Net of three resolutions. ConvGRU layers at the lowest one pass a state between frames.

    The condition enters as constant planes beside the photo's channels; the photo is not warped.
    Names and shapes of parameters are those of the original checkpoints, so their state dicts load;
    `checkpoints/original.py` renames `attetion_reg` to `attention_reg`.
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
        full = self.first_conv(append_condition(encoding, condition))
        half = self.encode1(full)
        quarter = self.encode2(half)
        state = self.gru(quarter, state)
        x = self.deconv1(torch.cat([state[-1], quarter], 1))
        x = self.deconv2(torch.cat([x, half], 1))
        return compose_unwarped(encoding, self.attention_reg(x), self.img_reg(x)), state


def _conv_norm_relu(conv: nn.Module) -> nn.Sequential:
    return nn.Sequential(conv, instance_norm(conv.out_channels), nn.ReLU(inplace=True))
