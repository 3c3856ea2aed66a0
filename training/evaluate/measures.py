"""What is measured, as pure functions: definitions, sources, and every threshold with its reason.

N photos · A axes asked for · L levels, lowest first · K axes estimated · H x W pixels of a crop,
pictures in [-1, 1].
"""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import rankdata
from torch import Tensor

from moodganimation.networks.compositing import positions

LEVELS = 5  # at which every axis is asked for, from its lowest to its highest value
FLAT = 0.001  # of an axis's range: a response that varies less is none; rounding stays below 1e-5
MOVED = 0.02  # of an axis's range: smaller changes are noise. Shifting a photo by one pixel changes
# the shipped reader's units by .004 to .020; every run measures it anew and takes the larger.
VISIBLE = 0.06  # mean over channels on [-1, 1]: 8 of 255 grey levels, just seen on smooth skin
ENOUGH = 0.004  # of a crop's pixels, 66 at 128 px: fewer edited ones have no sharpness worth a mean
FACE = (0.0, 0.035, 0.69, 0.80)  # ellipse x, y, half axes in halves of the canonical crop's side:
# the box of the mean Face Mesh in that crop
# what a generator must reach: least and most. Editing under 2 % of a face is leaving it alone,
# over 60 % is repainting it.
PASSES = {
    "follow": (0.8, None),
    "moved": (0.6, None),
    "edited share [%]": (2, 60),
    "not finite": (0, 0),
}


def follow(values: np.ndarray, flat) -> np.ndarray:
    """Spearman's rank correlation of level and estimate, (..., L) -> (...) in [-1, 1].

    Spearman 1904. 0 where the estimates differ by less than `flat`, which is no response.
    """
    got, asked = rankdata(values, axis=-1), np.arange(values.shape[-1], dtype=float)
    got, asked = got - got.mean(-1, keepdims=True), asked - asked.mean()
    size = np.sqrt((got**2).sum(-1) * (asked**2).sum())
    return np.where(np.ptp(values, -1) < flat, 0, (got @ asked) / np.maximum(size, 1e-12))


def straightness(values: np.ndarray, flat) -> np.ndarray:
    """Share of the estimates' variance that a line through the levels explains, R^2 in [0, 1].

    0 where the response is flat or falls: a straight line the wrong way is no merit.
    """
    asked = np.arange(values.shape[-1]) - (values.shape[-1] - 1) / 2
    centered = values - values.mean(-1, keepdims=True)
    slope = centered @ asked
    explained = slope**2 / np.maximum((centered**2).sum(-1) * (asked**2).sum(), 1e-24)
    return np.where((np.ptp(values, -1) < flat) | (slope <= 0), 0, explained)


def change(values: np.ndarray) -> np.ndarray:
    """From the lowest level to the highest: (N, A, L, K) -> (N, A, K)."""
    return values[:, :, -1] - values[:, :, 0]


def own(values: np.ndarray) -> np.ndarray:
    """Of estimates (N, A, ..., A) those of the axis that was asked for: (N, A, ...)."""
    return np.moveaxis(np.diagonal(values, axis1=1, axis2=-1), -1, 1)


def leakage(changes: np.ndarray, flat) -> tuple[np.ndarray, float]:
    """Mean absolute change of the other axes over the change of the own one, (N, A, A) -> (A,).

    And in all: sums over photos and axes before dividing, so that axes that hardly move do not
    rule. The own change keeps its sign: moving the wrong way is no response. NaN where the mean
    own change is below `flat`, (A,) or one for all, and where there are no other axes.
    """
    count = changes.shape[1]
    others = np.abs(changes).sum(-1) - np.abs(own(changes))
    others, mine = others.mean(0) / max(1, count - 1), own(changes).mean(0)
    if count < 2:
        return np.full(count, np.nan), float("nan")
    there = mine > flat
    ratio = np.where(there, others / np.where(there, mine, 1), np.nan)
    return ratio, float(others.sum() / mine.sum()) if (mine - flat).sum() > 0 else float("nan")


def concordance(asked: np.ndarray, got: np.ndarray) -> float:
    """Concordance correlation coefficient of two vectors. Lin 1989.

    1 only where they are equal: correlation, less for another mean or another spread.
    """
    both = np.mean((asked - asked.mean()) * (got - got.mean()))
    size = asked.var() + got.var() + (asked.mean() - got.mean()) ** 2
    return float(2 * both / size) if size > 0 else float("nan")


def in_face(x, y):
    """Whether places in face coordinates lie in FACE; of tensors and arrays alike."""
    return ((x - FACE[0]) / FACE[2]) ** 2 + ((y - FACE[1]) / FACE[3]) ** 2 <= 1


def face_region(size: tuple[int, int]) -> Tensor:
    """(1, 1, H, W) bool: the ellipse that holds the face of a canonical crop."""
    place = positions(size, torch.zeros(()))
    return in_face(place[:, :1], place[:, 1:])


def edited(source: Tensor, result: Tensor) -> Tensor:
    """(N, 1, H, W) bool: pixels whose mean absolute change over the channels is VISIBLE."""
    return (result - source).abs().mean(1, keepdim=True) > VISIBLE


def edited_share(mask: Tensor) -> Tensor:
    """(N, 1, H, W) -> (N,): share of the face's pixels that were edited."""
    face = face_region(mask.shape[-2:]).to(mask.device)
    return (mask & face).sum((1, 2, 3)) / face.sum()


def lightness(picture: Tensor) -> Tensor:
    """Rec. 601 luma, (N, 3, H, W) -> (N, 1, H, W)."""
    weights = picture.new_tensor([0.299, 0.587, 0.114])[:, None, None]
    return (picture * weights).sum(1, keepdim=True)


def sharpness(source: Tensor, result: Tensor, mask: Tensor) -> Tensor:
    """Mean gradient magnitude of the result over the photo's, within `mask`, (N,).

    Below 1 the edit is softer than the photo was there; opened lips add edges and lift it above.
    NaN where fewer than ENOUGH pixels are in the mask.
    """
    sizes = []
    for picture in (source, result):
        light = F.pad(lightness(picture), (0, 1, 0, 1), mode="replicate")
        dx = light[..., :-1, 1:] - light[..., :-1, :-1]
        dy = light[..., 1:, :-1] - light[..., :-1, :-1]
        sizes.append((torch.sqrt(dx**2 + dy**2) * mask).sum((1, 2, 3)))
    ratio = sizes[1] / sizes[0].clamp(min=1e-6)
    return ratio.where(mask.float().mean((1, 2, 3)) >= ENOUGH, ratio.new_tensor(torch.nan))


def similarity(source: Tensor, result: Tensor) -> Tensor:
    """Structural similarity map of the lightness, (N, 1, H, W) in [-1, 1].

    Wang et al. 2004: Gaussian window of 11 pixels with sigma 1.5, K1 = .01, K2 = .03.
    """
    x = torch.arange(-5.0, 6, device=source.device)
    bell = torch.exp(-(x**2) / (2 * 1.5**2))
    bell = bell / bell.sum()

    def window(picture):
        picture = F.pad(picture, (5, 5, 5, 5), mode="reflect")
        return F.conv2d(F.conv2d(picture, bell.view(1, 1, 1, -1)), bell.view(1, 1, -1, 1))

    a, b = lightness(source), lightness(result)
    mean_a, mean_b = window(a), window(b)
    var_a, var_b = window(a * a) - mean_a**2, window(b * b) - mean_b**2
    both = window(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2  # pictures span 2
    return ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    )


def grown(mask: Tensor, pixels: int) -> Tensor:
    """(N, 1, H, W) bool with every true pixel widened to a square."""
    return F.max_pool2d(mask.float(), 2 * pixels + 1, 1, pixels) > 0


def likeness(source: Tensor, result: Tensor, mask: Tensor) -> Tensor:
    """Mean structural similarity to the photo inside the face but outside `mask`, (N,).

    The mask is widened by the window's reach, so that what is left has no edited pixel in view:
    1 where the generator leaves alone what it does not edit, less where it softens or repaints.
    It is no identity. NaN where nothing is left.
    """
    kept = face_region(mask.shape[-2:]).to(mask.device) & ~grown(mask, 5)
    total = (similarity(source, result) * kept).sum((1, 2, 3))
    return total / kept.sum((1, 2, 3))  # 0 / 0 is NaN


def kernel_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy of features (n, d) and (m, d).

    Binkowski et al. 2018, with their kernel (x . y / d + 1)^3. What it measures depends on the
    features; only on those of Inception is it KID. Can be below 0 for equal distributions.
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
    """Mean absolute second difference over time by the mean absolute first, of (T, 3, H, W).

    Near 0 for even motion, 1.7 for frames of independent noise. NaN where nothing changes.
    """
    first = frames.diff(dim=0)
    size = first.abs().mean()
    return float(first.diff(dim=0).abs().mean() / size) if size > 1e-6 else float("nan")


def background_change(frames: Tensor) -> float:
    """Mean absolute change from frame to frame where nothing is edited, in grey levels of 255.

    Not edited: never VISIBLE apart from the first frame, less two pixels around what is. NaN where
    everything is edited.
    """
    first = frames[:1].expand_as(frames)
    still = ~grown(edited(first, frames).any(0, keepdim=True), 2)
    steps = frames.diff(dim=0).abs().mean(1, keepdim=True) * 127.5
    return float((steps * still).sum() / (still.sum() * len(steps)))
