"""Fits the expression whose motion field moves the lips closest to given positions: the best units.

Only units of the mouth are fitted, with equal sides. The positions of a photo's landmarks in an
edit are computed from the motion field, not detected. Units of brows and lids stay fixed: they
hardly move the lips, but move the corners of the eyes, by which faces are registered.
"""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from scipy.optimize import least_squares

from moodganimation.animator import Animator
from moodganimation.expressions.spaces import Expression
from moodganimation.faces.masks import fade_mask
from moodganimation.faces.portrait import Portrait

from .face_mesh_measures import LIP_POINTS, NOSE_AND_EYE_CORNERS, UNITS, registered
from .true_smiles import rms

ITERATIONS = 12  # fixed-point iterations, damped by 1/2, that invert a backward flow at a point
DIFFERENCE_STEP = 0.05  # of finite differences, in values of a unit, 0 to 1
MAX_EVALUATIONS = 30  # of the positions, without those for derivatives
RIDGE_WEIGHT = 0.01  # face coordinates per value of a unit: units without effect keep their values
MOUTH_UNITS = [key for key, (_, regions) in UNITS.items() if "mouth" in regions]
INSET = 0.4  # share of the lips' height by which points of the inner edges are moved into the lips


def advect_points(motion: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Compute where points (N, 2) of the photo are in the result.

    motion: (h, w, 2), backward flow; both in face coordinates. The result at x shows the photo at
    x + motion(x), so a point p is at the solution of x = p - motion(x).
    """
    size, moved, field = len(motion), points, np.float32(motion)
    for _ in range(ITERATIONS):
        cells = np.float32(((moved + 1) * size - 1) / 2)
        flow = cv2.remap(field, cells[:, None], None, cv2.INTER_LINEAR)[:, 0]
        moved = moved + (points - flow - moved) / 2
    return moved


class MovedPoints:
    """Points of a portrait, moved by the generator's motion field for given MOUTH_UNITS.

    U is the number of MOUTH_UNITS.
    """

    def __init__(
        self, animator: Animator, portrait: Portrait, points: np.ndarray, start: Expression
    ):
        """points: (N, 2 or 3) [px of the photo]. start: has the values of all other axes."""
        self.generator, self.encoding = animator.generator, portrait.encoding
        self.start, self.device = start, animator.device
        self.to_face = portrait.to_face
        self.points = self.to_face_coordinates(points)

    def to_face_coordinates(self, points: np.ndarray) -> np.ndarray:
        """Convert points (N, 2 or 3) [px of the photo] to face coordinates (N, 2)."""
        return points[:, :2] @ self.to_face[:, :2].T + self.to_face[:, 2]

    def expression(self, units: np.ndarray) -> Expression:
        """Replace the MOUTH_UNITS of `start` by given values, (U,)."""
        values = map(float, np.clip(units, 0, 1))
        return self.start.replace(**dict(zip(MOUTH_UNITS, values, strict=True)))

    @torch.inference_mode()
    def positions(self, units: np.ndarray) -> np.ndarray:
        """Compute the positions (N, 2) of the points, in face coordinates, for units (U,)."""
        values = torch.tensor(self.expression(units).values, dtype=torch.float32)
        motion, _ = self.generator.motion_and_light(self.encoding, values[None].to(self.device))
        motion = motion[0].float().cpu().numpy().transpose(1, 2, 0)
        return advect_points(motion * fade_mask(len(motion))[..., None], self.points)


def within_lips(points: np.ndarray) -> np.ndarray:
    """Select the landmarks (40, 2) of the lips, with the inner edges moved into the lips.

    In a closed mouth both inner edges coincide, and a motion field cannot separate them.
    """
    outer, inner = points[LIP_POINTS[:20], :2], points[LIP_POINTS[20:], :2]
    return np.concatenate([outer, inner + INSET * (outer - inner)])


def fit_units(
    positions: Callable[[np.ndarray], np.ndarray], target: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Fit units (U,) in [0, 1] so that `positions(units)` is closest to `target`, both (N, 2).

    Gauss-Newton in a trust region (Branch, Coleman & Li 1999), with a ridge towards `start`.
    """

    def residuals(units: np.ndarray) -> np.ndarray:
        return np.r_[(positions(units) - target).ravel(), RIDGE_WEIGHT * (units - start)]

    def jacobian(units: np.ndarray) -> np.ndarray:
        unchanged, columns = positions(units), []
        for i, value in enumerate(units):
            step = DIFFERENCE_STEP if value < 0.5 else -DIFFERENCE_STEP
            changed = units.copy()
            changed[i] += step
            columns.append(((positions(changed) - unchanged) / step).ravel())
        return np.concatenate([np.stack(columns, 1), RIDGE_WEIGHT * np.eye(len(units))])

    inner_start = np.clip(start, 0.01, 0.99)  # the method starts within the bounds
    return least_squares(
        residuals, inner_start, jacobian, bounds=(0, 1), max_nfev=MAX_EVALUATIONS
    ).x


def best_units(
    animator: Animator,
    portrait: Portrait,
    neutral: np.ndarray,
    smile: np.ndarray,
    start: Expression,
) -> tuple[Expression, float]:
    """Fit the expression that moves the lips of a neutral photo to those of a smiling one.

    Also returns what remains: the RMS distance of the moved lip points to the target, over that of
    the unmoved ones (0: reached, 1: no motion). neutral, smile: landmarks (478, 3) [px of their
    photos]; the portrait is that of the neutral photo. start: the initial expression. Raises
    ValueError for a generator that does not move pixels.
    """
    if not animator.generator.moves_pixels:
        raise ValueError("The best units are found by a motion field; this checkpoint has none.")
    lips, base = within_lips(neutral), neutral[:, :2]
    smiling = registered(smile, base, NOSE_AND_EYE_CORNERS)
    moved = MovedPoints(animator, portrait, lips, start)
    target = moved.to_face_coordinates(lips + smiling[LIP_POINTS] - base[LIP_POINTS])
    units = fit_units(moved.positions, target, np.array([start[key] for key in MOUTH_UNITS]))
    remaining = rms(moved.positions(units) - target) / rms(moved.points - target)
    return moved.expression(units), remaining
