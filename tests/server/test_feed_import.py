"""A provider's events are imported by the match clock, as far as the match's clock is known."""

import io
import json
import zipfile
from typing import Any

import pytest
from extras import needs
from statsbomb_files import line_ups, match_events

pytest.importorskip("fastapi")
pytest.importorskip("sqlalchemy")

from touchline.broadcast.result import Broadcast, Half, Reading, write_broadcast
from touchline.server.tables import MatchRow, VideoRow

FEED = "half,minute,second,label\n1,0,1,Foul\n1,0,2,Corner\n2,45,1,Goal\n3,90,5,Foul\n"


@pytest.fixture
def client(make_client: Any) -> Any:
    return make_client()


@pytest.fixture
def url(client: Any, ready_match: Any) -> str:
    return f"/v1/matches/{ready_match(client.services, events=0)}"


def read_match(client: Any, url: str, *halves: Half, number: int = 1) -> None:
    """Put down what was read of a video."""
    path = client.services.storage.broadcast(url.rpartition("/")[2], number)
    path.parent.mkdir(parents=True, exist_ok=True)
    readings = tuple(
        Reading(half.start_seconds + i / 5, True, half.half, half.clock_start_seconds + i / 5)
        for half in halves
        for i in range(round(5 * (half.end_seconds - half.start_seconds)))
    )
    write_broadcast(Broadcast("small.mp4", 4.0, halves=halves, readings=readings), path)


def imported(client: Any, url: str, content: bytes | str = FEED, query: str = "name=a.csv") -> Any:
    return client.post(f"{url}/import?{query}", content=content)


def times(client: Any, url: str) -> list[tuple[float, str]]:
    items = client.get(f"{url}/events").json()["items"]
    return [(one["time"], one["label"]) for one in items]


def test_a_feed_is_placed_by_what_was_read_of_the_video(client: Any, url: str) -> None:
    read_match(client, url, Half(1, 0.4, 3.0, 0.0, True), Half(2, 3.0, 4.0, 2699.0, True))
    answer = imported(client, url)
    assert answer.status_code == 200, answer.text
    assert times(client, url) == [(1.9, "Foul"), (2.7, "Corner")]  # half 1 ends at 3.0
    assert any("half 3, which the recording lacks" in line for line in answer.json()["remarks"])


def test_without_a_reading_the_kick_offs_of_the_details_serve(client: Any, url: str) -> None:
    game = {"game": {"periods": [{"half": 1, "start": 0.5}]}}
    client.patch(url, json=game, headers={"If-Match": "*"})
    answer = imported(client, url)
    assert answer.status_code == 200, answer.text
    assert times(client, url) == [(2.0, "Foul"), (3.0, "Corner")]
    event = client.get(f"{url}/events").json()["items"][0]
    assert (event["half"], event["clock_seconds"], event["source"]) == (1, 1.5, "import")


def test_a_match_without_a_clock_says_what_to_do(client: Any, url: str) -> None:
    refused = imported(client, url)
    assert refused.status_code == 422
    detail = refused.json()["detail"]
    assert "kick-offs" in detail and "Details" in detail and "auto" in detail
    assert times(client, url) == []


def test_a_file_with_times_of_a_video_is_no_feed_unless_it_is_said(client: Any, url: str) -> None:
    labels = {"annotations": [{"gameTime": "1 - 00:01", "label": "Goal", "position": "1000"}]}
    content = json.dumps(labels)
    assert imported(client, url, content, "name=Labels-v2.json").status_code == 200
    assert times(client, url) == [(1.0, "Goal")]
    client.post(f"{url}/undo")
    client.patch(url, json={"game": {"periods": [{"half": 1, "start": 0.5}]}},
                 headers={"If-Match": "*"})  # fmt: skip
    assert imported(client, url, content, "name=Labels-v2.json&times=clock").status_code == 200
    assert [time for time, _ in times(client, url)] == [pytest.approx(1.5, abs=0.51)]


def test_halves_in_two_videos_are_each_placed_by_their_own(client: Any, url: str) -> None:
    name = url.rpartition("/")[2]
    with client.services.database.write() as session:
        match = session.get_one(MatchRow, name)
        match.videos[0].half, match.videos[0].duration_seconds = 1, 4.0
        match.videos.append(
            VideoRow(number=2, half=2, name="2.mp4", start_seconds=4.0, duration_seconds=4.0)
        )
    read_match(client, url, Half(1, 0.0, 4.0, 0.0, True))
    read_match(client, url, Half(1, 0.0, 4.0, 0.0, True), number=2)  # its clock starts anew
    answer = imported(client, url)
    assert answer.status_code == 200, answer.text
    assert times(client, url) == [(1.5, "Foul"), (2.5, "Corner"), (5.5, "Goal")]
    assert any("no video" in line for line in answer.json()["remarks"])


def test_a_provider_s_files_come_as_a_zip(client: Any, url: str) -> None:
    needs("kloppy")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("events/1.json", json.dumps(match_events()))
        archive.writestr("lineups/1.json", json.dumps(line_ups()))
    client.patch(url, json={"game": {"periods": [{"half": 1, "start": 0.5}]}},
                 headers={"If-Match": "*"})  # fmt: skip
    answer = imported(client, url, stream.getvalue(), "name=a.zip&format=kloppy:statsbomb")
    assert answer.status_code == 200, answer.text
    assert answer.json()["remarks"]
    assert "kloppy:statsbomb" in client.get("/v1/capabilities").json()["feed_formats"]
