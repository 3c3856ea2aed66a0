"""Inpainting of `warp`: attention and color for the inside of a mouth that the photo does not show,
and a mask of where the inside is. At inference with a refiner, the edit has the refiner's attention
and color. Of the painter's output, only the mask is then used, and the attention, to keep visible
teeth.

B batch · C channels · U units · H x W pixels of the crop · h x w pixels of the mouth window
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import upsample2x
from .compositing import cell_centers, ramp, resize

# Extent of the mouth window above, below and to each side of the center of the picture of the upper
# teeth, which is near their necks [crop sides].
MOUTH_WINDOW = (0.11, 0.33, 0.265)
# Ramps of `visible_teeth_mask`, from no visible teeth to all. TEETH_BRIGHTNESS: mean brightness in
# the mouth over that of white teeth. TEETH_AREA: mean of the mask over the window; narrower strips
# of teeth would be stretched too far when the mouth opens.
TEETH_BRIGHTNESS = (0.52, 0.58)
TEETH_AREA = (0.006, 0.01)
# Erosion of a mouth mask, so that the edges of the lips are not taken for teeth: kernel (rows,
# columns), and padding (left, right, top, bottom), so that the minimum is taken from one row above
# to three rows below.
TEETH_EROSION, EROSION_PADDING = (5, 3), (1, 1, 1, 3)
MOTION_INPUT_SCALE = 5  # motion is an input of the painter; this brings it to about [-1, 1]
LIGHTNESS_RANGE, COLOR_RANGE = 1.5, 0.5  # factors on the painter's changes in [-1, 1]
BLACK_OFFSET = 1.1  # added to the photo's colors in [-1, 1], so that their ratios are finite
# From the mean deviation of a photo's channels from their mean in each pixel to its saturation
SATURATION_GAIN = 8


class Window(NamedTuple):
    """A rectangle in each face crop of a batch; all have the same height and width.

    Corners and sides are in pixels of crops of crop_size x crop_size, and multiples of 4, so that
    they are also whole numbers at a half and a quarter of the resolution.
    """

    crop_size: int
    corners: tuple[tuple[int, int], ...]  # (top, left) of every sample, or one for all
    height: int
    width: int

    @classmethod
    def whole(cls, crop_size: int) -> "Window":
        """The whole crop."""
        return cls(crop_size, ((0, 0),), crop_size, crop_size)

    @classmethod
    def mouth(cls, centers: Sequence[Sequence[float]], crop_size: int) -> "Window":
        """The mouth windows of faces.

        centers: for each face, the center (x, y) of the picture of the upper teeth [face
        coordinates].
        """
        above, below, beside = MOUTH_WINDOW

        def pixels(length: float) -> int:
            """A length [crop sides], rounded to multiples of 4 pixels."""
            return 4 * round(length * crop_size / 4)

        height = min(crop_size, pixels(above + below))
        width = min(crop_size, pixels(2 * beside))

        def corner(x: float, y: float) -> tuple[int, int]:
            top, left = pixels((y + 1) / 2 - above), pixels((x + 1) / 2 - beside)
            return min(max(0, top), crop_size - height), min(max(0, left), crop_size - width)

        return cls(crop_size, tuple(corner(*center) for center in centers), height, width)

    def crop(self, field: Tensor) -> Tensor:
        """Cut the window out of a field (1 or B, C, n, n) over the crop.

        n is crop_size times 1/4, 1/2, 1, 2 and so on; the result has height * n / crop_size rows,
        and columns likewise. It is a view if there is a single corner.
        """
        if self == Window.whole(self.crop_size):
            return field
        if len(self.corners) == 1:
            return self._view(field, 0)
        field = field.expand(len(self.corners), -1, -1, -1)
        return torch.stack([self._view(sample, i) for i, sample in enumerate(field)])

    def insert(self, part: Tensor, field: Tensor) -> Tensor:
        """Return a field (B, C, n, n) with its window replaced by `part`, see `crop`."""
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
        """The centers [face coordinates] of the cells in the window, of a grid of size x size cells
        over the crop; see `compositing.cell_centers`."""
        return self.crop(cell_centers((size, size), like))

    def _view(self, field: Tensor, sample: int) -> Tensor:
        """The window of one sample, as a view of a field (..., n, n)."""
        size = field.shape[-1]
        top, left, height, width = (
            length * size // self.crop_size
            for length in (*self.corners[sample], self.height, self.width)
        )
        return field[..., top : top + height, left : left + width]


class PainterOutput(NamedTuple):
    """The output of the `Painter`; `compose_color` computes the color from both changes."""

    attention: Tensor  # (B, 1, h, w) in [0, 1]: 1 keeps the warped photo
    # Changes of the warped photo: of all its channels alike, and of each channel.
    lightness_change: Tensor  # (B, 1, h, w) in [-1, 1] [LIGHTNESS_RANGE]
    color_change: Tensor  # (B, 3, h, w) in [-1, 1] [COLOR_RANGE]
    mouth_mask: Tensor  # (B, 1, h, w) in [0, 1]: where the inside of the mouth shows


class Painter(nn.Module):
    """The inpainting network: FiLM blocks at a quarter, a half and all of the crop's resolution.

    Its inputs are warped features, the warped photo and the motion; it is conditioned on the
    expression and on its change.
    """

    def __init__(self, shallow: int, deep: int, conditioning: int, scaled: Callable[[int], int]):
        """shallow, deep: channels of the features; conditioning: length of the conditioning vector;
        scaled: `WarpGenerator.scaled`."""
        super().__init__()
        n24, n40, n64, n96, n128 = (scaled(n) for n in (24, 40, 64, 96, 128))
        # Names of layers are keys of checkpoints. wish: embeds condition and change.
        self.wish = nn.Sequential(nn.Linear(conditioning, n128), nn.ReLU(), nn.Linear(n128, n64))
        self.paint4 = FiLMBlock(deep + 2, n96, n64)
        self.paint2 = FiLMBlock(n96 + shallow, n64, n64)
        self.paint2b = FiLMBlock(n64, n40, n64)
        self.paint1 = FiLMBlock(n40 + 3 + 2, n24, n64)
        self.heads = nn.Conv2d(n24, 6, 3, padding=1)
        # Training starts without changes, and at an attention of 0.95. The last channel, the mouth
        # mask, keeps its random weights.
        nn.init.zeros_(self.heads.weight[:5])
        nn.init.zeros_(self.heads.bias)
        nn.init.constant_(self.heads.bias[0], 3.0)

    def forward(
        self,
        deep: Tensor,
        shallow: Tensor,
        photo: Tensor,
        motion: Tensor,
        condition_and_change: Tensor,
    ) -> PainterOutput:
        """Paint a window.

        deep (B, C, h/4, w/4), shallow (B, C, h/2, w/2): warped features; photo (B, 3, h, w): warped
        and relit; motion (B, 2, h, w) [face coordinates]; condition_and_change (B, 2U): of every
        unit, means of both sides.
        """
        embedding = self.wish(condition_and_change)
        coarse_motion = resize(motion, deep.shape[-2:]).to(deep.dtype)
        x = self.paint4(torch.cat([deep, MOTION_INPUT_SCALE * coarse_motion], 1), embedding)
        x = self.paint2(torch.cat([upsample2x(x), shallow], 1), embedding)
        x = self.paint2b(x, embedding)
        photo_and_motion = torch.cat([photo, MOTION_INPUT_SCALE * motion], 1).to(x.dtype)
        x = self.paint1(torch.cat([upsample2x(x), photo_and_motion], 1), embedding)
        attention, lightness, color, mask = (
            self.heads(x).float().contiguous().split([1, 1, 3, 1], 1)
        )
        return PainterOutput(attention.sigmoid(), lightness.tanh(), color.tanh(), mask.sigmoid())


class FiLMBlock(nn.Module):
    """Convolution and batch norm, then scale and shift by an embedding (FiLM, Perez et al. 2018),
    and ReLU."""

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
    """Compute the painted color (B, 3, h, w) in [-1, 1]: the warped photo with the painter's
    changes.

    The inside of a mouth is red to white. So the ratios of green and blue to red are limited to 1,
    or to about those of the photo at that place if they are larger. Without this limit, dark paint
    over white could be blue.

    photo: (B, 3, h, w) in [-1, 1], warped and relit; saturation: (B, 1, 1, 1), of the photo, see
    the function `saturation`.
    """
    color_change = COLOR_RANGE * output.color_change * saturation
    color = photo + LIGHTNESS_RANGE * output.lightness_change + color_change
    max_ratio = ((photo + BLACK_OFFSET) / (photo[:, :1] + BLACK_OFFSET)).clamp(min=1)
    return torch.minimum(color, (color[:, :1].clamp(min=-1) + 1) * max_ratio - 1).clamp(-1, 1)


def saturation(photo: Tensor) -> Tensor:
    """Measure the saturation of a photo (B, 3, H, W), (B, 1, 1, 1) in [0, 1]: 0 for a grey photo,
    whose paint is grey, too."""
    deviation = (photo - photo.mean(1, keepdim=True)).abs()
    return (SATURATION_GAIN * deviation.mean((1, 2, 3), keepdim=True)).clamp(0, 1)


def visible_teeth_mask(photo: Tensor, mouth_mask: Tensor, white: Tensor) -> Tensor:
    """Find where a photo (B, 3, h, w) in [-1, 1] shows teeth, (B, 1, h, w) in [0, 1]: the inside of
    the mouth, if it is large enough and on average more than half as bright as white teeth.

    mouth_mask: (B, 1, h, w) in [0, 1]; white: (B, 3) in [0, 1], the color of white teeth.
    """
    brightness = (photo.mean(1, keepdim=True) + 1) / 2 / white.mean(1)[:, None, None, None]
    area = mouth_mask.sum((2, 3), keepdim=True) + 1  # no division by 0
    mean_brightness = (mouth_mask * brightness).sum((2, 3), keepdim=True) / area
    eroded = -F.max_pool2d(-F.pad(mouth_mask, EROSION_PADDING), TEETH_EROSION, 1)
    teeth = eroded * ramp(mean_brightness, *TEETH_BRIGHTNESS)
    return teeth * ramp(teeth.mean((2, 3), keepdim=True), *TEETH_AREA)
