"""ASTRA over a half: overlapping clips, each detection where its displacement points.

Xarles et al., MMSports 2023. What is done to single rows, and to single patches of the spectrogram,
is done once, before clips overlap. Sound is measured from the loudest of the half, so that a result
does not depend on which clips were computed together.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from touchline.datasets.features import MAIN, Stream
from touchline.engines.stages import Stages
from touchline.errors import ConfigError
from touchline.scores import FloatArray
from touchline.spotting.scorers.rows import rows_through

STRIDE_SECONDS = 8
"""From one clip to the next, as published."""

MIN_PROBABILITY = 0.01
"""What lies below is no detection."""

SOUND_STREAM = "log_mel"
"""Name of the stream of sound."""

MEL_RATE = 100
"""Rows of it a second."""

PATCH_STEPS = 96
"""Rows of it in a patch."""

ROWS_AT_ONCE = 512
PATCHES_AT_ONCE = 32
CLIPS_AT_ONCE = 8

Steps = npt.NDArray[np.int64]


def score(network: Stages, streams: Mapping[str, Stream]) -> FloatArray:
    """Detections of a half.

    Args:
        network: of ASTRA.
        streams: ``features``, and ``log_mel`` for a network with audio.

    Returns:
        (steps, classes) the highest probability whose displacement points to the step, or 0.

    Raises:
        ConfigError: the network takes audio, and there is none.
    """
    config = network.config
    if config.audio and SOUND_STREAM not in streams:
        raise ConfigError(
            f"the network takes audio, and the stream {SOUND_STREAM!r} is not given",
            remedy="name its files in the model's card or in data.streams",
        )
    features = streams[MAIN]
    starts = clip_starts(features.steps, config.rows, STRIDE_SECONDS * config.rows_per_second)
    seen = rows_through(network, "see", "rows", features, ROWS_AT_ONCE)
    heard = _HeardHalf(network, streams[SOUND_STREAM], starts) if config.audio else None
    detections = np.zeros((features.steps * config.steps_per_row, config.num_classes), np.float32)
    for begin in range(0, len(starts), CLIPS_AT_ONCE):
        these = starts[begin : begin + CLIPS_AT_ONCE]
        rows = np.minimum(these[:, None] + np.arange(config.rows), features.steps - 1)
        tokens = {"seen": seen[rows]} | ({} if heard is None else {"heard": heard.of(these)})
        output = network("relate", **tokens)
        probability, mean = output[..., 1:, 0], output[..., 1:, 1]
        for i, start in enumerate(these):
            _detect(detections, int(start) * config.steps_per_row, probability[i], mean[i])
    return detections


def clip_starts(rows: int, clip_rows: int, stride: int) -> Steps:
    """(n,) first rows of the clips: evenly apart, the last one at the end of the half.

    (The published code never runs the last one.) A half shorter than a clip has one, from 0.
    """
    last = max(0, rows - clip_rows)
    return np.append(np.arange(0, last, stride), last).astype(np.int64)


def _detect(
    detections: FloatArray, start: int, probability: FloatArray, displacement: FloatArray
) -> None:
    """Put a clip's output, (steps, classes), where its displacements point; the highest stays."""
    inside = len(detections) - start  # a short half ends before its clip
    steps, classes = np.nonzero(probability[:inside] > MIN_PROBABILITY)
    positions = np.rint(start + steps - displacement[steps, classes]).astype(np.int64)
    positions = np.clip(positions, 0, len(detections) - 1)
    np.maximum.at(detections, (positions, classes), probability[steps, classes])


class _HeardHalf:
    """Every patch of the spectrogram that a clip of the half holds, encoded once.

    Clips begin at whole rows of the features, so many share the places of their patches.
    """

    def __init__(self, network: Stages, sound: Stream, starts: Steps) -> None:
        self._network = network
        self._sound = sound
        self._loudest = self._find_loudest()
        self._places = np.unique(self._places_of(starts))
        self._heard = np.concatenate(
            [
                self._hear(self._places[first : first + PATCHES_AT_ONCE])
                for first in range(0, len(self._places), PATCHES_AT_ONCE)
            ]
        )

    def of(self, starts: Steps) -> FloatArray:
        """(n, patches, width) of the clips that begin at these rows of the features."""
        index = np.searchsorted(self._places, self._places_of(starts))
        return self._heard[index]

    def _places_of(self, starts: Steps) -> Steps:
        config = self._network.config
        first = starts * MEL_RATE // config.rows_per_second
        places: Steps = first[:, None] + PATCH_STEPS * np.arange(config.patches)
        return places

    def _hear(self, places: Steps) -> FloatArray:
        first = int(places[0])
        rows = self._sound.read(first, int(places[-1]) - first + PATCH_STEPS)
        patches = rows[(places - first)[:, None] + np.arange(PATCH_STEPS)]
        return self._network("hear", patches=patches, loudest=self._loudest)

    def _find_loudest(self) -> FloatArray:
        step = 100 * PATCH_STEPS
        loudest = max(
            float(self._sound.read(first, min(step, self._sound.steps - first)).max())
            for first in range(0, self._sound.steps, step)
        )
        return np.array([loudest], np.float32)
