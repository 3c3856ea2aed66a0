"""Teeth, gums and tongue: two stored pictures, rendered where `warp` locates the jaws in a photo.

A network of this size paints the inside of a mouth as a dark blur, but it can predict where in a
face the teeth are, whether they show or not, and their color in the photo's light.

A *picture map* is an affine map (2, 3) from the coordinates of a picture, [-1, 1] from edge to
edge, x to the right and y down, to face coordinates. The *jaw numbers* of a face are 15: the maps
of both pictures and the color of the teeth, as `JawPlacement.of` splits them.

B batch · C channels · U units · h x w cells
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .compositing import ramp, smoothstep

SHAPES = {"upper": (70, 192), "lower": (122, 192)}  # pixels of the pictures
LIP_SHADE = 0.3  # how much of the light the lips take from the edge of the mouth
# DARK_RAMP to LENGTHENING, and TEETH_STRETCH to CHEEK_SHADE, change the stored jaws once, for a
# refiner, see `Jaws.adapt_to_refiner`; HIDDEN_JAW_DROP and GUM_RAMP apply to each photo, with a
# refiner only. DARK_RAMP: over the mean of the colors, from transparent to opaque. BACK_RAMP: over
# rows of the lower picture, from the back of the jaw, transparent, to its front. NECK_ROW: row of
# the necks of the upper teeth, which is raised by LENGTHENING rows.
DARK_RAMP, BACK_RAMP = (0.16, 0.22), (20, 45)
NECK_ROW, LENGTHENING = 38, 8
# How far the lower jaw is lowered where no teeth are visible [half heights of its picture]. Jaw
# numbers are learned from rendered open mouths, which show more of it than people's do.
HIDDEN_JAW_DROP = 0.1
# Factor on the predicted height of the picture of the upper teeth, and the shift of its center down
# [predicted half heights]: it then lies on the teeth of open mouths. Jaw numbers are learned
# from rendered open mouths, whose teeth end higher.
TEETH_STRETCH, TEETH_DROP = 1.2, 0.15
# Shade of the cheeks on back teeth: ramp across the pictures [half widths], and the most of it.
CHEEK_RAMP, CHEEK_SHADE = (0.4, 1.0), 0.6
# Ramp over the picture of the upper teeth [half heights], where the hole of an edit ends, since
# lips hardly bare the gums.
GUM_RAMP = (-0.5, -0.3)


class JawPlacement(NamedTuple):
    """Where the jaws are in a face, and the color of the teeth."""

    upper: Tensor  # (B, 2, 3): picture map
    lower: Tensor  # (B, 2, 3): picture map
    white: Tensor  # (B, 3), nominally in [0, 1]: the color of white teeth in the photo's light

    @classmethod
    def of(cls, jaw_numbers: Tensor) -> "JawPlacement":
        """Split jaw numbers (B, 15): upper and lower map row by row, then the color."""
        upper, lower, white = jaw_numbers.float().split([6, 6, 3], 1)
        return cls(upper.unflatten(1, (2, 3)), lower.unflatten(1, (2, 3)), white)


def lower_hidden_jaw(jaw_numbers: Tensor, hidden: Tensor) -> Tensor:
    """Return the jaw numbers (B, 15) with the lower jaw lowered by HIDDEN_JAW_DROP times how hidden
    the teeth are, (B,) in [0, 1]."""
    down = jaw_numbers[:, [7, 10]]  # the y axis of the lower picture, in face coordinates
    jaw_numbers = jaw_numbers.clone()
    jaw_numbers[:, [8, 11]] += HIDDEN_JAW_DROP * hidden[:, None] * down
    return jaw_numbers


class Jaws(nn.Module):
    """The pictures of the jaws, and the layers that place them in a face."""

    def __init__(self, channels: int, hidden: int, cells: int, units: int):
        """channels: of the features that `forward` takes; cells: along each side of them; hidden:
        channels of the hidden layer; units: U."""
        super().__init__()
        self.find = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(hidden * cells**2, 15),
        )
        nn.init.normal_(self.find[-1].weight, 0, 1e-3)
        nn.init.zeros_(self.find[-1].bias)
        # Set by `init_teeth` of training/warp/train.py. upper, lower: premultiplied RGBA. usual:
        # the mean jaw numbers. falls: how far the lower picture goes down [its half heights] as a
        # unit rises from 0 to 1.
        for name, shape in SHAPES.items():
            self.register_buffer(name, torch.zeros(4, *shape))
        self.register_buffer("usual", torch.tensor([1.0, 0, 0, 0, 1, 0] * 2 + [1.0] * 3))
        self.register_buffer("falls", torch.zeros(units))

    @torch.no_grad()
    def adapt_to_refiner(self) -> None:
        """Change the pictures and the layer that places them, in place, for use with a refiner.
        `training.warp.extend` does so, once: a second time would change them further.

        The dark behind the teeth and the back of the lower jaw become transparent, since the
        refiner shades the cavity itself. The upper teeth become longer and lie lower, since the
        lips of the training pairs bare more gum than people's do. Back teeth become darker.
        """
        for name in SHAPES:
            picture = getattr(self, name)
            brightness = picture[:3].mean(0) / (picture[3] + 1e-3)
            picture *= ramp(brightness, *DARK_RAMP)
        rows = torch.arange(SHAPES["lower"][0], device=self.lower.device).float()
        self.lower *= ramp(rows, *BACK_RAMP)[:, None]
        self.upper.copy_(_lengthen_teeth(self.upper))
        self.move_upper_teeth_down()
        self.shade_back_teeth()

    @torch.no_grad()
    def move_upper_teeth_down(self) -> None:
        """Apply TEETH_STRETCH and TEETH_DROP, in place, to the mean of the jaw numbers and to the
        layer that predicts them."""
        down, center = [1, 4], [2, 5]  # numbers of `JawPlacement.upper`
        for numbers in (self.usual, self.find[-1].weight, self.find[-1].bias):
            numbers[center] += TEETH_DROP * numbers[down]
            numbers[down] *= TEETH_STRETCH

    @torch.no_grad()
    def shade_back_teeth(self) -> None:
        """Darken the pictures, in place, towards the corners of the mouth."""
        for picture in (self.upper, self.lower):
            columns = picture.shape[-1]
            across = ((2 * torch.arange(columns, device=picture.device) + 1) / columns - 1).abs()
            picture[:3] *= 1 - CHEEK_SHADE * smoothstep(ramp(across, *CHEEK_RAMP))

    def forward(self, features: Tensor) -> Tensor:
        """The jaw numbers (B, 15) from the coarsest features of a face, (B, C, cells, cells)."""
        return self.usual + self.find(features).float()

    def render_upper(self, placement: JawPlacement, centers: Tensor) -> Tensor:
        """The upper teeth, which no expression moves: (B, 4, h, w) as in `render_teeth`."""
        return self._render(self.upper, placement.upper, centers)

    def render_teeth(
        self, upper_teeth: Tensor, placement: JawPlacement, change: Tensor, centers: Tensor
    ) -> Tensor:
        """Both jaws after a change (B, U) of the units, (B, 4, h, w) in [0, 1]: RGB under white
        light, multiplied by alpha, and alpha (Porter & Duff 1984).

        upper_teeth: see `render_upper`; they occlude the lower jaw. centers: (1 or B, 2, h, w), of
        the cells [face coordinates].
        """
        axes, center = placement.lower.split([2, 1], 2)
        drop = (change @ self.falls)[:, None, None]
        lower = torch.cat([axes, center + axes[:, :, 1:] * drop], 2)
        behind = self._render(self.lower, lower, centers)
        return upper_teeth + (1 - upper_teeth[:, 3:]) * behind

    def _render(self, picture: Tensor, picture_map: Tensor, centers: Tensor) -> Tensor:
        """A picture (4, rows, columns), placed by a picture map (B, 2, 3), at `centers`:
        (B, 4, h, w); transparent around it."""
        pictures = picture.expand(len(picture_map), -1, -1, -1)
        return F.grid_sample(pictures, _invert(picture_map, centers), align_corners=False)


def lip_shading(inside: Tensor) -> Tensor:
    """The brightness inside a mouth (B, 1, h, w) in [0, 1]: 1 where `inside` is 1 all around, and
    1 - LIP_SHADE outside."""
    return 1 - LIP_SHADE + LIP_SHADE * F.avg_pool2d(inside, 5, 1, 2)


def _invert(picture_map: Tensor, centers: Tensor) -> Tensor:
    """The coordinates (B, h, w, 2) in a picture, placed by a picture map (B, 2, 3), of cells with
    these `centers`."""
    x, y = (centers - picture_map[:, :, 2, None, None]).unbind(1)
    a, b, c, d = picture_map[:, :, :2].flatten(1)[..., None, None].unbind(1)
    determinant = a * d - b * c
    determinant = torch.where(
        determinant.abs() < 1e-4, torch.full_like(determinant, 1e-4), determinant
    )
    return torch.stack([(d * x - b * y) / determinant, (a * y - c * x) / determinant], -1)


def below_gums(placement: JawPlacement, centers: Tensor) -> Tensor:
    """Return the factor on the hole of an edit, (B, 1, h, w) in [0, 1]: 0 above the strip of gum
    that a lip may bare. The painter's mask takes some moustaches for the dark of a mouth."""
    return ramp(_invert(placement.upper, centers)[..., 1], *GUM_RAMP)[:, None]


def _lengthen_teeth(picture: Tensor) -> Tensor:
    """Resample the rows of the upper picture so that the necks of the teeth lie LENGTHENING rows
    higher: shorter gums, longer teeth."""
    bottom, rows = SHAPES["upper"][0] - 1, torch.arange(SHAPES["upper"][0]).float()
    necks = NECK_ROW - LENGTHENING
    gums, teeth = (
        rows * NECK_ROW / necks,
        NECK_ROW + (rows - necks) * (bottom - NECK_ROW) / (bottom - necks),
    )
    source = torch.where(rows < necks, gums, teeth).to(picture.device)
    first = source.floor().long().clamp(max=bottom)
    second, weight = (first + 1).clamp(max=bottom), (source - first)[:, None]
    return picture[:, first] * (1 - weight) + picture[:, second] * weight
