"""Label sets: the classes that a file, a model or a metric speaks of, in their official order."""

from collections.abc import Iterator
from dataclasses import dataclass

from touchline.errors import LabelError


@dataclass(frozen=True)
class LabelSet:
    """An ordered set of class names. The order is the index order of arrays.

    Raises:
        LabelError: no labels, an empty or over-long label, or a label twice.
    """

    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.labels:
            raise LabelError(f"label set {self.name!r} is empty", remedy="give at least one label")
        for label in self.labels:
            if not label.strip() or len(label) > 300:
                raise LabelError(f"{label[:40]!r} is not a label", remedy="use 1 to 300 characters")
        if len(set(self.labels)) != len(self.labels):
            twice = sorted({x for x in self.labels if self.labels.count(x) > 1})
            raise LabelError(f"label set {self.name!r} names {twice[0]!r} twice")

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __contains__(self, label: object) -> bool:
        return label in self.labels

    def index(self, label: str) -> int:
        """Position of a label.

        Raises:
            LabelError: the label is not in the set; the message lists those that are.
        """
        try:
            return self.labels.index(label)
        except ValueError:
            raise LabelError(
                f"unknown label {label!r}", remedy=f"{self.name} has: {', '.join(self.labels)}"
            ) from None


SOCCERNET_V1 = LabelSet("soccernet-v1", ("card", "subs", "soccer"))
"""SoccerNet-v1, in the order of the official evaluator; ``soccer`` is a goal."""


def legacy_class(label: str) -> str | None:
    """The SoccerNet-v1 class of a label of ``Labels.json`` such as ``y-card``: officially the first
    whose name it holds; None if it holds none."""
    return next((name for name in SOCCERNET_V1 if name in label), None)


SOCCERNET_V2 = LabelSet(
    "soccernet-v2",
    (
        "Penalty",
        "Kick-off",
        "Goal",
        "Substitution",
        "Offside",
        "Shots on target",
        "Shots off target",
        "Clearance",
        "Ball out of play",
        "Throw-in",
        "Foul",
        "Indirect free-kick",
        "Direct free-kick",
        "Corner",
        "Yellow card",
        "Red card",
        "Yellow->red card",
    ),
)
"""SoccerNet-v2 action spotting, in the order of the official evaluator."""

SOCCERNET_V2_VISUAL = LabelSet(
    "soccernet-v2-visual",
    (
        "Penalty",
        "Kick-off",
        "Throw-in",
        "Direct free-kick",
        "Corner",
        "Yellow card",
        "Red card",
        "Yellow->red card",
    ),
)
"""Actions that show in where the players stand: the classes of CALF with calibration."""

SOCCERNET_V2_NON_VISUAL = LabelSet(
    "soccernet-v2-non-visual",
    tuple(label for label in SOCCERNET_V2 if label not in SOCCERNET_V2_VISUAL),
)
"""The other classes of SoccerNet-v2, which that work leaves to a network without calibration."""

SOCCERNET_BALL = LabelSet(
    "soccernet-ball",
    (
        "PASS",
        "DRIVE",
        "HEADER",
        "HIGH PASS",
        "OUT",
        "CROSS",
        "THROW IN",
        "SHOT",
        "BALL PLAYER BLOCK",
        "PLAYER SUCCESSFUL TACKLE",
        "FREE KICK",
        "GOAL",
    ),
)
"""SoccerNet ball action spotting of 2024 and 2025; the 2023 edition has the first two only."""

GOAL, DISALLOWED_GOAL = "Goal", "Disallowed goal"
KICK_OFF, HALF_TIME, FULL_TIME = "Kick-off", "Half-time", "Full-time"
HIGHLIGHT = "Highlight"
"""The class of peaks of excitement."""

BROADCAST = LabelSet(
    "broadcast", (GOAL, DISALLOWED_GOAL, KICK_OFF, HALF_TIME, FULL_TIME, HIGHLIGHT)
)
"""What a broadcast says by itself. A disallowed goal was on the score and was taken back; a
highlight is a peak of excitement, whose reason is in the event's note."""

_BALL_RATE = 25
_USUAL_RATE = 2

LABEL_SETS = {
    labels.name: labels
    for labels in (
        SOCCERNET_V1,
        SOCCERNET_V2,
        SOCCERNET_BALL,
        SOCCERNET_V2_VISUAL,
        SOCCERNET_V2_NON_VISUAL,
        BROADCAST,
    )
}


def evaluation_rate(labels: LabelSet) -> int:
    """Frames a second in which the official evaluation of a label set counts time: 25 for ball
    actions, 2 for everything else."""
    return _BALL_RATE if labels.name == SOCCERNET_BALL.name else _USUAL_RATE


def label_set_of(labels: tuple[str, ...]) -> LabelSet:
    """The published set whose members cover ``labels``, else a custom set of just these.

    Unlike ``LabelSet(...)`` this keeps the published order, so arrays line up with the metric.
    """
    for known in LABEL_SETS.values():
        if labels and set(labels) <= set(known.labels):
            return known
    return LabelSet("custom", labels)
