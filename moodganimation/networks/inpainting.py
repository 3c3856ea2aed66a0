"""The inpainting network of `warp`: attention and color for the inside of a mouth, where the photo
may have no pixels to show.

B batch · D axes · H x W pixels of the crop · h x w of them in a window.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .compositing import positions

# Shares of the crop's side: from the upper teeth up, down, and to each side.
MOUTH_EXTENT = (0.11, 0.33, 0.265)
TEETH = (0.52, 0.58)  # brightness of a mouth, in that of white teeth, from none seen to all seen


class Window(NamedTuple):
    """A rectangle of each face crop of a batch [cells of `size`], all of one height and width.

    Sides and corners are multiples of 4 cells, so that they exist at a quarter of the resolution.
    """

    size: int
    corners: tuple[tuple[int, int], ...]  # top and left of each row; a single one serves all rows
    height: int
    width: int

    @classmethod
    def whole(cls, size: int) -> "Window":
        return cls(size, ((0, 0),), size, size)

    @classmethod
    def mouth(cls, teeth: Sequence[Sequence[float]], size: int) -> "Window":
        """The surroundings of mouths whose upper teeth are at (x, y) [face coordinates]."""
        up, down, aside = MOUTH_EXTENT
        height, width = (min(size, 4 * round(n * size / 4)) for n in (up + down, 2 * aside))

        def corner(x: float, y: float) -> tuple[int, int]:
            top, left = (4 * round(n * size / 4) for n in ((y + 1) / 2 - up, (x + 1) / 2 - aside))
            return min(max(0, top), size - height), min(max(0, left), size - width)

        return cls(size, tuple(corner(*place) for place in teeth), height, width)

    def crop(self, field: Tensor) -> Tensor:
        """The window of a field (B, C, S, S) over the crop; S is a quarter of `size` times a power
        of two. A batch of one gives a view, or a row for each corner."""
        if self == Window.whole(self.size):
            return field
        if len(self.corners) == 1:
            return self._view(field, 0)
        field = field.expand(len(self.corners), -1, -1, -1)
        return torch.stack([self._view(row, i) for i, row in enumerate(field)])

    def insert(self, part: Tensor, field: Tensor) -> Tensor:
        """The field with its window replaced by `part`."""
        if part.shape == field.shape:
            return part
        field = field.clone()
        if len(self.corners) == 1:
            self._view(field, 0).copy_(part)
            return field
        for i in range(len(part)):
            self._view(field[i], i).copy_(part[i])
        return field

    def places(self, cells: int, like: Tensor) -> Tensor:
        """Where the cells of a window are, of a field of so many, see `positions`."""
        return self.crop(positions((cells, cells), like))

    def _view(self, field: Tensor, row: int) -> Tensor:
        """The window of that row in a field (..., S, S)."""
        cells = field.shape[-1]
        top, left, height, width = (
            n * cells // self.size for n in (*self.corners[row], self.height, self.width)
        )
        return field[..., top : top + height, left : left + width]


class PainterOutput(NamedTuple):
    """What the painter says of a window."""

    attention: Tensor  # (B, 1, h, w) in [0, 1]: 1 keeps the moved photo
    lightness: Tensor  # (B, 1, h, w) in [-1, 1]: how much brighter than the moved photo
    chroma: Tensor  # (B, 3, h, w) in [-1, 1]
    inside: Tensor  # (B, 1, h, w) in [0, 1]: where the mouth is open


class Painter(nn.Module):
    """Reads moved features at a quarter and a half of the crop's cells, and the moved photo."""

    def __init__(self, shallow: int, deep: int, wish: int, scale):
        super().__init__()
        n24, n40, n64, n96, n128 = (scale(n) for n in (24, 40, 64, 96, 128))
        self.wish = nn.Sequential(nn.Linear(wish, n128), nn.ReLU(), nn.Linear(n128, n64))
        self.paint4 = FiLMBlock(deep + 2, n96, n64)
        self.paint2 = FiLMBlock(n96 + shallow, n64, n64)
        self.paint2b = FiLMBlock(n64, n40, n64)
        self.paint1 = FiLMBlock(n40 + 3 + 2, n24, n64)
        self.heads = nn.Conv2d(n24, 6, 3, padding=1)
        nn.init.zeros_(self.heads.weight[:5])
        nn.init.zeros_(self.heads.bias)
        nn.init.constant_(self.heads.bias[0], 3.0)  # attention begins closed

    def forward(
        self, deep: Tensor, shallow: Tensor, moved: Tensor, motion: Tensor, wish: Tensor
    ) -> PainterOutput:
        """deep (B, C, h/4, w/4) and shallow (B, C, h/2, w/2) features and the photo (B, 3, h, w),
        all moved; motion (B, 2, h, w) in halves of the crop; wish (B, 2D)."""
        wish = self.wish(wish)
        coarse = F.interpolate(motion, size=deep.shape[-2:], mode="bilinear", align_corners=False)
        x = self.paint4(torch.cat([deep, 5 * coarse.to(deep.dtype)], 1), wish)
        x = self.paint2(torch.cat([double(x), shallow], 1), wish)
        x = self.paint2b(x, wish)
        near = torch.cat([moved, 5 * motion], 1).to(x.dtype)
        x = self.paint1(torch.cat([double(x), near], 1), wish)
        attention, lightness, chroma, inside = (
            self.heads(x).float().contiguous().split([1, 1, 3, 1], 1)
        )
        return PainterOutput(attention.sigmoid(), lightness.tanh(), chroma.tanh(), inside.sigmoid())


class FiLMBlock(nn.Module):
    """Convolution, norm, then scale and shift by the wish (Perez et al. 2018, FiLM), and ReLU."""

    def __init__(self, inputs: int, outputs: int, wish: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.film = nn.Linear(wish, 2 * outputs)

    def forward(self, x: Tensor, wish: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        scale, shift = self.film(wish).to(x.dtype)[..., None, None].chunk(2, 1)
        return F.relu(torch.addcmul(shift, x, 1 + scale))


def compose_color(moved: Tensor, strokes: PainterOutput, colorful: Tensor) -> Tensor:
    """The color (B, 3, h, w) that strokes make of the moved photo."""
    color = moved + 1.5 * strokes.lightness + 0.5 * strokes.chroma * colorful
    # Mouths are red to white: paint is no greener or bluer than the photo is at that place,
    # in proportion to its red, so that dark paint is not blue where the photo is white.
    cast = ((moved + 1.1) / (moved[:, :1] + 1.1)).clamp(min=1)
    return torch.minimum(color, (color[:, :1].clamp(min=-1) + 1) * cast - 1).clamp(-1, 1)


def saturation(photo: Tensor) -> Tensor:
    """How colorful a photo is, (B, 1, 1, 1) in [0, 1]: a grey photograph stays grey."""
    return (8 * (photo - photo.mean(1, keepdim=True)).abs().mean((1, 2, 3), keepdim=True)).clamp(
        0, 1
    )


def visible_teeth_mask(photo: Tensor, inside: Tensor, white: Tensor) -> Tensor:
    """Where a photo (B, 3, h, w) shows teeth of its own, (B, 1, h, w) in [0, 1]: inside its mouth,
    if that is about as bright as teeth are in its light, white (B, 3) in [0, 1]."""
    bright = (photo.mean(1, keepdim=True) + 1) / 2 / white.mean(1)[:, None, None, None]
    share = (inside * bright).sum((2, 3), keepdim=True) / (inside.sum((2, 3), keepdim=True) + 1)
    low, high = TEETH
    inside = -F.max_pool2d(-F.pad(inside, (1, 1, 0, 3)), (4, 3), 1)  # without the lower lip's edge
    return inside * ((share - low) / (high - low)).clamp(0, 1)


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
