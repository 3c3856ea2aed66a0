"""One frame of an edit: what the network said of the face, and the pictures people see of it."""

import dataclasses
from functools import cached_property

import numpy as np
import torch

from .errors import Problem, Unwritable
from .faces.portrait import Portrait
from .media import figures
from .networks.compositing import Edit

VIEWS = ("face", "photo")
SIZES = (64, 4096)  # of a view's longer side [px]


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """One edited photo; its pictures, (H, W, 3) uint8, are computed when they are first read."""

    portrait: Portrait
    edit: Edit  # the network's; batch of one, on the CPU
    whole: Edit | None = None  # of the photo, where `edit` starts from a face edited before

    @cached_property
    def image(self) -> np.ndarray:
        """The photo, edited, at its own size; outside `portrait.box`, or that of
        `portrait.surroundings` where the head turns, it is the photo."""
        edit = self.edit if self.whole is None else self.whole
        attention, color, motion, light = (x[0].float().numpy() for x in edit[1:5])
        if not (attention < 1).any() and not motion.any() and not light.any():
            return self.portrait.photo.copy()
        color, motion = color.transpose(1, 2, 0), motion.transpose(1, 2, 0)
        turn = None if edit.turn is None else edit.turn[0].float().numpy().transpose(1, 2, 0)
        return self.portrait.paste(attention[0], color, motion, light[0], turn)

    @cached_property
    def face(self) -> np.ndarray:
        """The face crop of `image`."""
        return self.portrait.face(figures.PANEL, self.image)

    @cached_property
    def attention(self) -> np.ndarray:
        """White: the photo's own (moved) pixels are kept. Black: painted."""
        return _picture(2 * self.edit.attention - 1, figures.PANEL)

    @cached_property
    def color(self) -> np.ndarray:
        """What the network would paint everywhere; it shows only where attention is dark."""
        return _picture(self.edit.color, figures.PANEL)

    @cached_property
    def motion(self) -> np.ndarray:
        """Where the photo's pixels went, as arrows on the photo's face."""
        motion = self.edit.motion[0].float().numpy().transpose(1, 2, 0)
        return figures.arrows(self.portrait.face(figures.PANEL), motion)

    def columns(self, side: int) -> list[np.ndarray]:
        """Original, generated, attention and color, (side, side, 3) each: the network's own, not
        put back into the photo."""
        said = (self.edit.composite, 2 * self.edit.attention - 1, self.edit.color)
        return [self.portrait.face(side), *(_picture(values, side) for values in said)]

    def view(self, what: str, size: int) -> np.ndarray:
        """The "face" crop or the whole "photo", edited, its longer side at most `size` pixels.

        Raises Unwritable for a size beyond SIZES.
        """
        if not SIZES[0] <= size <= SIZES[1]:
            least, most = SIZES
            raise Unwritable(
                "The longest side must be from {} to {} pixels, got {}.", least, most, size
            )
        frame = dataclasses.replace(self, portrait=self.portrait.enough_for(what, size))
        if what == "photo":
            return frame.image
        side = min(size, max(SIZES[0], round(self.portrait.side)))
        return frame.portrait.face(side, frame.image)


def compose_edits(first: Edit, second: Edit) -> Edit:
    """Two edits, one on the result of the other, as one edit of what the first started from.

    Of generators that do not move pixels: A2 (A1 I + (1 - A1) C1) + (1 - A2) C2 keeps A1 A2 of I.
    """
    attention = first.attention * second.attention
    painted = second.attention * (1 - first.attention) * first.color
    painted = painted + (1 - second.attention) * second.color
    color = torch.where(attention < 1, painted / (1 - attention).clamp(min=1e-6), second.color)
    return Edit(second.composite, attention, color.clamp(-1, 1), *second[3:])


def mask(where: np.ndarray) -> torch.Tensor:
    """(h, w) in [0, 1] over the face crop as (1, 1, h, w). Raises Problem for anything else."""
    where = np.asarray(where, np.float32)
    if where.ndim != 2 or not where.size or not ((where >= 0) & (where <= 1)).all():
        raise Problem("A mask of where to edit is a picture of one channel with values 0 to 1.")
    return torch.from_numpy(where)[None, None]


def _picture(values: torch.Tensor, side: int) -> np.ndarray:
    """(1, C, H, W) in [-1, 1], of one or three channels, as a panel."""
    return figures.panel((values[0].float().numpy().transpose(1, 2, 0) + 1) * 127.5, side)
