"""How well a reel agrees with the segments that editors chose: F1 over frames.

At two frames a second, frame i is chosen if it lies in ``int(2 * start) <= i <= int(2 * end)`` of
a segment, both ends included. Source: the summaries of SoccerHigh (Diaz-Juan et al. 2025).
"""

from collections.abc import Iterable, Mapping
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
    """F1 of a set of games."""

    per_game: Mapping[str, GameSummary]

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
            "per_game": {game: summary.f1 for game, summary in self.per_game.items()},
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
    return SummaryScores(
        {
            game: compare(chosen_frames(editors[game]), chosen_frames(reels[game]))
            for game in editors
        }
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
