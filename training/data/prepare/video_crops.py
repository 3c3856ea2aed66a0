"""Cropping the frames of one video to clips of canonical crops."""

import contextlib
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np

from moodganimation.animation.tables import NotATable
from moodganimation.errors import UnreadableFile
from moodganimation.media.video_reader import read_every

from . import crops
from .affwild_files import NO_LINE, read_annotation
from .files import write_atomically

# A face counts as another one if it moves farther between frames [sides of its crop], or grows or
# shrinks by a larger factor.
MAX_MOTION, MAX_GROWTH = 0.5, 1.5


def crop_video(item: dict, out: str, size: int, smallest: int, every: int, shortest: int) -> dict:
    """Write clips/NAME_k/FRAME.jpg of the item {name, video, annotation, side}, see `affwild`.

    If there are several faces, a clip starts with the largest (or the leftmost or rightmost, by
    `side`) and continues with the nearest one. size: side of crops [px]. smallest: least side of
    the crop in the video [px]. every: use every Nth frame. shortest: least frames of a clip.
    Returns {"clips": [{"clip", "frames", "values"}], "dropped": reason -> frames, "notes": text ->
    frames}.
    """
    try:
        moods = read_annotation([Path(path) for path in item["annotation"]])
    except (OSError, NotATable):
        return {"clips": [], "dropped": {"annotations that cannot be read": 1}, "notes": {}}
    writer = _ClipWriter(Path(out) / "clips", item["name"], shortest)
    writer.clear()
    end = 0
    with crops.single_threaded():
        for i, photo in _frames(item["video"], every):
            end = i + every
            mood = moods[i] if i < len(moods) else NO_LINE
            if isinstance(mood, str):
                writer.drop_frame(mood)
                continue
            face = _choose_face(crops.find_faces(photo), writer, item["side"])
            if face is None:
                writer.drop_frame("frames in which no face was found")
                continue
            portrait = crops.align_portrait(photo, face)
            if portrait.side < smallest:
                writer.drop_frame(f"frames in which {crops.TOO_SMALL}")
                continue
            writer.add(i, mood, crops.as_jpeg(portrait.face(size)), face)
    writer.finish_clip()
    writer.notes["lines of annotation beyond the last frame"] += (
        max(0, len(moods) - end) if end else 0
    )
    if not end:
        writer.dropped["videos that cannot be read, or are empty"] += 1
    return {"clips": writer.clips, "dropped": dict(writer.dropped), "notes": dict(writer.notes)}


class _ClipWriter:
    """Collects consecutive frames as JPEG, and writes them as a clip if there are enough."""

    def __init__(self, folder: Path, name: str, shortest: int):
        self.folder, self.name, self.shortest = folder, name, shortest
        self.clips, self.dropped, self.notes = [], Counter(), Counter()
        self.frames, self.face = [], None

    def clear(self) -> None:
        """Remove the clips that an interrupted run wrote for this video."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("*"):
            if re.fullmatch(re.escape(self.name) + r"_\d+", path.name):
                shutil.rmtree(path)

    def add(self, frame: int, mood: tuple, data: bytes, face: np.ndarray) -> None:
        """Add a frame with its mood, JPEG data and `to_face` to the present clip."""
        self.frames.append((frame, mood, data))
        self.face = face

    def drop_frame(self, reason: str) -> None:
        """Count a frame as dropped, which ends the present clip."""
        self.dropped[reason] += 1
        self.finish_clip()

    def finish_clip(self) -> None:
        """Write the collected frames as a clip, or drop them if they are too few."""
        if len(self.frames) < self.shortest:
            if self.frames:
                self.dropped[f"frames in runs shorter than {self.shortest}"] += len(self.frames)
        else:
            clip = f"{self.name}_{len(self.clips)}"
            (self.folder / clip).mkdir()
            for frame, _, data in self.frames:
                write_atomically(self.folder / clip / f"{frame:04d}.jpg", data)
            frames, moods, _ = zip(*self.frames, strict=True)
            self.clips.append({"clip": clip, "frames": list(frames), "values": list(moods)})
        self.frames, self.face = [], None


def _frames(path: str, every: int):
    """Yield (number, (H, W, 3) uint8 RGB) of every Nth frame; nothing for an unreadable video."""
    with contextlib.suppress(UnreadableFile):
        yield from read_every(path, every)


def _choose_face(faces: list[np.ndarray], writer: _ClipWriter, side: str) -> np.ndarray | None:
    """Choose the face that continues the present clip, or that starts a new one, if there is one.

    If the face jumped, the present clip is finished first. faces: `to_face` matrices (2, 3),
    largest first. side: "left", "right" or "".
    """
    if not faces:
        return None
    if len(faces) > 1:
        writer.notes["frames with several faces: one was followed, see --help"] += 1
    if writer.face is not None:
        nearest = min(faces, key=lambda face: _motion(writer.face, face))
        if (
            _motion(writer.face, nearest) < MAX_MOTION
            and 1 / MAX_GROWTH < _crop_side(nearest) / _crop_side(writer.face) < MAX_GROWTH
        ):
            return nearest
        writer.notes["jumps from one face to another: a new clip begins"] += 1
        writer.finish_clip()
    if side:
        return sorted(faces, key=lambda face: _center(face)[0])[0 if side == "left" else -1]
    return faces[0]


def _motion(before: np.ndarray, after: np.ndarray) -> float:
    """The distance that a face moved, in sides of its crop."""
    return float(np.linalg.norm(_center(after) - _center(before)) / _crop_side(before))


def _center(to_face: np.ndarray) -> np.ndarray:
    """The centre (2,) of a face [px]."""
    return -np.linalg.solve(to_face[:, :2], to_face[:, 2])


def _crop_side(to_face: np.ndarray) -> float:
    """The side of the crop of a face [px]."""
    return float(2 / np.sqrt(abs(np.linalg.det(to_face[:, :2]))))
