"""Corrections of landmark offsets so that closing lips and lids meet.

Landmarks differ from the fitted model. A render keeps these offsets, so that an unchanged face is
not moved; but the offsets between the edges of lips and lids must vanish as they close, or a slit
would remain.
"""

import numpy as np

from . import mesh_points, units
from .source import Source

# Gaps [render px]:
TOUCHING = 0.2  # largest gap of closed lips
MAX_CLOSED_GAP = 1.2  # a smaller gap of the model's lips after the edit is made TOUCHING or less
# Lips close fully if the model's gap narrows by max(gap - CLOSING_MARGIN, MIN_NARROWING) or more.
CLOSING_MARGIN, MIN_NARROWING = 1.0, 1.5
# Edges of the lips, and the share of the inner edge's correction that each gets.
LIP_SHARES = (
    (mesh_points.UPPER_LIP_INNER, mesh_points.LOWER_LIP_INNER, 1.0),
    (mesh_points.UPPER_LIP_MIDDLE, mesh_points.LOWER_LIP_MIDDLE, 0.7),
    (mesh_points.UPPER_LIP_OUTER, mesh_points.LOWER_LIP_OUTER, 0.35),
)
LID_SHARES = (0.85, 0.15)  # of the correction of a pair of lid points: upper and lower
# Share of closing from which lids that cross in the model are made to cross twice as far, so that
# no slit remains.
LIDS_OVERLAP = 0.9
# Those of the 17 fitted units that part the lips: index, the activation from which on, and how much
# relative to AU25.
FITTED_PARTING_UNITS = (
    (units.AU25, 0.0, 1.0),
    (units.AU26, 0.0, 0.8),
    (units.AU10, 0.2, 0.35),
    (units.AU20, 0.5, 0.2),
)
MIN_PARTING, FULL_PARTING = 0.04, 0.2  # activations of AU25 from which lips may part, and fully


def offset_corrections(source: Source, model_points: np.ndarray, expression) -> np.ndarray:
    """Compute what to add to the source's offsets for another expression, (468, 2) [render px].

    model_points: (468, 2), the model's landmarks with that expression (K,). If they are the
    source's own and the expression lets the mouth stay open, all corrections are 0.
    """

    def gaps(upper, lower) -> list[np.ndarray]:
        """The gaps in the photo, in the model of the source, and in the model of the edit."""
        return [
            points[lower, 1] - points[upper, 1]
            for points in (source.points, source.model_points, model_points)
        ]

    offsets = np.zeros((mesh_points.FACE_POINTS, 2))
    opening_share = _allowed_opening(expression, source.fit.expression)
    lips = gaps(mesh_points.UPPER_LIP_INNER, mesh_points.LOWER_LIP_INNER)
    half_correction = _lip_correction(*lips, opening_share) / 2
    for upper, lower, share in LIP_SHARES:
        offsets[upper, 1] += share * half_correction
        offsets[lower, 1] -= share * half_correction
    upper, lower = np.transpose(mesh_points.LID_PAIRS)
    correction = _lid_correction(*gaps(upper, lower))
    offsets[upper, 1] += LID_SHARES[0] * correction
    offsets[lower, 1] -= LID_SHARES[1] * correction
    return offsets


def _lip_correction(
    photo: np.ndarray, before: np.ndarray, after: np.ndarray, opening_share: float
) -> np.ndarray:
    """Compute by how much gaps of the lips, with the source's offsets, are reduced, (N,) [px].

    photo, before, after: (N,) gaps in the photo, in the model of it, and in the model of the edit.
    opening_share: see `_allowed_opening`.
    """
    unchanged = after + photo - before  # the gap with the source's offsets
    # 1 where the gap stays as in the photo, 0 where the lips close
    stays_open = np.clip(
        1 - (before - after) / np.maximum(before - CLOSING_MARGIN, MIN_NARROWING), 0, 1
    )
    closed = np.where(after > MAX_CLOSED_GAP, after, np.minimum(after, TOUCHING))
    target = stays_open * unchanged + (1 - stays_open) * closed
    target = opening_share * target + (1 - opening_share) * np.minimum(target, TOUCHING)
    return unchanged - target


def _lid_correction(photo: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Compute by how much gaps of the lids are reduced, (N,) [px]; see `_lip_correction`."""
    closing = np.clip((before - after) / np.maximum(before, 1), 0, 1)
    crossing = np.where(closing > LIDS_OVERLAP, np.maximum(-after, 0), 0)
    return closing * (photo - before) + crossing


def mean_lip_gap(points: np.ndarray) -> float:
    """Mean gap of the middle of the lips [px], from landmarks (468, 2)."""
    upper, lower = mesh_points.UPPER_LIP_INNER[2:7], mesh_points.LOWER_LIP_INNER[2:7]
    return float(np.mean(points[lower, 1] - points[upper, 1]))


def _allowed_opening(after: np.ndarray, before: np.ndarray) -> float:
    """The share of the opening that an expression (K,) allows: 0 closed, 1 as before or more."""
    parting, before_parting = _lip_parting(after), _lip_parting(before)
    if parting >= before_parting:
        return 1.0
    allowed = (parting - MIN_PARTING) / (FULL_PARTING - MIN_PARTING)
    return float(np.clip(max(allowed, parting / before_parting), 0, 1))


def _lip_parting(expression: np.ndarray) -> float:
    """The combined activation that parts the lips, as an activation of AU25."""
    activations = np.clip(expression[: units.UNIT_COUNT], 0, 2)
    return float(
        sum(factor * max(activations[i] - low, 0) for i, low, factor in FITTED_PARTING_UNITS)
    )
