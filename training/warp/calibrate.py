"""Calibration of the reader by people's own photographs: what it reads in one photo of a person,
asked of another one, shall move the face as far as the two differ.

A reader that is trained by squared errors reads strong expressions too weakly, so the expression
that it reads in a smile moves the lips less than the smile did. One factor for each unit, for both
sides alike, is fitted on the pairs of photographs (kind "real" of training/data/pairs.py) of the
training people, and folded into the reader's last layer. Fields and gains stay as they are.

B batch · D axes · U units.
"""

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import FACS
from moodganimation.networks.warp import WarpGenerator

from ..data.pairs import Batch, Pairs, collate
from ..ganimation import losses

STEPS, BATCH, RATE = 240, 8, 0.03
RIDGE = 0.02  # pull of the logarithm of a factor to 0, in units of the relative flow error
MOST = 2.0  # a factor and its inverse
EXPRESSION = np.array([axis.region not in ("gaze", "head") for axis in FACS.axes])


def calibrate(generator: WarpGenerator, data: Pairs, seed: int = 0) -> dict[str, float]:
    """Fit the factors and fold them into the reader of a FACS generator; returns them by unit.

    Raises ValueError for data without pairs of photographs.
    """
    rows = data.photographed
    if not rows or data.space != FACS or not generator.config.unit_fields:
        raise ValueError("Calibration takes a generator of FACS and pairs of two photographs each.")
    generator.eval().requires_grad_(False)
    logarithms = torch.zeros(generator.units, requires_grad=True)
    optimizer = torch.optim.Adam([logarithms], RATE)
    for step in tqdm(range(STEPS), desc="calibration"):
        rng = np.random.default_rng([seed, step])
        batch = collate([data.pair(i, rng) for i in rng.choice(rows, BATCH)], [data.photo(0)])
        loss = _error(generator, batch, logarithms) + RIDGE * logarithms.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            logarithms.clamp_(-np.log(MOST), np.log(MOST))
    factors = logarithms.detach().exp()
    fold(generator, factors)
    return dict(zip(axis_map(FACS).units, factors.tolist(), strict=True))


def fold(generator: WarpGenerator, factors: Tensor) -> None:
    """Multiply what the reader says of each unit (U,)."""
    by_axis = _by_axis(generator, factors)
    last = generator.reader[-1]
    last.weight.mul_(by_axis[:, None])
    last.bias.mul_(by_axis)


def _error(generator: WarpGenerator, batch: Batch, logarithms: Tensor) -> Tensor:
    """How far the motion between the readings of two photos is from that of their landmarks."""
    factors = _by_axis(generator, logarithms.exp())
    encoding = generator.encode(batch.source)
    before = (encoding.reading * factors).clamp(0, 1)
    after = (generator.read(batch.target) * factors).clamp(0, 1)
    after = torch.where(torch.from_numpy(EXPRESSION), after, before)
    motion, _ = generator.motion(generator.rebase(encoding, before), after)
    return losses.flow_error(losses.pixels(motion), losses.pixels(batch.flow), batch.known)


def _by_axis(generator: WarpGenerator, factors: Tensor) -> Tensor:
    """(D,) factors of the axes from those of the units (U,); 1 for gaze and head."""
    weights = generator.left_units.abs() + generator.right_units.abs()
    by_axis = weights @ factors / weights.sum(1).clamp(min=1)
    return torch.where(torch.from_numpy(EXPRESSION), by_axis, torch.ones_like(by_axis))
