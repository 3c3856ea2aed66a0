"""The painted mouth of `warp`: its layers, which the painter (`inpainting`) paints in the mouth
window, and three steps that change them in turn.

The last step adds rendered teeth. At inference with a refiner it is left out, and the refiner
paints all of the mouth but the teeth that the photo shows.

B batch · H x W pixels of the crop · h x w pixels of the mouth window · h' x w' cells of the window
on the finer grid of rendered teeth, see `encoding.PAINT_SCALE`
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .compositing import backward_warp, blend, resize
from .inpainting import Window
from .teeth import lip_shading


class MouthLayers(NamedTuple):
    """What is painted in the mouth window."""

    opacity: Tensor  # (B, 1, h, w) in [0, 1]: 1 - attention
    color: Tensor  # (B, 3, h, w) in [-1, 1]
    mouth_mask: Tensor  # (B, 1, h, w) in [0, 1]: where the inside of the mouth shows
    # (B, 1, h, w) in [0, 1]: where rendered teeth may show, the mouth mask without the teeth of the
    # photo; no gradient flows through it.
    rendered_teeth_mask: Tensor


class Rendering(NamedTuple):
    """The warped photo and the painted mouth, the result of `WarpGenerator.render`."""

    motion: Tensor  # (B, 2, H, W): backward flow [face coordinates]
    light: Tensor  # (B, 1, H, W): relative change of brightness
    warped: Tensor  # (B, 3, H, W): the photo, warped and relit
    attention: Tensor  # (B, 1, h', w') in [0, 1]
    color: Tensor  # (B, 3, h', w') in [-1, 1]
    mouth_mask: Tensor  # (B, 1, h, w) in [0, 1]: where the inside of the mouth shows


def suppress_paint(mouth: MouthLayers, threshold: float, amount: Tensor) -> MouthLayers:
    """Lower the opacity by the threshold in [0, 1), since faint paint would only blur the photo,
    stretch the rest to [0, 1], and multiply it by `amount` (B, 1, 1, 1) in [0, 1]."""
    opacity = ((mouth.opacity - threshold) / (1 - threshold)).clamp(min=0)
    return mouth._replace(opacity=amount * opacity)


def keep_visible_teeth(
    mouth: MouthLayers, visible_teeth_mask: Tensor, window: Window, motion: Tensor, light: Tensor
) -> tuple[MouthLayers, Tensor, Tensor]:
    """Keep the teeth that the photo shows from being painted over.

    Where the painter would paint, they are not relit, and of the motion only what leads sideways or
    up moves them: their upper ends follow the upper lip, so that no gap opens below it, and their
    lower ends stay when the lower lip falls. Elsewhere they move like everything else.

    visible_teeth_mask: (B, 1, h, w), see `inpainting.visible_teeth_mask`; motion, light: as in
    `Rendering`. Returns the changed mouth, motion and light.
    """
    x, y = window.crop(motion).split(1, 1)
    lifting = torch.cat([x, y.clamp(min=0)], 1)  # a backward flow: it leads down where teeth rise
    teeth = mouth.mouth_mask * warp_window_field(visible_teeth_mask, window, lifting)
    kept = teeth * mouth.opacity
    motion = window.insert(blend(lifting, kept, window.crop(motion)), motion)
    light = window.insert(window.crop(light) * (1 - kept), light)
    opacity, rendered = mouth.opacity * (1 - teeth), mouth.rendered_teeth_mask * (1 - teeth)
    return mouth._replace(opacity=opacity, rendered_teeth_mask=rendered), motion, light


def warp_window_field(field: Tensor, window: Window, motion: Tensor) -> Tensor:
    """Warp a field (B, C, h, w) over the window, 0 beyond it, by a backward flow (B, 2, h, w) [face
    coordinates]."""
    whole = field.new_zeros(len(field), field.shape[1], *(2 * [window.crop_size]))
    centers = window.cell_centers(window.crop_size, motion)
    return backward_warp(window.insert(field, whole), motion, centers)


def add_rendered_teeth(
    mouth: MouthLayers, teeth: Tensor, white: Tensor, saturation: Tensor
) -> tuple[Tensor, Tensor]:
    """Draw rendered teeth over the mouth: attention (B, 1, h', w') and color (B, 3, h', w').

    teeth: (B, 4, h', w'), see `Jaws.render_teeth`; white: (B, 3) in [0, 1], the color of white
    teeth; saturation: (B, 1, 1, 1) in [0, 1], of the photo.
    """
    mask = mouth.rendered_teeth_mask
    shaded_mask = mask * lip_shading(mask)
    layers = torch.cat([mouth.opacity, mouth.color, mask, shaded_mask], 1)
    opacity, color, mask, shaded_mask = resize(layers, teeth.shape[-2:]).split([1, 3, 1, 1], 1)
    teeth, alpha = teeth.split([3, 1], 1)
    teeth = teeth * white[..., None, None]
    teeth = blend(teeth, saturation, teeth.mean(1, keepdim=True))
    # Teeth are in [0, 1], times alpha; colors are in [-1, 1].
    color = (color + 1) * (1 - mask * alpha) + 2 * shaded_mask * teeth - 1
    return 1 - opacity.clamp(0, 1), color.clamp(-1, 1)
