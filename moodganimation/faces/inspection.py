"""The inspector: a network that predicts the roll of a face and whether its mouth is covered.

Finders also find faces that lie on their side or are upside down, but the points that they return
for such a face, and so its crop, may be the wrong way up. They also find faces behind masks, whose
mouths must not be painted.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .alignment import apply_offset, conv_layer, load_weights
from .portrait import Portrait

SIZE = 64  # side of the network's input [px]
MIN_CONFIDENCE = 0.6  # below it a crop counts as no face
# Faces with less roll count as upright.
MAX_UPRIGHT_ROLL = np.radians(50)
CONTRAST_EPS = 0.02  # added to the standard deviation, so that flat inputs are not amplified
# Probability above which a mouth counts as covered. It is high because wide open mouths and
# moustaches sometimes reach 0.5, while covered mouths are rarely below 0.9.
COVERED_THRESHOLD = 0.9


class Inspection(NamedTuple):
    """The inspector's result for one crop."""

    roll: float  # of the face in the crop [rad, clockwise on screen]
    confidence: float  # from 0; about 1 for a face, small for anything else
    covered_probability: float  # that something hides the mouth; only valid for an upright face

    @property
    def uprightness(self) -> float:
        """From about -1 for a face upside down to about 1 for an upright one; 0 for no face."""
        return self.confidence * float(np.cos(self.roll))

    @property
    def upright(self) -> bool:
        """Whether the crop shows a face with a roll below MAX_UPRIGHT_ROLL."""
        return self.confidence > MIN_CONFIDENCE and abs(self.roll) < MAX_UPRIGHT_ROLL

    @property
    def rotated(self) -> bool:
        """Whether the crop shows a face with a larger roll: on its side or upside down."""
        return self.confidence > MIN_CONFIDENCE and abs(self.roll) >= MAX_UPRIGHT_ROLL


class Inspector(nn.Module):
    """(B, 3, 64, 64) in [-1, 1] -> (B, 3), see `Inspection`.

    confidence * cos(roll), confidence * sin(roll), and the logit of `covered_probability`.
    """

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for n, stride in ((16, 2), (24, 2), (32, 1), (48, 2), (48, 1), (64, 2)):
            layers += conv_layer(channels, n, stride)
            channels = n
        self.main = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 64), nn.ReLU())
        self.head = nn.Linear(64, 3)

    def forward(self, picture: Tensor) -> Tensor:
        # Normalized, so that the result does not depend on brightness and contrast of the photo.
        picture = picture - picture.mean((1, 2, 3), keepdim=True)
        picture = picture / (picture.std((1, 2, 3), keepdim=True) + CONTRAST_EPS)
        return self.head(self.main(picture))


def load_inspector(path: Path) -> Inspector:
    """Load an inspector. Raises NotACheckpoint."""
    return load_weights(Inspector(), path)


@torch.inference_mode()
def inspect_crops(
    inspector: Inspector, photo: np.ndarray, crops: Sequence[np.ndarray]
) -> list[Inspection]:
    """Inspect crops (`to_face` matrices) of a photo."""
    if not len(crops):
        return []
    pictures = np.stack([Portrait(photo, to_face, "").face(SIZE) for to_face in crops])
    tensor = torch.from_numpy(pictures).movedim(-1, 1).float() / 127.5 - 1
    return [
        Inspection(float(np.arctan2(y, x)), float(np.hypot(x, y)), float(1 / (1 + np.exp(-logit))))
        for x, y, logit in inspector(tensor).double().numpy()
    ]


def rotate_crop(to_face: np.ndarray, roll: float) -> np.ndarray:
    """Rotate a crop (`to_face`) about its center, so that a face with `roll` in it becomes upright.

    roll: [rad, clockwise on screen].
    """
    return apply_offset(to_face, np.array([0, 0, 0, roll]))
