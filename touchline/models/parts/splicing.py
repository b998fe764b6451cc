"""Networks that shift in time, over windows that overlap: what windows share is computed once.

A block hands every frame something of the frames up to ``reach`` away, and zeros for those beyond
a border of the window. So what a window has made of a frame differs from what another window has
made of it only near a border of either: after k blocks, up to ``k * reach`` frames from it.

After k blocks, with R = k * reach, a window of c frames that shares o frames with the one before it
needs two parts only, and has the frames between them from before:

    |0 ... R|.................|o - R ... o| new frames ... c|

The input of a block is both parts, one behind the other, and between them as many frames of before
as it takes to make both longer: twice ``reach`` at either side of the gap. These rows pass a block
as if they were a window. Of its output, twice ``reach`` rows where the parts meet are of no use.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from touchline.models.parts.picture_network import Backbone
from touchline.models.parts.shift import take_one_clip

RANGES = 3
"""Of rows that a window keeps."""


class Splice(nn.Module):
    """Where rows of windows before go in.

    Args:
        before: rows of the first part.
        reach: of a block.

    Attributes:
        cached: (4 * reach, ...), or (gap, ...) to close the gap; none of them, or None, where the
            rows are those of a whole window.
        keep: (``RANGES``, 2) int64, where ranges of rows that later windows take begin and end.
        kept: (M, ...) these rows, once a window has passed.
    """

    cached: Tensor | None
    keep: Tensor
    kept: Tensor

    def __init__(self, before: int, reach: int) -> None:
        super().__init__()
        self.before, self.reach = before, reach

    def forward(self, rows: Tensor) -> Tensor:
        """(N, ...), with ``cached`` in place of the rows of no use."""
        self.kept = torch.cat([rows[first:last] for first, last in self.keep])
        if self.cached is None:
            return rows
        # As a tensor, so that an exported graph does it for any number of rows.
        useless = torch.as_tensor(self.cached.shape[0]).clamp(max=2 * self.reach)
        return torch.cat((rows[: self.before], self.cached, rows[self.before + useless :]))


class SplicedNetwork(nn.Module):
    """A picture network whose blocks shift in time, on rows of one window.

    Args:
        network: is changed.
        backbone: where its blocks are.
        reach: of a block, see ``touchline.models.parts.shift.REACH``.
        overlap: fewest frames that windows share.

    Attributes:
        splices: from the input on; the last one closes the gap, for blocks behind it to see whole
            windows. None where so small an overlap is not worth it.
    """

    def __init__(self, network: nn.Module, backbone: Backbone, reach: int, overlap: int) -> None:
        super().__init__()
        stages = [network.get_submodule(name) for name in backbone.stages]
        places = [(stage, name) for stage in stages for name, _ in stage.named_children()]
        shared = shared_blocks(len(places), reach, overlap)
        splices = [Splice(block * reach, reach) for block in range(1, shared + 1)]
        for index, (stage, name) in enumerate(places):
            block = stage.get_submodule(name)
            take_one_clip(block)
            if 1 <= index <= shared:
                setattr(stage, name, nn.Sequential(splices[index - 1], block))
        self.network = network
        self.splices = splices
        self._last = splices[-1] if shared == len(places) else nn.Identity()

    def forward(
        self, pictures: Tensor, cached: Sequence[Tensor | None], keep: Sequence[Tensor]
    ) -> tuple[Tensor, ...]:
        """Features of a window, and rows that later windows take.

        Args:
            pictures: (N, C, H, W): the first ``2 * reach`` frames of the window, the last
                ``2 * reach`` of those that it shares, and its new ones; or all of its frames, with
                ``cached`` of no rows.
            cached, keep: for each splice, see there.

        Returns:
            (clip, D), then ``kept`` of each splice.
        """
        for splice, rows, indices in zip(self.splices, cached, keep, strict=True):
            splice.cached, splice.keep = rows, indices
        features = self._last(self.network(pictures))
        return features, *(splice.kept for splice in self.splices)


def shared_blocks(blocks: int, reach: int, overlap: int) -> int:
    """How many blocks pass fewer rows than a window has, where windows share ``overlap`` frames."""
    return max(0, min(blocks, overlap // (2 * reach) - 1))
