"""Experiments: all settings of a training run of `warp`.

Names of fields are stored in experiment.json and in logs, so they do not change.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import FACS, ExpressionSpace
from moodganimation.networks.base import GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the terms of the objective; each term is an error of what its comment names.

    A weight of 0 switches a term off; `composite` 0 switches off all terms of pictures, `realism` 0
    also `features`.
    """

    flow: float = 1.0  # motion
    reading: float = 4.0  # reading of the source and of labelled photos
    composite: float = 0.0  # result
    moved: float = 0.0  # warped and relit photo, outside the inner mouth
    color: float = 0.0  # painted color, everywhere, whatever the attention
    mouth: float = 0.0  # the same in the inner mouth alone, squared
    attention: float = 0.0  # attention: 0 in inner mouths that have to be painted, 1 elsewhere
    smoothness: float = 0.0  # total variation of the attention
    light: float = 0.3  # relative change of brightness
    jaws: float = 0.1  # placement of the teeth, and their white
    outside: float = 0.1  # face distance
    depth: float = 0.1  # depth of the head
    across: float = 0.1  # lateral position on the head
    inside: float = 0.0  # mask of the inner mouth
    realism: float = 0.0  # adversarial: the critics' scores of the composite
    features: float = 0.0  # adversarial: the critics' features (feature matching)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of training with its own batch, learning rates and weights."""

    steps: int
    # Pairs a step, over all processes; this and `photos` are rounded down to a multiple of their
    # number.
    batch: int
    # Labelled photos a step, for the reader and as the real faces of the critics; in FACS, target
    # pictures of pairs take the place of about half of them.
    photos: int
    rate: float  # learning rate after the warm-up ...
    final_rate: float  # ... falling to this one along a cosine
    warmup: int = 100
    reverse: float = 0.0  # share of rendered pairs that are swapped: the photo is the target
    # Probability of drawing a pair from those that open the mouth, and a photo from those with an
    # open mouth.
    opening: float = 0.0
    weights: Weights = Weights()
    # Share of the phase's steps before the adversarial terms begin; critics train a little earlier,
    # see CRITIC_START in `train`.
    critic_from: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """All settings of a run."""

    space: str
    start: str = ""  # name of the file of initial weights; with one, the first phase is skipped
    precision: Literal["float32", "bf16"] = "float32"
    generator: GeneratorConfig
    phases: tuple[Phase, ...]
    seed: int = 0
    ema: float = 0.998  # decay of the moving average of the weights
    painter_rate: float = 3.0  # factor of the learning rate of FAST_MODULES in `train`
    critic_width: int = 32  # channels of the first layer
    critic_rate: float = 1e-3
    slope: float = 5.0  # weight of R1 (half of its gamma)
    slope_every: int = 4  # N: R1 is applied every N steps, with N times its weight
    log_every: int = 20  # [steps]
    save_every: int = 200
    sample_every: int = 400

    @property
    def steps(self) -> int:
        """The steps of all phases together."""
        return sum(phase.steps for phase in self.phases)


PAINTER_WEIGHTS = Weights(
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

CRITIC_WEIGHTS = dataclasses.replace(
    PAINTER_WEIGHTS, composite=6.0, color=1.0, mouth=1.0, realism=0.1, features=1.0, reading=8.0
)

WARP = Experiment(
    space=FACS.name,
    generator=GeneratorConfig(
        architecture="warp",
        condition_dim=len(FACS.axes),
        unit_fields=len(axis_map(FACS).fields),
        extra_fields=15,
        deep_blocks=2,
        eye_reader=True,
    ),
    phases=(
        # Motion, light, geometry and reading.
        Phase(steps=1300, batch=32, photos=16, rate=1.5e-3, final_rate=3e-4),
        # The same with the painter.
        Phase(
            steps=1500,
            batch=16,
            photos=8,
            rate=3e-4,
            final_rate=3e-5,
            reverse=0.35,
            opening=0.4,
            weights=PAINTER_WEIGHTS,
        ),
        # The same, in the second half with adversarial terms; more photos for the
        # reader and the critics.
        Phase(
            steps=900,
            batch=12,
            photos=36,
            rate=3e-4,
            final_rate=2e-5,
            reverse=0.35,
            opening=0.5,
            weights=CRITIC_WEIGHTS,
            critic_from=0.5,
        ),
    ),
)


def experiment_for(space: ExpressionSpace) -> Experiment:
    """Return the experiment that trains a generator of FACS, or of a space without sides, gaze and
    head."""
    if space == FACS:
        return WARP
    config = dataclasses.replace(
        WARP.generator, condition_dim=len(space.axes), unit_fields=0, eye_reader=False
    )
    return dataclasses.replace(WARP, space=space.name, generator=config)
