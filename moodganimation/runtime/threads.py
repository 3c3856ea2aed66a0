"""CPU threads: the number of usable cores, torch's threads, and prefetching in a thread."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

Item = TypeVar("Item")
END = object()  # what `next` returns when there are no more items


def usable_cores() -> int:
    """Count the processor cores that this process may use, by its affinity and container quota."""
    if "RAY_JOB_ID" in os.environ:  # a Ray worker is one of many, each with a core of its own
        return 1
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
        allowed = min(allowed, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or no limit
        pass
    return max(1, allowed)


def limit_torch_threads() -> None:
    """Make torch compute every operation in the calling thread alone, from now on.

    An edit by `warp` consists of many small operations, which are hardly faster with a second
    thread, and slower if other work needs its core: prefetched frames, a video encoder, requests of
    other visitors.
    """
    torch.set_num_threads(1)


def prefetch(items: Iterable[Item], ahead: int = 2) -> Iterator[Item]:
    """Yield the items, computed in one other thread, at most `ahead` of them in advance.

    An exception is raised where its item would have been yielded. Closing the generator waits for
    the item in progress and cancels the others.
    """
    # torch.set_num_threads() has an effect in a new thread only after get_num_threads() ran there.
    items, pool = iter(items), ThreadPoolExecutor(1, initializer=torch.get_num_threads)
    try:
        pending = deque(pool.submit(next, items, END) for _ in range(ahead))
        while (item := pending.popleft().result()) is not END:
            pending.append(pool.submit(next, items, END))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
