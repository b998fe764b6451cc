"""A half through CALF with calibration: each branch sees every step once, before clips overlap."""

from collections.abc import Mapping

from touchline.datasets.features import MAIN, Stream
from touchline.engines.stages import Stages
from touchline.scores import FloatArray
from touchline.spotting.scorers.calf import (
    ReadClips,
    Steps,
    clip_rows,
    parts_of,
    reduce_half,
    score_clips,
    segment_clips,
)
from touchline.spotting.scorers.rows import rows_through

STEPS_AT_ONCE = 256


def score(network: Stages, streams: Mapping[str, Stream]) -> FloatArray:
    """What the network spots in a half.

    Args:
        network: of CALF with calibration.
        streams: ``features``, and the one that ``network.config.stream`` names, at the same rate.

    Returns:
        (steps, classes) confidences; 0 where nothing was spotted.
    """
    return score_clips(network.config, streams[MAIN].steps, _clip_reader(network, streams))


def segment(network: Stages, streams: Mapping[str, Stream]) -> FloatArray:
    """How near an action of each class is, as the network's segmentation has it.

    Args:
        network, streams: as for ``score``.

    Returns:
        (steps, classes) from 0 to 1; high near an action, whatever the network's polarity.
    """
    return segment_clips(network.config, streams[MAIN].steps, _clip_reader(network, streams))


def _clip_reader(network: Stages, streams: Mapping[str, Stream]) -> ReadClips:
    config, steps = network.config, streams[MAIN].steps
    players = streams[config.stream]
    halves = {"seen": rows_through(network, "see", "players", players, STEPS_AT_ONCE, steps)}
    if config.with_features:
        halves = {"reduced": reduce_half(network, streams[MAIN]), **halves}

    def read(starts: Steps) -> tuple[FloatArray, FloatArray]:
        rows = clip_rows(starts, steps, config)
        output = network("read", **{name: half[rows] for name, half in halves.items()})
        return parts_of(output, config)

    return read
