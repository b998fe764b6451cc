"""What every extractor does: a video in, rows of features out, at constant memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

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
    """

    first_seconds: float
    stopped_at_seconds: float | None = None


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
