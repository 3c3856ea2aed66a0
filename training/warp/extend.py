"""Adding optional parts to a trained `warp` generator."""

import dataclasses

from moodganimation.checkpoints.files import build_generator
from moodganimation.networks.warp import WarpGenerator

OPTIONAL_PARTS = ("folds", "refiner")  # fields of `GeneratorConfig`


def extended(generator: WarpGenerator, **parts) -> WarpGenerator:
    """Return a copy of the generator with further parts, whose weights are untrained.

    parts: values of fields of `GeneratorConfig`. Raises ValueError for others than OPTIONAL_PARTS.
    """
    if unknown := set(parts) - set(OPTIONAL_PARTS):
        raise ValueError(
            f"{', '.join(sorted(unknown))}: parts that can be added are {OPTIONAL_PARTS}."
        )
    copy = build_generator(dataclasses.replace(generator.config, **parts)).eval()
    copy.load_state_dict(generator.state_dict(), strict=False)
    if parts.get("refiner"):
        copy.jaws.adapt_to_refiner()
    return copy
