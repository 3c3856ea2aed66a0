"""Batches of before/after pairs, and of photos with labels.

B pairs · P photos · D axes · S x S pixels.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class PairSample(NamedTuple):
    """A pair in one view, as arrays without the dimension B; see the fields of `PairBatch`."""

    source: np.ndarray
    target: np.ndarray
    before: np.ndarray
    after: np.ndarray
    flow: np.ndarray
    field_weight: np.ndarray
    mouth: np.ndarray
    light: np.ndarray
    jaws: np.ndarray
    face_distance: np.ndarray
    depth: np.ndarray
    lateral_position: np.ndarray
    same_light: np.ndarray


class PairBatch(NamedTuple):
    """B pairs and P labelled photos; pictures in [-1, 1], conditions in [0, 1]."""

    source: Tensor  # (B, 3, S, S)
    target: Tensor  # (B, 3, S, S): the same face with the other expression
    before: Tensor  # (B, D)
    after: Tensor  # (B, D)
    # The next four are in the geometry of the target, and 0 for pairs whose motion is not known, as
    # those from render to photo.
    flow: Tensor  # (B, 2, S, S): backward, in halves of the side
    field_weight: Tensor  # (B, 1, S, S): of flow and light in losses: 1 - mouth
    mouth: Tensor  # (B, 1, S, S): share of the inside of the mouth, which is painted and not moved
    # (B, 1, S, S): relative change of brightness; NaN where the motion is known but the light is
    # not (second photos)
    light: Tensor
    jaws: Tensor  # (B, 15): placement of the teeth, see `JawPlacement`; NaN where unknown
    face_distance: (
        Tensor  # (B, 1, S, S): of the source, see `View.face_distance`; NaN where unknown
    )
    depth: Tensor  # (B, 1, S, S): of the source, see `View.convert_depth`; NaN where unknown
    lateral_position: Tensor  # (B, 1, S, S): of the source; NaN where unknown
    same_light: Tensor  # (B, 1, 1, 1): 0 if the target is a second photo of the person, else 1
    photos: Tensor  # (P, 3, S, S)
    labels: Tensor  # (P, D)

    def to(self, device) -> "PairBatch":
        """Move the batch to a device."""
        return PairBatch(*(x.to(device, non_blocking=True) for x in self))


class SamplingOptions(NamedTuple):
    """How many pairs and photos a batch has, and how they are drawn."""

    pair_count: int
    photo_count: int
    reverse_share: float = 0.0  # of pairs that go from the render to the real photo
    # Probability of drawing only from pairs that open the mouth, or from photos with an open one;
    # other draws take all.
    opening_share: float = 0.0


def collate(pairs: list[PairSample], photos: list[tuple]) -> PairBatch:
    """Stack pairs, and photos with their labels, to a batch."""
    columns = [*zip(*pairs, strict=True), *zip(*photos, strict=True)]
    stacked = (torch.from_numpy(np.stack(column)) for column in columns)
    return PairBatch(
        *(x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in stacked)
    )
