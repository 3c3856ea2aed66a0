"""Saving and loading critics, also from checkpoints of the original repositories."""

import dataclasses
import json
from pathlib import Path

from moodganimation.checkpoints.files import (
    CRITIC_FORMAT,
    build_with_weights,
    read_checkpoint,
    wrap_read_errors,
    write_checkpoint,
)
from moodganimation.checkpoints.original import read_original
from moodganimation.checkpoints.torch_files import is_torch_file
from moodganimation.errors import NotACheckpoint
from moodganimation.expressions.spaces import ExpressionSpace

from .critics import Critic, CriticConfig, build_critic

SIZES = ("condition_dim", "image_size", "width", "depth", "memory")


def save_critic(path: Path, critic: Critic, space: ExpressionSpace, card: dict) -> None:
    """Write a critic with its card, in the precision of its weights. Raises Unwritable."""
    config = dataclasses.asdict(critic.config)
    header = {"format": CRITIC_FORMAT, "critic": config, "space": space.name, "card": card}
    write_checkpoint(path, critic.state_dict(), header, float16=False)


def load_critic(path: str | Path, carry: bool | None = None) -> Critic:
    """Load a critic: S frames (B, S, 3, H, W) in [-1, 1] -> Critique(realism, condition).

    realism (B, K, h, w), K = S for a frame critic and 1 for a clip critic; condition (B, S, D). The
    critic is in evaluation mode, on the CPU, without gradients. Its file is ours or an original.

    carry: whether a clip critic carries its state from frame to frame. By default as in training:
    what the file states, and False for original ones (D_temp), which therefore judge each frame
    alone and score the last one. Raises NotACheckpoint, and ValueError for `carry` with another
    kind of critic.
    """
    with wrap_read_errors(path):
        if is_torch_file(path):
            original = read_original(path)
            if original.role != "critic":
                raise NotACheckpoint("{} is the checkpoint of a generator, not a critic.", path)
            values, weights = original.config, original.weights
        else:
            header, weights = read_checkpoint(path, CRITIC_FORMAT)
            values = json.loads(header["critic"])
        sizes = [values[key] for key in SIZES if key in values]
        if not all(type(v) is int and 0 < v <= 4096 for v in sizes) or values.get("depth", 6) > 10:
            raise ValueError("sizes of a critic are whole numbers from 1 to 4096, depth 10 at most")
        config = CriticConfig(**values)
        critic = build_with_weights(lambda: build_critic(config), weights)
    if carry is not None:
        if config.kind != "clip":
            raise ValueError(f"{path} is a {config.kind} critic; only clip critics carry a state.")
        critic.config = dataclasses.replace(config, carry=carry)
    return critic
