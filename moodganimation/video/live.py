"""Live video: edit the largest face of a camera's frames as they arrive, or drive a photo by it.

live = Live(animator)
picture = live.edit(frame, offset_by({"AU12": 0.6}))

neutral = NeutralOffset()
neutral.update(seconds, live.read(frame))
mask = region_mask(("brows", "mouth"), neutral.space)
expression = add_masked_change(start, neutral.change, neutral.space, strength, mask)
"""

from collections import deque
from collections.abc import Iterator

import numpy as np

from ..animation.easing import MAX_ANIMATION_FRAMES
from ..animation.timeline import Keyframe
from ..animator import Animator
from ..expressions.spaces import ACTION_UNITS, Expression
from ..media.images import check_photo
from .editing import TargetFunction, edit_face
from .smoothing import smoothing_radius
from .tracking import SmoothedFace, smooth_latest, track_unsmoothed

NOMINAL_FPS = 12.0  # assumed of every camera, for tracking and smoothing
RADIUS = smoothing_radius(NOMINAL_FPS)
NEUTRAL_SECONDS = 1.0  # in which the neutral face is measured
KEYFRAME_ERROR = 0.04  # largest error of any axis, in values of that axis
MAX_KEYFRAMES = 150  # of a recording; a recipe has room for them
KEYFRAME_FPS = 24  # of a recording's timeline; lower for a long one


class Live:
    """One stream of camera frames. A face is smoothed by the frames before, as no later ones exist.

    found: whether the last frame showed a face.
    """

    def __init__(self, animator: Animator):
        self.animator, self.found = animator, False
        self._restart()

    def edit(self, frame: np.ndarray, target: TargetFunction) -> np.ndarray:
        """Edit a frame; return it as it is if it shows no face.

        frame: (H, W, 3) uint8 RGB, of any size. target: called with the number of the frame /
        NOMINAL_FPS as its time [s], counted anew when the size of the frames changes.
        Raises UnreadableImage for what is no photo.
        """
        for face in self._track(frame):
            frame = edit_face(self.animator, frame, face, target, self._past[-1].seconds)
        return frame

    def read(self, frame: np.ndarray) -> Expression | None:
        """The Action Units of a frame's face; None without a face."""
        return next((face.portrait.reading for face in self._track(frame)), None)

    def _track(self, frame: np.ndarray) -> list[SmoothedFace]:
        check_photo(frame)
        if self._past and self._past[-1].frame.shape != frame.shape:  # another camera
            self._restart()
        self._frames.append(frame)
        self._past.append(next(self._moments))
        faces = smooth_latest(list(self._past), RADIUS)
        self.found = bool(faces)
        return faces

    def _restart(self) -> None:
        # `track_unsmoothed` pulls its frames from an iterator. `_track` appends each to this queue
        # just before it asks for the next moment, so the queue is never empty then.
        self._frames: deque[np.ndarray] = deque()
        self._moments = track_unsmoothed(self.animator, self._arriving(), NOMINAL_FPS)
        self._past = deque(maxlen=RADIUS + 1)

    def _arriving(self) -> Iterator[np.ndarray]:
        while True:
            yield self._frames.popleft()


class NeutralOffset:
    """The difference of a face from its neutral expression.

    Neutral is the median of the readings of the first second (NEUTRAL_SECONDS).

    change: (D,) the difference on the axes of `space`; 0 until `settled`, when neutral is known.
    space: ACTION_UNITS until `settled`, then that of the readings: masks must be made anew.
    """

    def __init__(self):
        self.recalibrate()

    def recalibrate(self) -> None:
        """Measure the neutral expression anew, beginning with the next reading."""
        self._neutral, self._start = [], None
        self.space = ACTION_UNITS
        self.change, self.settled = np.zeros(len(self.space.axes)), False

    def update(self, seconds: float, reading: Expression) -> None:
        """Take in the Action Units that were read at a time [s]."""
        self._start = seconds if self._start is None else self._start
        self.settled = seconds - self._start > NEUTRAL_SECONDS
        if not self.settled:
            self._neutral.append(reading.vector())
        else:
            self.space = reading.space
            self.change = reading.vector() - np.median(self._neutral, axis=0)


def fit_keyframes(recorded: list[tuple[float, Expression]]) -> tuple[int, list[Keyframe]]:
    """Frames per second and keyframes of a recording of (time [s], expression).

    Greedy piecewise linear fit: the sample with the largest error becomes a keyframe, until no
    error is above KEYFRAME_ERROR or there are MAX_KEYFRAMES.
    """
    times = np.array([seconds for seconds, _ in recorded])
    times -= times[0]
    fps = int(np.clip((MAX_ANIMATION_FRAMES - 1) / max(times[-1], 1), 1, KEYFRAME_FPS))
    samples = np.arange(max(2, round(times[-1] * fps) + 1)) / fps  # times [s]
    columns = np.array([expression.values for _, expression in recorded]).T
    values = np.array([np.interp(samples, times, column) for column in columns]).T.round(2)
    kept = [0, len(samples) - 1]
    while len(kept) < MAX_KEYFRAMES:
        fitted = [np.interp(samples, samples[kept], column[kept]) for column in values.T]
        errors = np.abs(np.array(fitted).T - values).max(1)
        if errors.max() <= KEYFRAME_ERROR:
            break
        kept = sorted([*kept, int(errors.argmax())])
    space = recorded[0][1].space
    return fps, [
        Keyframe(Expression.clipped(space, values[i]), samples[i], 0, "linear") for i in kept
    ]
