"""Several networks of the same classes as one: events are found in the mean of their curves."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from touchline.engines import EngineName, Precision
from touchline.errors import ConfigError
from touchline.events import Timeline
from touchline.runtime.progress import Progress
from touchline.spotting.spotter import NetworkSpotter, VideoSpotter, load
from touchline.spotting.timelines import DEFAULT_THRESHOLD, ScoredVideo


class AveragedSpotter:
    """Runs every network over a video, one after the other; the first one's card finds events.

    Source: ensembles of seeds, as COMEDIAN (Denize et al. 2024) averages them.
    """

    def __init__(self, spotters: Sequence[NetworkSpotter]) -> None:
        self._spotters = tuple(spotters)
        self._open = ExitStack()
        for spotter in self._spotters:
            self._open.push(spotter.__exit__)

    def __enter__(self) -> "AveragedSpotter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def check(self, video: str | Path) -> None:
        """See at once whether a video can be spotted; raises ``MediaError`` if not."""
        for spotter in self._spotters:
            spotter.check(video)

    def spot(
        self,
        video: str | Path,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        progress: Progress | None = None,
    ) -> Timeline:
        """Find the events of a video.

        Raises:
            MediaError: it cannot be read.
            ConfigError: the networks differ in classes or steps.
        """
        scored: list[ScoredVideo] = []
        for place, spotter in enumerate(self._spotters):

            def share(done: float, place: int = place) -> None:
                if progress is not None:
                    progress((place + min(done, 1.0)) / len(self._spotters))

            scored.append(spotter.score(video, progress=share))
        return self._spotters[0].timeline(_averaged(scored), threshold)


def load_averaged(
    names: Sequence[str],
    *,
    engine: EngineName = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    as_published: bool = False,
) -> VideoSpotter | AveragedSpotter:
    """Make networks ready to run as one; a single one is run as it is.

    Args:
        names: in the zoo.
        engine, precision, threads, as_published: see ``touchline.spotting.spotter.load``.

    Raises:
        InputError: see ``touchline.spotting.spotter.load``.
    """
    opened = [
        load(name, engine=engine, precision=precision, threads=threads, as_published=as_published)
        for name in names
    ]
    if len(opened) == 1:
        return opened[0]
    # Whatever has a name in the zoo is one network, whose curves can be had.
    return AveragedSpotter([cast(NetworkSpotter, spotter) for spotter in opened])


def _averaged(scored: Sequence[ScoredVideo]) -> ScoredVideo:
    first = scored[0]
    for other in scored[1:]:
        same_steps = other.scores.values.shape == first.scores.values.shape
        if other.scores.labels != first.scores.labels or not same_steps:
            raise ConfigError(
                "networks of other classes or rates cannot be averaged",
                remedy="average networks of the same kind",
            )
    values = np.stack([one.scores.values for one in scored]).mean(axis=0)
    return replace(first, scores=replace(first.scores, values=values))
