"""The head in space: small turns, a rigid rotation of the photo's pixels by a depth map, and its
halves.

A point of the head at (x, y) and depth d turns about PIVOT, a point of the neck's axis, to where
the rotation takes (x, y, d), in weak perspective. Depth is measured from that axis, in halves of
the crop's side, positive towards the camera. The turn reaches beyond the crop: it is computed on
*surroundings* of EXTENT times the crop's side, fades from the head's outline outwards, and ends
inside them.

B batch · h x w cells of a depth map over the crop · H x W cells of the surroundings.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .compositing import EXTENT, positions, smoothstep, warp

PIVOT = (0.0, 0.45)  # x, y [face coordinates]
MAX_ANGLES = (15.0, 15.0, 15.0)  # [degrees] of a turn left, up and of a tilt left, at 1
# How much farther a rotation goes than its angle, so that an independent landmark detector measures
# that angle: it sees nods at about six tenths (training/evaluate/judges/head.py).
ANGLE_GAIN = (1.0, 1.7, 1.0)
# The outline within which everything turns, an ellipse above its centre and one below it, and how
# much farther the turn fades [face coordinates].
CENTER = (0.0, -0.15)
OUTLINE = (0.95, 1.2, 0.9)  # to the sides, up, down
FADE = (1.0, 1.0, 0.7)
# Depth falls to 0 beyond the crop: it ends where the hair and the neck do.
DEPTH_END = {"up": 1.5, "down": 1.35}
MIDLINE = 0.2  # half of the band, in half widths of the face, in which its halves meet
SMOOTHINGS = 3  # of the depth by 3 x 3 means: where it falls steeply, a turn would fold the picture
INVERSIONS = 8  # steps of the fixed point from a forward to a backward motion


def cells(size: int) -> int:
    """Cells along a side of the surroundings, for `size` cells along the crop's; `size` is a
    multiple of 4, so that both grids share their cells."""
    return round(EXTENT * size)


def surround(depth: Tensor) -> Tensor:
    """The depth (B, 1, H, W) of the surroundings, from that of the crop (B, 1, h, w)."""
    margin = (cells(depth.shape[-1]) - depth.shape[-1]) // 2
    depth = F.pad(depth, (margin,) * 4, mode="replicate")
    for _ in range(SMOOTHINGS):
        depth = F.avg_pool2d(F.pad(depth, (1,) * 4, mode="replicate"), 3, 1)
    y = _places(depth)[:, 1:]
    above, below = (
        (sign * y - 1) / (DEPTH_END[way] - 1) for sign, way in ((-1, "up"), (1, "down"))
    )
    return depth * (1 - smoothstep(torch.maximum(above, below).clamp(0, 1)))


def share(places: Tensor) -> Tensor:
    """How much of a turn there is at places (1, 2, H, W) [face coordinates], (1, 1, H, W): 1 on the
    head, falling to 0 around it."""
    x, y = places.split(1, 1)
    x, y = x - CENTER[0], y - CENTER[1]
    inner, outer = (
        ((x / side).square() + (y / torch.where(y < 0, up, down)).square()).sqrt()
        for side, up, down in (OUTLINE, [a + b for a, b in zip(OUTLINE, FADE, strict=True)])
    )
    # On a ray from the centre the outline lies at r / inner, the end of the fading at r / outer.
    beyond = (inner - 1) / (inner / outer.clamp(min=1e-6) - 1).clamp(min=1e-6)
    return 1 - smoothstep(beyond.clamp(0, 1))


def rotation(turn: Tensor) -> Tensor:
    """(B, 3, 3) rotations of points (x right, y down, z near) by turns (B, 3) to the person's left,
    up and tilted left, in shares of MAX_ANGLES."""
    angles = torch.deg2rad(turn * turn.new_tensor(MAX_ANGLES) * turn.new_tensor(ANGLE_GAIN))
    (ca, cb, cc), (sa, sb, sc) = angles.cos().unbind(1), angles.sin().unbind(1)
    zero, one = torch.zeros_like(ca), torch.ones_like(ca)

    def matrix(*values: Tensor) -> Tensor:
        return torch.stack(values, 1).unflatten(1, (3, 3))

    left = matrix(ca, zero, sa, zero, one, zero, -sa, zero, ca)
    up = matrix(one, zero, zero, zero, cb, -sb, zero, sb, cb)
    tilt = matrix(cc, -sc, zero, sc, cc, zero, zero, zero, one)
    return tilt @ up @ left


def forward_turn(depth: Tensor, turn: Tensor) -> Tensor:
    """How far each place of the photo goes (B, 2, H, W) [face coordinates], on the surroundings,
    for a depth of the crop (B, 1, h, w) and turns (B, 3)."""
    depth = surround(depth)
    places = _places(depth)
    around = places - depth.new_tensor(PIVOT)[:, None, None]
    points = torch.cat([around.expand(len(depth), -1, -1, -1), depth], 1)
    turned = torch.einsum("bij,bjyx->biyx", rotation(turn)[:, :2], points)
    return (turned - around) * share(places)


def backward_turn(depth: Tensor, turn: Tensor) -> Tensor:
    """The turn as a backward flow (B, 2, H, W) on the surroundings [face coordinates]: the photo of
    a place x of the result is seen at x + m(x), m being the fixed point of m(x) = -F(x + m(x))."""
    forward = forward_turn(depth, turn) / EXTENT  # in halves of the surroundings' side
    motion = -forward
    for _ in range(INVERSIONS):
        motion = (motion - warp(forward, motion)) / 2
    return motion * EXTENT


def _places(like: Tensor) -> Tensor:
    """(1, 2, H, W): where cells of the surroundings are [face coordinates]."""
    return EXTENT * positions(like.shape[-2:], like)


def left_half(across: Tensor) -> Tensor:
    """How much a place belongs to the person's left half, in [0, 1], from where it lies across the
    face: 0 on the midline, 1 at the left edge."""
    return smoothstep((across / (2 * MIDLINE) + 0.5).clamp(0, 1))
