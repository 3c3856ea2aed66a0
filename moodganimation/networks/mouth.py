"""The painted mouth of `warp`: the layers in the mouth window, and the steps that change them.

The painter paints them first (`inpainting`); a refiner may take the place of the last step.

B batch · H x W pixels of the crop · h x w pixels of the mouth window · h' x w' cells of painted
layers in it
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .compositing import blend, resize
from .inpainting import Window
from .teeth import lip_shading


class MouthLayers(NamedTuple):
    """What is painted in the mouth window."""

    opacity: Tensor  # (B, 1, h, w) in [0, 1]: 1 - attention
    color: Tensor  # (B, 3, h, w) in [-1, 1]
    inside: Tensor  # (B, 1, h, w) in [0, 1]: where the mouth is open
    cavity: Tensor  # (B, 1, h, w) in [0, 1]: where rendered teeth may show; without gradient


class Rendering(NamedTuple):
    """The warped photo and the painted mouth, the result of `WarpGenerator.render`."""

    motion: Tensor  # (B, 2, H, W): backward flow [face coordinates]
    light: Tensor  # (B, 1, H, W): relative change of brightness
    warped: Tensor  # (B, 3, H, W): the photo, warped and relit
    attention: Tensor  # (B, 1, h', w') in [0, 1]
    color: Tensor  # (B, 3, h', w') in [-1, 1]
    inside: Tensor  # (B, 1, h, w) in [0, 1]: where the mouth is open


def suppress_paint(mouth: MouthLayers, threshold: float, amount: Tensor) -> MouthLayers:
    """Remove paint fainter than the threshold, which would only blur the photo, and scale the rest
    by `amount` (B, 1, 1, 1)."""
    opacity = ((mouth.opacity - threshold) / (1 - threshold)).clamp(min=0)
    return mouth._replace(opacity=amount * opacity)


def keep_visible_teeth(
    mouth: MouthLayers,
    photo: Tensor,
    visible_teeth: Tensor,
    window: Window,
    motion: Tensor,
    light: Tensor,
) -> tuple[MouthLayers, Tensor, Tensor]:
    """Keep the teeth that the photo shows: neither moved nor painted.

    photo (B, 3, H, W), not warped; visible_teeth (B, 1, h, w), see `visible_teeth_mask`; returns
    the mouth, motion and light.
    """
    teeth = visible_teeth * mouth.inside
    factor = 1 - teeth * mouth.opacity
    motion = window.insert(window.crop(motion) * factor, motion)
    light = window.insert(window.crop(light) * factor, light)
    color = blend(window.crop(photo), teeth, mouth.color)
    opacity, cavity = mouth.opacity * (1 - teeth), mouth.cavity * (1 - teeth)
    return MouthLayers(opacity, color, mouth.inside, cavity), motion, light


def add_rendered_teeth(
    mouth: MouthLayers, teeth: Tensor, white: Tensor, saturation: Tensor
) -> tuple[Tensor, Tensor]:
    """Attention (B, 1, h', w') and color (B, 3, h', w') of the mouth with rendered teeth.

    teeth: (B, 4, h', w'), see `Jaws.render_teeth`; white: (B, 3) in [0, 1], the color of white
    teeth; saturation: (B, 1, 1, 1), of the photo.
    """
    shading = mouth.cavity * lip_shading(mouth.cavity)
    layers = torch.cat([mouth.opacity, mouth.color, mouth.cavity, shading], 1)
    opacity, color, cavity, shading = resize(layers, teeth.shape[-2:]).split([1, 3, 1, 1], 1)
    teeth, alpha = teeth.split([3, 1], 1)
    teeth = teeth * white[..., None, None]
    teeth = blend(teeth, saturation, teeth.mean(1, keepdim=True))
    color = (color + 1) * (1 - cavity * alpha) + 2 * shading * teeth - 1
    return 1 - opacity.clamp(0, 1), color.clamp(-1, 1)
