"""Prefetching: items in order, from one other thread, and none after the generator is closed."""

import threading
import time

import pytest
import torch

from moodganimation.resources import CHECKPOINTS
from moodganimation.runtime.threads import prefetch


def test_prefetch_yields_items_in_order_from_one_other_thread():
    threads = []

    def items():
        for number in range(20):
            threads.append(threading.get_ident())
            yield number

    assert list(prefetch(items())) == list(range(20))
    assert len(set(threads)) == 1 and threads[0] != threading.get_ident()
    assert list(prefetch([])) == []


def test_prefetch_computes_the_next_item_while_one_is_used():
    begun = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(begun):
            event.set()
            yield number

    for number in prefetch(items()):
        assert number == 3 or begun[number + 1].wait(10)  # not requested yet


@pytest.mark.slow
def test_prefetch_computes_at_most_the_given_number_in_advance():
    made = []
    items = prefetch((made.append(n) or n for n in range(50)), ahead=3)
    next(items)
    time.sleep(0.1)
    assert len(made) <= 4
    items.close()
    assert len(made) <= 5


def test_prefetch_raises_an_exception_where_its_item_would_be_yielded():
    def items():
        yield 1
        raise ValueError("the second")

    given = prefetch(items())
    assert next(given) == 1
    with pytest.raises(ValueError, match="the second"):
        next(given)


def test_closed_animation_leaves_no_thread(animator, portrait):
    way = [portrait.reading.replace(AU12=n / 40) for n in range(40)]
    before, frames = threading.active_count(), animator.animate(portrait, way)
    first = next(frames)
    frames.close()
    assert threading.active_count() == before
    assert torch.equal(first.edit.motion, animator.edit(portrait, way[0]).edit.motion)


def test_empty_trajectory_gives_no_frames(animator, portrait):
    other = animator.with_checkpoint(CHECKPOINTS / "ganimation.safetensors", backends=["float32"])
    assert list(other.animate(other.encode(portrait), [])) == []
    assert list(animator.animate(portrait, [])) == []
