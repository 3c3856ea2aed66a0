"""Clips as samples: windows of frames and their annotations, of one video each.

T frames · D axes · sides in pixels.
"""

import csv
from pathlib import Path

import numpy as np

from moodganimation.expressions.spaces import ExpressionSpace

from .annotations import Table, find_annotations, read_annotations, read_ids
from .base import PictureSamples, require_samples
from .batches import Sample
from .config import Data


class Clips(PictureSamples):
    """Windows of clips: clips/CLIP/FRAME.jpg, each with an annotation of the key CLIP_FRAME.

    A window consists of consecutive, usable frames of one clip, here called video. Keys may also be
    paths of pictures. clips.csv (clip, split), or a list of names, assigns videos to splits.
    """

    def __init__(self, folders: list[Path], split: str, data: Data, space: ExpressionSpace):
        super().__init__(data, space)
        self.runs = []  # (paths, labels (N, D)) of consecutive usable frames
        for folder in folders:
            table = read_annotations(
                find_annotations(folder, data.annotations, "clips", space, split), space
            )
            self.dropped += table.dropped
            self.remarks += table.remarks
            videos = _by_video(table.names)
            names = self._names_of_split(folder, split, videos)
            for name, keys in videos.items():
                if names is None or name in names or not names.isdisjoint(keys):
                    self._add(folder / (data.images or "clips"), name, keys, table)
        starts = [max(0, len(paths) - data.frames + 1) for paths, _ in self.runs]
        self.windows = [(run, start) for run, n in enumerate(starts) for start in range(n)]
        require_samples(self, folders, split)

    def _names_of_split(self, folder: Path, split: str, videos: dict) -> set[str] | None:
        """Names of the videos of a split, or of frames of them; None if all videos are used.

        videos: name -> keys of its annotations.
        """
        if self.data.ids:
            return set(read_ids(folder / self.data.ids.replace("{split}", split)))
        if (folder / "clips.csv").exists():
            with open(folder / "clips.csv", newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                if not {"clip", "split"} <= set(reader.fieldnames or ()):
                    raise ValueError(f"{folder / 'clips.csv'} needs the columns clip and split.")
                return {row["clip"] for row in reader if row["split"] == split}
        if (folder / f"{split}_ids.csv").exists():  # names of videos or of frames
            names = set(read_ids(folder / f"{split}_ids.csv"))
            if any(name in names or not names.isdisjoint(keys) for name, keys in videos.items()):
                return names
        self.remarks.append(
            f"{folder} has no clips.csv and no list of clips: all of its clips are used for {split}"
        )
        return None

    def _add(self, folder: Path, video: str, keys: list[str], table: Table) -> None:
        """Add the runs of consecutive usable frames of a video that are long enough."""
        run = []
        for key in [*keys, None]:
            path = _frame_path(folder, video, key) if key in table.values else None
            if path is not None:
                run.append((path, table.values[key]))
                continue
            if key in table.values:
                self.dropped["belong to no picture in the folder"] += 1
            if len(run) >= self.data.frames:
                paths, labels = zip(*run, strict=True)
                self.runs.append((list(paths), np.stack(labels)))
            elif run:
                short = f"belong to unbroken clips of fewer than {self.data.frames} frames"
                self.dropped[short] += len(run)
            run = []

    def __len__(self) -> int:
        return len(self.windows)

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        run, start = self.windows[index]
        paths, labels = (part[start : start + self.data.frames] for part in self.runs[run])
        frames, labels = self.augment(paths, labels, rng, size)
        return Sample(frames, labels, labels[1:])


def _by_video(keys: list[str]) -> dict[str, list[str]]:
    """Group keys of annotations, VIDEO_FRAME or VIDEO/FRAME, by their video, in order."""
    videos = {}
    for key in keys:
        video, _, frame = key.rpartition("_")
        if "/" in frame or not video:
            video = str(Path(key).parent)
        videos.setdefault(video, []).append(key)
    return videos


def _frame_path(folder: Path, video: str, key: str) -> Path | None:
    """The path of the frame of a key: CLIP/FRAME.jpg, KEY.jpg, or KEY itself; None if missing."""
    frame = key.rpartition("_")[2]
    for name in (f"{video}/{frame}.jpg", f"{video}/{frame}.png", f"{key}.jpg", f"{key}.png", key):
        path = folder / name
        if path.is_file():
            return path
    return None
