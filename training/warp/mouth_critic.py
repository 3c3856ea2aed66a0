"""The critic of the mouth refiner.

B windows · h x w pixels of a window
"""

import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2  # slope of the leaky ReLUs below 0


class MouthCritic(nn.Module):
    """A PatchGAN (Isola et al. 2017) with two heads, whose patches are 54 and 22 pixels wide.

    Its input is the color ratios (B, 3, h, w) of a mouth and the skin around it, see
    `mouth_batches.ratios_of`. The hole is not an input: holes of edits have other shapes than those
    of photographed mouths, by which the critic would recognize them.
    """

    cell = 8  # pixels a side that share a score

    def __init__(self, width: int = 32):
        """width: channels of the first layer."""
        super().__init__()
        n = width
        shapes = [(3, n, 2), (n, 2 * n, 2), (2 * n, 4 * n, 2), (4 * n, 4 * n, 1)]
        self.layers = nn.ModuleList(nn.Conv2d(i, o, 2 + s, s, 1) for i, o, s in shapes)
        self.realism = nn.Conv2d(4 * n, 1, 3, 1, 1)
        self.texture = nn.Conv2d(4 * n, 1, 1)
        for layer in (*self.layers, self.realism, self.texture):
            nn.init.kaiming_normal_(layer.weight, LEAK)
            nn.init.zeros_(layer.bias)

    def forward(self, ratios: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return the scores of both heads, (B, 1, h/8, w/8) each, high for photographs, and the
        feature maps of all layers."""
        x, maps = ratios - 1, []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), LEAK)
            maps.append(x)
        return self.realism(x), self.texture(maps[2]), maps
