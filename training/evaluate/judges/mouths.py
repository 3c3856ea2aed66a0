"""Judge by a linear classifier, trained on these pictures only, whether opened mouths look real.

    python -m training.evaluate.judges.draw mouths --data DIR --out MOUTHS [--checkpoint FILE]
    python -m training.evaluate.judges.mouths MOUTHS [--out JSON] [--write]

It runs in the environment of face_mesh.py. Closed mouths are opened by AU25, and by AU12 and AU25
together. Every edit is matched with a real open mouth of another face of similar gap and width. The
features are those of the area between the inner lips: colors relative to the skin, edges and fine
detail, in the cells of a grid that follows the lips. The classifier is a linear discriminant with
shrunk covariance, in ten-fold cross-validation; an edit and its match are in one fold.

*AUC*: area under the ROC curve of the classifier, .5 where edits cannot be told from real mouths.
*real*: the same for two halves of the real mouths. *Frechet*: Frechet distance of the features of
edits and real mouths over that of two halves of the real ones, of equal numbers of mouths (Heusel
et al. 2017, with these features). *matched*: number of edits with a match. *open*: number of edits
with an inner gap over VISIBLE_GAP. *gap*: median inner gap of all edits.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ...data.pack import OUTER_EYES, lip_gap_ratio
from .command import RenderedPhoto, folder_parser, rendered_photos, run_judge
from .table_blocks import blocks
from .tables import Rows

# Gaps and widths are in distances of the outer eye corners.
MAX_GAP_DIFFERENCE = 0.02  # greatest difference of the inner gap of an edit and its match
MAX_WIDTH_DIFFERENCE = 0.15  # greatest difference of their widths, as a share of the match's width
VISIBLE_GAP = 0.06  # least inner gap of a mouth that is visibly open
CLOSED_GAP = 0.02  # inner gap below which a mouth counts as closed
# Landmarks of the edges of the inner lips, from the right corner of the mouth to the left one.
UPPER = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308]
LOWER = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]
CHEEKS = [50, 101, 205, 207, 280, 330, 425, 427, 200, 199]  # skin beside nose and mouth, and chin
GRID = (30, 96)  # samples between the lips: rows from upper to lower lip, columns along them
CELLS = (3, 6)  # rows and columns that the samples are averaged to
EYE_DISTANCE = 112  # distance of the outer eye corners to which pictures are scaled [px]
COMPONENTS = 16  # principal components for the Frechet distance
FOLDS = 10  # of the cross-validation
HALVINGS = 20  # random halves of the real mouths for the Frechet distance
SHRINKAGE = 0.3  # of the covariance towards the identity


class OpenMouth(NamedTuple):
    """The size and the appearance of an open mouth."""

    gap: float
    width: float
    features: np.ndarray  # (F,)


def measure_mouth(picture: np.ndarray, points: np.ndarray) -> OpenMouth:
    """Measure the area between the inner lips in a picture (H, W, 3) uint8 BGR.

    points: landmarks (478, 3) [px].
    """
    scale = EYE_DISTANCE / float(np.linalg.norm(np.subtract(*points[list(OUTER_EYES), :2])))
    size = tuple(round(n * scale) for n in picture.shape[1::-1])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(picture, size, interpolation=method).astype(np.float32)
    points = points[:, :2] * scale
    # Color of the skin; 5 avoids large ratios on dark skin.
    skin = np.median([picture[_at(points[i], size)] for i in CHEEKS], 0) + 5
    grid = between_lips(points)
    inside = cv2.remap(picture, *np.float32(grid), cv2.INTER_LINEAR) / skin
    width = float(np.linalg.norm(points[78] - points[308])) / EYE_DISTANCE
    return OpenMouth(lip_gap_ratio(points), width, features(inside))


def _at(point: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """Round a point to the index (y, x) of a pixel within a picture of `size` (W, H)."""
    x, y = np.clip(np.round(point), 0, np.array(size) - 1).astype(int)
    return y, x


def between_lips(points: np.ndarray) -> np.ndarray:
    """Sample the area between the inner lips: x and y, (2, *GRID), from landmarks (478, 2)."""
    along = np.linspace(0, len(UPPER) - 1, GRID[1] + 2)[1:-1]
    ends = [
        np.stack([np.interp(along, range(len(ids)), points[ids, axis]) for axis in (0, 1)])
        for ids in (UPPER, LOWER)
    ]
    down = ((np.arange(GRID[0]) + 0.5) / GRID[0])[None, :, None]
    return ends[0][:, None] * (1 - down) + ends[1][:, None] * down


def features(inside: np.ndarray) -> np.ndarray:
    """Compute features (F,) of samples (*GRID, 3): means in cells of seven layers.

    The layers are the logarithms of the three colors, of edges across and along the lips, and of
    detail at two scales.
    """
    grey = inside.mean(2)
    across, along = (np.abs(np.diff(grey, axis=axis, append=0)) for axis in (0, 1))
    across[-1], along[:, -1] = across[-2], along[:, -2]
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))
    coarse = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 3.0))
    layers = [*np.moveaxis(inside, 2, 0), across, along, fine, coarse]
    # 0.02 keeps the logarithm of dark or flat samples small.
    return np.concatenate([average_cells(np.log(layer + 0.02)).ravel() for layer in layers])


def average_cells(layer: np.ndarray) -> np.ndarray:
    """Average a layer (*GRID) to CELLS."""
    rows, columns = (n // c for n, c in zip(GRID, CELLS, strict=True))
    return layer.reshape(CELLS[0], rows, CELLS[1], columns).mean((1, 3))


def auc(first: np.ndarray, second: np.ndarray) -> float:
    """Area under the ROC curve of a linear discriminant between two sets of features (N, F).

    By cross-validation; row i of both sets is in one fold.
    """
    scores = np.zeros((2, len(first)))
    fold_of = np.random.default_rng(0).permutation(len(first)) % FOLDS
    for fold in range(FOLDS):
        train, test = fold_of != fold, fold_of == fold
        both = np.concatenate([first[train], second[train]])
        mean, scale = both.mean(0), both.std(0) + 1e-6
        a, b = ((x[train] - mean) / scale for x in (first, second))
        covariance = (np.cov(a.T) + np.cov(b.T)) / 2
        covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.eye(len(covariance))
        direction = np.linalg.solve(covariance, a.mean(0) - b.mean(0))
        for row, x in enumerate((first, second)):
            scores[row, test] = ((x[test] - mean) / scale) @ direction
    margins = scores[0][:, None] - scores[1][None]
    return float((margins > 0).mean() + 0.5 * (margins == 0).mean())


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet distance of two Gaussians that are fitted to features (N, F) and (M, F)."""
    a, b = np.cov(first.T), np.cov(second.T)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(0)).sum()
    between_means = np.square(first.mean(0) - second.mean(0)).sum()
    return float(between_means + np.trace(a) + np.trace(b) - 2 * cross)


def frechet_ratio(edits: np.ndarray, real: np.ndarray) -> float:
    """Frechet distance of edits and real mouths over that of two halves of the real ones.

    edits, real: features (N, F) of equal number. Median over HALVINGS random halves.
    """
    mean, scale = real.mean(0), real.std(0) + 1e-6
    real, edits = (real - mean) / scale, (edits - mean) / scale
    both = np.concatenate([real, edits])
    axes = np.linalg.svd(both - both.mean(0), full_matrices=False)[2][:COMPONENTS].T
    real, edits = real @ axes, edits @ axes
    rng, ratios = np.random.default_rng(0), []
    for _ in range(HALVINGS):
        order = rng.permutation(len(real))
        one, other = order[: len(real) // 2], order[len(real) // 2 :]
        of_edits = frechet(edits[one], real[other])
        ratios.append(of_edits / frechet(real[one], real[other]))
    return float(np.median(ratios))


def match_mouths(edits: list[OpenMouth], real: list[OpenMouth]) -> list[tuple[int, int]]:
    """Match edits with real mouths of similar gap and width, greedily, the most similar first.

    Returns pairs of indices (edit, real mouth); each is used at most once.
    """
    pairs = []
    for i, edit in enumerate(edits):
        for k, other in enumerate(real):
            gap, width = abs(edit.gap - other.gap), abs(edit.width / other.width - 1)
            if gap <= MAX_GAP_DIFFERENCE and width <= MAX_WIDTH_DIFFERENCE:
                pairs.append((gap / MAX_GAP_DIFFERENCE + width / MAX_WIDTH_DIFFERENCE, i, k))
    found, used = {}, set()
    for _, i, k in sorted(pairs):
        if i not in found and k not in used:
            found[i] = k
            used.add(k)
    return sorted(found.items())


def compare(edits: list[OpenMouth], real: list[OpenMouth]) -> dict[str, float]:
    """Compute the row of one kind of edit."""
    pairs = match_mouths(edits, real)
    row = {"photos": len(edits), "matched": len(pairs)}
    gaps = np.array([edit.gap for edit in edits])
    row |= {"open": int((gaps > VISIBLE_GAP).sum()), "gap": float(np.median(gaps))}
    if len(pairs) < 2 * FOLDS:
        return row | {"AUC": np.nan, "real": np.nan, "Frechet": np.nan}
    edited = np.stack([edits[i].features for i, _ in pairs])
    matched = np.stack([real[k].features for _, k in pairs])
    order = np.random.default_rng(1).permutation(len(matched))
    halves = order[: len(matched) // 2 * 2].reshape(2, -1)
    return row | {
        "AUC": auc(edited, matched),
        "real": auc(matched[halves[0]], matched[halves[1]]),
        "Frechet": frechet_ratio(edited, matched),
    }


def judge(folder: Path) -> dict[str, Rows]:
    """Compute the table with a row for each kind of edit. Raises ValueError."""
    real, edits = [], {}
    for rendered in rendered_photos(folder, "mouths"):
        photo = measure_picture(rendered, "photo")
        if photo and photo.gap > CLOSED_GAP:
            real.append(photo)
        for name in rendered.place["asked"] if photo else ():
            if name != "photo" and (edit := measure_picture(rendered, name)):
                edits.setdefault(name.replace("_", " + "), []).append(edit)
    if not edits:
        raise ValueError(f"Face Mesh found no face in any edit of {folder}.")
    return {"mouths": {name: compare(found, real) for name, found in edits.items()}}


def measure_picture(rendered: RenderedPhoto, name: str) -> OpenMouth | None:
    """Measure the mouth in a picture; None if no face is detected in it."""
    points = rendered.points(name)
    if points is None:
        return None
    return measure_mouth(cv2.imread(str(rendered.folder / f"{name}.png")), points)


BLOCKS = blocks("mouths", mouths="edit")


def _parser() -> argparse.ArgumentParser:
    return folder_parser("mouths", __doc__, BLOCKS)


def main(arguments: list[str] | None = None) -> int:
    return run_judge("mouths", __doc__, judge, BLOCKS, arguments)


if __name__ == "__main__":
    sys.exit(main())
