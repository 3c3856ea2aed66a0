"""A repainting generator, rewritten for a compiler: in plain torch, and the same function.

What the condition adds to the first layer becomes a bias, both heads one convolution. In int8 most
convolutions multiply whole numbers: inputs and weights are rounded to 255 steps, which a compiler
takes for 8 bits and torch computes in float32, so that what is lost can be tested anywhere. No
photo is needed to know how far inputs reach: a norm tells mean and deviation of what leaves it.

B batch · D axes of the condition · C channels · S side of the crop.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.compositing import blend

REACH = 6  # deviations from its mean that a channel goes; what is beyond is cut off
EDGES = 8  # the same in the first layers: flat photos have few edges, which stand out


class Painting(nn.Module):
    """Photo (B, 3, S, S), condition (B, D) -> composite, attention, color, as in an `Edit`.

    int8: all convolutions but the first and the transposed ones, where it would cost 15 dB.
    The network is used up.
    """

    def __init__(self, network: nn.Module, int8: bool = False):
        super().__init__()
        first, norm, _, down, norm2, _, down2, norm3, _, *rest = network.main
        *blocks, up, norm4, _, up2, norm5, _ = rest
        self.first = First(first, network.config.image_size)
        layers = [_after(norm, down, int8, EDGES), _after(norm2, down2, int8, EDGES)]
        layers += [norm3, nn.ReLU()]
        mean, variance = norm3.bias.abs(), norm3.weight**2  # of the sum of all blocks so far
        for block in blocks:
            conv, inner, _, conv2, last = block.main
            if int8:
                reach = (mean + REACH * variance.sqrt()).clamp(min=1e-3)
                conv = nn.Sequential(Scaled(1 / reach), Rounded(conv, reach, -128, 127))
            layers.append(Block(conv, _after(inner, conv2, int8), last))
            mean, variance = mean + last.bias.abs(), variance + last.weight**2
        heads = nn.Conv2d(up2.out_channels, 4, 7, padding=3, bias=False)
        heads.weight.data = torch.cat([network.img_reg[0].weight, network.attention_reg[0].weight])
        layers += [up, _after(norm4, up2, False), _after(norm5, heads, int8)]
        self.layers = nn.Sequential(*layers)
        self.color, self.attention = network.img_reg[1:], network.attention_reg[1:]

    def forward(self, photo: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        painted = self.layers(self.first(photo, condition))
        attention, color = self.attention(painted[:, 3:]), self.color(painted[:, :3])
        return blend(photo, attention, color), attention, color


class First(nn.Module):
    """The first convolution, exact: that of the colors, and a bias for the condition's planes.

    Planes are constant, so what they add differs but near borders, by how many of the kernel's rows
    and columns lie outside: of 7 x 7 there are 49 kinds of places. All are linear in the condition.
    """

    def __init__(self, conv: nn.Conv2d, side: int):
        super().__init__()
        (size, _), (pad, _) = conv.kernel_size, conv.padding
        if side < size:
            raise ValueError(f"A crop of {side} pixels is smaller than the first layer's kernel.")
        colors, planes = conv.weight.data.split([3, conv.in_channels - 3], 1)
        axes = torch.eye(planes.shape[1])[..., None, None].expand(-1, -1, size, size)
        kinds = F.conv2d(axes, planes, padding=pad)  # (D, C, 7, 7)
        i = torch.arange(side)
        kind = i.clamp(max=pad) + (i - side + pad + 1).clamp(min=0)  # of a row, of a column
        self.pad, self.side = pad, side
        self.register_buffer("colors", colors.contiguous())
        self.register_buffer("kinds", kinds.movedim(1, -1).flatten(1))
        self.register_buffer("kind", (size * kind[:, None] + kind).flatten())
        self.count = size * size

    def forward(self, photo: Tensor, condition: Tensor) -> Tensor:
        kinds = (condition @ self.kinds).unflatten(1, (self.count, -1))
        bias = kinds[:, self.kind].unflatten(1, (self.side, self.side)).permute(0, 3, 1, 2)
        return F.conv2d(photo, self.colors, padding=self.pad) + bias


class Rounded(nn.Module):
    """A convolution whose weights are rounded to 255 steps a channel, and its input, which comes
    in shares of its `reach` (C,), to whole numbers from low to high."""

    def __init__(self, conv: nn.Conv2d, reach: Tensor, low: int, high: int):
        super().__init__()
        self.low, self.high, self.stride, self.padding = low, high, conv.stride, conv.padding
        weight = conv.weight.data * reach.detach()[:, None, None]
        self.register_buffer("weight", weight)
        self.register_buffer("step", weight.abs().amax((1, 2, 3)).clamp(min=1e-12) / 127)
        self.register_buffer("zero", torch.zeros(len(weight), dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.fake_quantize_per_tensor_affine(x, 1 / self.high, 0, self.low, self.high)
        weight = torch.fake_quantize_per_channel_affine(
            self.weight, self.step, self.zero, 0, -127, 127
        )
        return F.conv2d(x, weight, None, self.stride, self.padding)


class Scaled(nn.Module):
    """Every channel times its own factor."""

    def __init__(self, factor: Tensor):
        super().__init__()
        self.register_buffer("factor", factor.detach()[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Block(nn.Module):
    """A residual block."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _after(norm: nn.Module, conv: nn.Module, int8: bool, reach: float = REACH) -> nn.Sequential:
    """A norm, ReLU, and the next convolution, which takes over the norm's scale if it is int8."""
    if int8:
        most = (norm.bias.clamp(min=0) + reach * norm.weight.abs()).detach().clamp(min=1e-3)
        norm.weight.data /= most
        norm.bias.data /= most
        conv = Rounded(conv, most, 0, 255)
    return nn.Sequential(norm, nn.ReLU(), conv)
