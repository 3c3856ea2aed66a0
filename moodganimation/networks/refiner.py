"""The mouth refiner of `warp`: a small U-Net that turns rendered teeth, gums and tongue into a
photograph of the inside of a mouth.

It works on colors relative to the light on the skin around the mouth, channel by channel, so that
grey photographs stay grey, warm ones warm and dim ones dim, across a half-lit mouth too.

B batch · h x w pixels of the mouth window, of which PAINT_SCALE x PAINT_SCALE (see `encoding`) lie
in one of the crop; pixels, rows and columns below are these
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import ResidualBlock, conv_bn_relu, upsample2x

GRID = (7, 16)  # cells over the window, in which the light on the skin is averaged
# Standard deviations of the blur of those averages, down and across [cells]: it bridges the mouth
# from nose to chin, and follows shadows that fall across it from the side.
LIGHT_SPREAD = (1.8, 0.7)
# Ellipses in half windows, centers and radii (x, y): skin is outside the first one, of the mouth,
# and inside the second one, of the lower face.
MOUTH_ELLIPSE, FACE_ELLIPSE = ((0.0, -0.3), (0.66, 0.55)), ((0.0, -0.7), (1.1, 1.4))
EDGE_WIDTH = 0.25  # width of their edges, in radii
DARKEST = 0.02  # added to brightness before ratios are taken
OPEN_RAMP = (0.38, 0.78)  # from the share of open mouth in a cell to its share of hole
# Rows and columns of the kernel of `dilate`, which widens a hole to the corners of the lips.
LIP_DILATION = (1, 5)
# What the hole of an edit loses at the upper and at the lower lip: a share of its height there, and
# the most of it [rows]. The painter learned from renderings, which open farther than lips do. Holes
# of photographed mouths, which the refiner also learns from, lose nothing.
HOLE_EROSION = (0.05, 1), (0.25, 5)
HOLE_DILATION = 7  # columns of the kernel that then dilates it, to the corners of the lips
# Of the box around the paint that is computed: its least padding, and what its edges are multiples
# of [pixels].
BOX_MARGIN, BOX_MULTIPLE = 8, 8
# Factor on the predicted color of the teeth of edits, which were brighter beside the cheeks than
# photographed ones; of several it has the best figures of the judge `mouths` on validation photos.
EDIT_WHITENESS = 0.88
MAX_RATIO = 3.0  # of any color to the skin's
TEETH_RATIO = (0.7, 2.4)  # of white teeth to the skin's
HOLE_EDGE_SHADE = 0.5  # share of light that teeth lose where there is no hole around them
CAVITY_RATIO = (0.30, 0.18, 0.17)  # of the dark of a mouth to the skin's, near the lips
CAVITY_DARKENING = 0.6  # how much darker the middle of a wide mouth is than the cavity at the lips
OPENNESS_WINDOW = 17  # side of the square whose share of hole is the openness of its center


class MouthDrawing(NamedTuple):
    """A window around a mouth that opens, with what is rendered in it."""

    photo: Tensor  # (B, 3, h, w) in [0, 1]: the warped photo
    hole: Tensor  # (B, 1, h, w) in [0, 1]: where the mouth is open, and the inner edge of the lips
    known: Tensor  # (B, 1, h, w) in [0, 1]: where in the hole the photo shows its own inside
    teeth: Tensor  # (B, 4, h, w) in [0, 1]: RGB under white light, times alpha, and alpha
    white: Tensor  # (B, 3) in [0, 1]: the color of white teeth in the photo
    saturation: Tensor  # (B, 1, 1, 1) in [0, 1], see `inpainting.saturation`

    @property
    def paint(self) -> Tensor:
        """What is painted, (B, 1, h, w) in [0, 1]: the hole but for the photo's own inside."""
        return self.hole * (1 - self.known)


class Refiner(nn.Module):
    """From a `MouthDrawing` to the color (B, 3, h, w) in [0, 1] of its hole.

    h and w are multiples of 8. Half of the resolution is moved into channels at the entrance and
    back at the exit (Shi et al. 2016), since layers at full resolution cost most of all.
    """

    def __init__(self, scale):
        """scale: from a number of channels at a width of 64 to that at the generator's width."""
        super().__init__()
        n16, n48, n96 = (scale(n) for n in (16, 48, 96))
        self.enter = conv_bn_relu(4 * 6 + 3, n16)
        self.down2 = nn.Sequential(conv_bn_relu(n16, n48, 3, 2), ResidualBlock(n48, nn.BatchNorm2d))
        blocks = (ResidualBlock(n96, nn.BatchNorm2d) for _ in range(2))
        self.down4 = nn.Sequential(conv_bn_relu(n48, n96, 3, 2), *blocks)
        self.up2 = conv_bn_relu(n96 + n48, n48)
        self.up1 = conv_bn_relu(n48 + n16, n16)
        self.leave = nn.Conv2d(n16, 12, 3, padding=1)
        self.reset_output()

    def reset_output(self) -> None:
        """Initialize the last layer, so that the output is nearly the drawing."""
        nn.init.normal_(self.leave.weight, 0, 1e-2)
        nn.init.zeros_(self.leave.bias)

    def forward(self, drawing: MouthDrawing) -> Tensor:
        """Return the color (B, 3, h, w) in [0, 1], which is meant where `drawing.paint` is above 0.
        Only a box around that is computed; outside the box the color is the photo's."""
        light = skin_light(drawing.photo)
        tone, color = light.mean((2, 3), keepdim=True), drawing.photo.clone()
        for index, (rows, columns) in painted_boxes(drawing.paint):
            sample = slice(index, index + 1)
            box = sample, slice(None), rows, columns
            near = MouthDrawing(*(x[box] for x in drawing[:4]), *(x[sample] for x in drawing[4:]))
            ratios = self.predict_ratios(near, light[box], tone[sample])
            color[box] = (ratios * (light[box] + DARKEST) - DARKEST).clamp(0, 1)
        return color

    def predict_ratios(self, drawing: MouthDrawing, light: Tensor, tone: Tensor) -> Tensor:
        """Return the colors divided by the light of the skin, (B, 3, h, w) in [0, MAX_RATIO].

        light: (B, 3, h, w) in [0, 1], see `skin_light`; tone: (B, 3, 1, 1), its mean.
        """
        canvas = drawing_ratios(drawing, light)
        planes = [canvas, drawing.hole, drawing.known, drawing.teeth[:, 3:]]
        half = F.pixel_unshuffle(torch.cat(planes, 1), 2)
        tone = tone.expand(-1, -1, *half.shape[-2:])
        x1 = self.enter(torch.cat([half - 0.5, tone - 0.5], 1))
        x2 = self.down2(x1)
        x4 = self.down4(x2)
        x2 = self.up2(torch.cat([upsample2x(x4), x2], 1))
        x1 = self.up1(torch.cat([upsample2x(x2), x1], 1))
        change = F.pixel_shuffle(self.leave(x1), 2).float()
        ratios = (canvas + change).clamp(0, MAX_RATIO)
        grey = ratios.mean(1, keepdim=True)
        return grey + drawing.saturation * (ratios - grey)


def painted_boxes(paint: Tensor) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Yield the index of each sample of `paint` (B, 1, h, w) that is painted anywhere, and the box
    around its paint as slices of rows and columns."""
    rows, columns = ((paint[:, 0].amax(axis) > 0).cpu().numpy() for axis in (2, 1))
    for index in np.flatnonzero(rows.any(1)):
        yield int(index), (padded_extent(rows[index]), padded_extent(columns[index]))


def padded_extent(used: np.ndarray) -> slice:
    """Return the slice from the first to the last True of (n,), padded by BOX_MARGIN or more, to
    multiples of BOX_MULTIPLE."""
    indices = np.flatnonzero(used)
    first, last = int(indices[0]) - BOX_MARGIN, int(indices[-1]) + 1 + BOX_MARGIN
    start, stop = (n // BOX_MULTIPLE * BOX_MULTIPLE for n in (first, last + BOX_MULTIPLE - 1))
    return slice(max(0, start), min(len(used), stop))


def soft_hole(inside: Tensor, size: tuple[int, int]) -> Tensor:
    """Return where to paint, (B, 1, *size) in [0, 1]: the inside of a mouth (B, 1, h, w), given on
    coarser cells, sharpened by OPEN_RAMP, dilated sideways to the corners of the lips, and blurred
    onto the edge of the lips, where warped pixels are stretched."""
    low, high = OPEN_RAMP
    fine = F.interpolate(inside, size=size, mode="bilinear", align_corners=False)
    hole = ((fine - low) / (high - low)).clamp(0, 1)
    return F.avg_pool2d(dilate(hole), 3, 1, 1, count_include_pad=False)


def shrink_hole(hole: Tensor) -> Tensor:
    """Return the hole (B, 1, h, w) of an edit, eroded at both lips by HOLE_EROSION and dilated by
    HOLE_DILATION columns."""
    height = hole.sum(2, keepdim=True)
    above = hole.cumsum(2) - hole / 2  # rows of the hole between the upper lip and a pixel's middle
    for (share, most), distance in zip(HOLE_EROSION, (above, height - above), strict=True):
        hole = hole * (distance - (share * height).clamp(max=most) + 0.5).clamp(0, 1)
    return F.max_pool2d(hole, (1, HOLE_DILATION), 1, (0, HOLE_DILATION // 2))


def dilate(hole: Tensor) -> Tensor:
    """Dilate a hole (B, 1, h, w) by LIP_DILATION."""
    return F.max_pool2d(hole, LIP_DILATION, 1, (LIP_DILATION[0] // 2, LIP_DILATION[1] // 2))


def drawing_ratios(drawing: MouthDrawing, light: Tensor) -> Tensor:
    """Return the photo with rendered teeth over a dark cavity in its hole, divided by the light of
    the skin: (B, 3, h, w) in [0, MAX_RATIO]."""
    photo_ratios = ((drawing.photo + DARKEST) / (light + DARKEST)).clamp(0, MAX_RATIO)
    color, alpha = drawing.teeth.split([3, 1], 1)
    mean_light = light.mean((2, 3))
    white = ((drawing.white + DARKEST) / (mean_light + DARKEST)).clamp(*TEETH_RATIO)
    white = white[..., None, None]
    openness = box_mean(drawing.hole, OPENNESS_WINDOW)
    cavity = (1 - CAVITY_DARKENING * openness) * white.new_tensor(CAVITY_RATIO)[:, None, None]
    inside = (
        color * white * (1 - HOLE_EDGE_SHADE + HOLE_EDGE_SHADE * openness) + (1 - alpha) * cavity
    )
    grey = inside.mean(1, keepdim=True)
    inside = grey + drawing.saturation * (inside - grey)
    return photo_ratios + drawing.paint * (inside - photo_ratios)


def box_mean(x: Tensor, side: int) -> Tensor:
    """Means of (B, C, h, w) over squares of an odd `side`, with 0 beyond the edges. One axis after
    the other is faster than both at once."""
    rows = F.avg_pool2d(x, (side, 1), 1, (side // 2, 0))
    return F.avg_pool2d(rows, (1, side), 1, (0, side // 2))


def skin_light(photo: Tensor) -> Tensor:
    """Estimate the light on the skin around a mouth, (B, 3, h, w) in [0, 1], as the photo: smooth
    means of its colors beside the mouth, in which bright skin counts more than shade and hair."""
    rows, columns, skin = _skin_filters(*photo.shape[-2:], photo.device)
    sums = F.adaptive_avg_pool2d(torch.cat([photo * skin, photo.square() * skin], 1), GRID)
    weight, light = (rows @ sums @ columns.T).split(3, 1)
    smooth = light / weight.clamp(min=1e-4)
    return F.interpolate(smooth, size=photo.shape[-2:], mode="bilinear", align_corners=False)


@lru_cache(maxsize=8)
def _skin_filters(height: int, width: int, device: torch.device) -> tuple[Tensor, ...]:
    """Blurs along the rows and the columns of the grid, and the weight of every pixel as skin."""
    with torch.inference_mode(False):
        mouth, face = (_ellipse(height, width, *shape) for shape in (MOUTH_ELLIPSE, FACE_ELLIPSE))
        weight = face * (1 - mouth)
        rows, columns = map(_blur, GRID, LIGHT_SPREAD)
        return rows.to(device), columns.to(device), weight.to(device)


def _ellipse(
    height: int, width: int, center: tuple[float, float], radii: tuple[float, float]
) -> Tensor:
    """(height, width) in [0, 1]: 1 in an ellipse, 0 outside, smooth between."""
    y, x = ((2 * torch.arange(n) + 1 - n) / n for n in (height, width))
    x, y = (x - center[0]) / radii[0], (y - center[1]) / radii[1]
    distance = (y[:, None].square() + x[None].square()).sqrt()
    return ((1 + EDGE_WIDTH / 2 - distance) / EDGE_WIDTH).clamp(0, 1)


def _blur(cells: int, spread: float) -> Tensor:
    """(cells, cells): a Gaussian along a line."""
    place = torch.arange(cells).float()
    weights = (-0.5 * ((place[:, None] - place[None]) / spread).square()).exp()
    return weights / weights.sum(1, keepdim=True)
