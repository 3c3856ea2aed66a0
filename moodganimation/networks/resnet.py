"""The generator of GANimation and of the MoodGANimation branches on stills and clips."""

from torch import Tensor, nn

from .base import (
    Generator,
    GeneratorConfig,
    ResidualBlock,
    State,
    heads,
    instance_norm,
    normal,
    with_condition,
)
from .compositing import repaint


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
        self.img_reg, self.attention_reg = heads(width, config.saturate)
        normal(self)

    def edit(self, encoding: Tensor, condition: Tensor, state: State | None = None):
        return repaint(encoding, *self.attend(encoding, condition)), ()

    def attend(self, source: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Attention (B, 1, H, W) and color (B, 3, H, W)."""
        features = self.main(with_condition(source, condition))
        return self.attention_reg(features), self.img_reg(features)


def _block(conv: nn.Module) -> list[nn.Module]:
    return [conv, instance_norm(conv.out_channels), nn.ReLU(inplace=True)]
