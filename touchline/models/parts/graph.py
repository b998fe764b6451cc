"""Graph convolutions on people: each person hears those that they are joined to.

Li et al.: "DeeperGCN: All You Need to Train Deeper GCNs", 2020, with the operator GENConv as
PyTorch Geometric 1.6.3 has it, under its names. Graphs are small, so that who is joined to whom is
a matrix and a weighted mean over neighbours two products.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

_LEAST_MESSAGE = 1e-7
_LEAST_EXPONENT = -80.0
"""Below it exponentials of float32 would vanish: neighbours whose messages are that much smaller
than the largest of their graph count alike."""


class Graphs(NamedTuple):
    """Many graphs at once, each with room for M nodes.

    Attributes:
        place: (n,) of each node, graph · M + its number in the graph.
        joined: (G, M, M) 1 where the second hears the third, else 0.
    """

    place: Tensor
    joined: Tensor

    def spread(self, nodes: Tensor, fill: float = 0.0) -> Tensor:
        """(n, C) nodes to (G, M, C), ``fill`` where there is none."""
        graphs, room, _ = self.joined.shape
        spread = nodes.new_full((graphs * room, nodes.shape[1]), fill)
        return spread.index_copy(0, self.place, nodes).unflatten(0, (graphs, room))

    def gather(self, spread: Tensor) -> Tensor:
        """(G, M, C) to (n, C)."""
        return spread.flatten(0, 1)[self.place]


def unpack(rows: Tensor, width: int) -> tuple[Tensor, Graphs]:
    """Nodes and joints of graphs that lie side by side.

    Args:
        rows: (G, M, width + 1 + M): of each node its features, whether it exists, and which nodes
            it hears.
        width: numbers that describe a node.

    Returns:
        (n, width) features of the nodes that exist, and the graphs with room for as many nodes as
        the largest has.
    """
    exists = rows[:, :, width] > 0
    room = max(1, int(exists.any(dim=0).nonzero().amax()) + 1 if exists.any() else 1)
    exists = exists[:, :room]
    nodes = rows[:, :room, :width][exists]
    joined = rows[:, :room, width + 1 : width + 1 + room]
    return nodes, Graphs(exists.flatten().nonzero()[:, 0], joined)


class GraphConvolution(nn.Module):
    """GENConv: a soft maximum over neighbours, added to the node, through two layers.

    Args:
        width: of a node, in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.t = nn.Parameter(torch.ones(1))
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width),
            nn.LayerNorm(2 * width),
            nn.ReLU(),
            nn.Identity(),  # the published network has a dropout of 0 here, which takes a number
            nn.Linear(2 * width, width),
        )

    def forward(self, nodes: Tensor, graphs: Graphs) -> Tensor:
        """(n, C) -> (n, C)."""
        return self.mlp(nodes + self._heard(nodes, graphs))

    def _heard(self, nodes: Tensor, graphs: Graphs) -> Tensor:
        """(n, C) mean of the neighbours' messages, weighted by softmax; 0 for those without."""
        messages = graphs.spread(nodes.relu() + _LEAST_MESSAGE)
        exponents = self.t * messages
        exponents = exponents - exponents.detach().amax(dim=1, keepdim=True)
        weights = exponents.clamp_min(_LEAST_EXPONENT).exp()
        total = graphs.gather(graphs.joined @ weights)
        heard = graphs.gather(graphs.joined @ (weights * messages))
        return torch.where(total > 0, heard / torch.where(total > 0, total, 1.0), 0.0)


class ResidualLayer(nn.Module):
    """A convolution and the norm that belongs to it; ``layers.i`` of the published network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = GraphConvolution(width)
        self.norm = nn.LayerNorm(width)


def deep_graph_features(nodes: Tensor, graphs: Graphs, layers: Sequence[ResidualLayer]) -> Tensor:
    """Nodes through residual layers: (n, C) -> (n, C).

    Args:
        layers: the first one's norm comes last.
    """
    first, *others = layers
    x = first.conv(nodes, graphs)
    for layer in others:
        x = x + layer.norm(layer.conv(x, graphs)).relu()
    return first.norm(x).relu()


def largest_of_each(nodes: Tensor, graphs: Graphs) -> Tensor:
    """(n, C) -> (G, C): the maximum over the nodes of each graph; 0 for a graph without any."""
    largest = graphs.spread(nodes, fill=-torch.inf).amax(dim=1)
    return torch.where(largest.isneginf(), 0.0, largest)
