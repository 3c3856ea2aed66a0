"""A repainting generator rewritten for compilers, in plain torch, with the same function.

The condition enters as a bias of the first layer, and both output layers are one convolution. With
int8, most convolutions have their inputs and weights fake-quantized to 255 steps: a compiler turns
that into 8-bit arithmetic, and torch computes it in float32, so that the error can be tested
anywhere. Input ranges need no calibration photos: a norm's parameters are the mean and standard
deviation of its output.

B batch · D axes of the condition · C channels · S side of the crop.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.compositing import blend

RANGE = 6  # standard deviations from the mean that are represented; values beyond are clipped
# The same in the first layers: their outputs are edges, which are rare and strong in flat photos.
FIRST_RANGE = 8


class FusedGenerator(nn.Module):
    """Photo (B, 3, S, S), condition (B, D) -> composite, attention, color, as in an `Edit`.

    int8: quantize all convolutions but the first and the transposed ones, where it would cost
    15 dB. Takes over and modifies the modules of `network`; pass a copy.
    """

    def __init__(self, network: nn.Module, int8: bool = False):
        super().__init__()
        first, norm, _, down, norm2, _, down2, norm3, _, *rest = network.main
        *blocks, up, norm4, _, up2, norm5, _ = rest
        self.first = FirstConv(first, network.config.image_size)
        layers = [_norm_relu_conv(norm, down, int8, FIRST_RANGE)]
        layers += [_norm_relu_conv(norm2, down2, int8, FIRST_RANGE), norm3, nn.ReLU()]
        # Bounds on mean and variance of the blocks' input, a sum of norms' outputs taken to be
        # independent: an instance norm's output has mean `bias` and standard deviation |weight|.
        mean, variance = norm3.bias.abs(), norm3.weight**2
        for block in blocks:
            conv, inner, _, conv2, last = block.main
            if int8:
                scale = (mean + RANGE * variance.sqrt()).clamp(min=1e-3)
                conv = nn.Sequential(
                    ChannelScale(1 / scale), FakeQuantConv2d(conv, scale, -128, 127)
                )
            layers.append(Residual(conv, _norm_relu_conv(inner, conv2, int8), last))
            mean, variance = mean + last.bias.abs(), variance + last.weight**2
        heads = nn.Conv2d(up2.out_channels, 4, 7, padding=3, bias=False)
        heads.weight.data = torch.cat([network.img_reg[0].weight, network.attention_reg[0].weight])
        layers += [up, _norm_relu_conv(norm4, up2, False), _norm_relu_conv(norm5, heads, int8)]
        self.layers = nn.Sequential(*layers)
        self.color, self.attention = network.img_reg[1:], network.attention_reg[1:]

    def forward(self, photo: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        outputs = self.layers(self.first(photo, condition))
        attention, color = self.attention(outputs[:, 3:]), self.color(outputs[:, :3])
        return blend(photo, attention, color), attention, color


class FirstConv(nn.Module):
    """The first convolution, with the condition's constant planes replaced by an exact bias.

    A constant plane contributes a constant, except near borders, where padding cuts the kernel. A
    kernel of 7 pixels has 7 border cases per axis, so 49 in all.
    """

    def __init__(self, conv: nn.Conv2d, side: int):
        super().__init__()
        (size, _), (pad, _) = conv.kernel_size, conv.padding
        if side < size:
            raise ValueError(f"A crop of {side} pixels is smaller than the first layer's kernel.")
        colors, planes = conv.weight.data.split([3, conv.in_channels - 3], 1)
        axes = torch.eye(planes.shape[1])[..., None, None].expand(-1, -1, size, size)
        table = F.conv2d(axes, planes, padding=pad)  # (D, C, 7, 7): one cell per border case
        i = torch.arange(side)
        case = i.clamp(max=pad) + (i - side + pad + 1).clamp(min=0)  # of a row, of a column
        self.pad, self.side, self.cases = pad, side, size * size
        self.register_buffer("colors", colors.contiguous())
        # (D, 49 C): contribution of each axis in each border case
        self.register_buffer("bias_table", table.movedim(1, -1).flatten(1))
        # (S * S,): border case of each pixel
        self.register_buffer("border_case", (size * case[:, None] + case).flatten())

    def forward(self, photo: Tensor, condition: Tensor) -> Tensor:
        biases = (condition @ self.bias_table).unflatten(1, (self.cases, -1))
        bias = biases[:, self.border_case].unflatten(1, (self.side, self.side)).permute(0, 3, 1, 2)
        return F.conv2d(photo, self.colors, padding=self.pad) + bias


class FakeQuantConv2d(nn.Module):
    """Convolution with fake-quantized input and weights.

    The input must already be divided by `scale` (C,), its range per channel; it is rounded to
    multiples of 1 / high from low / high to 1. The weights, times `scale`, are rounded to 127
    steps each way per output channel.
    """

    def __init__(self, conv: nn.Conv2d, scale: Tensor, low: int, high: int):
        super().__init__()
        self.low, self.high, self.stride, self.padding = low, high, conv.stride, conv.padding
        weight = conv.weight.data * scale.detach()[:, None, None]
        self.register_buffer("weight", weight)
        self.register_buffer("step", weight.abs().amax((1, 2, 3)).clamp(min=1e-12) / 127)
        self.register_buffer("zero_point", torch.zeros(len(weight), dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.fake_quantize_per_tensor_affine(x, 1 / self.high, 0, self.low, self.high)
        weight = torch.fake_quantize_per_channel_affine(
            self.weight, self.step, self.zero_point, 0, -127, 127
        )
        return F.conv2d(x, weight, None, self.stride, self.padding)


class ChannelScale(nn.Module):
    """Multiply every channel by its own factor (C,)."""

    def __init__(self, factor: Tensor):
        super().__init__()
        self.register_buffer("factor", factor.detach()[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Residual(nn.Module):
    """x + layers(x)."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _norm_relu_conv(
    norm: nn.Module, conv: nn.Module, int8: bool, deviations: float = RANGE
) -> nn.Sequential:
    """norm -> ReLU -> convolution.

    int8: divide the norm's parameters by the range of each channel, in place, and quantize the
    convolution, whose weights are multiplied by that range.
    """
    if int8:
        scale = norm.bias.clamp(min=0) + deviations * norm.weight.abs()
        scale = scale.detach().clamp(min=1e-3)
        norm.weight.data /= scale
        norm.bias.data /= scale
        conv = FakeQuantConv2d(conv, scale, 0, 255)
    return nn.Sequential(norm, nn.ReLU(), conv)
