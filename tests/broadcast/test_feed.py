"""What a file of events must say to be put on a video by its match clock."""

import pytest

from touchline.broadcast.feed import feed_of, sides_of
from touchline.errors import FormatError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats import Content, read


def halves(*events_by_half: list[Event], model: Producer | None = None) -> Match:
    return Match(
        "game",
        tuple(
            Timeline(Video(str(half)), tuple(events), half=half, model=model)
            for half, events in enumerate(events_by_half, start=1)
        ),
    )


def clocks(content: Content) -> list[tuple[int, float]]:
    return [(one.half, one.clock_seconds) for one in feed_of(content, "x.csv").events]


def test_halves_that_each_count_from_zero_become_match_time():
    """As kloppy and SoccerNet give them."""
    found = clocks(halves([Event(750.0, "Goal")], [Event(3.0, "Foul"), Event(1090.0, "Goal")]))
    assert found == [(1, 750.0), (2, 2703.0), (2, 3790.0)]


def test_halves_that_count_through_stay_as_they_are():
    assert clocks(halves([Event(750.0, "Goal")], [Event(3790.0, "Goal")])) == [
        (1, 750.0), (2, 3790.0),
    ]  # fmt: skip


def test_the_clock_of_an_event_counts_more_than_its_time():
    event = Event(12.0, "Goal", clock_seconds=3790.0)
    assert clocks(Timeline(Video("x"), (event,))) == [(2, 3790.0)]


@pytest.mark.parametrize(
    ("seconds", "step"),
    [
        ((61.0, 75.0, 99.0), 1.0), ((61.2, 75.7), 0.0), ((60.0, 1380.0), 60.0),
        ((290.0,), 1.0), ((240.0,), 1.0), ((290.25,), 0.0), ((0.0, 240.0), 1.0),
    ],
)  # fmt: skip
def test_to_what_a_clock_is_cut(seconds, step):
    content = halves([Event(one, "Foul") for one in seconds])
    assert feed_of(content, "x.csv").step_seconds == step


@pytest.mark.parametrize(
    ("table", "clock", "step"),
    [
        ("half,minute,second,label\n1,4,50,Foul\n", 290.0, 1.0),
        ("half,minute,second,label\n1,4,0,Foul\n", 240.0, 1.0),
        ("half,minute,label\n1,5,Shot\n", 240.0, 60.0),
        ("half,minute,label\n1,45+2,Shot\n", 2760.0, 60.0),
        ("half,clock,label\n1,4:50.25,Foul\n", 290.25, 0.0),
    ],
)
def test_a_single_row_says_to_what_its_clock_is_cut(table, clock, step, tmp_path):
    path = tmp_path / "feed.csv"
    path.write_text(table)
    found = feed_of(read(path), path)
    assert ([one.clock_seconds for one in found.events], found.step_seconds) == ([clock], step)


@pytest.mark.parametrize(
    "content",
    [
        Timeline(Video("x"), (Event(12.0, "Goal"),)),
        halves([]),
        {"a": halves([Event(1.0, "Goal")]), "b": halves([Event(1.0, "Goal")])},
        halves([Event(12.0, "Goal")], model=Producer("e2e-spot")),
        Timeline(Video("x.mp4", 5400.0), (Event(12.0, "Goal", half=1),)),
    ],
)
def test_what_has_no_match_clock_is_refused(content):
    with pytest.raises(FormatError, match=r"x\.csv"):
        feed_of(content, "x.csv")


def test_sides_by_name_or_by_the_letters_of_the_bug():
    def teams(*names: str) -> dict[str, str]:
        content = halves([Event(float(i), "Foul", team=name) for i, name in enumerate(names)])
        return dict(sides_of(feed_of(content, "x.csv"), ("FCB", "RMA")))

    assert teams("home", "Away") == {"home": "home", "Away": "away"}
    assert teams("Real Madrid", "FC Barcelona") == {"Real Madrid": "away", "FC Barcelona": "home"}
    assert teams("North", "South") == {}
