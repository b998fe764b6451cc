"""What a recording is made of: one half, or a match with all that is shown round it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from touchline.simulator.script import HalfScript, MatchScript

StretchKind = Literal["half", "studio", "adverts"]
SceneKind = Literal["desk", "face", "table", "line-up", "highlight", "advert"]

OFF_PITCH_SHARES = (0.06, 0.14)
"""Length of what is shown before, between and after the halves, against that of a half."""

OFF_PITCH_SECONDS = (12.0, 420.0)
"""Its shortest and longest."""


@dataclass(frozen=True)
class Scene:
    """[start, end) of a recording: one uncut picture of a studio or an advert.

    Attributes:
        seed: of its decoration.
        half: of a highlight: which half it shows a moment of, from ``half_seconds`` on.
        words: what stands at the foot of the picture, if anything.
    """

    kind: SceneKind
    start: float
    end: float
    seed: int
    half: int = 0
    half_seconds: float = 0.0
    words: str | None = None


@dataclass(frozen=True)
class Stretch:
    """[start, end) of a recording, in seconds from its first frame.

    Attributes:
        half: which half is played; for others the half that is to come, 3 after the last.
        scenes: what the others show, without a gap.
    """

    kind: StretchKind
    start: float
    end: float
    half: int
    scenes: tuple[Scene, ...] = ()

    def contains(self, seconds: float) -> bool:
        """Whether an instant of the recording belongs to it."""
        return self.start <= seconds < self.end

    def scene_at(self, seconds: float) -> Scene:
        """What a studio or adverts show at an instant of the recording."""
        return next((s for s in self.scenes if seconds < s.end), self.scenes[-1])


def half_recording(half: HalfScript) -> tuple[Stretch, ...]:
    """A recording of one half alone."""
    return (Stretch("half", 0.0, half.seconds, half.number),)


def match_recording(script: MatchScript, names: tuple[str, str]) -> tuple[Stretch, ...]:
    """A recording of everything, from what comes before the match to the studio after it.

    Args:
        names: the teams as the broadcaster writes them.
    """
    rng = np.random.default_rng((script.clutter_seed, 0x2EC))
    stretches: list[Stretch] = []

    def add(kind: StretchKind, seconds: float, half: int) -> None:
        start = stretches[-1].end if stretches else 0.0
        end = start + float(np.clip(np.ceil(seconds), *OFF_PITCH_SECONDS))
        scenes = tuple(_scenes(rng, script, names, kind, (start, end), half))
        stretches.append(Stretch(kind, start, end, half, scenes))

    for half in script.halves:
        between: tuple[StretchKind, ...] = ("studio", "adverts", "studio")
        for kind in between if half.number == 2 else between[:2]:
            share = float(rng.uniform(*OFF_PITCH_SHARES)) / (1 if kind == "studio" else 2)
            add(kind, share * half.seconds, half.number)
        start = stretches[-1].end
        stretches.append(Stretch("half", start, start + half.seconds, half.number))
    add("studio", float(rng.uniform(*OFF_PITCH_SHARES)) * script.halves[-1].seconds, 3)
    return tuple(stretches)


def _scenes(
    rng: np.random.Generator,
    script: MatchScript,
    names: tuple[str, str],
    kind: StretchKind,
    span: tuple[float, float],
    half: int,
) -> Iterator[Scene]:
    """Pictures of a studio or of adverts, cut one after another."""
    at, end = span
    played = [h for h in script.halves if h.number < half]
    while at < end:
        seed, lot = int(rng.integers(2**31)), rng.random()
        length = float(rng.uniform(1.2, 5.0) if kind == "adverts" else rng.uniform(3.0, 12.0))
        until = at + round(length * 25) / 25
        if end - until < 1.0:
            until = end
        if kind == "adverts":
            yield Scene("advert", at, until, seed)
        elif lot < 0.3 and played:
            shown = played[int(rng.integers(len(played)))]
            begin = float(rng.uniform(0, max(0.1, shown.seconds - (until - at))))
            yield Scene("highlight", at, until, seed, shown.number, begin)
        else:
            name: SceneKind = "desk" if lot < 0.6 else "face" if lot < 0.85 else "table"
            if name == "table" and not played:
                name = "line-up"
            words = _result(script, names, half) if name in ("desk", "face") else None
            yield Scene(name, at, until, seed, words=words if rng.random() < 0.5 else None)
        at = until


def _result(script: MatchScript, names: tuple[str, str], half: int) -> str:
    """What a studio writes under its pictures."""
    home, away = names
    if half == 1:
        return f"{home} v {away}"
    _, first, second = script.halves[min(half, len(script.halves) + 1) - 2].score_changes[-1]
    return f"{'HALF TIME' if half == 2 else 'FULL TIME'}   {home} {first} - {second} {away}"
