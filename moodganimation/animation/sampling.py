"""Sequences that compute each frame on access.

So a timeline of an hour takes no more memory than one of a second.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..expressions.spaces import Expression
from .easing import EASINGS

BLINK_SECONDS = 0.3  # from open over closed to open
BLINK_INTERVAL = (2.5, 5.5)  # between two blinks [s]; the first comes after half an interval
BLINK_SEED = 45  # of the intervals, so that a timeline always blinks at the same times
CLOSED = 0.5  # AU45 from which lids count as closed and do not blink


@dataclass(frozen=True, eq=False)
class KeyframeSequence(Sequence):
    """The frames of K keyframes and of the eased motions between them."""

    expressions: list[Expression]  # (K,)
    spans: list[tuple[int, int]]  # (K,) first frame, and the one after the last
    easings: list[str]  # (K,) of the motion to the next keyframe
    mode: str  # one of `timeline.MODES`
    return_steps: int  # from the last keyframe of a loop to its first; 1: no frames between them

    def __len__(self) -> int:
        forward = self.spans[-1][1]
        backward = self.spans[-1][0] - self.spans[0][1]  # without the first and the last keyframe
        return forward + max(0, backward if self.mode == "ping-pong" else self.return_steps - 1)

    def __getitem__(self, number: int) -> Expression:
        if not 0 <= number < len(self):
            raise IndexError(number)
        after_end = number - self.spans[-1][1]
        if after_end >= 0 and self.mode != "ping-pong":
            return self._between(-1, 0, (after_end + 1) / self.return_steps)
        if after_end >= 0:
            number = self.spans[-1][0] - 1 - after_end
        # The last keyframe that starts at or before `number`: no span ends after len(self).
        index = max(0, bisect_right(self.spans, (number, len(self))) - 1)
        end = self.spans[index][1]
        if number < end:
            return self.expressions[index]
        steps = self.spans[index + 1][0] - end + 1
        return self._between(index, index + 1, (number - end + 1) / steps)

    def _between(self, index: int, other: int, time: float) -> Expression:
        """The expression at a fraction of the time from one keyframe to another, by index."""
        amount = EASINGS[self.easings[index]](time)
        return self.expressions[index].blend_to(self.expressions[other], amount)


class BlinkingSequence(Sequence):
    """A sequence of expressions in which the eyes blink: AU45 rises to 1 while AU05 sinks to 0.

    Always at the same times, but neither at the first frame or the last, nor while the lids of one
    side are closed, nor at all if a frame lasts longer than a blink.
    """

    def __init__(self, expressions: Sequence[Expression], fps: float):
        self.expressions = expressions
        self.half = max(1, int(BLINK_SECONDS / 2 * fps + 0.5))  # frames from open to closed
        space = expressions[0].space
        self.closing, self.raising = (
            [space.keys[i] for i in space.indices(unit)] for unit in ("AU45", "AU05")
        )
        self.closed_frames: list[int] = []  # the middles of the blinks
        self._open_around: dict[int, bool] = {}
        rng = random.Random(BLINK_SEED)
        seconds = rng.uniform(*BLINK_INTERVAL) / 2
        while fps * BLINK_SECONDS >= 1 and (middle := int(seconds * fps)) + self.half < len(
            expressions
        ):
            self.closed_frames.append(middle)
            seconds += rng.uniform(*BLINK_INTERVAL)

    def __len__(self) -> int:
        return len(self.expressions)

    def __getitem__(self, number: int) -> Expression:
        expression = self.expressions[number]
        blink = bisect_left(self.closed_frames, number - self.half + 1)
        if blink == len(self.closed_frames) or self.closed_frames[blink] - number >= self.half:
            return expression
        middle = self.closed_frames[blink]
        if not self._is_open_around(middle):
            return expression
        closed = EASINGS["smooth"](1 - abs(number - middle) / self.half)
        lids = {key: expression[key] + (1 - expression[key]) * closed for key in self.closing}
        return expression.replace(
            **lids, **{key: expression[key] * (1 - closed) for key in self.raising}
        )

    def _is_open_around(self, middle: int) -> bool:
        """Whether the lids are open on all frames of a blink."""
        if middle not in self._open_around:
            frames = (
                self.expressions[i] for i in range(middle - self.half + 1, middle + self.half)
            )
            self._open_around[middle] = all(
                frame[key] < CLOSED for frame in frames for key in self.closing
            )
        return self._open_around[middle]
