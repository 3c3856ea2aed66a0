"""Whether it is still the same person, by a face-recognition network of the user's."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

# Eyes, nose and corners of the mouth: where they are on average in the canonical crop (in halves
# of its side), and where networks trained on ArcFace's template want them in 112 x 112 pixels.
CANONICAL = [(-0.313, -0.267), (0.314, -0.267), (0.004, 0.075), (-0.262, 0.410), (0.268, 0.409)]
TEMPLATE = [(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)]
SIDE = 112
SAME = 0.363  # cosine above which OpenCV's documentation of SFace calls two faces one person


class Recognizer:
    """OpenCV's FaceRecognizerSF with a file such as face_recognition_sface_2021dec.onnx."""

    def __init__(self, path: Path):
        if not path.is_file():
            raise ValueError(f"There is no recognizer at {path}.")
        self.name = path.name
        try:
            self.network = cv2.FaceRecognizerSF.create(str(path), "")
            self.features(torch.zeros(1, 3, SIDE, SIDE))
        except cv2.error as problem:
            raise ValueError(
                f"{path} is not a network that cv2.FaceRecognizerSF can run; it takes OpenCV's "
                "SFace as ONNX."
            ) from problem

    def features(self, faces: Tensor) -> np.ndarray:
        """Canonical crops (N, 3, H, W) in [-1, 1] -> (N, F) of length 1."""
        rows = []
        for face in faces:
            pixels = np.uint8(((face.cpu().numpy().transpose(1, 2, 0) + 1) * 127.5).clip(0, 255))
            aligned = cv2.warpAffine(pixels, _to_template(len(pixels)), (SIDE, SIDE))
            row = self.network.feature(np.ascontiguousarray(aligned[..., ::-1])).reshape(-1)
            rows.append(row / max(float(np.linalg.norm(row)), 1e-12))
        return np.array(rows)


def _to_template(side: int) -> np.ndarray:
    """The similarity (2, 3) from a crop of `side` pixels to the template, by least squares."""
    here = ((np.array(CANONICAL) + 1) * side - 1) / 2
    there = np.array(TEMPLATE)
    a, b = here - here.mean(0), there - there.mean(0)
    z, w = a @ (1, 1j), b @ (1, 1j)
    turn = (z.conj() @ w) / (z.conj() @ z)
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.c_[matrix, there.mean(0) - matrix @ here.mean(0)]
