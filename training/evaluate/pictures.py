"""What a person looks at: panels and mood grids of the first photos. Pictures uint8 RGB."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from moodganimation.expressions.moods import in_space
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
)
from moodganimation.networks.compositing import resize

from .motion import destinations
from .photos import Photos
from .runner import Studio, conditions, pixels
from .sweeps import Sweeps, levels_of

GRID = 5  # values of each of the two axes of a mood grid
GRIDS = 2  # photos that get one


class Sheet(NamedTuple):
    """Rows of pictures under common heads."""

    title: str
    heads: list[str]
    rows: list[tuple[str, np.ndarray]]  # name, (n, S, S, 3)


def sweep_sheets(made: Sweeps, space: ExpressionSpace, photos: Photos) -> list[Sheet]:
    """For each axis the first photos and their composites at every level."""
    sheets, faces = [], pixels(photos.faces[: len(made.shown)])
    for a, axis in enumerate(space.axes):
        heads = ["photo", *(f"{level:g}" for level in levels_of(axis))]
        rows = np.concatenate([faces[:, None], made.shown[:, a]], 1)
        title = f"{axis.key}: {axis.label}"
        sheets.append(Sheet(title, heads, list(zip(photos.names, rows, strict=False))))
    return sheets


def panels(studio: Studio, photos: Photos, starts: Tensor, shown: int) -> list[Sheet]:
    """Photo, composite, attention and color of each destination."""
    faces, begin, sheets = photos.faces[:shown], starts[:shown], []
    encoding = studio.encode(faces, begin)
    there = destinations(studio.measured)
    studio.stage("panels", len(faces) * len(there))
    for name, point in there.items():
        asked = torch.tensor(point).float().expand(len(begin), -1)
        edit, _ = studio.edit(encoding, studio.conditions(asked, begin))
        parts = (faces, edit.composite, 2 * edit.attention - 1, edit.color)
        rows = np.stack([pixels(resize(part, faces.shape[-2:])) for part in parts], 1)
        heads = ["photo", "composite", "attention (white: kept)", "color"]
        sheets.append(Sheet(name, heads, list(zip(photos.names, rows, strict=False))))
    return sheets


def mood_grids(
    studio: Studio, photos: Photos, readings: list[Expression], starts: Tensor
) -> list[Sheet]:
    """The first two mood axes against each other, GRID x GRID; nameless spaces use their own.

    Dominance stays as it is read. Spaces of a single axis have no grid.
    """
    steps, sheets = np.linspace(-1, 1, GRID), []
    keys = PAD.keys if studio.measured == ACTION_UNITS else studio.space.keys
    if len(keys) < 2:
        return []
    studio.stage("mood grids", min(GRIDS, len(starts)) * GRID**2)
    for i in range(min(GRIDS, len(starts))):
        encoding = studio.encode(photos.faces[i : i + 1], starts[i : i + 1])
        rows = []
        for y in steps[::-1]:
            points = [_point(studio, readings[i], starts[i], x, y) for x in steps]
            made = [studio.edit(encoding, point[None])[0].composite for point in points]
            rows.append((f"{keys[1]} {y:+.1f}", pixels(torch.cat(made))))
        heads = [f"{keys[0]} {x:+.1f}" for x in steps]
        sheets.append(Sheet(photos.names[i], heads, rows))
    return sheets


def _point(studio: Studio, reading: Expression, start: Tensor, x: float, y: float) -> Tensor:
    """The condition (D,) of a place on the grid."""
    if studio.measured == ACTION_UNITS:
        mood = Expression(VALENCE_AROUSAL, (x, y))
        asked = conditions([in_space(mood, ACTION_UNITS, reading)])
        return studio.conditions(asked, start[None])[0]
    point = start.clone()
    point[:2] = torch.tensor([x, y])
    return point
