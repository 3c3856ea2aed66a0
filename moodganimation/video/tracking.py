"""Track faces through a film: detect them at intervals, align and read them in every frame.

Measurements jitter, so each is smoothed by those of the frames before and after it. A result is
available a few frames later, but does not lag behind the picture.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..animator import Animator
from ..expressions.spaces import Expression
from ..faces.portrait import Portrait, center_side_roll, is_same_face, square_crop
from .smoothing import bilateral_smooth, smoothing_radius, windows

# Between two searches of the whole frame [s]. While a face is missed or looks different, every
# frame is searched.
DETECTION_INTERVAL = 0.25
MAX_MISSES = 3  # searches in a row that do not find a face, after which its track ends
# Of a crop to that of the frame before; below, faces are detected again. See `_similarity`.
MIN_FACE_SIMILARITY = 0.7
MIN_SCENE_SIMILARITY = 0.6  # of a frame to the one before; below, a new scene begins
# Value sigmas of `bilateral_smooth`.
CROP_SIGMA = 0.03  # of the center in crop sides, the logarithm of the side, and the roll [rad]
READING_SIGMA = 0.1  # of every axis of a reading, gaze and head included
ALIGNMENT_STEPS = 4  # alignments of a new face, each from the crop of the last one
MIN_CROP_SIDE = 24  # [px]; the track of a smaller face ends
THUMBNAIL_SIDE = 24  # [px]


@dataclass(frozen=True, eq=False)
class MeasuredFace:
    """A face on one frame, as measured."""

    portrait: Portrait  # aligned and read, not encoded
    thumbnail: np.ndarray  # (THUMBNAIL_SIDE, THUMBNAIL_SIDE) float32 of its crop
    looks_different: bool = False  # from the face of the frame before
    misses: int = 0  # detections in a row that did not find it


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """One frame of a film and the faces on it."""

    frame: np.ndarray  # (H, W, 3) uint8 RGB
    seconds: float  # time in the film: number of the frame / fps
    scene: int  # number of cuts before it
    measured_faces: dict[int, MeasuredFace]  # by track id


@dataclass(frozen=True, eq=False)
class SmoothedFace:
    """A tracked face on one frame, smoothed."""

    portrait: Portrait  # at its smoothed place, with its smoothed reading; not encoded
    # In (0, 1], the weight of its edit: below 1 near frames of the same scene without the face.
    presence: float


def track(
    animator: Animator, frames: Iterable[np.ndarray], fps: float, max_faces: int = 1
) -> Iterator[tuple[TrackedFrame, list[SmoothedFace]]]:
    """Every frame of a film with up to `max_faces` faces, smoothed.

    A face is tracked until it disappears or the scene ends, even if a larger one appears. If fewer
    than `max_faces` are tracked, the largest other faces are added. Only a few frames are in
    memory.
    """
    radius = smoothing_radius(fps)
    for window, index in windows(track_unsmoothed(animator, frames, fps, max_faces), radius):
        faces = [
            _smooth_face(window, index, track_id, radius)
            for track_id in window[index].measured_faces
        ]
        yield window[index], faces


def smooth_latest(past: list[TrackedFrame], radius: int) -> list[SmoothedFace]:
    """The faces of the last of these frames, smoothed by the frames before it."""
    return [
        _smooth_face(past, len(past) - 1, track_id, radius) for track_id in past[-1].measured_faces
    ]


def track_unsmoothed(
    animator: Animator, frames: Iterable[np.ndarray], fps: float, max_faces: int = 1
) -> Iterator[TrackedFrame]:
    """Detect and track faces as `track`, but without smoothing, so that no frame is delayed."""
    faces: dict[int, MeasuredFace] = {}
    scene = next_id = next_detection = 0
    before = None
    for number, frame in enumerate(frames):
        thumbnail = _thumbnail(frame)
        if before is not None and _similarity(thumbnail, before) < MIN_SCENE_SIMILARITY:
            faces, scene, next_detection = {}, scene + 1, number
        before = thumbnail
        advanced = {
            track_id: _advance_face(animator, frame, face) for track_id, face in faces.items()
        }
        faces = {track_id: face for track_id, face in advanced.items() if face is not None}
        uncertain = any(face.looks_different or face.misses for face in faces.values())
        if number >= next_detection or uncertain:
            next_detection = number + max(1, round(DETECTION_INTERVAL * fps))
            tracked, (faces, new) = len(faces), _match_detections(animator, frame, faces)
            # One face has disappeared and another has appeared: this counts as a cut, too, or else
            # `_smooth_face` would fade the two. Faces that stay are tracked on.
            if new and len(faces) < tracked:
                scene += 1
            for to_face in new[: max_faces - len(faces)]:
                faces[next_id] = _align_repeatedly(animator, frame, to_face)
                next_id += 1
        yield TrackedFrame(frame, number / fps, scene, faces)


def _advance_face(animator: Animator, frame: np.ndarray, last: MeasuredFace) -> MeasuredFace | None:
    """Measure a tracked face in the next frame, starting from its last crop.

    None if that crop is centered outside of the frame or too small.
    """
    x, y, side, _ = center_side_roll(last.portrait.to_face)
    if not (0 <= x < frame.shape[1] and 0 <= y < frame.shape[0] and side >= MIN_CROP_SIDE):
        return None
    face = _measure_face(animator, frame, last.portrait.to_face)
    looks_different = _similarity(face.thumbnail, last.thumbnail) < MIN_FACE_SIMILARITY
    return replace(face, looks_different=looks_different, misses=last.misses)


def _match_detections(
    animator: Animator, frame: np.ndarray, faces: dict[int, MeasuredFace]
) -> tuple[dict[int, MeasuredFace], list[np.ndarray]]:
    """Detect faces, and match them with the tracked ones.

    Returns the tracked faces to keep, and the crops of all other detected faces, largest first:
    (2, 3) affine maps from the frame to the face, as `Portrait.to_face`. Kept are faces that are
    found, and those that look the same as before and are missed by fewer than MAX_MISSES detections
    in a row.
    """
    detected, kept = animator.find(frame), {}
    for track_id, face in faces.items():
        near = [is_same_face(to_face, face.portrait.to_face) for to_face in detected]
        if any(near):
            if face.looks_different:
                face = _align_repeatedly(animator, frame, detected[near.index(True)])
            kept[track_id] = replace(face, misses=0)
        elif not face.looks_different and face.misses + 1 < MAX_MISSES:
            kept[track_id] = replace(face, misses=face.misses + 1)
        detected = [to_face for to_face, same in zip(detected, near, strict=True) if not same]
    return kept, detected


def _align_repeatedly(animator: Animator, frame: np.ndarray, to_face: np.ndarray) -> MeasuredFace:
    """Measure a face from the coarse crop of a detection: align it ALIGNMENT_STEPS times."""
    for _ in range(ALIGNMENT_STEPS - 1):
        to_face = animator.track_crop(frame, to_face).to_face
    return _measure_face(animator, frame, to_face)


def _measure_face(animator: Animator, frame: np.ndarray, to_face: np.ndarray) -> MeasuredFace:
    """Align and read a face from its crop."""
    portrait = animator.track_crop(frame, to_face)
    return MeasuredFace(portrait, _thumbnail(portrait.face(THUMBNAIL_SIDE)))


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    """Scale a picture down, to compare it: (THUMBNAIL_SIDE, THUMBNAIL_SIDE) float32 grey levels
    minus their mean."""
    small = cv2.resize(picture, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
    return small.mean(2, dtype=np.float32) - small.mean(dtype=np.float32)


def _similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Similarity of two thumbnails a, b in (-1, 1]: mean(a b) / mean((a^2 + b^2) / 2).

    1 [squared grey level] is added to numerator and denominator, so that all blank thumbnails are
    similar.
    """
    covariance, mean_variance = (one * other).mean(), (one * one + other * other).mean() / 2
    return float((covariance + 1) / (mean_variance + 1))


def _smooth_face(
    window: list[TrackedFrame], index: int, track_id: int, radius: int
) -> SmoothedFace:
    """Smooth a face of the frame `window[index]` by the other frames of the window.

    radius: that of the window [frames].
    """
    tracked_frame = window[index]
    with_face = [other for other in window if track_id in other.measured_faces]
    here, seconds = with_face.index(tracked_frame), np.array([other.seconds for other in with_face])
    portraits = [other.measured_faces[track_id].portrait for other in with_face]
    x, y, sides, rolls = np.array([center_side_roll(portrait.to_face) for portrait in portraits]).T
    side = sides[here]
    crops = np.stack([x / side, y / side, np.log(sides), np.unwrap(rolls)], 1)
    x, y, log_side, roll = bilateral_smooth(crops, seconds, here, CROP_SIGMA)
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
        for i, other in enumerate(window)
        if other.scene == tracked_frame.scene and track_id not in other.measured_faces
    )
    return SmoothedFace(portrait, min(1.0, min(distances, default=np.inf) / (radius + 1)))
