"""Sample sheets: a generator's edits of fixed training pairs."""

from pathlib import Path

import numpy as np
import torch
from torchvision.utils import save_image

from moodganimation.networks.compositing import resize
from moodganimation.networks.warp import WarpGenerator

from ..data.pair_batches import collate
from ..data.pairs import Pairs

MAX_MOTION = 1 / 12  # length that is shown white [halves of the side]


@torch.no_grad()
def write_sample_sheet(generator: WarpGenerator, data: Pairs, path: Path, rows: int = 10) -> None:
    """Write a sheet, a pair per row: source, target, composite, attention, color, length of motion.

    rows: number of pairs, the same for all sheets of a run.
    """
    rng = np.random.default_rng(0)
    indices = rng.permutation(len(data.rows))[:rows]
    batch = collate([data.pair(i) for i in indices], [data.photo(0)])  # the photo is not used
    was_training = generator.training
    generator.eval()
    device = next(generator.parameters()).device
    source = batch.source.to(device)
    encoding = generator.with_reading(generator.encode(source), batch.before.to(device))
    edit, _ = generator.edit(encoding, batch.after.to(device))
    generator.train(was_training)
    motion_length = edit.motion.norm(dim=1, keepdim=True).div(MAX_MOTION).clamp(0, 1)
    columns = [
        batch.source,
        batch.target,
        edit.composite,
        2 * edit.attention - 1,
        edit.color,
        2 * motion_length - 1,
    ]
    columns = [resize(x.float().cpu(), source.shape[-2:]).expand(-1, 3, -1, -1) for x in columns]
    cells = torch.stack(columns, 1).flatten(0, 1).clamp(-1, 1)  # row by row
    save_image(cells, path, nrow=len(columns), padding=1, normalize=True, value_range=(-1, 1))
