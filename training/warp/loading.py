"""Loading of `warp` checkpoints for the commands that take no other generator."""

from pathlib import Path

from moodganimation.checkpoints.files import Checkpoint, load_checkpoint
from moodganimation.expressions.spaces import ACTION_UNITS, FACS


def load_warp(path: Path, facs_only: bool = False) -> Checkpoint:
    """Load a `warp` generator of `facs` or `action_units`, with its space and card.

    facs_only: refuse `action_units`, and one without motion fields of units. Raises ValueError for
    another generator, and NotACheckpoint.
    """
    checkpoint = load_checkpoint(path)
    config, space = checkpoint.generator.config, checkpoint.space
    spaces = (FACS,) if facs_only else (FACS, ACTION_UNITS)
    if config.architecture != "warp" or space not in spaces:
        raise ValueError(
            f"{path} has the generator {config.architecture} of {space.name}; this command takes "
            f"warp of {' or '.join(space.name for space in spaces)}, as `training warp` trains it."
        )
    if facs_only and not config.unit_fields:
        raise ValueError(
            f"{path} has no motion fields of units (unit_fields is 0); this command takes a "
            "generator that `training warp` trains."
        )
    return checkpoint
