"""Symmetric faces made of one half of a face."""

import numpy as np

from ...data.mesh_mirror import LEFT, RIGHT


def mirrored_half(points: np.ndarray, side: str) -> np.ndarray:
    """Make a symmetric face (478, 2) of the person's `side`, "L" or "R", of points that are
    registered to `upright` ones, see face_mesh_measures.py.

    A measure of both sides, applied to it, measures that side. Points on the midline stay.
    """
    kept, replaced = (LEFT, RIGHT) if side == "L" else (RIGHT, LEFT)
    symmetric = points[:, :2].copy()
    symmetric[replaced] = points[kept, :2] * (-1, 1)
    return symmetric
