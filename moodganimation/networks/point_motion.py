"""The motion of single points of a face, without rendering a picture; drags are computed from it.

B conditions · D axes · P points (x right, y down) [face coordinates] · C channels · H x W cells
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .compositing import SURROUNDINGS_SCALE, invert_motion
from .encoding import Encoding
from .head import (
    extend_depth,
    rotation_displacements,
    rotation_matrices,
    surroundings_centers,
    turn_falloff,
)
from .motion_fields import MixedFields
from .warp import WarpGenerator

INVERSION_STEPS = 8  # see `invert_motion`


class PointMotion:
    """Where points of a photo go for any condition, and where those of an edited photo come from.

    The maps of the encoding are sampled at the points, and `WarpGenerator` and `head` are applied
    to these samples. Motion fields are linear in the basis, so points move as the pixels of an edit
    do, except for visible teeth that an edit holds still, and up to the errors of inversion and
    interpolation.
    """

    def __init__(self, generator: WarpGenerator, encoding: Encoding):
        """encoding: of a single photo."""
        self.generator, self.encoding = generator, encoding
        maps = [encoding.basis, encoding.face_distance]
        # (1, 2, H, W), over the surroundings: depth, and falloff of a turn; None without sides
        self.head_maps = None
        if encoding.left_weight is not None:
            maps.append(encoding.left_weight)
            depth = extend_depth(encoding.depth.float())
            self.head_maps = torch.cat([depth, turn_falloff(surroundings_centers(depth))], 1)
        # (1, C, H, W), over the crop: basis, face distance, and left weight, if there are sides
        self.crop_maps = torch.cat([each.float() for each in maps], 1)

    @torch.inference_mode()
    def displacements(self, points: np.ndarray, conditions: np.ndarray) -> np.ndarray:
        """Compute how far points (P, 2) of the photo move under conditions (B, D): (B, P, 2)."""
        points, conditions = self._grid(points), self._tensor(conditions)
        motion = self._field_motion(points, self.generator.mixed_fields(self.encoding, conditions))
        rotation = self._rotation(conditions)
        if rotation is not None:
            motion = motion + self._head_motion(points + motion, rotation)
        return motion[:, :, 0].movedim(1, -1).cpu().numpy()

    @torch.inference_mode()
    def photo_points(self, points: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """Find the points (P, 2) of the photo that the edit for a condition (D,) shows at `points`
        (P, 2)."""
        points, conditions = self._grid(points), self._tensor(condition)[None]
        fields = self.generator.mixed_fields(self.encoding, conditions)
        rotation = self._rotation(conditions)
        if rotation is not None:  # the head turns after the face has moved, so it is undone first
            points = _undo(points, lambda at: self._head_motion(at, rotation))
        points = _undo(points, lambda at: self._field_motion(at, fields))
        return points[0, :, 0].T.cpu().numpy()

    @torch.inference_mode()
    def left_weight(self, points: np.ndarray) -> np.ndarray:
        """How much points (P, 2) of the photo belong to the person's left half, (P,) in [0, 1]; 0.5
        without sides."""
        if self.head_maps is None:
            return np.full(len(points), 0.5, np.float32)
        return _sample(self.crop_maps[:, -1:], self._grid(points))[0, 0, 0].cpu().numpy()

    def _field_motion(self, points: Tensor, fields: MixedFields) -> Tensor:
        """The motion (B, 2, 1, P) of points (1, 2, 1, P) by fields; 0 beyond the crop."""
        samples, channels = _sample(self.crop_maps, points), self.encoding.basis.shape[1]
        encoding = self.encoding._replace(
            basis=samples[:, :channels],
            face_distance=samples[:, channels : channels + 1],
            left_weight=None if self.head_maps is None else samples[:, -1:],
        )
        inside = (points.abs() <= 1).all(1, keepdim=True)
        return self.generator.forward_fields(encoding, fields)[:, :2] * inside

    def _rotation(self, conditions: Tensor) -> Tensor | None:
        """The rotations (B, 3, 3) of the head; None if it does not turn."""
        turn = self.generator.head_turn(self.encoding, conditions)
        return None if turn is None or not turn.any() else rotation_matrices(turn)

    def _head_motion(self, points: Tensor, rotation: Tensor) -> Tensor:
        """The motion (B, 2, 1, P) of points (B, 2, 1, P) of the unturned head by rotations
        (B, 3, 3)."""
        depth, falloff = _sample(self.head_maps, points / SURROUNDINGS_SCALE).split(1, 1)
        return rotation_displacements(points, depth, falloff, rotation)

    def _grid(self, points: np.ndarray) -> Tensor:
        """Points (P, 2) as a grid of one row, (1, 2, 1, P)."""
        return self._tensor(points).T[None, :, None]

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.float32(values)).to(self.crop_maps.device)


def _sample(maps: Tensor, points: Tensor) -> Tensor:
    """Sample maps (1, C, H, W) at points (B, 2, 1, P), -1 to 1 over the maps: (B, C, 1, P);
    bilinear, with their border repeated."""
    maps, grid = maps.expand(len(points), -1, -1, -1), points.movedim(1, -1)
    return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)


def _undo(points: Tensor, motion_at: Callable[[Tensor], Tensor]) -> Tensor:
    """Find the points that a forward motion takes to `points`; motion_at: from points to their
    motion."""
    return points + invert_motion(
        motion_at(points), lambda motion: motion_at(points + motion), INVERSION_STEPS
    )
