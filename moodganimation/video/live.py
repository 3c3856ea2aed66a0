"""Live video: edit a face in a camera's frames as they arrive, or drive a photo by it.

The face is the largest when tracking begins; `tracking.track` says how long it is kept.

live = Live(animator)
picture = live.edit(frame, offset_by({"AU12": 0.6}))

To drive a photo, with `region_mask` and `add_masked_change` of `reenactment`:

start = animator.read(portrait)
change = ChangeFromNeutral()
if (reading := live.read(frame)) is not None:
    change.update(seconds, reading)
mask = region_mask(("brows", "mouth"), change.space)
expression = add_masked_change(start, change.values, change.space, 1.0, mask)
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

NOMINAL_FPS = 12.0  # assumed frame rate of every camera, for tracking and smoothing
SMOOTHING_RADIUS = smoothing_radius(NOMINAL_FPS)  # [frames]
NEUTRAL_SECONDS = 1.0  # for measuring the neutral expression
MAX_KEYFRAME_ERROR = 0.04  # of any axis at any time, in that axis's own unit
MAX_KEYFRAMES = 150  # of a recording, so that a recipe has room for them
KEYFRAME_FPS = 24  # of a recording's timeline; lower for a long one


class Live:
    """One stream of camera frames.

    A face is smoothed by the frames before it, since later ones have not arrived. Call `read` or
    `edit` once per frame, not both.

    found: whether the last frame shows a face.
    """

    def __init__(self, animator: Animator):
        self.animator, self.found = animator, False
        self._restart()

    def edit(self, frame: np.ndarray, target: TargetFunction) -> np.ndarray:
        """Take in the next frame of the stream and edit it; return it unchanged without a face.

        frame: (H, W, 3) uint8 RGB, of any size. target: called with the number of the frame /
        NOMINAL_FPS as its time [s], counted anew when the size of the frames changes.
        Raises UnreadableImage for what is no photo.
        """
        for face in self._track(frame):
            frame = edit_face(self.animator, frame, face, target, self._past[-1].seconds)
        return frame

    def read(self, frame: np.ndarray) -> Expression | None:
        """Take in the next frame of the stream; return the reading of its face, None without."""
        return next((face.portrait.reading for face in self._track(frame)), None)

    def _track(self, frame: np.ndarray) -> list[SmoothedFace]:
        """Take in a frame: its face, smoothed, or none."""
        check_photo(frame)
        if self._past and self._past[-1].frame.shape != frame.shape:  # another camera
            self._restart()
        self._frames.append(frame)
        self._past.append(next(self._tracked_frames))
        faces = smooth_latest(list(self._past), SMOOTHING_RADIUS)
        self.found = bool(faces)
        return faces

    def _restart(self) -> None:
        """Forget all frames, and start to track anew."""
        # `track_unsmoothed` takes its frames from an iterator. `_track` appends each frame to this
        # queue just before it asks for the next tracked frame, so the queue is never empty then.
        self._frames: deque[np.ndarray] = deque()
        self._tracked_frames = track_unsmoothed(self.animator, self._arriving_frames(), NOMINAL_FPS)
        self._past = deque(maxlen=SMOOTHING_RADIUS + 1)

    def _arriving_frames(self) -> Iterator[np.ndarray]:
        """The frames of the queue, for `track_unsmoothed`."""
        while True:
            yield self._frames.popleft()


class ChangeFromNeutral:
    """The difference of a face from its neutral expression, over a stream of readings.

    Neutral is the median of the readings of the first NEUTRAL_SECONDS.

    values: (D,) the difference on the axes of `space`; 0 until `calibrated`.
    space: ACTION_UNITS until `calibrated`, then that of the readings. Make masks from it for every
    use, as it changes.
    calibrated: whether the neutral expression is known.
    """

    def __init__(self):
        self.recalibrate()

    def recalibrate(self) -> None:
        """Measure the neutral expression anew, beginning with the next reading."""
        self._neutral_readings, self._start = [], None
        self.space = ACTION_UNITS
        self.values, self.calibrated = np.zeros(len(self.space.axes)), False

    def update(self, seconds: float, reading: Expression) -> None:
        """Add the reading at a time [s]: to the measurement of neutral, or as the new values."""
        self._start = seconds if self._start is None else self._start
        self.calibrated = seconds - self._start > NEUTRAL_SECONDS
        if not self.calibrated:
            self._neutral_readings.append(reading.vector())
        else:
            self.space = reading.space
            self.values = reading.vector() - np.median(self._neutral_readings, axis=0)


def fit_keyframes(recorded: list[tuple[float, Expression]]) -> tuple[int, list[Keyframe]]:
    """Fit keyframes to a recording of (time [s], expression).

    Returns the frames per second of their timeline, and the keyframes.

    Greedy piecewise linear fit: the sample with the largest error becomes a keyframe, until no
    error is above MAX_KEYFRAME_ERROR or there are MAX_KEYFRAMES.
    """
    times = np.array([seconds for seconds, _ in recorded])
    times -= times[0]
    fps = int(np.clip((MAX_ANIMATION_FRAMES - 1) / max(times[-1], 1), 1, KEYFRAME_FPS))
    samples = np.arange(max(2, round(times[-1] * fps) + 1)) / fps  # times [s]
    curves = np.array([expression.values for _, expression in recorded]).T  # (D, readings)
    values = np.array([np.interp(samples, times, curve) for curve in curves]).T
    values = values.round(2)  # shortens recipes; an error of 0.005 is far below MAX_KEYFRAME_ERROR
    kept = [0, len(samples) - 1]
    while len(kept) < MAX_KEYFRAMES:
        fitted = [np.interp(samples, samples[kept], curve[kept]) for curve in values.T]
        errors = np.abs(np.array(fitted).T - values).max(1)
        if errors.max() <= MAX_KEYFRAME_ERROR:
            break
        kept = sorted([*kept, int(errors.argmax())])
    space = recorded[0][1].space
    return fps, [
        Keyframe(Expression.clipped(space, values[i]), samples[i], 0, "linear") for i in kept
    ]
