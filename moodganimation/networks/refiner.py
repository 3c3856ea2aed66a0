"""The mouth refiner of `warp`: a small U-Net that turns rendered teeth, gums and tongue into a
photograph of the inside of a mouth.

It works on colors relative to the *skin light*, the color that the skin around the mouth has in the
photo (its light times its complexion), channel by channel, so that grey photographs stay grey, warm
ones warm and dim ones dim, across a half-lit mouth too. Skin light is not the `light` of an edit.

B batch · h x w pixels of the mouth window, of which PAINT_SCALE x PAINT_SCALE (see `encoding`) lie
in one of the crop; pixels, rows and columns below are these · h' x w' pixels of a box in the window
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import ResidualBlock, conv_bn_relu, upsample2x
from .compositing import ramp

GRID = (7, 16)  # cells over the window, in which the skin light is averaged
# Standard deviations of the blur of those averages, down and across [cells]: it bridges the mouth
# from nose to chin, and follows shadows that fall across it from the side.
LIGHT_SPREAD = (1.8, 0.7)
# Ellipses in half windows, centers and radii (x, y): skin is outside the first one, of the mouth,
# and inside the second one, of the lower face.
MOUTH_ELLIPSE, FACE_ELLIPSE = ((0.0, -0.3), (0.66, 0.55)), ((0.0, -0.7), (1.1, 1.4))
EDGE_WIDTH = 0.25  # width of their edges, in radii
DARKEST = 0.02  # added to brightness before ratios are taken
OPEN_RAMP = (0.38, 0.78)  # from the share of open mouth in a cell to its share of hole
# Kernel (rows, columns) of `dilate`, which widens every hole to the corners of the mouth.
CORNER_DILATION = (1, 5)
# What the hole of an edit loses at the upper and at the lower lip: a share of its height there, and
# the most of it [rows]. The painter learned from renderings, which open farther than lips do. Holes
# of photographed mouths, which the refiner also learns from, lose nothing.
HOLE_EROSION = (0.05, 1), (0.25, 5)
# Columns of a second dilation, of eroded holes of edits only: erosion also shortens a hole at the
# corners of the mouth.
EDIT_CORNER_DILATION = 7
# Of the box around the paint that is computed: its least padding, and what its edges are multiples
# of [pixels].
BOX_MARGIN, BOX_MULTIPLE = 8, 8
# Factor on the predicted color of white teeth in edits. Without it, their teeth were brighter,
# relative to the skin of the cheeks, than photographed ones. Of several factors tried, this one has
# the best figures of the judge `mouths` on validation photos.
EDIT_WHITENESS = 0.88
# Corrections of predicted ratios, chosen by the figures of the judge `mouths`. Pixel losses favor
# the mean of all likely pictures, whose detail is too soft. So differences from the mean over a
# square of SHARPENING_WINDOW pixels grow by this share of themselves.
SHARPENING, SHARPENING_WINDOW = 0.2, 13
# Most photographed mouths are smiles, so that narrower mouths stay too bright at the corners: over
# CORNER_WIDTH [widths of the hole] the light falls, at the corner by CORNER_SHADE. Over
# SMILE_WIDTHS [columns of the hole] this correction fades out.
CORNER_WIDTH, CORNER_SHADE, SMILE_WIDTHS = 0.2, 0.6, (73, 82)
MAX_RATIO = 3.0  # of any color to the skin light
TEETH_RATIO = (0.7, 2.4)  # of white teeth to the skin light
HOLE_EDGE_SHADE = 0.5  # share of light that teeth lose where there is no hole around them
CAVITY_RATIO = (0.30, 0.18, 0.17)  # of the dark of a mouth to the skin light, with no hole around
CAVITY_DARKENING = 0.6  # share of that which the cavity loses where all around it is hole
OPENNESS_WINDOW = 17  # side of the square whose share of hole is the openness of its center


class MouthDrawing(NamedTuple):
    """A window around a mouth that opens, with what is rendered in it."""

    photo: Tensor  # (B, 3, h, w) in [0, 1]: the warped photo
    hole: Tensor  # (B, 1, h, w) in [0, 1]: where the mouth is open, and the inner edge of the lips
    # (B, 1, h, w) in [0, 1]: where the photo's own pixels are kept in the hole. They are teeth that
    # it shows, or in training the upper part of some photographed mouths.
    known: Tensor
    teeth: Tensor  # (B, 4, h, w) in [0, 1]: RGB under white light, times alpha, and alpha
    white: Tensor  # (B, 3) in [0, 1]: the color of white teeth in the photo
    saturation: Tensor  # (B, 1, 1, 1) in [0, 1], see `inpainting.saturation`

    @property
    def paint(self) -> Tensor:
        """What is painted, (B, 1, h, w) in [0, 1]: the hole but for what is known."""
        return self.hole * (1 - self.known)


class Refiner(nn.Module):
    """From a `MouthDrawing` to the color (B, 3, h, w) in [0, 1] of its hole.

    h and w are multiples of 8. 2 x 2 pixels become channels at the entrance, and pixels again at
    the exit (Shi et al. 2016), since layers at full resolution cost most of all.
    """

    def __init__(self, scaled: Callable[[int], int]):
        """scaled: `WarpGenerator.scaled`."""
        super().__init__()
        n16, n48, n96 = (scaled(n) for n in (16, 48, 96))
        # Names of layers are keys of checkpoints. downN and upN have 1/N of the resolution of
        # `enter`, which is the crop's.
        self.enter = conv_bn_relu(4 * 6 + 3, n16)
        self.down2 = nn.Sequential(conv_bn_relu(n16, n48, 3, 2), ResidualBlock(n48, nn.BatchNorm2d))
        blocks = (ResidualBlock(n96, nn.BatchNorm2d) for _ in range(2))
        self.down4 = nn.Sequential(conv_bn_relu(n48, n96, 3, 2), *blocks)
        self.up2 = conv_bn_relu(n96 + n48, n48)
        self.up1 = conv_bn_relu(n48 + n16, n16)
        self.leave = nn.Conv2d(n16, 12, 3, padding=1)
        self.reset_output()

    def reset_output(self) -> None:
        """Initialize the last layer, so that the predicted ratios are nearly those of
        `drawing_ratios`."""
        nn.init.normal_(self.leave.weight, 0, 1e-2)
        nn.init.zeros_(self.leave.bias)

    def forward(self, drawing: MouthDrawing) -> Tensor:
        """Return colors (B, 3, h, w) in [0, 1], to be used only where `drawing.paint` is above 0.
        Only a box around that is computed; outside it they are the photo's."""
        skin_light = estimate_skin_light(drawing.photo)
        tone, color = skin_light.mean((2, 3), keepdim=True), drawing.photo.clone()
        light_left = corner_light(drawing.hole)
        for index, (rows, columns) in painted_boxes(drawing.paint):
            sample = slice(index, index + 1)
            box = sample, slice(None), rows, columns
            near = MouthDrawing(*(x[box] for x in drawing[:4]), *(x[sample] for x in drawing[4:]))
            ratios = self.predict_ratios(near, skin_light[box], tone[sample])
            ratios = light_left[sample, ..., columns] * sharpen(ratios, near.paint)
            color[box] = (ratios * (skin_light[box] + DARKEST) - DARKEST).clamp(0, 1)
        return color

    def predict_ratios(self, drawing: MouthDrawing, skin_light: Tensor, tone: Tensor) -> Tensor:
        """Return the colors divided by the skin light, (B, 3, h', w') in [0, MAX_RATIO].

        drawing: a box of the window; skin_light: (B, 3, h', w') in [0, 1], see
        `estimate_skin_light`; tone: (B, 3, 1, 1), the mean skin light of the whole window.
        """
        drawn = drawing_ratios(drawing, skin_light)
        planes = [drawn, drawing.hole, drawing.known, drawing.teeth[:, 3:]]
        half = F.pixel_unshuffle(torch.cat(planes, 1), 2)
        tone = tone.expand(-1, -1, *half.shape[-2:])
        x1 = self.enter(torch.cat([half - 0.5, tone - 0.5], 1))
        x2 = self.down2(x1)
        x4 = self.down4(x2)
        x2 = self.up2(torch.cat([upsample2x(x4), x2], 1))
        x1 = self.up1(torch.cat([upsample2x(x2), x1], 1))
        change = F.pixel_shuffle(self.leave(x1), 2).float()
        ratios = (drawn + change).clamp(0, MAX_RATIO)
        grey = ratios.mean(1, keepdim=True)
        return grey + drawing.saturation * (ratios - grey)


def sharpen(ratios: Tensor, paint: Tensor) -> Tensor:
    """Amplify the detail of ratios (B, C, h, w) by SHARPENING where `paint` (B, 1, h, w) is 1."""
    means = box_mean(torch.cat([ratios * paint, paint], 1), SHARPENING_WINDOW)
    mean = means[:, :-1] / means[:, -1:].clamp(min=1e-3)  # no division by 0
    return (ratios + SHARPENING * paint * (ratios - mean)).clamp(0, MAX_RATIO)


def corner_light(hole: Tensor) -> Tensor:
    """Return the share of light that the cheeks leave in each column of a hole (B, 1, h, w), (B, 1,
    1, w): 1 in the middle of the mouth and in smiles, down to 1 - CORNER_SHADE at the corners."""
    columns = hole.amax(2, keepdim=True)
    width = columns.sum(3, keepdim=True)
    left = columns.cumsum(3) - columns / 2  # columns of the hole to the left of a column's middle
    from_corner = torch.minimum(left, width - left) / width.clamp(min=1)
    shade = CORNER_SHADE * (1 - ramp(width, *SMILE_WIDTHS))
    return 1 - shade * (1 - ramp(from_corner, 0, CORNER_WIDTH))


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
    """Return the hole, (B, 1, *size) in [0, 1]: the inside of a mouth (B, 1, h, w), given on
    coarser cells, sharpened by OPEN_RAMP, dilated sideways to the corners of the mouth, and blurred
    onto the edge of the lips, where warped pixels are stretched."""
    low, high = OPEN_RAMP
    fine = F.interpolate(inside, size=size, mode="bilinear", align_corners=False)
    hole = ((fine - low) / (high - low)).clamp(0, 1)
    return F.avg_pool2d(dilate(hole), 3, 1, 1, count_include_pad=False)


def shrink_hole(hole: Tensor) -> Tensor:
    """Return the hole (B, 1, h, w) of an edit, eroded at both lips by HOLE_EROSION and dilated by
    EDIT_CORNER_DILATION columns."""
    height = hole.sum(2, keepdim=True)
    above = hole.cumsum(2) - hole / 2  # rows of the hole between the upper lip and a pixel's middle
    for (share, most), distance in zip(HOLE_EROSION, (above, height - above), strict=True):
        hole = hole * (distance - (share * height).clamp(max=most) + 0.5).clamp(0, 1)
    return F.max_pool2d(hole, (1, EDIT_CORNER_DILATION), 1, (0, EDIT_CORNER_DILATION // 2))


def dilate(hole: Tensor) -> Tensor:
    """Dilate a hole (B, 1, h, w) by CORNER_DILATION."""
    padding = CORNER_DILATION[0] // 2, CORNER_DILATION[1] // 2
    return F.max_pool2d(hole, CORNER_DILATION, 1, padding)


def drawing_ratios(drawing: MouthDrawing, skin_light: Tensor) -> Tensor:
    """Return the photo with rendered teeth over a dark cavity where it is painted, divided by the
    skin light: (B, 3, h', w') in [0, MAX_RATIO].

    drawing: the window or a box of it; skin_light: (B, 3, h', w') in [0, 1].
    """
    photo_ratios = ((drawing.photo + DARKEST) / (skin_light + DARKEST)).clamp(0, MAX_RATIO)
    color, alpha = drawing.teeth.split([3, 1], 1)
    # Over the given box, unlike the `tone` of `predict_ratios`, which is of the whole window: the
    # weights of checkpoints were trained so.
    mean_light = skin_light.mean((2, 3))
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


def estimate_skin_light(photo: Tensor) -> Tensor:
    """Estimate the skin light around a mouth, (B, 3, h, w) in [0, 1], from the photo of the same
    shape: smooth means of its colors beside the mouth, in which bright skin counts more than shade
    and hair."""
    blur_down, blur_across, skin = _skin_filters(*photo.shape[-2:], photo.device)
    # The weight of a pixel is its own brightness, channel by channel, times its share of skin.
    means = F.adaptive_avg_pool2d(torch.cat([photo * skin, photo.square() * skin], 1), GRID)
    weight, weighted_color = (blur_down @ means @ blur_across.T).split(3, 1)
    smooth = weighted_color / weight.clamp(min=1e-4)
    return F.interpolate(smooth, size=photo.shape[-2:], mode="bilinear", align_corners=False)


@lru_cache(maxsize=8)
def _skin_filters(height: int, width: int, device: torch.device) -> tuple[Tensor, ...]:
    """The matrices that blur the grid down (7, 7) and across (16, 16), and the weight of every
    pixel as skin, (height, width)."""
    with torch.inference_mode(False):
        mouth, face = (_ellipse(height, width, *shape) for shape in (MOUTH_ELLIPSE, FACE_ELLIPSE))
        weight = face * (1 - mouth)
        filters = *map(_blur, GRID, LIGHT_SPREAD), weight
        return tuple(x.to(device) for x in filters)


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
