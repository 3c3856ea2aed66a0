"""Turns of the head: a rigid rotation of the photo's pixels by a depth map.

A point of the head at (x, y) with depth z is rotated about PIVOT, a point on the axis of the neck,
and projected orthographically. Depth is the distance in front of that axis [face coordinates]. The
rotation reaches beyond the crop, into its *surroundings* (see `compositing`): it is complete within
the outline of the head and fades to nothing around it, within the surroundings.

A turn is three numbers from -1 to 1 [MAX_ANGLES]: to the person's left, up, and tilted to the
person's left.

B batch · h x w cells of a map over the crop · H x W cells of the surroundings
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from .compositing import (
    SURROUNDINGS_SCALE,
    backward_warp,
    cell_centers,
    invert_motion,
    smoothstep,
)

PIVOT = (0.0, 0.45)  # x, y [face coordinates]
MAX_ANGLES = (15.0, 15.0, 15.0)  # [degrees] left, up, tilt, for a turn of 1
# Factors on these angles. Of a rotation up or down, an independent landmark detector measures about
# six tenths (training/evaluate/judges/head.py); with these factors it measures MAX_ANGLES.
ANGLE_GAINS = (1.0, 1.7, 1.0)
# The outline of the head, within which the rotation is complete: half an ellipse above its center
# and another half below. FADE_WIDTHS: how far outside the outline it fades [face coordinates].
HEAD_CENTER = (0.0, -0.15)
HEAD_RADII = (0.95, 1.2, 0.9)  # to the sides, up, down
FADE_WIDTHS = (1.0, 1.0, 0.7)  # to the sides, up, down
# Distances from the center of the crop, up and down, from which on depth is 0: beyond the hair and
# beyond the neck [face coordinates].
DEPTH_END_UP, DEPTH_END_DOWN = 1.5, 1.35
# Half the width of the band around the midline where the halves of the face are blended [lateral
# position, see `left_weight`].
MIDLINE_WIDTH = 0.2
# Number of 3 x 3 mean filters on the depth. Where depth is steep, a rotation would fold the photo.
DEPTH_SMOOTHINGS = 3
INVERSION_STEPS = 8  # see `invert_motion`


def surroundings_size(size: int) -> int:
    """The number of cells along a side of the surroundings for `size` cells along that of the crop.

    If `size` is a multiple of 4, the cells of both grids coincide over the crop.
    """
    return round(SURROUNDINGS_SCALE * size)


def surroundings_centers(like: Tensor) -> Tensor:
    """The centers (1, 2, H, W) [face coordinates] of the cells of a field over the surroundings,
    `like` (..., H, W)."""
    return SURROUNDINGS_SCALE * cell_centers(like.shape[-2:], like)


def extend_depth(depth: Tensor) -> Tensor:
    """Extend a depth map of the crop (B, 1, h, w) to the surroundings, (B, 1, H, W).

    Its border is repeated outwards; then it is smoothed, and falls to 0 above and below the crop.
    """
    margin = (surroundings_size(depth.shape[-1]) - depth.shape[-1]) // 2
    depth = F.pad(depth, (margin,) * 4, mode="replicate")
    for _ in range(DEPTH_SMOOTHINGS):
        depth = F.avg_pool2d(F.pad(depth, (1,) * 4, mode="replicate"), 3, 1)
    y = surroundings_centers(depth)[:, 1:]
    above, below = (-y - 1) / (DEPTH_END_UP - 1), (y - 1) / (DEPTH_END_DOWN - 1)
    return depth * (1 - smoothstep(torch.maximum(above, below).clamp(0, 1)))


def turn_falloff(points: Tensor) -> Tensor:
    """How far points (1, 2, H, W) [face coordinates] follow a rotation of the head, (1, 1, H, W):
    1 within the outline of the head, falling to 0 around it."""
    x, y = points.split(1, 1)
    x, y = x - HEAD_CENTER[0], y - HEAD_CENTER[1]

    def distance(side: float, up: float, down: float) -> Tensor:
        """Distance from the center of the head, in radii of an ellipse."""
        return ((x / side).square() + (y / torch.where(y < 0, up, down)).square()).sqrt()

    fade_end = [radius + width for radius, width in zip(HEAD_RADII, FADE_WIDTHS, strict=True)]
    inner, outer = distance(*HEAD_RADII), distance(*fade_end)
    # Along a ray from the center, inner / outer is constant: it is the value of `inner` where
    # `outer` is 1. So this is 0 on the outline and 1 where the fading ends.
    beyond = (inner - 1) / (inner / outer.clamp(min=1e-6) - 1).clamp(min=1e-6)
    return 1 - smoothstep(beyond.clamp(0, 1))


def rotation_matrices(turn: Tensor) -> Tensor:
    """The rotation matrices (B, 3, 3) of turns (B, 3), for points (x right, y down, z to the
    camera): first left, then up, then the tilt."""
    angles = torch.deg2rad(turn * turn.new_tensor(MAX_ANGLES) * turn.new_tensor(ANGLE_GAINS))
    cos_left, cos_up, cos_tilt = angles.cos().unbind(1)
    sin_left, sin_up, sin_tilt = angles.sin().unbind(1)
    zero, one = torch.zeros_like(cos_left), torch.ones_like(cos_left)

    def matrix(*values: Tensor) -> Tensor:
        """(B, 3, 3) from its entries (B,), row by row."""
        return torch.stack(values, 1).unflatten(1, (3, 3))

    left = matrix(cos_left, zero, sin_left, zero, one, zero, -sin_left, zero, cos_left)
    up = matrix(one, zero, zero, zero, cos_up, -sin_up, zero, sin_up, cos_up)
    tilt = matrix(cos_tilt, -sin_tilt, zero, sin_tilt, cos_tilt, zero, zero, zero, one)
    return tilt @ up @ left


def rotation_displacements(
    points: Tensor, depth: Tensor, falloff: Tensor, rotation: Tensor
) -> Tensor:
    """The displacements (B, 2, H, W) of points (1 or B, 2, H, W) of the head [face coordinates].

    depth: (B, 1, H, W) of the points; falloff: (1 or B, 1, H, W), see `turn_falloff`; rotation: (B,
    3, 3).
    """
    offset = points - depth.new_tensor(PIVOT)[:, None, None]
    offset_3d = torch.cat([offset.expand(len(depth), -1, -1, -1), depth], 1)
    rotated = torch.einsum("bij,bjyx->biyx", rotation[:, :2], offset_3d)
    return (rotated - offset) * falloff


def forward_head_motion(depth: Tensor, turn: Tensor) -> Tensor:
    """The forward motion (B, 2, H, W) of turns (B, 3), over the surroundings [face coordinates].

    depth: (B, 1, h, w) over the crop.
    """
    depth = extend_depth(depth)
    points = surroundings_centers(depth)
    falloff, rotation = turn_falloff(points), rotation_matrices(turn)
    return rotation_displacements(points, depth, falloff, rotation)


def backward_head_motion(depth: Tensor, turn: Tensor) -> Tensor:
    """The backward flow (B, 2, H, W) of turns (B, 3), over the surroundings [face coordinates]; see
    `forward_head_motion`."""
    # `backward_warp` takes its picture to reach from -1 to 1, so lengths are in half sides of the
    # surroundings here.
    forward = forward_head_motion(depth, turn) / SURROUNDINGS_SCALE
    motion = invert_motion(forward, partial(backward_warp, forward), INVERSION_STEPS)
    return motion * SURROUNDINGS_SCALE


def left_weight(lateral_position: Tensor) -> Tensor:
    """The weight in [0, 1] of the person's left half of the face; the right half has 1 minus it.

    lateral_position: of any shape; -1 at the face's edge on the person's right, 0 on the midline, 1
    at the edge on the left.
    """
    return smoothstep((lateral_position / (2 * MIDLINE_WIDTH) + 0.5).clamp(0, 1))
