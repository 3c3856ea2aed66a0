"""Initial weights of a new run, from a checkpoint that may be of another size or space."""

from pathlib import Path

from torch import nn

from moodganimation.checkpoints.files import load_checkpoint

FIRST_CONVOLUTIONS = ("main.0.weight", "first_conv.0.weight")  # their input has the condition


def copy_weights(path: Path, *networks: nn.Module) -> str:
    """Copy the weights of a checkpoint that match by name and shape; return a note to print.

    networks: of one architecture and size. Of the first convolution the photo's channels are copied
    even if the number of axes differs. Raises ValueError if no tensor matches.
    """
    stored = load_checkpoint(path).generator.state_dict()
    for network in networks:
        tensors, copied = network.state_dict(), 0
        for name, tensor in tensors.items():
            new = stored.get(name)
            if new is not None and new.shape == tensor.shape:
                tensor.copy_(new)
                copied += 1
            elif new is not None and name in FIRST_CONVOLUTIONS and len(new) == len(tensor):
                tensor[:, :3].copy_(new[:, :3])
        if not copied:
            raise ValueError(
                f"No weights in {path} fit this generator: its architecture, width or depth differ."
            )
    return f"{copied} of {len(tensors)} tensors are initialized from {path}."
