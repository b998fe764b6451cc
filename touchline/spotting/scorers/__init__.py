"""Whole halves and videos through their networks, each in its own way.

Halves of features need no PyTorch, where the network runs without; videos do.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from touchline.datasets.features import Stream
from touchline.datasets.frames import VideoFrames
from touchline.engines.stages import Stages
from touchline.errors import ConfigError
from touchline.scores import FloatArray
from touchline.spotting.windows import Decode, decoder, softmax
from touchline.systems import SYSTEMS, load_part

ScoreHalf = Callable[[Stages, Mapping[str, Stream]], FloatArray]
"""Scores a half: the network, run stage by stage, and the half's streams to (steps, classes)
float32, on the steps of the system's output (of which a row of features may have several, see
``touchline.systems.steps_per_row``). Background is left out; high means action, always; systems
that emit detections leave every other cell 0."""


class ScoreVideo(Protocol):
    """Scores a video, as ``ScoreHalf`` does a half."""

    def __call__(
        self,
        network: Any,
        frames: VideoFrames,
        *,
        overlap: int = 0,
        crop: int | None = None,
        decode: Decode = softmax,
    ) -> FloatArray:
        """(steps, classes) float32, background left out; twice as many columns where every class
        has a left and a right side.

        Args:
            network: in evaluation mode, on any device.
            frames: at the rate and size that the network takes.
            overlap: frames that windows share.
            crop: side of the centred square cut out of every frame.
            decode: makes scores of the network's outputs for a window.
        """
        ...


def video_scorer(system: str) -> ScoreVideo:
    """The scorer of a system that reads video, with the system's own decoding or passage."""
    assert SYSTEMS[system].reads == "video"
    scorer = load_part(str(SYSTEMS[system].scorer))
    if (passage := SYSTEMS[system].passage) is not None:
        return partial(scorer, passage=load_part(passage))
    return partial(scorer, decode=decoder(system))


def half_scorer(system: str) -> ScoreHalf:
    """The scorer of a system that reads features.

    Raises:
        ConfigError: the system is not known, reads video, or does not spot.
    """
    known = {name: row for name, row in SYSTEMS.items() if row.scorer and row.reads == "features"}
    if system not in known:
        raise ConfigError(
            f"a network of system {system} does not spot features",
            remedy=f"systems that do: {', '.join(known)}",
        )
    scorer: ScoreHalf = load_part(str(known[system].scorer))
    return scorer
