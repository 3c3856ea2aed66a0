"""Quantization: the layers of a `resnet` generator rearranged for compilers, without or with int8.

The condition enters as a bias of the first layer, and both output layers are one convolution. With
int8, the inputs and weights of most convolutions are fake-quantized: rounded to at most 256 values.
A compiler makes 8-bit arithmetic of that, while torch computes it in float32, so that the error can
be tested on every machine. Input ranges need no calibration photos, since a norm's parameters are
the mean and standard deviation of its output.

B batch · D axes of the condition · C channels · S side of the crop.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.compositing import blend

# Values farther from the mean than so many standard deviations are clipped.
RANGE_DEVIATIONS = 6
# More in the first layers, which detect edges: in a photo with few edges they are outliers.
FIRST_RANGE_DEVIATIONS = 8
MIN_RANGE = 1e-3  # of a channel, which is divided by its range


class FusedGenerator(nn.Module):
    """Photo (B, 3, S, S), condition (B, D) -> composite, attention, color, as in an `Edit`.

    int8: quantize all convolutions but the first and the transposed ones, which would lower the
    PSNR by 15 dB. Uses and modifies the modules of `network`; pass a copy.
    """

    def __init__(self, network: nn.Module, int8: bool = False):
        super().__init__()
        first, norm1, _, down1, norm2, _, down2, norm3, _, *rest = network.main
        *blocks, up1, norm4, _, up2, norm5, _ = rest
        self.first = FirstConv(first, network.config.image_size)
        layers = [_norm_relu_conv(norm1, down1, int8, FIRST_RANGE_DEVIATIONS)]
        layers += [_norm_relu_conv(norm2, down2, int8, FIRST_RANGE_DEVIATIONS), norm3, nn.ReLU()]
        # An estimate of the range of a block's input, a sum of outputs of instance norms. Each
        # output has the mean `bias` and the standard deviation |weight|; the ReLU after norm3 is
        # ignored. The |mean| of the sum is at most the sum of all |bias|; variances add up as if
        # the outputs were independent.
        max_mean, variance = norm3.bias.abs(), norm3.weight**2
        for block in blocks:
            conv1, block_norm1, _, conv2, block_norm2 = block.main
            if int8:
                scale = (max_mean + RANGE_DEVIATIONS * variance.sqrt()).clamp(min=MIN_RANGE)
                conv1 = nn.Sequential(
                    ChannelScale(1 / scale), FakeQuantConv2d(conv1, scale, -128, 127)
                )
            layers.append(Residual(conv1, _norm_relu_conv(block_norm1, conv2, int8), block_norm2))
            max_mean = max_mean + block_norm2.bias.abs()
            variance = variance + block_norm2.weight**2
        output = nn.Conv2d(up2.out_channels, 4, 7, padding=3, bias=False)
        output.weight.data = torch.cat([network.img_reg[0].weight, network.attention_reg[0].weight])
        layers += [up1, _norm_relu_conv(norm4, up2, False), _norm_relu_conv(norm5, output, int8)]
        self.layers = nn.Sequential(*layers)
        self.color_activation = network.img_reg[1:]
        self.attention_activation = network.attention_reg[1:]

    def forward(self, photo: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        outputs = self.layers(self.first(photo, condition))  # color, attention before activation
        attention = self.attention_activation(outputs[:, 3:])
        color = self.color_activation(outputs[:, :3])
        return blend(photo, attention, color), attention, color


class FirstConv(nn.Module):
    """The first convolution, with the condition's constant planes replaced by an exact bias.

    A constant plane adds a constant to the output, except near borders, where the kernel covers
    padding. There are as many border cases as the kernel has pixels: 7 in x times 7 in y.
    """

    def __init__(self, conv: nn.Conv2d, side: int):
        super().__init__()
        (size, _), (pad, _) = conv.kernel_size, conv.padding
        if side < size:
            raise ValueError(f"A crop of {side} pixels is smaller than the first layer's kernel.")
        color_weight, plane_weight = conv.weight.data.split([3, conv.in_channels - 3], 1)
        one_hot_planes = torch.eye(plane_weight.shape[1])[..., None, None]
        one_hot_planes = one_hot_planes.expand(-1, -1, size, size)
        # (D, C, 7, 7): a pixel per border case
        table = F.conv2d(one_hot_planes, plane_weight, padding=pad)
        i = torch.arange(side)  # rows and columns alike
        line_case = i.clamp(max=pad) + (i - side + pad + 1).clamp(min=0)  # (S,) in 0..6
        self.pad, self.side, self.case_count = pad, side, size * size
        self.register_buffer("color_weight", color_weight.contiguous())
        # (D, 49 C): contribution of each axis in each border case
        self.register_buffer("bias_table", table.movedim(1, -1).flatten(1))
        # (S * S,): border case of each pixel
        self.register_buffer("border_case", (size * line_case[:, None] + line_case).flatten())

    def forward(self, photo: Tensor, condition: Tensor) -> Tensor:
        biases = (condition @ self.bias_table).unflatten(1, (self.case_count, -1))
        bias = biases[:, self.border_case].unflatten(1, (self.side, self.side)).permute(0, 3, 1, 2)
        return F.conv2d(photo, self.color_weight, padding=self.pad) + bias


class FakeQuantConv2d(nn.Module):
    """Convolution with fake-quantized input and weights.

    scale (C,): the range of each input channel. The input must already be divided by it; `forward`
    rounds the input to multiples of 1 / high and clips it to low / high .. 1. The weights are
    multiplied by `scale` and rounded to 127 positive and 127 negative steps, per output channel.
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
    norm: nn.Module, conv: nn.Module, int8: bool, deviations: float = RANGE_DEVIATIONS
) -> nn.Sequential:
    """Return norm, ReLU, convolution.

    int8: divide the norm's parameters by the range of each channel, in place, and quantize the
    convolution, whose weights are multiplied by that range. deviations: how far the range extends
    above the mean, or above 0 if the mean is negative, in standard deviations.
    """
    if int8:
        scale = norm.bias.clamp(min=0) + deviations * norm.weight.abs()
        scale = scale.detach().clamp(min=MIN_RANGE)
        norm.weight.data /= scale
        norm.bias.data /= scale
        conv = FakeQuantConv2d(conv, scale, 0, 255)
    return nn.Sequential(norm, nn.ReLU(), conv)
