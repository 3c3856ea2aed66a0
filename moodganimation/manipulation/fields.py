"""The motion fields of all controls: how far each control moves each place of a face.

Face coordinates: x right, y down, -1 to 1 across the crop. The fields of a portrait are measured
once, on a grid of GRID x GRID places that covers GRID_EXTENT times the crop. The *influence* of a
control at a place is the length of its field there over the greatest length anywhere on the grid,
0 to 1. So a unit of small movements counts as much as the jaw.

The controls form three groups: gaze, head, and face, to which all others belong.
`FaceFields.group_mask` decides which of them a drag at a place can change:

1. Gaze, if looking to the side has an influence of at least MIN_IRIS_INFLUENCE there, and at least
   as much as every unit of the face: on the irises. Looking up or down moves the lids, too, so it
   does not tell an iris from a lid.
2. Otherwise the face, if one of its units has an influence of at least STRONG_INFLUENCE.
3. Otherwise the head: on the forehead, the nose, hair and ears. Depth and the distance from the
   neck decide between yaw, pitch and roll, by their influences.
"""

from functools import cached_property

import numpy as np

from ..expressions.spaces import Expression, ExpressionSpace
from ..faces.masks import upper_face_mask
from ..networks.point_motion import PointMotion
from .controls import make_controls

GRID = 64
GRID_EXTENT = 1.25  # side of the grid, in sides of the crop; the head is larger than the crop
MIN_IRIS_INFLUENCE = 0.4  # of looking to the side, on an iris
STRONG_INFLUENCE = 0.5
TRIAL_AMOUNT = 0.5  # change of a control by which its field is measured


class FaceFields:
    """The C controls of a face and their motion fields. Never modified.

    motion: computes how points of the photo move. unchanged: the expression at which the photo is
    unchanged, kept as a vector (D,). mouth_covered: whether something hides the lower face. Then
    the influences there are 0, except those of controls of the head, which still turns.
    """

    def __init__(
        self,
        motion: PointMotion,
        space: ExpressionSpace,
        unchanged: Expression,
        mouth_covered: bool = False,
    ):
        self.motion, self.space, self.unchanged = motion, space, unchanged.vector()
        self.low = space.axes[0].low  # of all axes, which have one range in a generator's space
        self.controls = make_controls(space)
        self.controls_of_side = {side: make_controls(space, side) for side in "LR"}
        self.vectors = self._measure_fields()  # (GRID, GRID, C, 2), for a change by 1
        lengths = np.linalg.norm(self.vectors, axis=-1)
        self.peaks = lengths.max((0, 1)).clip(1e-6)  # (C,) greatest length of each field
        self.influences = lengths / self.peaks  # (GRID, GRID, C)
        if mouth_covered:
            # The mask covers the crop, so that places need no division by GRID_EXTENT.
            visible = sample_bilinear(upper_face_mask(GRID)[..., None], self.grid)
            visible = visible.reshape(GRID, GRID, 1)
            is_head = self._regions == "head"
            self.influences = np.where(is_head, self.influences, visible * self.influences)

    def _measure_fields(self) -> np.ndarray:
        """Return the motion of each grid place as each control rises by 1: (GRID, GRID, C, 2).

        Each control is raised by TRIAL_AMOUNT, or lowered if its range does not allow that. The
        motion is divided by the change, which clipping may have reduced.
        """
        start, low, trials, changes = self.unchanged, self.low, [], []
        for control in self.controls:
            sign = 1 if control.limits(start, low)[1] >= TRIAL_AMOUNT else -1
            trial = control.apply_changes(start, sign * TRIAL_AMOUNT, low)[0]
            trials.append(trial)
            changes.append(control.values(trial) - control.values(start))
        motions = self.motion.displacements(self.grid, np.array(trials))
        fields = (motions / np.float32(changes)[:, None, None]).reshape(-1, GRID, GRID, 2)
        return np.ascontiguousarray(fields.transpose(1, 2, 0, 3))

    @cached_property
    def grid(self) -> np.ndarray:
        """Places of the grid, row by row: (GRID * GRID, 2) [face coordinates]."""
        return grid_places(GRID, GRID_EXTENT)

    @cached_property
    def _regions(self) -> np.ndarray:
        return np.array([control.region for control in self.controls])

    @cached_property
    def _sideways_gaze_index(self) -> int | None:
        keys = [control.key for control in self.controls]
        return keys.index("AU61") if "AU61" in keys else None

    def influences_at(self, places: np.ndarray) -> np.ndarray:
        """Return the influences of all controls at places (P, 2) of the photo: (P, C)."""
        return sample_bilinear(self.influences, places / GRID_EXTENT)

    def vectors_at(self, places: np.ndarray) -> np.ndarray:
        """Return the motion of places (P, 2) of the photo as each control rises by 1: (P, C, 2)."""
        flat = self.vectors.reshape(GRID, GRID, -1)
        return sample_bilinear(flat, places / GRID_EXTENT).reshape(len(places), -1, 2)

    def group_mask(self, influences: np.ndarray) -> np.ndarray:
        """Return which controls a drag can change at each of P places: (P, C) bool.

        At each place these are all controls of one group: gaze, face or head. influences: (P, C),
        see `influences_at`.
        """
        gaze, head = self._regions == "gaze", self._regions == "head"
        face = ~gaze & ~head
        is_gaze, strongest = np.zeros(len(influences), bool), influences[:, face].max(1)
        if self._sideways_gaze_index is not None:
            is_gaze = influences[:, self._sideways_gaze_index] >= np.maximum(
                MIN_IRIS_INFLUENCE, strongest
            )
        is_face = ~is_gaze & (strongest >= STRONG_INFLUENCE)
        is_head = ~is_gaze & ~is_face
        return is_gaze[:, None] & gaze | is_face[:, None] & face | is_head[:, None] & head


def grid_places(count: int, extent: float = 1.0) -> np.ndarray:
    """Return the centers of count x count cells of a square, row by row: (count * count, 2).

    extent: half the side of the square [face coordinates], 1 for the crop.
    """
    line = np.float32(extent * (2 * np.arange(count) + 1 - count) / count)
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


def sample_bilinear(array: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Sample an array (H, W, C) bilinearly at points (P, 2), each (x, y) from -1 to 1: (P, C).

    The border is repeated outside. It is `grid_sample` of torch without aligned corners, in numpy.
    """
    size = np.array(array.shape[1::-1])
    at = ((points + 1) * size / 2 - 0.5).clip(0, size - 1)
    low = np.minimum(at.astype(int), size - 2)
    (u, v), (x, y) = np.float32(at - low).T[..., None], low.T
    upper = (1 - u) * array[y, x] + u * array[y, x + 1]
    lower = (1 - u) * array[y + 1, x] + u * array[y + 1, x + 1]
    return (1 - v) * upper + v * lower
