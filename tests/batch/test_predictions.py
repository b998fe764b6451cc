"""Predictions for a dataset tell what they could not see."""

from pathlib import Path

from touchline.batch.predictions import predict
from touchline.datasets.soccernet import Game, Half
from touchline.events import Timeline, Video


class Silent:
    """Finds nothing in any half."""

    def check(self, path: Path) -> None:
        pass

    def spot(self, path: Path, *, threshold: float, progress: object) -> Timeline:
        return Timeline(Video(path.name))


def game(name: str, *halves: int) -> Game:
    folder = Path(name)
    return Game(name, folder, tuple(Half(n, folder / f"{n}_rows.npy") for n in halves), {})


def test_a_missing_half_is_told():
    found = predict(Silent(), [game("a", 1, 2), game("b", 1), game("c", 2)])
    assert found.warnings == (
        "b: there is no half 2, as other games have",
        "c: there is no half 1, as other games have",
    )
    assert [len(match.timelines) for match in found.matches.values()] == [2, 1, 1]
    assert predict(Silent(), [game("a", 1), game("b", 1)]).warnings == ()
