"""What every extractor does: a video in, rows of features out, at constant memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from touchline.engines import EngineName, Precision
from touchline.engines.features import FeatureNetwork, open_feature_network
from touchline.zoo.extractors import ExtractorFolder
from touchline.zoo.identity import FeatureIdentity

Rows = npt.NDArray[np.float32]
Write = Callable[[Rows], None]
"""Takes the next rows, (n, dims)."""

Report = Callable[[float], None]
"""Called with the share of the video done, 0 to 1."""


@dataclass(frozen=True)
class Extracted:
    """What became known while features were extracted.

    Attributes:
        first_seconds: what moment of the video row 0 shows, from the first frame shown; the
            centre of the stretch that it covers for sound.
        stopped_at_seconds: where reading ended early because the file is damaged; else None.
        beside: texts of further files to write, by how their names go on after ``1_``.
    """

    first_seconds: float
    stopped_at_seconds: float | None = None
    beside: Mapping[str, str] = field(default_factory=dict)


class Extractor(Protocol):
    """Something that turns videos into features.

    Attributes:
        identity: what decides its numbers.
        suffix: its part of a file's name: ``1_<suffix>.npy``.
        engine: what computes, in words. Networks are made ready when it is first asked for, or
            with the first video.
    """

    identity: FeatureIdentity
    suffix: str

    @property
    def engine(self) -> str: ...

    def extract(self, source: Path, write: Write, report: Report) -> Extracted:
        """Hand on the features of a video, block by block.

        Raises:
            MediaError: it cannot be read, or lacks the picture or sound that is needed.
        """
        ...

    def close(self) -> None:
        """Let go of memory and threads."""
        ...


@dataclass(frozen=True)
class Placement:
    """Where and how a network computes.

    Attributes:
        engine: ``auto``, ``openvino`` or ``torch``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        threads: processor threads at most; all by default.
    """

    engine: EngineName = "auto"
    precision: Precision = "auto"
    threads: int | None = None


DEFAULT_PLACEMENT = Placement()


class NetworkExtractor:
    """What extractors with a network of their own have in common."""

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
        """Opened when it is first needed."""
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
