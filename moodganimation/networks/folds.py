"""Folds of the skin: the change of brightness where a face wrinkles.

A *fold picture* shows the log gain of the skin's brightness as a unit rises from 0 to 1: the
logarithm of the ratio of both brightnesses, measured in photographs (expression ratio images, Liu,
Shan & Zhang 2001). Most units have none. It is stored in *mean-face coordinates*: those of a face
with average features, -1 to 1 over its crop. A network predicts these coordinates for the places of
a photo, so that folds are as sharp in a photo of any size as in the pictures.

B batch · S sides, 2 or 1 · U units · F pictures · C channels · h x w cells of features over the
crop · H x W cells of an edit's motion · size: cells along a side of the result
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import conv_bn_relu
from .compositing import Edit, cell_centers, resize, smoothstep

# Rows and columns of a stored picture. It shows the person's left half, at the right of a photo
# (x > 0); the right half mirrors it.
PICTURE_SHAPE = (200, 80)
# What a stored picture covers: y of its top and bottom, and x of its outer edge; its inner edge is
# the midline, x = 0 [mean-face coordinates].
PICTURE_BOX = (-0.80, 0.86, 0.66)
# Factor on a fold picture whose weight is negative, as when its unit falls. It then removes folds
# that the photo shows, which do not lie exactly where those of the mean face do.
REMOVAL_FACTOR = 0.5
FOLD_FALLOFF = 0.11  # face distance at which folds have faded out [face coordinates]
# Half the width of the band around the midline where the halves are blended [mean-face coordinates]
SEAM_WIDTH = 0.06


class Folds(nn.Module):
    """The fold pictures, and the network that predicts mean-face coordinates."""

    def __init__(self, channels: int, hidden: int, units: int, pictures: int):
        """channels: of the features; hidden: channels of the hidden layers."""
        super().__init__()
        # Predicts the offset of every cell from its center to its mean-face coordinates. `place`,
        # `pictures` and `units` are keys of checkpoints.
        self.place = nn.Sequential(
            conv_bn_relu(channels, hidden), conv_bn_relu(hidden, hidden), nn.Conv2d(hidden, 2, 1)
        )
        nn.init.zeros_(self.place[-1].weight)
        nn.init.zeros_(self.place[-1].bias)
        # Set by `training folds`. units (U, F): the weight of each picture when a unit is 1, which
        # is 1 for the unit that the picture belongs to and 0 for all others.
        self.register_buffer("pictures", torch.zeros(pictures, *PICTURE_SHAPE))
        self.register_buffer("units", torch.zeros(units, pictures))

    def mean_face_coordinates(self, features: Tensor) -> Tensor:
        """Predict the mean-face coordinates (B, 2, h, w), x then y, of the cells of features
        (B, C, h, w)."""
        return cell_centers(features.shape[-2:], features) + self.place(features).float()

    def fold_map(self, features: Tensor, face_distance: Tensor) -> Tensor:
        """Predict where folds of the mean face lie in a photo, (B, 3, h, w): mean-face coordinates
        of the cells of features (B, C, h, w), and a weight in [0, 1] that fades beyond the face.

        face_distance: (B, 1, h, w) [face coordinates], negative inside the face.
        """
        on_face = 1 - smoothstep((face_distance / FOLD_FALLOFF).clamp(0, 1))
        return torch.cat([self.mean_face_coordinates(features), on_face], 1)

    def add_to(
        self, edit: Edit, fold_map: Tensor, change: Tensor, size: int, detail: Tensor | None
    ) -> Edit:
        """Add folds to an edit: to its light, which becomes (B, 1, size, size), and to the skin of
        its composite. An edit that changes no unit with folds is returned as it is; such a row of
        a batch keeps its composite.

        fold_map, change: see `forward`; detail: (1,), factor on the folds; None is 1.
        """
        has_folds = (change @ self.units).flatten(1).any(1)[:, None, None, None]
        if not has_folds.any():
            return edit
        log_gain = self(fold_map, edit.motion, change, size)
        gain = (log_gain if detail is None else detail * log_gain).exp()
        light = (1 + resize(edit.light, (size, size))) * gain - 1
        shape = edit.composite.shape[-2:]
        # Not `gain - 1`: `turn_head` and `confine` compose the edit anew from the resized light and
        # must give the same picture.
        brightening = (1 + resize(light, shape)) / (1 + resize(edit.light, shape)) - 1
        brightening = torch.where(has_folds, brightening, 0)
        attention, color = resize(edit.attention, shape), resize(edit.color, shape)
        # The composite without its paint, with black at 0: only skin brightens.
        skin = edit.composite + 1 - (1 - attention) * (color + 1)
        return edit._replace(composite=edit.composite + skin * brightening, light=light)

    def forward(self, fold_map: Tensor, motion: Tensor, change: Tensor, size: int) -> Tensor:
        """Compute the log gain of brightness by which folds relight a warped photo, (B, 1, size,
        size).

        fold_map: (B, 3, h, w), of the photo; motion: (B, 2, H, W), backward flow [face
        coordinates]; change: (B, S, U) of the units, the person's left side first.
        """
        in_photo = (cell_centers(motion.shape[-2:], motion) + motion).movedim(1, -1)
        samples = F.grid_sample(fold_map, in_photo, padding_mode="border", align_corners=False)
        x, y, on_face = resize(samples, (size, size)).unbind(1)  # smooth, unlike the pictures
        # From mean-face coordinates to -1 to 1 over the result of `mean_face_folds`
        top, bottom, outer = PICTURE_BOX
        in_folds = torch.stack([x / outer, (2 * y - top - bottom) / (bottom - top)], -1)
        folds = F.grid_sample(self.mean_face_folds(change), in_folds, align_corners=False)
        return on_face[:, None] * folds

    def mean_face_folds(self, change: Tensor) -> Tensor:
        """Sum the fold pictures for a change (B, S, U) of the units: the log gain of brightness in
        PICTURE_BOX, with its mirror image on the other side, (B, 1, rows, 2 * columns)."""
        weights = change @ self.units
        weights = torch.where(weights < 0, REMOVAL_FACTOR * weights, weights)
        halves = torch.einsum("bsf,fhw->bshw", weights, self.pictures)
        whole = torch.cat([halves.flip(-1), halves], -1)
        if whole.shape[1] == 1:
            return whole
        left, right = whole.split(1, 1)  # as if both halves changed like the left, or the right
        x = PICTURE_BOX[2] * cell_centers((1, whole.shape[-1]), whole)[:, :1]
        left_weight = (x / (2 * SEAM_WIDTH) + 0.5).clamp(0, 1)
        return right + left_weight * (left - right)
