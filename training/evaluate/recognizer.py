"""Features for identity, computed by a face-recognition network that the user provides."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

# Both eyes, nose, both corners of the mouth: mean positions in the canonical crop (face
# coordinates), and positions in ArcFace's template of TEMPLATE_SIDE pixels a side.
CROP_LANDMARKS = [
    (-0.313, -0.267),
    (0.314, -0.267),
    (0.004, 0.075),
    (-0.262, 0.410),
    (0.268, 0.409),
]
TEMPLATE_LANDMARKS = [(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)]
TEMPLATE_SIDE = 112  # of the template [px]
SAME_PERSON_COSINE = 0.363  # above it, OpenCV's documentation of SFace calls two faces one person


class Recognizer:
    """OpenCV's FaceRecognizerSF with a file such as face_recognition_sface_2021dec.onnx.

    Raises ValueError if the file is missing or not such a network.
    """

    def __init__(self, path: Path):
        if not path.is_file():
            raise ValueError(f"There is no recognizer at {path}.")
        self.name = path.name
        try:
            self.network = cv2.FaceRecognizerSF.create(str(path), "")
            self.features(torch.zeros(1, 3, TEMPLATE_SIDE, TEMPLATE_SIDE))
        except cv2.error as problem:
            raise ValueError(
                f"{path} is not a network that cv2.FaceRecognizerSF can run; it takes OpenCV's "
                "SFace as ONNX."
            ) from problem

    def features(self, faces: Tensor) -> np.ndarray:
        """Compute features of canonical crops (N, 3, H, W) in [-1, 1]: (N, F) of length 1."""
        rows = []
        for face in faces:
            pixels = np.uint8(((face.cpu().numpy().transpose(1, 2, 0) + 1) * 127.5).clip(0, 255))
            aligned = cv2.warpAffine(
                pixels, _to_template(len(pixels)), (TEMPLATE_SIDE, TEMPLATE_SIDE)
            )
            row = self.network.feature(np.ascontiguousarray(aligned[..., ::-1])).reshape(-1)
            rows.append(row / max(float(np.linalg.norm(row)), 1e-12))
        return np.array(rows)


def _to_template(side: int) -> np.ndarray:
    """Fit the similarity transform (2, 3) from a crop of `side` pixels to the template.

    Least squares. A 2-D similarity is a complex factor: rotation by its angle, scale by its
    magnitude.
    """
    crop = ((np.array(CROP_LANDMARKS) + 1) * side - 1) / 2
    template = np.array(TEMPLATE_LANDMARKS)
    z, w = ((points - points.mean(0)) @ (1, 1j) for points in (crop, template))
    factor = (z.conj() @ w) / (z.conj() @ z)
    matrix = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.c_[matrix, template.mean(0) - matrix @ crop.mean(0)]
