"""Readers: networks that regress the expression of a face from features of its crop.

B batch · D axes · C channels · H x W pixels of the crop
"""

from torch import Tensor, nn

from .base import conv_bn_relu

EYES = (0.24, 0.50, 0.16, 0.84)  # top, bottom, left, right of both eyes, as fractions of the crop


class FaceReader(nn.Sequential):
    """The expression (B, D) from the coarsest features (B, C, H/16, W/16): a 1 x 1 convolution,
    then one linear layer over all cells."""

    def __init__(self, inputs: int, channels: int, cells: int, axes: int):
        """cells: along each side of the features."""
        super().__init__(
            nn.Conv2d(inputs, channels, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(channels * cells**2, axes),
        )


class EyeReader(nn.Module):
    """A correction (B, D), to be added to the reading, from features (B, C, H/2, W/2) around the
    eyes; 0 before training.

    Irises and lids move by two or three pixels of the crop, less than a cell of the features that
    the `FaceReader` sees.
    """

    def __init__(self, inputs: int, channels: int, hidden: int, size: int, axes: int):
        """size: pixels along each side of the crop."""
        super().__init__()
        top, bottom, left, right = (round(size // 2 * fraction) for fraction in EYES)
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
