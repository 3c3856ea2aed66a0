"""Runs a generator on batches of photos, and counts edits that are not finite."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from moodganimation.expressions.moods import convert_expression
from moodganimation.expressions.spaces import FACS, Expression, ExpressionSpace
from moodganimation.networks.base import Generator, State
from moodganimation.networks.compositing import Edit

from ..data.units import in_facs, units_of
from .estimator import Estimator, measurable, measured_space, to_expressions
from .photos import Photos

BATCH = 16  # photos per batch


class Runner:
    """A generator on a device, with the number of its edits and of those that are not finite.

    Three kinds of expression vectors: *starts* (N, D), as read in the photos, and *conditions*
    (N, D), the generator's input, both in its `space`; *requests* (N, K) in the space `measured`.
    Results are on the CPU, in float32.
    """

    def __init__(self, generator: Generator, space: ExpressionSpace, device: torch.device):
        self.generator = generator.to(device, memory_format=torch.channels_last)
        self.space, self.measured, self.device = space, measured_space(space), device
        self.edit_count, self.not_finite = 0, 0
        self.progress = tqdm(unit=" edits", mininterval=1)

    def stage(self, name: str, edits: int) -> None:
        """Restart the progress bar for a stage of so many edits."""
        self.progress.reset(edits)
        self.progress.set_description(name)

    def starts(self, photos: Photos, estimator: Estimator) -> tuple[list[Expression], Tensor]:
        """Return the estimator's readings of the photos, and the starts (N, D).

        Starts in spaces without a known meaning are the generator's own reading, or 0 without one.
        """
        readings = to_expressions(estimator.estimate(photos.estimator_faces)[0])
        if self.space == FACS:
            return self._starts_in_facs(readings, photos, estimator)
        if measurable(self.space):
            return readings, stack_values(convert_expression(r, self.space, r) for r in readings)
        zeros = torch.zeros(len(readings), len(self.space.axes))
        own_readings = [
            self.generator.reading(self._encode_photos(faces))
            for faces in photos.faces.split(BATCH)
        ]
        if own_readings[0] is None:
            return readings, zeros
        return readings, torch.cat(own_readings).float().cpu()

    def _starts_in_facs(self, readings: list[Expression], photos: Photos, estimator: Estimator):
        """As `starts`, for FACS; axes that the estimator does not know start at 0."""
        if estimator.estimate_facs is None:
            zeros = torch.zeros(len(readings), len(FACS.axes))
            return readings, in_facs(stack_values(readings), zeros)
        values = estimator.estimate_facs(photos.estimator_faces).clip(0, 1)
        return to_expressions(units_of(values)), torch.from_numpy(values).float()

    def to_conditions(self, values: Tensor, starts: Tensor) -> Tensor:
        """Convert requests (N, K) to conditions (N, D).

        FACS has more axes than `measured`; the others stay at `starts`.
        """
        return in_facs(values, starts) if self.space == FACS else values

    def with_axis(self, starts: Tensor, key: str, level: float) -> Tensor:
        """Make conditions from starts, with one axis of `measured` set to a level."""
        conditions = starts.clone()
        conditions[:, list(self.space.indices(key))] = level
        return conditions

    def encode(self, faces: Tensor, starts: Tensor):
        """Encode faces; a generator that edits relative to a reading takes `starts` as reading."""
        return self.generator.with_reading(self._encode_photos(faces), starts.to(self.device))

    @torch.inference_mode()
    def edit(self, encoding, condition: Tensor, state: State | None = None) -> tuple[Edit, State]:
        """Edit each photo once; edits with values that are not finite are counted, and these values
        set to 0."""
        edit, state = self.generator.edit(encoding, condition.to(self.device), state)
        edit = edit.map(lambda x: x.float().cpu())
        outputs = [x for x in edit if x is not None]
        is_finite = torch.stack([x.isfinite().flatten(1).all(1) for x in outputs]).all(0)
        self.edit_count += len(is_finite)
        self.not_finite += int((~is_finite).sum())
        self.progress.update(len(is_finite))
        return edit.map(lambda x: x.nan_to_num(0, 0, 0)), state

    @torch.inference_mode()
    def _encode_photos(self, faces: Tensor):
        """Encode faces without change of their reading."""
        faces = faces.to(self.device).contiguous(memory_format=torch.channels_last)
        return self.generator.encode(faces)


def stack_values(expressions: Iterable[Expression]) -> Tensor:
    """Stack the values of expressions of one space to (N, D)."""
    return torch.tensor([item.values for item in expressions], dtype=torch.float32)


def pixels(pictures: Tensor) -> np.ndarray:
    """Convert (N, 1 or 3, H, W) in [-1, 1] to (N, H, W, 3) uint8 RGB."""
    values = ((pictures.expand(-1, 3, -1, -1) + 1) * 127.5).round().clamp(0, 255)
    return values.byte().movedim(1, -1).numpy()
