"""Training of the inspector on canonical crops at any roll, some with rendered occluders.

It predicts the roll, and whether the mouth is covered.
"""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from moodganimation.faces.inspection import SIZE, Inspector
from moodganimation.faces.portrait import rotation_matrix

from ..data.augment import DIRECTED_LIGHT_SHARE, directed_light
from ..data.occlusion import beard, glasses, lipstick, occlude
from ..data.pairs import Pairs
from .one_cycle import train_one_cycle

MAX_RATE, WEIGHT_DECAY = 3e-3, 1e-3
WORKING_SIDE = 96  # side of pictures while occluders are drawn [px]
# Shares of crops:
UPRIGHT_SHARE = 0.6  # as the aligner leaves them; the others are turned by any angle
NO_FACE_SHARE = 0.12  # far too large, far too small, or beside the face
# With an occluder near the mouth, and with one at a place drawn from the whole crop.
NEAR_MOUTH_SHARE, ANYWHERE_SHARE = 0.42, 0.2
GLASSES_SHARE, BEARD_SHARE, LIPSTICK_SHARE = 0.1, 0.15, 0.1  # they are labelled as not covering
MIRROR_SHARE, GREY_SHARE, LOW_LIGHT_SHARE = 0.5, 0.2, 0.15
# Placement of faces, upright ones and turned ones; `shift` and `zoom_out`: see `_render_crop`.
ROLL_STD = 6  # of upright ones [degrees]
UPRIGHT_SHIFT_STD, UPRIGHT_LOG_ZOOM_OUT_STD = 0.06, 0.07
TURNED_SHIFT_STD, TURNED_LOG_ZOOM_OUT_STD = 0.15, 0.15
# Placement of crops without a recognizable face: beside it, else much larger or much smaller.
BESIDE_SHARE, BESIDE_DISTANCE_RANGE, BESIDE_LOG_ZOOM_OUT_STD = 0.6, (0.85, 1.4), 0.2
TOO_LARGE_SHARE = 0.7  # of those that are not beside the face
TOO_LARGE_ZOOM_OUT_RANGE, TOO_SMALL_ZOOM_OUT_RANGE = (0.25, 0.45), (2.6, 4)
WRONG_SIZE_SHIFT_STD = 0.3
# Degradation of crops, whose values are 0 to 255:
BLUR_RANGE = (0.4, 1.3)  # standard deviation of a Gaussian [px of WORKING_SIDE]
LOG_GAIN_STD, LOG_GAMMA_STD = 0.1, 0.25
CONTRAST_RANGE, BRIGHTNESS_STD = (0.6, 1.15), 14
LOW_LIGHT_RANGE = (0.06, 0.5)  # factor of brightness
MAX_NOISE_STD = 6
# A mouth is labelled visible up to the first of these covered shares, and covered from the second
# on; in between its label has no weight.
VISIBLE_UP_TO, COVERED_FROM = 0.25, 0.6
MOUTH_LOSS_WEIGHT = 0.5  # the loss of the roll has the weight 1
SMOOTH_L1_BETA = 0.1  # error of the roll vector below which its loss is quadratic


class Sample(NamedTuple):
    """A training crop and its labels."""

    view: np.ndarray  # (SIZE, SIZE, 3) uint8
    roll_vector: np.ndarray  # (2,) cosine and sine of the roll; zeros where there is no face
    covered: float  # 1 if the mouth is covered, 0 if it is visible
    mouth_weight: float  # weight of the label `covered`, 0 or 1


def draw_sample(pictures: list[np.ndarray], rng: np.random.Generator) -> Sample:
    """Draw a random training crop from canonical crops, each (S, S, 3) uint8."""
    first, second = rng.integers(len(pictures), size=2)
    picture, other = (
        np.float32(cv2.resize(pictures[i], (WORKING_SIDE, WORKING_SIDE))) for i in (first, second)
    )
    if rng.random() < MIRROR_SHARE:
        picture = np.ascontiguousarray(picture[:, ::-1])
    picture, covered_share = _draw_over_face(rng, picture, other)
    has_face, is_upright = rng.random() >= NO_FACE_SHARE, rng.random() < UPRIGHT_SHARE
    roll = np.radians(rng.normal(0, ROLL_STD)) if is_upright else rng.uniform(-np.pi, np.pi)
    shift, zoom_out = _draw_placement(rng, UPRIGHT_SHIFT_STD, UPRIGHT_LOG_ZOOM_OUT_STD)
    if not is_upright:
        shift, zoom_out = _draw_placement(rng, TURNED_SHIFT_STD, TURNED_LOG_ZOOM_OUT_STD)
    if not has_face:
        roll, shift, zoom_out = rng.uniform(-np.pi, np.pi), *_draw_placement_without_face(rng)
    view = _render_crop(rng, picture, roll, shift, zoom_out)
    roll_vector = np.array([np.cos(roll), np.sin(roll)]) * has_face
    is_covered = covered_share >= COVERED_FROM
    is_labelled = is_covered or covered_share <= VISIBLE_UP_TO
    # Whether mouths are covered is asked only of crops that have been turned upright.
    mouth_weight = has_face and is_upright and is_labelled
    return Sample(view, np.float32(roll_vector), float(is_covered), float(mouth_weight))


def _draw_over_face(
    rng: np.random.Generator, picture: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, float]:
    """Draw beards, make-up, glasses and occluders; return the picture and the share of the mouth
    that the occluder covers.

    picture: (WORKING_SIDE, WORKING_SIDE, 3) float32; other: another one, see `occlude`.
    """
    for share, change in (
        (BEARD_SHARE, beard),
        (LIPSTICK_SHARE, lipstick),
        (GLASSES_SHARE, glasses),
    ):
        if rng.random() < share:
            picture = change(rng, picture)
    covered_share, draw = 0.0, rng.random()
    if draw < NEAR_MOUTH_SHARE + ANYWHERE_SHARE:
        picture, covered_share = occlude(rng, picture, other, near_mouth=draw < NEAR_MOUTH_SHARE)
    return picture, covered_share


def _draw_placement(
    rng: np.random.Generator, shift_std: float, log_zoom_out_std: float
) -> tuple[np.ndarray, float]:
    """Draw shift and zoom_out of a crop; see `_render_crop`."""
    return rng.normal(0, shift_std, 2), np.exp(rng.normal(0, log_zoom_out_std))


def _draw_placement_without_face(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Draw shift and zoom_out of a crop that shows no recognizable face; see `_render_crop`."""
    if rng.random() < BESIDE_SHARE:
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(*BESIDE_DISTANCE_RANGE)
        shift = distance * np.array([np.cos(angle), np.sin(angle)])
        return shift, np.exp(rng.normal(0, BESIDE_LOG_ZOOM_OUT_STD))
    is_too_large = rng.random() < TOO_LARGE_SHARE
    zoom_out_range = TOO_LARGE_ZOOM_OUT_RANGE if is_too_large else TOO_SMALL_ZOOM_OUT_RANGE
    zoom_out = rng.uniform(*zoom_out_range)
    # Large faces are shifted less, in proportion to `zoom_out`, so that they stay in the crop.
    return rng.normal(0, WRONG_SIZE_SHIFT_STD, 2) / max(1, 1 / zoom_out), zoom_out


def _render_crop(
    rng: np.random.Generator, picture: np.ndarray, roll: float, shift: np.ndarray, zoom_out: float
) -> np.ndarray:
    """Resample a canonical crop to (SIZE, SIZE, 3) uint8, with random blur, tone, light and noise.

    roll: of the face in the result [rad, clockwise on screen]; shift: of the face, x and y [halves
    of the side]; zoom_out: the result's side over that of the canonical crop, so that faces are
    smaller above 1.
    """
    linear = rotation_matrix(-roll) / zoom_out
    linear = linear * SIZE / WORKING_SIDE
    center = (np.full(2, 0.5) + shift / 2) * SIZE - 0.5
    matrix = np.c_[linear, center - linear @ np.full(2, (WORKING_SIDE - 1) / 2)]
    blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(*BLUR_RANGE))
    border_modes = (cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE)
    view = cv2.warpAffine(
        blurred,
        matrix,
        (SIZE, SIZE),
        borderMode=border_modes[rng.integers(3)],
        borderValue=tuple(map(float, rng.uniform(0, 255, 3))),
    )
    view = view * np.exp(rng.normal(0, LOG_GAIN_STD, 3))  # white balance
    view = 255 * np.clip(view / 255, 0, 1) ** np.exp(rng.normal(0, LOG_GAMMA_STD))
    view = (view - 128) * rng.uniform(*CONTRAST_RANGE) + 128 + rng.normal(0, BRIGHTNESS_STD)
    if rng.random() < DIRECTED_LIGHT_SHARE:
        view = view * directed_light(rng, SIZE)
    if rng.random() < GREY_SHARE:
        view = np.repeat(view.mean(2, keepdims=True), 3, 2)
    if rng.random() < LOW_LIGHT_SHARE:
        view = view * rng.uniform(*LOW_LIGHT_RANGE)
    view = view + rng.normal(0, rng.uniform(0, MAX_NOISE_STD), view.shape)
    return np.uint8(np.clip(view, 0, 255))


def load_pictures(data: Pairs) -> list[np.ndarray]:
    """Load all photos, and the targets of all pairs, since more of these show open mouths."""
    paths = [path for path, _ in data.photos] + [row.target for row in data.rows]
    return [data.picture(path) for path in dict.fromkeys(paths)]


def inspector_loss(inspector: Inspector, samples: list[Sample]) -> Tensor:
    """Smooth L1 of the roll vector, plus MOUTH_LOSS_WEIGHT times the cross-entropy of whether the
    mouth is covered, a mean over the samples with that label."""
    views, roll_vectors, covered, mouth_weight = (
        np.stack(column) for column in zip(*samples, strict=True)
    )
    pictures = torch.from_numpy(views).movedim(-1, 1).float() / 127.5 - 1
    output = inspector(pictures)
    roll_loss = F.smooth_l1_loss(output[:, :2], torch.from_numpy(roll_vectors), beta=SMOOTH_L1_BETA)
    truth, weight = (torch.from_numpy(x).float() for x in (covered, mouth_weight))
    mouth_loss = F.binary_cross_entropy_with_logits(output[:, 2], truth, weight, reduction="sum")
    return roll_loss + MOUTH_LOSS_WEIGHT * mouth_loss / weight.sum().clamp(min=1)


def train_inspector(
    data: Pairs, out: Path, steps: int = 4000, batch: int = 64, seed: int = 0
) -> Path:
    """Train an inspector, which takes minutes; write out/inspector.safetensors and return its path.

    batch: samples a step.
    """
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    pictures, inspector = load_pictures(data), Inspector().to(memory_format=torch.channels_last)

    def draw_loss(rng: np.random.Generator) -> Tensor:
        return inspector_loss(inspector, [draw_sample(pictures, rng) for _ in range(batch)])

    train_one_cycle(inspector, draw_loss, steps, MAX_RATE, WEIGHT_DECAY, seed)
    path = out / "inspector.safetensors"
    save_file({k: v.contiguous() for k, v in inspector.state_dict().items()}, path)
    return path
