"""How well a reel agrees with the segments that editors chose: F1 over frames, and what it loses.

At two frames a second, frame i is chosen if it lies in ``int(2 * start) <= i <= int(2 * end)`` of
a segment, both ends included. Source: the summaries of SoccerHigh (Diaz-Juan et al. 2025).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from touchline.errors import FormatError
from touchline.runtime.wording import counted

FRAMES_PER_SECOND = 2

Segment = tuple[int, float, float]
"""Half, start and end in seconds."""


@dataclass(frozen=True)
class GameSummary:
    """Frames of one game: chosen by both, by the reel, by the editor."""

    both: int
    reel: int
    editor: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where nothing agrees."""
        return _ratio(2 * self.both, self.reel + self.editor)


@dataclass(frozen=True)
class SummaryScores:
    """F1 of a set of games.

    Attributes:
        per_game: the frames of each game.
        losses: what the choice loses, over all games.
    """

    per_game: Mapping[str, GameSummary]
    losses: "Losses"

    @property
    def mean_f1(self) -> float:
        """The mean of the games' F1: the figure to quote."""
        return sum(game.f1 for game in self.per_game.values()) / len(self.per_game)

    @property
    def precision(self) -> float:
        """Over the frames of all games."""
        return _ratio(self._sum.both, self._sum.reel)

    @property
    def recall(self) -> float:
        """Over the frames of all games."""
        return _ratio(self._sum.both, self._sum.editor)

    @property
    def pooled_f1(self) -> float:
        """Over the frames of all games."""
        return self._sum.f1

    @property
    def _sum(self) -> GameSummary:
        games = self.per_game.values()
        return GameSummary(
            sum(game.both for game in games),
            sum(game.reel for game in games),
            sum(game.editor for game in games),
        )

    def to_json(self) -> dict[str, Any]:
        """A ``touchline-scores`` object."""
        return {
            "format": "touchline-scores",
            "version": 1,
            "metric": "summary-f1",
            "games": len(self.per_game),
            "mean_f1": self.mean_f1,
            "pooled_f1": self.pooled_f1,
            "precision": self.precision,
            "recall": self.recall,
            **self.losses.to_json(),
            "per_game": {game: summary.f1 for game, summary in self.per_game.items()},
        }


@dataclass(frozen=True)
class Losses:
    """What would be gained by mending one thing after another; mean F1 over games.

    Attributes:
        segments: the editors' segments.
        segments_shown: those of which a reel shows at least half.
        frames: of the reels.
        wrong_frames: of clips in which nothing is right.
        f1_without_wrong_clips: if such clips were left out.
        f1_trimmed: if moreover every segment that a clip touches were shown whole, and nothing
            around it. What is then missing are segments that no clip touches.
        f1_filled: if the length of the wrong clips went to segments that no clip touches.
    """

    segments: int
    segments_shown: int
    frames: int
    wrong_frames: int
    f1_without_wrong_clips: float
    f1_trimmed: float
    f1_filled: float

    def to_json(self) -> dict[str, float]:
        """The shares and figures by name."""
        return {
            "segment_recall": _ratio(self.segments_shown, self.segments),
            "wrong_clip_share": _ratio(self.wrong_frames, self.frames),
            "mean_f1_without_wrong_clips": self.f1_without_wrong_clips,
            "mean_f1_trimmed": self.f1_trimmed,
            "mean_f1_filled": self.f1_filled,
        }


def evaluate_summaries(
    editors: Mapping[str, Iterable[Segment]],
    reels: Mapping[str, Iterable[Segment]],
) -> SummaryScores:
    """Compare reels with editors' segments, both by game; games of reels alone are left out.

    Raises:
        FormatError: no games, or a game without a reel (an empty one will do).
    """
    missing = [game for game in editors if game not in reels]
    if missing:
        raise FormatError(
            f"no reel for {len(missing)} of {counted(len(editors), 'game')}, such as "
            f"{missing[0]!r}",
            remedy="give a reel, an empty one if need be, for every game",
        )
    if not editors:
        raise FormatError("there are no games to score", remedy="give summaries of editors")
    games = {game: (list(editors[game]), list(reels[game])) for game in editors}
    return SummaryScores(
        {game: compare(chosen_frames(e), chosen_frames(r)) for game, (e, r) in games.items()},
        _losses(list(games.values())),
    )


def _losses(games: Sequence[tuple[list[Segment], list[Segment]]]) -> Losses:
    counts = [_losses_of_game(*game) for game in games]
    sums = [sum(column) for column in zip(*counts, strict=True)]
    segments, shown, frames, wrong = map(round, sums[:4])
    without, trimmed, filled = (value / len(games) for value in sums[4:])
    return Losses(segments, shown, frames, wrong, without, trimmed, filled)


def _losses_of_game(
    editor: Sequence[Segment], clips: Sequence[Segment]
) -> tuple[float, float, float, float, float, float, float]:
    wanted, chosen = chosen_frames(editor), chosen_frames(clips)
    by_segment = [chosen_frames([segment]) for segment in editor]
    right = chosen_frames(clip for clip in clips if chosen_frames([clip]) & wanted)
    shown = sum(2 * len(frames & chosen) >= len(frames) for frames in by_segment)
    touched = set[tuple[int, int]]().union(*(f for f in by_segment if f & chosen))
    wrong = len(chosen - right)
    added = min(wrong, len(wanted - touched))
    return (
        len(by_segment),
        shown,
        len(chosen),
        wrong,
        compare(wanted, right).f1,
        compare(wanted, touched).f1,
        GameSummary(len(touched) + added, len(touched) + added, len(wanted)).f1,
    )


def compare(editor: set[tuple[int, int]], reel: set[tuple[int, int]]) -> GameSummary:
    """The counts of one game from its chosen frames."""
    return GameSummary(len(editor & reel), len(reel), len(editor))


def chosen_frames(segments: Iterable[Segment]) -> set[tuple[int, int]]:
    """Half and index of every frame that lies in a segment."""
    return {
        (half, frame)
        for half, start, end in segments
        for frame in range(int(FRAMES_PER_SECOND * start), int(FRAMES_PER_SECOND * end) + 1)
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
