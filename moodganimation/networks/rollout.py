"""The loop over the frames of a clip: one edit per condition, in training and in use.

B batch · T frames · D axes · H x W pixels
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from .base import Generator, State
from .compositing import Edit, repaint

Feed = Literal["portrait", "generated", "truth"]  # the source of each frame, see `rollout`


def rollout(
    generator: Generator,
    portrait: Tensor,
    conditions: Tensor,
    feed: Feed = "portrait",
    truth: Tensor | None = None,
    state: State | None = None,
    encoding=None,
) -> Iterator[Edit]:
    """Yield the edits of a portrait (B, 3, H, W) along conditions (B, T, D), frame by frame.

    feed: the source of every frame. "portrait": the portrait. "generated": the composite of the
    frame before; its gradient reaches the generator through the network's input, but not through
    the picture that is blended (for generators that do not warp). "truth": the filmed frame before,
    truth[:, t - 1], which is teacher forcing. The first frame always starts from the portrait.

    truth: (B, T, 3, H, W); state: of the frame before the first; encoding: of the portrait, if it
    is known already.
    """
    frame = portrait
    for t, condition in enumerate(conditions.unbind(1)):
        if frame is portrait and encoding is not None:
            edit, state = generator.edit(encoding, condition, state)
        else:
            edit, state = generator(frame, condition, state)
        if frame.requires_grad and feed == "generated":
            edit = repaint(frame.detach(), edit.attention, edit.color)
        yield edit
        match feed:
            case "generated":
                frame = edit.composite
            case "truth":
                frame = truth[:, t]


def stack(edits: Iterator[Edit]) -> Edit:
    """Stack the edits of T frames into one with fields (B, T, ...). Head motion is left out."""
    fields = zip(*(edit[:5] for edit in edits), strict=True)
    return Edit(*(torch.stack(parts, 1) for parts in fields))
