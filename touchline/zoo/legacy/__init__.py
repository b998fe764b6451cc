"""Readers of published checkpoints, one per origin; nothing in them is executed."""

from touchline.zoo.legacy import calf, calibration, e2e_spot, opensportslib
from touchline.zoo.legacy.reader import LegacyReader

READERS: tuple[LegacyReader, ...] = (
    e2e_spot.READER,
    opensportslib.READER,
    *calf.READERS,
    *calibration.READERS,
)
"""Asked in this order; the first that recognises a checkpoint reads it."""
