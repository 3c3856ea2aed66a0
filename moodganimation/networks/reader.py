"""Readers: networks that regress the expression of a face from features of its crop.

B batch · D axes · C channels · H x W pixels of the crop
"""

from torch import Tensor, nn

from .base import conv_bn_relu

EYE_BOX = (0.24, 0.50, 0.16, 0.84)  # top, bottom, left, right, around both eyes [crop sides]


class FaceReader(nn.Sequential):
    """From the coarsest features (B, C, H/16, W/16) to the expression (B, D): a 1 x 1 convolution,
    then one linear layer over all cells."""

    def __init__(self, inputs: int, channels: int, cells: int, axes: int):
        """inputs: C; cells: along each side of the features."""
        super().__init__(
            nn.Conv2d(inputs, channels, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(channels * cells**2, axes),
        )


class EyeReader(nn.Module):
    """From features (B, C, H/2, W/2) to a correction (B, D) of the reading, to be added to it; 0
    before training.

    It uses the features around the eyes only. Irises and lids move by two or three pixels of the
    crop, much less than a cell of the features that `FaceReader` takes.
    """

    def __init__(self, inputs: int, channels: int, hidden: int, image_size: int, axes: int):
        """inputs: C; image_size: side of the crop [px]."""
        super().__init__()
        top, bottom, left, right = (round(image_size // 2 * edge) for edge in EYE_BOX)
        self.rows, self.columns = slice(top, bottom), slice(left, right)
        cells = -(-(bottom - top) // 2) * -(-(right - left) // 2)  # after stride 2, rounded up
        self.main = nn.Sequential(
            conv_bn_relu(inputs, channels),
            conv_bn_relu(channels, channels, stride=2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(channels * cells, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, axes),
        )
        nn.init.zeros_(self.main[-1].weight)
        nn.init.zeros_(self.main[-1].bias)

    def forward(self, features: Tensor) -> Tensor:
        return self.main(features[:, :, self.rows, self.columns])
