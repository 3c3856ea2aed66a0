"""Skin folds (wrinkles) for `warp`, measured in photographs.

    python -m training folds --data DIR --checkpoint FILE --out FILE

Expression ratio images (Liu, Shan & Zhang 2001): two photographs of a person, neutral and smiling,
are warped to the mean face by their landmarks. The logarithm of the ratio of their brightness,
without low frequencies, is regressed on the change of AU12 between them. Half of the folds around
the eyes are given to AU06, all others to AU12. Then a network learns to predict, for each place of
a photo, its coordinates in the mean face.

A data folder holds canonical crops (`data.pack`) with landmarks (`data.landmarks`).

N people (ratio images), or photos (points) · F fold pictures · S pixels a side of the mean face
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.interpolate import LinearNDInterpolator
from torch import Tensor
from tqdm import tqdm

from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import FACS
from moodganimation.networks.folds import PICTURE_BOX, PICTURE_SHAPE
from moodganimation.networks.warp import WarpGenerator

from ..data.augment import CROP_SIDE, View
from ..data.landmarks import FACE_POINTS, Landmarks
from ..data.mesh_mirror import MIRRORED
from ..data.pack import OUTER_EYES, all_photos, picture_of, rows_of
from ..data.ratio_images import (
    EYE_OUTLINES,
    MEAN_FACE_SIDE,
    MeanFace,
    mean_face,
    ratio_image,
    warp_to_mean,
)
from ..rendering.mesh_points import BROWS
from .extend import extended
from .mouths import picture_batch, row_of

UNITS = ("AU06", "AU12")  # those with a fold picture
SHARE_OF_AU06 = 0.5  # of the folds of a smile around the eyes
# Share of the people whose log ratio at a pixel is clipped: the largest ones by absolute value.
OUTLIER_SHARE = 0.01
MOUTH_CORNERS = (61, 291)
NOSTRILS = (98, 97, 2, 326, 327, 94, 64, 294)  # points around both nostrils
MARGIN = 3  # around brows, eyes and nostrils [px of the mean face]
EYE_CORNERS = ((33, 133), (263, 362))
# Distances from the middle of an eye, in its widths, at which `eye_mask` begins to fall from 1, and
# at which it is 0.
EYE_RADII = (0.8, 1.5)
STEPS, BATCH, RATE, WEIGHT_DECAY = 2000, 12, 2e-3, 1e-4  # of the mean-face coordinates
STRIDE = 4  # side of a cell of the mean-face coordinates [pixels of a crop]


def fold_pictures(face: MeanFace, log_ratios: np.ndarray, au12_changes: np.ndarray) -> np.ndarray:
    """Return the fold pictures of UNITS, (2, S, S), symmetric.

    log_ratios: ratio images (N, S, S); au12_changes: (N,). The slope of the least-squares line
    through 0 of the log ratio over the change of AU12 is the picture of a smile. Around the eyes
    SHARE_OF_AU06 of it is given to AU06, whose readings change too little in a smile to fit a
    picture to them.
    """
    limit = np.quantile(np.abs(log_ratios), 1 - OUTLIER_SHARE, axis=0)
    covariance = np.einsum("n,nij->ij", au12_changes, log_ratios.clip(-limit, limit))
    slope = covariance / np.square(au12_changes).sum()
    smile = static_skin_mask(face) * (slope + slope[:, ::-1]) / 2
    share_of_au06 = SHARE_OF_AU06 * eye_mask(face)
    return np.float32([share_of_au06 * smile, (1 - share_of_au06) * smile])


def static_skin_mask(face: MeanFace) -> np.ndarray:
    """Return a mask (S, S) float32: 0 on brows, eyes and nostrils, 1 elsewhere, smooth between.

    Ratio images change there because these parts move, and the generator moves them itself.
    """
    mask = np.ones((MEAN_FACE_SIDE, MEAN_FACE_SIDE), np.float32)
    for ids in (BROWS[: len(BROWS) // 2], BROWS[len(BROWS) // 2 :], *EYE_OUTLINES, NOSTRILS):
        hull = cv2.convexHull(np.float32(face.points[list(ids)]))
        cv2.fillPoly(mask, [np.int32(np.round(hull))], 0.0)
    mask = cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * MARGIN + 1,) * 2))
    return cv2.GaussianBlur(mask, (0, 0), MARGIN / 2)


def eye_mask(face: MeanFace) -> np.ndarray:
    """Return a mask (S, S) float32: 1 around the eyes, 0 elsewhere, smooth between."""
    y, x = np.mgrid[:MEAN_FACE_SIDE, :MEAN_FACE_SIDE]
    begin, end = EYE_RADII
    masks = []
    for a, b in EYE_CORNERS:
        middle = (face.points[a] + face.points[b]) / 2
        width = np.linalg.norm(face.points[a] - face.points[b])
        distance = np.hypot(x - middle[0], y - middle[1]) / width
        masks.append(np.clip((end - distance) / (end - begin), 0, 1))
    return np.float32(np.maximum(*masks))


def crop_to_stored_half(pictures: np.ndarray) -> np.ndarray:
    """Resample symmetric pictures (F, S, S) to the half that is stored, (F, h, w).

    It is the person's left half, at the right of the picture: see `networks.folds`.
    """
    (top, bottom, right), (rows, columns) = PICTURE_BOX, PICTURE_SHAPE
    y = top + (np.arange(rows) + 0.5) / rows * (bottom - top)
    x = (np.arange(columns) + 0.5) / columns * right
    positions = np.stack(np.meshgrid(x, y), -1)
    pixels = np.float32((positions + 1) * MEAN_FACE_SIDE / 2 - 0.5)
    return np.stack([cv2.remap(picture, pixels, None, cv2.INTER_CUBIC) for picture in pictures])


def smile_pairs(folder: Path, split: str) -> list[tuple[Path, Path]]:
    """Return the files of the neutral and the smiling photo of every person with two photos.

    The photo with the wider mouth counts as smiling.
    """
    people: dict[str, list[str]] = {}
    for row in rows_of(folder):
        if row["split"] == split and row.get("person"):
            people.setdefault(row["person"], []).append(row["name"])
    landmarks, pairs = Landmarks(folder / "landmarks.npz"), []
    for names in people.values():
        if len(names) == 2:
            paths = [picture_of(folder, name) for name in names]
            points = [landmarks.points[row_of(landmarks, path)] for path in paths]
            order = sorted((0, 1), key=lambda i: mouth_width(points[i]))
            pairs.append(tuple(paths[i] for i in order))
    return pairs


def mouth_width(points: np.ndarray) -> float:
    """The distance of the mouth corners over that of the outer eye corners."""
    mouth, eyes = (points[a, :2] - points[b, :2] for a, b in (MOUTH_CORNERS, OUTER_EYES))
    return float(np.linalg.norm(mouth) / np.linalg.norm(eyes))


@torch.no_grad()
def ratio_images(
    generator: WarpGenerator, face: MeanFace, folder: Path, split: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithm of the ratio image of every person with two photos, (N, S, S), and the
    change of AU12 between the photos, as the generator reads it, (N,)."""
    landmarks, log_ratios, changes = Landmarks(folder / "landmarks.npz"), [], []
    size = generator.config.image_size
    for paths in tqdm(smile_pairs(folder, split), desc="ratio images"):
        faces, pictures = [], [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in paths]
        for path, picture in zip(paths, pictures, strict=True):
            points = landmarks.points[row_of(landmarks, path), :FACE_POINTS, :2]
            faces.append(warp_to_mean(face, picture.mean(2, dtype=np.float32), points))
        log_ratios.append(ratio_image(face, *faces))
        before, after = generator.read(picture_batch(pictures, size)).double().numpy()
        changes.append(np.mean((after - before)[list(FACS.indices("AU12"))]))
    return np.float32(log_ratios), np.array(changes)


def all_points(folder: Path, split: str) -> tuple[list[Path], np.ndarray]:
    """Return the photos of a split and their landmarks (N, 468, 2) [sides of the crop]."""
    landmarks, paths = Landmarks(folder / "landmarks.npz"), all_photos(folder, split)
    rows = [row_of(landmarks, path) for path in paths]
    points = (landmarks.points[rows, :FACE_POINTS, :2] + 0.5) / landmarks.sizes[rows][:, None]
    return paths, points.astype(np.float64)


def train_coordinate_network(
    generator: WarpGenerator, face: MeanFace, paths: list[Path], points: np.ndarray, seed: int = 0
) -> float:
    """Train the network that predicts mean-face coordinates, `place` of a generator's folds.

    paths, points: of N photos, see `all_points`. The learning rate falls linearly to 0. Returns the
    mean distance from the truth over the last tenth of the steps, in pixels of a mean face of the
    generator's image size.
    """
    generator.requires_grad_(False).eval()
    network = generator.folds.place.requires_grad_(True).train()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=WEIGHT_DECAY)
    size, errors = generator.config.image_size, []
    for step in tqdm(range(STEPS), desc="mean-face coordinates"):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        rng = np.random.default_rng([seed, step])
        rows = rng.integers(len(paths), size=BATCH)
        samples = [draw_sample(paths[i], points[i], face, size, rng) for i in rows]
        photo, truth = (torch.from_numpy(np.stack(x)) for x in zip(*samples, strict=True))
        distance = distance_to_truth(generator, photo, truth)
        optimizer.zero_grad()
        distance.backward()
        optimizer.step()
        errors.append(float(distance.detach()) * size / 2)
    network.eval().requires_grad_(False)
    return float(np.mean(errors[-STEPS // 10 :]))


def distance_to_truth(generator: WarpGenerator, photo: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of mean-face coordinates from the truth (B, 2, h, w), where that is not NaN."""
    with torch.no_grad():
        photo = photo.contiguous(memory_format=torch.channels_last)
        features = generator.deep_features(generator.pyramid(photo))
    predicted = generator.folds.mean_face_coordinates(features).movedim(1, -1)
    is_known = truth[:, 0].isfinite()
    square = (predicted[is_known] - truth.movedim(1, -1)[is_known]).square().sum(1)
    return (square + 1e-6).sqrt().mean()  # the root has no gradient at 0


def draw_sample(
    path: Path, points: np.ndarray, face: MeanFace, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a random view of a photo, (3, size, size), and its mean-face coordinates.

    The coordinates are those of the centers of cells of STRIDE x STRIDE pixels,
    (2, size / STRIDE, size / STRIDE) in [-1, 1]; NaN outside the face.
    """
    view = View(rng, size)
    picture = view.convert_picture(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB))
    in_view = (points * CROP_SIDE - 0.5) @ view.to_view[:, :2].T + view.to_view[:, 2]
    in_mean_face = 2 * (face.points + 0.5) / MEAN_FACE_SIDE - 1
    if view.mirror:
        in_mean_face = in_mean_face[MIRRORED[:FACE_POINTS]]
    centers = np.arange(size // STRIDE) * STRIDE + (STRIDE - 1) / 2
    pixels = np.stack(np.meshgrid(centers, centers), -1).reshape(-1, 2)
    coordinates = LinearNDInterpolator(in_view, in_mean_face)(pixels)
    return picture, np.float32(coordinates.T.reshape(2, size // STRIDE, size // STRIDE))


def add_folds(generator: WarpGenerator, folders: list[Path]) -> tuple[WarpGenerator, dict]:
    """Return a copy of a generator with folds, and figures for its card.

    folders: of canonical crops, see above. The light fields of UNITS become 0. Raises ValueError
    for a photo without landmarks.
    """
    fields = axis_map(FACS).fields
    extended_generator = extended(generator, folds=len(UNITS)).requires_grad_(False)
    paths, points = [], []
    for folder in folders:
        folder_paths, folder_points = all_points(folder, "train")
        paths += folder_paths
        points.append(folder_points)
    points = np.concatenate(points)
    face = mean_face(points)
    parts = [ratio_images(generator, face, folder, "train") for folder in folders]
    log_ratios, changes = (np.concatenate(part) for part in zip(*parts, strict=True))
    pictures = crop_to_stored_half(fold_pictures(face, log_ratios, changes))
    extended_generator.folds.pictures.copy_(torch.from_numpy(pictures))
    for number, unit in enumerate(UNITS):
        extended_generator.folds.units[fields.index(unit), number] = 1
        # Its fold picture replaces its light field.
        extended_generator.lights.weight[fields.index(unit)] = 0
        extended_generator.lights.bias[fields.index(unit)] = 0
    error = train_coordinate_network(extended_generator, face, paths, points)
    # The image size of warp is 128.
    figures = {"people": len(log_ratios), "error of places [px of 128]": round(error, 3)}
    return extended_generator, figures
