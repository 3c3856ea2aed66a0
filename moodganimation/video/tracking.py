"""Following faces through a film: found now and then, aligned in every frame between, and read.

What is measured trembles, so every frame is seen among its neighbors before it is used; what is
known of a frame is known a few frames late, and nothing lags behind.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..animator import Animator
from ..expressions.spaces import Expression
from ..faces.portrait import Portrait, placed, square
from .smoothing import neighborhoods, reach, steadied

LOOK = 0.25  # time between two looks of the finder at a whole frame [s]
MISSES = 3  # looks in a row that do not find a followed face: it is gone
NEAR = 0.5  # sides between a face that is found and the one that is followed, if they are the same
ALIKE = 0.7  # likeness of a face to itself one frame before, at least, to go on without a look
CUT = 0.6  # likeness of two frames below which a new scene begins
TREMOR = 0.03  # of a crop, in sides and radians: less than this is smoothed
DOUBT = 0.1  # of a reading, in units: less than this is smoothed
SETTLE = 4  # measurements of a face that is new, each from the last one's place, until it counts
LEAST = 24  # side of a crop that still shows a face [px]
LOOKS = 24  # side of the pictures that are compared [px]


@dataclass(frozen=True, eq=False)
class Face:
    """A face on one frame, as measured."""

    portrait: Portrait  # aligned and read, not encoded
    look: np.ndarray  # of its crop, see `_look`
    doubted: bool = False  # it does not look like the face of the frame before
    misses: int = 0  # looks of the finder in a row that did not see it


@dataclass(frozen=True, eq=False)
class Moment:
    """One frame of a film and the faces on it, by numbers that they keep."""

    photo: np.ndarray  # (H, W, 3) uint8 RGB
    seconds: float
    scene: int  # how many cuts there were before
    faces: dict[int, Face]


@dataclass(frozen=True, eq=False)
class Steady:
    """A followed face on one frame, steadied."""

    portrait: Portrait  # at its smoothed place, with its smoothed reading; not encoded
    presence: float  # in (0, 1]: less near frames of the same scene on which it is not to be seen


def follow(
    animator: Animator, frames: Iterable[np.ndarray], fps: float, most: int = 1
) -> Iterator[tuple[Moment, list[Steady]]]:
    """Every frame of a film with up to `most` faces, those found first and largest first.

    A face is followed until it is gone or the scene ends; another, or the same, is taken up when
    it is found. Holds a few frames, however many there are.
    """
    moments = watch(animator, frames, fps, most)
    for around, place in neighborhoods(moments, reach(fps)):
        faces = [_steady(around, place, name, reach(fps)) for name in around[place].faces]
        yield around[place], faces


def follow_until(past: list[Moment], reach: int) -> list[Steady]:
    """The faces of the last of some moments, steadied by those before it alone."""
    return [_steady(past, len(past) - 1, name, reach) for name in past[-1].faces]


def watch(
    animator: Animator, frames: Iterable[np.ndarray], fps: float, most: int = 1
) -> Iterator[Moment]:
    """`follow`, as measured: places as the aligner sees them, readings as the reader does."""
    faces: dict[int, Face] = {}
    scene = names = due = 0
    before = None
    for number, photo in enumerate(frames):
        look = _look(photo)
        if before is not None and _likeness(look, before) < CUT:
            faces, scene, due = {}, scene + 1, number
        before = look
        nexts = {name: _next(animator, photo, face) for name, face in faces.items()}
        faces = {name: face for name, face in nexts.items() if face is not None}
        if number >= due or any(face.doubted or face.misses for face in faces.values()):
            due = number + max(1, round(LOOK * fps))
            known, (faces, others) = faces, _confirmed(animator, photo, faces)
            if others and len(faces) < len(known):  # somebody is elsewhere at once: a cut, too
                scene += 1
            for to_face in others[: most - len(faces)]:
                faces[names] = _settled(animator, photo, to_face)
                names += 1
        yield Moment(photo, number / fps, scene, faces)


def _next(animator: Animator, photo: np.ndarray, last: Face) -> Face | None:
    """A face one frame later, from where it was; None if that is outside or too small."""
    x, y, side, _ = placed(last.portrait.to_face)
    if not (0 <= x < photo.shape[1] and 0 <= y < photo.shape[0] and side >= LEAST):
        return None
    face = _measured(animator, photo, last.portrait.to_face)
    doubted = _likeness(face.look, last.look) < ALIKE
    return replace(face, doubted=doubted, misses=last.misses)


def _confirmed(
    animator: Animator, photo: np.ndarray, faces: dict[int, Face]
) -> tuple[dict[int, Face], list[np.ndarray]]:
    """The faces that the finder sees too or may have missed, and where it sees others."""
    found, kept = animator.find(photo), {}
    for name, face in faces.items():
        near = [_near(to_face, face.portrait.to_face) for to_face in found]
        if any(near):
            again = _settled(animator, photo, found[near.index(True)]) if face.doubted else face
            kept[name] = replace(again, misses=0)
        elif not face.doubted and face.misses + 1 < MISSES:
            kept[name] = replace(face, misses=face.misses + 1)
        found = [to_face for to_face, same in zip(found, near, strict=True) if not same]
    return kept, found


def _settled(animator: Animator, photo: np.ndarray, to_face: np.ndarray) -> Face:
    for _ in range(SETTLE - 1):
        to_face = animator.track_crop(photo, to_face).to_face
    return _measured(animator, photo, to_face)


def _measured(animator: Animator, photo: np.ndarray, to_face: np.ndarray) -> Face:
    portrait = animator.track_crop(photo, to_face)
    return Face(portrait, _look(portrait.face(LOOKS)))


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two `to_face` are about the same place and size."""
    (x, y, side, _), (u, v, size, _) = placed(one), placed(other)
    return np.hypot(x - u, y - v) < NEAR * size and 0.5 < side / size < 2


def _look(picture: np.ndarray) -> np.ndarray:
    """(LOOKS, LOOKS) float32: a picture's light and shade, for comparisons."""
    small = cv2.resize(picture, (LOOKS, LOOKS), interpolation=cv2.INTER_AREA)
    return small.mean(2, dtype=np.float32) - small.mean(dtype=np.float32)


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """1 for looks that are alike, 0 for those that have nothing in common; all blank ones are."""
    common, own = (one * other).mean(), (one * one + other * other).mean() / 2
    return float((common + 1) / (own + 1))


def _steady(around: list[Moment], place: int, name: int, reach: int) -> Steady:
    """A face of the moment at `place`, steadied by those around it."""
    moment = around[place]
    known = [other for other in around if name in other.faces]
    here, seconds = known.index(moment), np.array([other.seconds for other in known])
    portraits = [other.faces[name].portrait for other in known]
    x, y, sides, rolls = np.array([placed(portrait.to_face) for portrait in portraits]).T
    side = sides[here]
    crops = np.stack([x / side, y / side, np.log(sides), np.unwrap(rolls)], 1)
    x, y, size, roll = steadied(crops, seconds, here, TREMOR)
    units = np.array([portrait.reading.values for portrait in portraits])
    space = portraits[here].reading.space
    portrait = replace(
        portraits[here],
        to_face=square((x * side, y * side), np.exp(size), roll),
        reading=Expression.clipped(space, steadied(units, seconds, here, DOUBT)),
    )
    absent = (
        abs(i - place)
        for i, other in enumerate(around)
        if other.scene == moment.scene and name not in other.faces
    )
    return Steady(portrait, min(1.0, min(absent, default=np.inf) / (reach + 1)))
