"""How the cost of edits grows: with frames, with faces, and with the size of the photo."""

import cv2
import numpy as np

from benchmarks.timing import median
from moodganimation.animation.easing import interpolate
from moodganimation.animator import Animator
from moodganimation.expressions.spaces import Expression

FRAMES = (12, 24, 48, 96)
FACES = (1, 2, 4, 8)  # side by side in one photo
SIDES = (256, 512, 1024, 2048, 4096)  # of the photo [px]
TILE = 256  # side of a photo that stands there several times [px]
ROUNDS = 5


def curves(animator: Animator, photo: np.ndarray, wish: Expression) -> dict[str, dict]:
    """Medians [ms], and what a line through them says (least squares), by title."""
    found = {
        "drawing [ms] by frames": _frames(animator, photo, wish),
        "editing [ms] by faces": _faces(animator, photo, wish),
    }
    return {title: _told(cost) | line(cost) for title, cost in found.items()} | {
        f"{what} [ms] by side of the photo": _told(cost)
        for what, cost in _sizes(animator, photo, wish).items()
    }


def line(cost: dict[int, float]) -> dict[str, float]:
    """Milliseconds that one more costs, those that come before, and the share of the variance
    that a straight line explains."""
    counts, times = np.array(list(cost)), 1000 * np.array(list(cost.values()))
    slope, start = np.polyfit(counts, times, 1)
    left = np.square(times - slope * counts - start).sum() / np.square(times - times.mean()).sum()
    return {"each": round(slope, 2), "before": round(start, 2), "R2": round(1 - left, 4)}


def _told(cost: dict[int, float]) -> dict[str, float]:
    return {str(count): round(1000 * taken, 2) for count, taken in cost.items()}


def _frames(animator: Animator, photo: np.ndarray, wish: Expression) -> dict[int, float]:
    portrait = animator.locate(photo)

    def draw(way):
        for frame in animator.animate(portrait, way):
            frame.image  # noqa: B018  it is drawn when it is asked for

    ways = {count: interpolate(portrait.reading, wish, count) for count in FRAMES}
    return {n: median(lambda w=way: draw(w), animator.device, ROUNDS) for n, way in ways.items()}


def _faces(animator: Animator, photo: np.ndarray, wish: Expression) -> dict[int, float]:
    """Aligned, read, encoded, edited and pasted one after the other; finding them is apart."""
    scale = TILE / max(photo.shape[:2])
    tile = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    place = animator.locate(tile).to_face

    def edit(count):
        picture = np.hstack([tile] * count)
        for number in range(count):
            there = place @ np.array([[1, 0, -number * tile.shape[1]], [0, 1, 0], [0, 0, 1]])
            portrait = animator.locate(picture, face=there)
            picture = animator.edit(portrait, wish).image

    return {n: median(lambda n=n: edit(n), animator.device, ROUNDS) for n in FACES}


def _sizes(animator: Animator, photo: np.ndarray, wish: Expression) -> dict[str, dict[int, float]]:
    cost = {"generate": {}, "paste": {}}
    for side in SIDES:
        scale = side / max(photo.shape[:2])
        portrait = animator.locate(cv2.resize(photo, None, fx=scale, fy=scale))
        whole = median(lambda p=portrait: animator.edit(p, wish).image, animator.device, ROUNDS)
        cost["generate"][side] = median(
            lambda p=portrait: animator.edit(p, wish), animator.device, ROUNDS
        )
        cost["paste"][side] = whole - cost["generate"][side]
    return cost
