"""A half through CALF with calibration: each branch sees every step once, before clips overlap."""

from collections.abc import Mapping

import torch
from torch import Tensor

from touchline.datasets.features import MAIN, Stream
from touchline.models.calibration import CalibrationCALF
from touchline.models.parts.capsules import CapsuleOutput
from touchline.scores import FloatArray
from touchline.spotting.scorers.calf import (
    ReadClips,
    Steps,
    clip_rows,
    reduce_half,
    score_clips,
    segment_clips,
)
from touchline.spotting.scorers.rows import rows_on

STEPS_AT_ONCE = 256


def score(network: CalibrationCALF, streams: Mapping[str, Stream]) -> FloatArray:
    """What the network spots in a half.

    Args:
        network: in evaluation mode.
        streams: ``features``, and the one that ``network.config.stream`` names, at the same rate.

    Returns:
        (steps, classes) confidences; 0 where nothing was spotted.
    """
    return score_clips(network.config, streams[MAIN].steps, _clip_reader(network, streams))


def segment(network: CalibrationCALF, streams: Mapping[str, Stream]) -> FloatArray:
    """How near an action of each class is, as the network's segmentation has it.

    Args:
        network, streams: as for ``score``.

    Returns:
        (steps, classes) from 0 to 1; high near an action, whatever the network's polarity.
    """
    return segment_clips(network.config, streams[MAIN].steps, _clip_reader(network, streams))


def _clip_reader(network: CalibrationCALF, streams: Mapping[str, Stream]) -> ReadClips:
    steps = streams[MAIN].steps
    reduced = reduce_half(network, streams[MAIN])
    seen = _see_half(network, streams[network.config.stream], steps)

    def read(starts: Steps) -> CapsuleOutput:
        rows = torch.from_numpy(clip_rows(starts, steps, network.config)).to(seen.device)
        clips = (half[:, rows].transpose(0, 1) for half in (reduced, seen))
        return network.decode(network.encode(*clips))

    return read


def _see_half(network: CalibrationCALF, players: Stream, steps: int) -> Tensor:
    """(C, steps) every step of a half through the part of the player branch that sees one."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        parts = [
            network.see(rows[None])[0]
            for rows in rows_on(device, players, STEPS_AT_ONCE, steps=steps)
        ]
    return torch.cat(parts, dim=1)
