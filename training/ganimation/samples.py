"""Sample sheets: what a generator does to fixed faces that it does not train on."""

from pathlib import Path

import torch
from torch.nn import Module
from torchvision.utils import save_image

from moodganimation.networks.rollout import Feed

from ..data.batches import Draw, Samples, draw_batch
from .objectives import generate


class Fixed:
    """The same few faces or clips of a split, for all sheets of a run."""

    def __init__(self, samples: Samples, rows: int = 8, measured: int = 32):
        self.samples, self.rows = samples, rows
        self.measured = min(measured, len(samples))

    @torch.no_grad()
    def draw(self, generator: Module, path: Path, size: int, feed: Feed) -> dict[str, float]:
        """Write a sheet: source, then composite, attention and color of the last frame; before them
        further composites of clips, behind them the filmed frame.

        Returns mean absolute errors to filmed frames, on [-1, 1] and weighted by how much they
        differ from the photo: of the result, and of copying the photo.
        """
        like = next(generator.parameters())
        batch = draw_batch(self.samples, 0, Draw(0, size, self.measured)).to(
            like.device, like.dtype
        )
        edit = generate(generator, batch, feed)
        columns = [batch.frames[:, 0], *edit.composite.unbind(1)]
        columns += [2 * edit.attention[:, -1] - 1, edit.color[:, -1]]
        values = {}
        if batch.truth is not None:
            columns.append(batch.truth[:, -1])
            copy = batch.frames[:, :1].expand_as(batch.truth)
            differs = (copy - batch.truth).abs().mean(2, keepdim=True).clamp(0.02) - 0.02
            for name, picture in (("val.result", edit.composite), ("val.copy", copy)):
                error = (picture - batch.truth).abs().mean(2, keepdim=True)
                values[name] = float((differs * error).sum() / differs.sum().clamp(1e-6))
        wide = [x[: self.rows].float().cpu().expand(-1, 3, -1, -1) for x in columns]
        cells = torch.stack(wide, 1).flatten(0, 1).clamp(-1, 1)
        save_image(cells, path, nrow=len(columns), padding=1, normalize=True, value_range=(-1, 1))
        return values
