"""The frames of one video as clips of canonical crops."""

import re
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from . import crops
from .affwild_files import NO_LINE, read_annotation
from .files import write

JUMP = 0.5  # of a crop's side: a face that moves further from frame to frame is another face
GROWTH = 1.5  # so is one that grows or shrinks by more


def crop_video(item: dict, out: str, size: int, smallest: int, every: int, shortest: int) -> dict:
    """Write clips/NAME_k/FRAME.jpg of {name, video, annotation, side}.

    Of several faces the largest begins a clip (or the leftmost, or the rightmost, by `side`), and
    the one nearest to it in place goes on. Returns {"clips": [{"clip", "frames", "values"}],
    "dropped": reason -> frames, "notes": text -> frames}.
    """
    moods = read_annotation([Path(path) for path in item["annotation"]])
    run = _Runs(Path(out) / "clips", item["name"], shortest)
    run.clear()
    end = 0
    with crops.single_threaded():
        for i, photo in _frames(item["video"], every):
            end = i + every
            if photo is None:
                run.breaks("frames that cannot be decoded")
                continue
            mood = moods[i] if i < len(moods) else NO_LINE
            if isinstance(mood, str):
                run.breaks(mood)
                continue
            face = _follow(crops.find_faces(photo), run, item["side"])
            if face is None:
                run.breaks("frames in which no face was found")
                continue
            portrait = crops.canonical(photo, face)
            if portrait.side < smallest:
                run.breaks(f"frames in which {crops.SMALL}")
                continue
            run.add(i, mood, crops.encoded(portrait.face(size)), face)
    run.ends()
    run.notes["lines of annotation beyond the last frame"] += max(0, len(moods) - end) if end else 0
    if not end:
        run.dropped["videos that cannot be read, or are empty"] += 1
    return {"clips": run.clips, "dropped": dict(run.dropped), "notes": dict(run.notes)}


class _Runs:
    """Frames of an unbroken run, held as JPEG until the run ends and is long enough."""

    def __init__(self, folder: Path, name: str, shortest: int):
        self.folder, self.name, self.shortest = folder, name, shortest
        self.clips, self.dropped, self.notes = [], Counter(), Counter()
        self.held, self.face = [], None

    def clear(self) -> None:
        """Remove what an earlier, cut-off run made of this video."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("*"):
            if re.fullmatch(re.escape(self.name) + r"_\d+", path.name):
                shutil.rmtree(path)

    def add(self, frame: int, mood: tuple, data: bytes, face: np.ndarray) -> None:
        self.held.append((frame, mood, data))
        self.face = face

    def breaks(self, reason: str) -> None:
        self.dropped[reason] += 1
        self.ends()

    def ends(self) -> None:
        if len(self.held) < self.shortest:
            if self.held:
                self.dropped[f"frames in runs shorter than {self.shortest}"] += len(self.held)
        else:
            clip = f"{self.name}_{len(self.clips)}"
            (self.folder / clip).mkdir()
            for frame, _, data in self.held:
                write(self.folder / clip / f"{frame:04d}.jpg", data)
            frames, moods, _ = zip(*self.held, strict=True)
            self.clips.append({"clip": clip, "frames": list(frames), "values": list(moods)})
        self.held, self.face = [], None


def _frames(path: str, every: int):
    """(number, (H, W, 3) uint8 RGB or None) of every so many frames; none of what is no video."""
    video = cv2.VideoCapture(path)
    try:
        i = 0
        while video.grab():
            if i % every == 0:
                good, pixels = video.retrieve()
                yield i, np.ascontiguousarray(pixels[..., ::-1]) if good else None
            i += 1
    finally:
        video.release()


def _follow(faces: list[np.ndarray], run: _Runs, side: str) -> np.ndarray | None:
    """The face that goes on with the run, or that begins a new one."""
    if not faces:
        return None
    if len(faces) > 1:
        run.notes["frames with several faces: one was followed, see --help"] += 1
    if run.face is not None:
        nearest = min(faces, key=lambda face: _moved(run.face, face))
        if (
            _moved(run.face, nearest) < JUMP
            and 1 / GROWTH < _side(nearest) / _side(run.face) < GROWTH
        ):
            return nearest
        run.notes["jumps from one face to another: a new clip begins"] += 1
        run.ends()
    if side:
        return sorted(faces, key=lambda face: _center(face)[0])[0 if side == "left" else -1]
    return faces[0]


def _moved(before: np.ndarray, after: np.ndarray) -> float:
    """How far a face moved, in sides of its crop."""
    return float(np.linalg.norm(_center(after) - _center(before)) / _side(before))


def _center(to_face: np.ndarray) -> np.ndarray:
    return -np.linalg.solve(to_face[:, :2], to_face[:, 2])


def _side(to_face: np.ndarray) -> float:
    return float(2 / np.sqrt(abs(np.linalg.det(to_face[:, :2]))))
