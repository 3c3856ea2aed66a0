"""Smooth values that are measured frame by frame, without lag behind the picture."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

TIME_SIGMA = 0.06  # of the Gaussian in time [s]
TRUNCATE = 2.5  # radius of the Gaussian in standard deviations
MAX_RADIUS = 6  # frames on either side; all of them are in memory

Item = TypeVar("Item")


def smoothing_radius(fps: float) -> int:
    """The number of frames on either side of a frame that smooth it, 1 to MAX_RADIUS."""
    return int(np.clip(np.ceil(TRUNCATE * TIME_SIGMA * fps), 1, MAX_RADIUS))


def windows(items: Iterable[Item], radius: int) -> Iterator[tuple[list[Item], int]]:
    """Slide a window over items: for each, the list of it and up to `radius` items on either side,
    and its index in that list.

    It is one list, which the next step changes. It never has more than 2 * radius + 1 items.
    """
    window, index = [], 0

    def advance():
        nonlocal index
        if index == radius:
            del window[0]
        else:
            index += 1

    for item in items:
        window.append(item)
        if len(window) - index > radius:
            yield window, index
            advance()
    while index < len(window):
        yield window, index
        advance()


def bilateral_smooth(
    values: np.ndarray, seconds: np.ndarray, index: int, sigma: float
) -> np.ndarray:
    """Smooth the row `index` of values (n, D) that were measured at times (n,) [s]: (D,).

    Each of the D columns is smoothed by itself. sigma: in the unit of the values.

    The mean of all rows, weighted by a Gaussian of time (TIME_SIGMA) and one of value (`sigma`),
    the bilateral filter of Tomasi & Manduchi 1998: jitter smaller than sigma is averaged out, and
    larger changes are kept. Values are compared with the median of the row and its two
    neighbors, so that a single outlier does not count. The first and the last row have one neighbor
    only: values are compared with the row's own, so an outlier there is kept (always so in live
    video, which smooths the last row).
    """
    inside = 0 < index < len(values) - 1
    neighborhood = values[index - 1 : index + 2] if inside else values[index : index + 1]
    center = np.median(neighborhood, axis=0)
    time_offset = (seconds - seconds[index])[:, None] / TIME_SIGMA
    exponent = -(np.square(time_offset) + np.square((values - center) / sigma)) / 2
    weights = np.exp(exponent - exponent.max(0))
    return (weights * values).sum(0) / weights.sum(0)
