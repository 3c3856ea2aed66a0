"""Before/after pairs with their motion, and photos with their expressions, as training batches.

A folder holds any of: imgs/NAME.jpg (144 x 144 canonical crops), aus_openface.pkl (NAME -> 17
intensities 0..5) with train_ids.csv, val_ids.csv, test_ids.csv; pairs/FILE.jpg with pairs*.csv
(file, source, split, s_AU01.. before, t_AU01.. after) and flow*.npz (names; flow (N, S, S, 2),
backward, in pixels of the 144 frame; mouth (N, S, S), 0..255 the share of inner mouth; shade
(N, S, S), how many times brighter the moved photo is); jaws.npz (names of pictures; upper, lower
(N, 2, 3) and white (N, 3) as `rendering.jaws` finds them; outline (N, P, 2) of the face in face
coordinates).
"""

import csv
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from moodganimation.expressions.spaces import ACTION_UNITS

from .augment import FRAME, View
from .pickles import read_pickle

PLACES = ("upper", "lower", "white", "outline")  # arrays of jaws.npz


class Batch(NamedTuple):
    """B pairs and P further photos; pictures in [-1, 1], conditions in [0, 1]."""

    source: Tensor  # (B, 3, S, S)
    target: Tensor  # (B, 3, S, S): the same face with the other expression
    before: Tensor  # (B, D)
    after: Tensor  # (B, D)
    flow: Tensor  # (B, 2, S, S): backward, in halves of the side; 0 where unknown
    known: Tensor  # (B, 1, S, S): 1 where the flow is to be believed
    inner: Tensor  # (B, 1, S, S): share of inner mouth, which is painted and not moved
    light: Tensor  # (B, 1, S, S): relative change of brightness; 0 where unknown
    jaws: Tensor  # (B, 15): `moodganimation.networks.teeth.Places` of the source; NaN where unknown
    outside: Tensor  # (B, 1, S, S): how far from the source's face, see `View`; NaN where unknown
    photos: Tensor  # (P, 3, S, S)
    labels: Tensor  # (P, D)

    def to(self, device) -> "Batch":
        return Batch(*(x.to(device, non_blocking=True) for x in self))


class Draw(NamedTuple):
    """How a batch is drawn."""

    pairs: int
    photos: int
    reverse: float = 0.0  # share of pairs taken from the render back to the real photo
    opening: float = 0.0  # share of pairs, and of photos, drawn among those with open mouths


class Pairs:
    """Every pair and labelled photo of one split of some folders, decoded once and kept."""

    def __init__(self, folders: list[Path], split: str, size: int):
        self.size, self.pictures = size, {}
        self.photos, self.rows, self.flow_of, self.flow_files = [], [], {}, []
        self.flows, self.jaws = [], {}
        self.dropped = Counter()
        sources = {}
        for folder in folders:
            self._add_photos(folder, split)
            sources |= {path.stem: path for path in sorted((folder / "imgs").glob("*.jpg"))}
        for folder in folders:
            self._add_pairs(folder, split, sources)
        if not self.rows or not self.photos:
            raise ValueError(
                f"No {split} pairs or photos in {', '.join(map(str, folders))}: "
                "pairs.csv, imgs/, aus_openface.pkl and *_ids.csv are needed."
            )

    def _add_photos(self, folder: Path, split: str) -> None:
        ids, table = folder / f"{split}_ids.csv", folder / "aus_openface.pkl"
        if ids.exists() and table.exists():
            units = read_pickle(table)
            for name in ids.read_text().split():
                stem = name.removesuffix(".jpg")
                if stem in units:
                    self.photos.append((folder / "imgs" / f"{stem}.jpg", _intensities(units[stem])))

    def _add_pairs(self, folder: Path, split: str, sources: dict[str, Path]) -> None:
        for table in sorted(folder.glob("pairs*.csv")):
            with open(table, newline="") as file:
                reader = csv.DictReader(file)
                units = [[f"{side}_{key}" for key in ACTION_UNITS.keys] for side in "st"]
                wanted = ["file", "source", "split", *units[0], *units[1]]
                missing = [name for name in wanted if name not in (reader.fieldnames or ())]
                if missing:
                    raise ValueError(f"{table} lacks the columns {', '.join(missing)}.")
                for row in reader:
                    if row["split"] == split:
                        self._add_pair(folder, row, units, sources)
        for file in sorted(folder.glob("flow*.npz")):
            with np.load(file) as arrays:
                for i, name in enumerate(arrays["names"]):
                    self.flow_of[folder / "pairs" / str(name)] = (len(self.flow_files), i)
            self.flow_files.append(file)
        if (file := folder / "jaws.npz").exists():
            with np.load(file) as arrays:
                missing = set(PLACES) - set(arrays)
                if missing:
                    raise ValueError(f"{file} lacks the arrays {', '.join(sorted(missing))}.")
                places = zip(*(arrays[key] for key in ("names", *PLACES)), strict=True)
                self.jaws |= {str(name): found for name, *found in places}

    def _add_pair(self, folder: Path, row: dict, units: list, sources: dict[str, Path]) -> None:
        try:
            values = np.array([[row[key] for key in keys] for keys in units], np.float32)
        except (TypeError, ValueError):
            values = np.full((2, len(units[0])), np.nan)
        if row["source"] not in sources:
            self.dropped["of pairs belong to no picture in the folder"] += 1
        elif not ((values >= 0) & (values <= 5)).all():
            self.dropped["of pairs are no numbers from 0 to 5"] += 1
        else:
            path = folder / "pairs" / row["file"]
            self.rows.append((sources[row["source"]], path, *map(_intensities, values)))

    def with_flow(self) -> "Pairs":
        """The same, with only the pairs whose motion is known, and their motion in memory."""
        self.rows = [row for row in self.rows if row[1] in self.flow_of]
        for file in self.flow_files[len(self.flows) :]:
            with np.load(file) as arrays:
                missing = {"flow", "mouth", "shade"} - set(arrays)
                if missing:
                    raise ValueError(f"{file} lacks the arrays {', '.join(sorted(missing))}.")
                self.flows.append([arrays[key] for key in ("flow", "mouth", "shade")])
        return self

    def picture(self, path: Path) -> np.ndarray:
        """(144, 144, 3) uint8 RGB."""
        if path not in self.pictures:
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if pixels is None or pixels.shape != (FRAME, FRAME, 3):
                raise ValueError(f"{path} is not a readable {FRAME} x {FRAME} picture.")
            self.pictures[path] = pixels
        return self.pictures[path]

    def batch(self, rng: np.random.Generator, draw: Draw) -> Batch:
        """A random batch, augmented."""
        pairs, photos = [], []
        for seed in rng.integers(1 << 62, size=draw.pairs):
            own = np.random.default_rng(seed)
            rows = self.openings if own.random() < draw.opening else range(len(self.rows))
            index, reverse = rows[own.integers(len(rows))], own.random() < draw.reverse
            pairs.append(self.pair(index, own, reverse))
        for seed in rng.integers(1 << 62, size=draw.photos):
            own = np.random.default_rng(seed)
            chosen = self.open_mouths if own.random() < draw.opening else range(len(self.photos))
            photos.append(self.photo(chosen[own.integers(len(chosen))], own))
        return collate(pairs, photos)

    @cached_property
    def openings(self) -> list[int]:
        """Rows in which lips part or the jaw drops; all rows where there are none."""
        changes = [after - before for *_, before, after in self.rows]
        return _parted(changes, 0.2)

    @cached_property
    def open_mouths(self) -> list[int]:
        """Photos with parted lips; all where there are none."""
        return _parted([label for _, label in self.photos], 0.4)

    def pair(self, index: int, rng: np.random.Generator | None = None, reverse=False) -> tuple:
        """The first ten fields of a batch for one row; not augmented without rng.

        reverse: from the re-rendered face back to the real photo, where no flow is known.
        """
        source, target, before, after = self.rows[index]
        view = View(rng, self.size)
        faces = [view.picture(self.picture(path)) for path in (source, target)]
        fields = [np.zeros((n, self.size, self.size), np.float32) for n in (2, 1, 1, 1)]
        jaws, outside = np.full(15, np.nan, np.float32), np.full_like(fields[1], np.nan)
        if reverse:
            return *faces[::-1], after, before, *fields, jaws, outside
        if found := self.jaws.get(source.stem):
            *places, white, outline = found
            outside = view.outside(outline)
            places = [view.place(place).ravel() for place in places]
            jaws = np.float32(np.concatenate([*places, view.tone(255 * white) / 255]))
        if self.flows and (place := self.flow_of.get(target)):
            flow, mouth, shade = (array[place[1]] for array in self.flows[place[0]])
            inner = view.mask(mouth / np.float32(255))
            fields = view.flow(flow), 1 - inner, inner, view.light(shade)
        return *faces, before, after, *fields, jaws, outside

    def photo(self, index: int, rng: np.random.Generator | None = None) -> tuple:
        """The last two fields of a batch for one photo; not augmented without rng."""
        path, label = self.photos[index]
        return View(rng, self.size).picture(self.picture(path)), label


def collate(pairs: list, photos: list) -> Batch:
    columns = [*zip(*pairs, strict=True), *zip(*photos, strict=True)]
    stacked = (torch.from_numpy(np.stack(column)) for column in columns)
    return Batch(
        *(x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x for x in stacked)
    )


def prefetch(data: Pairs, seed: int, steps: range, rank: int, draw: Draw):
    """Batches of the given steps, each a function of (seed, step, rank) alone, drawn ahead."""

    def batch(step):
        return data.batch(np.random.default_rng([seed, step, rank]), draw)

    with ThreadPoolExecutor(2) as pool:
        ahead = []
        for step in steps:
            ahead.append(pool.submit(batch, step))
            if len(ahead) > 4:
                yield ahead.pop(0).result()
        yield from (job.result() for job in ahead)


def _parted(units: list[np.ndarray], least: float) -> list[int]:
    """Places of those in which lips part or the jaw drops by more; all places if none does."""
    lips = [ACTION_UNITS.index(key) for key in ("AU25", "AU26")]
    return [i for i, x in enumerate(units) if x[lips].max() > least] or list(range(len(units)))


def _intensities(values) -> np.ndarray:
    """OpenFace's 0..5 -> [0, 1], (17,) float32."""
    return np.clip(np.asarray(values, np.float32) / 5, 0, 1)
