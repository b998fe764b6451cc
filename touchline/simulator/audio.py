"""The sound of a half: crowd, whistles, ball strikes and a commentator, streamed from the script.

Sound is live. A replay shows the past, but what is heard is the present; so the whistle for a
foul that no camera showed is still there. Nothing is delayed by distance: whistles and strikes
begin on the sample of their action.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from touchline.simulator import crowd
from touchline.simulator.author import excitement
from touchline.simulator.presentation import CLASSIC, Presentation
from touchline.simulator.production import produce
from touchline.simulator.script import PITCH_WIDTH, Action, HalfScript, Line, MatchScript

Samples = npt.NDArray[np.float32]

CONTROL_RATE = 50
"""Steps a second at which the crowd's loudness is decided."""

BLOCK_STEPS = 60
"""Control steps per chunk of sound."""

TAIL_STEPS = 4
"""Control steps that a crowd filter rings on; with the block, a length quick to transform."""

_NEAR_MICROPHONE = 1.7
"""How much louder the broadcast look has its commentator."""

_STRIKES_HEARD = 0.35
"""Share of the strikes that the broadcast look lets hear."""

BANDS = {
    "rumble": ((60, 0.0), (110, 1.0), (220, 0.7), (400, 0.0)),
    "murmur": ((150, 0.0), (350, 1.0), (700, 0.9), (1400, 0.25), (2600, 0.0)),
    "ooh": ((220, 0.0), (330, 1.0), (480, 0.35), (760, 0.9), (1050, 0.0)),
    "cheer": ((450, 0.0), (800, 0.8), (1250, 1.0), (2400, 0.5), (4200, 0.0)),
    "air": ((1800, 0.0), (3000, 0.6), (5200, 1.0), (9000, 0.3), (12000, 0.0)),
}
"""What the crowd's noise is made of: (hertz, gain) corners of each band's response."""

STRIKES = {
    "pass": 0.16,
    "kick-off": 0.16,
    "drive": 0.06,
    "high-pass": 0.5,
    "cross": 0.55,
    "corner": 0.6,
    "goal-kick": 0.75,
    "clearance": 0.7,
    "indirect-free-kick": 0.4,
    "direct-free-kick": 0.85,
    "shot": 1.0,
    "penalty": 1.0,
    "header": 0.22,
    "headed-shot": 0.3,
    "block": 0.3,
    "save": 0.35,
    "tackle": 0.25,
}
"""How hard the ball is struck by each kind of action; other kinds are silent."""


def render_audio(
    script: MatchScript,
    half: HalfScript,
    rate: int = 48000,
    presentation: Presentation = CLASSIC,
) -> Iterator[Samples]:
    """The sound of a half, in chunks of a second or so.

    Args:
        rate: samples a second, at least 8000.
        presentation: how the match is put on air; the classic look has a telling crowd.

    Yields:
        float32 (n,) mono within [-1, 1]; together ``round(half.seconds * rate)`` samples.
    """
    seed = (script.clutter_seed, half.number)
    hop = rate // CONTROL_RATE
    total = round(half.seconds * rate)
    steps = -(-total // hop) + BLOCK_STEPS + 1
    control_seconds = np.arange(steps) * hop / rate
    telling = presentation.look == "classic"
    tension = excitement(half, control_seconds)
    if telling:
        answers = list(crowd.prompt_answers(half))
    else:
        random = np.random.default_rng((*seed, 6))
        tension = crowd.restless(tension, CONTROL_RATE, random)
        decided = produce(script, presentation).halves[half.number - 1]
        answers = list(crowd.late_answers(half, decided.taken_back, random))
    moods = crowd.levels_of(answers, control_seconds)
    gains = crowd_gains(moods, tension, np.random.default_rng((*seed, 1)))
    mixed = _Mixer(_sounds(script, half, rate, tension, telling=telling))
    noise = _band_noise(rate, hop, np.random.default_rng((*seed, 0)))
    ramp = np.arange(hop, dtype=np.float32) / hop
    for first in range(0, total, BLOCK_STEPS * hop):
        step = first // hop
        levels = gains[:, step : step + BLOCK_STEPS + 1]
        slopes = np.diff(levels, axis=1)[..., None] * ramp + levels[:, :-1, None]
        chunk = np.einsum("bsh,bsh->sh", next(noise), slopes, optimize=True).reshape(-1)
        mixed.add_to(chunk, first)
        yield np.tanh(chunk, out=chunk)[: total - first]


def crowd_gains(
    moods: npt.NDArray[np.float64],
    tension: npt.NDArray[np.float64],
    random: np.random.Generator,
) -> Samples:
    """How loud each band of the crowd's noise is.

    Args:
        moods: (4, n) cheer, groan, jeer and applause at the control rate.
        tension: (n,) what the game does to the crowd, 0 to 1.

    Returns:
        (bands, n) amplitudes in the order of ``BANDS``.
    """
    cheer, groan, jeer, applause = moods
    swell = _drift(len(tension), 4.0, random)
    calm = (0.6 + 0.8 * tension) * (1 + 0.25 * swell)
    gains = {
        "rumble": 0.010 * calm + 0.03 * cheer,
        "murmur": 0.016 * calm + 0.10 * cheer + 0.03 * groan,
        "ooh": 0.002 * calm + 0.14 * groan + 0.02 * cheer,
        "cheer": 0.005 * calm + 0.018 * tension**2 + 0.16 * cheer + 0.03 * jeer,
        "air": 0.0025 * calm + 0.06 * cheer + 0.05 * jeer + 0.05 * applause,
    }
    flutter = 1 + 0.15 * _drift(len(tension), 0.2, random)
    return np.stack([gains[band] * flutter for band in BANDS]).astype(np.float32)


def _drift(
    count: int, period_steps_seconds: float, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """(count,) a smooth random wander of about unit deviation at the control rate."""
    width = max(2, round(period_steps_seconds * CONTROL_RATE))
    knots = random.standard_normal(count // width + 3)
    return np.interp(np.arange(count) / width, np.arange(len(knots)), knots)


def _band_noise(rate: int, hop: int, random: np.random.Generator) -> Iterator[Samples]:
    """Endless noise as (bands, BLOCK_STEPS, hop), each band of unit deviation."""
    block, tail = BLOCK_STEPS * hop, TAIL_STEPS * hop
    length = block + tail
    hertz = np.fft.rfftfreq(length, 1 / rate)
    responses = []
    for corners in BANDS.values():
        corner_hertz, corner_gains = np.transpose(corners)
        ideal = np.interp(hertz, corner_hertz, corner_gains, left=0, right=0)
        taps = np.roll(np.fft.irfft(ideal, length), tail // 2)[: tail + 1] * np.hanning(tail + 1)
        taps /= np.sqrt(np.sum(taps**2))
        responses.append(np.fft.rfft(taps, length))
    response = np.stack(responses).astype(np.complex64)
    noise = random.standard_normal(length, dtype=np.float32)
    while True:
        spectra = np.fft.rfft(noise) * response
        filtered = np.fft.irfft(spectra, length, axis=1).astype(np.float32, copy=False)
        yield filtered[:, tail:].reshape(len(response), BLOCK_STEPS, hop)
        noise = np.concatenate([noise[block:], random.standard_normal(block, dtype=np.float32)])


@dataclass(frozen=True)
class _Sound:
    """A sound of its own: where it starts, and how to make it when its time comes."""

    start_sample: int
    make: Callable[[], Samples]


class _Mixer:
    """Adds sounds to consecutive chunks; holds only those that are still sounding."""

    def __init__(self, sounds: Iterable[_Sound]) -> None:
        self._waiting = sorted(sounds, key=lambda sound: sound.start_sample, reverse=True)
        self._sounding: list[tuple[int, Samples]] = []

    def add_to(self, chunk: Samples, first_sample: int) -> None:
        """Add to ``chunk``, which begins at ``first_sample``, whatever sounds during it."""
        end_sample = first_sample + len(chunk)
        while self._waiting and self._waiting[-1].start_sample < end_sample:
            sound = self._waiting.pop()
            self._sounding.append((sound.start_sample, sound.make()))
        for start, samples in self._sounding:
            begin = max(start, first_sample)
            part = samples[begin - start : end_sample - start]
            chunk[begin - first_sample : begin - first_sample + len(part)] += part
        self._sounding = [(s, x) for s, x in self._sounding if s + len(x) > end_sample]


def _sounds(
    script: MatchScript,
    half: HalfScript,
    rate: int,
    tension: npt.NDArray[np.float64],
    *,
    telling: bool,
) -> Iterator[_Sound]:
    """Whistles, strikes, chants and commentary of a half, in no order.

    Args:
        telling: whether a whistle's length and a strike's loudness say what they are for.
    """
    seed = (script.clutter_seed, half.number)
    whistle = Whistle.of_match(script, rate)
    for action in half.actions:
        start = round(action.seconds * rate)
        if action.kind in ("whistle", "whistle-long"):
            blasts = whistle_blasts(action, half) if telling else crowd.blasts_of(action, seed)
            yield _Sound(start, partial(whistle.blow, blasts))
        elif action.kind in STRIKES and telling:
            yield _Sound(start, partial(strike, action, rate, (*seed, 2, start)))
        elif action.kind in STRIKES:
            yield from _faint_strike(action, rate, (*seed, 2, start))
    voice = Voice(rate, np.random.default_rng((*seed, 3)))
    for line in half.commentary:
        loud = float(tension[round(line.start_seconds * CONTROL_RATE)])
        near = 1.0 if telling else _NEAR_MICROPHONE
        yield _Sound(round(line.start_seconds * rate), partial(voice.say, line, loud, near))
    yield from _chants(half, rate, np.random.default_rng((*seed, 4)))


def whistle_blasts(action: Action, half: HalfScript) -> tuple[float, ...]:
    """Lengths in seconds of the blasts of a whistle: three end a half, a long one is a verdict."""
    if action.kind == "whistle-long":
        return (0.4, 0.4, 1.3)
    near = {e.label for e in half.events if abs(e.seconds - action.seconds) < 1.0}
    return (0.8,) if near & {"Penalty", "Goal", "Kick-off", "Red card"} else (0.4,)


@dataclass(frozen=True)
class Whistle:
    """A referee's whistle: two close tones that a pea sets trilling."""

    rate: int
    low_hertz: float
    high_hertz: float
    trill_hertz: float

    @classmethod
    def of_match(cls, script: MatchScript, rate: int) -> "Whistle":
        """The whistle that this match's referee carries."""
        random = np.random.default_rng((script.clutter_seed, 5))
        low = random.uniform(3550, 3800)
        return cls(rate, low, low + random.uniform(180, 320), random.uniform(28, 42))

    def blow(self, blasts: tuple[float, ...], gap_seconds: float = 0.14) -> Samples:
        """One blast after the other; the first begins with the first sample."""
        gap = np.zeros(round(gap_seconds * self.rate), np.float32)
        parts = [part for seconds in blasts for part in (self._blast(seconds), gap)]
        return np.concatenate(parts[:-1])

    def _blast(self, seconds: float) -> Samples:
        time = np.arange(round(seconds * self.rate)) / self.rate
        trill = np.cos(2 * np.pi * self.trill_hertz * time)
        phase = 2 * np.pi * time
        bend = 40 * np.cumsum(trill) / self.rate * 2 * np.pi
        tones = np.sin(self.low_hertz * phase + bend + 1) + np.sin(
            self.high_hertz * phase - bend + 1
        )
        attack = np.minimum(1, (time + 1 / self.rate) / 0.0005)
        release = np.clip((seconds - time) / 0.03, 0, 1)
        return (0.11 * tones * (0.7 + 0.3 * trill) * attack * release).astype(np.float32)


def strike(action: Action, rate: int, seed: tuple[int, ...]) -> Samples:
    """A ball being struck: a damped thump with the slap of leather on it.

    Louder the harder it is struck and the nearer to a touchline, where the microphones stand.
    """
    random = np.random.default_rng(seed)
    strength = STRIKES[action.kind] * random.uniform(0.8, 1.25)
    from_touchline = max(0.0, PITCH_WIDTH / 2 - abs(action.at[1]))
    loudness = 0.5 * strength / (1 + from_touchline / 40)
    time = np.arange(round(0.09 * rate)) / rate
    hertz = 75 + 45 * strength
    thump = np.sin(2 * np.pi * hertz * time * (1 + 0.5 * np.exp(-time / 0.01)) + 0.6)
    slap = random.standard_normal(len(time)) * np.exp(-time / 0.004)
    body = thump * np.exp(-time / 0.022) + (0.2 + 0.4 * strength) * slap
    return (loudness * body * np.clip((time[-1] - time) / 0.01, 0, 1)).astype(np.float32)


def _faint_strike(action: Action, rate: int, seed: tuple[int, ...]) -> Iterator[_Sound]:
    """A strike as a broadcast has it: often not to be made out, and as hard as chance will."""
    random = np.random.default_rng((*seed, 1))
    if random.random() < _STRIKES_HEARD:
        alike = replace(action, kind="high-pass")
        late = float(random.uniform(0.0, 0.06))
        hit = partial(_scaled, partial(strike, alike, rate, seed), float(random.uniform(0.1, 0.8)))
        yield _Sound(seed[-1] + round(late * rate), hit)


def _scaled(make: Callable[[], Samples], factor: float) -> Samples:
    return make() * np.float32(factor)


FORMANTS = {
    "a": (750, 1250, 2550),
    "e": (480, 1850, 2550),
    "i": (310, 2200, 2950),
    "o": (470, 900, 2500),
    "u": (330, 800, 2350),
}
"""Resonances in hertz of the vowels that the commentator is heard in."""

PITCHES = (105.0, 124.0, 148.0, 178.0, 215.0, 260.0)
"""Speaking pitches in hertz, from flat to shouting."""

SYLLABLE_SECONDS = 0.5
"""Longest vowel that a voice can hold."""


class Voice:
    """A commentator of whom only the rhythm and the vowels of speech can be made out."""

    def __init__(self, rate: int, random: np.random.Generator) -> None:
        self._rate = rate
        self._random = random
        self._vowels: dict[tuple[str, int], Samples] = {}

    def say(self, line: Line, excitement: float, near: float = 1.0) -> Samples:
        """A sentence, its syllables spread over the whole of its time.

        Args:
            excitement: 0 flat to 1 shouting: decides pitch and loudness.
            near: factor of loudness: how near the microphone is.
        """
        samples = np.zeros(round((line.end_seconds - line.start_seconds) * self._rate), np.float32)
        syllables = re.findall(r"[aeiouy]+[^aeiouy\s]*\s*", line.text.lower()) or ["a"]
        weights = np.array([2.0 + 2.0 * bool(re.search(r"[,.!?;:-]", s)) for s in syllables])
        bounds = np.concatenate([[0], np.cumsum(weights) / weights.sum()]) * len(samples)
        shout = 1.5 + 3.0 * excitement
        for syllable, (begin, end) in zip(syllables, pairwise(bounds.astype(int)), strict=True):
            declination = 1.0 - 2.0 * begin / len(samples)
            pitch = round(np.clip(shout + declination + self._random.normal(0, 0.6), 0, 5))
            spoken = (end - begin) * 0.85 if syllable[-1] in ".,!? " else end - begin
            self._add_syllable(samples[begin : begin + int(spoken)], syllable, pitch)
        return samples * np.float32(near * (0.07 + 0.08 * excitement))

    def _add_syllable(self, samples: Samples, syllable: str, pitch: int) -> None:
        vowel = self._vowel("i" if syllable[0] == "y" else syllable[0], pitch)[: len(samples)]
        if not len(vowel):
            return
        place = np.arange(len(vowel), dtype=np.float32) / len(vowel)
        samples[: len(vowel)] += vowel * np.sqrt(np.sin(np.pi * place)) * (1.2 - 0.6 * place)
        hiss = min(round(0.05 * self._rate), len(samples) // 3)
        if hiss and re.search("[sztkfxc]", syllable):
            noise = np.diff(self._random.standard_normal(hiss + 1).astype(np.float32))
            samples[-hiss:] += 0.25 * noise * np.hanning(hiss).astype(np.float32)

    def _vowel(self, vowel: str, pitch: int) -> Samples:
        """A held vowel of about unit deviation, as a sum of harmonics under three resonances."""
        if (vowel, pitch) not in self._vowels:
            time = np.arange(round(SYLLABLE_SECONDS * self._rate)) / self._rate
            phase = 2 * np.pi * PITCHES[pitch] * (time - 0.12 * time**2)
            sound = np.zeros(len(time))
            for harmonic in range(1, int(3600 / PITCHES[pitch])):
                hertz = harmonic * PITCHES[pitch]
                gain = sum(
                    weight / (1 + ((hertz - formant) / 90) ** 2)
                    for weight, formant in zip((1, 0.5, 0.25), FORMANTS[vowel], strict=True)
                )
                sound += gain * np.sin(harmonic * phase + harmonic**2)
            self._vowels[vowel, pitch] = (sound / sound.std()).astype(np.float32)
        return self._vowels[vowel, pitch]


CHANTS = ((0, 0, 2, 3, 2, 0), (3, 2, 1, 0, 3, 2, 1, 0), (0, 2, 4, 4, 3, 2), (4, 4, 2, 0))
"""Tunes as steps of a pentatonic scale."""


def _chants(half: HalfScript, rate: int, random: np.random.Generator) -> Iterator[_Sound]:
    """Songs of the supporters, a few a minute, each tune sung several times."""
    scale = 220.0 * 2 ** (np.array([0, 2, 4, 7, 9]) / 12)
    notes = [_sung_note(hertz, rate, random) for hertz in scale]
    start = random.uniform(5, 40)
    while start < half.seconds:
        tune = CHANTS[random.integers(len(CHANTS))]
        beat = random.uniform(0.38, 0.6)
        level = np.float32(random.uniform(0.008, 0.03))
        times = random.integers(2, 5)
        for number, step in enumerate(tune * times):
            at = round((start + number * beat) * rate)
            yield _Sound(at, partial(np.multiply, notes[step], level))
        start += len(tune) * times * beat + random.exponential(35) + 5


def _sung_note(hertz: float, rate: int, random: np.random.Generator) -> Samples:
    """A note sung by thousands, none quite in tune: noise narrowly about six harmonics."""
    length = round(0.62 * rate)
    grid = np.fft.rfftfreq(length, 1 / rate)
    spectrum = random.standard_normal(len(grid)) + 1j * random.standard_normal(len(grid))
    shape = sum(
        np.exp(-(((grid - k * hertz) / (0.02 * k * hertz)) ** 2)) / k**0.7 for k in range(1, 7)
    )
    sound = np.fft.irfft(spectrum * shape, length)
    return (sound / sound.std() * np.sin(np.pi * np.arange(length) / length)).astype(np.float32)
