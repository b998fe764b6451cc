"""How networks of pictures pass over a video, where that is not by windows of frames: each in a
file of its own, named by its row in ``touchline.systems``. Needs no PyTorch."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from touchline.scores import FloatArray
from touchline.systems import load_part, row_of

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Curve:
    """What a passage finds.

    Attributes:
        values: (steps, classes), background left out.
        remarks: what whoever reads the events should know.
    """

    values: FloatArray
    remarks: tuple[str, ...] = ()


class SharedFrames(Protocol):
    """What a passage needs of an ``Engine`` whose pictures are independent of each other."""

    def features(self, frames: Pixels, /) -> FloatArray:
        """See ``Engine.features``."""
        ...

    def head(self, features: FloatArray, valid: FloatArray, /) -> FloatArray:
        """See ``Engine.head``."""
        ...


class Passage(Protocol):
    """Runs a network over the frames of a video; made of the network's configuration."""

    def curve(
        self, frames: Iterable[Pixels], network: SharedFrames, show: Callable[[], None]
    ) -> Curve:
        """The scores of a video, without steps where there is not a single frame.

        Args:
            frames: (H, W, C) each, those that the row of the system asks for, in order of time.
            network: where it runs.
            show: called whenever it has come further.
        """
        ...


MakePassage = Callable[[Mapping[str, Any]], Passage]


def passage_of(system: str, config: Mapping[str, Any]) -> Passage | None:
    """How networks of a system pass over a video; None for windows of frames.

    Args:
        config: of the network, as its card holds it.
    """
    reference = row_of(system).passage
    if reference is None:
        return None
    make: MakePassage = load_part(reference)
    return make(config)


def sigmoid(logits: FloatArray) -> FloatArray:
    """Probabilities of classes that are scored by themselves."""
    powers: FloatArray = np.exp(-np.abs(logits))
    smaller = powers / (1 + powers)
    return np.where(logits >= 0, 1 - smaller, smaller)


def until(frames: Iterable[Pixels], fewest: int) -> Iterator[Pixels]:
    """The frames; where there are fewer than wanted, the last one again and again."""
    count = 0
    last: Pixels | None = None
    for last in frames:
        count += 1
        yield last
    while last is not None and count < fewest:
        count += 1
        yield last
