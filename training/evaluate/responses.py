"""From estimates and pictures to figures: one for each axis, and one in all.

N photos edited · M other photos · A axes · D = A axes of the space.
"""

import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS, PAD, ExpressionSpace

from . import measures
from .estimator import Estimator, in_axes, measurable, repeatability
from .photos import Photos
from .sweeps import Sweeps

SUBSETS = 20  # of one random edit a photo, for the distance of distributions
FEWEST = 8  # photos that a spread or a correlation needs


def mean(values) -> float:
    """The mean of what is a number; NaN where nothing is."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")


Figures = tuple[dict[str, float], dict[str, np.ndarray]]  # in all, and by axis (A,)


def of_responses(
    made: Sweeps, space: ExpressionSpace, photos: Photos, estimator: Estimator
) -> Figures:
    """What the estimator says of the sweeps."""
    estimates = in_axes(made.units, space)
    spans = np.array([axis.high - axis.low for axis in space.axes])
    noise = repeatability(estimator, photos.views, space)
    threshold = np.maximum(measures.MOVED * spans, noise)
    known = [in_axes(estimator.look(x)[0], space) for x in (photos.views, photos.others) if len(x)]
    known = np.concatenate(known)
    spread = known.std(0) if len(known) >= FEWEST else np.full(len(spans), np.nan)
    own, changes = measures.own(estimates), measures.change(estimates)
    flat = measures.FLAT * spans
    leakage, leakage_in_all = measures.leakage(changes, flat)
    spread = np.maximum(spread, 1e-6)
    by_spread, by_spread_in_all = measures.leakage(changes / spread, flat / spread)
    of_axes = {
        "follow": measures.follow(own, flat).mean(0),
        "moved": (own[..., -1] - own[..., 0] > threshold).mean(0),
        "straightness": measures.straightness(own, flat).mean(0),
        "gain": (own[..., -1] - own[..., 0]).mean(0) / spans,
    }
    in_all = {name: float(column.mean()) for name, column in of_axes.items()}
    of_axes |= {
        "leakage": leakage,
        "leakage by spread": by_spread,
        "repeatability": noise,
        "threshold of moved": threshold,
        "estimator's r": _agreement(known, photos, space),
    }
    in_all |= {"leakage": leakage_in_all, "leakage by spread": by_spread_in_all}
    return in_all | {"estimator's r": mean(of_axes["estimator's r"])}, of_axes


def _agreement(known: np.ndarray, photos: Photos, space: ExpressionSpace) -> np.ndarray:
    """Correlation of estimates (N + M, D) and labels, for each axis; NaN where it is not known."""
    names = [*photos.names, *photos.other_names]
    rows = [i for i, name in enumerate(names) if name in photos.labels]
    if len(rows) < FEWEST:
        return np.full(len(space.axes), np.nan)
    labels = in_axes(np.array([photos.labels[names[i]] for i in rows], float), space)
    a, b = known[rows] - known[rows].mean(0), labels - labels.mean(0)
    size = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return np.where(size > 0, (a * b).sum(0) / np.maximum(size, 1e-12), np.nan)


def of_pictures(made: Sweeps) -> Figures:
    """What can be seen in the pictures themselves, whatever the axes mean."""
    tables = {
        "edited share [%]": 100 * made.share,
        "sharpness": made.sharp,
        "likeness": made.like,
        "same person": made.same,
    }
    in_all = {name: mean(table) for name, table in tables.items()}
    return in_all, {name: np.array([mean(x) for x in table.T]) for name, table in tables.items()}


def response(made: Sweeps, space: ExpressionSpace) -> dict:
    """Mean change from the lowest level to the highest of all that can be estimated."""
    columns, estimates = ACTION_UNITS.keys, made.units
    if space != ACTION_UNITS:
        shown = space if measurable(space) else PAD
        columns += shown.keys
        estimates = np.concatenate([estimates, in_axes(made.units, shown)], -1)
    table = measures.change(estimates).mean(0)
    return {"rows": space.keys, "columns": columns, "values": table}


def distance(made: Sweeps, photos: Photos, estimator: Estimator, seed: int) -> dict:
    """How far edits, and the photos they were made of, lie from other photos."""
    enough = len(photos.others) >= FEWEST
    real = estimator.look(photos.others if enough else photos.views)[1]
    rng, (count, axes, _) = np.random.default_rng([seed, 3]), made.features.shape
    found = []
    for _ in range(SUBSETS):
        edits = made.features[np.arange(count), rng.integers(axes, size=count)]
        found.append(1000 * measures.kernel_distance(edits, real))
    unedited = 1000 * measures.kernel_distance(estimator.look(photos.faces)[1], real)
    against = f"{len(real)} other photos"
    return {
        "added": mean(found) - unedited,
        "edited": mean(found),
        "deviation": float(np.std(found)),
        "unedited": unedited,
        "against": against if enough else "the photos themselves: there are too few others",
        "features": estimator.name,
    }
