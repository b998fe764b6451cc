"""Evidence of events that editors show the seconds around them, by class.

Evidence is a change of log-odds, so the evidence of several events adds up. The values were
estimated by logistic regression, second by second, on the official highlights of 43 real matches
(SoccerHigh, Diaz-Juan et al. 2025) with annotated events.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BASE_LOG_ODDS = -4.9
"""Log-odds for a second far from any event: 3.4 % of a match is shown, mostly around events."""


@dataclass(frozen=True)
class Moment:
    """The evidence of an event of a class for the seconds around it.

    Attributes:
        evidence: largest change of the log-odds; negative for classes that editors avoid. It
            falls off as a parabola, to zero at both ends of the interval.
        before_seconds, after_seconds: the interval, relative to the event.
        aftermath: evidence for what follows: celebration and replays.
    """

    evidence: float
    before_seconds: float
    after_seconds: float
    aftermath: "Moment | None" = None

    @property
    def peak_seconds(self) -> float:
        """Time of the largest evidence, relative to the event."""
        return (self.after_seconds - self.before_seconds) / 2

    @property
    def core(self) -> tuple[float, float]:
        """Start and end, relative to the event, of the part that is shown whole or not at all."""
        return -CORE_SHARE * self.before_seconds, CORE_SHARE * self.after_seconds

    def log_odds(self, offsets: FloatArray) -> FloatArray:
        """(n,) evidence at times relative to the event, in seconds."""
        half = (self.after_seconds + self.before_seconds) / 2
        own = self.evidence * np.maximum(0, 1 - ((offsets - self.peak_seconds) / half) ** 2)
        return own if self.aftermath is None else own + self.aftermath.log_odds(offsets)


CORE_SHARE = 0.35
"""Fraction of a moment that must be shown. Larger values agree less with editors; smaller ones cut
too quickly."""

GOAL = Moment(5.4, 11.5, 9.5, Moment(3.7, -12.0, 64.0))
SHOT_ON_TARGET = Moment(3.6, 11.5, 9.5, Moment(0.9, 4.0, 40.0))
SHOT_OFF_TARGET = Moment(3.2, 11.5, 9.5, Moment(1.2, 4.0, 40.0))
SENDING_OFF = Moment(5.0, 14.0, 8.0)
SUBSTITUTION = Moment(1.7, 10.0, 9.0)
FOUL = Moment(0.6, 4.0, 10.0)
RESTART = Moment(0.1, 10.0, 10.0)
THROW_IN = Moment(-1.9, 16.0, 10.0)

MOMENTS: Mapping[str, Moment] = {
    "Goal": GOAL,
    "Red card": SENDING_OFF,
    "Yellow->red card": SENDING_OFF,
    "Shots on target": SHOT_ON_TARGET,
    "Penalty": SHOT_ON_TARGET,
    "Shots off target": SHOT_OFF_TARGET,
    "Kick-off": Moment(3.9, 7.0, 7.0),
    "Substitution": SUBSTITUTION,
    "Offside": Moment(1.1, 9.0, 9.0, Moment(1.2, 4.0, 40.0)),
    "Ball out of play": Moment(0.8, 9.0, 30.0),
    "Foul": FOUL,
    "Yellow card": FOUL,
    "Direct free-kick": RESTART,
    "Indirect free-kick": RESTART,
    "Free-kick": RESTART,
    "Corner": Moment(-0.9, 9.0, 3.0),
    "Clearance": Moment(-1.0, 12.0, 18.0),
    "Throw-in": THROW_IN,
    "Disallowed goal": Moment(4.2, 11.5, 9.5, Moment(1.8, 4.0, 60.0)),
    "Highlight": Moment(4.0, 10.0, 9.0, Moment(1.0, 4.0, 40.0)),
    "Half-time": Moment(0.1, 8.0, 4.0),
    "Full-time": Moment(1.0, 8.0, 6.0),
    "soccer": GOAL,
    "card": Moment(1.5, 14.0, 8.0),
    "subs": SUBSTITUTION,
    "GOAL": GOAL,
    "SHOT": SHOT_ON_TARGET,
    "FREE KICK": Moment(0.8, 10.0, 10.0),
    "CROSS": Moment(0.8, 10.0, 10.0),
    "BALL PLAYER BLOCK": Moment(0.4, 8.0, 8.0),
    "PLAYER SUCCESSFUL TACKLE": Moment(0.4, 8.0, 8.0),
    "HEADER": Moment(0.3, 8.0, 8.0),
    "OUT": Moment(0.3, 8.0, 8.0),
    "HIGH PASS": Moment(0.2, 8.0, 8.0),
    "DRIVE": Moment(0.1, 8.0, 8.0),
    "PASS": Moment(0.1, 8.0, 8.0),
    "THROW IN": THROW_IN,
}
"""The moments of the published label sets.

SoccerNet-v2 has the estimated values, rounded. Three classes are not annotated or too rare to
estimate: a penalty has the values of a shot on target, a yellow card those of a foul, and
free-kicks almost no evidence. What only a broadcast says has guesses: a highlight counts, by its
confidence, up to a little more than a shot on target. Classes of the other sets have the values of
the corresponding SoccerNet-v2 class, or a guess that ranks them.
"""

OTHER_MOMENT = Moment(3.0, 10.0, 8.0)
"""The moment of a class that no published set has."""
