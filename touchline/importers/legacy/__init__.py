"""Readers of published checkpoints, one per origin; nothing in them is executed."""

from touchline.importers.legacy import (
    astra,
    calf,
    calibration,
    comedian,
    e2e_spot,
    frame_stacking,
    opensportslib,
    pooling,
    spivak,
    tdeed,
)
from touchline.importers.legacy.reader import LegacyReader

READERS: tuple[LegacyReader, ...] = (
    e2e_spot.READER,
    opensportslib.READER,
    *tdeed.READERS,
    frame_stacking.READER,
    comedian.READER,
    *spivak.READERS,
    *astra.READERS,
    *calf.READERS,
    *calibration.READERS,
    *pooling.READERS,
)
"""Tried in this order; the first that recognises a checkpoint reads it."""
