"""Critics of `warp`: conditional PatchGANs on the regions of the mouth and of the eyes.

B batch · D axes · H x W pixels of a canonical crop · h x w patches
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import losses

# Top, bottom, left, right in 32nds of the crop's side. The mouth is painted; around the eyes motion
# and light are judged.
REGIONS = {"mouth": (17, 29, 8, 24), "eyes": (8, 16, 4, 28)}


class Critics(nn.Module):
    """One `PatchCritic` per region; width and axes: see there."""

    def __init__(self, width: int, axes: int):
        super().__init__()
        self.critics = nn.ModuleDict({name: PatchCritic(width, axes) for name in REGIONS})

    def regions(self, face: Tensor) -> list[tuple["PatchCritic", Tensor]]:
        """Return each critic with its region of faces (B, 3, H, W)."""
        side = face.shape[-1]
        boxes = {name: [n * side // 32 for n in box] for name, box in REGIONS.items()}
        return [
            (critic, face[:, :, top:bottom, left:right])
            for critic, (top, bottom, left, right) in zip(
                self.critics.values(), boxes.values(), strict=True
            )
        ]


class PatchCritic(nn.Module):
    """A PatchGAN (Isola et al. 2017) with a projected condition (Miyato & Koyama 2018)."""

    def __init__(self, width: int, axes: int):
        """width: channels of the first layer; axes: D."""
        super().__init__()
        n = width
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(3, n, 4, 2, 1),
                nn.Conv2d(n, 2 * n, 4, 2, 1),
                nn.Conv2d(2 * n, 4 * n, 4, 2, 1),
                nn.Conv2d(4 * n, 4 * n, 3, 1, 1),
            ]
        )
        self.realism = nn.Conv2d(4 * n, 1, 3, 1, 1)
        self.expression = nn.Linear(axes, 4 * n)

    def feature_maps(self, picture: Tensor) -> list[Tensor]:
        """Return the feature maps of all layers."""
        x, maps = picture, []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            maps.append(x)
        return maps

    def score(self, last_map: Tensor, condition: Tensor) -> Tensor:
        """Score the last feature map with a condition (B, D).

        Returns (B, 1, h, w), high for real faces that show the condition.
        """
        projection = self.expression(condition)[..., None, None] * last_map
        # The root keeps the size of the sum independent of the number of channels.
        projection = projection.sum(1, keepdim=True) / last_map.shape[1] ** 0.5
        return self.realism(last_map) + projection

    def forward(self, picture: Tensor, condition: Tensor) -> Tensor:
        return self.score(self.feature_maps(picture)[-1], condition)


def critic_loss(
    critics: Critics, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor], r1_weight: float
) -> Tensor:
    """The critics' logistic loss plus R1, summed over the regions.

    real, fake: faces (B, 3, H, W) with their expressions (B, D); real are labelled photos, half of
    them degraded; in FACS, target pictures of pairs take the place of about half of them.
    r1_weight: half of R1's gamma; 0 switches R1 off.
    """
    total = real[0].new_zeros(())
    for (critic, photo), (_, composite) in zip(
        critics.regions(real[0]), critics.regions(fake[0].detach()), strict=True
    ):
        photo = photo.detach().clone().requires_grad_(r1_weight > 0)
        scores = critic(photo, real[1])
        total = total + losses.logistic_loss(scores, critic(composite, fake[1]))
        if r1_weight:
            total = total + r1_weight * losses.r1_penalty(scores, photo)
    return total


def adversarial_terms(critics: Critics, face: Tensor, condition: Tensor, target: Tensor) -> dict:
    """The generator's adversarial terms, summed over the regions.

    "realism" is the non-saturating loss (Goodfellow et al. 2014); "features" is feature matching
    with the target (Wang et al. 2018). face, target: (B, 3, H, W); condition: (B, D).
    """
    realism = features = 0
    for (critic, face_region), (_, target_region) in zip(
        critics.regions(face), critics.regions(target), strict=True
    ):
        maps = critic.feature_maps(face_region)
        realism = realism + F.softplus(-critic.score(maps[-1], condition)).mean()
        with torch.no_grad():
            truth = critic.feature_maps(target_region)
        pairs = zip(maps, truth, strict=True)
        features = features + sum(F.l1_loss(a, b) for a, b in pairs) / len(maps)
    return {"realism": realism, "features": features}
