"""Who judges: a network that estimates Action Units and moods in the pictures a generator makes.

N pictures · D axes of the generator's space.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    ExpressionSpace,
)
from moodganimation.networks.base import Generator
from moodganimation.networks.warp import WarpGenerator

from ..data.units import units_of


class Estimator(NamedTuple):
    """`look` sees faces (N, 3, H, W) in [-1, 1] of any size: units (N, 17), features (N, F).

    `read` gives the same faces in FACS (N, 50), if the estimator sees more than the 17 units.
    """

    look: Callable[[Tensor], tuple[np.ndarray, np.ndarray]]
    name: str
    independent: bool  # False where it is known to have had a part in the generator
    statement: str  # what a reader of the figures must know of it
    read: Callable[[Tensor], np.ndarray] | None = None


def reader_of(reader: WarpGenerator, judged: Generator, card: dict | None = None) -> Estimator:
    """The reader of the shipped generator, as a judge of `judged`.

    Its values are taken before they are cut off at 0 and 1, where a change would go unseen. They
    are not calibrated: a regression to noisy labels falls short of extremes, which ranks do not
    mind, and the noise of the labels would set any slope that corrects it.
    """
    size, sided = reader.config.image_size, reader.config.condition_dim == len(FACS.axes)

    @torch.inference_mode()
    def see(faces: Tensor) -> tuple[np.ndarray, np.ndarray]:
        device = next(reader.parameters()).device
        faces = faces.to(device).contiguous(memory_format=torch.channels_last)
        if faces.shape[-2:] != (size, size):
            faces = F.interpolate(faces, (size, size), mode="bilinear", antialias=True)
        features = reader.down16(reader.down8(reader.down4(reader.down2(faces))))
        values = reader.reader(features)
        return values.double().cpu().numpy(), features.mean((2, 3)).double().cpu().numpy()

    def look(faces: Tensor) -> tuple[np.ndarray, np.ndarray]:
        values, features = see(faces)
        return units_of(values), features

    name = "reader of the shipped warp generator"
    read = (lambda faces: see(faces)[0]) if sided else None
    return Estimator(look, name, *_relation(reader, judged, card or {}), read)


def _relation(reader: WarpGenerator, judged: Generator, card: dict) -> tuple[bool, str]:
    """Whether the reader is independent of the generator as far as can be seen, and the words."""
    labels = "It was trained on labels that are a landmark fit, not on FACS coders. "
    if card.get("experiment", {}).get("data", {}).get("kind") == "clips":
        return False, labels + (
            "This generator learned from clips; the shipped ones learned mostly from clips that "
            "the warp generator made, whose reader this is."
        )
    if judged.config.architecture != reader.config.architecture:
        return True, labels + (
            "It is a judge only of generators in whose training it had no part; if this one was "
            "taught by it or by pictures of the warp generator, read the figures with that in mind."
        )
    mine, theirs = (
        {k: v for k, v in x.state_dict().items() if k.startswith(("down", "reader"))}
        for x in (reader, judged)
    )
    same = mine.keys() == theirs.keys() and all(
        v.shape == theirs[k].shape and torch.equal(v.cpu(), theirs[k].cpu())
        for k, v in mine.items()
    )
    if same:
        return False, labels + (
            "It is part of this very generator and was trained with it: follow, moved, leakage and "
            "moods are the generator's opinion of itself and no independent judgement. "
            "To have it judged by Face Mesh: python -m training sweeps, then "
            "python -m training.evaluate.judges.face_mesh."
        )
    return False, labels + (
        "This generator has a reader of the same design, as a rule trained on the same labels: "
        "the judgement is a relative's and not an independent one. To have it judged by Face Mesh: "
        "python -m training sweeps, then "
        "python -m training.evaluate.judges.face_mesh."
    )


def measured_space(space: ExpressionSpace) -> ExpressionSpace:
    """The axes of a generator that are measured: of FACS the 17 units, both sides alike, so that
    its figures can be compared with those of other generators."""
    return ACTION_UNITS if space == FACS else space


def measurable(space: ExpressionSpace) -> bool:
    """Whether the axes of a space can be estimated in a picture: nameless ones cannot."""
    return space in (ACTION_UNITS, PAD, VALENCE_AROUSAL)


def in_axes(units: np.ndarray, space: ExpressionSpace) -> np.ndarray:
    """Estimated Action Units (..., 17) in the words of a measurable space, (..., D)."""
    if space == ACTION_UNITS:
        return units
    moods = [mood_of(expression, space).values for expression in expressions(units)]
    return np.reshape(moods, (*units.shape[:-1], len(space.axes)))


def expressions(units: np.ndarray) -> list[Expression]:
    """(..., 17) as a flat list, within the axes' ranges."""
    return [Expression.clipped(ACTION_UNITS, row) for row in units.reshape(-1, units.shape[-1])]


def repeatability(estimator: Estimator, faces: Tensor, space: ExpressionSpace) -> np.ndarray:
    """How much each axis (D,) changes, root mean square, when nothing but the place does.

    Every photo is shifted by one pixel in four directions; what enters repeats the border.
    """
    here = in_axes(estimator.look(faces)[0], space)
    padded = F.pad(faces, (1, 1, 1, 1), mode="replicate")
    height, width = faces.shape[-2:]
    apart = [
        in_axes(estimator.look(padded[..., y : y + height, x : x + width])[0], space) - here
        for y, x in ((0, 1), (2, 1), (1, 0), (1, 2))
    ]
    return np.sqrt(np.mean(np.square(apart), (0, 1)))
