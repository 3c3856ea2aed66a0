"""The objective of the `warp` generator: what pairs with known motion can teach it.

B batch · D axes · H x W pixels. See `losses` for the terms and `experiments` for their weights.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from moodganimation.networks.compositing import blend
from moodganimation.networks.warp import Encoding, Painting, WarpGenerator

from ..data.pairs import Batch
from ..ganimation import losses
from .critic import Critics, adversarial_terms
from .experiment import Weights

ACROSS = 0.5  # weight of a pixel across the face, in one of depth: half a face is about 64 wide
NEAR, FAR = 0.2, 0.5  # as far within the face, and outside it, as the rim has to be known


def generator_losses(
    generator: WarpGenerator, critics: Critics, batch: Batch, weights: Weights
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Named, weighted terms; and the composite (B, 3, H, W), or None while only fields learn."""
    encoding = generator.encode(batch.source)
    terms = {"reading": reading_loss(generator, encoding, batch)}
    encoding = generator.rebase(encoding, batch.before)  # change starts at the labels
    if weights.composite:
        painting = generator.paint(encoding, batch.after)
        composite = blend(painting.moved, painting.attention, painting.color)
        terms |= picture_losses(painting, composite, batch)
        if weights.realism:
            terms |= adversarial_terms(critics, composite, batch.after, batch.target)
        motion, light = painting.motion, painting.light
    else:
        composite = None
        motion, light = generator.motion(encoding, batch.after)
    terms |= field_losses(motion, light, encoding, batch)
    return {key: getattr(weights, key) * value for key, value in terms.items()}, composite


def reading_loss(generator: WarpGenerator, encoding: Encoding, batch: Batch) -> Tensor:
    """Error of the expressions that the generator reads in the sources and in further photos."""
    labels = torch.cat([batch.before, batch.labels])
    reading = torch.cat([encoding.reading, generator.read(batch.photos)])
    return losses.expression_error(reading, labels, 1 + 2 * labels)


def picture_losses(painting: Painting, composite: Tensor, batch: Batch) -> dict[str, Tensor]:
    """What the target picture says of the composite and of its parts."""
    _, _, moved, attention, color, inside = painting
    changed = (4 * (batch.source - batch.target).abs().mean(1, keepdim=True)).clamp(0, 1)
    weight, inner = batch.pictured * (1 + 3 * blur(changed)), batch.pictured * batch.inner
    # Attention opens in inner mouths, and only where moving the photo does not do.
    missing = (moved.detach() - batch.target).abs().mean(1, keepdim=True)
    opened = inner * (6 * blur(missing) - 0.3).clamp(0, 1)
    known = batch.pictured * (batch.known.amax((1, 2, 3), keepdim=True) > 0)
    closed = (1 - blur(opened)) * known
    return {
        "composite": losses.picture_error(composite, batch.target, weight),
        "moved": losses.picture_error(moved, batch.target, weight * (1 - inner)),
        "mouth": losses.masked_square(color, batch.target, inner),
        "color": losses.picture_error(color, batch.target, weight),
        "attention": losses.mask_error(attention, opened, closed),
        "inside": losses.mask_error(1 - inside, inner, known * (1 - inner)),
        "smoothness": losses.total_variation(attention),
    }


def field_losses(
    motion: Tensor, light: Tensor, encoding: Encoding, batch: Batch
) -> dict[str, Tensor]:
    """Errors of motion and light, of the places of the teeth and of the distance from the face."""
    side = batch.source.shape[-1]
    jaws = torch.where(batch.jaws.isnan(), encoding.jaws.detach(), batch.jaws)
    distance = batch.outside.clamp(-NEAR, FAR)
    distance = torch.where(distance.isnan(), encoding.face_distance.detach(), distance)
    relit = torch.where(batch.light.isnan(), light.detach(), batch.light)
    terms = {
        "flow": losses.flow_error(losses.pixels(motion), losses.pixels(batch.flow), batch.known),
        "jaws": losses.pixels_apart(encoding.jaws, jaws, side),
        "outside": losses.pixels_apart(encoding.face_distance, distance, side),
        "light": losses.flow_error(50 * light, 50 * relit, batch.known),
    }
    if encoding.depth is not None:
        terms |= geometry_losses(encoding, batch)
    return terms


def geometry_losses(encoding: Encoding, batch: Batch) -> dict[str, Tensor]:
    """Errors of the depth map and of where places lie across the face, on the encoding's grid."""
    side, terms = batch.source.shape[-1], {}
    for name, weight in (("depth", 1.0), ("across", ACROSS)):
        found, truth = getattr(encoding, name), getattr(batch, name)
        truth = F.interpolate(truth, size=found.shape[-2:], mode="area")
        truth = torch.where(truth.isnan(), found.detach(), truth)
        terms[name] = weight * losses.pixels_apart(found, truth, side)
    return terms


def blur(mask: Tensor) -> Tensor:
    return F.avg_pool2d(mask, 5, 1, 2)
