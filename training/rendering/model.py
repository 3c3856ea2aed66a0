"""The 3-D face model: a mean face, how faces differ, and how expressions move them.

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

FILE = Path(__file__).parent / "face_model.npz"
STEP = 1 / 2048  # lengths in the file are multiples of it
FRAME = 144  # side of the canonical crop, in whose pixels poses are [px]
SIDE = 2 * FRAME  # side of rendered pictures [px]
LOWERED, JAW_MOVES = 0.45, -0.67  # of lower teeth; jaw's drop that is theirs
LOWER_LIP = 0.9  # what drops by more when the jaw opens belongs to the lower lip, chin or jaw


@dataclass(frozen=True, eq=False)
class FaceModel:
    """V vertices, of which the first `skin` are the face's; T triangles, ordered by part."""

    neutral: np.ndarray  # (V, 3) float32
    identities: np.ndarray  # (I, V, 3) float32 displacements by one standard deviation
    expressions: np.ndarray  # (K, V, 3) float32 displacements, one for each of units.PARAMETERS
    triangles: np.ndarray  # (T, 3) int32
    vertices_of: dict[str, slice]  # by part
    triangles_of: dict[str, slice]
    landmarks: np.ndarray  # (468,) int64: the vertex of each Face Mesh point
    identity_mean: np.ndarray  # (I,) float64: of people in photographs
    brightness: np.ndarray  # (B,) float32: mean light on the first B vertices, mean 0, deviation 1
    lower: np.ndarray  # (skin,) bool: below the gap between the lips

    @property
    def skin(self) -> int:
        return self.vertices_of["face"].stop

    def shape(self, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
        """(V, 3) vertices from identity (I,) and expression (K,)."""
        return (
            self.neutral
            + np.tensordot(identity.astype(np.float32), self.identities, 1)
            + self.displacement(expression)
        )

    def displacement(self, expression: np.ndarray) -> np.ndarray:
        """(V, 3) what an expression (K,), or the change of one, adds to a face."""
        moving = np.flatnonzero(expression)
        return np.tensordot(expression[moving].astype(np.float32), self.expressions[moving], 1)


@cache
def load_model(path: Path = FILE) -> FaceModel:
    """Raises ValueError where the file is missing or not this model."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        names = [str(name) for name in arrays["expression_names"]]
        shapes = _lengths(arrays["expressions"])
        neutral = arrays["neutral"]
        landmarks = arrays["landmarks"].astype(np.int64)
        parts = [str(name) for name in arrays["part_names"]]
        vertices_of = dict(zip(parts, _slices(arrays["vertex_ends"]), strict=True))
        jaw = shapes[names.index("jawOpen"), :, 1]
        _lower_teeth(neutral, jaw, vertices_of)
        return FaceModel(
            neutral=neutral,
            identities=_lengths(arrays["identities"]),
            expressions=units.basis(names, shapes, neutral[:, 1], neutral[landmarks, 1]),
            triangles=arrays["triangles"].astype(np.int32),
            vertices_of=vertices_of,
            triangles_of=dict(zip(parts, _slices(arrays["triangle_ends"]), strict=True)),
            landmarks=landmarks,
            identity_mean=arrays["identity_mean"].astype(np.float64),
            brightness=arrays["brightness"].astype(np.float32),
            lower=jaw[: vertices_of["face"].stop] < -LOWER_LIP,
        )
    except (OSError, KeyError, ValueError, EOFError, LZMAError, BadZipFile) as problem:
        raise ValueError(
            f"{path} is missing or damaged ({problem}): install it once more."
        ) from problem


def _lower_teeth(neutral: np.ndarray, jaw: np.ndarray, vertices_of: dict[str, slice]) -> None:
    """Lower what moves with the jaw in the mouth, so that lower teeth lie behind the lip and the
    upper ones show first, as in photographs. jaw (V,): height that vertices lose as it opens."""
    for part in ("teeth", "gums_tongue"):
        part = vertices_of[part]
        neutral[part, 1] -= LOWERED * (jaw[part] < JAW_MOVES)


def _lengths(fixed: np.ndarray) -> np.ndarray:
    """(N, 3, V) int16 multiples of STEP -> (N, V, 3) float32."""
    return np.ascontiguousarray(fixed.transpose(0, 2, 1)) * np.float32(STEP)


def _slices(ends: np.ndarray) -> list[slice]:
    return [slice(int(a), int(b)) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """(3, 3): turned about y (to the side), then x (nodding), then z (tilted) [rad]."""
    (cx, cy, cz), (sx, sy, sz) = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def project(vertices: np.ndarray, pose: np.ndarray, side: int = FRAME) -> np.ndarray:
    """(V, 3): x, y [px] of a frame of `side` pixels and nearness z [px], by weak perspective.

    pose (6,): angles about x, y, z [rad], log of the scale [px of the frame of 144 per length],
    and where the model's origin stands, x, y [px of the frame of 144].
    """
    zoom = side / FRAME
    scale = zoom * np.exp(pose[3])
    turned = vertices @ (scale * rotation(*pose[:3])).T.astype(np.float32)
    turned *= np.float32([1, -1, 1])
    turned[:, :2] += np.float32(pose[4:6] * zoom + (zoom - 1) / 2)
    return turned
