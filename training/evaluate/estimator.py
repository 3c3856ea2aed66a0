"""The estimator of Action Units and moods in edits, by which a generator is evaluated.

The shipped estimator is the reader of the default generator: the head that regresses Action Units
from a face. Its output is a reading. Shapes: N pictures, D axes of the generator's space.
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
    """Estimates expressions in faces (N, 3, H, W) in [-1, 1] of any size.

    `estimate` returns Action Units (N, 17) and features (N, F). `estimate_facs` returns all axes of
    FACS (N, 50); None if the estimator knows the 17 units only.
    """

    estimate: Callable[[Tensor], tuple[np.ndarray, np.ndarray]]
    name: str
    independent: bool  # False if it is part of the generator or of its training, as far as known
    statement: str  # its relation to the generator, for people who use the figures
    estimate_facs: Callable[[Tensor], np.ndarray] | None = None


def reader_estimator(
    reader: WarpGenerator, evaluated: Generator, card: dict | None = None
) -> Estimator:
    """Make an estimator of the shipped reader; `card` is that of the evaluated generator.

    Values are not clamped to [0, 1], so that changes beyond are visible. They are not calibrated: a
    regression to noisy labels underestimates extremes. Ranks are not affected, and a correcting
    slope would depend on the noise of the labels.
    """
    size, reads_facs = reader.config.image_size, reader.config.condition_dim == len(FACS.axes)

    @torch.inference_mode()
    def run_reader(faces: Tensor) -> tuple[np.ndarray, np.ndarray]:
        device = next(reader.parameters()).device
        faces = faces.to(device).contiguous(memory_format=torch.channels_last)
        if faces.shape[-2:] != (size, size):
            faces = F.interpolate(faces, (size, size), mode="bilinear", antialias=True)
        pyramid = reader.pyramid(faces)
        values, features = reader.unclamped_reading(pyramid), pyramid[-1].mean((2, 3))
        return values.double().cpu().numpy(), features.double().cpu().numpy()

    def estimate(faces: Tensor) -> tuple[np.ndarray, np.ndarray]:
        values, features = run_reader(faces)
        return units_of(values), features

    name = "reader of the shipped warp generator"
    estimate_facs = (lambda faces: run_reader(faces)[0]) if reads_facs else None
    return Estimator(estimate, name, *_relation(reader, evaluated, card or {}), estimate_facs)


def _relation(reader: WarpGenerator, evaluated: Generator, card: dict) -> tuple[bool, str]:
    """Return `independent` and `statement` of the reader as an estimator for a generator."""
    labels = "It was trained on labels that are a landmark fit, not on FACS coders. "
    if card.get("experiment", {}).get("data", {}).get("kind") == "clips":
        return False, labels + (
            "This generator learned from clips; the shipped ones learned mostly from clips that "
            "the warp generator made, whose reader this is."
        )
    if evaluated.config.architecture != reader.config.architecture:
        return True, labels + (
            "It is independent only of generators in whose training it had no part. If this one "
            "was trained with it, or on pictures of the warp generator, the figures are biased."
        )
    relation = (
        "It is part of this generator and was trained with it: follow, moved, leakage and moods "
        "are not an independent judgement. "
        if _have_equal_readers(reader, evaluated)
        else "This generator has a reader of the same design, usually trained on the same labels, "
        "so the judgement is not independent. "
    )
    return False, labels + relation + (
        "To judge it by Face Mesh: python -m training sweeps, then "
        "python -m training.evaluate.judges.face_mesh."
    )


def _have_equal_readers(one: Generator, other: Generator) -> bool:
    """Whether two warp generators have the same weights in encoder and both parts of the reader."""
    one, other = (
        {k: v for k, v in x.state_dict().items() if k.startswith(("down", "reader", "eyes"))}
        for x in (one, other)
    )
    return one.keys() == other.keys() and all(
        v.shape == other[k].shape and torch.equal(v.cpu(), other[k].cpu()) for k, v in one.items()
    )


def measured_space(space: ExpressionSpace) -> ExpressionSpace:
    """The space in which a generator of `space` is measured.

    Of FACS these are the 17 units, with equal sides, so that figures are comparable with those of
    other generators.
    """
    return ACTION_UNITS if space == FACS else space


def measurable(space: ExpressionSpace) -> bool:
    """Whether the axes of a space can be estimated in a picture.

    Axes without a known meaning, as c0 and c1, cannot.
    """
    return space in (ACTION_UNITS, PAD, VALENCE_AROUSAL)


def to_space(units: np.ndarray, space: ExpressionSpace) -> np.ndarray:
    """Convert estimated Action Units (..., 17) to a measurable space, (..., D)."""
    if space == ACTION_UNITS:
        return units
    moods = [mood_of(expression, space).values for expression in to_expressions(units)]
    return np.reshape(moods, (*units.shape[:-1], len(space.axes)))


def to_expressions(units: np.ndarray) -> list[Expression]:
    """Convert units (..., 17) to a flat list of expressions, clipped to the ranges of the axes."""
    return [Expression.clipped(ACTION_UNITS, row) for row in units.reshape(-1, units.shape[-1])]


def repeatability(estimator: Estimator, faces: Tensor, space: ExpressionSpace) -> np.ndarray:
    """Measure the RMS change (D,) of each estimated axis when photos shift by one pixel.

    Every photo is shifted in four directions, with replicated borders.
    """
    unshifted = to_space(estimator.estimate(faces)[0], space)
    padded = F.pad(faces, (1, 1, 1, 1), mode="replicate")
    height, width = faces.shape[-2:]
    shifted = [
        padded[..., y : y + height, x : x + width] for y, x in ((0, 1), (2, 1), (1, 0), (1, 2))
    ]
    changes = [to_space(estimator.estimate(x)[0], space) - unshifted for x in shifted]
    return np.sqrt(np.mean(np.square(changes), (0, 1)))
