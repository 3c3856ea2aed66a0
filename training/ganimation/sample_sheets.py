"""Sample sheets: edits of the same faces during a run, held-out ones if there are any."""

from pathlib import Path

import torch
from torch.nn import Module
from torchvision.utils import save_image

from moodganimation.networks.rollout import Feed

from ..data.batches import BatchSpec, Samples, draw_batch
from .objectives import generate

MIN_DIFFERENCE = 0.02  # of true frame and photo, on [-1, 1]; smaller ones have no weight


class SampleSheets:
    """The same few faces or clips, for all sheets of a run."""

    def __init__(self, samples: Samples, rows: int = 8, measured: int = 32):
        """rows: faces on a sheet; measured: faces or clips over which errors are averaged."""
        self.samples, self.rows = samples, rows
        self.batch_size = min(measured, len(samples))

    @torch.no_grad()
    def write(self, generator: Module, path: Path, size: int, feed: Feed) -> dict[str, float]:
        """Write a sheet of faces of `size` pixels; return the errors of clips, empty for photos.

        Columns: source; composites of all generated frames; attention and color of the last one;
        and its true frame, if there is one. Errors are mean absolute differences to the true
        frames on [-1, 1], weighted by how much these differ from the photo: "val.result" of the
        generator, "val.copy" of the unedited photo.
        """
        parameter = next(generator.parameters())
        batch = draw_batch(self.samples, 0, BatchSpec(0, size, self.batch_size))
        batch = batch.to(parameter.device, parameter.dtype)
        edit = generate(generator, batch, feed)
        columns = [batch.frames[:, 0], *edit.composite.unbind(1)]
        columns += [2 * edit.attention[:, -1] - 1, edit.color[:, -1]]
        values = {}
        if batch.truth is not None:
            columns.append(batch.truth[:, -1])
            unedited = batch.frames[:, :1].expand_as(batch.truth)
            difference = (unedited - batch.truth).abs().mean(2, keepdim=True)
            weight = difference.clamp(MIN_DIFFERENCE) - MIN_DIFFERENCE
            for name, picture in (("val.result", edit.composite), ("val.copy", unedited)):
                error = (picture - batch.truth).abs().mean(2, keepdim=True)
                values[name] = float((weight * error).sum() / weight.sum().clamp(1e-6))
        columns = [x[: self.rows].float().cpu().expand(-1, 3, -1, -1) for x in columns]
        cells = torch.stack(columns, 1).flatten(0, 1).clamp(-1, 1)  # row by row
        save_image(cells, path, nrow=len(columns), padding=1, normalize=True, value_range=(-1, 1))
        return values
