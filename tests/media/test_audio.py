"""Sample n of the sound is what is heard n/rate seconds after the first frame is shown."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numbered_clips import Clips, numbered

from touchline.errors import MediaError
from touchline.media.audio import read_audio

RATE = 16000
BLOCK = 1024


def clicks(seconds: float, every: float = 1.0, rate: int = 48000) -> np.ndarray:
    """Sound with a short burst at each multiple of ``every``, from ``every`` on."""
    sound = np.zeros(round(seconds * rate), np.float32)
    for at in np.arange(every, seconds, every):
        sound[round(at * rate) : round(at * rate) + 240] = 0.7
    return sound


def onsets(sound: np.ndarray, rate: int = RATE) -> list[float]:
    """Seconds at which bursts begin."""
    loud = np.abs(sound) > 0.3
    starts = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    kept = [s for i, s in enumerate(starts) if i == 0 or s - starts[i - 1] > rate // 20]
    return [start / rate for start in kept]


def write_av(
    path: Path,
    sound: np.ndarray,
    *,
    seconds: float = 6.0,
    video_starts: float = 0.0,
    sound_starts: float = 0.0,
    layout: str = "mono",
    codec: str = "pcm_s16le",
    shifts: Sequence[float] | None = None,
    left_out: range = range(0),
) -> Path:
    """A file of 25 fps picture and 48 kHz sound; ``shifts`` moves the stamps of its blocks."""
    channels = 1 if sound.ndim == 1 else sound.shape[1]
    container_options = {"avoid_negative_ts": "disabled"}
    with av.open(str(path), "w", options=container_options) as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height = 128, 96
        video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream(codec, rate=48000, layout=layout)
        audio.codec_context.time_base = Fraction(1, 48000)
        audio_format = audio.codec_context.format.name
        for index in range(round(seconds * 25)):
            frame = av.VideoFrame.from_ndarray(numbered(index), format="rgb24")
            frame.pts, frame.time_base = round(1000 * video_starts) + index * 40, Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for number, start in enumerate(range(0, len(sound), BLOCK)):
            block = sound[start : start + BLOCK].reshape(-1, channels)
            packed = np.ascontiguousarray(block.T if audio_format == "fltp" else block)
            if audio_format == "s16":
                packed = (packed.reshape(1, -1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(packed, audio_format, layout)
            frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
            shift = shifts[number] if shifts is not None else 0.0
            frame.pts = start + round(48000 * (sound_starts + shift))
            if number not in left_out:
                container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def read(path: Path, **options: object) -> np.ndarray:
    return np.concatenate(list(read_audio(path, RATE, **options)))


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
@pytest.mark.parametrize("delay", [0.0, 0.5, -0.25, 3.0])
def test_sound_is_on_the_clock_of_the_picture(tmp_path: Path, suffix: str, delay: float) -> None:
    path = write_av(
        tmp_path / f"clip{suffix}", clicks(6), video_starts=1.0, sound_starts=1.0 + delay
    )
    expected = [at + delay for at in range(1, 6) if at + delay >= 0]
    assert onsets(read(path)) == pytest.approx(expected, abs=0.002)


def test_a_transport_stream_that_starts_late(tmp_path: Path) -> None:
    path = write_av(
        tmp_path / "late.ts", clicks(6), video_starts=101.4, sound_starts=101.4, codec="aac"
    )
    assert onsets(read(path)) == pytest.approx([1, 2, 3, 4, 5], abs=0.03)


@pytest.mark.parametrize("start", [0.0, 0.5, 3.2, 5.99])
def test_a_range_of_sound_is_part_of_the_whole(clips: Clips, start: float) -> None:
    for name in ("pal.mp4", "pal.mkv", "pal.ts", "pal.avi", "offset.ts"):
        path, _ = clips.get(name)
        whole = read(path)
        part = read(path, start_seconds=start, end_seconds=start + 2)
        assert len(part) == 2 * RATE
        first = round(start * RATE)
        millisecond = range(-RATE // 1000, RATE // 1000 + 1)  # what Matroska rounds stamps to
        shifted = [whole[max(first + shift, 0) :][: 2 * RATE] for shift in millisecond]
        assert min(np.abs(part - other).max() for other in shifted) < 0.06


def test_gaps_are_silent_and_what_follows_stays_in_place(tmp_path: Path) -> None:
    path = write_av(tmp_path / "gap.mkv", clicks(6), left_out=range(60, 110))  # 1.28 s to 2.35 s
    sound = read(path)
    assert onsets(sound) == pytest.approx([1, 3, 4, 5], abs=0.002)
    assert np.abs(sound[round(1.3 * RATE) : round(2.3 * RATE)]).max() == 0
    assert len(sound) == pytest.approx(6 * RATE, abs=RATE // 100)


def test_overlaps_are_dropped(tmp_path: Path) -> None:
    sound = clicks(6)
    shifts = [-0.015 * min(max(i - 110, 0), 10) for i in range(len(sound) // BLOCK + 1)]
    heard = onsets(read(write_av(tmp_path / "overlap.mkv", sound, shifts=shifts)))
    assert heard == pytest.approx([1, 2, 2.85, 3.85, 4.85], abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_sound_keeps_within_ten_milliseconds_of_jittery_stamps(tmp_path: Path, seed: int) -> None:
    sound = clicks(60, every=0.5)
    blocks = len(sound) // BLOCK + 1
    drift = np.linspace(0, 0.5, blocks)  # a recorder whose clocks disagree
    jitter = np.random.default_rng(seed).uniform(-0.003, 0.003, blocks)
    path = write_av(tmp_path / "jitter.mkv", sound, seconds=61, shifts=list(drift + jitter))
    true = [at + float(np.interp(at, [0, 60], [0, 0.5])) for at in np.arange(0.5, 60, 0.5)]
    heard = onsets(read(path))
    assert len(heard) == len(true)
    assert np.abs(np.array(heard) - true).max() < 0.015


def test_channels_are_averaged(tmp_path: Path) -> None:
    left = clicks(3)
    both = np.stack([left, left], axis=1)
    sided = np.stack([left, np.zeros_like(left)], axis=1)
    for name, sound, peak in (("both", both, 0.7), ("sided", sided, 0.35)):
        path = write_av(tmp_path / f"{name}.mkv", sound, seconds=3, layout="stereo")
        mono = read(path)
        assert mono.ndim == 1 and mono.dtype == np.float32
        assert np.median(mono[mono > 0.2]) == pytest.approx(peak, abs=0.03)
    stereo = read(path, channels=2)
    assert stereo.shape == (len(mono), 2)
    assert np.abs(stereo[:, 0]).max() > 0.6 and np.abs(stereo[:, 1]).max() < 0.01


def test_mono_sound_is_on_both_sides_when_stereo_is_asked(tmp_path: Path) -> None:
    path = write_av(tmp_path / "mono.mkv", clicks(2), seconds=2)
    stereo = read(path, channels=2)
    assert np.array_equal(stereo[:, 0], stereo[:, 1])
    assert np.array_equal(stereo[:, 0], read(path))


def test_surround_is_mixed_down_within_range(tmp_path: Path) -> None:
    sound = np.full((3 * 48000, 6), 0.5, np.float32)
    path = write_av(tmp_path / "surround.mkv", sound, seconds=3, layout="5.1", codec="pcm_s16le")
    for channels in (1, 2):
        mixed = read(path, channels=channels)
        assert mixed[RATE : 2 * RATE].mean() == pytest.approx(0.5, abs=0.05)
        assert np.abs(mixed).max() <= 1


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_any_rate(clips: Clips, rate: int) -> None:
    sound = np.concatenate(list(read_audio(clips.get("pal.mp4")[0], rate, end_seconds=4)))
    assert len(sound) == 4 * rate
    spectrum = np.abs(np.fft.rfft(sound[rate : 3 * rate]))
    assert spectrum.argmax() / 2 == pytest.approx(440, abs=1)


def test_no_sound(clips: Clips) -> None:
    with pytest.raises(MediaError, match="has no sound"):
        read_audio(clips.get("varying.mp4")[0])


@pytest.mark.parametrize(
    "arguments",
    [{"rate": 0}, {"channels": 5}, {"start_seconds": -1}, {"start_seconds": 2, "end_seconds": 1}],
    ids=str,
)
def test_arguments_that_contradict(clips: Clips, arguments: dict) -> None:
    with pytest.raises(MediaError, match="cannot read"):
        read_audio(clips.get("pal.mp4")[0], **arguments)


def test_real_files(shared: Path) -> None:
    folder = shared / "data" / "video"
    for name, seconds in (("stadium_1080p30.mp4", 1.0), ("animation_320x240.mp4", 5.0)):
        assert len(read(folder / name)) == pytest.approx(seconds * RATE, abs=RATE // 25)
