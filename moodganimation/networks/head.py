"""Turns of the head: a rigid rotation of the photo's pixels by a depth map.

A point of the head at (x, y) with depth z is rotated about PIVOT, a point of the axis of the neck,
in weak perspective. Depth is the distance in front of that axis [face coordinates]. The rotation
reaches beyond the crop, over its *surroundings* (see `compositing`): it fades outwards from the
outline of the head and ends within them.

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
MAX_ANGLES = (15.0, 15.0, 15.0)  # [degrees] left, up, tilt to the left, for a turn of 1
# Factors on these angles. An independent landmark detector measures nods at about six tenths of
# the rotation (training/evaluate/judges/head.py); with these factors it measures MAX_ANGLES.
ANGLE_GAIN = (1.0, 1.7, 1.0)
# Outline of the head, half an ellipse above its center and another below, within which the
# rotation is complete, and the width over which it fades outside [face coordinates].
CENTER = (0.0, -0.15)
OUTLINE = (0.95, 1.2, 0.9)  # to the sides, up, down
FADE_WIDTH = (1.0, 1.0, 0.7)  # likewise
# Distance from the center of the crop where depth has fallen to 0: beyond the hair and the neck.
DEPTH_END = {"up": 1.5, "down": 1.35}
MIDLINE_WIDTH = 0.2  # half the width of the band where the halves of the face are blended
DEPTH_SMOOTHINGS = 3  # 3 x 3 means of the depth: where it is steep, a rotation would fold the photo
INVERSION_STEPS = 8


def surroundings_size(size: int) -> int:
    """Cells along a side of the surroundings for `size` cells along the crop's.

    Both grids have the same cells if `size` is a multiple of 4.
    """
    return round(SURROUNDINGS_SCALE * size)


def surroundings_centers(like: Tensor) -> Tensor:
    """The centers of the cells of a field over the surroundings, (1, 2, H, W) [face coordinates]"""
    return SURROUNDINGS_SCALE * cell_centers(like.shape[-2:], like)


def extend_depth(depth: Tensor) -> Tensor:
    """Extend a depth map of the crop (B, 1, h, w) to the surroundings, (B, 1, H, W): repeated
    outwards, smoothed, and falling to 0 above and below the crop."""
    margin = (surroundings_size(depth.shape[-1]) - depth.shape[-1]) // 2
    depth = F.pad(depth, (margin,) * 4, mode="replicate")
    for _ in range(DEPTH_SMOOTHINGS):
        depth = F.avg_pool2d(F.pad(depth, (1,) * 4, mode="replicate"), 3, 1)
    y = surroundings_centers(depth)[:, 1:]
    above, below = (
        (sign * y - 1) / (DEPTH_END[way] - 1) for sign, way in ((-1, "up"), (1, "down"))
    )
    return depth * (1 - smoothstep(torch.maximum(above, below).clamp(0, 1)))


def turn_falloff(points: Tensor) -> Tensor:
    """The part of a rotation that points (1, 2, H, W) [face coordinates] follow, (1, 1, H, W): 1
    within the outline of the head, falling to 0 around it."""
    x, y = points.split(1, 1)
    x, y = x - CENTER[0], y - CENTER[1]
    # Distances from the center, in radii of the ellipses where the fading begins and ends.
    inner, outer = (
        ((x / side).square() + (y / torch.where(y < 0, up, down)).square()).sqrt()
        for side, up, down in (OUTLINE, [a + b for a, b in zip(OUTLINE, FADE_WIDTH, strict=True)])
    )
    # Along a ray from the center, inner / outer is constant: it is the value of `inner` where
    # `outer` is 1. So this is 0 on the first ellipse and 1 on the second.
    beyond = (inner - 1) / (inner / outer.clamp(min=1e-6) - 1).clamp(min=1e-6)
    return 1 - smoothstep(beyond.clamp(0, 1))


def rotation_matrices(turn: Tensor) -> Tensor:
    """The rotations (B, 3, 3) of points (x right, y down, z to the camera) by turns (B, 3) to the
    person's left, up, and tilted to the left [MAX_ANGLES]."""
    angles = torch.deg2rad(turn * turn.new_tensor(MAX_ANGLES) * turn.new_tensor(ANGLE_GAIN))
    (ca, cb, cc), (sa, sb, sc) = angles.cos().unbind(1), angles.sin().unbind(1)
    zero, one = torch.zeros_like(ca), torch.ones_like(ca)

    def matrix(*values: Tensor) -> Tensor:
        return torch.stack(values, 1).unflatten(1, (3, 3))

    left = matrix(ca, zero, sa, zero, one, zero, -sa, zero, ca)
    up = matrix(one, zero, zero, zero, cb, -sb, zero, sb, cb)
    tilt = matrix(cc, -sc, zero, sc, cc, zero, zero, zero, one)
    return tilt @ up @ left


def rotate_points(points: Tensor, depth: Tensor, falloff: Tensor, rotation: Tensor) -> Tensor:
    """The displacement (B, 2, H, W) of points (1 or B, 2, H, W) of the head [face coordinates].

    depth: (B, 1, H, W); falloff: (1 or B, 1, H, W), see `turn_falloff`; rotation: (B, 3, 3).
    """
    offset = points - depth.new_tensor(PIVOT)[:, None, None]
    spatial = torch.cat([offset.expand(len(depth), -1, -1, -1), depth], 1)
    rotated = torch.einsum("bij,bjyx->biyx", rotation[:, :2], spatial)
    return (rotated - offset) * falloff


def forward_head_motion(depth: Tensor, turn: Tensor) -> Tensor:
    """The forward motion (B, 2, H, W) of turns (B, 3), over the surroundings [face coordinates].

    depth: (B, 1, h, w) over the crop.
    """
    depth = extend_depth(depth)
    points = surroundings_centers(depth)
    return rotate_points(points, depth, turn_falloff(points), rotation_matrices(turn))


def backward_head_motion(depth: Tensor, turn: Tensor) -> Tensor:
    """The backward flow (B, 2, H, W) of turns (B, 3), over the surroundings [face coordinates]; see
    `forward_head_motion`."""
    # `backward_warp` takes its picture to lie from -1 to 1, so the unit here is half the
    # side of the surroundings.
    forward = forward_head_motion(depth, turn) / SURROUNDINGS_SCALE
    motion = invert_motion(forward, partial(backward_warp, forward), INVERSION_STEPS)
    return motion * SURROUNDINGS_SCALE


def left_weight(across: Tensor) -> Tensor:
    """The weight in [0, 1] of the person's left half of the face against the right half.

    across: position across the face, -1 at its right edge, 0 on the midline, 1 at its left edge.
    """
    return smoothstep((across / (2 * MIDLINE_WIDTH) + 0.5).clamp(0, 1))
