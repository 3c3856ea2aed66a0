"""The measures of an evaluation as pure functions, with their papers and thresholds.

Shapes: N photos, A requested axes, L levels from the lowest, K estimated axes, H x W
pixels of a canonical crop. Pictures are in [-1, 1].
"""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import rankdata
from torch import Tensor

from moodganimation.networks.compositing import cell_centers

LEVEL_COUNT = 5  # requested levels of every axis, from its lowest to its highest value
# Share of an axis's range: responses that vary less are flat. Rounding errors are below 1e-5.
FLAT_RANGE = 0.001
# Share of an axis's range: smaller changes are noise. A shift of a photo by one pixel changes the
# shipped reader's units by .004 to .020; every run measures this and uses the larger value.
NOISE_FLOOR = 0.02
# Mean absolute change over the channels, on [-1, 1]: 8 of 255 grey levels, just visible on smooth
# skin.
VISIBLE_CHANGE = 0.06
MIN_EDITED = 0.004  # share of edited pixels (66 at 128 px) below which sharpness is too noisy
# Center x, y and half axes of an ellipse in the canonical crop, in halves of its side: that of the
# bounding box of the mean Face Mesh.
FACE_ELLIPSE = (0.0, 0.035, 0.69, 0.80)
# The verdict: figure -> least and greatest value. Editing less than 2 % of a face counts as no
# edit, more than 60 % as repainting.
CRITERIA = {
    "follow": (0.8, None),
    "moved": (0.6, None),
    "edited share [%]": (2, 60),
    "not finite": (0, 0),
}


def follow(values: np.ndarray, flat_range) -> np.ndarray:
    """Rank correlation of level and estimate, (..., L) -> (...) in [-1, 1]. Spearman 1904.

    flat_range: broadcasts to (...). The result is 0 where the estimates vary by less: such a
    response is flat.
    """
    ranks, levels = rankdata(values, axis=-1), np.arange(values.shape[-1], dtype=float)
    ranks, levels = ranks - ranks.mean(-1, keepdims=True), levels - levels.mean()
    norm = np.sqrt((ranks**2).sum(-1) * (levels**2).sum())
    return np.where(np.ptp(values, -1) < flat_range, 0, (ranks @ levels) / np.maximum(norm, 1e-12))


def straightness(values: np.ndarray, flat_range) -> np.ndarray:
    """R^2 of a straight line through the estimates, (..., L) -> (...) in [0, 1].

    It is 0 where the response falls, or varies by less than `flat_range`.
    """
    levels = np.arange(values.shape[-1]) - (values.shape[-1] - 1) / 2
    centered = values - values.mean(-1, keepdims=True)
    slope = centered @ levels
    explained = slope**2 / np.maximum((centered**2).sum(-1) * (levels**2).sum(), 1e-24)
    return np.where((np.ptp(values, -1) < flat_range) | (slope <= 0), 0, explained)


def change_over_range(values: np.ndarray) -> np.ndarray:
    """Subtract estimates at the lowest level from the highest, (N, A, L, K) -> (N, A, K)."""
    return values[:, :, -1] - values[:, :, 0]


def select_requested_axis(values: np.ndarray) -> np.ndarray:
    """Select the estimates of the requested axis itself, (N, A, ..., A) -> (N, A, ...)."""
    return np.moveaxis(np.diagonal(values, axis1=1, axis2=-1), -1, 1)


def leakage(changes: np.ndarray, flat_range) -> tuple[np.ndarray, float]:
    """Mean absolute change of other axes over the change of the requested one, (N, A, A) -> (A,).

    Also returns the total, whose numerator and denominator are summed over photos and axes, so that
    axes with small changes do not dominate. The requested change is signed. flat_range: (A,) or one
    for all axes. NaN where the mean requested change is at most `flat_range`, or if A is 1.
    """
    count = changes.shape[1]
    others = np.abs(changes).sum(-1) - np.abs(select_requested_axis(changes))
    others = others.mean(0) / max(1, count - 1)
    requested_change = select_requested_axis(changes).mean(0)
    if count < 2:
        return np.full(count, np.nan), float("nan")
    is_rising = requested_change > flat_range
    ratio = np.where(is_rising, others / np.where(is_rising, requested_change, 1), np.nan)
    rises = (requested_change - flat_range).sum() > 0
    return ratio, float(others.sum() / requested_change.sum()) if rises else float("nan")


def concordance(x: np.ndarray, y: np.ndarray) -> float:
    """Concordance correlation coefficient of two vectors. Lin 1989.

    It is 1 only for equal vectors: the correlation, reduced by differences of mean and variance.
    """
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    total = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return float(2 * covariance / total) if total > 0 else float("nan")


def in_face(x, y):
    """Whether positions in face coordinates lie in FACE_ELLIPSE. x, y: tensors or arrays."""
    return ((x - FACE_ELLIPSE[0]) / FACE_ELLIPSE[2]) ** 2 + (
        (y - FACE_ELLIPSE[1]) / FACE_ELLIPSE[3]
    ) ** 2 <= 1


def face_region(size: tuple[int, int]) -> Tensor:
    """Make the mask (1, 1, H, W) bool of the face in a canonical crop, an ellipse."""
    grid = cell_centers(size, torch.zeros(()))
    return in_face(grid[:, :1], grid[:, 1:])


def edited_mask(source: Tensor, result: Tensor) -> Tensor:
    """Mark pixels that change visibly, (N, 3, H, W) twice -> (N, 1, H, W) bool."""
    return (result - source).abs().mean(1, keepdim=True) > VISIBLE_CHANGE


def edited_share(mask: Tensor) -> Tensor:
    """The share of edited pixels of the face, (N, 1, H, W) -> (N,)."""
    face = face_region(mask.shape[-2:]).to(mask.device)
    return (mask & face).sum((1, 2, 3)) / face.sum()


def luma(picture: Tensor) -> Tensor:
    """Rec. 601 luma, (N, 3, H, W) -> (N, 1, H, W)."""
    weights = picture.new_tensor([0.299, 0.587, 0.114])[:, None, None]
    return (picture * weights).sum(1, keepdim=True)


def sharpness(source: Tensor, result: Tensor, mask: Tensor) -> Tensor:
    """Mean gradient magnitude of the result over the photo's, within `mask`, (N,).

    Below 1 the edit is softer than the photo; opened mouths add edges and raise it above 1. NaN
    where the mask has less than a share of MIN_EDITED pixels. judges/sharpness.py measures gradient
    energy instead, the square; the two are not comparable.
    """
    magnitudes = []
    for picture in (source, result):
        padded = F.pad(luma(picture), (0, 1, 0, 1), mode="replicate")
        dx = padded[..., :-1, 1:] - padded[..., :-1, :-1]
        dy = padded[..., 1:, :-1] - padded[..., :-1, :-1]
        magnitudes.append((torch.sqrt(dx**2 + dy**2) * mask).sum((1, 2, 3)))
    ratio = magnitudes[1] / magnitudes[0].clamp(min=1e-6)
    return ratio.where(mask.float().mean((1, 2, 3)) >= MIN_EDITED, ratio.new_tensor(torch.nan))


def structural_similarity(source: Tensor, result: Tensor) -> Tensor:
    """Map of the structural similarity (SSIM) of the luma, (N, 1, H, W) in [-1, 1].

    Wang et al. 2004: Gaussian window of 11 pixels with sigma 1.5, K1 = .01, K2 = .03.
    """
    x = torch.arange(-5.0, 6, device=source.device)
    gaussian = torch.exp(-(x**2) / (2 * 1.5**2))
    gaussian = gaussian / gaussian.sum()

    def local_mean(picture):
        picture = F.pad(picture, (5, 5, 5, 5), mode="reflect")
        return F.conv2d(F.conv2d(picture, gaussian.view(1, 1, 1, -1)), gaussian.view(1, 1, -1, 1))

    a, b = luma(source), luma(result)
    mean_a, mean_b = local_mean(a), local_mean(b)
    var_a, var_b = local_mean(a * a) - mean_a**2, local_mean(b * b) - mean_b**2
    covariance = local_mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2  # pictures span 2
    return ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    )


def dilate(mask: Tensor, pixels: int) -> Tensor:
    """Dilate a mask (N, 1, H, W) bool by a square of side 2 * `pixels` + 1."""
    return F.max_pool2d(mask.float(), 2 * pixels + 1, 1, pixels) > 0


def likeness(source: Tensor, result: Tensor, mask: Tensor) -> Tensor:
    """Mean structural similarity to the photo inside the face but outside `mask`, (N,).

    The mask is dilated by the radius of the SSIM window, so that no edited pixel contributes. The
    value is 1 if pixels outside the edit are preserved, less if they are blurred or repainted. It
    does not measure identity. NaN where no pixel remains.
    """
    region = face_region(mask.shape[-2:]).to(mask.device) & ~dilate(mask, 5)
    total = (structural_similarity(source, result) * region).sum((1, 2, 3))
    return total / region.sum((1, 2, 3))  # 0 / 0 is NaN


def kernel_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy of features (n, d) and (m, d).

    Binkowski et al. 2018, with their kernel (x . y / d + 1)^3, which gives KID only for features of
    Inception. The value can be negative for equal distributions.
    """

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(one), len(other)
    if min(n, m) < 2:
        return float("nan")
    xx, yy = kernel(one, one), kernel(other, other)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * kernel(one, other).mean())


def restlessness(frames: Tensor) -> float:
    """Mean absolute second difference over time, over the mean absolute first, of (T, 3, H, W).

    Near 0 for even motion, 1.7 for frames of independent noise. NaN where nothing changes.
    """
    first = frames.diff(dim=0)
    speed = first.abs().mean()
    return float(first.diff(dim=0).abs().mean() / speed) if speed > 1e-6 else float("nan")


def background_change(frames: Tensor) -> float:
    """Mean absolute change from frame to frame where nothing is edited, in grey levels of 255.

    Pixels that differ visibly from the first frame in any frame are excluded, with a margin of two
    pixels. NaN if no pixel remains.
    """
    first = frames[:1].expand_as(frames)
    background = ~dilate(edited_mask(first, frames).any(0, keepdim=True), 2)
    steps = frames.diff(dim=0).abs().mean(1, keepdim=True) * 127.5
    return float((steps * background).sum() / (background.sum() * len(steps)))


def finite_mean(values) -> float:
    """Mean of the finite values; NaN if there are none."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")
