"""Replays as the legacy grounding task has them: which live action does a replay show?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CameraShot:
    """An annotation of ``Labels-cameras.json``: the end of a shot, and the action it replays.

    Attributes:
        seconds: its own time in its half, whole.
        link_half, link_label, link_seconds: the action; None where the shot is no replay.
    """

    seconds: int
    link_half: int | None = None
    link_label: str | None = None
    link_seconds: int | None = None


@dataclass(frozen=True)
class GroundedReplay:
    """A replay of a prediction file, and where its action may be.

    Attributes:
        half: the half of the replay.
        end_seconds: its end, whole.
        times: candidate times of the action in seconds.
        scores: of the candidates.
    """

    half: int
    end_seconds: int
    times: tuple[float, ...]
    scores: tuple[float, ...]
