"""The only loop over time: one edit per condition, in training and on the page alike.

B batch · T frames · D axes · H x W pixels.
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from .base import Generator, State
from .compositing import Edit, repaint

Feed = Literal["portrait", "generated", "truth"]  # which picture the next step starts from


def rollout(
    generator: Generator,
    portrait: Tensor,
    conditions: Tensor,
    feed: Feed = "portrait",
    truth: Tensor | None = None,
    state: State | None = None,
    encoding=None,
) -> Iterator[Edit]:
    """Animate portrait (B, 3, H, W) along conditions (B, T, D).

    encoding: what the generator's `encode` made of the portrait, if that is known already.

    portrait: every step starts from the still photo. generated: from the last composite, which the
    network sees with its gradient while the new composite is built on it without (for networks that
    repaint, not for one that moves the photo). truth: from the
    filmed frame truth[:, t - 1], (B, T, 3, H, W), which is teacher forcing.
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
    """Edits of T frames as one with (B, T, ...) fields; of generators that do not turn heads."""
    fields = zip(*(edit[:5] for edit in edits), strict=True)
    return Edit(*(torch.stack(parts, 1) for parts in fields))
