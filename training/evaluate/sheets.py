"""Contact sheets for the page: sweeps, output panels and mood grids of the first photos.

Shapes: n pictures of S pixels a side, uint8 RGB; N photos, D axes of the generator's space.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from moodganimation.expressions.moods import convert_expression
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
)
from moodganimation.networks.compositing import resize

from .animations import target_expressions
from .photos import Photos
from .runner import Runner, pixels, stack_values
from .sweeps import Sweeps, levels_of

GRID_SIDE = 5  # levels of each of the two axes of a mood grid
GRID_PHOTOS = 2  # photos with a mood grid


class Sheet(NamedTuple):
    """Rows of pictures with common column headings."""

    title: str
    headings: list[str]
    rows: list[tuple[str, np.ndarray]]  # name, (n, S, S, 3)


def sweep_sheets(sweeps: Sweeps, space: ExpressionSpace, photos: Photos) -> list[Sheet]:
    """Make a sheet per axis: the first photos and their composites at every level."""
    sheets, faces = [], pixels(photos.faces[: len(sweeps.pictures)])
    for a, axis in enumerate(space.axes):
        headings = ["photo", *(f"{level:g}" for level in levels_of(axis))]
        rows = np.concatenate([faces[:, None], sweeps.pictures[:, a]], 1)
        title = f"{axis.key}: {axis.label}"
        sheets.append(Sheet(title, headings, list(zip(photos.names, rows, strict=False))))
    return sheets


def output_panels(runner: Runner, photos: Photos, starts: Tensor, count: int) -> list[Sheet]:
    """Make a sheet per target expression: photo, composite, attention and color."""
    faces, starts, sheets = photos.faces[:count], starts[:count], []
    encoding = runner.encode(faces, starts)
    targets = target_expressions(runner.measured)
    runner.stage("panels", len(faces) * len(targets))
    for name, values in targets.items():
        target = torch.tensor(values).float().expand(len(starts), -1)
        edit, _ = runner.edit(encoding, runner.to_conditions(target, starts))
        outputs = (faces, edit.composite, 2 * edit.attention - 1, edit.color)
        rows = np.stack([pixels(resize(output, faces.shape[-2:])) for output in outputs], 1)
        headings = ["photo", "composite", "attention (white: kept)", "color"]
        sheets.append(Sheet(name, headings, list(zip(photos.names, rows, strict=False))))
    return sheets


def mood_grids(
    runner: Runner, photos: Photos, readings: list[Expression], starts: Tensor
) -> list[Sheet]:
    """Make GRID_SIDE x GRID_SIDE sheets of edits over pleasure (or valence) and arousal.

    In spaces without a known meaning (c0, c1, ...) these are the first two axes. The other axes
    stay at the start. For Action Units, moods are converted to units. Spaces of a single axis have
    no grid.
    """
    levels, sheets = np.linspace(-1, 1, GRID_SIDE), []
    keys = PAD.keys if runner.measured == ACTION_UNITS else runner.space.keys
    if len(keys) < 2:
        return []
    runner.stage("mood grids", min(GRID_PHOTOS, len(starts)) * GRID_SIDE**2)
    for i in range(min(GRID_PHOTOS, len(starts))):
        encoding = runner.encode(photos.faces[i : i + 1], starts[i : i + 1])
        rows = []
        for y in levels[::-1]:
            conditions = [_grid_condition(runner, readings[i], starts[i], x, y) for x in levels]
            composites = [runner.edit(encoding, row[None])[0].composite for row in conditions]
            rows.append((f"{keys[1]} {y:+.1f}", pixels(torch.cat(composites))))
        headings = [f"{keys[0]} {x:+.1f}" for x in levels]
        sheets.append(Sheet(photos.names[i], headings, rows))
    return sheets


def _grid_condition(
    runner: Runner, reading: Expression, start: Tensor, x: float, y: float
) -> Tensor:
    """Make the condition (D,) at x, y of the grid."""
    if runner.measured == ACTION_UNITS:
        mood = Expression(VALENCE_AROUSAL, (x, y))
        target = stack_values([convert_expression(mood, ACTION_UNITS, reading)])
        return runner.to_conditions(target, start[None])[0]
    condition = start.clone()
    condition[:2] = torch.tensor([x, y])
    return condition
