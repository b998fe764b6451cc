"""The default model on the server: what the broadcast of an upload says reaches page and reels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_broadcasts import broadcast
from sqlalchemy import select

from touchline.broadcast import ocr
from touchline.broadcast.result import Half, read_broadcast
from touchline.events import RAN, Event, Producer, Timeline
from touchline.server.documents import timelines_from_rows
from touchline.server.jobs.stages.spotting import SpotArguments, SpotResult, spot_video
from touchline.server.jobs.types.base import JobContext
from touchline.server.jobs.types.spotting import SpotPayload, spot_match
from touchline.server.services import Services
from touchline.server.settings import Policy
from touchline.server.tables import EventRow, MatchRow
from touchline.spotting import auto_spotter

ID = "5f0c1a9e7d3b4c2f8a6e1d0b9c8f7a65"
GOAL = Event(
    1.0, "Goal", 0.95, team="home", half=2, clock_seconds=3790.0, score=(0, 0),
    uncertainty_seconds=0.5, note="1-0 for ARS",
)  # fmt: skip


@pytest.fixture(autouse=True)
def plain_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No text can be read, and nobody has put a network into the zoo."""
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


def found(**fields: Any) -> SpotResult:
    """What spotting an upload gave."""
    given: dict[str, Any] = {
        "events": (GOAL,), "labels": ("Goal",), "duration_seconds": 4.0, "warnings": (),
        "producer": Producer("broadcast"),
    }  # fmt: skip
    return SpotResult(**given | fields)


@pytest.fixture
def kept(services: Services, ready_match: Callable[..., str], tmp_path: Path) -> Any:
    """Keep the result of spotting a match; its id."""
    match = ready_match(services, events=0)

    def keep(result: SpotResult) -> str:
        payload = SpotPayload(model="auto", threshold=0.1)
        context = JobContext(
            services.settings, services.database, services.storage, ID, match, payload, tmp_path
        )
        call = spot_match(context, context.read_match(), "auto", 0.1)
        for path in call.arguments.broadcasts:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text("{}")
        with services.database.write() as session:
            call.effect(session, result)
        return match

    return keep


def test_it_is_the_default_of_uploads_and_can_be_chosen(client: Any) -> None:
    assert Policy().default_model == "auto"
    models = client.get("/v1/models").json()["models"]
    assert models[0]["name"] == "auto" and "Highlight" in models[0]["labels"]
    assert client.get("/v1/models/auto").json() == models[0]
    assert client.get("/v1/models/automatic").status_code == 404
    osl = client.get("/api/v1/models", params={"task": "localization"}).json()["models"]
    assert osl[0]["id"] == "auto" and osl[0]["available"]


def test_a_video_without_more_gives_its_broadcast_and_what_was_not_read(
    small_video: Path, tmp_path: Path
) -> None:
    said = tmp_path / "broadcasts" / "1.broadcast.json"
    arguments = SpotArguments(
        source=str(small_video), model="auto", threshold=0.05, scores=None, broadcasts=(str(said),)
    )
    result = spot_video(arguments, lambda share: None)
    assert result.replays == () and result.producer is not None
    assert result.ran.startswith("read by ")
    assert any("touchline[broadcast]" in warning for warning in result.warnings)
    assert read_broadcast(said).duration_seconds == pytest.approx(4.0)
    demo = arguments.model_copy(update={"model": "demo", "broadcasts": ()})
    by_demo = spot_video(demo, lambda share: None)
    assert by_demo.replays is None and by_demo.ran == ""


def test_two_halves_are_read_each_and_count_through(
    small_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_half = broadcast(halves=[Half(1, 0.5, 1.5, 0.0, True, True)], replays=[(1.0, 1.5)])

    class Reader:
        pictures, sounds = (), ()

        def __init__(self, *args: object, **options: object) -> None:
            pass

        def finish(self, *args: object) -> Any:
            return one_half

    monkeypatch.setattr(auto_spotter, "BroadcastReader", Reader)
    said = tuple(str(tmp_path / f"{number}.broadcast.json") for number in (1, 2))
    result = spot_video(
        SpotArguments(
            source=str(small_video), model="auto", threshold=0.05, scores=None,
            broadcasts=said, starts=(0.0, 2.0), halves=(1, 2),
        ),
        lambda share: None,
    )  # fmt: skip
    kick_offs = [event for event in result.events if event.label == "Kick-off"]
    assert [(e.seconds, e.clock_seconds, e.half) for e in kick_offs] == [
        (0.5, 0.0, None),
        (2.5, 2700.0, None),
    ]
    assert {event.label for event in result.events} >= {"Half-time", "Full-time"}
    assert result.replays == ((1.0, 1.5), (3.0, 3.5))
    assert all(Path(path).is_file() for path in said)


def test_what_the_broadcast_says_is_kept_and_shown(kept: Any, services: Services) -> None:
    match_id = kept(found(replays=((2.0, 3.5),)))
    with services.database.read() as session:
        (row,) = session.scalars(select(EventRow))
    shown = (row.clock_seconds, tuple(row.score or ()), row.uncertainty_seconds, row.note)
    assert shown == (3790.0, (0, 0), 0.5, "1-0 for ARS")
    assert services.storage.broadcast(match_id, 1).is_file()


def test_teams_of_the_picture_are_those_of_the_game_until_somebody_names_them(
    kept: Any, services: Services
) -> None:
    match_id = kept(found(teams={"home": "ARS", "away": "CHE"}))
    with services.database.write() as session:
        match = session.get_one(MatchRow, match_id)
        assert match.game == {"home": "ARS", "away": "CHE"}
        match.game = {"home": "Arsenal", "away": "CHE"}
    kept(found(teams={"home": "AFC", "away": "CFC"}))
    with services.database.read() as session:
        assert session.get_one(MatchRow, match_id).game == {"home": "Arsenal", "away": "CHE"}


def test_reels_of_the_page_know_the_replays_and_say_why(
    kept: Any, services: Services, make_client: Callable[..., Any]
) -> None:
    match_id = kept(found(replays=((3.2, 3.9),)))
    client = make_client(services)
    with services.database.read() as session:
        timeline = timelines_from_rows(
            session.get_one(MatchRow, match_id), session.scalars(select(EventRow))
        )
    assert isinstance(timeline, Timeline) and timeline.replays == ((3.2, 3.9),)
    reel = client.post(f"/v1/matches/{match_id}/reels", json={"seconds": 60}).json()["reel"]
    assert reel["clips"][0]["title"] == "Goal: 1-0 for ARS"


def test_what_read_the_video_is_shown_and_exported_until_another_model_does(
    kept: Any, services: Services, make_client: Callable[..., Any]
) -> None:
    client = make_client(services)

    def shown(result: SpotResult) -> tuple[str, str | None]:
        path = f"/v1/matches/{kept(result)}"
        file = client.get(f"{path}/download", params={"format": "touchline"}).json()
        return client.get(path).json()["info"][RAN], file.get(RAN)

    line = "read by sound, cuts and replays; network demo"
    assert shown(found(ran=line, replays=())) == (line, line)
    assert shown(found()) == ("", None)


def test_another_model_leaves_the_replays_as_they_are(kept: Any, services: Services) -> None:
    kept(found(replays=((2.0, 3.5),)))
    match_id = kept(found(replays=None))
    with services.database.read() as session:
        match = session.get_one(MatchRow, match_id)
        assert match.info["replays"] == [[2.0, 3.5]]
