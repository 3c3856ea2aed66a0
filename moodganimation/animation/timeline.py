"""Timelines: expressions at moments, how long they rest, the ways between them, and blinks."""

import dataclasses
import random
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, InstanceOf

from ..errors import InvalidTimeline, UnreadableFile
from ..expressions import schema
from ..expressions.moods import as_read, in_space
from ..expressions.spaces import ACTION_UNITS, Expression, ExpressionSpace
from .easing import EASINGS, FASTEST, MOST_FRAMES, interpolate

MODES = ("once", "loop", "ping-pong")
BLINK = 0.3  # how long the lids take to close and open [s]
GAP = (2.5, 5.5)  # from one blink to the next [s]; the first comes after half of one
SHUT = 0.5  # AU45 from which lids are closed enough to be left alone


_Moment = schema.number("The moment of a keyframe", 0, MOST_FRAMES)
_Hold = schema.number("The hold of a keyframe", 0, MOST_FRAMES)
_Easing = schema.choice("The easing of a keyframe", EASINGS)
_Pace = schema.number("Frames per second", 1, FASTEST)
_Mode = schema.choice("The mode of a timeline", MODES)
_Back = schema.number("The way back of a loop", 0, MOST_FRAMES)
_Blinks = schema.truth("Whether there are blinks")


@schema.checked
class Keyframe:
    """An expression at a moment; None is what the photo itself shows."""

    expression: InstanceOf[Expression] | None
    at: _Moment  # when it is reached [s], from 0
    hold: _Hold = 0.0  # how long it rests [s]; it is shown for a frame at least
    easing: _Easing = "smooth"  # a name of `easing.EASINGS`: how the next one is reached

    def to_json(self) -> dict[str, object]:
        said = schema.of_expression(self.expression) if self.expression else {}
        return {"at": self.at, "hold": self.hold, "easing": self.easing} | said

    @classmethod
    def from_json(cls, values: object) -> "Keyframe":
        values = schema.fields(values, "A keyframe", ("at",), _KEYFRAME)
        said = "expression" in values or "space" in values
        expression = schema.to_expression(values) if said else None
        return cls(expression, **{k: values[k] for k in ("at", "hold", "easing") if k in values})


@schema.checked
class Timeline:
    """Keyframes in the order of their moments. Immutable: every change makes another timeline.

    Moments are those of the nearest frames, so that each keyframe is shown just as it is. Before
    the first one, that is what is shown. A loop goes from the last keyframe to the first within
    `back` seconds, and ends one frame before it; ping-pong goes the same way back, without resting
    twice where it turns. Raises InvalidTimeline and InvalidValue.
    """

    keyframes: Annotated[tuple[InstanceOf[Keyframe], ...], BeforeValidator(tuple)]
    fps: _Pace = 24.0  # frames a second, 1 to FASTEST
    mode: _Mode = "once"  # one of MODES
    back: _Back = 0.5  # of a loop: from the last keyframe to the first [s]
    blinks: _Blinks = False  # lids close now and then, where the space has lids

    def __post_init__(self):
        if not self.keyframes:
            raise InvalidTimeline("A timeline needs a keyframe: keep one, or add another first.")
        ordered = tuple(sorted(self.keyframes, key=lambda key: key.at))
        object.__setattr__(self, "keyframes", ordered)
        spans = self._spans()
        for (this, (_, end)), (after, (start, _)) in pairwise(
            zip(self.keyframes, spans, strict=True)
        ):
            if end > start:
                raise InvalidTimeline(
                    "The keyframe at {} s comes before the one at {} s has been shown, which is "
                    "until {} s: move one of them or hold the first for a shorter time.",
                    f"{after.at:.4g}",
                    f"{this.at:.4g}",
                    f"{end / self.fps:.4g}",
                )
        if self.frames > MOST_FRAMES:
            raise InvalidTimeline(
                "An animation has at most {} frames and this one would have {} ({} s): shorten it "
                "or show fewer a second.",
                MOST_FRAMES,
                self.frames,
                f"{self.duration:.4g}",
            )

    @classmethod
    def between(
        cls,
        start: Expression,
        end: Expression,
        frames: int,
        fps: float = 24.0,
        easing: str = "smooth",
        ping_pong: bool = False,
        hold: int = 0,
    ) -> "Timeline":
        """The timeline that shows what `video.interpolate` gives. Raises InvalidExpression too."""
        interpolate(start, end, frames, easing, ping_pong, hold)
        there = Keyframe(end, (frames - 1) / fps, (hold + 1) / fps)
        mode = "ping-pong" if ping_pong else "once"
        return cls((Keyframe(start, 0, easing=easing), there), fps, mode)

    def add(self, keyframe: Keyframe) -> "Timeline":
        return dataclasses.replace(self, keyframes=(*self.keyframes, keyframe))

    def delete(self, number: int) -> "Timeline":
        """Without the keyframe of that number, the first being 0."""
        self._known(number)
        rest = self.keyframes[:number] + self.keyframes[number + 1 :]
        return dataclasses.replace(self, keyframes=rest)

    def replace(self, number: int, keyframe: Keyframe) -> "Timeline":
        self._known(number)
        changed = (*self.keyframes[:number], keyframe, *self.keyframes[number + 1 :])
        return dataclasses.replace(self, keyframes=changed)

    def move(self, number: int, at: float) -> "Timeline":
        """With that keyframe at another moment [s]; it may pass its neighbors."""
        self._known(number)
        return self.replace(number, dataclasses.replace(self.keyframes[number], at=at))

    @property
    def frames(self) -> int:
        """How many expressions there are."""
        spans = self._spans()
        turned = spans[-1][0] - spans[0][1] if self.mode == "ping-pong" else self._steps_back() - 1
        return spans[-1][1] + max(0, turned)

    @property
    def duration(self) -> float:
        """[s]"""
        return self.frames / self.fps

    def expressions(
        self, space: ExpressionSpace = ACTION_UNITS, reading: Expression | None = None
    ) -> list[Expression]:
        """A point of `space` for every frame.

        reading: the Action Units of the photo, from which keyframes of other spaces start and
        which those without an expression are; neutral if not given. Raises InvalidExpression for
        keyframes that cannot be said in `space`.
        """
        reading = reading or Expression.neutral(ACTION_UNITS)
        points = [
            as_read(reading, space)
            if key.expression is None
            else in_space(key.expression, space, reading)
            for key in self.keyframes
        ]
        spans = self._spans()
        way = [points[0]] * spans[0][1]
        legs = zip(self.keyframes, pairwise(points), pairwise(spans), strict=False)
        for key, (here, there), ((_, end), (start, stop)) in legs:
            way += _between(here, there, start - end + 1, key.easing)
            way += [there] * (stop - start)
        if self.mode == "ping-pong":
            way += way[spans[0][1] : spans[-1][0]][::-1]
        way += _between(points[-1], points[0], self._steps_back(), self.keyframes[-1].easing)
        return blinking(way, self.fps) if self.blinks and "AU45" in space else way

    def to_json(self) -> dict[str, object]:
        """Plain values of which `from_json` makes the same timeline."""
        values = {name: getattr(self, name) for name in _TIMELINE}
        return values | {"keyframes": [key.to_json() for key in self.keyframes]}

    @classmethod
    def from_json(cls, values: object) -> "Timeline":
        values = schema.fields(values, "A timeline", ("keyframes",), _TIMELINE)
        keys = schema.check(_KEYFRAMES, values["keyframes"])
        return cls(**values | {"keyframes": tuple(Keyframe.from_json(key) for key in keys)})

    def _spans(self) -> list[tuple[int, int]]:
        """For every keyframe its first frame, and the one after its last."""
        starts = [self._frame(key.at) for key in self.keyframes]
        ends = [self._frame(key.at + key.hold) for key in self.keyframes]
        return [(start, max(start + 1, end)) for start, end in zip(starts, ends, strict=True)]

    def _frame(self, seconds: float) -> int:
        return int(seconds * self.fps + 0.5)

    def _steps_back(self) -> int:
        """From the last keyframe's last frame to the first frame; 1 where nothing lies between."""
        looped = self.mode == "loop" and len(self.keyframes) > 1
        return max(1, self._frame(self.back)) if looped else 1

    def _known(self, number: int) -> None:
        last = len(self.keyframes) - 1
        schema.check(schema.whole("The number of a keyframe", 0, last), number)


_KEYFRAME = ("hold", "easing", "space", "expression")
_TIMELINE = ("fps", "mode", "back", "blinks")
_KEYFRAMES = schema.several("The keyframes of a timeline", object, 1, MOST_FRAMES)


def read_timeline(path: str | Path) -> Timeline:
    """The timeline of a JSON file. Raises UnreadableFile, InvalidValue and InvalidTimeline."""
    try:
        with open(path, "rb") as file:
            text = file.read(schema.MOST_BYTES + 1)
    except OSError as problem:
        raise UnreadableFile("{} cannot be read ({}).", path, problem.strerror) from None
    return Timeline.from_json(schema.loads(text, str(path)))


def blinking(way: list[Expression], fps: float) -> list[Expression]:
    """The same points with lids that close and open now and then: AU45 rises to 1, AU05 sinks to 0,
    each side from where it is.

    Always at the same moments, never on the first frame or the last, not where lids are closed
    already, and not at all where a frame takes longer than a blink.
    """
    way, half = list(way), max(1, int(BLINK / 2 * fps + 0.5))
    keys = way[0].space.keys
    lids, wide = ([keys[i] for i in way[0].space.positions(unit)] for unit in ("AU45", "AU05"))
    chance = random.Random(45)
    seconds = chance.uniform(*GAP) / 2
    while fps * BLINK >= 1 and (middle := int(seconds * fps)) + half < len(way):
        around = range(middle - half + 1, middle + half)
        if all(way[i][lid] < SHUT for i in around for lid in lids):
            for i in around:
                shut, point = EASINGS["smooth"](1 - abs(i - middle) / half), way[i]
                closed = {lid: point[lid] + (1 - point[lid]) * shut for lid in lids}
                way[i] = point.replace(**closed, **{lid: point[lid] * (1 - shut) for lid in wide})
        seconds += chance.uniform(*GAP)
    return way


def _between(here: Expression, there: Expression, steps: int, easing: str) -> list[Expression]:
    """The points strictly between two expressions that are `steps` frames apart."""
    return interpolate(here, there, steps + 1, easing)[1:-1]
