"""Frames: one edit of a photo, and the pictures that are computed from it."""

import dataclasses
import warnings
from functools import cached_property

import numpy as np
import torch

from .errors import Problem, Unwritable
from .faces.portrait import Portrait
from .media import figures
from .media.images import Photo
from .media.pixels import fill_hidden_colors
from .media.profiles import srgb_to_profile
from .networks.compositing import Edit

VIEWS = ("face", "photo")  # what a view of an edit shows: the face crop, or the whole photo
MIN_VIEW_SIZE, MAX_VIEW_SIZE = 64, 4096  # of the longer side of a view [px]


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """One edited photo. Its pictures, RGB, are computed when they are first read.

    `face`, `attention`, `color` and `motion` are panels (P, P, 3), where P is `figures.PANEL_SIDE`.
    `image` and `face` have the photo's dtype, uint8 or uint16; the others are uint8.
    """

    portrait: Portrait
    edit: Edit  # batch of one, on the CPU
    # With feed="generated": the combination of all edits so far, as one edit of the photo. `edit`
    # is then the last one alone.
    total: Edit | None = None

    @cached_property
    def image(self) -> np.ndarray:
        """The edited photo (H, W, 3), at the photo's size.

        Pixels outside `portrait.box` (if the head turns: `portrait.surroundings.box`) equal the
        photo's.
        """
        edit = self.edit if self.total is None else self.total
        changed = (edit.attention < 1).any() or edit.motion.any() or edit.light.any()
        if not changed:
            return self.portrait.photo.copy()
        return self.portrait.paste(
            _to_array(edit.attention)[..., 0],
            _to_array(edit.color),
            _to_array(edit.motion),
            _to_array(edit.light)[..., 0],
            None if edit.head_motion is None else _to_array(edit.head_motion),
        )

    def render_for_file(self, photo: Photo) -> np.ndarray:
        """Compute `image` in the bit depth, color profile and transparency of the photo's file.

        Returns (H, W, 3), or (H, W, 4) with the photo's transparency; uint8 or uint16.
        """
        portrait = portrait_for_file(self.portrait, photo)
        edits = {"edit": self.edit, "total": self.total}
        if photo.profile:
            edits = {
                name: edit and edit._replace(color=_color_in_profile(edit.color, photo.profile))
                for name, edit in edits.items()
            }
        picture = dataclasses.replace(self, portrait=portrait, **edits).image
        if photo.alpha is not None:
            hidden = photo.alpha == 0
            picture[hidden] = photo.color[hidden]
        return portrait.with_alpha(picture)

    def on(self, photo: Photo) -> np.ndarray:
        """Deprecated name of `render_for_file`."""
        message = "Frame.on is now Frame.render_for_file."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.render_for_file(photo)

    @cached_property
    def face(self) -> np.ndarray:
        """The face crop of `image`."""
        return self.portrait.face(figures.PANEL_SIDE, self.image)

    @cached_property
    def attention(self) -> np.ndarray:
        """The attention map. White: the warped photo is kept. Black: color is painted."""
        return _panel(2 * self.edit.attention - 1, figures.PANEL_SIDE)

    @cached_property
    def color(self) -> np.ndarray:
        """The color map: what is painted where attention is small."""
        return _panel(self.edit.color, figures.PANEL_SIDE)

    @cached_property
    def motion(self) -> np.ndarray:
        """The motion as arrows on the photo's face."""
        return figures.arrows(self.portrait.face(figures.PANEL_SIDE), _to_array(self.edit.motion))

    def columns(self, side: int) -> list[np.ndarray]:
        """Return original, composite, attention and color of the face crop, (side, side, 3) each.

        They are the columns of side-by-side videos, see `figures.COLUMN_NAMES`.
        """
        maps = (self.edit.composite, 2 * self.edit.attention - 1, self.edit.color)
        return [self.portrait.face(side), *(_panel(values, side) for values in maps)]

    def view(self, view: str, size: int) -> np.ndarray:
        """Return the edited face crop or photo, with a longer side of at most `size` pixels.

        view: one of VIEWS. Returns (h, w, 3), or (h, w, 4) if the portrait has an alpha channel.
        Raises Unwritable for a size out of MIN_VIEW_SIZE to MAX_VIEW_SIZE.
        """
        if not MIN_VIEW_SIZE <= size <= MAX_VIEW_SIZE:
            raise Unwritable(
                "The longest side must be from {} to {} pixels, got {}.",
                MIN_VIEW_SIZE,
                MAX_VIEW_SIZE,
                size,
            )
        frame = dataclasses.replace(self, portrait=self.portrait.downscaled_for(view, size))
        image = frame.portrait.with_alpha(frame.image)
        if view == "photo":
            return image
        side = min(size, max(MIN_VIEW_SIZE, round(self.portrait.side)))
        return frame.portrait.face(side, image)


def portrait_for_file(portrait: Portrait, photo: Photo) -> Portrait:
    """Return the portrait in the bit depth, color profile and transparency of the photo's file."""
    color = fill_hidden_colors(photo.color, photo.alpha)
    return dataclasses.replace(portrait, photo=color, alpha=photo.alpha)


def compose_edits(first: Edit, second: Edit) -> Edit:
    """Combine two edits, the second of which edits the result of the first, into one.

    For generators that repaint, with photo I, attention A and color C: the result
    A2 (A1 I + (1 - A1) C1) + (1 - A2) C2 is that of an edit of I with the attention A = A1 A2 and
    the color (A2 (1 - A1) C1 + (1 - A2) C2) / (1 - A).
    """
    attention = first.attention * second.attention
    painted = second.attention * (1 - first.attention) * first.color
    painted = painted + (1 - second.attention) * second.color
    color = torch.where(attention < 1, painted / (1 - attention).clamp(min=1e-6), second.color)
    return second._replace(attention=attention, color=color.clamp(-1, 1))


def mask_tensor(where: np.ndarray) -> torch.Tensor:
    """Convert a mask (h, w) in [0, 1] over the face crop to (1, 1, h, w). Raises Problem."""
    where = np.asarray(where, np.float32)
    if where.ndim != 2 or not where.size or not ((where >= 0) & (where <= 1)).all():
        low, high = (f"{where.min():g}", f"{where.max():g}") if where.size else ("-", "-")
        raise Problem(
            "A mask of where to edit must be a non-empty array (h, w) with values from 0 to 1; "
            "this one has the shape {} and values from {} to {}.",
            str(where.shape),
            low,
            high,
        )
    return torch.from_numpy(where)[None, None]


def _to_array(field: torch.Tensor) -> np.ndarray:
    """Convert a tensor (1, C, H, W) to an array (H, W, C) float32."""
    return field[0].float().numpy().transpose(1, 2, 0)


def _color_in_profile(color: torch.Tensor, profile: bytes) -> torch.Tensor:
    """Convert sRGB colors (1, 3, h, w) in [-1, 1] to another color profile."""
    values = (_to_array(color) + 1) * 127.5
    values = srgb_to_profile(np.uint8(values.clip(0, 255) + 0.5), profile)
    return torch.from_numpy(values.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1)


def _panel(values: torch.Tensor, side: int) -> np.ndarray:
    """Convert a tensor (1, C, H, W) in [-1, 1], C 1 or 3, to a picture (side, side, 3) uint8."""
    return figures.panel((_to_array(values) + 1) * 127.5, side)
