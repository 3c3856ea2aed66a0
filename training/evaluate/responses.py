"""Computes figures from estimates and pictures: one for each axis, and one for all axes.

Shapes: N edited photos, M other photos, A = D axes of the measured space, L levels.
"""

import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS, PAD, ExpressionSpace

from . import measures
from .estimator import Estimator, measurable, repeatability, to_space
from .photos import Photos
from .sweeps import Sweeps

SUBSET_COUNT = 20  # random subsets, of one edit per photo, for the distance of distributions
MIN_PHOTOS = 8  # least number of photos for a deviation or a correlation


Figures = tuple[dict[str, float], dict[str, np.ndarray]]  # over all axes, and by axis (A,)


def response_figures(
    sweeps: Sweeps, space: ExpressionSpace, photos: Photos, estimator: Estimator
) -> Figures:
    """Compute the figures of the estimates in the sweeps."""
    estimates = to_space(sweeps.units, space)
    spans = np.array([axis.high - axis.low for axis in space.axes])
    noise = repeatability(estimator, photos.estimator_faces, space)
    threshold = np.maximum(measures.NOISE_FLOOR * spans, noise)
    unedited_faces = [x for x in (photos.estimator_faces, photos.others) if len(x)]
    unedited = np.concatenate([to_space(estimator.estimate(x)[0], space) for x in unedited_faces])
    deviation = unedited.std(0) if len(unedited) >= MIN_PHOTOS else np.full(len(spans), np.nan)
    deviation, flat = np.maximum(deviation, 1e-6), measures.FLAT_RANGE * spans
    changes = measures.change_over_range(estimates)
    leakage, leakage_total = measures.leakage(changes, flat)
    relative, relative_total = measures.leakage(changes / deviation, flat / deviation)
    responses = measures.select_requested_axis(estimates)  # (N, A, L)
    rises = responses[..., -1] - responses[..., 0]
    by_axis = {
        "follow": measures.follow(responses, flat).mean(0),
        "moved": (rises > threshold).mean(0),
        "straightness": measures.straightness(responses, flat).mean(0),
        "gain": rises.mean(0) / spans,
    }
    totals = {name: float(column.mean()) for name, column in by_axis.items()}
    by_axis |= {
        "leakage": leakage,
        "leakage by spread": relative,
        "repeatability": noise,
        "threshold of moved": threshold,
        "estimator's r": _correlation_with_labels(unedited, photos, space),
    }
    totals |= {"leakage": leakage_total, "leakage by spread": relative_total}
    totals["estimator's r"] = measures.finite_mean(by_axis["estimator's r"])
    return totals, by_axis


def _correlation_with_labels(
    unedited: np.ndarray, photos: Photos, space: ExpressionSpace
) -> np.ndarray:
    """Correlate estimates (N + M, D) with the labels of the photos, by axis (D,).

    NaN with fewer labels than MIN_PHOTOS.
    """
    names = [*photos.names, *photos.other_names]
    rows = [i for i, name in enumerate(names) if name in photos.labels]
    if len(rows) < MIN_PHOTOS:
        return np.full(len(space.axes), np.nan)
    labels = to_space(np.array([photos.labels[names[i]] for i in rows], float), space)
    a, b = unedited[rows] - unedited[rows].mean(0), labels - labels.mean(0)
    norm = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return np.where(norm > 0, (a * b).sum(0) / np.maximum(norm, 1e-12), np.nan)


def picture_figures(sweeps: Sweeps) -> Figures:
    """Compute the figures of the pictures, which do not depend on the meaning of the axes."""
    tables = {
        "edited share [%]": 100 * sweeps.edited_share,
        "sharpness": sweeps.sharpness,
        "likeness": sweeps.likeness,
        "same person": sweeps.same_person,
    }
    mean = measures.finite_mean
    totals = {name: mean(table) for name, table in tables.items()}
    return totals, {name: np.array([mean(x) for x in table.T]) for name, table in tables.items()}


def response(sweeps: Sweeps, space: ExpressionSpace) -> dict:
    """Average the change of all estimates from the lowest to the highest level of each axis.

    Rows are the requested axes. Columns are the 17 units and, for other spaces, mood axes too.
    """
    columns, estimates = ACTION_UNITS.keys, sweeps.units
    if space != ACTION_UNITS:
        moods = space if measurable(space) else PAD
        columns += moods.keys
        estimates = np.concatenate([estimates, to_space(sweeps.units, moods)], -1)
    table = measures.change_over_range(estimates).mean(0)
    return {"rows": space.keys, "columns": columns, "values": table}


def distance(sweeps: Sweeps, photos: Photos, estimator: Estimator, seed: int) -> dict:
    """Kernel distances, times 1000, of edits and of the same photos unedited to other photos.

    `added` is the difference of the two. Edits are SUBSET_COUNT random choices of one per photo, of
    which mean and deviation are returned.
    """
    has_others = len(photos.others) >= MIN_PHOTOS
    real = estimator.estimate(photos.others if has_others else photos.estimator_faces)[1]
    rng, (count, axes, _) = np.random.default_rng([seed, 3]), sweeps.features.shape
    distances = []
    for _ in range(SUBSET_COUNT):
        edits = sweeps.features[np.arange(count), rng.integers(axes, size=count)]
        distances.append(1000 * measures.kernel_distance(edits, real))
    unedited = 1000 * measures.kernel_distance(estimator.estimate(photos.faces)[1], real)
    against = f"{len(real)} other photos"
    return {
        "added": measures.finite_mean(distances) - unedited,
        "edited": measures.finite_mean(distances),
        "deviation": float(np.std(distances)),
        "unedited": unedited,
        "against": against if has_others else "the photos themselves: there are too few others",
        "features": estimator.name,
    }
