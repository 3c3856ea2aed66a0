"""Folds of the skin: the change of brightness where a face wrinkles.

The fold pictures come from photographs of real faces, in the frame of a mean face: the logarithm of
the ratio of the skin's brightness at intensity 1 to that at 0 (expression ratio images, Liu, Shan &
Zhang 2001). A map predicted from a photo says where in the mean face each of its points lies, so
folds are as sharp in a photo of any size as in the pictures.

B batch · S sides, 2 or 1 · U units · F pictures · C channels · h x w cells of a map over the crop
· H x W cells of the result
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import conv_bn_relu
from .compositing import Edit, cell_centers, resize, smoothstep

PICTURE_SHAPE = (
    200,
    80,
)  # pixels of a picture of the person's left half; the right half mirrors it
PICTURE_BOX = (-0.80, 0.86, 0.66)  # its top, bottom and outer side [coordinates of the mean face]
# Factor on folds that a falling unit removes: the photo's own folds are not exactly where those of
# the mean face are.
REMOVAL_STRENGTH = 0.5
FALLOFF = 0.11  # face distance at which folds have faded out [face coordinates]
SEAM_WIDTH = 0.06  # half the width of the band where the halves are blended [mean face]


class Folds(nn.Module):
    """The fold pictures, and the map from a photo to the mean face."""

    def __init__(self, features: int, hidden: int, units: int, pictures: int):
        super().__init__()
        # Predicts the offset of every cell from its own center to its point in the mean face.
        self.place = nn.Sequential(
            conv_bn_relu(features, hidden), conv_bn_relu(hidden, hidden), nn.Conv2d(hidden, 2, 1)
        )
        nn.init.zeros_(self.place[-1].weight)
        nn.init.zeros_(self.place[-1].bias)
        # Set by `training folds`. units: how much of each picture a unit shows at 1.
        self.register_buffer("pictures", torch.zeros(pictures, *PICTURE_SHAPE))
        self.register_buffer("units", torch.zeros(units, pictures))

    def mean_face_map(self, features: Tensor) -> Tensor:
        """Where in the mean face the cells of features (B, C, h, w) lie, (B, 2, h, w) [-1 to 1, as
        face coordinates]."""
        return cell_centers(features.shape[-2:], features) + self.place(features).float()

    def fold_map(self, features: Tensor, face_distance: Tensor) -> Tensor:
        """The mean face map, and how much the cells belong to the face: (B, 3, h, w), the last in
        [0, 1].

        face_distance: (B, 1, h, w) [face coordinates], negative inside the face.
        """
        inside = 1 - smoothstep((face_distance / FALLOFF).clamp(0, 1))
        return torch.cat([self.mean_face_map(features), inside], 1)

    def add_to(
        self, edit: Edit, fold_map: Tensor, change: Tensor, size: int, detail: Tensor | None
    ) -> Edit:
        """Add folds to an edit: to its light, which is enlarged to size x size cells, and to the
        skin of its composite.

        fold_map, change: see `forward`; detail: (1,), strength of the folds; None is 1.
        """
        if not (change @ self.units).any():
            return edit
        log_ratio = self(fold_map, resize(edit.motion, (size, size)), change)
        ratio = (log_ratio if detail is None else detail * log_ratio).exp()
        light = (1 + resize(edit.light, (size, size))) * ratio - 1
        shape = edit.composite.shape[-2:]
        brightening = (1 + resize(light, shape)) / (1 + resize(edit.light, shape)) - 1
        attention, color = resize(edit.attention, shape), resize(edit.color, shape)
        skin = edit.composite + 1 - (1 - attention) * (color + 1)  # the composite without its paint
        return edit._replace(composite=edit.composite + skin * brightening, light=light)

    def forward(self, fold_map: Tensor, motion: Tensor, change: Tensor) -> Tensor:
        """The logarithm of the ratio of brightness that folds add to a warped photo, (B, 1, H, W).

        fold_map: (B, 3, h, w), see `Folds.fold_map`; motion: (B, 2, H, W), backward flow; change:
        (B, S, U) of the units, the person's left side first.
        """
        grid = (cell_centers(motion.shape[-2:], motion) + motion).movedim(1, -1)
        point = F.grid_sample(fold_map, grid, padding_mode="border", align_corners=False)
        top, bottom, side = PICTURE_BOX
        x, y = point[:, 0] / side, (2 * point[:, 1] - top - bottom) / (bottom - top)
        folds = self.mean_face_folds(change)
        return point[:, 2:] * F.grid_sample(folds, torch.stack([x, y], -1), align_corners=False)

    def mean_face_folds(self, change: Tensor) -> Tensor:
        """The folds of the whole mean face after a change (B, S, U): the logarithm of the ratio of
        brightness in PICTURE_BOX and its mirror image, (B, 1, rows, 2 columns)."""
        strength = change @ self.units
        strength = torch.where(strength < 0, REMOVAL_STRENGTH * strength, strength)
        halves = torch.einsum("bsf,fhw->bshw", strength, self.pictures)
        whole = torch.cat([halves.flip(-1), halves], -1)
        if whole.shape[1] == 1:
            return whole
        left, right = whole.split(1, 1)
        x = PICTURE_BOX[2] * cell_centers((1, whole.shape[-1]), whole)[:, :1]
        return right + (x / (2 * SEAM_WIDTH) + 0.5).clamp(0, 1) * (left - right)
