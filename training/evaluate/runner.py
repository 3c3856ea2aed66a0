"""A generator at work: batches of photos and conditions in, finite edits on the CPU out."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from moodganimation.expressions.moods import in_space
from moodganimation.expressions.spaces import FACS, Expression, ExpressionSpace
from moodganimation.networks.base import Generator, State
from moodganimation.networks.compositing import Edit

from ..data.units import in_facs, units_of
from .estimator import Estimator, expressions, measurable, measured_space
from .photos import Photos

BATCH = 16  # photos a step


class Studio:
    """Counts what it makes, and what of that is not finite.

    Starts and conditions are (N, D) in `space`; what is asked, and shown, is in `measured`.
    """

    def __init__(self, generator: Generator, space: ExpressionSpace, device: torch.device):
        self.generator = generator.to(device, memory_format=torch.channels_last)
        self.space, self.measured, self.device = space, measured_space(space), device
        self.made, self.broken = 0, 0
        self.progress = tqdm(unit=" edits", mininterval=1)

    def stage(self, name: str, edits: int) -> None:
        """Say what is being made, and of how many edits it consists."""
        self.progress.reset(edits)
        self.progress.set_description(name)

    def starts(self, photos: Photos, estimator: Estimator) -> tuple[list[Expression], Tensor]:
        """What the estimator reads in the photos, and the same in the generator's space (N, D).

        Nameless axes cannot be read: they start where the generator itself reads them, or at 0.
        """
        readings = expressions(estimator.look(photos.views)[0])
        if self.space == FACS:
            return self._starts_in_facs(readings, photos, estimator)
        if measurable(self.space):
            return readings, conditions(in_space(r, self.space, r) for r in readings)
        zeros = torch.zeros(len(readings), len(self.space.axes))
        encode, reading = self._encode, self.generator.reading
        own = [reading(encode(faces)) for faces in photos.faces.split(BATCH)]
        return readings, zeros if own[0] is None else torch.cat(own).float().cpu()

    def _starts_in_facs(self, readings: list[Expression], photos: Photos, estimator: Estimator):
        """As `starts`; all but the 17 units starts at 0 if the estimator sees nothing else."""
        if estimator.read is None:
            zeros = torch.zeros(len(readings), len(FACS.axes))
            return readings, in_facs(conditions(readings), zeros)
        values = estimator.read(photos.views).clip(0, 1)
        return expressions(units_of(values)), torch.from_numpy(values).float()

    def conditions(self, values: Tensor, starts: Tensor) -> Tensor:
        """What is asked (N, K) in `measured` of faces that show `starts`, as conditions."""
        return in_facs(values, starts) if self.space == FACS else values

    def with_axis(self, starts: Tensor, key: str, level: float) -> Tensor:
        """Starts with one axis of `measured` at a level."""
        changed = starts.clone()
        changed[:, list(self.space.positions(key))] = level
        return changed

    def encode(self, faces: Tensor, starts: Tensor):
        """As the page does it: a generator that works by changes starts from what was read."""
        return self.generator.rebase(self._encode(faces), starts.to(self.device))

    @torch.inference_mode()
    def edit(self, encoding, condition: Tensor, state: State | None = None) -> tuple[Edit, State]:
        """One edit of each photo; values that are not finite become 0, and are counted."""
        edit, state = self.generator.edit(encoding, condition.to(self.device), state)
        edit = edit.map(lambda x: x.float().cpu())
        parts = [x for x in edit if x is not None]
        fine = torch.stack([x.isfinite().flatten(1).all(1) for x in parts]).all(0)
        self.made, self.broken = self.made + len(fine), self.broken + int((~fine).sum())
        self.progress.update(len(fine))
        return edit.map(lambda x: x.nan_to_num(0, 0, 0)), state

    @torch.inference_mode()
    def _encode(self, faces: Tensor):
        faces = faces.to(self.device).contiguous(memory_format=torch.channels_last)
        return self.generator.encode(faces)


def conditions(points: Iterable[Expression]) -> Tensor:
    """Expressions of one space as (N, D)."""
    return torch.tensor([point.values for point in points], dtype=torch.float32)


def pixels(pictures: Tensor) -> np.ndarray:
    """(N, 1 or 3, H, W) in [-1, 1] -> (N, H, W, 3) uint8 RGB."""
    values = ((pictures.expand(-1, 3, -1, -1) + 1) * 127.5).round().clamp(0, 255)
    return values.byte().movedim(1, -1).numpy()
