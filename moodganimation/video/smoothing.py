"""Steadiness: what is measured frame by frame, without its tremor and without delay."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

WIDTH = 0.06  # of the smoothing in time [s]
WIDEST = 6  # frames on either side that take part, at most: they are held in memory

Item = TypeVar("Item")


def reach(fps: float) -> int:
    """How many frames on either side of one take part in its smoothing, 1 to WIDEST."""
    return int(np.clip(np.ceil(2.5 * WIDTH * fps), 1, WIDEST))


def neighborhoods(items: Iterable[Item], reach: int) -> Iterator[tuple[list[Item], int]]:
    """Every item among its neighbors, up to `reach` on either side, and its place among them.

    Never holds more than 2 * reach + 1 items.
    """
    held, place = [], 0
    for item in items:
        held.append(item)
        if len(held) - place > reach:
            yield held, place
            if place == reach:
                del held[0]
            else:
                place += 1
    while place < len(held):
        yield held, place
        if place == reach:
            del held[0]
        else:
            place += 1


def steadied(values: np.ndarray, seconds: np.ndarray, place: int, slack) -> np.ndarray:
    """The row at `place` of values (n, D) measured at times (n,), smoothed: (D,).

    A mean of all rows, weighted by a Gaussian in time (WIDTH) and one in value (`slack`), as in
    the bilateral filter of Tomasi & Manduchi 1998: tremor below the slack is averaged away, what
    moves further from frame to frame is followed at once. Values are compared with the median of
    the row and its two neighbors, so that a single slip does not count.
    """
    among = place + 1 if 0 < place < len(values) - 1 else place  # at the ends, the row alone
    typical = np.median(values[2 * place - among : among + 1], axis=0)
    late = (seconds - seconds[place])[:, None] / WIDTH
    exponent = -(np.square(late) + np.square((values - typical) / slack)) / 2
    weights = np.exp(exponent - exponent.max(0))
    return (weights * values).sum(0) / weights.sum(0)
