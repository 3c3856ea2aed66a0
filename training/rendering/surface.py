"""Distances on the face model, and interpolation of landmark offsets over the whole mesh."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import factorized
from scipy.spatial import cKDTree

from . import mesh_points
from .model import FaceModel

SKIN, MOUTH, EYE = 0, 1, 2  # classes of a segmentation
CLASS_OF_PART = {
    "face": SKIN,
    "mouth_socket": MOUTH,
    "gums_tongue": MOUTH,
    "teeth": MOUTH,
    "eyeball_left": EYE,
    "eyeball_right": EYE,
    "eye_socket_left": EYE,
    "eye_socket_right": EYE,
}
LANDMARK_WEIGHT = 0.02  # of the landmarks' offsets, against the smoothness of the field
NEIGHBOURS = 6  # skin vertices from which a vertex inside the head gets its offset
# Widths of Gaussians around edges [lengths of the model].
NARROW_LIP, WIDE_LIP, LIP_CONTACT, UPPER_LID, LASHES = 0.28, 0.38, 0.34, 0.55, 0.22


class Surface:
    """Tables of a model that do not depend on the photo; distances in lengths of the model.

    skin_triangles, mouth_triangles: (T', 3). triangle_class, is_tooth: (T,). All other arrays are
    of skin vertices, (skin_count,) float32: distances from lips and eyes, and Gaussians of the
    distance from edges of lips and lids, exp(-(distance / width)^2).
    """

    def __init__(self, model: FaceModel):
        self.model = model
        self.skin_triangles = np.ascontiguousarray(model.triangles[model.triangles_of["face"]])
        self.triangle_class = np.zeros(len(model.triangles), np.int8)
        for part, part_class in CLASS_OF_PART.items():
            self.triangle_class[model.triangles_of[part]] = part_class
        self.is_tooth = np.zeros(len(model.triangles), bool)
        self.is_tooth[model.triangles_of["teeth"]] = True
        self.mouth_triangles = model.triangles[self.triangle_class == MOUTH]
        self.lip_distance = self._distance(mesh_points.LIPS)
        self.eye_distance = self._distance(mesh_points.EYES)
        upper, lower = ~model.lower_face, model.lower_face
        upper_edge = self._distance(mesh_points.UPPER_LIP_INNER + mesh_points.CORNERS_INNER)
        lower_edge = self._distance(mesh_points.LOWER_LIP_INNER + mesh_points.CORNERS_INNER)
        # Inner edges of the lips, 1 on the upper and -1 on the lower lip: for lips that part or
        # close a little (narrow), and for lips that meet (wide).
        self.inner_lip_narrow, self.inner_lip_wide = (
            _gaussian(upper_edge, width) * upper - _gaussian(lower_edge, width) * lower
            for width in (NARROW_LIP, WIDE_LIP)
        )
        self.lip_contact = _gaussian(np.minimum(upper_edge, lower_edge), LIP_CONTACT)
        lid_edge = self._distance(mesh_points.UPPER_LIDS)
        self.upper_lid, self.lashes = _gaussian(lid_edge, UPPER_LID), _gaussian(lid_edge, LASHES)
        self._solve = self._offset_solver()
        skin, inside = np.split(model.neutral, [model.skin_count])
        distances, self._nearest_skin = cKDTree(skin).query(inside, NEIGHBOURS)
        weights = 1 / (distances + 0.2)  # at most 5: no single vertex decides
        self._skin_weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)[..., None]

    def _distance(self, points: list[int]) -> np.ndarray:
        """The distance (skin_count,) of skin vertices of the neutral face from the nearest of some
        Face Mesh points."""
        tree = cKDTree(self.model.neutral[self.model.landmarks[points]])
        return tree.query(self.model.neutral[: self.model.skin_count])[0].astype(np.float32)

    def _offset_solver(self):
        """Factorize the system for the smoothest offsets of skin vertices, given the landmarks'.

        It minimises |L u|^2 + LANDMARK_WEIGHT |u - offsets|^2 at landmarks, with the Laplacian L of
        the mesh, whose edges weigh 1 / length.
        """
        skin, triangles = self.model.skin_count, self.skin_triangles
        edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        edges = np.unique(np.sort(edges, 1), axis=0)
        ends = self.model.neutral[edges]
        edge_weights = 1 / (np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) + 1e-3)
        rows, columns = np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]]
        adjacency = sparse.coo_matrix(
            (np.r_[edge_weights, edge_weights], (rows, columns)), (skin, skin)
        ).tocsr()
        mean = sparse.diags(1 / np.asarray(adjacency.sum(1)).ravel()) @ adjacency
        laplacian = sparse.identity(skin) - mean
        landmark_count = np.bincount(self.model.landmarks, minlength=skin)
        system = laplacian.T @ laplacian + sparse.diags(LANDMARK_WEIGHT * landmark_count + 1e-7)
        return factorized(system.tocsc())

    def interpolate_offsets(self, offsets: np.ndarray) -> np.ndarray:
        """Interpolate offsets (468, 2) of the landmarks to the skin vertices, (skin_count, 2)."""
        result = np.zeros((self.model.skin_count, 2), np.float32)
        for axis in np.flatnonzero(offsets.any(0)):
            weighted = LANDMARK_WEIGHT * offsets[:, axis]
            result[:, axis] = self._solve(np.bincount(self.model.landmarks, weighted, len(result)))
        return result

    def extend_inside(self, offsets: np.ndarray) -> np.ndarray:
        """Extend offsets (skin_count, 2) to all vertices (V, 2): the inside of the head moves with
        the nearest skin."""
        inside = (offsets[self._nearest_skin] * self._skin_weights).sum(1)
        return np.concatenate([offsets, inside])


def _gaussian(distance: np.ndarray, width: float) -> np.ndarray:
    """exp(-(distance / width)^2)."""
    return np.exp(-np.square(distance / width))
