"""Rows of a half through a stage of a network, a bounded number at a time."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from touchline.datasets.features import Stream
from touchline.engines.stages import Stages
from touchline.scores import FloatArray


def rows_of(
    stream: Stream, at_once: int, *, steps: int | None = None, lead: int = 0
) -> Iterator[npt.NDArray[np.generic]]:
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
        yield stream.read(first - lead, lead + count)


def rows_through(
    network: Stages, stage: str, name: str, stream: Stream, at_once: int, steps: int | None = None
) -> FloatArray:
    """(n, ...) what a stage makes of every row; arguments as of ``rows_of``.

    Args:
        name: of the stage's input.
    """
    parts = rows_of(stream, at_once, steps=steps)
    return np.concatenate([network(stage, **{name: rows}) for rows in parts])
