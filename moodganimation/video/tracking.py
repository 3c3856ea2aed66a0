"""Track faces through a film: detected at intervals, aligned in every frame between, and read.

Measurements jitter, so each is smoothed by those of the frames around it. A result comes a few
frames late, but does not lag behind the picture.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..animator import Animator
from ..expressions.spaces import Expression
from ..faces.portrait import Portrait, center_side_roll, show_same_face, square_crop
from .smoothing import bilateral_smooth, smoothing_radius, windows

DETECTION_INTERVAL = 0.25  # between two detections in whole frames [s]
MAX_MISSES = 3  # detections in a row without a tracked face: it is gone
SAME_FACE = 0.7  # similarity of a face to itself one frame before; below, faces are detected again
SAME_SCENE = 0.6  # similarity of two frames; below, a new scene begins
PLACE_SIGMA = 0.03  # of smoothing: center in crop sides, logarithm of the side, roll [rad]
READING_SIGMA = 0.1  # of smoothing: Action Units
SETTLING_STEPS = 4  # alignments of a new face, each from the last one's crop
MIN_CROP_SIDE = 24  # [px]; a face in a smaller crop is lost
THUMBNAIL_SIDE = 24  # [px]


@dataclass(frozen=True, eq=False)
class MeasuredFace:
    """A face on one frame, as measured."""

    portrait: Portrait  # aligned and read, not encoded
    thumbnail: np.ndarray  # of its crop, see `_thumbnail`
    doubted: bool = False  # it does not look like the face of the frame before
    misses: int = 0  # detections in a row that did not find it


@dataclass(frozen=True, eq=False)
class Moment:
    """One frame of a film and the faces on it."""

    frame: np.ndarray  # (H, W, 3) uint8 RGB
    seconds: float  # number of the frame / fps
    scene: int  # number of cuts before it
    measured_faces: dict[int, MeasuredFace]  # by track id


@dataclass(frozen=True, eq=False)
class SmoothedFace:
    """A tracked face on one frame, smoothed."""

    portrait: Portrait  # at its smoothed place, with its smoothed reading; not encoded
    presence: float  # in (0, 1]; below 1 near frames of the same scene on which it is missing


def track(
    animator: Animator, frames: Iterable[np.ndarray], fps: float, max_faces: int = 1
) -> Iterator[tuple[Moment, list[SmoothedFace]]]:
    """Every frame of a film with up to `max_faces` faces, smoothed.

    A face is tracked until it is gone or the scene ends; no larger face replaces it. Free places go
    to the largest faces that are not tracked. Holds a few frames, however many there are.
    """
    radius = smoothing_radius(fps)
    for moments, index in windows(track_unsmoothed(animator, frames, fps, max_faces), radius):
        faces = [
            _smoothed(moments, index, track_id, radius)
            for track_id in moments[index].measured_faces
        ]
        yield moments[index], faces


def smooth_latest(past: list[Moment], radius: int) -> list[SmoothedFace]:
    """The faces of the last moment, smoothed by those before it alone."""
    return [
        _smoothed(past, len(past) - 1, track_id, radius) for track_id in past[-1].measured_faces
    ]


def track_unsmoothed(
    animator: Animator, frames: Iterable[np.ndarray], fps: float, max_faces: int = 1
) -> Iterator[Moment]:
    """Detect and track faces as `track`, without smoothing: one `Moment` a frame, at once."""
    faces: dict[int, MeasuredFace] = {}
    scene = next_id = next_detection = 0
    before = None
    for number, frame in enumerate(frames):
        thumbnail = _thumbnail(frame)
        if before is not None and _similarity(thumbnail, before) < SAME_SCENE:
            faces, scene, next_detection = {}, scene + 1, number
        before = thumbnail
        advanced = {track_id: _advance(animator, frame, face) for track_id, face in faces.items()}
        faces = {track_id: face for track_id, face in advanced.items() if face is not None}
        uncertain = any(face.doubted or face.misses for face in faces.values())
        if number >= next_detection or uncertain:
            next_detection = number + max(1, round(DETECTION_INTERVAL * fps))
            tracked, (faces, new) = len(faces), _confirm(animator, frame, faces)
            # One face is gone and another is there: a cut, too. Faces that stay are tracked on;
            # without the cut, `_smoothed` would fade the two.
            if new and len(faces) < tracked:
                scene += 1
            for to_face in new[: max_faces - len(faces)]:
                faces[next_id] = _settle(animator, frame, to_face)
                next_id += 1
        yield Moment(frame, number / fps, scene, faces)


def _advance(animator: Animator, frame: np.ndarray, last: MeasuredFace) -> MeasuredFace | None:
    """A face one frame later, from where it was; None if that is outside or too small."""
    x, y, side, _ = center_side_roll(last.portrait.to_face)
    if not (0 <= x < frame.shape[1] and 0 <= y < frame.shape[0] and side >= MIN_CROP_SIDE):
        return None
    face = _measure(animator, frame, last.portrait.to_face)
    doubted = _similarity(face.thumbnail, last.thumbnail) < SAME_FACE
    return replace(face, doubted=doubted, misses=last.misses)


def _confirm(
    animator: Animator, frame: np.ndarray, faces: dict[int, MeasuredFace]
) -> tuple[dict[int, MeasuredFace], list[np.ndarray]]:
    """Detect faces, and match them with the tracked ones.

    Returns the tracked faces to keep (those found, and those missed by fewer than MAX_MISSES
    detections in a row and not doubted), and the crops of all other faces, largest first: (2, 3)
    affine maps from the frame to the face, as `Portrait.to_face`.
    """
    detected, kept = animator.find(frame), {}
    for track_id, face in faces.items():
        near = [show_same_face(to_face, face.portrait.to_face) for to_face in detected]
        if any(near):
            if face.doubted:
                face = _settle(animator, frame, detected[near.index(True)])
            kept[track_id] = replace(face, misses=0)
        elif not face.doubted and face.misses + 1 < MAX_MISSES:
            kept[track_id] = replace(face, misses=face.misses + 1)
        detected = [to_face for to_face, same in zip(detected, near, strict=True) if not same]
    return kept, detected


def _settle(animator: Animator, frame: np.ndarray, to_face: np.ndarray) -> MeasuredFace:
    """Measure a face whose crop is coarse: align it several times."""
    for _ in range(SETTLING_STEPS - 1):
        to_face = animator.track_crop(frame, to_face).to_face
    return _measure(animator, frame, to_face)


def _measure(animator: Animator, frame: np.ndarray, to_face: np.ndarray) -> MeasuredFace:
    """Align and read a face from its crop."""
    portrait = animator.track_crop(frame, to_face)
    return MeasuredFace(portrait, _thumbnail(portrait.face(THUMBNAIL_SIDE)))


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    """(THUMBNAIL_SIDE, THUMBNAIL_SIDE) float32: grey levels without their mean, for comparisons."""
    small = cv2.resize(picture, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
    return small.mean(2, dtype=np.float32) - small.mean(dtype=np.float32)


def _similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Similarity of two thumbnails a, b in (-1, 1]: mean(a b) / mean((a^2 + b^2) / 2).

    1 is added above and below [squared grey level], so that all blank thumbnails are similar.
    """
    common, own = (one * other).mean(), (one * one + other * other).mean() / 2
    return float((common + 1) / (own + 1))


def _smoothed(moments: list[Moment], index: int, track_id: int, radius: int) -> SmoothedFace:
    """A face of the moment at `index`, smoothed by the moments around it."""
    moment = moments[index]
    with_face = [other for other in moments if track_id in other.measured_faces]
    here, seconds = with_face.index(moment), np.array([other.seconds for other in with_face])
    portraits = [other.measured_faces[track_id].portrait for other in with_face]
    x, y, sides, rolls = np.array([center_side_roll(portrait.to_face) for portrait in portraits]).T
    side = sides[here]
    crops = np.stack([x / side, y / side, np.log(sides), np.unwrap(rolls)], 1)
    x, y, log_side, roll = bilateral_smooth(crops, seconds, here, PLACE_SIGMA)
    readings = np.array([portrait.reading.values for portrait in portraits])
    reading = bilateral_smooth(readings, seconds, here, READING_SIGMA)
    portrait = replace(
        portraits[here],
        to_face=square_crop((x * side, y * side), np.exp(log_side), roll),
        reading=Expression.clipped(portraits[here].reading.space, reading),
        # A mean, so that edits of the lower face fade out and in where the mouth is covered.
        covered=float(np.mean([portrait.covered or 0 for portrait in portraits])),
    )
    distances = (  # to frames of the scene without the face
        abs(i - index)
        for i, other in enumerate(moments)
        if other.scene == moment.scene and track_id not in other.measured_faces
    )
    return SmoothedFace(portrait, min(1.0, min(distances, default=np.inf) / (radius + 1)))
