"""Fitting the face model to the landmarks of a photo: pose, identity and expression.

Damped Gauss-Newton on the distances of landmarks and projected vertices. Every step minimises

    1/2 d'Hd - g'd + l'|x + d|    with    low <= x + d <= high

by cyclic descent: activations are bounded, and small ones are pulled to 0 (Tibshirani 1996).
"""

from dataclasses import dataclass, replace

import numba
import numpy as np

from . import mesh_points, units
from .model import FaceModel, project, rotation

POSE = 6
STEPS = 12
OUTLIER = 3.0  # distance beyond which a landmark counts less [px]
# How much a parameter is held back [px^2 per squared unit], and pulled to 0 [px^2 per unit]
HELD = {
    "AU01": 25,
    "AU02": 25,
    "AU04": 25,
    "AU05": 35,
    "AU06": 60,
    "AU07": 35,
    "AU09": 150,
    "AU10": 60,
    "AU12": 3,
    "AU14": 60,
    "AU15": 50,
    "AU17": 70,
    "AU20": 90,
    "AU23": 90,
    "AU25": 8,
    "AU26": 8,
    "AU45": 10,
}
HELD_IDENTITY, HELD_OTHER = 9.0, 60.0
PULLED, PULLED_SMILE, PULLED_OTHER = 3.0, 1.0, 6.0
MOST, MOST_JAW, MOST_LOPSIDED, MOST_OTHER = 1.3, 2.0, 0.6, 0.8


@dataclass(frozen=True, eq=False)
class Fit:
    """A photographed face as the model says it, in pixels of the canonical crop of 144."""

    pose: np.ndarray  # (6,), see model.project
    identity: np.ndarray  # (I,) standard deviations
    expression: np.ndarray  # (K,) of units.PARAMETERS
    offsets: np.ndarray  # (468, 2) landmarks less projected vertices [px]
    error: float  # weighted root mean square distance of landmarks and vertices [px]

    @property
    def intensities(self) -> np.ndarray:
        """(17,) Action Units 0..5."""
        return units.intensities(self.expression[: units.N])

    @property
    def yaw(self) -> float:
        return float(np.degrees(self.pose[1]))

    @property
    def pitch(self) -> float:
        return float(np.degrees(self.pose[0]))


class Fitter:
    def __init__(self, model: FaceModel):
        self.model = model
        at = model.landmarks
        self.neutral = model.neutral[at]  # (468, 3)
        self.bases = np.concatenate([model.identities[:, at], model.expressions[:, at]])
        weights = _weights()
        plain = (weights == 1) | (weights == 0.12)
        # a third of the points in smooth places does as well, and costs a third
        self.used = np.flatnonzero(~plain | (np.arange(mesh_points.COUNT) % 3 == 0))
        self.weights = np.where(weights <= 1, 2.2 * weights, weights)[self.used]
        self.used_bases = np.ascontiguousarray(self.bases[:, self.used])
        self._priors()

    def _priors(self) -> None:
        people = len(self.model.identities)
        sides, others, rendered = map(len, (units.LOPSIDED, units.OTHER, units.RENDERED))

        def each(pose, identity, unit, lopsided, other) -> np.ndarray:
            unit = np.broadcast_to(unit, units.N)
            parts = (
                np.full(POSE, pose),
                np.full(people, identity),
                unit,
                np.full(sides, lopsided),
                np.full(others, other),
                np.zeros(rendered),  # with low = high = 0 they stay 0
            )
            return np.concatenate(parts).astype(np.float64)

        most, pulled = np.full(units.N, MOST), np.full(units.N, PULLED)
        most[units.AU26] = MOST_JAW
        pulled[units.KEYS.index("AU12")] = PULLED_SMILE
        held = np.array([HELD[key] for key in units.KEYS])
        self.low = each(-np.inf, -np.inf, 0, -MOST_LOPSIDED, 0)
        self.high = each(np.inf, np.inf, most, MOST_LOPSIDED, MOST_OTHER)
        self.held = each(0, HELD_IDENTITY, held, HELD_OTHER, HELD_OTHER)
        self.pulled = each(0, 0, pulled, 0, PULLED_OTHER)
        self.mean = each(0, 0, 0, 0, 0)
        self.mean[POSE : POSE + people] = self.model.identity_mean

    def fit(self, landmarks: np.ndarray, identity: np.ndarray | None = None) -> Fit:
        """Of Face Mesh points (468 or more, 2 or more) [px of the canonical crop of 144].

        identity (I,): where it is known from another photo; it tells expressions better apart.
        """
        landmarks = np.asarray(landmarks, np.float64)[: mesh_points.COUNT, :2]
        people = len(self.model.identities)
        x, low, high = self._start(landmarks), self.low.copy(), self.high.copy()
        if identity is not None:
            for limit in (x, low, high):
                limit[POSE : POSE + people] = identity
        for _ in range(STEPS):
            x = self._step(x, landmarks, low, high)
        identity, expression = x[POSE : POSE + people], x[POSE + people :]
        fit = Fit(x[:POSE], identity, expression, np.zeros((mesh_points.COUNT, 2)), 0.0)
        return self._closed_lids(self._compared(fit, landmarks), landmarks)

    def _start(self, landmarks: np.ndarray) -> np.ndarray:
        """The mean face, looking straight ahead, as large and where the landmarks are."""
        x = self.mean.copy()
        seen = landmarks[self.used] * (1, -1)
        mean = self._shape(x)[:, :2]
        spread = np.linalg.norm(seen - seen.mean(0)) / np.linalg.norm(mean - mean.mean(0))
        x[3] = np.log(spread)
        x[4:6] = (seen.mean(0) - spread * mean.mean(0)) * (1, -1)
        return x

    def _shape(self, x: np.ndarray) -> np.ndarray:
        """(U, 3) the vertices of the used landmarks."""
        moved = np.tensordot(x[POSE:].astype(np.float32), self.used_bases, 1)
        return (self.neutral[self.used] + moved).astype(np.float64)

    def _step(self, x, landmarks, low, high) -> np.ndarray:
        shape, angles, scale = self._shape(x), x[:3], np.exp(x[3])
        turn = rotation(*angles)
        to_picture = scale * np.array([[1.0, 0, 0], [0, -1, 0]])
        placed = shape @ (to_picture @ turn).T
        missing = landmarks[self.used] - placed - x[4:6]
        far = np.square(missing).sum(1) / OUTLIER**2
        weights = np.sqrt(self.weights / (1 + far))
        slopes = np.empty((len(x), len(shape), 2), np.float32)
        for k, nudge in enumerate(1e-4 * np.eye(3)):
            slopes[k] = shape @ (to_picture @ (rotation(*(angles + nudge)) - turn) / 1e-4).T
        slopes[3], slopes[4], slopes[5] = placed, (1, 0), (0, 1)
        slopes[POSE:] = self.used_bases @ (to_picture @ turn).T.astype(np.float32)
        slopes *= weights[:, None].astype(np.float32)
        slopes = slopes.reshape(len(x), -1)
        curvature = (slopes @ slopes.T).astype(np.float64) + np.diag(self.held + 1e-6)
        pull = slopes @ (missing * weights[:, None]).reshape(-1).astype(np.float32)
        pull = pull.astype(np.float64) - self.held * (x - self.mean)
        return bounded_descent(curvature, pull, x, low, high, self.pulled)

    def _model_points(self, fit: Fit) -> np.ndarray:
        """(468, 2) where the model has the landmarks [px]."""
        moved = np.concatenate([fit.identity, fit.expression]).astype(np.float32)
        shape = self.neutral + np.tensordot(moved, self.bases, 1)
        return project(shape, fit.pose)[:, :2].astype(np.float64)

    def _compared(self, fit: Fit, landmarks: np.ndarray) -> Fit:
        offsets = landmarks - self._model_points(fit)
        squares = np.square(offsets[self.used]).sum(1)
        error = float(np.sqrt((self.weights * squares).sum() / self.weights.sum()))
        return replace(fit, offsets=offsets, error=error)

    def _closed_lids(self, fit: Fit, landmarks: np.ndarray) -> Fit:
        """AU45 by the gap between the lids: holding parameters back leaves blinks too weak."""
        blink = fit.expression.copy()
        gaps = []
        for blink[units.AU45] in (0.0, 1.0):
            gaps.append(mesh_points.lid_gap(self._model_points(replace(fit, expression=blink))))
        opened, shut = gaps
        seen = mesh_points.lid_gap(landmarks)
        closing = np.clip((opened - seen) / max(opened - shut, 1), 0, 1.05)
        if closing <= max(0.2, fit.expression[units.AU45]) or seen >= 0.75 * opened:
            return fit
        blink[units.AU45] = closing
        return self._compared(replace(fit, expression=blink), landmarks)


def _weights() -> np.ndarray:
    """(468,) how much each landmark tells of the face: edges much, the drawn-in outline little."""
    weights = np.ones(mesh_points.COUNT)
    weights[mesh_points.OVAL] = 0.12
    weights[mesh_points.CHIN] = 0.5
    weights[mesh_points.FOREHEAD] = 0.3
    corners = mesh_points.CORNERS_OUTER + mesh_points.CORNERS_INNER
    weights[mesh_points.LIP_EDGES + corners + mesh_points.EYES] = 3
    weights[mesh_points.BROWS] = 2.5
    return weights


@numba.njit(cache=True)
def bounded_descent(curvature, pull, x, low, high, pulled, sweeps=60):
    """x + d of the module's sentence, for H `curvature` (n, n), g `pull`, l `pulled` (n,)."""
    n = len(x)
    result, rest = x.copy(), pull.copy()
    for _ in range(sweeps):
        largest = 0.0
        for i in range(n):
            best = result[i] + (rest[i] - pulled[i]) / curvature[i, i]
            change = min(max(best, low[i]), high[i]) - result[i]
            if change != 0.0:
                result[i] += change
                for j in range(n):
                    rest[j] -= curvature[i, j] * change
                largest = max(largest, abs(change))
        if largest < 1e-5:
            break
    return result
