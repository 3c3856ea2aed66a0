"""Batches of the systems of training/ganimation/experiments.py: photos and clips with their
expressions, drawn deterministically.

B samples of a batch · T frames · S frames to generate · D axes · H x W pixels.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

Argument, Result = TypeVar("Argument"), TypeVar("Result")


class Sample(NamedTuple):
    """One photo or clip."""

    frames: np.ndarray  # (T, 3, H, W) float32 in [-1, 1]
    conditions: np.ndarray  # (T, D) float32, of each frame
    targets: np.ndarray  # (S, D) float32, conditions of frames to generate from the first one


class Batch(NamedTuple):
    """B samples. Photos: T = S = 1. Clips: S = T - 1, targets are the conditions of frames 1 to
    T - 1."""

    frames: Tensor
    conditions: Tensor
    targets: Tensor

    @property
    def truth(self) -> Tensor | None:
        """The real frames of the targets, (B, S, 3, H, W); None for photos, which have none."""
        return self.frames[:, 1:] if self.frames.shape[1] > 1 else None

    @property
    def real(self) -> tuple[Tensor, Tensor]:
        """Real frames for the critics, (B, S, 3, H, W), and their expressions, (B, S, D): without
        the first frames of clips."""
        first = 0 if self.truth is None else 1
        return self.frames[:, first:], self.conditions[:, first:]

    def to(self, device, dtype=torch.float32) -> "Batch":
        """Move the batch to a device and dtype."""
        return Batch(*(x.to(device, dtype, non_blocking=True) for x in self))


class Samples(Protocol):
    """A split of a data set: `Stills`, `Clips`, `PairClips`."""

    def __len__(self) -> int: ...

    def sample(self, index: int, rng: np.random.Generator, size: int) -> Sample: ...

    def report(self) -> list[str]: ...


class BatchSpec(NamedTuple):
    """Which batch is drawn: that of a step, of how many samples."""

    step: int
    size: int  # side of the pictures [px]
    batch_size: int  # samples of all processes together


def draw_batch(
    samples: Samples, seed: int, spec: BatchSpec, rank: int = 0, ranks: int = 1
) -> Batch:
    """Draw this process's share of a step's batch; the whole is a function of (seed, spec) alone.

    Every epoch is a new permutation of all samples; an incomplete last batch is dropped. rank,
    ranks: number of this process, and of all.
    """
    if spec.batch_size % ranks:
        raise ValueError(f"A batch of {spec.batch_size} cannot be shared by {ranks} processes.")
    batches = max(1, len(samples) // spec.batch_size)  # in an epoch
    epoch, batch_index = divmod(spec.step, batches)
    order = np.random.default_rng([seed, 0, epoch]).permutation(len(samples))
    first = batch_index * spec.batch_size
    # Samples are repeated if there are fewer than a batch needs.
    chosen = np.resize(order, batches * spec.batch_size)[first:][: spec.batch_size]
    own = slice(rank * spec.batch_size // ranks, (rank + 1) * spec.batch_size // ranks)
    samples_drawn = [
        samples.sample(int(index), np.random.default_rng([seed, 1, spec.step, i]), spec.size)
        for i, index in list(enumerate(chosen))[own]
    ]
    return Batch(
        *(torch.from_numpy(np.stack(column)) for column in zip(*samples_drawn, strict=True))
    )


def prefetch(
    samples: Samples,
    seed: int,
    specs: Iterator[BatchSpec],
    rank: int,
    ranks: int,
    max_ahead: int = 4,
) -> Iterator[tuple[BatchSpec, Batch, float]]:
    """Yield each spec with its batch, drawn ahead, and the seconds spent waiting for it."""

    def draw(spec: BatchSpec) -> Batch:
        return draw_batch(samples, seed, spec, rank, ranks)

    return compute_ahead(draw, specs, max_ahead)


def compute_ahead(
    function: Callable[[Argument], Result], arguments: Iterable[Argument], max_ahead: int = 4
) -> Iterator[tuple[Argument, Result, float]]:
    """Yield each argument with the function's result, and the seconds spent waiting for it.

    Results are computed in two threads, up to `max_ahead` before the one that is waited for.
    """
    with ThreadPoolExecutor(2) as pool:
        jobs = []
        for argument in arguments:
            jobs.append((argument, pool.submit(function, argument)))
            if len(jobs) > max_ahead:
                yield _timed_result(*jobs.pop(0))
        for job in jobs:
            yield _timed_result(*job)


def _timed_result(argument: Argument, job: Future) -> tuple[Argument, Result, float]:
    """Wait for the result of an argument; also return how long that took [s]."""
    started = time.monotonic()
    return argument, job.result(), time.monotonic() - started
