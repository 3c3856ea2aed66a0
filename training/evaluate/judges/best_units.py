"""The setting of the units of the mouth whose motion field brings lips nearest to given places.

The places of the photo's points in an edit are where the motion field takes them; nothing is
detected. Both sides of a unit move alike. Units of brows and lids stay as requested: they reach
lips by the extra fields alone, and move the corners of the eyes by which faces are registered.
"""

import cv2
import numpy as np
import torch
from scipy.optimize import least_squares

from moodganimation.animator import Animator
from moodganimation.expressions.spaces import Expression
from moodganimation.faces.portrait import Portrait, fade

from .face_mesh_measures import LIPS, REGISTRATION, UNITS, settled
from .true_smiles import rms

ROUNDS = 12  # half steps of the fixed point that follows a point along a backward flow
STEP = 0.05  # of a unit, for differences
EVALUATIONS = 30  # of the field at most, derivatives aside
RIDGE = 0.01  # face coordinates a unit, so that units that do not help stay where they are
MOVING = [key for key, (_, regions) in UNITS.items() if "mouth" in regions]
INSET = 0.4  # of the lips' height by which the inner edges are followed inside them


def followed(motion: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where points (N, 2) of the photo are in the result; motion: (h, w, 2) backward flow, both in
    face coordinates. At a place x of the result the photo at x + motion(x) is seen."""
    size, places, field = len(motion), points, np.float32(motion)
    for _ in range(ROUNDS):
        cells = np.float32(((places + 1) * size - 1) / 2)
        flow = cv2.remap(field, cells[:, None], None, cv2.INTER_LINEAR)[:, 0]
        places = places + (points - flow - places) / 2
    return places


class Field:
    """The motion of a portrait's points under settings of the MOVING units."""

    def __init__(
        self, animator: Animator, portrait: Portrait, points: np.ndarray, near: Expression
    ):
        """points: (N, 2 or 3) [px of the photo]; near: the setting of all other units."""
        self.generator, self.encoding = animator.generator, portrait.encoding
        self.near, self.device = near, animator.device
        self.to_face = portrait.to_face
        self.points = self.faced(points)

    def faced(self, points: np.ndarray) -> np.ndarray:
        return points[:, :2] @ self.to_face[:, :2].T + self.to_face[:, 2]

    def expression(self, units: np.ndarray) -> Expression:
        values = map(float, np.clip(units, 0, 1))
        return self.near.replace(**dict(zip(MOVING, values, strict=True)))

    @torch.inference_mode()
    def __call__(self, units: np.ndarray) -> np.ndarray:
        """Places (N, 2) of the points, in face coordinates."""
        values = torch.tensor(self.expression(units).values, dtype=torch.float32)
        motion, _ = self.generator.motion(self.encoding, values[None].to(self.device))
        motion = motion[0].float().cpu().numpy().transpose(1, 2, 0)
        return followed(motion * fade(len(motion))[..., None], self.points)


def within_lips(points: np.ndarray) -> np.ndarray:
    """(40, 2) of LIPS; the inner edges a little inside the lips, since edges that meet in a closed
    mouth are one place for a field, and go apart where it opens."""
    outer, inner = points[LIPS[:20], :2], points[LIPS[20:], :2]
    return np.concatenate([outer, inner + INSET * (outer - inner)])


def fitted(field, target: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Units in [0, 1] for which `field` comes nearest to `target`, both (N, 2): Gauss-Newton in a
    trust region (Branch, Coleman & Li 1999), with a ridge towards `start`."""

    def slopes(units: np.ndarray) -> np.ndarray:
        here, columns = field(units), []
        for i, value in enumerate(units):
            step = STEP if value < 0.5 else -STEP
            there = units.copy()
            there[i] += step
            columns.append(((field(there) - here) / step).ravel())
        return np.concatenate([np.stack(columns, 1), RIDGE * np.eye(len(units))])

    found = least_squares(
        lambda units: np.r_[(field(units) - target).ravel(), RIDGE * (units - start)],
        np.clip(start, 0.01, 0.99),
        slopes,
        bounds=(0, 1),
        max_nfev=EVALUATIONS,
    )
    return found.x


def best_units(
    animator: Animator, portrait: Portrait, neutral: np.ndarray, smile: np.ndarray, near: Expression
) -> tuple[Expression, float]:
    """The setting, and what remains of the lips' way by the motion alone.

    neutral: (478, 3) points of the portrait; smile: those of another photo; near: where the search
    begins. Raises ValueError for a generator that does not move pixels.
    """
    if not animator.generator.moves_pixels:
        raise ValueError("The best units are found by a motion field; this checkpoint has none.")
    places, base = within_lips(neutral), neutral[:, :2]
    field = Field(animator, portrait, places, near)
    target = field.faced(places + settled(smile, base, REGISTRATION)[LIPS] - base[LIPS])
    units = fitted(field, target, np.array([near[key] for key in MOVING]))
    return field.expression(units), rms(field(units) - target) / rms(field.points - target)
