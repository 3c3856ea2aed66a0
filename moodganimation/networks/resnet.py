"""The generator of GANimation, and of all git branches of the original MoodGANimation code but the
two of `convgru_unet`."""

from torch import Tensor, nn

from .base import (
    Generator,
    GeneratorConfig,
    ResidualBlock,
    State,
    append_condition,
    init_normal_,
    instance_norm,
    output_layers,
)
from .compositing import Edit, compose_unwarped


class ResNetGenerator(Generator):
    """Pumarola et al. 2018, "Network Architecture", with the layers of the authors' code.

    The condition enters as constant planes beside the photo's channels; the photo is not warped.
    Names and shapes of parameters are those of the original checkpoints, so their state dicts load;
    `checkpoints/original.py` renames `attetion_reg` to `attention_reg`.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        width, layers = config.width, []
        layers += _conv_norm_relu(nn.Conv2d(3 + config.condition_dim, width, 7, 1, 3, bias=False))
        for n in (width, 2 * width):
            layers += _conv_norm_relu(nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False))
        layers += [ResidualBlock(4 * width, instance_norm) for _ in range(config.depth)]
        for n in (4 * width, 2 * width):
            layers += _conv_norm_relu(nn.ConvTranspose2d(n, n // 2, 4, 2, 1, bias=False))
        self.main = nn.Sequential(*layers)
        self.img_reg, self.attention_reg = output_layers(width, config.saturate)
        init_normal_(self)

    def edit(
        self, encoding: Tensor, condition: Tensor, state: State | None = None
    ) -> tuple[Edit, State]:
        return compose_unwarped(encoding, *self.attention_and_color(encoding, condition)), ()

    def attention_and_color(self, source: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Compute attention (B, 1, H, W) and color (B, 3, H, W), of which `edit` makes a composite.

        OpenVINO (`runtime/openvino.py`) runs only generators that have this method.
        """
        features = self.main(append_condition(source, condition))
        return self.attention_reg(features), self.img_reg(features)


def _conv_norm_relu(conv: nn.Module) -> list[nn.Module]:
    return [conv, instance_norm(conv.out_channels), nn.ReLU(inplace=True)]
