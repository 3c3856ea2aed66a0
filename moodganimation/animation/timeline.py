"""Timelines: keyframes, the eased motions between them, and blinks."""

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, InstanceOf

from ..errors import InvalidTimeline, Message, UnreadableFile
from ..expressions import schema
from ..expressions.moods import convert_expression, convert_reading
from ..expressions.spaces import ACTION_UNITS, Expression, ExpressionSpace
from ..files.regular import check_regular_file
from .easing import EASINGS, MAX_ANIMATION_FRAMES, MAX_FILM_SECONDS, MAX_FPS, interpolate
from .sampling import BlinkingSequence, KeyframeSequence

MODES = ("once", "loop", "ping-pong")
_Time = schema.number_type("The time of a keyframe", 0, MAX_FILM_SECONDS)
_Hold = schema.number_type("The hold of a keyframe", 0, MAX_FILM_SECONDS)
_Easing = schema.choice_type("The easing of a keyframe", EASINGS)
_Fps = schema.number_type("Frames per second", 1, MAX_FPS)
_Mode = schema.choice_type("The mode of a timeline", MODES)
_Back = schema.number_type("The return of a loop", 0, MAX_FILM_SECONDS)
_Blinks = schema.bool_type("The setting of blinks")


@schema.checked_dataclass
class Keyframe:
    """An expression at a time. Raises InvalidValue."""

    expression: InstanceOf[Expression] | None  # None: the reading of the photo
    at: _Time  # [s] from the start of the timeline until the expression is reached
    hold: _Hold = 0.0  # [s] for which it is shown, but at least one frame
    easing: _Easing = "smooth"  # of the motion to the next keyframe, a name in EASINGS

    def to_json(self) -> dict[str, object]:
        """Return JSON values from which `from_json` restores the keyframe."""
        expression = schema.expression_to_json(self.expression) if self.expression else {}
        return {"at": self.at, "hold": self.hold, "easing": self.easing} | expression

    @classmethod
    def from_json(cls, values: object) -> "Keyframe":
        """Return the keyframe of JSON values. Raises InvalidValue and InvalidExpression."""
        values = schema.check_keys(values, "A keyframe", ("at",), _OPTIONAL_OF_KEYFRAME)
        given = "expression" in values or "space" in values
        expression = schema.expression_from_json(values) if given else None
        return cls(expression, **{k: values[k] for k in ("at", "hold", "easing") if k in values})


@schema.checked_dataclass
class Timeline:
    """Keyframes in the order of their times. Immutable: methods return another timeline.

    Times are rounded to frames, so that each keyframe is shown exactly. Frames before the first
    keyframe show the first keyframe. The mode "loop" returns from the last keyframe to the first
    within `back` seconds, and ends one frame before the first is reached. "ping-pong" repeats the
    motion backwards, without the frames of the first and the last keyframe. Raises InvalidTimeline
    and InvalidValue.
    """

    keyframes: Annotated[tuple[InstanceOf[Keyframe], ...], BeforeValidator(tuple)]
    fps: _Fps = 24.0
    mode: _Mode = "once"  # one of MODES
    back: _Back = 0.5  # [s] of the return from the last keyframe to the first; for loops only
    blinks: _Blinks = False  # whether the eyes blink, in spaces with AU45

    MAX_FRAMES: ClassVar[int] = MAX_ANIMATION_FRAMES
    MAX_KEYFRAMES: ClassVar[int] = MAX_ANIMATION_FRAMES
    MAX_BYTES: ClassVar[int] = schema.MAX_BYTES  # of a JSON file
    NAME: ClassVar[Message] = Message("An animation")  # at the beginning of a sentence

    def __post_init__(self):
        if not self.keyframes:
            raise InvalidTimeline("A timeline needs a keyframe: keep one, or add another first.")
        ordered = tuple(sorted(self.keyframes, key=lambda keyframe: keyframe.at))
        object.__setattr__(self, "keyframes", ordered)
        spans = self._spans()
        for i, ((_, end), (next_start, _)) in enumerate(pairwise(spans)):
            if end > next_start:
                this, following = self.keyframes[i : i + 2]
                raise InvalidTimeline(
                    "The keyframe at {} s overlaps the one at {} s, which is shown until {} s: "
                    "move one of them, or shorten the hold of the earlier one.",
                    f"{following.at:.4g}",
                    f"{this.at:.4g}",
                    f"{end / self.fps:.4g}",
                )
        if self.frame_count > self.MAX_FRAMES:
            raise InvalidTimeline(
                "{} has at most {} frames and this one would have {} ({} s): make it shorter or "
                "lower the frame rate.",
                self.NAME,
                self.MAX_FRAMES,
                self.frame_count,
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
        """Return a timeline with the same frames as `easing.interpolate` with these arguments.

        hold: in frames, while that of a keyframe is in seconds. Also raises InvalidExpression.
        """
        interpolate(start, end, frames, easing, ping_pong, hold)  # checks the arguments
        schema.check(_Fps, fps)
        last = Keyframe(end, (frames - 1) / fps, (hold + 1) / fps)
        mode = "ping-pong" if ping_pong else "once"
        return cls((Keyframe(start, 0, easing=easing), last), fps, mode)

    def add(self, keyframe: Keyframe) -> "Timeline":
        """Return the timeline with `keyframe` added."""
        return dataclasses.replace(self, keyframes=(*self.keyframes, keyframe))

    def delete(self, number: int) -> "Timeline":
        """Return the timeline without a keyframe. The number of the first one is 0."""
        self._check_number(number)
        rest = self.keyframes[:number] + self.keyframes[number + 1 :]
        return dataclasses.replace(self, keyframes=rest)

    def replace(self, number: int, keyframe: Keyframe) -> "Timeline":
        """Return the timeline with `keyframe` instead of the one with this number."""
        self._check_number(number)
        changed = (*self.keyframes[:number], keyframe, *self.keyframes[number + 1 :])
        return dataclasses.replace(self, keyframes=changed)

    def move(self, number: int, at: float) -> "Timeline":
        """Return the timeline with a keyframe at another time [s]. It may pass its neighbors."""
        self._check_number(number)
        return self.replace(number, dataclasses.replace(self.keyframes[number], at=at))

    @property
    def frame_count(self) -> int:
        return len(self._keyframe_sequence([]))  # its length does not depend on the expressions

    @property
    def duration(self) -> float:
        """Duration [s] of all frames."""
        return self.frame_count / self.fps

    def expressions(
        self, space: ExpressionSpace = ACTION_UNITS, reading: Expression | None = None
    ) -> list[Expression]:
        """Return the expressions of all frames as a list; see `sampled`."""
        return list(self.sampled(space, reading))

    def sampled(
        self, space: ExpressionSpace = ACTION_UNITS, reading: Expression | None = None
    ) -> Sequence[Expression]:
        """Return the expressions of all frames in `space`, each computed on access.

        reading: the Action Units of the photo, or neutral if None. Keyframes without an expression
        show it. The others are converted by `convert_expression(..., reading)`. Raises
        InvalidExpression for keyframes that cannot be converted to `space`.
        """
        reading = reading or Expression.neutral(ACTION_UNITS)
        expressions = [
            convert_reading(reading, space)
            if keyframe.expression is None
            else convert_expression(keyframe.expression, space, reading)
            for keyframe in self.keyframes
        ]
        frames = self._keyframe_sequence(expressions)
        blinks = self.blinks and "AU45" in space
        return BlinkingSequence(frames, self.fps) if blinks else frames

    def _keyframe_sequence(self, expressions: list[Expression]) -> KeyframeSequence:
        easings = [keyframe.easing for keyframe in self.keyframes]
        return KeyframeSequence(
            expressions, self._spans(), easings, self.mode, self._return_steps()
        )

    def to_json(self) -> dict[str, object]:
        """Return JSON values from which `from_json` restores the timeline."""
        values = {name: getattr(self, name) for name in _OPTIONAL_OF_TIMELINE}
        return values | {"keyframes": [keyframe.to_json() for keyframe in self.keyframes]}

    @classmethod
    def from_json(cls, values: object) -> "Timeline":
        """Return the timeline of JSON values.

        Raises InvalidValue, InvalidTimeline and InvalidExpression.
        """
        values = schema.check_keys(values, "A timeline", ("keyframes",), _OPTIONAL_OF_TIMELINE)
        keyframes = schema.list_type("The keyframes of a timeline", object, 1, cls.MAX_KEYFRAMES)
        parts = schema.check(keyframes, values["keyframes"])
        return cls(**values | {"keyframes": tuple(map(Keyframe.from_json, parts))})

    def _spans(self) -> list[tuple[int, int]]:
        """Return the first frame of each keyframe, and the one after its last."""
        starts = [self._to_frame(keyframe.at) for keyframe in self.keyframes]
        ends = [self._to_frame(keyframe.at + keyframe.hold) for keyframe in self.keyframes]
        return [(start, max(start + 1, end)) for start, end in zip(starts, ends, strict=True)]

    def _to_frame(self, seconds: float) -> int:
        return int(seconds * self.fps + 0.5)

    def _return_steps(self) -> int:
        """Return `KeyframeSequence.return_steps`: 1 unless it is a loop of several keyframes."""
        returns = self.mode == "loop" and len(self.keyframes) > 1
        return max(1, self._to_frame(self.back)) if returns else 1

    def _check_number(self, number: int) -> None:
        last = len(self.keyframes) - 1
        schema.check(schema.int_type("The number of a keyframe", 0, last), number)


class FilmTimeline(Timeline):
    """A timeline whose samples are added to the readings of a film's frames.

    It is sampled in a space of Action Units with a neutral reading. So a mood adds the units that
    show it on a neutral face, and a keyframe without an expression adds nothing. It has at most the
    frames of the longest film at MAX_FPS, instead of MAX_ANIMATION_FRAMES.
    """

    MAX_FRAMES: ClassVar[int] = MAX_FILM_SECONDS * MAX_FPS
    MAX_KEYFRAMES: ClassVar[int] = MAX_FILM_SECONDS  # one a second
    MAX_BYTES: ClassVar[int] = 10 * schema.MAX_BYTES
    NAME: ClassVar[Message] = Message("A film's timeline")


_OPTIONAL_OF_KEYFRAME = ("hold", "easing", "space", "expression")
_OPTIONAL_OF_TIMELINE = ("fps", "mode", "back", "blinks")


def read_timeline(path: str | Path, kind: type[Timeline] = Timeline) -> Timeline:
    """Read a timeline of the class `kind` from a JSON file.

    Raises UnreadableFile, InvalidValue, InvalidTimeline and InvalidExpression.
    """
    check_regular_file(path, UnreadableFile, "choose a .json file in it")
    try:
        with open(path, "rb") as file:
            text = file.read(kind.MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableFile("{} cannot be read ({}).", path, error.strerror) from None
    return kind.from_json(schema.loads(text, str(path), kind.MAX_BYTES))
