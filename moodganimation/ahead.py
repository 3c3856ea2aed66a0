"""Work done ahead of whoever waits for it: what comes next is made while what came is used."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
END = object()


def ahead(items: Iterable[Item], most: int = 2) -> Iterator[Item]:
    """The items, each made in one thread of their own, at most `most` before they are asked for.

    What making one raises is raised where it is asked for. Closed, it waits for the one that is
    being made, and asks for no other.
    """
    items, pool = iter(items), ThreadPoolExecutor(1)
    try:
        made = deque(pool.submit(next, items, END) for _ in range(most))
        while (item := made.popleft().result()) is not END:
            made.append(pool.submit(next, items, END))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
