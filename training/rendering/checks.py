"""Quality checks: photos that the model does not fit, and edits with artefacts, are rejected."""

import cv2
import numpy as np

from . import facs
from .fit import Fit
from .model import FaceModel
from .render import Render
from .source import Source
from .surface import EYE, MOUTH, SKIN
from .units import LIP_PARTING_UNITS

LIP_PARTING_AXES = facs.indices(*LIP_PARTING_UNITS)
# Units that part the lips from this intensity on.
LIP_RAISERS, MIN_PARTING_RAISE = facs.indices("AU10L", "AU10R"), 2
# They close the eyes from this intensity on.
BLINKS, MIN_CLOSED = facs.indices("AU45L", "AU45R"), 4.5

MAX_ERROR = 1.4  # root mean square error of a fit [crop px]
MAX_YAW, MAX_PITCH = 25, 15  # [degrees]
MIN_CORRELATION = 0.3  # of the brightness on a face with that on the mean face
MIN_CONTRAST = 1e-3  # deviation of the brightness, 0..255, below which the correlation counts as 0
MAX_OVERLAP_SHARE = 0.035  # of the skin
MIN_AREA = 0.02  # determinant of the backward map below which the flow overlaps itself at a pixel
MAX_SLIT = 60  # visible pixels [of S x S] of the inside of a closed mouth or of closed eyes

UNFITTED = "the face model does not fit the landmarks"
TURNED = "the face looks too far aside, up or down"
COVERED = "something covers the face, or its light is strange"
TORN = "the edit folds or tears the skin"
LIPS_OPEN = "lips that should close do not"
EYES_OPEN = "lids that should close do not"


def fit_problem(fit: Fit) -> str:
    """Return the reason to reject a fitted face, or ""."""
    if not np.isfinite(fit.error) or fit.error > MAX_ERROR:
        return UNFITTED
    return TURNED if abs(fit.yaw) > MAX_YAW or abs(fit.pitch) > MAX_PITCH else ""


def photo_problem(model: FaceModel, source: Source) -> str:
    """Return the reason to reject a photo, or "": its face must be lit like faces usually are."""
    brightness, correlation = source.brightness[: len(model.brightness)], 0.0
    if brightness.std() >= MIN_CONTRAST:
        correlation = np.corrcoef(brightness, model.brightness)[0, 1]
    return COVERED if correlation < MIN_CORRELATION else ""


def overlap_share(render: Render) -> float:
    """Compute the share of the skin on which the backward flow overlaps itself or collapses."""
    flow = render.flow[::2, ::2]  # one sample per crop px, the unit of its values
    by_x, by_y = np.gradient(flow, axis=(1, 0))
    area = (1 + by_x[..., 0]) * (1 + by_y[..., 1]) - by_x[..., 1] * by_y[..., 0]
    skin = np.uint8(render.segmentation[::2, ::2] == SKIN)
    skin = cv2.erode(skin, np.ones((3, 3), np.uint8)) > 0
    return float(((area < MIN_AREA) & skin).sum() / max(skin.sum(), 1))


def edit_problem(render: Render, target: np.ndarray) -> str:
    """Return the reason to reject an edit to the intensities `target` (50,), or ""."""
    if overlap_share(render) > MAX_OVERLAP_SHARE:
        return TORN
    lips_closed = (
        not target[LIP_PARTING_AXES].any() and target[LIP_RAISERS].max() < MIN_PARTING_RAISE
    )
    if lips_closed and (render.segmentation == MOUTH).sum() > MAX_SLIT:
        return LIPS_OPEN
    eyes_closed = target[BLINKS].min() >= MIN_CLOSED
    return EYES_OPEN if eyes_closed and (render.segmentation == EYE).sum() > MAX_SLIT else ""
