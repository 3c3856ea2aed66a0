"""Lips and lids that shall close do close, whatever the landmarks of the photo say.

Landmarks never lie exactly where the fitted model has them. A render keeps these offsets, so that
an unchanged face stays where it is; but the offsets between the edges of lips and lids must vanish
as they close, or a slit would remain.
"""

import numpy as np

from . import mesh_points, units
from .source import Source

TOUCHING = 0.2  # gap of closed lips, less of which the model has by itself [px of 288]
CLOSED = 1.2  # gap of the model's lips below which they are closed [px of 288]
# how much of an inner edge's movement the middle and the outer edge of the lips follow
FOLLOWING = [
    (mesh_points.UPPER_LIP_MIDDLE, mesh_points.LOWER_LIP_MIDDLE, 0.7),
    (mesh_points.UPPER_LIP_OUTER, mesh_points.LOWER_LIP_OUTER, 0.35),
]


def changed_offsets(source: Source, model_points: np.ndarray, expression) -> np.ndarray:
    """(468, 2) what is added to the source's offsets in another expression [px of 288].

    model_points: (468, 2) where the model has the landmarks then; expression (K,). All 0 where
    model_points are the source's and the mouth may stay open.
    """
    added = np.zeros((mesh_points.COUNT, 2))
    before, y_before, y_after = source.points[:, 1], source.model_points[:, 1], model_points[:, 1]
    may_open = _opening(expression, source.fit.expression)
    inner = zip(mesh_points.UPPER_LIP_INNER, mesh_points.LOWER_LIP_INNER, strict=True)
    for place, (up, low) in enumerate(inner):
        seen = before[low] - before[up]
        was, will = y_before[low] - y_before[up], y_after[low] - y_after[up]
        open_ = np.clip(1 - (was - will) / max(was - 1, 1.5), 0, 1)  # 1: as in the photo
        closed = will if will > CLOSED else min(will, TOUCHING)
        wanted = open_ * (will + seen - was) + (1 - open_) * closed
        wanted = may_open * wanted + (1 - may_open) * min(wanted, TOUCHING)
        half = (will + seen - was - wanted) / 2
        added[up, 1] += half
        added[low, 1] -= half
        for upper, lower, share in FOLLOWING:
            added[upper[place], 1] += share * half
            added[lower[place], 1] -= share * half
    for up, low in mesh_points.LID_PAIRS:
        seen = before[low] - before[up]
        was, will = y_before[low] - y_before[up], y_after[low] - y_after[up]
        closing = np.clip((was - will) / max(was, 1), 0, 1)
        shut = closing * (seen - was)
        if closing > 0.9:
            shut += max(-will, 0)  # lids that would cross, meet
        added[up, 1] += 0.85 * shut
        added[low, 1] -= 0.15 * shut
    return added


def lip_gap(places: np.ndarray) -> float:
    """Mean gap of the middle of the lips [px], from landmarks (468, 2)."""
    up, low = mesh_points.UPPER_LIP_INNER[2:7], mesh_points.LOWER_LIP_INNER[2:7]
    return float(np.mean(places[low, 1] - places[up, 1]))


def _opening(after: np.ndarray, before: np.ndarray) -> float:
    """How far the expression allows the lips to part: 0 not at all, 1 as before or freely."""
    parted, now = _parted(after), _parted(before)
    if parted >= now:
        return 1.0
    return float(np.clip(max((parted - 0.04) / 0.16, parted / now), 0, 1))


def _parted(expression: np.ndarray) -> float:
    """What pulls the lips apart, as an activation of AU25."""
    of = np.clip(expression[: units.N], 0, 2)
    raised, stretched = max(of[units.AU10] - 0.2, 0), max(of[units.AU20] - 0.5, 0)
    return float(of[units.AU25] + 0.8 * of[units.AU26] + 0.35 * raised + 0.2 * stretched)
