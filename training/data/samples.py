"""Photos, clips and re-rendered pairs as samples, straight from the folders of the seed's formats.

T frames · D axes · sides in pixels.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from moodganimation.expressions import ACTION_UNITS, Expression, ExpressionSpace
from moodganimation.moods import mood_of

from ..experiments import Data
from .annotations import find_annotations, read_annotations, read_ids
from .batches import Sample, Samples
from .pairs import Pairs, View
from .pictures import Pictures, Unusable, names_in

TRIES = 100  # of targets to redraw, and of unreadable pictures in a row to pass over


def open_samples(folders: list[Path], split: str, data: Data, space: ExpressionSpace) -> Samples:
    """The samples of an experiment's data; raises ValueError where there are none."""
    kinds = {"stills": Stills, "clips": Clips, "pairs": Twins}
    return kinds[data.kind](folders, split, data, space)


class _Readable:
    """What photos and clips share: looks, and passing over pictures that cannot be read."""

    def __init__(self, data: Data):
        self.data, self.pictures = data, Pictures()
        self.dropped, self.remarks, self.unreadable = Counter(), [], set()

    def sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        for further in range(TRIES):
            try:
                return self._sample((index + further) % len(self), rng, size)
            except Unusable as problem:
                self.unreadable.add(str(problem))
        raise ValueError(f"{TRIES} samples in a row cannot be read: {sorted(self.unreadable)[0]}")

    def look(self, paths: list[Path], rng: np.random.Generator, size: int) -> np.ndarray:
        """(T, 3, size, size): one random view, or one flip, for all frames of a clip."""
        if self.data.augment != "flip":
            return _views(self, paths, rng, size)
        frames = np.stack([self.pictures.read(path, size) for path in paths])
        if rng.random() < 0.5:
            frames = frames[:, :, ::-1]
        return np.ascontiguousarray((frames / np.float32(127.5) - 1).transpose(0, 3, 1, 2))

    def report(self) -> list[str]:
        """What was left out and what was assumed, one sentence each."""
        left_out = [
            f"{n} annotations left out: they {reason}" for reason, n in self.dropped.items()
        ]
        return left_out + self.remarks


class Stills(_Readable):
    """Photos: imgs/NAME.jpg with an annotation each, of the names in SPLIT_ids.csv."""

    def __init__(self, folders: list[Path], split: str, data: Data, space: ExpressionSpace):
        super().__init__(data)
        self.rows = []
        for folder in folders:
            pictures = names_in(folder / (data.images or "imgs"))
            table = read_annotations(
                find_annotations(folder, data.annotations, "stills", space, split), space
            )
            names = read_ids(folder / (data.ids or "{split}_ids.csv").replace("{split}", split))
            self.dropped += table.dropped
            self.remarks += table.remarks
            for name in names:
                if name not in table.values:
                    self.dropped["are missing for names of the list"] += 1
                elif name not in pictures:
                    self.dropped["belong to no picture in the folder"] += 1
                else:
                    self.rows.append((pictures[name], table.values[name]))
        _some(self, folders, split)
        self.labels = np.stack([label for _, label in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        path, label = self.rows[index]
        return Sample(self.look([path], rng, size), label[None], self.target(label, rng)[None])

    def target(self, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The noisy expression of some other photo, neither too near nor too far."""
        data = self.data
        for _ in range(TRIES):
            other = self.labels[rng.integers(len(self.labels))]
            apart = np.abs(other - label)
            if (apart <= data.target_reach).all() and (apart >= data.target_apart).all():
                break
        noise = rng.uniform(-data.target_noise, data.target_noise, len(other))
        target = other + noise.astype(np.float32)
        return target.clip(min=0) if data.target_floor else target


class Clips(_Readable):
    """Windows of clips: clips/CLIP/FRAME.jpg with an annotation CLIP_FRAME each.

    Windows lie inside one video. Keys of annotations may also be paths of pictures. clips.csv
    (clip, split) or the list of names says which videos belong to a split.
    """

    def __init__(self, folders: list[Path], split: str, data: Data, space: ExpressionSpace):
        super().__init__(data)
        self.videos = []  # (paths, labels (N, D)) of each
        for folder in folders:
            table = read_annotations(
                find_annotations(folder, data.annotations, "clips", space, split), space
            )
            self.dropped += table.dropped
            self.remarks += table.remarks
            chosen = self._chosen(folder, split)
            for name, keys in _by_video(table.values).items():
                if chosen is None or name in chosen or keys[0] in chosen:
                    self._add(folder / (data.images or "clips"), name, keys, table.values)
        starts = [max(0, len(paths) - data.frames + 1) for paths, _ in self.videos]
        self.windows = [(v, start) for v, n in enumerate(starts) for start in range(n)]
        _some(self, folders, split)

    def _chosen(self, folder: Path, split: str) -> set[str] | None:
        """Names of the videos of a split, or None for all."""
        import csv

        if self.data.ids:
            return set(read_ids(folder / self.data.ids.replace("{split}", split)))
        if not (folder / "clips.csv").exists():
            self.remarks.append(f"{folder} has no clips.csv: all of its clips are {split} clips")
            return None
        with open(folder / "clips.csv", newline="") as file:
            reader = csv.DictReader(file)
            if not {"clip", "split"} <= set(reader.fieldnames or ()):
                raise ValueError(f"{folder / 'clips.csv'} needs the columns clip and split.")
            return {row["clip"] for row in reader if row["split"] == split}

    def _add(self, folder: Path, video: str, keys: list[str], values: dict) -> None:
        paths, labels = [], []
        for key in keys:
            path = _frame_path(folder, video, key)
            if path is None:
                self.dropped["belong to no picture in the folder"] += 1
            else:
                paths.append(path)
                labels.append(values[key])
        if len(paths) < self.data.frames:
            self.dropped[f"belong to clips of fewer than {self.data.frames} frames"] += len(paths)
        else:
            self.videos.append((paths, np.stack(labels)))

    def __len__(self) -> int:
        return len(self.windows)

    def _sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        video, start = self.windows[index]
        paths, labels = (part[start : start + self.data.frames] for part in self.videos[video])
        return Sample(self.look(paths, rng, size), labels, labels[1:])


class Twins:
    """Re-rendered pairs as clips of two frames: a face, and the same face with another expression.

    Four in ten are taken backwards, from the rendering to the real photo.
    """

    def __init__(self, folders: list[Path], split: str, data: Data, space: ExpressionSpace):
        self.pairs, self.pictures, self.space = Pairs(folders, split, 128), Pictures(), space
        self.data = data
        if len(space.axes) not in (2, 3, 17):
            raise ValueError(f"Pairs are labelled with Action Units, which say no {space.name}.")
        self.dropped, self.remarks, self.unreadable = Counter(), [], set()

    def __len__(self) -> int:
        return len(self.pairs.rows)

    def sample(self, index: int, rng: np.random.Generator, size: int) -> Sample:
        source, target, *labels = self.pairs.rows[index]
        ways = ([source, target], labels)
        if rng.random() < 0.4:
            ways = tuple(way[::-1] for way in ways)
        frames = _views(self, ways[0], rng, size)
        conditions = np.stack([self._in_space(label) for label in ways[1]])
        return Sample(frames, conditions, conditions[1:])

    def _in_space(self, units: np.ndarray) -> np.ndarray:
        if self.space == ACTION_UNITS:
            return units
        expression = Expression.clipped(ACTION_UNITS, units)
        return np.float32(mood_of(expression, self.space).values)

    def report(self) -> list[str]:
        return []


def _views(samples, paths: list[Path], rng: np.random.Generator, size: int) -> np.ndarray:
    """(T, 3, size, size): the same random crop and turn of all frames, and tone if asked for."""
    view, side = View(rng, size, samples.data.augment == "view"), round(size * 1.125)
    return np.stack([view.picture(samples.pictures.read(path, side)) for path in paths])


def _by_video(values: dict) -> dict[str, list[str]]:
    """Keys of annotations by the video they are of, in the order of the file."""
    videos = {}
    for key in values:
        videos.setdefault(key.rpartition("_")[0] or str(Path(key).parent), []).append(key)
    return videos


def _frame_path(folder: Path, video: str, key: str) -> Path | None:
    """Where the frame of a key lies: CLIP/FRAME.jpg, KEY.jpg, or at KEY itself."""
    frame = key.rpartition("_")[2]
    for name in (f"{video}/{frame}.jpg", f"{video}/{frame}.png", f"{key}.jpg", f"{key}.png", key):
        path = folder / name
        if path.is_file():
            return path
    return None


def _some(samples: Samples, folders: list[Path], split: str) -> None:
    if not len(samples):
        reasons = "; ".join(samples.report()) or "no name of the split has a picture"
        raise ValueError(f"No {split} samples in {', '.join(map(str, folders))}: {reasons}.")
