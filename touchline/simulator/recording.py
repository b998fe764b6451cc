"""Which stretches a recording is made of: one half, or a match with all that is shown round it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from touchline.simulator.script import MatchScript

Kind = Literal["half", "studio", "adverts"]

OFF_PITCH_SHARES = (0.06, 0.14)
"""Length of what is shown before, between and after the halves, against that of a half."""

OFF_PITCH_SECONDS = (12.0, 420.0)
"""Its shortest and longest."""


@dataclass(frozen=True)
class Stretch:
    """[start, end) of a recording, in seconds from its first frame.

    Attributes:
        half: which half is played; for a studio the half that is to come, 3 after the last.
    """

    kind: Kind
    start: float
    end: float
    half: int

    def contains(self, seconds: float) -> bool:
        """Whether an instant of the recording belongs to it."""
        return self.start <= seconds < self.end


def half_recording(script: MatchScript, number: int) -> tuple[Stretch, ...]:
    """A recording of one half alone."""
    return (Stretch("half", 0.0, script.halves[number - 1].seconds, number),)


def match_recording(script: MatchScript) -> tuple[Stretch, ...]:
    """A recording of everything, from the studio before the match to the one after it.

    Every stretch begins at a whole second.
    """
    rng = np.random.default_rng((script.clutter_seed, 0x2EC))
    stretches: list[Stretch] = []

    def add(kind: Kind, seconds: float, half: int) -> None:
        start = stretches[-1].end if stretches else 0.0
        stretches.append(Stretch(kind, start, start + float(np.ceil(seconds)), half))

    for half in script.halves:
        for kind in ("studio", "adverts", "studio") if half.number == 2 else ("adverts", "studio"):
            share = float(rng.uniform(*OFF_PITCH_SHARES)) / (1 if kind == "studio" else 2)
            add(kind, float(np.clip(share * half.seconds, *OFF_PITCH_SECONDS)), half.number)
        add("half", half.seconds, half.number)
    after = float(rng.uniform(*OFF_PITCH_SHARES)) * script.halves[-1].seconds
    add("studio", float(np.clip(after, *OFF_PITCH_SECONDS)), 3)
    return tuple(stretches)
