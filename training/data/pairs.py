"""Before/after pairs with their motion, and photos with their expressions, as training batches.

A folder holds any of: imgs/NAME.jpg (square canonical crops), aus_openface.pkl (NAME -> 17
intensities 0..5) or, for the space FACS, facs.pkl (NAME -> 50), with train_ids.csv, val_ids.csv,
test_ids.csv; pairs/FILE.jpg with

* pairs*.csv: file, source, kind, split, s_AU01.. before, t_AU01.. after (intensities 0..5), and
  fold (`rendering.checks.overlap_share`), a column that is not read here;
* flow*.npz, the motion files: names of FILE.jpg; flow (N, S, S, 2), backward [crop px]; mouth
  (N, S, S), 0..255 the share of the inside of the mouth; shade (N, S, S), the gain of brightness (1
  for none), or NaN where it is not known; in batches it is `light`, the gain minus 1;
* jaws.npz: names of source pictures; upper, lower (N, 2, 3) and white (N, 3), see
  `rendering.teeth.jaw_placement`; outline (N, P, 2) of the face in face coordinates; optionally
  depth and across, the lateral position, (N, s, s), see `rendering.head`.

The target of a pair may be a second photo of the person (kind "real"). Its light and head pose
differ, so no loss compares the pixels of a composite with it; such pairs teach the motion, and
feature matching compares features with them. `warp.calibrate` uses them, too, and, as any others,
`stills.PairClips`. Pairs whose head turns (kind "turn") are skipped: the generator computes head
turns from the depth map, and is not trained on them.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from moodganimation.expressions.axis_map import mirrored_axes
from moodganimation.expressions.sides import FACS_ONLY_KEYS
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, ExpressionSpace

from ..rendering.units import LIP_PARTING_UNITS
from .augment import CROP_SIDE, DEGRADED_SHARE, VIEW_MARGIN, View, degrade
from .batches import compute_ahead
from .pair_batches import PairBatch, PairSample, SamplingOptions, collate
from .pickles import read_pickle

JAW_KEYS = ("upper", "lower", "white", "outline")  # required arrays of jaws.npz
MAP_KEYS = ("depth", "across")  # optional arrays of jaws.npz
LABEL_FILES = {ACTION_UNITS.name: "aus_openface.pkl", FACS.name: "facs.pkl"}
SECOND_PHOTO, HEAD_TURN = "real", "turn"  # values of the column `kind`: see above
# Probability of drawing only from pairs of the kind SECOND_PHOTO; other draws include them, too.
# It overrides `opening_share`.
SECOND_PHOTO_SHARE = 0.06
# Greatest difference [0..5] of both sides of a target with which a pair is used in a space without
# sides.
MAX_SIDE_DIFFERENCE = 1.0
# In FACS, probability of drawing the target of a pair as a photo with a label, since targets show
# rare axes. If that target is a second photo, a labelled photo is drawn after all.
RENDERED_SHARE = 0.5
# Of lip-parting units in [0, 1]: the change above which a pair opens the mouth, and the value above
# which the mouth of a photo is open.
MIN_LIP_CHANGE, MIN_LIP_UNIT = 0.2, 0.4


class PairRow(NamedTuple):
    """A row of the tables of pairs."""

    source: Path
    target: Path
    before: np.ndarray  # (D,) values of the source, 0..1
    after: np.ndarray  # (D,) of the target


class Pairs:
    """All pairs and labelled photos of one split of some folders, with a cache of pictures."""

    rows: list[PairRow]
    photos: list[tuple[Path, np.ndarray]]  # picture, and label (D,) 0..1
    second_photos: set[Path]  # targets of the kind SECOND_PHOTO
    dropped: Counter  # reason -> pairs; it completes the sentence "... pairs left out: they"
    flow_files: list[Path]
    flow_of: dict[Path, tuple[int, int]]  # target -> index of its flow file, row in it
    flows: list[list[np.ndarray]]  # flow, mouth and shade of each flow file, once they are loaded
    jaws: dict[str, list[np.ndarray]]  # name of a source -> arrays of JAW_KEYS
    maps: dict[str, list[np.ndarray]]  # name of a source -> arrays of MAP_KEYS

    def __init__(
        self, folders: list[Path], split: str, size: int, space: ExpressionSpace = ACTION_UNITS
    ):
        """size: side of the pictures of batches [px]. Raises ValueError without pairs or photos."""
        self.size, self.space, self.pictures = size, space, {}
        self.mirrored = mirrored_axes(space)
        self.photos, self.rows, self.flow_of, self.flow_files = [], [], {}, []
        self.flows, self.jaws, self.maps = [], {}, {}
        self.dropped, self.second_photos = Counter(), set()
        sources = {}
        for folder in folders:
            self._add_photos(folder, split)
            sources |= {path.stem: path for path in sorted((folder / "imgs").glob("*.jpg"))}
        for folder in folders:
            self._add_pairs(folder, split, sources)
        if not self.rows or not self.photos:
            raise ValueError(
                f"No {split} pairs or photos in {', '.join(map(str, folders))}: "
                f"pairs.csv, imgs/, {LABEL_FILES[space.name]} and *_ids.csv are needed."
            )

    def _add_photos(self, folder: Path, split: str) -> None:
        """Add the labelled photos of a folder."""
        ids, table = folder / f"{split}_ids.csv", folder / LABEL_FILES[self.space.name]
        if ids.exists() and table.exists():
            units = read_pickle(table)
            for name in ids.read_text(encoding="utf-8").split():
                stem = name.removesuffix(".jpg")
                if stem in units:
                    self.photos.append((folder / "imgs" / f"{stem}.jpg", _axis_values(units[stem])))

    def _add_pairs(self, folder: Path, split: str, sources: dict[str, Path]) -> None:
        """Add the pairs of a folder, with its motion files and jaws.npz."""
        for table in sorted(folder.glob("pairs*.csv")):
            with open(table, newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                before, after = ([f"{prefix}_{key}" for key in self.space.keys] for prefix in "st")
                columns = ["file", "source", "split", *before, *after]
                missing = [name for name in columns if name not in (reader.fieldnames or ())]
                if missing:
                    raise ValueError(f"{table} lacks the columns {', '.join(missing)}.")
                for row in reader:
                    if row["split"] == split and not self._is_excluded(row):
                        self._add_pair(folder, row, (before, after), sources)
        for file in sorted(folder.glob("flow*.npz")):
            with np.load(file) as arrays:
                for i, name in enumerate(arrays["names"]):
                    self.flow_of[folder / "pairs" / str(name)] = (len(self.flow_files), i)
            self.flow_files.append(file)
        if (folder / "jaws.npz").exists():
            self._add_jaws(folder / "jaws.npz")

    def _add_jaws(self, file: Path) -> None:
        """Add the arrays of a file jaws.npz by the name of their picture."""
        with np.load(file) as arrays:
            missing = set(JAW_KEYS) - set(arrays)
            if missing:
                raise ValueError(f"{file} lacks the arrays {', '.join(sorted(missing))}.")
            for keys, values_of in ((JAW_KEYS, self.jaws), (MAP_KEYS, self.maps)):
                if set(keys) <= set(arrays):
                    rows = zip(*(arrays[key] for key in ("names", *keys)), strict=True)
                    values_of |= {str(name): values for name, *values in rows}

    def _is_excluded(self, row: dict) -> bool:
        """Whether a pair turns the head, has a target with sides too different for the space, or
        changes an axis that the space lacks."""
        if row.get("kind") == HEAD_TURN:
            return True
        facs_only = [key for key in FACS_ONLY_KEYS if f"t_{key}" in row]
        if self.space == FACS or not facs_only:
            return False
        sides = ([row[f"t_{key}L"], row[f"t_{key}R"]] for key in FACS.lateral)
        if any(abs(float(left) - float(right)) > MAX_SIDE_DIFFERENCE for left, right in sides):
            return True
        without_counterpart = [key for key in facs_only if key[:-1] not in FACS.lateral]
        return any(row[f"s_{key}"] != row[f"t_{key}"] for key in without_counterpart)

    def _add_pair(
        self,
        folder: Path,
        row: dict,
        columns: tuple[list[str], list[str]],
        sources: dict[str, Path],
    ) -> None:
        """Add one row of a table of pairs, or count why it is dropped.

        columns: of the expressions before and after, D each. sources: name -> picture.
        """
        try:
            intensities = np.array([[row[name] for name in names] for names in columns], np.float32)
        except (TypeError, ValueError):
            intensities = np.full((2, len(columns[0])), np.nan)
        if row["source"] not in sources:
            self.dropped["have no source picture in the folder"] += 1
        elif not ((intensities >= 0) & (intensities <= 5)).all():
            self.dropped["have intensities that are not numbers from 0 to 5"] += 1
        else:
            path = folder / "pairs" / row["file"]
            self.rows.append(PairRow(sources[row["source"]], path, *map(_axis_values, intensities)))
            if row.get("kind") == SECOND_PHOTO:
                self.second_photos.add(path)

    def keep_pairs_with_motion(self) -> "Pairs":
        """Remove pairs without known motion from `rows`, and load the motion of the others.

        Changes this object, and the indices of its rows; returns it.
        """
        self.rows = [row for row in self.rows if row.target in self.flow_of]
        for file in self.flow_files[len(self.flows) :]:
            with np.load(file) as arrays:
                missing = {"flow", "mouth", "shade"} - set(arrays)
                if missing:
                    raise ValueError(f"{file} lacks the arrays {', '.join(sorted(missing))}.")
                self.flows.append([arrays[key] for key in ("flow", "mouth", "shade")])
        return self

    def picture(self, path: Path) -> np.ndarray:
        """Read a picture as (n, n, 3) uint8 RGB, reduced to the resolution that views need."""
        if path not in self.pictures:
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if pixels is None or pixels.shape[0] != pixels.shape[1]:
                raise ValueError(f"{path} is not a readable square picture.")
            max_side = max(CROP_SIDE, round(VIEW_MARGIN * self.size))
            if len(pixels) > max_side:
                pixels = cv2.resize(pixels, (max_side, max_side), interpolation=cv2.INTER_AREA)
            self.pictures[path] = pixels
        return self.pictures[path]

    def batch(self, rng: np.random.Generator, options: SamplingOptions) -> PairBatch:
        """Draw a random batch, augmented; motions are unknown before `keep_pairs_with_motion`."""
        pairs, photos = [], []
        for seed in rng.integers(1 << 62, size=options.pair_count):
            pairs.append(self._draw_pair(np.random.default_rng(seed), options))
        for seed in rng.integers(1 << 62, size=options.photo_count):
            photos.append(self.draw_photo(np.random.default_rng(seed), options.opening_share))
        return collate(pairs, photos)

    def _draw_pair(self, rng: np.random.Generator, options: SamplingOptions) -> PairSample:
        """Draw a pair, augmented."""
        opens = rng.random() < options.opening_share
        rows = self.opening_rows if opens else range(len(self.rows))
        if self.second_photo_rows and rng.random() < SECOND_PHOTO_SHARE:
            rows = self.second_photo_rows
        index, reverse = rows[rng.integers(len(rows))], rng.random() < options.reverse_share
        return self.pair(index, rng, reverse)

    def draw_photo(self, rng: np.random.Generator, opening_share: float) -> tuple:
        """Draw a photo with its label, or the target picture of a pair with its expression.

        opening_share: probability that a labelled photo (not a target of a pair) is drawn only from
        those with an open mouth.
        """
        if self.space == FACS and rng.random() < RENDERED_SHARE:
            row = self.rows[rng.integers(len(self.rows))]
            if row.target not in self.second_photos:
                return self._augmented_photo(row.target, row.after, rng)
        is_open = rng.random() < opening_share
        chosen = self.open_mouth_photos if is_open else range(len(self.photos))
        return self.photo(chosen[rng.integers(len(chosen))], rng)

    @cached_property
    def second_photo_rows(self) -> list[int]:
        """Indices of rows whose target is a second photo."""
        return [i for i, row in enumerate(self.rows) if row.target in self.second_photos]

    @cached_property
    def opening_rows(self) -> list[int]:
        """Indices of rows in which lips part or the jaw drops; all if there are none."""
        changes = [row.after - row.before for row in self.rows]
        return self._with_parted_lips(changes, MIN_LIP_CHANGE)

    @cached_property
    def open_mouth_photos(self) -> list[int]:
        """Indices of photos with parted lips; all if there are none."""
        return self._with_parted_lips([label for _, label in self.photos], MIN_LIP_UNIT)

    def _with_parted_lips(self, values: list[np.ndarray], threshold: float) -> list[int]:
        """Indices of values (D,) with a lip-parting unit above the threshold; all if none."""
        lips = [self.space.index(key) for key in LIP_PARTING_UNITS if key in self.space]
        found = [i for i, x in enumerate(values) if x[lips].max() > threshold]
        return found or list(range(len(values)))

    def pair(
        self, index: int, rng: np.random.Generator | None = None, reverse: bool = False
    ) -> PairSample:
        """Read the pair of a row; without rng it is not augmented.

        reverse: from the re-rendered face to the real photo, of which no flow is known. It does not
        apply to pairs of two photos.
        """
        row = self.rows[index]
        view = View(rng, self.size)
        before, after = (x[self.mirrored] if view.mirror else x for x in (row.before, row.after))
        is_render = row.target not in self.second_photos
        zero = np.zeros((1, self.size, self.size), np.float32)
        unknown = np.full_like(zero, np.nan)
        sample = PairSample(
            source=view.convert_picture(self.picture(row.source)),
            target=view.convert_picture(self.picture(row.target)),
            before=before,
            after=after,
            flow=np.zeros((2, self.size, self.size), np.float32),
            field_weight=zero,
            mouth=zero,
            light=zero,
            jaws=np.full(15, np.nan, np.float32),
            face_distance=unknown,
            depth=unknown,
            lateral_position=unknown,
            same_light=np.full((1, 1, 1), is_render, np.float32),
        )
        if reverse and is_render:
            return sample._replace(
                source=sample.target, target=sample.source, before=after, after=before
            )
        known = self._geometry(row.source.stem, view) | self._motion(row.target, view)
        return sample._replace(**known)

    def _geometry(self, name: str, view: View) -> dict[str, np.ndarray]:
        """The known fields of `PairSample` that depend on the source alone, by its name."""
        fields = {}
        if name in self.jaws:
            *placements, white, outline = self.jaws[name]
            placements = [view.convert_placement(placement).ravel() for placement in placements]
            jaws = np.concatenate([*placements, view.apply_tone(255 * white) / 255])
            fields |= {"jaws": np.float32(jaws), "face_distance": view.face_distance(outline)}
        if name in self.maps:
            depth, lateral_position = self.maps[name]
            fields["depth"] = view.convert_depth(depth)
            fields["lateral_position"] = view.convert_lateral_position(lateral_position)
        return fields

    def _motion(self, target: Path, view: View) -> dict[str, np.ndarray]:
        """The fields of `PairSample` from the motion files; empty if they lack the target, or are
        not loaded (see `keep_pairs_with_motion`)."""
        if not self.flows or target not in self.flow_of:
            return {}
        file, row = self.flow_of[target]
        flow, mouth, brightness_gain = (array[row] for array in self.flows[file])
        mouth = view.resample(mouth / np.float32(255))
        return {
            "flow": view.convert_flow(flow),
            "field_weight": 1 - mouth,
            "mouth": mouth,
            "light": view.convert_light(brightness_gain),
        }

    def photo(self, index: int, rng: np.random.Generator | None = None) -> tuple:
        """Read a labelled photo: picture (3, S, S), label (D,); without rng it is not augmented."""
        return self._augmented_photo(*self.photos[index], rng)

    def _augmented_photo(
        self, path: Path, label: np.ndarray, rng: np.random.Generator | None
    ) -> tuple:
        """Read a picture in a random view, half of the time degraded, with the label (D,)."""
        view = View(rng, self.size)
        picture = view.convert_picture(self.picture(path))
        if rng is not None and rng.random() < DEGRADED_SHARE:
            picture = degrade(rng, picture)
        return picture, label[self.mirrored] if view.mirror else label


def prefetch_pairs(
    data: Pairs, seed: int, steps: range, rank: int, options: SamplingOptions
) -> Iterator[PairBatch]:
    """Yield the batches of steps, drawn ahead; each is a function of (seed, step, rank) alone."""

    def draw(step: int) -> PairBatch:
        return data.batch(np.random.default_rng([seed, step, rank]), options)

    for _, batch, _ in compute_ahead(draw, steps):
        yield batch


def _axis_values(intensities) -> np.ndarray:
    """Convert intensities 0..5 to values of axes in [0, 1], (D,) float32."""
    return np.clip(np.asarray(intensities, np.float32) / 5, 0, 1)
