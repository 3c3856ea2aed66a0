"""The motion of single points of a face, without making a picture: what a drag needs to know.

N conditions · D axes · P points (x right, y down) [face coordinates] · C channels · H x W cells
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .compositing import SURROUNDINGS_SCALE, invert_motion
from .encoding import Encoding
from .head import extend_depth, rotate_points, rotation_matrices, surroundings_centers, turn_falloff
from .motion_fields import MixedFields
from .warp import WarpGenerator

INVERSION_STEPS = 8


class PointMotion:
    """Where points of a photo go for any condition, and where those of a result come from.

    All of it is computed by `WarpGenerator` and `head`, whose maps are sampled at the points. As
    fields are linear in the basis, the points agree with the picture, up to the steps of inversion.
    """

    def __init__(self, generator: WarpGenerator, encoding: Encoding):
        """encoding: of a single photo."""
        self.generator, self.encoding = generator, encoding
        maps = [encoding.basis, encoding.face_distance]
        self.head = None
        if encoding.left_weight is not None:
            maps.append(encoding.left_weight)
            depth = extend_depth(encoding.depth.float())
            self.head = torch.cat([depth, turn_falloff(surroundings_centers(depth))], 1)
        self.maps = torch.cat([each.float() for each in maps], 1)

    @torch.inference_mode()
    def forward(self, points: np.ndarray, conditions: np.ndarray) -> np.ndarray:
        """How far points (P, 2) of the photo go under conditions (N, D): (N, P, 2)."""
        points, conditions = self._grid(points), self._tensor(conditions)
        motion = self._field_motion(points, self.generator.mixed_fields(self.encoding, conditions))
        rotation = self._rotation(conditions)
        if rotation is not None:
            motion = motion + self._head_motion(points + motion, rotation)
        return motion[:, :, 0].movedim(1, -1).cpu().numpy()

    @torch.inference_mode()
    def source(self, points: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """The points of the photo, (P, 2), that a result shows at `points` (P, 2)."""
        points, conditions = self._grid(points), self._tensor(condition)[None]
        fields = self.generator.mixed_fields(self.encoding, conditions)
        rotation = self._rotation(conditions)
        if rotation is not None:  # the head turns after the face has moved, so it is undone first
            points = _inverse(points, lambda at: self._head_motion(at, rotation))
        points = _inverse(points, lambda at: self._field_motion(at, fields))
        return points[0, :, 0].T.cpu().numpy()

    @torch.inference_mode()
    def left_weight(self, points: np.ndarray) -> np.ndarray:
        """How much points (P, 2) belong to the person's left half, (P,) in [0, 1]."""
        if self.head is None:
            return np.full(len(points), 0.5, np.float32)
        return _sample(self.maps[:, -1:], self._grid(points))[0, 0, 0].cpu().numpy()

    def _field_motion(self, points: Tensor, fields: MixedFields) -> Tensor:
        """The motion (N, 2, 1, P) of points (1, 2, 1, P) by fields; 0 beyond the crop."""
        sampled, features = _sample(self.maps, points), self.encoding.basis.shape[1]
        encoding = self.encoding._replace(
            basis=sampled[:, :features],
            face_distance=sampled[:, features : features + 1],
            left_weight=None if self.head is None else sampled[:, -1:],
        )
        inside = (points.abs() <= 1).all(1, keepdim=True)
        return self.generator.forward_fields(encoding, fields)[:, :2] * inside

    def _rotation(self, conditions: Tensor) -> Tensor | None:
        """The rotations (N, 3, 3) of the head; None if it does not turn."""
        turn = self.generator.head_turn(self.encoding, conditions)
        return None if turn is None or not turn.any() else rotation_matrices(turn)

    def _head_motion(self, points: Tensor, rotation: Tensor) -> Tensor:
        """The motion (N, 2, 1, P) of points (N, 2, 1, P) of the unturned head by rotations
        (N, 3, 3)."""
        depth, falloff = _sample(self.head, points / SURROUNDINGS_SCALE).split(1, 1)
        return rotate_points(points, depth, falloff, rotation)

    def _grid(self, points: np.ndarray) -> Tensor:
        """Points (P, 2) as a grid of one row, (1, 2, 1, P)."""
        return self._tensor(points).T[None, :, None]

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.float32(values)).to(self.maps.device)


def _sample(maps: Tensor, points: Tensor) -> Tensor:
    """Maps (1, C, H, W) at points (N, 2, 1, P) from -1 to 1, bilinear, their border repeated:
    (N, C, 1, P)."""
    maps, grid = maps.expand(len(points), -1, -1, -1), points.movedim(1, -1)
    return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)


def _inverse(points: Tensor, motion_at) -> Tensor:
    """The points that a forward motion takes to `points`."""
    return points + invert_motion(
        motion_at(points), lambda motion: motion_at(points + motion), INVERSION_STEPS
    )
