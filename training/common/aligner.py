"""Training the aligner: canonical crops are shifted, scaled and turned, and it has to undo it."""

import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tqdm import tqdm

from moodganimation.faces.alignment import SIZE, VIEW, Aligner

from ..data.augment import LIT, cover, directed_light
from ..data.pairs import FRAME, Pairs

SPREAD = np.array([0.13, 0.13, 0.11, 0.13])  # x, y [halves of side], log of side, roll [rad]
COVERED = 0.15  # share of views with something in front of the face


def draw(data: Pairs, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A coarse view (SIZE, SIZE, 3) uint8 of a random photo, and where its canonical crop is."""
    picture = data.picture(data.photos[rng.integers(len(data.photos))][0])
    canonical = rng.normal(0, SPREAD) * rng.uniform(0, 1.3)
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    x, y, scale, roll = canonical
    # frame pixel -> canonical coordinates -> coarse coordinates -> pixel of the view
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]) * np.exp(scale)
    turn = turn / (FRAME / 2)
    matrix = np.c_[turn, (x, y) - turn @ np.full(2, (FRAME - 1) / 2)] * (SIZE / 2 / VIEW)
    matrix[:, 2] += (SIZE - 1) / 2
    soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 1.6))
    view = cv2.warpAffine(soft, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT_101)
    view = view.astype(np.float32) * np.exp(rng.normal(0, 0.08, 3)) + rng.normal(0, 12)
    if rng.random() < LIT:
        view = view * directed_light(rng, SIZE)
    if rng.random() < COVERED:
        cover(rng, view)
    if rng.random() < 0.2:
        view = np.repeat(view.mean(2, keepdims=True), 3, 2)
    view = view + rng.normal(0, rng.uniform(0, 6), view.shape)
    return np.uint8(np.clip(view, 0, 255)), canonical.astype(np.float32)


def train_aligner(data: Pairs, out: Path, steps: int = 5000, batch: int = 64, seed: int = 0):
    """Writes out/aligner.safetensors; restart to train again (minutes)."""
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    aligner = Aligner().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(aligner.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    weight, began, bar = torch.tensor(1 / SPREAD).float(), time.monotonic(), tqdm(range(steps))
    for step in bar:
        rng = np.random.default_rng([seed, step])
        views, truth = (
            np.stack(c) for c in zip(*(draw(data, rng) for _ in range(batch)), strict=True)
        )
        pictures = torch.from_numpy(views).movedim(-1, 1).float() / 127.5 - 1
        error = (aligner(pictures) - torch.from_numpy(truth)) * weight
        loss = F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            bar.set_postfix(
                loss=f"{float(loss):.4f}", minutes=f"{(time.monotonic() - began) / 60:.1f}"
            )
    path = out / "aligner.safetensors"
    save_file({k: v.contiguous() for k, v in aligner.state_dict().items()}, path)
    return path
