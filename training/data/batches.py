"""Batches of the seed's systems: photos and clips with their expressions, drawn repeatably.

B batch · T frames · S frames to generate · D axes · H x W pixels.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor


class Sample(NamedTuple):
    """One photo or clip."""

    frames: np.ndarray  # (T, 3, H, W) float32 in [-1, 1]
    conditions: np.ndarray  # (T, D) float32, of each frame
    targets: np.ndarray  # (S, D) float32, to generate from the first frame


class Batch(NamedTuple):
    """The same, B of them. Photos: T = S = 1. Clips: S = T - 1, targets are of the later frames."""

    frames: Tensor
    conditions: Tensor
    targets: Tensor

    @property
    def truth(self) -> Tensor | None:
        """The filmed frames of the targets, (B, S, 3, H, W); None for photos: there are none."""
        return self.frames[:, 1:] if self.frames.shape[1] > 1 else None

    @property
    def real(self) -> tuple[Tensor, Tensor]:
        """What critics are shown as real, (B, S, 3, H, W), and its expressions, (B, S, D)."""
        first = 0 if self.truth is None else 1
        return self.frames[:, first:], self.conditions[:, first:]

    def to(self, device, dtype=torch.float32) -> "Batch":
        return Batch(*(x.to(device, dtype, non_blocking=True) for x in self))


class Samples(Protocol):
    """A split of a data set: `Stills`, `Clips`, `Twins`."""

    def __len__(self) -> int: ...

    def sample(self, index: int, rng: np.random.Generator, size: int) -> Sample: ...


class Draw(NamedTuple):
    """What a step takes: `size` pixels, `batch` samples over all processes."""

    step: int
    size: int
    batch: int


def draw_batch(samples: Samples, seed: int, draw: Draw, rank: int = 0, ranks: int = 1) -> Batch:
    """This process's share of a step's batch: a function of (seed, draw) and nothing else.

    Every epoch is a new permutation of all samples; what does not fill a batch is left out of it.
    """
    if draw.batch % ranks:
        raise ValueError(f"A batch of {draw.batch} cannot be shared by {ranks} processes.")
    rounds = max(1, len(samples) // draw.batch)
    epoch, place = divmod(draw.step, rounds)
    order = np.random.default_rng([seed, 0, epoch]).permutation(len(samples))
    chosen = np.resize(order, rounds * draw.batch)[place * draw.batch :][: draw.batch]
    own = slice(rank * draw.batch // ranks, (rank + 1) * draw.batch // ranks)
    drawn = [
        samples.sample(int(index), np.random.default_rng([seed, 1, draw.step, i]), draw.size)
        for i, index in list(enumerate(chosen))[own]
    ]
    return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*drawn, strict=True)))


def ahead(
    samples: Samples, seed: int, draws: Iterator[Draw], rank: int, ranks: int, depth: int = 4
) -> Iterator[tuple[Draw, Batch, float]]:
    """Each draw with its batch, made ahead in threads, and the seconds that were waited for it."""
    with ThreadPoolExecutor(2) as pool:
        jobs = []
        for draw in draws:
            jobs.append((draw, pool.submit(draw_batch, samples, seed, draw, rank, ranks)))
            if len(jobs) > depth:
                yield _waited(*jobs.pop(0))
        for job in jobs:
            yield _waited(*job)


def _waited(draw: Draw, job) -> tuple[Draw, Batch, float]:
    began = time.monotonic()
    return draw, job.result(), time.monotonic() - began
