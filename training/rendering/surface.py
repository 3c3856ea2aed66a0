"""Where on the face a vertex is, and how offsets of landmarks spread over the whole mesh."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import factorized
from scipy.spatial import cKDTree

from . import mesh_points
from .model import FaceModel

SKIN, MOUTH, EYE = 0, 1, 2  # kinds of parts
KINDS = {
    "face": SKIN,
    "mouth_socket": MOUTH,
    "gums_tongue": MOUTH,
    "teeth": MOUTH,
    "eyeball_left": EYE,
    "eyeball_right": EYE,
    "eye_socket_left": EYE,
    "eye_socket_right": EYE,
}
GRIP = 0.02  # how firmly a landmark holds its vertex, against the smoothness of the offsets
NEIGHBOURS = 6  # skin vertices that a vertex inside the head follows


class Surface:
    """Tables of a model that do not depend on the photo; distances are the model's lengths."""

    def __init__(self, model: FaceModel):
        self.model = model
        self.skin_triangles = np.ascontiguousarray(model.triangles[model.triangles_of["face"]])
        self.kinds = np.zeros(len(model.triangles), np.int8)
        for part, kind in KINDS.items():
            self.kinds[model.triangles_of[part]] = kind
        self.teeth = np.zeros(len(model.triangles), bool)
        self.teeth[model.triangles_of["teeth"]] = True
        self.mouth_triangles = model.triangles[self.kinds == MOUTH]
        self.to_lips = self._distance(mesh_points.LIPS)
        self.to_eyes = self._distance(mesh_points.EYES)
        upper, lower = ~model.lower, model.lower
        to_upper = self._distance(mesh_points.UPPER_LIP_INNER + mesh_points.CORNERS_INNER)
        to_lower = self._distance(mesh_points.LOWER_LIP_INNER + mesh_points.CORNERS_INNER)
        # near the inner edges of the lips: 1 on the upper, -1 on the lower, falling off
        self.inner_edge = _bell(to_upper, 0.28) * upper - _bell(to_lower, 0.28) * lower
        self.inner_rim = _bell(to_upper, 0.38) * upper - _bell(to_lower, 0.38) * lower
        self.contact = _bell(np.minimum(to_upper, to_lower), 0.34)
        to_upper_lids = self._distance(mesh_points.UPPER_LIDS)
        self.lid, self.lash = _bell(to_upper_lids, 0.55), _bell(to_upper_lids, 0.22)
        self._solve = self._smoothest()
        inside = model.neutral[model.skin :]
        distances, self._followed = cKDTree(model.neutral[: model.skin]).query(inside, NEIGHBOURS)
        shares = 1 / (distances + 0.2)
        self._shares = (shares / shares.sum(1, keepdims=True)).astype(np.float32)[..., None]

    def _distance(self, mesh: list[int]) -> np.ndarray:
        """(skin,) from each skin vertex of the neutral face to the nearest of some landmarks."""
        tree = cKDTree(self.model.neutral[self.model.landmarks[mesh]])
        return tree.query(self.model.neutral[: self.model.skin])[0].astype(np.float32)

    def _smoothest(self):
        """Solver for the offsets of skin vertices: as smooth as landmarks let them be.

        Minimises |L u|^2 + GRIP |u - offsets|^2 at landmarks, L the Laplacian of the mesh.
        """
        skin, triangles = self.model.skin, self.skin_triangles
        edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        edges = np.unique(np.sort(edges, 1), axis=0)
        ends = self.model.neutral[edges]
        near = 1 / (np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) + 1e-3)
        rows, columns = np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]]
        joined = sparse.coo_matrix((np.r_[near, near], (rows, columns)), (skin, skin)).tocsr()
        mean = sparse.diags(1 / np.asarray(joined.sum(1)).ravel()) @ joined
        laplacian = sparse.identity(skin) - mean
        held = np.bincount(self.model.landmarks, minlength=skin)
        system = laplacian.T @ laplacian + sparse.diags(GRIP * held + 1e-7)
        return factorized(system.tocsc())

    def spread(self, offsets: np.ndarray) -> np.ndarray:
        """(skin, 2) offsets of the skin from those of the landmarks (468, 2)."""
        spread = np.zeros((self.model.skin, 2), np.float32)
        for axis in np.flatnonzero(offsets.any(0)):
            pull = GRIP * offsets[:, axis]
            spread[:, axis] = self._solve(np.bincount(self.model.landmarks, pull, len(spread)))
        return spread

    def followed(self, offsets: np.ndarray) -> np.ndarray:
        """(V, 2) offsets of all vertices from those of the skin: the inside follows it."""
        return np.concatenate([offsets, (offsets[self._followed] * self._shares).sum(1)])


def _bell(distance: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-np.square(distance / width))
