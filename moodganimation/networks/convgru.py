"""Convolutional gated recurrent units (ConvGRU). The caller keeps the state; modules store none.

After Ballas et al. 2016, "Delving Deeper into Convolutional Networks for Learning Video
Representations", with the gates as in the original MoodGANimation code.

B batch · C input channels · K hidden channels · h x w cells
"""

import torch
from torch import Tensor, nn


class ConvGRUCell(nn.Module):
    """One layer, one time step: input (B, C, h, w) and state (B, K, h, w) to state (B, K, h, w).

    An update gate of 1 takes the new value and 0 keeps the old one; many other GRUs reverse this.
    """

    def __init__(self, channels: int, hidden: int, kernel: int):
        super().__init__()
        shape = (channels + hidden, hidden, kernel, 1, kernel // 2)
        # The names are keys of checkpoints. `out_gate` is no gate: it computes the new value.
        self.reset_gate = nn.Conv2d(*shape)
        self.update_gate = nn.Conv2d(*shape)
        self.out_gate = nn.Conv2d(*shape)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        inputs = torch.cat([x, h], 1)
        update, reset = self.update_gate(inputs).sigmoid(), self.reset_gate(inputs).sigmoid()
        new = self.out_gate(torch.cat([x, reset * h], 1)).tanh()
        return (1 - update) * h + update * new


class ConvGRU(nn.Module):
    """A stack of layers, one time step: each layer's input is the new state of the one below."""

    def __init__(self, channels: int, hidden: int, kernel: int, layers: int):
        super().__init__()
        self.hidden = hidden
        for i in range(layers):  # ConvGRUCell_00 and so on are keys of the original checkpoints
            cell = ConvGRUCell(hidden if i else channels, hidden, kernel)
            self.add_module(f"ConvGRUCell_{i:02d}", cell)

    def forward(self, x: Tensor, state: tuple[Tensor, ...] | None = None) -> tuple[Tensor, ...]:
        """Return the new states of all layers, (B, K, h, w) each; the last one is the output.

        x: (B, C, h, w); state: the states after the step before; None or () for zeros.
        """
        cells = list(self.children())
        if not state:
            state = (x.new_zeros(len(x), self.hidden, *x.shape[2:]),) * len(cells)
        states = []
        for cell, h in zip(cells, state, strict=True):
            x = cell(x, h)
            states.append(x)
        return tuple(states)


def gate_parameters(network: nn.Module) -> set[nn.Parameter]:
    """The parameters of every ConvGRU in a network, `out_gate` included."""
    cells = [cell for cell in network.modules() if isinstance(cell, ConvGRUCell)]
    return {parameter for cell in cells for parameter in cell.parameters()}


def init_orthogonal_(network: nn.Module, open_gates: bool = False) -> None:
    """Initialize the weights of every ConvGRU in a network by random orthogonal matrices, and the
    biases by 0.

    open_gates: initialize the biases of update gates by 2 instead, and multiply all weights by
    sqrt(2). With a bias of 0 the update gate starts at 0.5, so that each layer of a stack halves
    its input in the first frame: six layers leave a 64th of it.
    """
    for cell in network.modules():
        if isinstance(cell, ConvGRUCell):
            for gate in (cell.reset_gate, cell.update_gate, cell.out_gate):
                nn.init.orthogonal_(gate.weight, 2**0.5 if open_gates else 1.0)
                nn.init.zeros_(gate.bias)
            if open_gates:
                nn.init.constant_(cell.update_gate.bias, 2.0)
