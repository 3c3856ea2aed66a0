"""What is not good enough to teach: photos the model does not fit, and edits that went wrong."""

import cv2
import numpy as np

from . import facs
from .fit import Fit
from .model import FaceModel
from .render import Render
from .source import Source
from .surface import EYE, MOUTH, SKIN

# Units that part the lips at any intensity, those that do when strong, and those that close eyes.
OPENING = facs.index("AU16", "AU22", "AU25", "AU26", "AU27")
RAISING, BLINKS = facs.index("AU10L", "AU10R"), facs.index("AU45L", "AU45R")

MOST_ERROR = 1.4  # of a fit [px of 144]
MOST_YAW, MOST_PITCH = 25, 15  # [degrees]
LEAST_LIKENESS = 0.3  # correlation of the light on a face with that on the mean face
MOST_FOLDED = 0.035  # share of the face
FOLDED = 0.02  # area that a unit of the edit has in the photo, below which it is folded
MOST_SLIT = 60  # pixels of 288 that may be seen of a closed mouth or of closed eyes

UNFITTED = "the face model does not fit the landmarks"
TURNED = "the face looks too far aside, up or down"
COVERED = "something covers the face, or its light is strange"
TORN = "the edit folds or tears the skin"
PARTED = "lips that should close do not"
WAKING = "lids that should close do not"


def misfit(fit: Fit) -> str:
    """Why a fitted face cannot be used, or ""."""
    if not np.isfinite(fit.error) or fit.error > MOST_ERROR:
        return UNFITTED
    return TURNED if abs(fit.yaw) > MOST_YAW or abs(fit.pitch) > MOST_PITCH else ""


def covered(model: FaceModel, source: Source) -> str:
    """Why a photo cannot be used, or ""."""
    light = source.brightness[: len(model.brightness)]
    flat = light.std() < 1e-3
    likeness = 0.0 if flat else np.corrcoef(light, model.brightness)[0, 1]
    return COVERED if likeness < LEAST_LIKENESS else ""


def folded(render: Render) -> float:
    """Share of the skin on which the backward flow turns over, or squeezes to nothing."""
    flow = render.flow[::2, ::2]  # pixels of 144, as the flow is
    (across, along), skin = np.gradient(flow, axis=(1, 0)), render.kind[::2, ::2] == SKIN
    area = (1 + across[..., 0]) * (1 + along[..., 1]) - across[..., 1] * along[..., 0]
    skin = cv2.erode(np.uint8(skin), np.ones((3, 3), np.uint8)) > 0
    return float(((area < FOLDED) & skin).sum() / max(skin.sum(), 1))


def spoilt(render: Render, target: np.ndarray) -> str:
    """Why an edit to the intensities `target` (50,) cannot be used, or ""."""
    closed = not target[OPENING].any() and target[RAISING].max() < 2
    if folded(render) > MOST_FOLDED:
        return TORN
    if closed and (render.kind == MOUTH).sum() > MOST_SLIT:
        return PARTED
    asleep = target[BLINKS].min() >= 4.5
    return WAKING if asleep and (render.kind == EYE).sum() > MOST_SLIT else ""
