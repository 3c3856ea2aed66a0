"""Smooth values that are measured frame by frame: less jitter, and no lag."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

TIME_SIGMA = 0.06  # of the Gaussian in time [s]
TRUNCATE = 2.5  # standard deviations beyond which frames take no part
MAX_RADIUS = 6  # frames on either side: they are held in memory

Item = TypeVar("Item")


def smoothing_radius(fps: float) -> int:
    """How many frames on either side of one take part in its smoothing, 1 to MAX_RADIUS."""
    return int(np.clip(np.ceil(TRUNCATE * TIME_SIGMA * fps), 1, MAX_RADIUS))


def windows(items: Iterable[Item], radius: int) -> Iterator[tuple[list[Item], int]]:
    """For every item, the list of it and up to `radius` items on either side, and its index in it.

    The list changes with the next step. Never holds more than 2 * radius + 1 items.
    """
    held, index = [], 0

    def advance():
        nonlocal index
        if index == radius:
            del held[0]
        else:
            index += 1

    for item in items:
        held.append(item)
        if len(held) - index > radius:
            yield held, index
            advance()
    while index < len(held):
        yield held, index
        advance()


def bilateral_smooth(values: np.ndarray, seconds: np.ndarray, index: int, sigma) -> np.ndarray:
    """Smooth the row `index` of values (n, D) that were measured at times (n,): (D,).

    A mean of all rows, weighted by a Gaussian in time (TIME_SIGMA) and one in value (`sigma`), as
    in the bilateral filter of Tomasi & Manduchi 1998: jitter smaller than sigma is averaged away,
    larger changes are followed at once. Values are compared with the median of the row and its two
    neighbors, so that a single outlier does not count. The first and the last row have one neighbor
    only: values are compared with the row's own, so an outlier there is kept (always so in live
    video, which smooths the last row).
    """
    inside = 0 < index < len(values) - 1
    near = values[index - 1 : index + 2] if inside else values[index : index + 1]
    center = np.median(near, axis=0)
    time_offset = (seconds - seconds[index])[:, None] / TIME_SIGMA
    exponent = -(np.square(time_offset) + np.square((values - center) / sigma)) / 2
    weights = np.exp(exponent - exponent.max(0))
    return (weights * values).sum(0) / weights.sum(0)
