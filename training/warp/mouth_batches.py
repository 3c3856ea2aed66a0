"""Batches of mouths for the training of the refiner: matched in size, augmented, and cropped to
their paint.

B windows · h x w pixels of a window
"""

from typing import NamedTuple

import torch
from torch import Tensor

from moodganimation.networks.refiner import (
    DARKEST,
    MAX_RATIO,
    MouthDrawing,
    estimate_skin_light,
    painted_boxes,
)

from .mouths import Mouths

# Shares of the windows that are augmented: made grey, dimmed, lit from one side, and of photographs
# with the upper part of the true mouth shown as known.
GREY, DIM, SIDE_LIT, PARTLY_KNOWN = 0.12, 0.25, 0.3, 0.2
# Ranges of the augmentation.
GAMMA, CHANNEL_GAIN, DIM_GAIN = (0.75, 1.3), (0.8, 1.15), (0.15, 0.9)
# Logarithm of the gain at the right border of the window; the left border has its negative.
SIDE_LIGHT = (-0.9, 0.9)
WHITE_GAIN = (0.85, 1.15)  # of the predicted color of white teeth
KNOWN_HEIGHT = (0.1, 0.5)  # of the window, above which the mouth is known


class MouthBatch(NamedTuple):
    """Windows of mouths with their targets."""

    drawing: MouthDrawing
    target: Tensor  # (B, 3, h, w) in [0, 1]
    photographed: Tensor  # (B, 1, 1, 1): 1 if the target is a photograph of the mouth, else 0


def sample_batch(
    data: Mouths, count: int, groups: int, similar: int, rng: torch.Generator
) -> MouthBatch:
    """Sample `count` edits of about one size, and for each a photographed mouth of its height and
    width, so that the critic cannot recognize edits by their size; the photographs come first.

    groups: number of groups of edits by size, one of which is used; similar: number of photographs
    nearest in size from which one is drawn. There must be a photograph and an edit.
    """
    groups = min(groups, len(data.edits_by_size))
    group = int(torch.randint(groups, (), generator=rng))
    candidates = data.edits_by_size.tensor_split(groups)[group]
    edits = candidates[torch.randint(len(candidates), (count,), generator=rng)]
    nearest = data.similar_photographed(edits, similar)
    column = torch.randint(nearest.shape[1], (count, 1), generator=rng)
    return augment(select(data, torch.cat([nearest.gather(1, column)[:, 0], edits])), rng)


def select(data: Mouths, rows: Tensor) -> MouthBatch:
    """The windows of some rows (B,), as floats."""
    photo, target, hole, known, teeth = (
        x[rows].float() / 255 for x in (data.photo, data.target, data.hole, data.known, data.teeth)
    )
    drawing = MouthDrawing(photo, hole, known, teeth, data.white[rows], data.saturation[rows])
    return MouthBatch(drawing, target, data.photographed[rows].float()[:, None, None, None])


def augment(batch: MouthBatch, rng: torch.Generator) -> MouthBatch:
    """Mirror windows, change their colors and their light, scale the brightness of their rendered
    teeth, and show the upper part of some true mouths as known."""
    drawing, target, photographed = batch
    count, height, width = len(target), *target.shape[-2:]

    def uniform(range_: tuple[float, float], *shape: int) -> Tensor:
        low, high = range_
        return low + (high - low) * torch.rand(count, *shape, generator=rng)

    def chosen(share: float) -> Tensor:
        return uniform((0, 1), 1, 1, 1) < share

    mirrored, grey = chosen(0.5), chosen(GREY).float()
    gamma, gain = uniform(GAMMA, 1, 1, 1), uniform(CHANNEL_GAIN, 3, 1, 1)
    gain = gain * torch.where(chosen(DIM), uniform(DIM_GAIN, 1, 1, 1), 1)
    gradient = torch.where(chosen(SIDE_LIT), uniform(SIDE_LIGHT, 1, 1, 1), 0)
    side_light = (gradient * torch.linspace(-1, 1, width)).exp()

    def mirror(x: Tensor) -> Tensor:
        return torch.where(mirrored, x.flip(-1), x)

    def recolor(x: Tensor) -> Tensor:
        x = x.clamp(0, 1) ** gamma * gain
        return (x + grey * (x.mean(1, keepdim=True) - x)).clamp(0, 1)

    photo, target = ((recolor(mirror(x)) * side_light).clamp(0, 1) for x in (drawing.photo, target))
    white = recolor(drawing.white[..., None, None])[..., 0, 0] * uniform(WHITE_GAIN, 1)
    hole, known, teeth = map(mirror, (drawing.hole, drawing.known, drawing.teeth))
    partly_known = photographed * chosen(PARTLY_KNOWN).float()
    edge = height * uniform(KNOWN_HEIGHT, 1, 1, 1)
    above = (edge - torch.arange(height)[:, None]).clamp(0, 1)
    known = torch.maximum(known, partly_known * hole * above)
    saturation = drawing.saturation * (1 - grey)
    return MouthBatch(
        MouthDrawing(photo, hole, known, teeth, white, saturation), target, photographed
    )


def crop_to_paint(batch: MouthBatch) -> tuple[MouthDrawing, Tensor, Tensor, Tensor]:
    """Return the drawing, the target and the skin light of a batch, all cropped to one box around
    its paint, and the mean skin light (B, 3, 1, 1) of the whole windows."""
    drawing, skin_light = batch.drawing, estimate_skin_light(batch.drawing.photo)
    painted = drawing.paint.amax(0, keepdim=True)
    (_, (rows, columns)), *_ = painted_boxes(painted)
    box = ..., rows, columns
    near = MouthDrawing(*(x[box] for x in drawing[:4]), *drawing[4:])
    return near, batch.target[box], skin_light[box], skin_light.mean((2, 3), keepdim=True)


def ratios_of(picture: Tensor, skin_light: Tensor) -> Tensor:
    """Colors (B, 3, h, w) in [0, 1] divided by the skin light: in [0, MAX_RATIO]."""
    return ((picture + DARKEST) / (skin_light + DARKEST)).clamp(0, MAX_RATIO)
