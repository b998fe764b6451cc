"""What events say about the seconds around them: evidence that editors show these, per class.

Evidence is a change of log-odds, so that of several classes adds up: a shot before a goal counts
for more than either, a throw-in means that play is dull. A goal speaks for its replays, too. The
numbers were estimated by logistic regression on the official highlights of 43 real matches
(SoccerHigh, Diaz-Juan et al. 2025) with annotated events, second by second.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

BASE_LOG_ODDS = -4.9
"""Of a second with no event near it: 3.4% of a match is shown, most of it around events."""


@dataclass(frozen=True)
class Moment:
    """What an event of a class says about the seconds around it.

    Attributes:
        evidence: greatest change of the log-odds that an editor shows a second; negative for
            what editors avoid. It fades to nothing, as a parabola, at both ends of the stretch.
        before_seconds, after_seconds: the stretch, counted from the event.
        aftermath: evidence for what follows: celebration and replays.
    """

    evidence: float
    before_seconds: float
    after_seconds: float
    aftermath: "Moment | None" = None

    @property
    def peak_seconds(self) -> float:
        """Where the evidence is greatest, counted from the event."""
        return (self.after_seconds - self.before_seconds) / 2

    @property
    def whole(self) -> tuple[float, float]:
        """From and to, in seconds from the event: what a reel shows in one piece or not at all."""
        return -WHOLE * self.before_seconds, WHOLE * self.after_seconds

    def log_odds(self, offsets: FloatArray) -> FloatArray:
        """(n,) evidence at times relative to the event, in seconds."""
        half = (self.after_seconds + self.before_seconds) / 2
        own = self.evidence * np.maximum(0, 1 - ((offsets - self.peak_seconds) / half) ** 2)
        return own if self.aftermath is None else own + self.aftermath.log_odds(offsets)


WHOLE = 0.35
"""How much of a stretch must be seen: more made reels less like editors', less makes them hasty."""

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

SoccerNet-v2 as estimated, rounded. Three classes were not annotated or too rare to estimate: a
penalty counts as a shot on target, a yellow card as a foul; free-kicks say next to nothing. The
other sets take the numbers of the same thing, or a guess that ranks their classes.
"""

OTHER_MOMENT = Moment(3.0, 10.0, 8.0)
"""Of a class that no published set has: all of them count alike."""
