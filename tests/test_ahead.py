"""What is made ahead comes in order, one at a time, and stops when nobody asks any more."""

import threading
import time

import pytest
import torch

from moodganimation.resources import CHECKPOINTS
from moodganimation.runtime.threads import prefetch


def test_everything_comes_in_order_from_one_other_thread():
    threads = []

    def items():
        for number in range(20):
            threads.append(threading.get_ident())
            yield number

    assert list(prefetch(items())) == list(range(20))
    assert len(set(threads)) == 1 and threads[0] != threading.get_ident()
    assert list(prefetch([])) == []


def test_the_next_is_made_while_one_is_used():
    begun = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(begun):
            event.set()
            yield number

    for number in prefetch(items()):
        assert number == 3 or begun[number + 1].wait(10)  # nobody asked for it yet


@pytest.mark.slow
def test_no_more_is_made_than_was_said():
    made = []
    items = prefetch((made.append(n) or n for n in range(50)), most=3)
    next(items)
    time.sleep(0.1)
    assert len(made) <= 4
    items.close()
    assert len(made) <= 5


def test_what_goes_wrong_is_raised_where_it_is_asked_for():
    def items():
        yield 1
        raise ValueError("the second")

    given = prefetch(items())
    assert next(given) == 1
    with pytest.raises(ValueError, match="the second"):
        next(given)


def test_an_animation_left_early_leaves_no_thread(animator, portrait):
    way = [portrait.reading.replace(AU12=n / 40) for n in range(40)]
    before, frames = threading.active_count(), animator.animate(portrait, way)
    first = next(frames)
    frames.close()
    assert threading.active_count() == before
    assert torch.equal(first.edit.motion, animator.edit(portrait, way[0]).edit.motion)


def test_an_empty_animation_has_no_frames(animator, portrait):
    other = animator.with_checkpoint(CHECKPOINTS / "ganimation.safetensors", backends=["float32"])
    assert list(other.animate(other.encode(portrait), [])) == []
    assert list(animator.animate(portrait, [])) == []
