"""Measure how edits scale with the number of frames and faces, and the size of the photo."""

from functools import partial

import cv2
import numpy as np

from benchmarks.timing import median_seconds
from moodganimation.animation.easing import interpolate
from moodganimation.animator import Animator
from moodganimation.expressions.spaces import Expression

FRAMES = (12, 24, 48, 96)  # of an animation
FACES = (1, 2, 4, 8)  # side by side in one photo
SIDES = (256, 512, 1024, 2048, 4096)  # of the photo [px]
TILE = 256  # side of the photo that is repeated [px]
ROUNDS = 5  # measurements of which the median counts


def scaling(animator: Animator, photo: np.ndarray, target: Expression) -> dict[str, dict]:
    """Measure median times [ms] by number of frames, number of faces and side of the photo.

    photo: (H, W, 3) uint8 RGB with one face. Returns the times by title; those by frames and by
    faces with a fitted line, see `fit_line`.
    """
    seconds = {
        "drawing [ms] by frames": _time_frames(animator, photo, target),
        "editing [ms] by faces": _time_faces(animator, photo, target),
    }
    return {title: _milliseconds(times) | fit_line(times) for title, times in seconds.items()} | {
        f"{stage} [ms] by side of the photo": _milliseconds(times)
        for stage, times in _time_sizes(animator, photo, target).items()
    }


def fit_line(seconds: dict[int, float]) -> dict[str, float]:
    """Fit a least-squares line to seconds by number of items.

    Returns its slope in milliseconds per item ("each"), its intercept ("before") and R2.
    """
    counts, times = np.array(list(seconds)), 1000 * np.array(list(seconds.values()))
    slope, intercept = np.polyfit(counts, times, 1)
    residuals = times - slope * counts - intercept
    unexplained = np.square(residuals).sum() / np.square(times - times.mean()).sum()
    return {
        "each": round(slope, 2),
        "before": round(intercept, 2),
        "R2": round(1 - unexplained, 4),
    }


def _milliseconds(seconds: dict[int, float]) -> dict[str, float]:
    """Convert seconds by number of items to milliseconds, with the keys of JSON."""
    return {str(count): round(1000 * taken, 2) for count, taken in seconds.items()}


def _time_frames(animator: Animator, photo: np.ndarray, target: Expression) -> dict[int, float]:
    """Measure the seconds of an animation by its number of frames."""
    portrait = animator.locate(photo)

    def draw(trajectory):
        for frame in animator.animate(portrait, trajectory):
            frame.image  # noqa: B018  pasted on access

    trajectories = {count: interpolate(portrait.reading, target, count) for count in FRAMES}
    return {
        count: median_seconds(partial(draw, trajectory), animator.device, ROUNDS)
        for count, trajectory in trajectories.items()
    }


def _time_faces(animator: Animator, photo: np.ndarray, target: Expression) -> dict[int, float]:
    """Measure the seconds of editing all faces of a photo, without detection, by their number.

    Each face is aligned, read, encoded, edited and pasted after the one before.
    """
    scale = TILE / max(photo.shape[:2])
    tile = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    to_face = animator.locate(tile).to_face

    def edit(count):
        picture = np.hstack([tile] * count)
        for number in range(count):
            shift = np.array([[1, 0, -number * tile.shape[1]], [0, 1, 0], [0, 0, 1]])
            portrait = animator.locate(picture, face=to_face @ shift)
            picture = animator.edit(portrait, target).image

    return {n: median_seconds(partial(edit, n), animator.device, ROUNDS) for n in FACES}


def _time_sizes(
    animator: Animator, photo: np.ndarray, target: Expression
) -> dict[str, dict[int, float]]:
    """Measure the seconds of generating and of pasting, by the side of the photo."""
    generate, paste = {}, {}
    for side in SIDES:
        scale = side / max(photo.shape[:2])
        portrait = animator.locate(cv2.resize(photo, None, fx=scale, fy=scale))
        both = median_seconds(
            lambda p=portrait: animator.edit(p, target).image, animator.device, ROUNDS
        )
        generate[side] = median_seconds(
            lambda p=portrait: animator.edit(p, target), animator.device, ROUNDS
        )
        paste[side] = both - generate[side]  # pictures are pasted when `image` is read
    return {"generate": generate, "paste": paste}
