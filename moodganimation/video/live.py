"""Live video: the largest face of a camera's frames is edited as they arrive, or drives a photo.

live = Live(animator)
picture = live.edit(photo, added({"AU12": 0.6}))

mirror = Mirror()
mirror.see(seconds, reading)
point = played(start, mirror.change, strength, taking_part(("brows", "mouth")))
"""

from collections import deque
from collections.abc import Iterator

import numpy as np

from ..animation.easing import MOST_FRAMES
from ..animation.timeline import Keyframe
from ..animator import Animator
from ..expressions.spaces import ACTION_UNITS, Expression
from ..media.images import check_photo
from .editing import TargetFunction, edit_face
from .smoothing import reach
from .tracking import Steady, follow_until, watch

RATE = 12.0  # frames a second that are expected, for how far back smoothing looks
SETTLING = 1.0  # time in which the face at rest is read [s]
SLACK = 0.04  # of a unit: what keyframes may miss
MOST_KEYS = 150  # keyframes of a recording, which its recipe has room for
PACE = 24  # frames a second of a recording's keyframes, or fewer for a long one


class Live:
    """One stream. What comes next is not known, so a face is steadied by what was before alone."""

    def __init__(self, animator: Animator):
        self.animator, self.found = animator, False  # whether the last frame showed a face
        self._begin()

    def edit(self, photo: np.ndarray, wish: TargetFunction) -> np.ndarray:
        """The frame with what is wished, or as it is where it shows no face.

        photo: (H, W, 3) uint8 RGB, of any size. Raises UnreadableImage for what is no photo.
        """
        for face in self._faces(photo):
            photo = edit_face(self.animator, photo, face, wish, self._past[-1].seconds)
        return photo

    def read(self, photo: np.ndarray) -> Expression | None:
        """The Action Units of the frame's face; None where there is none."""
        return next((face.portrait.reading for face in self._faces(photo)), None)

    def _faces(self, photo: np.ndarray) -> list[Steady]:
        check_photo(photo)
        if self._past and self._past[-1].photo.shape != photo.shape:  # another camera
            self._begin()
        self._frames.append(photo)
        self._past.append(next(self._moments))
        faces = follow_until(list(self._past), reach(RATE))
        self.found = bool(faces)
        return faces

    def _begin(self) -> None:
        self._frames: deque[np.ndarray] = deque()
        self._moments = watch(self.animator, self._pulled(), RATE)
        self._past = deque(maxlen=reach(RATE) + 1)

    def _pulled(self) -> Iterator[np.ndarray]:
        while True:
            yield self._frames.popleft()


class Mirror:
    """One face: what it does beyond its rest, which is read in the first second."""

    def __init__(self):
        self.calm()

    def calm(self) -> None:
        """Read the rest once more, from now on."""
        self._rest, self._since = [], None
        self.space = ACTION_UNITS  # of the change
        self.change, self.settled = np.zeros(len(self.space.axes)), False

    def see(self, seconds: float, reading: Expression) -> None:
        """The Action Units read at a time."""
        self._since = seconds if self._since is None else self._since
        self.settled = seconds - self._since > SETTLING
        if not self.settled:
            self._rest.append(reading.vector())
        else:
            self.space = reading.space
            self.change = reading.vector() - np.median(self._rest, axis=0)


def keyframes(played: list[tuple[float, Expression]]) -> tuple[int, list[Keyframe]]:
    """What was played at these times [s], as frames a second and keyframes: straight ways between
    as few as stay near it, and MOST_KEYS at most."""
    times = np.array([seconds for seconds, _ in played])
    times -= times[0]
    fps = int(np.clip((MOST_FRAMES - 1) / max(times[-1], 1), 1, PACE))
    moments = np.arange(max(2, round(times[-1] * fps) + 1)) / fps
    columns = np.array([point.values for _, point in played]).T
    values = np.array([np.interp(moments, times, column) for column in columns]).T.round(2)
    kept = [0, len(moments) - 1]
    while len(kept) < MOST_KEYS:
        ways = (np.interp(moments, moments[kept], column[kept]) for column in values.T)
        missed = np.abs(np.array([*ways]).T - values).max(1)
        if missed.max() <= SLACK:
            break
        kept = sorted([*kept, int(missed.argmax())])
    space = played[0][1].space
    return fps, [
        Keyframe(Expression.clipped(space, values[i]), moments[i], 0, "linear") for i in kept
    ]
