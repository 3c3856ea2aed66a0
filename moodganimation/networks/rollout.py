"""The loop over the frames of a clip, one edit per condition, for training and inference.

B batch · T frames · D axes · H x W pixels
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from .base import Generator, State
from .compositing import Edit, compose_unwarped

Feed = Literal["portrait", "generated", "truth"]  # what each frame starts from, see `rollout`


def rollout(
    generator: Generator,
    source: Tensor,
    conditions: Tensor,
    feed: Feed = "portrait",
    truth: Tensor | None = None,
    state: State | None = None,
    encoding=None,
) -> Iterator[Edit]:
    """Yield the edits of a source (B, 3, H, W) along conditions (B, T, D), frame by frame.

    The first frame starts from `source`. feed: what the others start from. "portrait": also
    `source`. "generated", only for generators that repaint: the composite of the frame before;
    gradients flow back to it through the network's input, but not through the picture that is
    blended with the color. "truth": the true frame before, truth[:, t - 1] (teacher forcing).

    truth: (B, T, 3, H, W), only for the feed "truth"; state: of the frame before the first;
    encoding: of `source`, if it is known already.
    """
    frame = source
    for t, condition in enumerate(conditions.unbind(1)):
        if frame is source and encoding is not None:
            edit, state = generator.edit(encoding, condition, state)
        else:
            edit, state = generator(frame, condition, state)
        if frame.requires_grad and feed == "generated":
            edit = compose_unwarped(frame.detach(), edit.attention, edit.color)
        yield edit
        match feed:
            case "generated":
                frame = edit.composite
            case "truth":
                frame = truth[:, t]


def stack_edits(edits: Iterator[Edit]) -> Edit:
    """Stack the edits of T frames by a generator that repaints into one whose fields are (B, T,
    ...), without head motion. Other generators' fields may differ in size from frame to frame."""
    fields = zip(*(edit[:-1] for edit in edits), strict=True)  # head_motion is the last field
    return Edit(*(torch.stack(frames, 1) for frames in fields))
