"""The 3-D face model: a mean face, and bases of identities and of expressions.

ICT-FaceKit light (MIT licence, (c) 2020 USC Institute for Creative Technologies; see
FACE_MODEL_LICENSE.txt), trimmed by `build.py`. Lengths are the model's: about a centimetre.
"""

from dataclasses import dataclass
from functools import cache
from lzma import LZMAError
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from . import units

MODEL_FILE = Path(__file__).parent / "face_model.npz"
LENGTH_STEP = 1 / 2048  # displacements in the file are multiples of it [lengths]
CROP_SIDE = 144  # of the crop px scale, in which faces are fitted; files may have other sides [px]
RENDER_SIDE = 2 * CROP_SIDE  # of rendered pictures [px]
RENDER_SCALE = RENDER_SIDE / CROP_SIDE  # render px per crop px
LOWER_TEETH_DROP = 0.45  # lengths by which the lower teeth are lowered
# Drops [lengths] with the blendshape jawOpen above which a vertex belongs to
LOWER_JAW_DROP = 0.67  # teeth and gums of the lower jaw
LOWER_FACE_DROP = 0.9  # lower lip, chin or jaw


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A linear face model with V vertices and T triangles.

    The first `skin_count` vertices are skin, the part "face" of `vertices_of`.
    """

    neutral: np.ndarray  # (V, 3) float32
    identities: np.ndarray  # (I, V, 3) float32 displacements by one standard deviation
    expressions: np.ndarray  # (K, V, 3) float32 displacements, one for each of units.PARAMETERS
    triangles: np.ndarray  # (T, 3) int32
    vertices_of: dict[str, slice]  # by part of the head
    triangles_of: dict[str, slice]
    landmarks: np.ndarray  # (468,) int64: the vertex of each Face Mesh point
    identity_mean: np.ndarray  # (I,) float64: of people in photographs
    brightness: np.ndarray  # (B,) float32 of the first B skin vertices: average over portraits,
    # standardized to mean 0 and deviation 1; see checks.photo_problem
    lower_face: np.ndarray  # (skin_count,) bool: lower lip, chin and jaw
    lower_jaw: np.ndarray  # (V,) bool: of teeth and gums, those of the lower jaw

    @property
    def skin_count(self) -> int:
        """The number of skin vertices."""
        return self.vertices_of["face"].stop

    def shape(self, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
        """Compute the vertices (V, 3) from an identity (I,) and an expression (K,)."""
        return (
            self.neutral
            + np.tensordot(identity.astype(np.float32), self.identities, 1)
            + self.displacement(expression)
        )

    def displacement(self, expression: np.ndarray) -> np.ndarray:
        """Compute the displacement (V, 3) of an expression (K,), or of a change of one."""
        moving = np.flatnonzero(expression)
        return np.tensordot(expression[moving].astype(np.float32), self.expressions[moving], 1)


@cache
def load_model(path: Path = MODEL_FILE) -> FaceModel:
    """Load the face model. Raises ValueError if the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        names = [str(name) for name in arrays["expression_names"]]
        blendshapes = _to_lengths(arrays["expressions"])
        neutral = arrays["neutral"]
        landmarks = arrays["landmarks"].astype(np.int64)
        parts = [str(name) for name in arrays["part_names"]]
        vertices_of = dict(zip(parts, _slices(arrays["vertex_ends"]), strict=True))
        jaw_drop = -blendshapes[names.index("jawOpen"), :, 1]
        lower_jaw = _lower_jaw(jaw_drop, vertices_of)
        neutral[:, 1] -= LOWER_TEETH_DROP * lower_jaw  # upper teeth show first, as in photographs
        return FaceModel(
            neutral=neutral,
            identities=_to_lengths(arrays["identities"]),
            expressions=units.basis(names, blendshapes, neutral[:, 1], neutral[landmarks, 1]),
            triangles=arrays["triangles"].astype(np.int32),
            vertices_of=vertices_of,
            triangles_of=dict(zip(parts, _slices(arrays["triangle_ends"]), strict=True)),
            landmarks=landmarks,
            identity_mean=arrays["identity_mean"].astype(np.float64),
            brightness=arrays["brightness"].astype(np.float32),
            lower_face=jaw_drop[: vertices_of["face"].stop] > LOWER_FACE_DROP,
            lower_jaw=lower_jaw,
        )
    except (OSError, KeyError, ValueError, EOFError, LZMAError, BadZipFile) as problem:
        raise ValueError(
            f"{path} is missing or damaged ({problem}): install it once more."
        ) from problem


def _lower_jaw(jaw_drop: np.ndarray, vertices_of: dict[str, slice]) -> np.ndarray:
    """`FaceModel.lower_jaw`, from the drop (V,) of every vertex as the jaw opens."""
    result = np.zeros(len(jaw_drop), bool)
    for part in (vertices_of["teeth"], vertices_of["gums_tongue"]):
        result[part] = jaw_drop[part] > LOWER_JAW_DROP
    return result


def _to_lengths(multiples: np.ndarray) -> np.ndarray:
    """Convert (N, 3, V) int16 multiples of LENGTH_STEP to (N, V, 3) float32."""
    return np.ascontiguousarray(multiples.transpose(0, 2, 1)) * np.float32(LENGTH_STEP)


def _slices(ends: np.ndarray) -> list[slice]:
    """The consecutive slices with the given ends (P,), from 0 on."""
    return [slice(int(a), int(b)) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """Compute the rotation (3, 3) about y (to the side), then x (nod), then z (tilt) [rad]."""
    (cx, cy, cz), (sx, sy, sz) = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def project(vertices: np.ndarray, pose: np.ndarray, side: int = CROP_SIDE) -> np.ndarray:
    """Project vertices (V, 3) by weak perspective: x, y [px of `side`] and nearness z [px].

    pose: (6,), angles about x, y, z [rad], log of the scale [crop px per length of the model], and
    the position x, y of the model's origin [crop px].
    """
    zoom = side / CROP_SIDE
    scale = zoom * np.exp(pose[3])
    projected = vertices @ (scale * rotation(*pose[:3])).T.astype(np.float32)
    projected *= np.float32([1, -1, 1])
    projected[:, :2] += np.float32(pose[4:6] * zoom + (zoom - 1) / 2)
    return projected


def crop_to_render(points: np.ndarray) -> np.ndarray:
    """Convert positions in crop px to render px; centres of pixels are at integers."""
    return RENDER_SCALE * points + (RENDER_SCALE - 1) / 2


def render_to_crop(points: np.ndarray) -> np.ndarray:
    """Convert positions in render px to crop px."""
    return (points - (RENDER_SCALE - 1) / 2) / RENDER_SCALE
