"""Critics of `warp`: is this mouth, are these eyes, of a photograph of that expression?

B batch · D axes · H x W pixels of a canonical crop, h x w patches.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ganimation import losses

# Where nearly all that is painted lies: top, bottom, left, right in 32nds of the crop's side.
REGIONS = {"mouth": (17, 29, 8, 24), "eyes": (8, 16, 4, 28)}


class Critics(nn.Module):
    """One critic a region: {region: PatchCritic}."""

    def __init__(self, width: int, axes: int):
        super().__init__()
        self.critics = nn.ModuleDict({name: PatchCritic(width, axes) for name in REGIONS})

    def regions(self, face: Tensor) -> list[tuple["PatchCritic", Tensor]]:
        """Each critic with what it looks at of (B, 3, H, W)."""
        side = face.shape[-1]
        boxes = {name: [n * side // 32 for n in box] for name, box in REGIONS.items()}
        return [
            (critic, face[:, :, top:bottom, left:right])
            for critic, (top, bottom, left, right) in zip(
                self.critics.values(), boxes.values(), strict=True
            )
        ]


class PatchCritic(nn.Module):
    """Isola et al. 2017, with the condition as in Miyato & Koyama 2018 (projection)."""

    def __init__(self, width: int, axes: int):
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

    def features(self, picture: Tensor) -> list[Tensor]:
        maps = []
        for layer in self.layers:
            picture = F.leaky_relu(layer(picture), 0.2)
            maps.append(picture)
        return maps

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """The last map of features, (B, D) -> (B, 1, h, w): high for photographs."""
        worn = self.expression(condition)[..., None, None] * features
        return self.realism(features) + worn.sum(1, keepdim=True) / features.shape[1] ** 0.5

    def forward(self, picture: Tensor, condition: Tensor) -> Tensor:
        return self.score(self.features(picture)[-1], condition)


def critic_loss(
    critics: Critics, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor], slope: float
) -> Tensor:
    """What critics minimise: photographs high, composites low; slope weighs R1, 0 leaves it out.

    real, fake: faces (B, 3, H, W) with their expressions (B, D).
    """
    total = real[0].new_zeros(())
    for (critic, photo), (_, made) in zip(
        critics.regions(real[0]), critics.regions(fake[0].detach()), strict=True
    ):
        photo = photo.detach().clone().requires_grad_(slope > 0)
        scores = critic(photo, real[1])
        total = total + losses.logistic(scores, critic(made, fake[1]))
        if slope:
            total = total + slope * losses.slope_at_real(scores, photo)
    return total


def adversarial_terms(critics: Critics, face: Tensor, condition: Tensor, target: Tensor) -> dict:
    """Terms that a generator minimises: to be taken for a photograph, and to look to the critics
    like its target (feature matching, Wang et al. 2018)."""
    realism = features = 0
    for (critic, seen), (_, wanted) in zip(
        critics.regions(face), critics.regions(target), strict=True
    ):
        maps = critic.features(seen)
        realism = realism + F.softplus(-critic.score(maps[-1], condition)).mean()
        with torch.no_grad():
            truth = critic.features(wanted)
        pairs = zip(maps, truth, strict=True)
        features = features + sum(F.l1_loss(a, b) for a, b in pairs) / len(maps)
    return {"realism": realism, "features": features}
