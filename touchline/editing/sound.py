"""The sound of a reel: that of its clips, cut to the sample and faded."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from touchline.media.audio import heard_channels, read_audio
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
