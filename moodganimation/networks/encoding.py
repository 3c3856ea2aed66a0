"""The modes of the `warp` generator, and its encoding of a photo.

B batch · D axes of the condition · N channels of the basis · C channels · H x W pixels of the crop
· h x w pixels of the mouth window
"""

from typing import NamedTuple

from torch import Tensor

from .inpainting import Window
from .teeth import JawPlacement

# Cells of painted layers per pixel of the crop, along a side: teeth need a finer grid.
PAINT_SCALE = 2
PAINT_THRESHOLD = 0.06  # paint of less opacity is left out, see `mouth.suppress_paint`


class Mode(NamedTuple):
    """What differs between training and inference, see `WarpGenerator.mode`.

    Training paints the whole crop, at its resolution, and leaves out the steps that would weaken or
    stop gradients, and the parts that are trained separately: folds and the refiner.
    """

    clamp_reading: bool  # whether readings are clamped to [0, 1]
    fade_motion: bool  # whether motion fades out beyond the face, see `motion_fields.fade_out`
    # Whether painting is limited to the mouth window. There, teeth that the photo shows are kept,
    # and the refiner paints, if there is one. Edits that neither open nor close the mouth skip the
    # painter, which training always runs for its gradients.
    mouth_only: bool
    folds: bool  # whether skin folds are added; training/warp/folds.py trains them separately
    paint_threshold: float  # see PAINT_THRESHOLD
    paint_scale: int  # see PAINT_SCALE


TRAINING = Mode(
    clamp_reading=False,
    fade_motion=False,
    mouth_only=False,
    folds=False,
    paint_threshold=0.0,
    paint_scale=1,
)
INFERENCE = Mode(
    clamp_reading=True,
    fade_motion=True,
    mouth_only=True,
    folds=True,
    paint_threshold=PAINT_THRESHOLD,
    paint_scale=PAINT_SCALE,
)


class Encoding(NamedTuple):
    """Everything that `WarpGenerator` computes from a photo alone."""

    photo: Tensor  # (B, 3, H, W) in [-1, 1]
    reading: Tensor  # (B, D): the expression at which the photo is unchanged
    basis: Tensor  # (B, N, H, W): features of which every motion field is a linear combination
    shallow_features: Tensor  # (B, C, H/2, W/2), see `WarpGenerator.pyramid`
    deep_features: Tensor  # (B, C, H/4, W/4), see `WarpGenerator.deep_features`
    jaw_numbers: Tensor  # (B, 15), see `jaw_placement`
    face_distance: Tensor  # (B, 1, H, W): to the face's outline [face coordinates], inside negative
    window: Window  # the mouth window; in training the whole crop
    saturation: Tensor  # (B, 1, 1, 1) in [0, 1], see `inpainting.saturation`
    # Only of generators with sides:
    lateral_position: Tensor | None = None  # (B, 1, H/4, W/4), see `head.left_weight`; for losses
    left_weight: Tensor | None = None  # (B, 1, H, W) in [0, 1]: 1 on the person's left half
    depth: Tensor | None = None  # (B, 1, H/4, W/4) [face coordinates], see `head`
    # Only of generators with folds; others ignore `detail`:
    fold_map: Tensor | None = None  # (B, 3, H/4, W/4), see `Folds.fold_map`
    detail: Tensor | None = None  # (1,): factor on the folds, see `Generator.with_detail`
    # Only at inference:
    visible_teeth_mask: Tensor | None = None  # (B, 1, h, w), see `inpainting.visible_teeth_mask`
    upper_teeth: Tensor | None = None  # (B, 4, 2h, 2w): picture, see `Jaws.render_upper`

    @property
    def jaw_placement(self) -> JawPlacement:
        """Where the teeth are, and their color."""
        return JawPlacement.of(self.jaw_numbers)
