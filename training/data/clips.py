"""Clips as samples: windows of their frames, with annotations.

A *segment* is an unbroken sequence of frames of a clip that have a picture and an annotation. A
*window* is `frames` consecutive frames of a segment.

T frames · D axes · sides in pixels.
"""

import csv
from pathlib import Path

import numpy as np

from moodganimation.expressions.spaces import ExpressionSpace

from .annotations import Table, find_annotations, read_annotations, read_ids
from .base import PictureSamples, require_samples
from .batches import Sample
from .config import DataConfig


class Clips(PictureSamples):
    """Windows of clips: clips/CLIP/FRAME.jpg, each with an annotation of the key CLIP_FRAME.

    Keys may also be paths of pictures. clips.csv (clip, split), or a list of names, assigns clips
    to splits.
    """

    def __init__(self, folders: list[Path], split: str, data: DataConfig, space: ExpressionSpace):
        super().__init__(data, space)
        self.segments = []  # (paths of N pictures, labels (N, D))
        for folder in folders:
            table = read_annotations(
                find_annotations(folder, data.annotations, "clips", space, split), space
            )
            self.dropped += table.dropped
            self.notes += table.notes
            keys_of = _group_by_clip(table.all_names)
            names = self._names_of_split(folder, split, keys_of)
            for clip, keys in keys_of.items():
                if names is None or clip in names or not names.isdisjoint(keys):
                    self._add_clip(folder / (data.images or "clips"), clip, keys, table)
        start_counts = [max(0, len(paths) - data.frames + 1) for paths, _ in self.segments]
        self.windows = [
            (segment, start) for segment, n in enumerate(start_counts) for start in range(n)
        ]
        require_samples(self, folders, split)

    def _names_of_split(self, folder: Path, split: str, keys_of: dict) -> set[str] | None:
        """Names of the clips of a split, or keys of frames of them; None if all clips are used.

        keys_of: clip -> keys of its annotations.
        """
        if self.data.ids:
            return set(read_ids(folder / self.data.ids.replace("{split}", split)))
        if (folder / "clips.csv").exists():
            with open(folder / "clips.csv", newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                if not {"clip", "split"} <= set(reader.fieldnames or ()):
                    raise ValueError(f"{folder / 'clips.csv'} needs the columns clip and split.")
                return {row["clip"] for row in reader if row["split"] == split}
        if (folder / f"{split}_ids.csv").exists():  # of clips or of frames
            names = set(read_ids(folder / f"{split}_ids.csv"))
            if any(clip in names or not names.isdisjoint(keys) for clip, keys in keys_of.items()):
                return names
        self.notes.append(
            f"{folder} has no clips.csv and no list of clips: all of its clips are used for {split}"
        )
        return None

    def _add_clip(self, folder: Path, clip: str, keys: list[str], table: Table) -> None:
        """Add the segments of a clip that are long enough."""
        segment = []
        for key in [*keys, None]:  # None ends the last segment
            path = _frame_path(folder, clip, key) if key in table.values else None
            if path is not None:
                segment.append((path, table.values[key]))
                continue
            if key in table.values:
                self.dropped["belong to no picture in the folder"] += 1
            if len(segment) >= self.data.frames:
                paths, labels = zip(*segment, strict=True)
                self.segments.append((list(paths), np.stack(labels)))
            elif segment:
                short = f"belong to unbroken clips of fewer than {self.data.frames} frames"
                self.dropped[short] += len(segment)
            segment = []

    def __len__(self) -> int:
        return len(self.windows)

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        segment, start = self.windows[index]
        paths, labels = (part[start : start + self.data.frames] for part in self.segments[segment])
        frames, labels = self.augment(paths, labels, rng, size)
        return Sample(frames, labels, labels[1:])


def _group_by_clip(keys: list[str]) -> dict[str, list[str]]:
    """Group keys of annotations, CLIP_FRAME or CLIP/FRAME, by their clip, in order."""
    keys_of = {}
    for key in keys:
        clip, _, frame = key.rpartition("_")
        if "/" in frame or not clip:
            clip = str(Path(key).parent)
        keys_of.setdefault(clip, []).append(key)
    return keys_of


def _frame_path(folder: Path, clip: str, key: str) -> Path | None:
    """The path of the frame of a key: CLIP/FRAME.jpg, KEY.jpg, or KEY itself; None if missing."""
    frame = key.rpartition("_")[2]
    for name in (f"{clip}/{frame}.jpg", f"{clip}/{frame}.png", f"{key}.jpg", f"{key}.png", key):
        path = folder / name
        if path.is_file():
            return path
    return None
