"""Work side by side: how many cores there are, and what comes next made while what came is used."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

Item = TypeVar("Item")
END = object()


def cores() -> int:
    """Processor cores that this process may use: its affinity and its container's quota."""
    if "RAY_JOB_ID" in os.environ:  # one of many workers, a core for each
        return 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        allowed = min(allowed, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or no limit
        pass
    return max(1, allowed)


def limit_torch_threads() -> None:
    """From now on torch works in one thread for each that calls it. An edit by `warp` is many
    small steps, which a second thread hardly shortens, and prolongs where other work wants the
    core: frames made `prefetch`, an encoder, other visitors."""
    torch.set_num_threads(1)


def prefetch(items: Iterable[Item], most: int = 2) -> Iterator[Item]:
    """The items, each made in one thread of their own, at most `most` before they are asked for.

    What making one raises is raised where it is asked for. Closed, it waits for the one that is
    being made, and asks for no other.
    """
    items, pool = iter(items), ThreadPoolExecutor(1, initializer=torch.get_num_threads)  # as set
    try:
        made = deque(pool.submit(next, items, END) for _ in range(most))
        while (item := made.popleft().result()) is not END:
            made.append(pool.submit(next, items, END))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
