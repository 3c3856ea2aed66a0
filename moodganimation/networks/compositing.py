"""Compositing: from the fields of an edit to the edited picture.

In *face coordinates*, x points right, y points down, and the face crop reaches from -1 to 1. A turn
of the head changes pixels beyond the crop, in its *surroundings*: a square with the same center and
SURROUNDINGS_SCALE times the side.

B batch · C channels · H x W pixels of the crop · h x w cells of a field over the crop · H' x W'
cells of a field over the surroundings
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

SURROUNDINGS_SCALE = 2.5  # side of the surroundings over the side of the crop


class Edit(NamedTuple):
    """An edited face crop: composite, attention and color as in Pumarola et al. 2018, and motion,
    light and head motion of generators that warp; for others these are 0, 0 and None.

    The fields may have different resolutions; they are resized where they are combined. Ranges of
    colors are nominal, since relighting does not clamp them.
    """

    composite: Tensor  # (B, 3, H, W) in [-1, 1]: the face with its new expression
    attention: Tensor  # (B, 1, h, w) in [0, 1]: 1 keeps the warped photo, 0 takes the color
    color: Tensor  # (B, 3, h, w) in [-1, 1]: what is painted where attention is small
    motion: Tensor  # (B, 2, h, w): backward flow [face coordinates], see `backward_warp`
    light: Tensor  # (B, 1, h, w): relative change of brightness, see `relight`
    # (B, 2, H', W'): backward flow of the turn of the head [face coordinates]; None without a turn.
    # `motion` already includes it over the crop; beyond the crop it turns the rest of the photo.
    head_motion: Tensor | None = None

    def map(self, function: Callable[[Tensor], Tensor]) -> "Edit":
        """Apply a function to every field that is not None."""
        return Edit(*(None if field is None else function(field) for field in self))


def blend(a, weight, b):
    """weight * a + (1 - weight) * b, of tensors or of arrays.

    blend(photo, attention, color) is the composite of Pumarola et al. 2018, "Attention-based
    Generator", with the sign of the authors' code: an attention of 1 keeps the photo.
    """
    return weight * a + (1 - weight) * b


def relight(picture: Tensor, light: Tensor) -> Tensor:
    """Change the brightness of a picture (B, C, H, W) in [-1, 1] by the relative change `light`
    (B, 1, H, W): 0 changes nothing, 0.1 brightens by a tenth. The result is not clamped."""
    return picture + light * (picture + 1)


def smoothstep(x):
    """The cubic that rises from 0 at 0 to 1 at 1, with slope 0 at both ends; of numbers, tensors or
    arrays in [0, 1]."""
    return x * x * (3 - 2 * x)


def ramp(x: Tensor, low: float, high: float) -> Tensor:
    """The function that rises linearly from 0 at `low` to 1 at `high` and is constant beyond."""
    return ((x - low) / (high - low)).clamp(0, 1)


def backward_warp(picture: Tensor, motion: Tensor, centers: Tensor | None = None) -> Tensor:
    """Warp `picture` (B, C, H, W): the result at x is the picture at x + motion(x), bilinear, with
    its border repeated.

    motion: (B, 2, h, w), a backward flow [face coordinates, so that it does not depend on
    resolution]. By default it is resized to the picture, and the result is (B, C, H, W). centers:
    (1 or B, 2, h, w) [face coordinates], to compute the result, (B, C, h, w), at these places only;
    `motion` is then the motion there.
    """
    if centers is None:
        size = picture.shape[-2:]
        motion, centers = resize(motion, size), cell_centers(size, motion)
    grid = (centers + motion.float()).movedim(1, -1)
    warped = F.grid_sample(picture.float(), grid, padding_mode="border", align_corners=False)
    return warped.to(picture.dtype)


def invert_motion(motion: Tensor, motion_at: Callable[[Tensor], Tensor], steps: int) -> Tensor:
    """Turn a forward motion F (a point s of the photo goes to s + F(s)) into a backward flow m.

    m solves m(x) = -F(x + m(x)), since the result at x shows the photo at x + m(x). Each step goes
    half the way to -F(x + m(x)), which halves the error where F is nearly constant. Whole steps
    diverge where F is steep (docs/algorithm.md).

    motion: F at all x, of any shape; motion_at: from m to F(x + m); steps: number of iterations.
    """
    backward = -motion
    for _ in range(steps):
        backward = (backward - motion_at(backward)) / 2
    return backward


def cell_centers(size: tuple[int, int], like: Tensor) -> Tensor:
    """The centers of `size` = (h, w) cells that divide the crop, (1, 2, h, w) float32: x, then y
    [face coordinates], on the device of `like`. The tensor is cached: do not change it in place."""
    return _cell_centers(*size, like.device)


@lru_cache(maxsize=64)
def _cell_centers(height: int, width: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # training may use the cached tensor later
        y, x = ((2 * torch.arange(n, device=device) + 1 - n) / n for n in (height, width))
        return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None].float()


def resize(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (B, C, h, w) to (B, C, *size), bilinear; return the input itself if it has that
    size."""
    if picture.shape[-2:] == tuple(size):
        return picture
    return F.interpolate(picture, size=tuple(size), mode="bilinear", align_corners=False)


def compose(
    source: Tensor, attention: Tensor, color: Tensor, motion: Tensor, light: Tensor
) -> Edit:
    """Make an edit from its fields, with the composite A * W(I) + (1 - A) * C.

    W warps and relights the source I (B, 3, H, W); A is the attention and C the color. The fields
    have the shapes of `Edit`.
    """
    size = source.shape[-2:]
    warped = relight(backward_warp(source, motion), resize(light, size))
    composite = blend(warped, resize(attention, size), resize(color, size))
    return Edit(composite, attention, color, motion, light)


def compose_unwarped(
    source: Tensor, attention: Tensor, color: Tensor, composite: Tensor | None = None
) -> Edit:
    """Make the edit of a generator that does not warp: A * I + (1 - A) * C, motion and light 0.

    source, attention, color: as in `compose`, of one resolution. composite: if known already.
    """
    if composite is None:
        composite = blend(source, attention, color)
    no_motion = source.new_zeros(len(source), 2, 1, 1)
    return Edit(composite, attention, color, no_motion, no_motion[:, :1])


def part_over_crop(field: Tensor) -> Tensor:
    """Cut the part over the crop, (B, C, h, w), out of a field over its surroundings, (B, C, H',
    W')."""
    size = round(field.shape[-1] / SURROUNDINGS_SCALE)
    margin = (field.shape[-1] - size) // 2
    return field[..., margin : margin + size, margin : margin + size]


def turn_head(source: Tensor, edit: Edit, head_motion: Tensor) -> Edit:
    """Add a turn of the head to an edit of the unturned face; the fields of the edit turn along.

    head_motion: (B, 2, H', W'), see `Edit`.
    """
    flow = part_over_crop(head_motion)
    motion = resize(flow, edit.motion.shape[-2:]) + backward_warp(edit.motion, flow)
    attention, color, light = (
        backward_warp(field, flow) for field in (edit.attention, edit.color, edit.light)
    )
    return compose(source, attention, color, motion, light)._replace(head_motion=head_motion)


def confine(source: Tensor, edit: Edit, mask: Tensor) -> Edit:
    """Confine an edit to a mask (B, 1, h, w) in [0, 1] over the crop of the unturned face: where it
    is 0, only a turn of the head changes the source. The mask turns along, as the fields of the
    edit do. The turn is not confined, since the head is rigid.
    """
    flow = None if edit.head_motion is None else part_over_crop(edit.head_motion)
    head_flow = 0 if flow is None else resize(flow, edit.motion.shape[-2:])

    def confine_field(field: Tensor) -> Tensor:
        share = resize(mask, field.shape[-2:])
        return field * (share if flow is None else backward_warp(share, flow))

    fields = 1 - edit.attention, edit.motion - head_flow, edit.light
    opacity, motion, light = map(confine_field, fields)
    confined = compose(source, 1 - opacity, edit.color, motion + head_flow, light)
    return confined._replace(head_motion=edit.head_motion)
