"""Replays as the legacy grounding task has them: which live action does a replay show?"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CameraShot:
    """An annotation of ``Labels-cameras.json``: the end of a shot, and the action it replays.

    Attributes:
        seconds: its own time in its half, whole.
        link_half, link_label, link_seconds: the action; None where none is given.
        half: its own half; None where the file does not say it.
        is_replay: whether the shot is labelled as one; those of a challenge have no action.
    """

    seconds: int
    link_half: int | None = None
    link_label: str | None = None
    link_seconds: int | None = None
    half: int | None = None
    is_replay: bool = False


@dataclass(frozen=True)
class GroundedReplay:
    """A replay of a prediction file, and where its action may be.

    Attributes:
        half: the half of the replay.
        end_seconds: its end, whole.
        times: candidate times of the action in seconds.
        scores: of the candidates.
        start_seconds: its start, whole; nothing depends on it.
    """

    half: int
    end_seconds: int
    times: tuple[float, ...]
    scores: tuple[float, ...]
    start_seconds: int = 0


@dataclass(frozen=True)
class Replay:
    """A shot that shows an action again.

    Attributes:
        half: in which it is shown.
        start_seconds, end_seconds: of the shot in its half, whole.
        action_half, action_seconds: when the action happened, where that is known.
    """

    half: int
    start_seconds: int
    end_seconds: int
    action_half: int | None = None
    action_seconds: int | None = None


def replays_of(shots: Sequence[CameraShot]) -> tuple[Replay, ...]:
    """The replays among the shots of a game, in their order.

    An annotation marks the end of its shot, so a shot begins at the annotation before it in its
    half. Shots of no known half and of no length are left out.
    """
    latest: dict[int, int] = {}
    found = []
    for shot in sorted((s for s in shots if s.half is not None), key=lambda s: s.seconds):
        assert shot.half is not None
        start = latest.get(shot.half, 0)
        latest[shot.half] = shot.seconds
        if (shot.is_replay or shot.link_seconds is not None) and shot.seconds > start:
            found.append(Replay(shot.half, start, shot.seconds, shot.link_half, shot.link_seconds))
    return tuple(sorted(found, key=lambda replay: (replay.half, replay.end_seconds)))
