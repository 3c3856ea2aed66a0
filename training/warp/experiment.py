"""Experiments: everything that decides a training run, as values."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import FACS, ExpressionSpace
from moodganimation.networks.base import GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much each term of the objective counts; 0 leaves it out."""

    flow: float = 1.0
    reading: float = 4.0
    composite: float = 0.0
    moved: float = 0.0
    color: float = 0.0
    mouth: float = 0.0  # color where the renderer says inner mouth, behind the attention
    attention: float = 0.0
    smoothness: float = 0.0
    light: float = 0.3
    jaws: float = 0.1  # where the teeth are
    outside: float = 0.1  # where the face ends
    depth: float = 0.1
    across: float = 0.1  # where across the face places are
    inside: float = 0.0  # where the mouth is open
    realism: float = 0.0
    features: float = 0.0  # of the critics, like those of the target


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of training at one setting."""

    steps: int
    batch: int  # pairs a step, over all processes
    photos: int  # further labelled photos a step, for the reader
    rate: float  # learning rate after the warm-up ...
    final_rate: float  # ... falling to this one along a cosine
    warmup: int = 100
    reverse: float = 0.0  # share of pairs taken from the render back to the real photo
    opening: float = 0.0  # share of pairs drawn among those that open the mouth
    weights: Weights = Weights()
    critic_from: float = 1.0  # share of the phase after which the critic speaks


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A run that anyone can repeat."""

    space: str
    start: str = ""  # file whose weights it begins with, at the last phase
    precision: Literal["float32", "bf16"] = "float32"
    generator: GeneratorConfig
    phases: tuple[Phase, ...]
    seed: int = 0
    ema: float = 0.998
    painter_rate: float = 3.0  # learning rate of the painter, in those of the phase
    critic_width: int = 32
    critic_rate: float = 1e-3
    slope: float = 5.0  # of the critics at photographs (half of R1's gamma) ...
    slope_every: int = 4  # ... in each so manieth step, that many times
    log_every: int = 20
    save_every: int = 200
    sample_every: int = 400

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)


PAINTED = Weights(
    flow=1.0,
    reading=4.0,
    composite=10.0,
    moved=3.0,
    color=3.0,
    mouth=4.0,
    attention=0.5,
    inside=0.5,
    smoothness=0.05,
)

FINISHED = dataclasses.replace(
    PAINTED, composite=6.0, color=1.0, mouth=1.0, realism=0.1, features=1.0, reading=8.0
)

WARP = Experiment(
    space=FACS.name,
    generator=GeneratorConfig(
        architecture="warp",
        condition_dim=len(FACS.axes),
        unit_fields=len(axis_map(FACS).units),
        extra_fields=15,
    ),
    phases=(
        Phase(steps=1300, batch=32, photos=16, rate=1.5e-3, final_rate=3e-4),
        Phase(
            steps=1900,
            batch=16,
            photos=8,
            rate=3e-4,
            final_rate=3e-5,
            reverse=0.35,
            opening=0.4,
            weights=PAINTED,
        ),
        Phase(
            steps=700,
            batch=12,
            photos=36,
            rate=3e-4,
            final_rate=2e-5,
            reverse=0.35,
            opening=0.5,
            weights=FINISHED,
            critic_from=0.5,
        ),
    ),
)


def for_space(space: ExpressionSpace) -> Experiment:
    """The experiment that learns the axes of a space: FACS, or one without sides and head."""
    if space == FACS:
        return WARP
    config = dataclasses.replace(WARP.generator, condition_dim=len(space.axes), unit_fields=0)
    return dataclasses.replace(WARP, space=space.name, generator=config)
