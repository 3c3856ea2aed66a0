"""Sequences of expressions that compute each frame on access.

So a timeline of an hour takes no more memory than one of a second.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..expressions.spaces import Expression
from .easing import EASINGS

BLINK_SECONDS = 0.3  # duration of a blink: lids close and open again
BLINK_INTERVAL = (2.5, 5.5)  # between two blinks [s]; the first comes after half an interval
BLINK_SEED = 45  # of the random intervals, so that a timeline always blinks at the same times
CLOSED_LIDS = 0.5  # value of AU45 from which lids count as closed and do not blink


@dataclass(frozen=True, eq=False)
class KeyframeSequence(Sequence):
    """The frames of K keyframes and of the eased motions between them."""

    expressions: list[Expression]  # (K,)
    spans: list[tuple[int, int]]  # (K,) first frame of a keyframe, and the one after its last
    easings: list[str]  # (K,) names in EASINGS, of the motion to the next keyframe
    mode: str  # one of `timeline.MODES`
    # Of a loop: frame intervals from the end of the last keyframe to the first one. 1 if the first
    # keyframe follows at once, and in other modes.
    return_steps: int

    def __len__(self) -> int:
        forward = self.spans[-1][1]
        backward = self.spans[-1][0] - self.spans[0][1]  # without the first and the last keyframe
        return forward + max(0, backward if self.mode == "ping-pong" else self.return_steps - 1)

    def __getitem__(self, frame: int) -> Expression:
        if not 0 <= frame < len(self):
            raise IndexError(frame)
        frames_after_last = frame - self.spans[-1][1]  # negative until the last keyframe ends
        if frames_after_last >= 0 and self.mode != "ping-pong":
            return self._interpolate(-1, 0, (frames_after_last + 1) / self.return_steps)
        if frames_after_last >= 0:
            frame = self.spans[-1][0] - 1 - frames_after_last
        # The last keyframe that starts at `frame` or before. (frame, len(self)) is sorted after the
        # span of a keyframe that starts at `frame`, since no span ends after len(self).
        keyframe = max(0, bisect_right(self.spans, (frame, len(self))) - 1)
        end = self.spans[keyframe][1]
        if frame < end:
            return self.expressions[keyframe]
        steps = self.spans[keyframe + 1][0] - end + 1
        return self._interpolate(keyframe, keyframe + 1, (frame - end + 1) / steps)

    def _interpolate(self, start: int, end: int, fraction: float) -> Expression:
        """Return the expression at a fraction of the time between two keyframes, given by index."""
        amount = EASINGS[self.easings[start]](fraction)
        return self.expressions[start].blend_to(self.expressions[end], amount)


class BlinkingSequence(Sequence):
    """A sequence of expressions in which the eyes blink: AU45 rises to 1 while AU05 falls to 0.

    Blinks are at the same seconds in every sequence, rounded down to frames, whatever the
    expressions are. But a blink is left out if the lids of a side are closed in one of its frames.
    No blink changes the first or the last frame. There are no blinks if a frame lasts longer than a
    blink.
    """

    def __init__(self, expressions: Sequence[Expression], fps: float):
        self.expressions = expressions
        self.half_frames = max(1, int(BLINK_SECONDS / 2 * fps + 0.5))  # from open to closed
        space = expressions[0].space
        self.blink_keys, self.lid_raiser_keys = (
            [space.keys[i] for i in space.indices(unit)] for unit in ("AU45", "AU05")
        )
        self.middle_frames: list[int] = []  # of the blinks, in order
        self._open_around: dict[int, bool] = {}  # results of `_is_open_around` by middle frame
        if fps * BLINK_SECONDS < 1:
            return
        rng = random.Random(BLINK_SEED)
        seconds = rng.uniform(*BLINK_INTERVAL) / 2
        while (middle := int(seconds * fps)) + self.half_frames < len(expressions):
            self.middle_frames.append(middle)
            seconds += rng.uniform(*BLINK_INTERVAL)

    def __len__(self) -> int:
        return len(self.expressions)

    def __getitem__(self, frame: int) -> Expression:
        expression = self.expressions[frame]
        blink = bisect_left(self.middle_frames, frame - self.half_frames + 1)
        if blink == len(self.middle_frames):
            return expression
        middle = self.middle_frames[blink]
        if middle - frame >= self.half_frames or not self._is_open_around(middle):
            return expression
        closed = EASINGS["smooth"](1 - abs(frame - middle) / self.half_frames)  # 1 in the middle
        values = {key: expression[key] + (1 - expression[key]) * closed for key in self.blink_keys}
        values |= {key: expression[key] * (1 - closed) for key in self.lid_raiser_keys}
        return expression.replace(**values)

    def _is_open_around(self, middle: int) -> bool:
        """Return whether the lids are open on all frames of the blink with this middle frame."""
        if middle not in self._open_around:
            frames = range(middle - self.half_frames + 1, middle + self.half_frames)
            self._open_around[middle] = all(
                self.expressions[i][key] < CLOSED_LIDS for i in frames for key in self.blink_keys
            )
        return self._open_around[middle]
