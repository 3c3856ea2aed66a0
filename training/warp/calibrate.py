"""Calibration of the reader by people's own photographs: what it reads in one photo of a person,
asked of another one, shall move the face as far as the two differ.

A reader that learns from labels alone does not know what the fields make of its readings. So its
last layers go on learning from both: from the motion between two photographs of the training people
(pairs of the kind "real", see training/data/pairs.py), which the fields must reach from one reading
to the other, and from labels. Encoder, fields and gains stay as they are.

B batch · D axes.
"""

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from moodganimation.expressions.spaces import FACS
from moodganimation.networks.warp import WarpGenerator

from ..data.pairs import Batch, Pairs, collate
from ..ganimation import losses

STEPS, PAIRS, PHOTOS = 400, 8, 24
RATE, WEIGHT_DECAY = 3e-4, 1e-2
LABELS = 20.0  # weight of the labels' error, in that of the relative flow error
OPENING = 0.2  # share of photos drawn among those with open mouths
EXPRESSION = torch.tensor([axis.region not in ("gaze", "head") for axis in FACS.axes])


def calibrate(generator: WarpGenerator, data: Pairs, seed: int = 0) -> dict[str, float]:
    """Train the reader of a FACS generator; returns the mean errors of the first and of the last
    tenth of the steps.

    Raises ValueError for data without pairs of photographs.
    """
    rows = data.photographed
    if not rows or data.space != FACS or not generator.config.unit_fields:
        raise ValueError("Calibration takes a generator of FACS and pairs of two photographs each.")
    generator.eval().requires_grad_(False)
    generator.reader.requires_grad_(True)
    optimizer = torch.optim.AdamW(generator.reader.parameters(), RATE, weight_decay=WEIGHT_DECAY)
    errors = []
    for step in tqdm(range(STEPS), desc="calibration"):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        rng = np.random.default_rng([seed, step])
        pairs = [data.pair(i, rng) for i in rng.choice(rows, PAIRS)]
        batch = collate(pairs, [data.labelled(rng, OPENING) for _ in range(PHOTOS)])
        motion, labels = motion_error(generator, batch), label_error(generator, batch)
        optimizer.zero_grad()
        (motion + LABELS * labels).backward()
        optimizer.step()
        errors.append((motion.item(), labels.item()))
    generator.requires_grad_(False)
    ends = {"first": errors[: STEPS // 10], "last": errors[-STEPS // 10 :]}
    return {
        f"{what}, {name}": float(np.mean(values))
        for name, part in ends.items()
        for what, values in zip(("motion", "labels"), zip(*part, strict=True), strict=True)
    }


def motion_error(generator: WarpGenerator, batch: Batch) -> Tensor:
    """How far the motion between the readings of two photos is from that of their landmarks."""
    with torch.no_grad():
        encoding = generator.encode(batch.source)
    before, after = (read(generator, photo) for photo in (batch.source, batch.target))
    after = torch.where(EXPRESSION, after, before)
    motion, _ = generator.motion(generator.rebase(encoding, before), after)
    return losses.flow_error(losses.pixels(motion), losses.pixels(batch.flow), batch.known)


def label_error(generator: WarpGenerator, batch: Batch) -> Tensor:
    """Error of what is read in labelled photos, as in training."""
    with torch.no_grad():
        features = generator._pyramid(batch.photos)[-1]
    reading = generator.reader(features).float()
    return losses.expression_error(reading, batch.labels, 1 + 2 * batch.labels)


def read(generator: WarpGenerator, photo: Tensor) -> Tensor:
    """The reading (B, D) in [0, 1], whose gradient does not stop at the ends."""
    with torch.no_grad():
        features = generator._pyramid(photo)[-1]
    reading = generator.reader(features).float()
    return reading + (reading.clamp(0, 1) - reading).detach()
