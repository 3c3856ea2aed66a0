"""Before/after pairs with their motion, and photos with their expressions, as training batches.

A folder holds any of: imgs/NAME.jpg (144 x 144 canonical crops), aus_openface.pkl (NAME -> 17
intensities 0..5) with train_ids.csv, val_ids.csv, test_ids.csv; pairs/FILE.jpg with pairs*.csv
(file, source, split, s_AU01.. before, t_AU01.. after) and flow*.npz (names; flow (N, S, S, 2),
backward, in pixels of the 144 frame; mouth (N, S, S), 0..255 the share of inner mouth).
"""

import csv
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from moodganimation.expressions import ACTION_UNITS

from .pickles import read_pickle

FRAME = 144  # side of the canonical crop on disk [px]


class Batch(NamedTuple):
    """B pairs and P further photos; pictures in [-1, 1], conditions in [0, 1]."""

    source: Tensor  # (B, 3, S, S)
    target: Tensor  # (B, 3, S, S): the same face with the other expression
    before: Tensor  # (B, D)
    after: Tensor  # (B, D)
    flow: Tensor  # (B, 2, S, S): backward, in halves of the side; 0 where unknown
    known: Tensor  # (B, 1, S, S): 1 where the flow is to be believed
    inner: Tensor  # (B, 1, S, S): share of inner mouth, which is painted and not moved
    photos: Tensor  # (P, 3, S, S)
    labels: Tensor  # (P, D)

    def to(self, device) -> "Batch":
        return Batch(*(x.to(device, non_blocking=True) for x in self))


class Draw(NamedTuple):
    """How a batch is drawn."""

    pairs: int
    photos: int
    reverse: float = 0.0  # share of pairs taken from the render back to the real photo
    opening: float = 0.0  # share of pairs drawn among those that open the mouth


class Pairs:
    """Every pair and labelled photo of one split of some folders, decoded once and kept."""

    def __init__(self, folders: list[Path], split: str, size: int):
        self.size, self.pictures = size, {}
        self.photos, self.rows, self.flow_of, self.flow_files = [], [], {}, []
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
                for row in csv.DictReader(file):
                    if row["split"] == split and row["source"] in sources:
                        before, after = (
                            _intensities([row[f"{side}_{key}"] for key in ACTION_UNITS.keys])
                            for side in "st"
                        )
                        path = folder / "pairs" / row["file"]
                        self.rows.append((sources[row["source"]], path, before, after))
        for file in sorted(folder.glob("flow*.npz")):
            arrays = np.load(file)
            for i, name in enumerate(arrays["names"]):
                self.flow_of[folder / "pairs" / str(name)] = (len(self.flow_files), i)
            self.flow_files.append((arrays["flow"], arrays["mouth"]))

    def with_flow(self) -> "Pairs":
        """The same, with only the pairs whose motion is known."""
        self.rows = [row for row in self.rows if row[1] in self.flow_of]
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
            photos.append(self.photo(own.integers(len(self.photos)), own))
        return collate(pairs, photos)

    @cached_property
    def openings(self) -> list[int]:
        """Rows in which lips part or the jaw drops; all rows where there are none."""
        lips = [ACTION_UNITS.index(key) for key in ("AU25", "AU26")]
        rows = [
            i
            for i, (_, _, before, after) in enumerate(self.rows)
            if (after - before)[lips].max() > 0.2
        ]
        return rows or list(range(len(self.rows)))

    def pair(self, index: int, rng: np.random.Generator | None = None, reverse=False) -> tuple:
        """The first seven fields of a batch for one row; not augmented without rng.

        reverse: from the re-rendered face back to the real photo, where no flow is known.
        """
        source, target, before, after = self.rows[index]
        view = View(rng, self.size)
        faces = [view.picture(self.picture(path)) for path in (source, target)]
        flow, known, inner = (np.zeros((n, self.size, self.size), np.float32) for n in (2, 1, 1))
        if reverse:
            return *faces[::-1], after, before, flow, known, inner
        if place := self.flow_of.get(target):
            flows, mouths = self.flow_files[place[0]]
            flow, inner = view.flow(flows[place[1]]), view.mask(mouths[place[1]] / np.float32(255))
            known = 1 - inner
        return *faces, before, after, flow, known, inner

    def photo(self, index: int, rng: np.random.Generator | None = None) -> tuple:
        """The last two fields of a batch for one photo; not augmented without rng."""
        path, label = self.photos[index]
        return View(rng, self.size).picture(self.picture(path)), label


class View:
    """One random crop, mirror and tone, applied alike to both pictures of a pair and their flow."""

    def __init__(self, rng: np.random.Generator | None, size: int, tone: bool = True):
        side, roll, shift, self.mirror = float(FRAME), 0.0, np.zeros(2), False
        self.gamma, self.gain, self.grey, self.sharpen = 1.0, np.ones(3), False, 0.0
        if rng is not None:
            side = float(np.clip(rng.normal(FRAME, 7), 124, 164))
            roll, shift = np.radians(rng.normal(0, 3)), rng.normal(0, 3.5, 2)
            self.mirror = rng.random() < 0.5
        if rng is not None and tone:
            self.grey = rng.random() < 0.15
            self.gamma, self.gain = np.exp(rng.normal(0, 0.18)), np.exp(rng.normal(0, 0.06, 3))
            self.sharpen = rng.uniform(-0.6, 0.8)
        self.size, scale = size, size / side
        turn = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        if self.mirror:
            turn = np.diag([-1.0, 1.0]) @ turn
        middle = np.full(2, (FRAME - 1) / 2) + shift
        self.turn = turn
        self.to_view = np.c_[turn, np.full(2, (size - 1) / 2) - turn @ middle]

    def from_cells(self, cells: int) -> np.ndarray:
        """The affine map from a frame of cells x cells to the view."""
        step = FRAME / cells  # frame = step * cell + (step - 1) / 2
        to_view = self.to_view.copy()
        to_view[:, :2] *= step
        to_view[:, 2] += self.to_view[:, :2] @ np.full(2, (step - 1) / 2)
        return to_view

    def picture(self, pixels: np.ndarray) -> np.ndarray:
        """(s, s, 3) uint8, the whole frame -> (3, S, S) float32 in [-1, 1]."""
        x = cv2.warpAffine(
            pixels,
            self.from_cells(len(pixels)),
            (self.size,) * 2,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        ).astype(np.float32)
        if self.sharpen:
            x = x + self.sharpen * (x - cv2.GaussianBlur(x, (0, 0), 1))
        if self.gamma != 1:
            x = (np.clip(x, 0, 255) / 255) ** self.gamma * (255 * self.gain).astype(np.float32)
        if self.grey:
            x = np.repeat(x @ np.float32([[0.299], [0.587], [0.114]]), 3, 2)
        return (np.clip(x, 0, 255) / 127.5 - 1).transpose(2, 0, 1).astype(np.float32)

    def flow(self, flow: np.ndarray) -> np.ndarray:
        """(s, s, 2) in pixels of the 144 frame -> (2, S, S) in halves of the view's side."""
        seen = self.mask(flow.astype(np.float32))
        return np.einsum("ij,jyx->iyx", self.turn * 2 / self.size, seen).astype(np.float32)

    def mask(self, cells: np.ndarray) -> np.ndarray:
        """(s, s[, C]) values at cells of the frame -> (C, S, S)."""
        seen = cv2.warpAffine(
            cells.astype(np.float32), self.from_cells(len(cells)), (self.size,) * 2
        )
        return np.atleast_3d(seen).transpose(2, 0, 1)


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
    """OpenFace's 0..5 -> [0, 1], (17,) float32."""
    return np.clip(np.asarray(values, np.float32) / 5, 0, 1)
