"""Training of the aligner on canonical crops with a random, known shift, scale and roll."""

from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from moodganimation.faces.alignment import INPUT_SHARE, SIZE, Aligner
from moodganimation.faces.portrait import rotation_matrix

from ..data.augment import DIRECTED_LIGHT_SHARE, crop_to_face_matrix, directed_light, draw_ellipse
from ..data.pairs import Pairs
from .one_cycle import train_one_cycle

MAX_RATE, WEIGHT_DECAY = 2e-3, 1e-4
# Offsets are normal with these standard deviations, times a factor that is drawn for each sample,
# uniformly from 0 to MAX_OFFSET_FACTOR: x, y [halves of the coarse crop's side], log of the
# scale, roll [rad].
OFFSET_STDS = np.array([0.13, 0.13, 0.11, 0.13])
MAX_OFFSET_FACTOR = 1.3
# Shares of views:
MIRROR_SHARE = 0.5
OCCLUDED_SHARE = 0.15  # with an ellipse anywhere in the view, see `draw_ellipse`
GREY_SHARE = 0.2
# Degradation of views, whose values are 0 to 255:
BLUR_RANGE = (0.5, 1.6)  # standard deviation of a Gaussian [px of the picture]
LOG_GAIN_STD = 0.08  # of each color channel
BRIGHTNESS_STD = 12  # of what is added to the whole view
MAX_NOISE_STD = 6
SMOOTH_L1_BETA = 0.1  # error [OFFSET_STDS] below which the loss is quadratic


def draw_sample(data: Pairs, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw a coarse view of a random photo, and the offset of its canonical crop.

    Returns (SIZE, SIZE, 3) uint8, and the offset that the aligner predicts for it, (4,) float32:
    x, y [halves of the coarse crop's side], log of the scale, roll [rad].
    """
    path, _ = data.photos[rng.integers(len(data.photos))]
    picture = data.picture(path)
    offset = rng.normal(0, OFFSET_STDS) * rng.uniform(0, MAX_OFFSET_FACTOR)
    if rng.random() < MIRROR_SHARE:
        picture = picture[:, ::-1]
    x, y, log_scale, roll = offset
    # Pixel of the picture -> face coordinates of the canonical crop -> those of the coarse crop ->
    # pixel of the view.
    matrix = np.exp(log_scale) * rotation_matrix(-roll) @ crop_to_face_matrix(len(picture))
    matrix[:, 2] += x, y
    matrix *= SIZE / 2 / INPUT_SHARE
    matrix[:, 2] += (SIZE - 1) / 2
    blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(*BLUR_RANGE))
    view = cv2.warpAffine(blurred, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT_101)
    view = view.astype(np.float32) * np.exp(rng.normal(0, LOG_GAIN_STD, 3))
    view = view + rng.normal(0, BRIGHTNESS_STD)
    if rng.random() < DIRECTED_LIGHT_SHARE:
        view = view * directed_light(rng, SIZE)
    if rng.random() < OCCLUDED_SHARE:
        draw_ellipse(rng, view)
    if rng.random() < GREY_SHARE:
        view = np.repeat(view.mean(2, keepdims=True), 3, 2)
    view = view + rng.normal(0, rng.uniform(0, MAX_NOISE_STD), view.shape)
    return np.uint8(np.clip(view, 0, 255)), offset.astype(np.float32)


def aligner_loss(aligner: Aligner, samples: list[tuple[np.ndarray, np.ndarray]]) -> Tensor:
    """Smooth L1 of the predicted offsets, in units of OFFSET_STDS; samples: see `draw_sample`."""
    views, offsets = (np.stack(column) for column in zip(*samples, strict=True))
    pictures = torch.from_numpy(views).movedim(-1, 1).float() / 127.5 - 1
    inverse_stds = torch.tensor(1 / OFFSET_STDS).float()
    error = (aligner(pictures) - torch.from_numpy(offsets)) * inverse_stds
    return F.smooth_l1_loss(error, torch.zeros_like(error), beta=SMOOTH_L1_BETA)


def train_aligner(
    data: Pairs, out: Path, steps: int = 5000, batch: int = 64, seed: int = 0
) -> Path:
    """Train an aligner, which takes minutes; write out/aligner.safetensors and return its path.

    batch: samples a step.
    """
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    aligner = Aligner().to(memory_format=torch.channels_last)

    def draw_loss(rng: np.random.Generator) -> Tensor:
        return aligner_loss(aligner, [draw_sample(data, rng) for _ in range(batch)])

    train_one_cycle(aligner, draw_loss, steps, MAX_RATE, WEIGHT_DECAY, seed)
    path = out / "aligner.safetensors"
    save_file({k: v.contiguous() for k, v in aligner.state_dict().items()}, path)
    return path
