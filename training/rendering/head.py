"""Turns of the head: the depth of a photographed face, and the backward flow of a turn.

Rotation and falloff are those of the generator, moodganimation/networks/head.py.
"""

import cv2
import numpy as np
import torch

from moodganimation.networks import head
from moodganimation.networks.compositing import part_over_crop

from .fit import Fit
from .model import RENDER_SIDE, FaceModel, project
from .raster import Raster, nearest_known
from .units import smoothstep

NECK = np.float32([0, -3, 2])  # a point of the neck's axis, in model space
FACE_HALF_WIDTH = 7.0  # of a face [lengths of the model]
DEPTH_FADE = 50.0  # render px outside the mesh over which depth falls to 0
DEPTH_CELLS = 36  # along a side of the depth map that turns are computed from


def depth_map(fit: Fit, raster: Raster, is_skin: np.ndarray) -> np.ndarray:
    """Compute the depth map (S, S) float32: distance in front of the neck's axis [render
    px], falling to 0 outside the face. is_skin: (S, S) bool, where depth is taken; the inside of
    the mouth and the eyes gets that of the nearest skin."""
    axis = project(NECK[None], fit.pose, RENDER_SIDE)[0, 2]
    distance, depth = _extrapolate(np.where(is_skin, raster.nearness - axis, 0), is_skin)
    return depth * np.float32(1 - smoothstep(distance / DEPTH_FADE))


def lateral_position_map(model: FaceModel, raster: Raster, is_face: np.ndarray) -> np.ndarray:
    """Compute the lateral position (S, S) float32: 0 on the face's midline, 1 at its edge on the
    person's left, -1 at the other, and beyond on ears; outside the face that of the nearest pixel
    of it."""
    lateral_position = raster.interpolate(model.neutral[:, :1] / FACE_HALF_WIDTH)[..., 0]
    return _extrapolate(lateral_position, is_face)[1]


def _extrapolate(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distance from `known` pixels [px], and the smoothed values of the nearest known pixel."""
    distance, positions = nearest_known(known)
    x, y = positions.astype(int).transpose(2, 0, 1)
    return distance, cv2.GaussianBlur(values[y, x].astype(np.float32), (0, 0), 3)


def turned_points(points: np.ndarray, depth: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Compute the positions (P, 2) [render px] of points with depths (P,) after a turn (3,)."""
    pivot = (np.array(head.PIVOT) + 1) * (RENDER_SIDE / 2) - 0.5
    rotation = head.rotation_matrices(_batch(turn))[0].numpy()[:2]
    return np.c_[points - pivot, depth] @ rotation.T + pivot


def turn_flow(depth: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Compute the backward flow (S, S, 2) float32 [render px] of a turn (3,).

    depth: see `depth_map`.
    """
    cells = cv2.resize(depth, (DEPTH_CELLS, DEPTH_CELLS), interpolation=cv2.INTER_AREA)
    cells *= 2 / RENDER_SIDE  # in halves of the side
    motion = head.backward_head_motion(torch.from_numpy(cells)[None, None], _batch(turn))
    motion = part_over_crop(motion)[0].movedim(0, -1).numpy() * (RENDER_SIDE / 2)
    return cv2.resize(motion, (RENDER_SIDE, RENDER_SIDE), interpolation=cv2.INTER_LINEAR)


def _batch(turn: np.ndarray) -> torch.Tensor:
    """A turn as a batch (1, 3) float32."""
    return torch.tensor(np.asarray(turn), dtype=torch.float32)[None]
