"""Mouths to train the refiner of `warp` with: windows of photographed open mouths, with teeth
rendered where the generator places the jaws, and windows of its own edits that open a mouth.

The target of a photographed mouth is the photograph; edits have none. Data is a folder of canonical
crops (`data.pack`) with landmarks (`data.landmarks`).

N windows · h x w pixels of a window · C pixels a side of a crop
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from moodganimation.expressions.spaces import ExpressionSpace
from moodganimation.networks.compositing import resize
from moodganimation.networks.encoding import INFERENCE, Encoding
from moodganimation.networks.refiner import MouthDrawing, painted_boxes, soft_hole
from moodganimation.networks.warp import WarpGenerator

from ..data.landmarks import Landmarks
from ..data.pack import all_photos, lip_gap_ratio
from ..rendering.mesh_points import CORNERS_INNER, LOWER_LIP_INNER, UPPER_LIP_INNER

INNER_LIPS = [CORNERS_INNER[0], *UPPER_LIP_INNER, CORNERS_INNER[1], *LOWER_LIP_INNER[::-1]]
PARTED = 0.02  # inner gap, in distances of the outer eye corners, above which a mouth is open
BATCH = 16  # photos that are encoded at once
# Of every unit that an edit may set: the probability, and the least intensity; the greatest is 1.
OPENERS = {"AU25": (1.0, 0.2), "AU26": (0.3, 0.1), "AU12": (0.5, 0.3), "AU27": (0.08, 0.2)}
OPENERS |= {"AU10": (0.15, 0.2), "AU16": (0.15, 0.2), "AU20": (0.15, 0.2), "AU22": (0.08, 0.2)}
EDITS_OF_CLOSED, EDITS_OF_OPEN = 4, 1  # edits of a photo, by whether its mouth is open
LEAST_PAINT = 0.003  # share of the window that an edit must paint to be used
SUPERSAMPLING = 8  # of the mask of `inner_mouth`


@dataclass
class Mouths:
    """Windows as uint8, with 255 for 1: the fields of `MouthDrawing`, a target, and its kind."""

    photo: Tensor  # (N, 3, h, w)
    target: Tensor  # (N, 3, h, w): the photograph of the mouth; of edits the warped photo
    hole: Tensor  # (N, 1, h, w)
    known: Tensor  # (N, 1, h, w)
    teeth: Tensor  # (N, 4, h, w)
    white: Tensor  # (N, 3) float32
    saturation: Tensor  # (N, 1, 1, 1) float32
    photographed: Tensor  # (N,) bool: a photographed open mouth, not an edit

    @classmethod
    def concatenate(cls, parts: list["Mouths"]) -> "Mouths":
        """All windows of some parts, in their order."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*(torch.cat(column) for column in columns))

    @cached_property
    def paint(self) -> Tensor:
        """What is painted, (N, 1, h, w) in 0..255, as `MouthDrawing.paint`, but with the minimum of
        both factors for their product, so that it stays uint8."""
        return torch.minimum(self.hole, 255 - self.known)

    @cached_property
    def edits_by_size(self) -> Tensor:
        """Indices of the edits, by the area of the box around their paint, smallest first."""
        area = torch.zeros(len(self))
        for index, (rows, columns) in painted_boxes(self.paint):
            area[index] = (rows.stop - rows.start) * (columns.stop - columns.start)
        order = area.argsort(stable=True)
        return order[~self.photographed[order] & (area[order] > 0)]

    @cached_property
    def log_sizes(self) -> Tensor:
        """Logarithms of the height and the width of every hole [pixels], (N, 2)."""
        sums = [self.hole.sum((1, axis)).amax(1) for axis in (2, 3)]
        return (torch.stack(sums, 1) / 255 + 1).log()

    def similar_photographed(self, rows: Tensor, count: int) -> Tensor:
        """Return the indices (len(rows), count) of the photographed mouths whose height and width
        are nearest to those of some mouths."""
        photographed = self.photographed.nonzero()[:, 0]
        distance = torch.cdist(self.log_sizes[rows], self.log_sizes[photographed])
        return photographed[distance.topk(min(count, len(photographed)), largest=False).indices]

    def __len__(self) -> int:
        return len(self.photographed)


def collect_mouths(
    folders: list[Path], split: str, generator: WarpGenerator, space: ExpressionSpace, seed: int = 0
) -> Mouths:
    """Collect the photographed open mouths of a split, and edits of its photos that open mouths.

    Raises ValueError if there are no photos, or one has no landmarks.
    """
    rng, parts = np.random.default_rng(seed), []
    for folder in folders:
        landmarks, paths = Landmarks(folder / "landmarks.npz"), all_photos(folder, split)
        for start in tqdm(range(0, len(paths), BATCH), desc=f"mouths, {split}"):
            faces = [read_face(path, landmarks) for path in paths[start : start + BATCH]]
            pictures, points = zip(*faces, strict=True)
            parts += windows_of(generator, space, pictures, points, rng)
    if not parts:
        raise ValueError(f"There are no photos of the split {split} in the data.")
    return Mouths.concatenate(parts)


def row_of(landmarks: Landmarks, path: Path) -> int:
    """Find the row of a photo. Raises ValueError if the photo has no landmarks."""
    row = landmarks.row(path.name)
    if row is None:
        raise ValueError(
            f"{landmarks.path} has no landmarks of {path.name}: make it anew with "
            "training/data/prepare/face_mesh_landmarks.py, or remove the photo from the table."
        )
    return row


def read_face(path: Path, landmarks: Landmarks) -> tuple[np.ndarray, np.ndarray]:
    """Read a crop (C, C, 3) uint8 RGB and its landmarks (478, 2) [sides of the crop].

    Raises ValueError if it has no landmarks.
    """
    row = row_of(landmarks, path)
    points = (landmarks.points[row, :, :2] + 0.5) / landmarks.sizes[row]
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), points


@torch.no_grad()
def windows_of(
    generator: WarpGenerator, space: ExpressionSpace, pictures, points, rng: np.random.Generator
) -> list[Mouths]:
    """The windows of some faces: of photographed mouths that are open, and of edits of every face.

    pictures: (C, C, 3) uint8 each; points: landmarks (478, 2) each [sides of the crop].
    """
    size = generator.config.image_size
    encoding = generator.encode(picture_batch(pictures, size))
    is_open = [lip_gap_ratio(p) > PARTED for p in points]
    opened, closed = ([i for i, n in enumerate(is_open) if n == value] for value in (True, False))
    parts = []
    if opened:
        inside = torch.stack([inner_mouth(points[i], size) for i in opened])
        photo = picture_batch([pictures[i] for i in opened], INFERENCE.paint_scale * size)
        parts.append(photographed_mouths(generator, select_rows(encoding, opened), inside, photo))
    for rows, count in ((closed, EDITS_OF_CLOSED), (opened, EDITS_OF_OPEN)):
        if rows:
            selected = select_rows(encoding, rows)
            parts += [edited_mouths(generator, selected, space, rng) for _ in range(count)]
    return parts


def edited_mouths(
    generator: WarpGenerator, encoding: Encoding, space: ExpressionSpace, rng: np.random.Generator
) -> Mouths:
    """Mouths that random conditions open; without edits that paint nearly nothing."""
    condition = random_conditions(encoding.reading, space, rng)
    drawing = generator.drawing(encoding, condition, *generator.inpaint(encoding, condition)[:2])
    usable = drawing.paint.mean((1, 2, 3)) > LEAST_PAINT
    drawing = MouthDrawing(*(x[usable] for x in drawing))
    return to_windows(drawing, drawing.photo, photographed=False)


def photographed_mouths(
    generator: WarpGenerator, encoding: Encoding, inside: Tensor, photo: Tensor
) -> Mouths:
    """Photographed open mouths, with teeth rendered where the generator finds the jaws.

    inside: (B, 1, H, W) in [0, 1], what lies between the lips; photo: (B, 3, kH, kW) in [-1, 1],
    k times the size of the encoded one.
    """
    window, placement = encoding.window, encoding.jaw_placement
    teeth = generator.render_teeth(encoding, placement, encoding.reading, INFERENCE.paint_scale)
    size = teeth.shape[-2:]
    hole = soft_hole(window.crop(inside), size)
    target = (window.crop(photo) + 1) / 2
    photo = (resize(window.crop(encoding.photo), size) + 1) / 2
    known, saturation = torch.zeros_like(hole), encoding.saturation
    drawing = MouthDrawing(photo, hole, known, teeth, placement.white, saturation)
    return to_windows(drawing, target, photographed=True)


def to_windows(drawing: MouthDrawing, target: Tensor, photographed: bool) -> Mouths:
    """Convert a batch to uint8; photographed: whether the target is a photograph of the mouth."""
    pictures = drawing.photo, target, drawing.hole, drawing.known, drawing.teeth
    pictures = ((255 * x.clamp(0, 1) + 0.5).byte() for x in pictures)
    flags = torch.full((len(target),), photographed)
    return Mouths(*pictures, drawing.white, drawing.saturation, flags)


def picture_batch(pictures, size: int) -> Tensor:
    """Resize pictures (C, C, 3) uint8 to a batch (B, 3, size, size) in [-1, 1]."""
    small = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in pictures]
    pixels = torch.from_numpy(np.stack(small)).movedim(-1, 1).float() / 127.5 - 1
    return pixels.contiguous(memory_format=torch.channels_last)


def select_rows(encoding: Encoding, rows: list[int]) -> Encoding:
    """Select samples of the encoding of a batch."""
    window = encoding.window._replace(corners=tuple(encoding.window.corners[i] for i in rows))
    values = {k: x[rows] for k, x in encoding._asdict().items() if isinstance(x, Tensor)}
    return encoding._replace(window=window, **values)


def inner_mouth(points: np.ndarray, size: int) -> Tensor:
    """Return the share of each cell of a crop that lies between the inner lips, (1, size, size)."""
    polygon = np.int32(np.round(points[INNER_LIPS] * (size * SUPERSAMPLING) - 0.5))
    mask = cv2.fillPoly(np.zeros((size * SUPERSAMPLING,) * 2, np.float32), [polygon], 1.0)
    return F.avg_pool2d(torch.from_numpy(mask)[None], SUPERSAMPLING)


def random_conditions(reading: Tensor, space: ExpressionSpace, rng: np.random.Generator) -> Tensor:
    """Return random conditions (B, D) that open mouths, from the readings (B, D) of the photos."""
    condition = reading.clone()
    for row in condition:
        for unit, (probability, least) in OPENERS.items():
            if rng.random() < probability:
                value = rng.uniform(least, 1)
                keys = (f"{unit}L", f"{unit}R") if unit in space.lateral else (unit,)
                for key in keys:
                    row[space.index(key)] = value
    return condition
