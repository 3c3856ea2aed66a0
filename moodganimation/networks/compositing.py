"""The composite: what a generator says of a face, and how it becomes a picture.

B batch · H x W pixels of the face crop · motion may be coarser than the picture, h x w cells.
Turns of the head reach beyond the crop, over its *surroundings*: EXTENT times its side.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

EXTENT = 2.5  # side of the surroundings, in sides of the crop


class Edit(NamedTuple):
    """One edited face crop; the four pictures of the paper's figures, and the motion of our own.

    What is painted may be finer than the crop, motion and light coarser.
    """

    composite: Tensor  # (B, 3, H, W) in [-1, 1]: the face with its new expression
    attention: Tensor  # (B, 1, h, w) in [0, 1]: 1 keeps the (moved) photo, 0 takes the color
    color: Tensor  # (B, 3, h, w) in [-1, 1]: what is painted where attention is small
    motion: Tensor  # (B, 2, h, w): where each cell looks in the photo, see `move`
    light: Tensor  # (B, 1, h, w): how much brighter the moved photo is, see `relight`
    # (B, 2, H', W'): how the head turns, as motion over the crop's surroundings; `motion` has it
    # already. None where it does not turn.
    turn: Tensor | None = None

    def map(self, function) -> "Edit":
        """The edit with a function applied to each of its fields."""
        return Edit(*(None if field is None else function(field) for field in self))


def blend(source, attention, color):
    """A * I + (1 - A) * C, on tensors and on arrays alike.

    Pumarola et al. 2018, "Attention-based Generator", with the sign of the authors' code: 1 keeps.
    """
    return attention * source + (1 - attention) * color


def relight(picture: Tensor, light: Tensor) -> Tensor:
    """Relight a picture in [-1, 1] by relative changes of its brightness: 0 changes nothing, .1
    brightens by a tenth."""
    return picture + light * (picture + 1)


def smoothstep(share):
    """From 0 at 0 to 1 at 1, flat at both; of numbers, tensors and arrays in [0, 1]."""
    return share * share * (3 - 2 * share)


def warp(picture: Tensor, motion: Tensor, places: Tensor | None = None) -> Tensor:
    """Look up each pixel of `picture` (B, C, H, W) where `motion` (B, 2, h, w) points.

    motion: x then y offset, in halves of the crop's side, from a place in the result to the place
    in the picture that appears there (a backward flow), so that it does not depend on resolution.
    places: (1, 2, h, w) where in the result, of a part of it; of all of it in the picture's
    resolution by default.
    """
    if places is None:
        motion, places = resize(motion, picture.shape[-2:]), positions(picture.shape[-2:], motion)
    grid = (places + motion.float()).movedim(1, -1)
    moved = F.grid_sample(picture.float(), grid, padding_mode="border", align_corners=False)
    return moved.to(picture.dtype)


def positions(size: tuple[int, int], like: Tensor) -> Tensor:
    """Centres of a crop's cells, (1, 2, h, w) float32: x then y in halves of its side, 0 the
    middle."""
    return _positions(*size, like.device)


@lru_cache(maxsize=64)
def _positions(height: int, width: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        y, x = ((2 * torch.arange(n, device=device) + 1 - n) / n for n in (height, width))
        return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None].float()


def resize(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge or reduce (B, C, h, w) to (B, C, *size), bilinear."""
    if picture.shape[-2:] == tuple(size):
        return picture
    return F.interpolate(picture, size=tuple(size), mode="bilinear", align_corners=False)


def compose(source: Tensor, attention: Tensor, color: Tensor, motion: Tensor, light: Tensor):
    """The `Edit` I' = A * W(I) + (1 - A) * C, where W moves and relights the photo's own pixels."""
    size = source.shape[-2:]
    moved = relight(warp(source, motion), resize(light, size))
    composite = blend(moved, resize(attention, size), resize(color, size))
    return Edit(composite, attention, color, motion, light)


def repaint(
    source: Tensor, attention: Tensor, color: Tensor, composite: Tensor | None = None
) -> Edit:
    """The edit of networks that move nothing; composite: where it is known already."""
    if composite is None:
        composite = blend(source, attention, color)
    still = source.new_zeros(len(source), 2, 1, 1)
    return Edit(composite, attention, color, still, still[:, :1])


def cropped(field: Tensor) -> Tensor:
    """The part of a field over the surroundings (B, C, H', W') that the crop covers."""
    size = round(field.shape[-1] / EXTENT)
    margin = (field.shape[-1] - size) // 2
    return field[..., margin : margin + size, margin : margin + size]


def turned(source: Tensor, edit: Edit, turn: Tensor) -> Edit:
    """An edit whose result is then turned: motion, light and paint are carried along.

    turn: backward motion (B, 2, H', W') over the surroundings.
    """

    def carried(field: Tensor) -> Tensor:
        return warp(field, inner)

    inner = cropped(turn)
    motion = resize(inner, edit.motion.shape[-2:]) + carried(edit.motion)
    attention, color, light = map(carried, (edit.attention, edit.color, edit.light))
    return compose(source, attention, color, motion, light)._replace(turn=turn)


def confine(source: Tensor, edit: Edit, where: Tensor) -> Edit:
    """The edit where `where` (B, 1, h, w) in [0, 1] is 1, the source (B, 3, H, W) where it is 0; a
    turn of the head is everywhere."""
    turned = 0 if edit.turn is None else resize(cropped(edit.turn), edit.motion.shape[-2:])
    attention, motion, light = (
        resize(where, field.shape[-2:]) * field
        for field in (1 - edit.attention, edit.motion - turned, edit.light)
    )
    confined = compose(source, 1 - attention, edit.color, motion + turned, light)
    return confined._replace(turn=edit.turn)
