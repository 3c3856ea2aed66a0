"""Calibration of the reader on pairs of photographs of one person.

With the readings of both photographs as conditions, the generator's motion should equal the flow
between their landmarks. A reader trained on labels alone is not trained for that. Its `FaceReader`
is therefore fine-tuned on two terms: the error of that motion (pairs of the kind "real", see
training/data/pairs.py), and the error of readings of labelled photos. Encoder, `EyeReader`, motion
fields and gains are frozen.

B batch · D axes
"""

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from moodganimation.expressions.spaces import FACS
from moodganimation.networks.warp import WarpGenerator

from ..data.pair_batches import PairBatch, collate
from ..data.pairs import Pairs
from . import losses

STEPS = 400
PAIRS, PHOTOS = 8, 24  # pairs of photographs, and labelled photos, of a step
RATE, WEIGHT_DECAY = 3e-4, 1e-2
LABEL_LOSS_WEIGHT = 20.0  # of the label error; the motion error has the weight 1
OPEN_MOUTH_SHARE = 0.2  # of photos drawn from those with open mouths
# Axes whose motion the flow of a pair of photographs includes: all but gaze and head.
IN_FLOW = torch.tensor([axis.region not in ("gaze", "head") for axis in FACS.axes])


def calibrate(generator: WarpGenerator, data: Pairs, seed: int = 0) -> dict[str, float]:
    """Train the reader of a FACS generator, in place, and return its errors.

    The learning rate falls linearly to 0. Returns the mean errors of the first and of the last
    tenth of the steps as "motion, first", "labels, first", "motion, last" and "labels, last".
    Raises ValueError for a generator of another space, and for data without pairs of photographs.
    """
    rows = data.second_photo_rows
    if not rows or data.space != FACS or not generator.config.has_sides:
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
        batch = collate(pairs, [data.draw_photo(rng, OPEN_MOUTH_SHARE) for _ in range(PHOTOS)])
        motion, labels = motion_error(generator, batch), label_error(generator, batch)
        optimizer.zero_grad()
        (motion + LABEL_LOSS_WEIGHT * labels).backward()
        optimizer.step()
        errors.append((motion.item(), labels.item()))
    generator.requires_grad_(False)
    tenths = {"first": errors[: STEPS // 10], "last": errors[-STEPS // 10 :]}
    return {
        f"{term}, {name}": float(np.mean(values))
        for name, tenth in tenths.items()
        for term, values in zip(("motion", "labels"), zip(*tenth, strict=True), strict=True)
    }


def motion_error(generator: WarpGenerator, batch: PairBatch) -> Tensor:
    """Error of the motion from the source's reading to the target's, against the flow between their
    landmarks.

    Gaze and head stay those of the source, since that flow excludes them.
    """
    with torch.no_grad():
        encoding = generator.encode(batch.source)
    before, after = (
        straight_through_reading(generator, photo) for photo in (batch.source, batch.target)
    )
    after = torch.where(IN_FLOW, after, before)
    motion, _ = generator.motion_and_light(generator.with_reading(encoding, before), after)
    return losses.flow_error(
        losses.to_pixels(motion), losses.to_pixels(batch.flow), batch.field_weight
    )


def label_error(generator: WarpGenerator, batch: PairBatch) -> Tensor:
    """Error of the readings of labelled photos, as in training."""
    with torch.no_grad():
        features = generator.pyramid(batch.photos)
    reading = generator.unclamped_reading(features)
    return losses.expression_error(reading, batch.labels, losses.label_weight(batch.labels))


def straight_through_reading(generator: WarpGenerator, photo: Tensor) -> Tensor:
    """The reading (B, D) clamped to [0, 1], with the gradient of the unclamped one.

    Bengio et al. 2013, "Straight-through estimator".
    """
    with torch.no_grad():
        features = generator.pyramid(photo)
    reading = generator.unclamped_reading(features)
    return reading + (reading.clamp(0, 1) - reading).detach()
