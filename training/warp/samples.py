"""Sample sheets: what a generator does to faces it is not trained on at that moment."""

from pathlib import Path

import numpy as np
import torch
from torchvision.utils import save_image

from moodganimation.networks.compositing import resize

from ..data.pairs import Pairs, collate


@torch.no_grad()
def sample_sheet(generator, data: Pairs, path: Path, rows: int = 10) -> None:
    """Columns: source, target, composite, attention, color, motion. Fixed pairs of the data."""
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(data.rows))[:rows]
    batch = collate([data.pair(i) for i in chosen], [data.photo(0)])
    was_training = generator.training
    generator.eval()
    device = next(generator.parameters()).device
    source = batch.source.to(device)
    encoding = generator.rebase(generator.encode(source), batch.before.to(device))
    edit, _ = generator.edit(encoding, batch.after.to(device))
    generator.train(was_training)
    speed = edit.motion.norm(dim=1, keepdim=True).mul(12).clamp(0, 1) * 2 - 1
    columns = [
        batch.source,
        batch.target,
        edit.composite,
        2 * edit.attention - 1,
        edit.color,
        speed,
    ]
    wide = [resize(x.float().cpu(), source.shape[-2:]).expand(-1, 3, -1, -1) for x in columns]
    rows_first = torch.stack(wide, 1).flatten(0, 1).clamp(-1, 1)
    save_image(rows_first, path, nrow=len(columns), padding=1, normalize=True, value_range=(-1, 1))
