"""Before/after pairs with their motion, and photos with their expressions, as training batches.

A folder holds any of: imgs/NAME.jpg (square canonical crops), aus_openface.pkl (NAME -> 17
intensities 0..5) or, for the space FACS, facs.pkl (NAME -> 50), with train_ids.csv, val_ids.csv,
test_ids.csv; pairs/FILE.jpg with pairs*.csv (file, source, kind, split, s_AU01.. before, t_AU01..
after) and flow*.npz (names; flow (N, S, S, 2), backward, in pixels of the 144 frame; mouth
(N, S, S), 0..255 the share of inner mouth; shade (N, S, S), how many times brighter the moved photo
is, or NaN); jaws.npz (names of pictures; upper, lower (N, 2, 3) and white (N, 3) as
`rendering.teeth` finds them; outline (N, P, 2) of the face in face coordinates; and where it is
known depth and across (N, s, s), see `rendering.head`).

Of pairs whose target is a photograph (kind "real") only the motion is taken: light and place of
the head differ. Pairs with turned heads are left out, since depth says as much.
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

from moodganimation.expressions.axis_map import mirrored
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, ExpressionSpace

from .augment import FRAME, SPOILT, View, spoil
from .pickles import read_pickle

PLACES = ("upper", "lower", "white", "outline")  # arrays of jaws.npz
MAPS = ("depth", "across")  # and those that it may hold
LABELS = {ACTION_UNITS.name: "aus_openface.pkl", FACS.name: "facs.pkl"}
PARTING = ("AU16", "AU22", "AU25", "AU26", "AU27")  # units that open a mouth
REAL, TURN = "real", "turn"  # kinds of pairs
REAL_SHARE = 0.06  # of pairs drawn among those whose target is a photograph
UNEVEN = 1.0  # difference of the sides that the 17 units cannot show
RENDERED_SHARE = 0.5  # of photos that are pictures of pairs: what photographs show too rarely


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
    depth: Tensor  # (B, 1, S, S): of the source, see `View.depth`; NaN where unknown
    across: Tensor  # (B, 1, S, S): see `View.across`; NaN where unknown
    pictured: Tensor  # (B, 1, 1, 1): 0 where of the target only the motion is to be believed
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

    def __init__(
        self, folders: list[Path], split: str, size: int, space: ExpressionSpace = ACTION_UNITS
    ):
        self.size, self.space, self.pictures = size, space, {}
        self.mirrored = mirrored(space)
        self.photos, self.rows, self.flow_of, self.flow_files = [], [], {}, []
        self.flows, self.jaws, self.maps = [], {}, {}
        self.dropped, self.real = Counter(), set()
        sources = {}
        for folder in folders:
            self._add_photos(folder, split)
            sources |= {path.stem: path for path in sorted((folder / "imgs").glob("*.jpg"))}
        for folder in folders:
            self._add_pairs(folder, split, sources)
        if not self.rows or not self.photos:
            raise ValueError(
                f"No {split} pairs or photos in {', '.join(map(str, folders))}: "
                f"pairs.csv, imgs/, {LABELS[space.name]} and *_ids.csv are needed."
            )

    def _add_photos(self, folder: Path, split: str) -> None:
        ids, table = folder / f"{split}_ids.csv", folder / LABELS[self.space.name]
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
                units = [[f"{side}_{key}" for key in self.space.keys] for side in "st"]
                wanted = ["file", "source", "split", *units[0], *units[1]]
                missing = [name for name in wanted if name not in (reader.fieldnames or ())]
                if missing:
                    raise ValueError(f"{table} lacks the columns {', '.join(missing)}.")
                for row in reader:
                    if row["split"] == split and not self._beyond(row):
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
                if set(MAPS) <= set(arrays):
                    maps = zip(*(arrays[key] for key in ("names", *MAPS)), strict=True)
                    self.maps |= {str(name): found for name, *found in maps}

    def _beyond(self, row: dict) -> bool:
        """Whether a pair shows what the space cannot say, or a turn of the head."""
        if row.get("kind") == TURN:
            return True
        more = [key for key in FACS.keys if key not in ACTION_UNITS.keys and f"t_{key}" in row]
        if self.space == FACS or not more:
            return False
        sides = ([row[f"t_{key}L"], row[f"t_{key}R"]] for key in FACS.lateral)
        own = [key for key in more if key[:-1] not in FACS.lateral]
        uneven = any(abs(float(left) - float(right)) > UNEVEN for left, right in sides)
        return uneven or any(row[f"s_{key}"] != row[f"t_{key}"] for key in own)

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
            if row.get("kind") == REAL:
                self.real.add(path)

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
        """(n, n, 3) uint8 RGB, of no more pixels than views need."""
        if path not in self.pictures:
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if pixels is None or pixels.shape[0] != pixels.shape[1]:
                raise ValueError(f"{path} is not a readable square picture.")
            most = max(FRAME, round(1.125 * self.size))
            if len(pixels) > most:
                pixels = cv2.resize(pixels, (most, most), interpolation=cv2.INTER_AREA)
            self.pictures[path] = pixels
        return self.pictures[path]

    def batch(self, rng: np.random.Generator, draw: Draw) -> Batch:
        """A random batch, augmented."""
        pairs, photos = [], []
        for seed in rng.integers(1 << 62, size=draw.pairs):
            own = np.random.default_rng(seed)
            rows = self.openings if own.random() < draw.opening else range(len(self.rows))
            if self.photographed and own.random() < REAL_SHARE:
                rows = self.photographed
            index, reverse = rows[own.integers(len(rows))], own.random() < draw.reverse
            pairs.append(self.pair(index, own, reverse))
        for seed in rng.integers(1 << 62, size=draw.photos):
            own = np.random.default_rng(seed)
            photos.append(self.labelled(own, draw.opening))
        return collate(pairs, photos)

    def labelled(self, rng: np.random.Generator, opening: float) -> tuple:
        """A random photo with its label, or the picture after a pair with what was asked."""
        if self.space == FACS and rng.random() < RENDERED_SHARE:
            _, path, _, after = self.rows[rng.integers(len(self.rows))]
            if path not in self.real:
                return self._photo(path, after, rng)
        chosen = self.open_mouths if rng.random() < opening else range(len(self.photos))
        return self.photo(chosen[rng.integers(len(chosen))], rng)

    @cached_property
    def photographed(self) -> list[int]:
        """Rows whose target is a photograph."""
        return [i for i, row in enumerate(self.rows) if row[1] in self.real]

    @cached_property
    def openings(self) -> list[int]:
        """Rows in which lips part or the jaw drops; all rows where there are none."""
        changes = [after - before for *_, before, after in self.rows]
        return self._parted(changes, 0.2)

    @cached_property
    def open_mouths(self) -> list[int]:
        """Photos with parted lips; all where there are none."""
        return self._parted([label for _, label in self.photos], 0.4)

    def _parted(self, units: list[np.ndarray], least: float) -> list[int]:
        """Places of those in which lips part or the jaw drops by more; all if none does."""
        lips = [self.space.index(key) for key in PARTING if key in self.space]
        return [i for i, x in enumerate(units) if x[lips].max() > least] or list(range(len(units)))

    def pair(self, index: int, rng: np.random.Generator | None = None, reverse=False) -> tuple:
        """The first thirteen fields of a batch for one row; not augmented without rng.

        reverse: from the re-rendered face back to the real photo, where no flow is known.
        """
        source, target, before, after = self.rows[index]
        view = View(rng, self.size)
        faces = [view.picture(self.picture(path)) for path in (source, target)]
        fields = [np.zeros((n, self.size, self.size), np.float32) for n in (2, 1, 1, 1)]
        jaws, outside = np.full(15, np.nan, np.float32), np.full_like(fields[1], np.nan)
        depth, across = outside, outside
        pictured = np.full((1, 1, 1), target not in self.real, np.float32)
        if view.mirror:
            before, after = before[self.mirrored], after[self.mirrored]
        if reverse and pictured.all():
            return *faces[::-1], after, before, *fields, jaws, outside, depth, across, pictured
        if found := self.jaws.get(source.stem):
            *places, white, outline = found
            outside = view.outside(outline)
            places = [view.place(place).ravel() for place in places]
            jaws = np.float32(np.concatenate([*places, view.tone(255 * white) / 255]))
        if found := self.maps.get(source.stem):
            depth, across = view.depth(found[0]), view.across(found[1])
        if self.flows and (place := self.flow_of.get(target)):
            flow, mouth, shade = (array[place[1]] for array in self.flows[place[0]])
            inner = view.mask(mouth / np.float32(255))
            fields = view.flow(flow), 1 - inner, inner, view.light(shade)
        return *faces, before, after, *fields, jaws, outside, depth, across, pictured

    def photo(self, index: int, rng: np.random.Generator | None = None) -> tuple:
        """The last two fields of a batch for one photo; not augmented without rng."""
        return self._photo(*self.photos[index], rng)

    def _photo(self, path: Path, label: np.ndarray, rng: np.random.Generator | None) -> tuple:
        view = View(rng, self.size)
        picture = view.picture(self.picture(path))
        if rng is not None and rng.random() < SPOILT:
            picture = spoil(rng, picture)
        return picture, label[self.mirrored] if view.mirror else label


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


def _intensities(values) -> np.ndarray:
    """OpenFace's 0..5 -> [0, 1], (D,) float32."""
    return np.clip(np.asarray(values, np.float32) / 5, 0, 1)
