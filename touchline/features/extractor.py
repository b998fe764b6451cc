"""The extractor interface: a video in, rows of features out, in constant memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from touchline.engines import EngineName, FloatPrecision
from touchline.engines.features import FeatureNetwork, open_feature_network
from touchline.runtime.progress import Progress
from touchline.zoo.extractors import ExtractorFolder
from touchline.zoo.identity import FeatureIdentity

Rows = npt.NDArray[np.float32]
Write = Callable[[Rows], None]
"""Called with the next rows, (n, dims)."""


@dataclass(frozen=True)
class Extraction:
    """The result of an extraction, other than the rows.

    Attributes:
        first_seconds: time of row 0, from the first frame shown; for sound, the centre of the
            interval that the row covers.
        stopped_at_seconds: where reading stopped because the file is damaged; else None.
        beside: texts of additional files to write, by the part of their names after ``1_``.
    """

    first_seconds: float
    stopped_at_seconds: float | None = None
    beside: Mapping[str, str] = field(default_factory=dict)


class Extractor(Protocol):
    """Turns videos into features.

    Attributes:
        identity: everything that determines its output.
        suffix: its part of a file name: ``1_<suffix>.npy``.
        engine: description of the engine that computes. Reading it, or extracting the first
            video, loads the network.
    """

    identity: FeatureIdentity
    suffix: str

    @property
    def engine(self) -> str: ...

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """Extract the features of a video, block by block.

        Raises:
            MediaError: it cannot be read, or lacks the required video or audio stream.
        """
        ...

    def close(self) -> None:
        """Release memory and threads."""
        ...


@dataclass(frozen=True)
class Placement:
    """Where and how a network runs.

    Attributes:
        engine: ``auto``, ``openvino`` or ``torch``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        threads: maximum number of CPU threads; None for all.
    """

    engine: EngineName = "auto"
    precision: FloatPrecision = "auto"
    threads: int | None = None


DEFAULT_PLACEMENT = Placement()


class NetworkExtractor:
    """Base of the extractors that run a network."""

    graph = "features"

    def __init__(
        self, folder: ExtractorFolder, identity: FeatureIdentity, suffix: str, placement: Placement
    ) -> None:
        self.folder = folder
        self.identity = identity
        self.suffix = suffix
        self.placement = placement

    @cached_property
    def network(self) -> FeatureNetwork:
        """The network, opened when it is first used."""
        return open_feature_network(
            self.folder,
            self.graph,
            engine=self.placement.engine,
            precision=self.placement.precision,
            threads=self.placement.threads,
        )

    @property
    def engine(self) -> str:
        """See ``Extractor``."""
        return self.network.name

    def close(self) -> None:
        """See ``Extractor``."""
