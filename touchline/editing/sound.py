"""The sound of a reel: that of its clips, cut to the sample and faded; music; loudness."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from touchline.editing.finish import Finish
from touchline.media.audio import heard_channels, read_audio
from touchline.media.mastering import Mixer, loudness_of
from touchline.media.sound_track import LAYOUTS
from touchline.media.video import VideoInfo
from touchline.scores import FloatArray

AUDIO_RATE = 48_000

FADE_SECONDS = 0.08
"""Duration of the fade at both ends of a clip's sound."""


def channels_of(infos: Sequence[VideoInfo], track: int | None = None) -> int:
    """How many channels a reel of these videos has: 6 where one has 5.1 or more, else 2.

    Raises:
        MediaError: a video cannot be read.
    """
    most = max((heard_channels(info.path, track) for info in infos if info.has_audio), default=2)
    return max(count for count in LAYOUTS if count <= max(most, 2))


def clip_sound(
    info: VideoInfo,
    start_seconds: float | Fraction,
    samples: int,
    track: int | None = None,
    channels: int = 2,
) -> Iterator[FloatArray]:
    """Exactly ``samples`` samples (n, channels) from a time on, faded at both ends.

    After the end of the file's sound there is silence.

    Raises:
        MediaError: the sound cannot be read.
    """
    fade = int(FADE_SECONDS * AUDIO_RATE)
    sent = 0
    if info.has_audio:
        sound = read_audio(
            info.path,
            AUDIO_RATE,
            start_seconds=start_seconds,
            end_seconds=start_seconds + Fraction(samples, AUDIO_RATE),
            channels=channels,
            track=track,
        )
        for chunk in sound:
            chunk = chunk[: samples - sent]
            at = sent + np.arange(len(chunk))
            gain = np.minimum(np.minimum(at, samples - 1 - at) / fade, 1.0)
            yield (chunk * gain[:, None]).astype(np.float32)
            sent += len(chunk)
    if sent < samples:
        yield np.zeros((samples - sent, channels), np.float32)


MUSIC_LUFS = -27.0
"""Loudness of the music where nothing else is heard."""

_MUSIC_FADE_SECONDS = 2.0
_MUSIC_MEASURED_SECONDS = 60


@dataclass(frozen=True)
class HeardClip:
    """A stretch of the sound of a video."""

    info: VideoInfo
    start: Fraction
    seconds: Fraction


class ReelSound:
    """The sound of a reel, clip after clip, with music and at the loudness that is asked for.

    Args:
        clips: all that is heard; how long each is may differ a little in the end.
        rest_seconds: how much longer the picture is.

    Raises:
        MediaError: the music cannot be read.
    """

    def __init__(
        self,
        clips: Sequence[HeardClip],
        finish: Finish,
        *,
        track: int | None = None,
        rest_seconds: float = 0.0,
    ) -> None:
        self._clips = clips
        self._track = track
        self.channels = channels_of([clip.info for clip in clips], track)
        self._seconds = float(sum(clip.seconds for clip in clips)) + rest_seconds
        self._finish = finish
        self._mixer: Mixer | None = None
        if finish.music is not None or finish.loudness is not None:
            self._mixer = Mixer(AUDIO_RATE, self.channels, self._gain(), self._music())

    def of(self, number: int, start: Fraction, samples: int) -> Iterator[FloatArray]:
        """The sound of a clip; some of it may come with a later one."""
        blocks = self._clip(number, start, samples)
        return blocks if self._mixer is None else chain.from_iterable(map(self._mixer.mix, blocks))

    def silence(self, samples: int) -> Iterator[FloatArray]:
        """What is heard where no clip is: the music, if any."""
        block = np.zeros((samples, self.channels), np.float32)
        return iter([block]) if self._mixer is None else self._mixer.mix(block)

    def finish(self) -> Iterator[FloatArray]:
        """What is left at the end."""
        return iter(()) if self._mixer is None else self._mixer.finish()

    def _clip(self, number: int, start: Fraction, samples: int) -> Iterator[FloatArray]:
        info = self._clips[number].info
        return clip_sound(info, start, samples, self._track, self.channels)

    def _gain(self) -> float | None:
        """Decibels that bring the whole reel to the loudness asked for; two passes, so that all
        of it is turned up or down alike."""
        if self._finish.loudness is None:
            return None
        mixer = Mixer(AUDIO_RATE, self.channels, None, self._music())
        heard = (
            block
            for number, clip in enumerate(self._clips)
            for block in self._clip(number, clip.start, round(clip.seconds * AUDIO_RATE))
        )
        mixed = chain(chain.from_iterable(map(mixer.mix, heard)), mixer.finish())
        measured = loudness_of(mixed, AUDIO_RATE, self.channels)
        return 0.0 if measured is None else self._finish.loudness - measured

    def _music(self) -> Iterable[FloatArray] | None:
        if self._finish.music is None:
            return None
        return _music_bed(self._finish.music, self.channels, self._seconds)


def _music_bed(path: Path, channels: int, seconds: float) -> Iterator[FloatArray]:
    """Music over and over until the end of the reel, where it fades."""
    measured = loudness_of(
        read_audio(path, AUDIO_RATE, end_seconds=_MUSIC_MEASURED_SECONDS, channels=channels),
        AUDIO_RATE,
        channels,
    )
    if measured is None:
        return
    gain = 10 ** ((MUSIC_LUFS - measured) / 20)
    fade, end, at = _MUSIC_FADE_SECONDS * AUDIO_RATE, round(seconds * AUDIO_RATE), 0
    while at < end:
        for block in read_audio(path, AUDIO_RATE, channels=channels):
            left = np.clip((end - at - np.arange(len(block))) / fade, 0, 1)
            yield (block * (gain * left)[:, None]).astype(np.float32)
            at += len(block)
            if at >= end:
                return
