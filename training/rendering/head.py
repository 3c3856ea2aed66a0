"""Turns of the head: depth of a photographed face, and what a turn does around the mesh.

The rotation and how it fades are those of the generator, moodganimation/networks/head.py.
"""

import cv2
import numpy as np
import torch

from moodganimation.networks import head
from moodganimation.networks.compositing import cropped

from .fit import Fit
from .model import SIDE, FaceModel, project
from .raster import Drawing, nearest
from .units import smooth

NECK = np.float32([0, -3, 2])  # a point of the neck's axis, in model space
HALF_WIDTH = 7.0  # of a face, in lengths of the model
HAIR = 50.0  # px of SIDE outside the mesh over which depth falls to 0
CELLS = 36  # of the depth map that turns are computed from


def depth_map(model: FaceModel, fit: Fit, drawing: Drawing, seen: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) float32: how far what is seen lies in front of the neck's axis [px of SIDE];
    outside the face it falls to 0. seen: (SIDE, SIDE) bool."""
    axis = project(NECK[None], fit.pose, SIDE)[0, 2]
    distance, depth = _spread(np.where(seen, drawing.nearness - axis, 0), seen)
    return depth * np.float32(1 - smooth(distance / HAIR))


def lateral_map(model: FaceModel, drawing: Drawing, seen: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE) float32: where across the face each place is, 0 on its midline, 1 at its edge on
    the person's left, -1 at the other."""
    across = drawing.of(model.neutral[:, :1] / HALF_WIDTH)[..., 0]
    return _spread(across, seen)[1]


def _spread(values: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to what is seen, and the values of the nearest that is, smoothly."""
    distance, places = nearest(seen)
    x, y = places.astype(int).transpose(2, 0, 1)
    return distance, cv2.GaussianBlur(values[y, x].astype(np.float32), (0, 0), 3)


def turned_points(points: np.ndarray, depth: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(P, 2) places [px of SIDE] with depths (P,) after a turn."""
    place = (np.array(head.PIVOT) + 1) * (SIDE / 2) - 0.5
    rows = head.rotation(_row(turn))[0].numpy()[:2]
    return np.c_[points - place, depth] @ rows.T + place


def flow(depth: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 2) float32 backward flow [px of SIDE] of a turn, everywhere.

    depth: `depth_map`.
    """
    cells = cv2.resize(depth, (CELLS, CELLS), interpolation=cv2.INTER_AREA) * (2 / SIDE)
    motion = head.backward_turn(torch.from_numpy(cells)[None, None], _row(turn))
    motion = cropped(motion)[0].movedim(0, -1).numpy() * (SIDE / 2)
    return cv2.resize(motion, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def _row(turn: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.asarray(turn), dtype=torch.float32)[None]
