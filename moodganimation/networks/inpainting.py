"""Inpainting of `warp`: attention and color for the inside of a mouth, which no pixel of the photo
may show.

B batch · C channels · U units · H x W pixels of the crop · h x w pixels of the mouth window
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import upsample2x
from .compositing import cell_centers, ramp, resize

# The mouth window: above, below and to each side of the upper teeth [crop sides].
MOUTH_WINDOW = (0.11, 0.33, 0.265)
# Two ramps, each from where no tooth is taken as visible to where all are. Brightness: mean inside
# the mouth over that of white teeth. Area: mean of the mask over the window; below it is only the
# line between closed lips.
TEETH_BRIGHTNESS = (0.52, 0.58)
TEETH_AREA = (0.006, 0.014)
# Erosion of the inside of a mouth, so that the edges of the lips are not taken for teeth: kernel
# (rows, columns), and padding (left, right, top, bottom), one row above to three rows below.
LIP_EROSION, LIP_PADDING = (5, 3), (1, 1, 1, 3)
MOTION_INPUT_SCALE = 5  # motion is an input of the painter; this brings it to about [-1, 1]
LIGHTNESS_RANGE, COLOR_RANGE = 1.5, 0.5  # factors on the painter's outputs in [-1, 1]
BLACK_OFFSET = 1.1  # added to colors in [-1, 1] before ratios are taken
SATURATION_GAIN = 8  # from the mean deviation of a pixel's channels to saturation


class Window(NamedTuple):
    """A rectangle in each face crop of a batch; all have the same height and width.

    Corners and sides are in cells of a grid of size x size cells over the crop, and multiples of 4,
    so that they are whole numbers at a quarter of the resolution, too.
    """

    size: int
    corners: tuple[tuple[int, int], ...]  # (top, left) of every sample, or one for all
    height: int
    width: int

    @classmethod
    def whole(cls, size: int) -> "Window":
        """The whole crop."""
        return cls(size, ((0, 0),), size, size)

    @classmethod
    def mouth(cls, teeth: Sequence[Sequence[float]], size: int) -> "Window":
        """The mouth windows of faces whose upper teeth are at (x, y) [face coordinates]."""
        up, down, aside = MOUTH_WINDOW
        height, width = (min(size, 4 * round(n * size / 4)) for n in (up + down, 2 * aside))

        def corner(x: float, y: float) -> tuple[int, int]:
            top, left = (4 * round(n * size / 4) for n in ((y + 1) / 2 - up, (x + 1) / 2 - aside))
            return min(max(0, top), size - height), min(max(0, left), size - width)

        return cls(size, tuple(corner(*center) for center in teeth), height, width)

    def crop(self, field: Tensor) -> Tensor:
        """The window of a field (1 or B, C, S, S) over the crop: (B, C, h, w), scaled by S / size.

        S is size / 4 or that times a power of two. With a single corner the result is a view.
        """
        if self == Window.whole(self.size):
            return field
        if len(self.corners) == 1:
            return self._view(field, 0)
        field = field.expand(len(self.corners), -1, -1, -1)
        return torch.stack([self._view(sample, i) for i, sample in enumerate(field)])

    def insert(self, part: Tensor, field: Tensor) -> Tensor:
        """A copy of the field whose window is replaced by `part`."""
        if part.shape == field.shape:
            return part
        field = field.clone()
        if len(self.corners) == 1:
            self._view(field, 0).copy_(part)
            return field
        for i in range(len(part)):
            self._view(field[i], i).copy_(part[i])
        return field

    def cell_centers(self, size: int, like: Tensor) -> Tensor:
        """The centers of the window's cells [face coordinates], of `size` along the crop's side."""
        return self.crop(cell_centers((size, size), like))

    def _view(self, field: Tensor, sample: int) -> Tensor:
        """The window of one sample, as a view of a field (..., S, S)."""
        cells = field.shape[-1]
        top, left, height, width = (
            n * cells // self.size for n in (*self.corners[sample], self.height, self.width)
        )
        return field[..., top : top + height, left : left + width]


class PainterOutput(NamedTuple):
    """The output of the `Painter`; `compose_color` makes a color of it."""

    attention: Tensor  # (B, 1, h, w) in [0, 1]: 1 keeps the warped photo
    lightness: Tensor  # (B, 1, h, w) in [-1, 1]: change of brightness of the warped photo
    color_change: Tensor  # (B, 3, h, w) in [-1, 1]: change of its channels
    inside: Tensor  # (B, 1, h, w) in [0, 1]: where the mouth is open


class Painter(nn.Module):
    """The inpainting network: FiLM blocks at a quarter, half and all of the crop's resolution.

    It sees warped features and the warped photo, and is conditioned on expression and change.
    """

    def __init__(self, shallow: int, deep: int, conditioning: int, scaled):
        """shallow, deep, conditioning: channels of the inputs; scaled: `WarpGenerator.scaled`."""
        super().__init__()
        n24, n40, n64, n96, n128 = (scaled(n) for n in (24, 40, 64, 96, 128))
        # Names of layers are keys of checkpoints. wish: the embedding of the conditioning.
        self.wish = nn.Sequential(nn.Linear(conditioning, n128), nn.ReLU(), nn.Linear(n128, n64))
        self.paint4 = FiLMBlock(deep + 2, n96, n64)
        self.paint2 = FiLMBlock(n96 + shallow, n64, n64)
        self.paint2b = FiLMBlock(n64, n40, n64)
        self.paint1 = FiLMBlock(n40 + 3 + 2, n24, n64)
        self.heads = nn.Conv2d(n24, 6, 3, padding=1)
        nn.init.zeros_(self.heads.weight[:5])
        nn.init.zeros_(self.heads.bias)
        nn.init.constant_(self.heads.bias[0], 3.0)  # training starts at an attention of 0.95

    def forward(
        self, deep: Tensor, shallow: Tensor, photo: Tensor, motion: Tensor, conditioning: Tensor
    ) -> PainterOutput:
        """Paint a window.

        deep (B, C, h/4, w/4), shallow (B, C, h/2, w/2): warped features; photo (B, 3, h, w): warped
        and relit; motion (B, 2, h, w) [face coordinates]; conditioning (B, 2U): condition and
        change of every unit, means of both sides.
        """
        embedding = self.wish(conditioning)
        coarse = resize(motion, deep.shape[-2:]).to(deep.dtype)
        x = self.paint4(torch.cat([deep, MOTION_INPUT_SCALE * coarse], 1), embedding)
        x = self.paint2(torch.cat([upsample2x(x), shallow], 1), embedding)
        x = self.paint2b(x, embedding)
        fine = torch.cat([photo, MOTION_INPUT_SCALE * motion], 1).to(x.dtype)
        x = self.paint1(torch.cat([upsample2x(x), fine], 1), embedding)
        attention, lightness, color_change, inside = (
            self.heads(x).float().contiguous().split([1, 1, 3, 1], 1)
        )
        return PainterOutput(
            attention.sigmoid(), lightness.tanh(), color_change.tanh(), inside.sigmoid()
        )


class FiLMBlock(nn.Module):
    """Convolution and norm, then scale and shift by an embedding (FiLM, Perez et al. 2018), and
    ReLU."""

    def __init__(self, inputs: int, outputs: int, embedding: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.film = nn.Linear(embedding, 2 * outputs)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        scale, shift = self.film(embedding).to(x.dtype)[..., None, None].chunk(2, 1)
        return F.relu(torch.addcmul(shift, x, 1 + scale))


def compose_color(photo: Tensor, output: PainterOutput, saturation: Tensor) -> Tensor:
    """The painted color (B, 3, h, w) in [-1, 1], relative to the warped photo.

    Mouths are red to white: relative to its red, paint is no greener or bluer than the photo at
    that place, so that dark paint is not blue where the photo is white.

    saturation: (B, 1, 1, 1), of the photo, see `saturation`.
    """
    color_change = COLOR_RANGE * output.color_change * saturation
    color = photo + LIGHTNESS_RANGE * output.lightness + color_change
    cast = ((photo + BLACK_OFFSET) / (photo[:, :1] + BLACK_OFFSET)).clamp(min=1)
    return torch.minimum(color, (color[:, :1].clamp(min=-1) + 1) * cast - 1).clamp(-1, 1)


def saturation(photo: Tensor) -> Tensor:
    """The saturation of a photo's colors, (B, 1, 1, 1) in [0, 1]; 0 keeps paint grey."""
    deviation = (photo - photo.mean(1, keepdim=True)).abs()
    return (SATURATION_GAIN * deviation.mean((1, 2, 3), keepdim=True)).clamp(0, 1)


def visible_teeth_mask(photo: Tensor, inside: Tensor, white: Tensor) -> Tensor:
    """Where a photo (B, 3, h, w) shows teeth, (B, 1, h, w) in [0, 1]: the inside of the mouth, if
    it is nearly as bright as white teeth and large enough.

    inside: (B, 1, h, w) in [0, 1]; white: (B, 3) in [0, 1], the color of white teeth.
    """
    brightness = (photo.mean(1, keepdim=True) + 1) / 2 / white.mean(1)[:, None, None, None]
    area = inside.sum((2, 3), keepdim=True) + 1  # 1: no division by 0
    brightness = (inside * brightness).sum((2, 3), keepdim=True) / area
    eroded = -F.max_pool2d(-F.pad(inside, LIP_PADDING), LIP_EROSION, 1)
    teeth = eroded * ramp(brightness, *TEETH_BRIGHTNESS)
    return teeth * ramp(teeth.mean((2, 3), keepdim=True), *TEETH_AREA)
