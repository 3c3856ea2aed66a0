"""The modes of the `warp` generator, and its encoding of a photo.

B batch · D axes of the condition · N features of the basis · C channels · H x W pixels of the crop
· h x w pixels of the mouth window
"""

from typing import NamedTuple

from torch import Tensor

from .inpainting import Window

PAINT_SCALE = 2  # cells of painted layers per cell of the crop, along a side: teeth are fine
PAINT_THRESHOLD = 0.06  # opacity below which nothing is painted


class Mode(NamedTuple):
    """What differs between training and inference, see `WarpGenerator.mode`.

    Training paints the whole crop, on its own cells, by differentiable steps alone.
    """

    clamp_reading: bool  # whether readings are clamped to [0, 1]
    limit_motion: bool  # whether motion fades out beyond the face
    mouth_only: bool  # whether painting is limited to the mouth window and keeps the photo's teeth
    folds: bool  # whether skin folds are added; training/warp/folds.py trains them separately
    paint_threshold: float  # see PAINT_THRESHOLD
    paint_scale: int  # see PAINT_SCALE


TRAINING = Mode(False, False, False, False, 0.0, 1)
INFERENCE = Mode(True, True, True, True, PAINT_THRESHOLD, PAINT_SCALE)


class Encoding(NamedTuple):
    """Everything that `WarpGenerator.edit` needs of a photo."""

    photo: Tensor  # (B, 3, H, W) in [-1, 1]
    reading: Tensor  # (B, D): the expression read in the photo, from which changes are measured
    basis: Tensor  # (B, N, H, W): features of which every field is a linear combination
    shallow: Tensor  # (B, C, H/2, W/2), see `WarpGenerator.pyramid`
    deep: Tensor  # (B, C, H/4, W/4), see `WarpGenerator.deep`
    jaws: Tensor  # (B, 15): placement and color of the teeth, see `JawPlacement`
    face_distance: Tensor  # (B, 1, H, W): to the face's outline [face coordinates], inside negative
    window: Window  # the mouth window
    saturation: Tensor  # (B, 1, 1, 1), see `inpainting.saturation`
    # Only of generators with sides:
    across: Tensor | None = None  # (B, 1, H/4, W/4): position across the face, see `left_weight`
    left_weight: Tensor | None = None  # (B, 1, H, W) in [0, 1]: 1 on the person's left half
    depth: Tensor | None = None  # (B, 1, H/4, W/4) [face coordinates], see `head`
    # Only of generators with folds:
    fold_map: Tensor | None = None  # (B, 3, H/4, W/4), see `Folds.fold_map`
    detail: Tensor | None = None  # (1,): strength of folds; None is 1
    # Only at inference:
    visible_teeth: Tensor | None = None  # (B, 1, h, w), see `visible_teeth_mask`
    upper_teeth: Tensor | None = None  # (B, 4, 2h, 2w), see `Jaws.render_upper`
