"""Fitting the face model to the landmarks of a photo: pose, identity and expression.

Damped Gauss-Newton on the distances of landmarks and projected vertices. Every step minimises

    1/2 d'Hd - g'd + l'|x + d|    with    low <= x + d <= high

by cyclic coordinate descent, with H the Gauss-Newton Hessian plus a Gaussian prior, g the negative
gradient, and l the weights of an L1 penalty (Tibshirani 1996) that sets small activations to 0.
Distances have Cauchy weights, 1 / (1 + (r / OUTLIER)^2), renewed at every step.

U used landmarks · P parameters: pose (6), identity (I), expression (K). Pixels are crop px.
"""

from dataclasses import dataclass, replace

import numba
import numpy as np

from . import mesh_points, units
from .model import FaceModel, project, rotation

POSE = 6  # parameters of the pose, see model.project
STEPS = 12
OUTLIER = 3.0  # distance at which the weight of a landmark is halved [px]
ANGLE_STEP = 1e-4  # of the numerical derivative by the angles [rad]
DAMPING = 1e-6  # added to the diagonal of the Hessian
MAX_ROUNDS = 60  # of the coordinate descent, each over all parameters
MIN_CHANGE = 1e-5  # it ends when no parameter changes by more in a round
# Weights of the Gaussian prior of activations [px^2 per squared activation].
PRIOR = {
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
PRIOR_IDENTITY = 9.0
PRIOR_OTHER = 60.0  # of asymmetries and of the movements units.EXTRA
# Weights of the L1 penalty [px^2 per activation] of units, of AU12, and of units.EXTRA.
SPARSITY, SPARSITY_SMILE, SPARSITY_EXTRA = 3.0, 1.0, 6.0
# Highest activation of units, of AU26, and of units.EXTRA; greatest asymmetry.
MAX_FITTED_ACTIVATION, MAX_FITTED_JAW, MAX_EXTRA, MAX_ASYMMETRY = 1.3, 2.0, 0.8, 0.6
# Weights of landmarks. In smooth regions, every third point is as accurate as all, and three times
# as fast: a used one stands for the others.
SMOOTH_WEIGHT = 2.2
OUTLINE_WEIGHT = 0.12 * SMOOTH_WEIGHT  # low: Face Mesh's outline of the face is imprecise
FULLY_USED = (  # regions of which all points are used, and their weights; later rows win
    (mesh_points.CHIN, 0.5 * SMOOTH_WEIGHT),
    (mesh_points.FOREHEAD, 0.3 * SMOOTH_WEIGHT),
    (mesh_points.LIP_EDGES + mesh_points.CORNERS_OUTER + mesh_points.CORNERS_INNER, 3.0),
    (mesh_points.EYES, 3.0),
    (mesh_points.BROWS, 2.5),
)
# AU45 is set by the gap of the lids if that is small enough:
MIN_CLOSING = 0.2  # share by which they are closed, at least
MAX_GAP_SHARE = 0.75  # of the gap of the open eye, at most
MAX_BLINK_ACTIVATION = 1.05


@dataclass(frozen=True, eq=False)
class Fit:
    """The face model fitted to a photo, in crop px."""

    pose: np.ndarray  # (6,), see model.project
    identity: np.ndarray  # (I,) standard deviations
    expression: np.ndarray  # (K,) of units.PARAMETERS
    offsets: np.ndarray  # (468, 2) landmarks less projected vertices [crop px]
    error: float  # weighted root mean square distance of landmarks and vertices [crop px]

    @property
    def yaw(self) -> float:
        """Turn of the head to the person's left [degrees]."""
        return float(np.degrees(self.pose[1]))

    @property
    def pitch(self) -> float:
        """Nod of the head downwards [degrees]."""
        return float(np.degrees(self.pose[0]))


class Fitter:
    """Fits the face model to landmarks."""

    def __init__(self, model: FaceModel):
        self.model = model
        vertices = model.landmarks
        self.neutral = model.neutral[vertices]  # (468, 3)
        self.bases = np.concatenate([model.identities[:, vertices], model.expressions[:, vertices]])
        self.used, self.weights = _landmark_weights()
        self.used_bases = np.ascontiguousarray(self.bases[:, self.used])
        self.identity_slice = slice(POSE, POSE + len(model.identities))  # of parameters
        self._set_bounds_and_priors()

    def _set_bounds_and_priors(self) -> None:
        """Set bounds, prior weights, L1 weights and prior means of all parameters."""

        def for_parameters(pose, identity, unit, asymmetry, extra) -> np.ndarray:
            """One value for each parameter (P,), from those of its group; unit: () or (17,)."""
            groups = (
                np.full(POSE, pose),
                np.full(len(self.model.identities), identity),
                np.broadcast_to(unit, units.UNIT_COUNT),
                np.full(len(units.ASYMMETRIC), asymmetry),
                np.full(len(units.EXTRA), extra),
                np.zeros(len(units.RENDER_ONLY)),  # with low = high = 0 they stay 0
            )
            return np.concatenate(groups).astype(np.float64)

        highest = np.full(units.UNIT_COUNT, MAX_FITTED_ACTIVATION)
        sparsity = np.full(units.UNIT_COUNT, SPARSITY)
        highest[units.AU26] = MAX_FITTED_JAW
        sparsity[units.UNIT_KEYS.index("AU12")] = SPARSITY_SMILE
        prior = np.array([PRIOR[key] for key in units.UNIT_KEYS])
        self.low = for_parameters(-np.inf, -np.inf, 0, -MAX_ASYMMETRY, 0)
        self.high = for_parameters(np.inf, np.inf, highest, MAX_ASYMMETRY, MAX_EXTRA)
        self.prior = for_parameters(0, PRIOR_IDENTITY, prior, PRIOR_OTHER, PRIOR_OTHER)
        self.sparsity = for_parameters(0, 0, sparsity, 0, SPARSITY_EXTRA)
        self.mean = for_parameters(0, 0, 0, 0, 0)
        self.mean[self.identity_slice] = self.model.identity_mean

    def fit(self, landmarks: np.ndarray, identity: np.ndarray | None = None) -> Fit:
        """Fit Face Mesh points (468 or more, 2 or more) [crop px].

        identity: (I,), if it is known from another photo; this makes the expression more accurate.
        """
        landmarks = np.asarray(landmarks, np.float64)[: mesh_points.FACE_POINTS, :2]
        x, low, high = self._initial_parameters(landmarks), self.low.copy(), self.high.copy()
        if identity is not None:
            for values in (x, low, high):
                values[self.identity_slice] = identity
        for _ in range(STEPS):
            x = self._gauss_newton_step(x, landmarks, low, high)
        identity, expression = x[self.identity_slice], x[self.identity_slice.stop :]
        fit = Fit(x[:POSE], identity, expression, np.zeros((mesh_points.FACE_POINTS, 2)), 0.0)
        return self._with_closed_lids(self._with_offsets(fit, landmarks), landmarks)

    def _initial_parameters(self, landmarks: np.ndarray) -> np.ndarray:
        """The parameters (P,) of the mean face, frontal, with the landmarks' scale and position."""
        x = self.mean.copy()
        points = landmarks[self.used] * (1, -1)
        mean = self._used_vertices(x)[:, :2]
        scale = np.linalg.norm(points - points.mean(0)) / np.linalg.norm(mean - mean.mean(0))
        x[3] = np.log(scale)
        x[4:6] = (points.mean(0) - scale * mean.mean(0)) * (1, -1)
        return x

    def _used_vertices(self, x: np.ndarray) -> np.ndarray:
        """The vertices (U, 3) of the used landmarks, from the parameters (P,)."""
        displacement = np.tensordot(x[POSE:].astype(np.float32), self.used_bases, 1)
        return (self.neutral[self.used] + displacement).astype(np.float64)

    def _gauss_newton_step(self, x, landmarks, low, high) -> np.ndarray:
        """Make one damped Gauss-Newton step from the parameters x (P,), between low and high."""
        shape, angles, scale = self._used_vertices(x), x[:3], np.exp(x[3])
        rotation_matrix = rotation(*angles)
        to_picture = scale * np.array([[1.0, 0, 0], [0, -1, 0]])  # y points down in pictures
        projected = shape @ (to_picture @ rotation_matrix).T
        residual = landmarks[self.used] - projected - x[4:6]
        squared_distance = np.square(residual).sum(1) / OUTLIER**2
        root_weights = np.sqrt(self.weights / (1 + squared_distance))[:, None]
        jacobian = np.empty((len(x), len(shape), 2), np.float32)  # of the projected vertices
        for k, delta in enumerate(ANGLE_STEP * np.eye(3)):
            change = rotation(*(angles + delta)) - rotation_matrix
            jacobian[k] = shape @ (to_picture @ change / ANGLE_STEP).T
        jacobian[3], jacobian[4], jacobian[5] = projected, (1, 0), (0, 1)
        jacobian[POSE:] = self.used_bases @ (to_picture @ rotation_matrix).T.astype(np.float32)
        jacobian *= root_weights.astype(np.float32)
        jacobian = jacobian.reshape(len(x), -1)
        hessian = (jacobian @ jacobian.T).astype(np.float64) + np.diag(self.prior + DAMPING)
        weighted_residual = (residual * root_weights).reshape(-1).astype(np.float32)
        negative_gradient = (jacobian @ weighted_residual).astype(np.float64)
        negative_gradient -= self.prior * (x - self.mean)
        return bounded_descent(hessian, negative_gradient, x, low, high, self.sparsity)

    def _model_points(self, fit: Fit) -> np.ndarray:
        """The projected vertices (468, 2) of all landmarks [px]."""
        coefficients = np.concatenate([fit.identity, fit.expression]).astype(np.float32)
        shape = self.neutral + np.tensordot(coefficients, self.bases, 1)
        return project(shape, fit.pose)[:, :2].astype(np.float64)

    def _with_offsets(self, fit: Fit, landmarks: np.ndarray) -> Fit:
        """The fit with its offsets and error."""
        offsets = landmarks - self._model_points(fit)
        squares = np.square(offsets[self.used]).sum(1)
        error = float(np.sqrt((self.weights * squares).sum() / self.weights.sum()))
        return replace(fit, offsets=offsets, error=error)

    def _with_closed_lids(self, fit: Fit, landmarks: np.ndarray) -> Fit:
        """Set AU45 by the gap between the lids, since the prior makes blinks too weak."""

        def with_blink(activation: float) -> Fit:
            expression = fit.expression.copy()
            expression[units.AU45] = activation
            return replace(fit, expression=expression)

        opened, shut = (
            mesh_points.lid_gap(self._model_points(with_blink(activation)))
            for activation in (0.0, 1.0)
        )
        gap = mesh_points.lid_gap(landmarks)
        closing = np.clip((opened - gap) / max(opened - shut, 1), 0, MAX_BLINK_ACTIVATION)
        is_closed = closing > max(MIN_CLOSING, fit.expression[units.AU45])
        if not is_closed or gap >= MAX_GAP_SHARE * opened:
            return fit
        return self._with_offsets(with_blink(closing), landmarks)


def _landmark_weights() -> tuple[np.ndarray, np.ndarray]:
    """The indices (U,) of the used landmarks, and their weights (U,)."""
    weights = np.full(mesh_points.FACE_POINTS, SMOOTH_WEIGHT)
    weights[mesh_points.OVAL] = OUTLINE_WEIGHT
    is_used = np.arange(mesh_points.FACE_POINTS) % 3 == 0
    for points, weight in FULLY_USED:
        weights[points], is_used[points] = weight, True
    return np.flatnonzero(is_used), weights[is_used]


@numba.njit(cache=True)
def bounded_descent(hessian, negative_gradient, x, low, high, sparsity):
    """Return x + d of the module's formula, by cyclic coordinate descent.

    H is `hessian` (P, P), g is `negative_gradient` (P,) at x, and l is `sparsity` (P,).
    Parameters with a sparsity above 0 must have low >= 0: there |x + d| is x + d.
    """
    n = len(x)
    result, remaining = x.copy(), negative_gradient.copy()  # remaining: g - H d
    for _ in range(MAX_ROUNDS):
        largest_change = 0.0
        for i in range(n):
            optimum = result[i] + (remaining[i] - sparsity[i]) / hessian[i, i]
            change = min(max(optimum, low[i]), high[i]) - result[i]
            if change != 0.0:
                result[i] += change
                for j in range(n):
                    remaining[j] -= hessian[i, j] * change
                largest_change = max(largest_change, abs(change))
        if largest_change < MIN_CHANGE:
            break
    return result
