"""VGGish on the audio of a video, in its two published variants."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from touchline.engines.features import INPUTS_AT_ONCE
from touchline.features.extractor import (
    DEFAULT_PLACEMENT,
    Extraction,
    NetworkExtractor,
    Placement,
    Write,
)
from touchline.features.sound import check_rate, describe_sound
from touchline.features.spectra import (
    FRAME_SAMPLES,
    HOP_SAMPLES,
    MEL_BANDS,
    SAMPLE_RATE,
    Floats,
    log_mel,
)
from touchline.runtime.progress import Progress
from touchline.timebase import format_rate
from touchline.zoo.extractors import ExtractorFolder
from touchline.zoo.identity import FeatureIdentity


@dataclass(frozen=True)
class SoundMap:
    """A variant of VGGish: which layer gives the rows, and their spacing.

    Attributes:
        name: name of the extractor.
        suffix: suffix of its files.
        graph: output of the network.
        steps: 10 ms steps from one row to the next.
        used_steps: how many of these steps the network reads.
    """

    name: str
    suffix: str
    graph: str
    steps: int
    used_steps: int

    @property
    def rate(self) -> Fraction:
        """Rows a second."""
        return Fraction(SAMPLE_RATE, HOP_SAMPLES * self.steps)

    @property
    def silence_after(self) -> int:
        """Samples of silence needed to complete the frames that begin in the last row."""
        if self.used_steps == self.steps:
            return 0  # the published front end drops the incomplete tail
        return FRAME_SAMPLES - HOP_SAMPLES

    @property
    def centre_seconds(self) -> float:
        """The centre of the interval that row 0 covers."""
        if self.used_steps == self.steps:
            return ((self.steps - 1) * HOP_SAMPLES + FRAME_SAMPLES) / SAMPLE_RATE / 2
        return float(1 / self.rate / 2)


EMBEDDING = SoundMap("vggish", "VGGish_096", "features", 96, 96)
"""The AudioSet embedding: 128 numbers every 0.96 seconds."""

HALF_SECONDS = SoundMap("vggish-half-second", "VGGish", "half_seconds", 50, 46)
"""Vanderplaetse and Dupont: 512 numbers every half second."""


class VGGishSound(NetworkExtractor):
    """VGGish as an ``Extractor``.

    Raises:
        ConfigError: a rate other than the variant's own.
    """

    def __init__(
        self,
        folder: ExtractorFolder,
        sound_map: SoundMap,
        rate: Fraction | None = None,
        placement: Placement = DEFAULT_PLACEMENT,
    ) -> None:
        check_rate(sound_map.name, rate, sound_map.rate)
        identity = FeatureIdentity(
            name=sound_map.name, weights=folder.weights_digest, rate=format_rate(sound_map.rate)
        )
        super().__init__(folder, identity, sound_map.suffix, placement)
        self.graph = sound_map.graph
        self._map = sound_map

    def extract(self, source: Path, write: Write, progress: Progress) -> Extraction:
        """See ``Extractor``."""
        describe_sound(
            source,
            INPUTS_AT_ONCE * self._map.steps,
            lambda frames: self.network(examples(frames, self._map)),
            write,
            progress,
            silence_after=self._map.silence_after,
        )
        return Extraction(self._map.centre_seconds)


def examples(frames: Floats, sound_map: SoundMap = EMBEDDING) -> Floats:
    """The log-mel input of the network.

    Args:
        frames: (n, 400) audio frames; an incomplete row at the end is left out.

    Returns:
        (n // steps, used_steps, 64).
    """
    count = len(frames) // sound_map.steps
    mel = log_mel(frames[: count * sound_map.steps])
    return mel.reshape(count, sound_map.steps, MEL_BANDS)[:, : sound_map.used_steps]
