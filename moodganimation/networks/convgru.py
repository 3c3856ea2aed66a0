"""Convolutional gated recurrent units: memory for maps. The state is passed, never stored.

B batch · C channels · h x w cells. After Ballas et al. 2016, "Delving Deeper into Convolutional
Networks for Learning Video Representations", with the gates as the MoodGANimation code has them.
"""

import torch
from torch import Tensor, nn


class ConvGRUCell(nn.Module):
    """One step of one layer: (B, C, h, w), (B, H, h, w) -> (B, H, h, w).

    An update gate of 1 takes the new value, of 0 keeps the old one (others have it reversed).
    """

    def __init__(self, channels: int, hidden: int, kernel: int):
        super().__init__()
        shape = (channels + hidden, hidden, kernel, 1, kernel // 2)
        self.reset_gate = nn.Conv2d(*shape)
        self.update_gate = nn.Conv2d(*shape)
        self.out_gate = nn.Conv2d(*shape)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        both = torch.cat([x, h], 1)
        update, reset = self.update_gate(both).sigmoid(), self.reset_gate(both).sigmoid()
        new = self.out_gate(torch.cat([x, reset * h], 1)).tanh()
        return (1 - update) * h + update * new


class ConvGRU(nn.Module):
    """One step of a stack of layers, each fed by the new state of the one below."""

    def __init__(self, channels: int, hidden: int, kernel: int, layers: int):
        super().__init__()
        self.hidden = hidden
        for i in range(layers):  # names of the original checkpoints
            cell = ConvGRUCell(hidden if i else channels, hidden, kernel)
            self.add_module(f"ConvGRUCell_{i:02d}", cell)

    def forward(self, x: Tensor, state: tuple[Tensor, ...] | None = None) -> tuple[Tensor, ...]:
        """x (B, C, h, w); the states of all layers, (B, H, h, w) each, zeros for None."""
        cells = list(self.children())
        if not state:
            state = (x.new_zeros(len(x), self.hidden, *x.shape[2:]),) * len(cells)
        states = []
        for cell, h in zip(cells, state, strict=True):
            x = cell(x, h)
            states.append(x)
        return tuple(states)


def gate_parameters(network: nn.Module) -> set[nn.Parameter]:
    """Those of every ConvGRU in a network."""
    cells = [cell for cell in network.modules() if isinstance(cell, ConvGRUCell)]
    return {parameter for cell in cells for parameter in cell.parameters()}


def begin_orthogonal(network: nn.Module, opened: bool = False) -> None:
    """Draw the gates of every ConvGRU in a network orthogonal, with biases 0.

    A layer then halves what it hears, and six of them fall silent before they have learned to
    speak. opened: let new values through (an update bias of 2, and twice the power).
    """
    for cell in network.modules():
        if isinstance(cell, ConvGRUCell):
            for gate in (cell.reset_gate, cell.update_gate, cell.out_gate):
                nn.init.orthogonal_(gate.weight, 2**0.5 if opened else 1.0)
                nn.init.zeros_(gate.bias)
            if opened:
                nn.init.constant_(cell.update_gate.bias, 2.0)
