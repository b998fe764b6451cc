"""Pooling by vectors of locally aggregated descriptors, in the three forms of the field.

Arandjelović et al., "NetVLAD", CVPR 2016. ``ConvVLAD`` is the form of SoccerNet-v2's first
baseline; ``NetVLAD`` and ``NetRVLAD`` are those of LOUPE (Miech et al., 2017), which NetVLAD++
(Giancola and Ghanem, CVPRW 2021) is made of. They differ in names, in how clusters are assigned,
and in the order of the pooled vector, so that their weights are not interchangeable.

Axes: B clips, T steps, N rows of a sequence, D features, K clusters, C classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from touchline.models.parts.sliding import sliding_energy, sliding_sum

EPSILON = 1e-12
"""Shortest length by which a vector is divided, as in ``torch.nn.functional.normalize``."""

_BLOCK_ROWS = 256
"""Rows that are multiplied with all classes and clusters at a time: they stay in the cache."""


class VLAD(nn.Module, ABC):
    """What the forms share: every frame, of unit length, adds to the clusters it belongs to.

    Args:
        width: D.
        clusters: K.
    """

    feature_major: ClassVar[bool]
    """Whether the pooled vector runs through the clusters first (d*K + k) or the features."""

    def __init__(self, width: int, clusters: int) -> None:
        super().__init__()
        self.width = width
        self.num_clusters = clusters

    @property
    def out_width(self) -> int:
        """Length of the pooled vector."""
        return self.width * self.num_clusters

    @abstractmethod
    def assign(self, x: Tensor) -> Tensor:
        """(..., D) unit frames -> (..., K) shares that sum to one."""

    @abstractmethod
    def centres(self) -> Tensor | None:
        """(K, D) what is subtracted from a frame for each cluster; None for nothing."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, K*D), of unit length."""
        x = F.normalize(x, dim=-1, eps=EPSILON)
        shares = self.assign(x)
        left, right = (x, shares) if self.feature_major else (shares, x)
        axis = 1 if self.feature_major else 2  # of the features
        sums = left.transpose(1, 2) @ right
        centres = self.centres()
        if centres is not None:
            mass = shares.sum(dim=1).unsqueeze(axis)
            sums = torch.addcmul(sums, mass, centres.T if self.feature_major else centres, value=-1)
        scale = _unit_scale(torch.linalg.vector_norm(sums, dim=axis))
        return (sums * scale.unsqueeze(axis)).flatten(1)

    def slide(self, x: Tensor, steps: int, weight: Tensor) -> Tensor:
        """The products of ``weight`` with the pooled vectors of every window of a sequence.

        Equal to pooling each window, but no pooled vector (32,768 wide as published) is formed: a
        cluster's part of a product is the windowed sum of products with single frames, and its
        length follows from products of frames with one another.

        Args:
            x: (N, D) frames.
            steps: rows of a window, at most N.
            weight: (C, K*D), of the classifier.

        Returns:
            (N - steps + 1, C).
        """
        x = F.normalize(x, dim=-1, eps=EPSILON)
        shares, scale = self._shares_and_scales(x, steps)
        project = self._frame_products(weight)
        block = max(_BLOCK_ROWS, steps)
        products: list[Tensor] = []
        carried = x.new_empty(0, self.num_clusters, len(weight))
        done = 0
        for rows, share in zip(x.split(block), shares.split(block), strict=True):
            terms = torch.cat((carried, project(rows) * share[:, :, None]))
            sums = sliding_sum(terms, steps)
            products.append((scale[done : done + len(sums), None] @ sums)[:, 0])
            carried = terms[len(sums) :]
            done += len(sums)
        return torch.cat(products)

    def _frame_products(self, weight: Tensor) -> Callable[[Tensor], Tensor]:
        """(N, D) -> (N, K, C): the classifier's products with a frame's part of each cluster."""
        if self.feature_major:
            by_cluster = weight.view(-1, self.width, self.num_clusters).permute(2, 1, 0)
        else:
            by_cluster = weight.view(-1, self.num_clusters, self.width).permute(1, 2, 0)
        clusters, width, classes = by_cluster.shape
        projection = by_cluster.transpose(0, 1).reshape(width, clusters * classes)
        centres = self.centres()
        if centres is None:
            return lambda rows: (rows @ projection).view(-1, clusters, classes)
        offsets = (centres[:, None] @ by_cluster)[:, 0]
        return lambda rows: (rows @ projection).view(-1, clusters, classes).sub_(offsets)

    def _shares_and_scales(self, x: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """(N, K) assignments, and (windows, K) what both normalisations multiply a cluster by.

        In double precision, because lengths come from differences of squares.
        """
        shares = self.assign(x)
        exact, weights = x.double(), shares.double()
        energy = sliding_energy(exact, weights, steps)
        centres = self.centres()
        if centres is not None:
            centres = centres.double()
            mass = sliding_sum(weights, steps)
            towards = sliding_sum(weights * (exact @ centres.T), steps)
            energy += mass * (mass * centres.square().sum(dim=1) - 2 * towards)
        return shares, _unit_scale(energy.clamp_min(0).sqrt()).to(x.dtype)


def _unit_scale(lengths: Tensor) -> Tensor:
    """(..., K) lengths of clusters -> (..., K) factors that make each of length one, then all of
    them together."""
    scale = 1 / lengths.clamp_min(EPSILON)
    whole = torch.linalg.vector_norm(lengths * scale, dim=-1, keepdim=True)
    return scale / whole.clamp_min(EPSILON)


class ConvVLAD(VLAD):
    """Clusters by a 1x1 convolution without bias; free centroids; runs through features first."""

    feature_major = False

    def __init__(self, width: int, clusters: int) -> None:
        super().__init__(width, clusters)
        self.conv = nn.Conv2d(width, clusters, kernel_size=1, bias=False)
        self.centroids = nn.Parameter(torch.rand(clusters, width))

    def assign(self, x: Tensor) -> Tensor:
        return F.linear(x, self.conv.weight.flatten(1)).softmax(dim=-1)

    def centres(self) -> Tensor:
        return self.centroids


class NetRVLAD(VLAD):
    """Clusters by a matrix; frames are summed as they are. Runs through the clusters first."""

    feature_major = True

    def __init__(self, width: int, clusters: int) -> None:
        super().__init__(width, clusters)
        self.clusters = nn.Parameter(torch.randn(width, clusters) / width**0.5)

    def assign(self, x: Tensor) -> Tensor:
        return (x @ self.clusters).softmax(dim=-1)

    def centres(self) -> Tensor | None:
        return None


class NetVLAD(NetRVLAD):
    """``NetRVLAD`` of what is left of frames beside each cluster's own centre."""

    def __init__(self, width: int, clusters: int) -> None:
        super().__init__(width, clusters)
        self.clusters2 = nn.Parameter(torch.randn(1, width, clusters) / width**0.5)

    def centres(self) -> Tensor:
        return self.clusters2[0].T
