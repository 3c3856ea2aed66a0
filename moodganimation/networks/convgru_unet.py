"""The ConvGRU U-Net generator of the MoodGANimation branches that remember a clip's frames."""

import torch
from torch import Tensor, nn

from .base import Generator, GeneratorConfig, State, heads, instance_norm, normal, with_condition
from .compositing import repaint
from .convgru import ConvGRU


class ConvGRUUNetGenerator(Generator):
    """Two halvings, a stack of ConvGRU layers over the frames, two doublings with skips.

    Names and shapes of parameters are those of the original checkpoints (`attetion_reg` is renamed
    by the converter).
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        n = config.width
        self.first_conv = _block(nn.Conv2d(3 + config.condition_dim, n, 7, 1, 3, bias=False))
        self.encode1 = _block(nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False))
        self.encode2 = _block(nn.Conv2d(2 * n, 4 * n, 4, 2, 1, bias=False))
        self.gru = ConvGRU(4 * n, 4 * n, kernel=7, layers=config.depth)
        self.deconv1 = _block(nn.ConvTranspose2d(8 * n, 2 * n, 4, 2, 1, bias=False))
        self.deconv2 = _block(nn.ConvTranspose2d(4 * n, n, 4, 2, 1, bias=False))
        self.img_reg, self.attention_reg = heads(n, config.saturate)
        normal(self)

    def edit(self, encoding: Tensor, condition: Tensor, state: State | None = None):
        full = self.first_conv(with_condition(encoding, condition))
        half = self.encode1(full)
        quarter = self.encode2(half)
        state = self.gru(quarter, state)
        x = self.deconv1(torch.cat([state[-1], quarter], 1))
        x = self.deconv2(torch.cat([x, half], 1))
        return repaint(encoding, self.attention_reg(x), self.img_reg(x)), state


def _block(conv: nn.Module) -> nn.Sequential:
    return nn.Sequential(conv, instance_norm(conv.out_channels), nn.ReLU(inplace=True))
