"""Adding optional parts to a trained `warp` generator."""

import dataclasses

from moodganimation.checkpoints.files import build_generator
from moodganimation.networks.warp import WarpGenerator

OPTIONAL_PARTS = ("folds", "refiner")  # fields of `GeneratorConfig`


def extended(generator: WarpGenerator, **parts) -> WarpGenerator:
    """Return a copy of the generator with further parts, whose weights are untrained; parts that it
    has keep their weights.

    parts: values of fields of `GeneratorConfig`, as folds=2. Raises ValueError for fields other
    than OPTIONAL_PARTS, and for a refiner if the generator has one: its teeth are adapted already.
    """
    if unknown := set(parts) - set(OPTIONAL_PARTS):
        raise ValueError(
            f"{', '.join(sorted(unknown))} cannot be added to a trained generator; parts that can "
            f"be added: {', '.join(OPTIONAL_PARTS)}."
        )
    if parts.get("refiner") and generator.config.refiner:
        raise ValueError("The generator has a refiner already.")
    extended_generator = build_generator(dataclasses.replace(generator.config, **parts)).eval()
    extended_generator.load_state_dict(generator.state_dict(), strict=False)
    if parts.get("refiner"):
        extended_generator.jaws.adapt_to_refiner()
    return extended_generator
