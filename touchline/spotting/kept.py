"""What an attempt at a video has found so far, in files that a later attempt goes on from."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import touchline
from touchline.errors import FormatError
from touchline.runtime.snapshots import read_snapshot, write_snapshot
from touchline.zoo.store import sha256_of

EVERY_SECONDS = 60.0
"""Between two writings of one state."""

_MODULES = ("touchline.broadcast",)


@dataclass
class KeptWork:
    """States of the work on one video, by name; each is a file of its own.

    A state is used only with the video, by its checksum, the settings and the version of touchline
    that it was written with, and if it is whole. Of 90 minutes it holds some 15 MB of a network's
    scores, and 140 MB of a broadcast, thumbnails above all; their number is limited.

    Attributes:
        folder: of the files.
        video: what is worked on.
        every_seconds: see ``EVERY_SECONDS``.
    """

    folder: Path
    video: Path
    every_seconds: float = EVERY_SECONDS
    _written: dict[str, float] = field(default_factory=dict)
    _begun: float = field(default_factory=time.monotonic)

    def read(self, name: str, settings: str) -> Any:
        """A state; None where there is none that can be used."""
        try:
            kept = read_snapshot(self._path(name), _MODULES)
            known = kept["of"] == self._of(settings)
        except (OSError, FormatError, LookupError, TypeError):
            return None
        return kept["state"] if known else None

    def keep(self, name: str, settings: str, state: Callable[[], object]) -> None:
        """Write a state, if the last writing is long enough ago.

        Where the disk is full, the one before stays, and the work goes on.
        """
        now = time.monotonic()
        if now - self._written.get(name, self._begun) < self.every_seconds:
            return
        with suppress(OSError):
            write_snapshot(self._path(name), {"of": self._of(settings), "state": state()})
        self._written[name] = time.monotonic()

    def _path(self, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{name}.kept"

    def _of(self, settings: str) -> list[str]:
        return [self._video_sha256, settings, touchline.__version__]

    @cached_property
    def _video_sha256(self) -> str:
        return sha256_of(self.video)
