"""Rows of a half on the device of a network, a bounded number at a time."""

from collections.abc import Iterator

import torch
from torch import Tensor

from touchline.datasets.features import Stream


def rows_on(
    device: torch.device, stream: Stream, at_once: int, *, steps: int | None = None, lead: int = 0
) -> Iterator[Tensor]:
    """Every row of a stream, in parts of at most ``at_once``, (n, ...) each.

    A half of any length passes through a network in this way; what is done to single rows is done
    before clips overlap.

    Args:
        steps: rows to read where they are more or fewer than the stream has; the last one repeats.
        lead: rows before a part that stand at its beginning, (lead + n, ...).
    """
    total = stream.steps if steps is None else steps
    for first in range(0, total, at_once):
        count = min(at_once, total - first)
        yield torch.from_numpy(stream.read(first - lead, lead + count)).to(device)
