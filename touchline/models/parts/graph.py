"""Graph convolutions on people: each person hears those that they are joined to.

Li et al.: "DeeperGCN: All You Need to Train Deeper GCNs", 2020, with the operator GENConv as
PyTorch Geometric 1.6.3 has it, under its names. Graphs are small, so that who is joined to whom is
a matrix and a weighted mean over neighbours two products.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_LEAST_MESSAGE = 1e-7
_LEAST_EXPONENT = -80.0
"""Below it exponentials of float32 would vanish: neighbours whose messages are that much smaller
than the largest of their graph count alike."""

_NODES_OF_A_PICTURE = 240
"""Enough to fill a processor's vectors; see ``linear``."""


class Graphs(NamedTuple):
    """Many graphs at once. Nodes beyond those of the graphs belong to none.

    Attributes:
        slots: (G, M) the nodes of each graph; in unused slots, another of the same graph.
        empty: (G, 1) whether a graph has no node at all; its slots mean nothing.
        joined: (H, M, M) of the H graphs with any edge: 1 where there is an edge to the second node
            from the third, else 0.
        deaf: (H, M, 1) of these: 1 for a node without edges to it and for an unused slot, else 0.
        hearing: (H · M,) slots of these.
        filled: (k,) places in ``hearing`` that have a node of their own.
    """

    slots: Tensor
    empty: Tensor
    joined: Tensor
    deaf: Tensor
    hearing: Tensor
    filled: Tensor

    def into_slots(self, nodes: Tensor) -> Tensor:
        """(n, C) to (H, M, C) of the graphs with any edge."""
        return nodes.index_select(0, self.hearing).view(*self.joined.shape[:2], nodes.shape[1])

    def out_of_slots(self, spread: Tensor, count: int) -> Tensor:
        """(H, M, C) to (``count``, C) nodes; 0 for those of no such graph."""
        if torch.onnx.is_in_onnx_export():
            return spread.flatten(0, 1)  # every place is a node
        nodes = spread.new_zeros((count, spread.shape[2]))
        own = spread.flatten(0, 1).index_select(0, self.filled)
        return nodes.index_copy_(0, self.hearing[self.filled], own)


def unpack(rows: Tensor, width: int) -> tuple[Tensor, Graphs]:
    """Nodes and joints of graphs that lie side by side.

    Args:
        rows: (G, M, width + 1 + M): of each node its features, whether it exists, and which nodes
            it hears.
        width: numbers that describe a node.

    Returns:
        (n, width) features of the nodes that exist, then zeros up to a multiple of 240, and the
        graphs.
    """
    exists = rows[:, :, width] > 0
    if torch.onnx.is_in_onnx_export():
        return _unpacked_as_they_lie(rows, exists, width)
    room = max(1, int(exists.any(dim=0).nonzero().amax()) + 1 if exists.any() else 1)
    exists = exists[:, :room]
    nodes = rows[:, :room, :width][exists]
    joined = rows[:, :room, width + 1 : width + 1 + room]
    social = joined.flatten(1).any(dim=1)
    number = exists.flatten().cumsum(0).view_as(exists) - 1
    # An unused slot holds the last node before it, or the first of the graph.
    first = number.masked_fill(~exists, len(nodes)).amin(dim=1, keepdim=True)
    slots = torch.maximum(number, first)
    joined = joined[social]
    graphs = Graphs(
        slots=slots,
        empty=first == len(nodes),
        joined=joined,
        deaf=(joined.sum(dim=2, keepdim=True) == 0).to(joined.dtype),
        hearing=slots[social].flatten(),
        filled=exists[social].flatten().nonzero()[:, 0],
    )
    return F.pad(nodes, (0, 0, 0, -len(nodes) % _NODES_OF_A_PICTURE)), graphs


def _unpacked_as_they_lie(rows: Tensor, exists: Tensor, width: int) -> tuple[Tensor, Graphs]:
    """As ``unpack``, with a node for every place, so that no shape depends on numbers."""
    count, room = exists.shape
    joined = rows[:, :, width + 1 :]
    places = torch.arange(count * room, device=rows.device).view(count, room)
    first = (exists.long().argmax(dim=1) + places[:, 0])[:, None]
    graphs = Graphs(
        slots=torch.where(exists, places, first),
        empty=~exists.any(dim=1, keepdim=True),
        joined=joined,
        deaf=(joined.sum(dim=2, keepdim=True) == 0).to(joined.dtype),
        hearing=places.flatten(),
        filled=places.flatten(),
    )
    return rows[:, :, :width].flatten(0, 1), graphs


def linear(layer: nn.Linear, nodes: Tensor) -> Tensor:
    """(n, inputs) -> (n, outputs), n a multiple of 240.

    On a processor as a convolution of pictures of one pixel's height, whose channels lie side by
    side: the library that PyTorch has for these uses vectors of 512 bits of any make.
    """
    if torch.onnx.is_in_onnx_export():
        return layer(nodes)
    if nodes.device.type != "cpu" or not len(nodes) or len(nodes) % _NODES_OF_A_PICTURE:
        return layer(nodes)
    pictures = nodes.view(-1, 1, _NODES_OF_A_PICTURE, nodes.shape[1]).permute(0, 3, 1, 2)
    outputs = F.conv2d(pictures, layer.weight[:, :, None, None], layer.bias)
    return outputs.permute(0, 2, 3, 1).reshape(len(nodes), -1)


class _Heard(torch.autograd.Function):
    """Mean of the neighbours' messages, weighted by softmax, with a gradient that keeps little."""

    @staticmethod
    def forward(ctx: Any, nodes: Tensor, t: Tensor, graphs: Graphs) -> Tensor:
        weights, share, mean = _weighted(nodes, t, graphs)
        ctx.save_for_backward(nodes, t, weights, share, mean)
        ctx.graphs = graphs
        return graphs.out_of_slots(mean, len(nodes))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        nodes, t, weights, share, mean = ctx.saved_tensors
        graphs: Graphs = ctx.graphs
        messages = _messages(nodes, graphs)
        asked = gradient.index_select(0, graphs.hearing).view_as(share).mul_(share)
        # The softmax's gradient: of each node, what its hearers ask, and how far from their mean.
        whole = torch.bmm(graphs.joined.mT, asked).mul_(weights)
        apart = torch.bmm(graphs.joined.mT, asked.mul_(mean)).mul_(weights)
        apart = torch.addcmul(apart.neg_(), messages, whole, out=apart)
        of_t = (messages.mul_(apart)).sum().view_as(t)
        return graphs.out_of_slots(whole.add_(apart.mul_(t)), len(nodes)), of_t, None


def _weighted(nodes: Tensor, t: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor, Tensor]:
    """(H, M, C) weights of messages, one by their sums, and their weighted means."""
    messages = _messages(nodes, graphs)
    weights = t * messages
    weights -= weights.amax(dim=1, keepdim=True)
    weights = weights.clamp_min_(_LEAST_EXPONENT).exp_()
    share = torch.bmm(graphs.joined, weights).add_(graphs.deaf).reciprocal_()
    mean = torch.bmm(graphs.joined, messages.mul_(weights)).mul_(share)
    return weights, share, mean


def _messages(nodes: Tensor, graphs: Graphs) -> Tensor:
    """(H, M, C) what is heard of each node."""
    messages = nodes.index_select(0, graphs.hearing).add_(_LEAST_MESSAGE)
    return messages.view(*graphs.joined.shape[:2], nodes.shape[1])


def heard(nodes: Tensor, t: Tensor, graphs: Graphs) -> Tensor:
    """(n, C) what each node hears: a soft maximum over its neighbours; 0 for those without.

    Args:
        nodes: (n, C) not below 0.
        t: (1,) how much larger messages count for more.
    """
    if torch.onnx.is_in_onnx_export():
        return graphs.out_of_slots(_weighted(nodes, t, graphs)[2], len(nodes))
    with torch.autocast(nodes.device.type, enabled=False):
        return _Heard.apply(nodes.to(graphs.joined.dtype), t, graphs)


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
        x = linear(cast(nn.Linear, self.mlp[0]), nodes + heard(nodes.relu(), self.t, graphs))
        return linear(cast(nn.Linear, self.mlp[4]), self.mlp[1](x).relu())


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


class SharedConvolution(nn.Module):
    """GCNConv: the mean of a node and its neighbours, weighted by how many each of them has.

    Kipf, Welling: "Semi-Supervised Classification with Graph Convolutional Networks", ICLR 2017.

    Args:
        inputs, outputs: of a node.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.lin = nn.Linear(inputs, outputs, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, nodes: Tensor, graphs: Graphs) -> Tensor:
        """(n, inputs) -> (n, outputs)."""
        joined = graphs.joined
        degrees = 1 + graphs.out_of_slots(joined.sum(dim=2, keepdim=True), len(nodes))
        share = degrees.rsqrt()
        own = linear(self.lin, nodes) * share
        others = torch.bmm(joined, graphs.into_slots(own))
        return (own + graphs.out_of_slots(others, len(nodes))) * share + self.bias


class EdgeConvolution(nn.Module):
    """EdgeConv: the largest of what a layer makes of a node and of how each neighbour differs.

    Wang et al.: "Dynamic Graph CNN for Learning on Point Clouds", 2019. A node without neighbours
    gives zeros.

    Args:
        inputs, outputs: of a node.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.nn = nn.Sequential(nn.Linear(2 * inputs, outputs))

    def forward(self, nodes: Tensor, graphs: Graphs) -> Tensor:
        """(n, inputs) -> (n, outputs)."""
        layer = cast(nn.Linear, self.nn[0])
        of_node, of_difference = layer.weight.chunk(2, dim=1)
        own = F.linear(nodes, of_node - of_difference, layer.bias)
        spread = graphs.into_slots(F.linear(nodes, of_difference))
        apart = (graphs.joined == 0)[..., None]
        largest = spread[:, None].masked_fill(apart, -torch.inf).amax(dim=2)
        hears = 1 - graphs.deaf
        heard = graphs.out_of_slots(largest.masked_fill(hears == 0, 0.0), len(nodes))
        return (own + heard) * graphs.out_of_slots(hears, len(nodes))


def largest_of_each(nodes: Tensor, graphs: Graphs) -> Tensor:
    """(n, C) -> (G, C): the maximum over the nodes of each graph; 0 for a graph without any."""
    if torch.onnx.is_in_onnx_export():
        spread = nodes.index_select(0, graphs.slots.flatten()).view(*graphs.slots.shape, -1)
        return spread.amax(dim=1).masked_fill(graphs.empty, 0.0)
    if not len(nodes):
        return nodes.new_zeros((len(graphs.slots), nodes.shape[1]))
    slots = graphs.slots.clamp_max(len(nodes) - 1)
    spread = nodes.detach().index_select(0, slots.flatten()).view(*slots.shape, -1)
    largest = nodes.gather(0, slots.gather(1, spread.max(dim=1).indices))
    return largest.masked_fill(graphs.empty, 0.0)
