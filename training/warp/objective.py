"""The objective of the `warp` generator: what pairs with known motion can teach it.

B batch · D axes · H x W pixels. See `losses` for the terms and `experiments` for their weights.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from moodganimation.compositing import move
from moodganimation.warp import WarpGenerator

from .. import losses
from ..data.pairs import Batch
from .experiment import Weights


class PatchCritic(nn.Module):
    """Realism of patches of a face, (B, 3, H, W) -> (B, 1, h, w); Miyato et al. 2018 norm."""

    def __init__(self, width: int):
        super().__init__()
        channels, layers = 3, []
        for n in (width, 2 * width, 4 * width, 4 * width):
            layers += [spectral_norm(nn.Conv2d(channels, n, 4, 2, 1)), nn.LeakyReLU(0.2)]
            channels = n
        self.main = nn.Sequential(*layers, spectral_norm(nn.Conv2d(channels, 1, 3, 1, 1)))

    def forward(self, picture: Tensor) -> Tensor:
        return self.main(picture)


def generator_losses(
    generator: WarpGenerator, critic: nn.Module, batch: Batch, weights: Weights
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Named, weighted terms; and the composite (B, 3, H, W), or None while only fields learn."""
    encoding = generator.encode(batch.source)
    labels = torch.cat([batch.before, batch.labels])
    reading = torch.cat([encoding.reading, generator.read(batch.photos)])
    terms = {"reading": losses.expression_error(reading, labels, 1 + 2 * labels)}
    encoding = encoding._replace(reading=batch.before)  # change starts at the labels, not at itself

    if not weights.composite:
        motion = generator.motion(encoding, batch.after)[0]
        composite = None
    else:
        edit, _ = generator.edit(encoding, batch.after)
        motion, composite = edit.motion, edit.composite
        moved = move(batch.source, motion)
        changed = (4 * (batch.source - batch.target).abs().mean(1, keepdim=True)).clamp(0, 1)
        weight = 1 + 3 * blur(changed)
        # Attention opens in inner mouths, and only where moving the photo does not do.
        missing = (moved.detach() - batch.target).abs().mean(1, keepdim=True)
        opened = batch.inner * (6 * blur(missing) - 0.3).clamp(0, 1)
        closed = (1 - blur(opened)) * (batch.known.amax((1, 2, 3), keepdim=True) > 0)
        terms |= {
            "composite": losses.picture_error(composite, batch.target, weight),
            "moved": losses.picture_error(moved, batch.target, weight * (1 - batch.inner)),
            "mouth": losses.masked_square(edit.color, batch.target, batch.inner),
            "color": losses.picture_error(edit.color, batch.target, weight),
            "attention": losses.mask_error(edit.attention, opened, closed),
            "smoothness": losses.total_variation(edit.attention),
        }
        if weights.realism:
            terms["realism"] = -critic(mouth(composite)).mean()
    terms["flow"] = losses.flow_error(losses.pixels(motion), losses.pixels(batch.flow), batch.known)
    return {key: getattr(weights, key) * value for key, value in terms.items()}, composite


def critic_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return losses.hinge(critic(mouth(real)), critic(mouth(fake.detach())))


def mouth(face: Tensor) -> Tensor:
    """Where nearly all that is painted lies in the canonical crop, (B, 3, 3/8 H, 1/2 W)."""
    height, width = face.shape[2:]
    return face[:, :, height * 17 // 32 : height * 29 // 32, width // 4 : width * 3 // 4]


def blur(mask: Tensor) -> Tensor:
    return F.avg_pool2d(mask, 5, 1, 2)
