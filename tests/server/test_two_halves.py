"""A match of several videos: one timeline through its halves, and each half by itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import odd_videos as odd
import pytest
from small_videos import write_video

from touchline.media.audio import read_audio
from touchline.media.segments import cut_segment
from touchline.media.video import probe, read_frames
from touchline.reel import Clip, Reel
from touchline.server.jobs.stages.proxying import ProxyArguments, make_proxy
from touchline.server.reels import by_video, through_match
from touchline.server.settings import MediaLimits
from touchline.server.tables import EventRow, MatchRow, VideoRow

LIMITS = MediaLimits().to_limits()
LABELS = {
    "UrlLocal": "league/season/2015-02-21 - 18-00 North 1 - 2 South/",
    "gameHomeTeam": "North", "gameAwayTeam": "South", "gameScore": "1 - 2",
    "gameDate": "21/02/2015 - 18:00",
    "annotations": [
        {"gameTime": "1 - 00:01", "label": "Goal", "position": "1500", "team": "home",
         "visibility": "visible"},
        {"gameTime": "2 - 00:00", "label": "Kick-off", "position": "500", "team": "away",
         "visibility": "visible"},
    ],
}  # fmt: skip


@pytest.fixture
def halves(client: Any) -> str:
    """A ready match of two halves of four and three seconds, with an event in each."""
    with client.services.database.write() as session:
        match = MatchRow(
            title="North - South", model="demo", threshold=0.05, state="ready", created_at=1.0,
            updated_at=1.0, info={"frame_rate": "25/1", "duration_seconds": 7.0},
            labels=["Goal", "Kick-off"], producer={"name": "e2e-spot", "weights": "demo"},
            videos=[
                VideoRow(number=1, half=1, name="1.mp4", duration_seconds=4.0),
                VideoRow(number=2, half=2, name="2.mp4", start_seconds=4.0, duration_seconds=3.0),
            ],
        )  # fmt: skip
        session.add(match)
        session.flush()
        for seconds, label in ((1.0, "Goal"), (4.0, "Kick-off"), (6.5, "Goal")):
            session.add(
                EventRow(
                    match_id=match.id, seconds=seconds, label=label, confidence=0.9, source="model",
                    created_by="model", created_at=1.0, updated_by="model", updated_at=1.0,
                )
            )  # fmt: skip
        return f"/v1/matches/{match.id}"


def send(client: Any, name: str, content: bytes = b"no video") -> str:
    return client.put(f"/v1/uploads/{name}", content=content).json()["id"]


def test_a_match_is_made_of_two_uploads_in_the_order_of_their_halves(client: Any) -> None:
    first, second = send(client, "a.mp4"), send(client, "b.mp4")
    body = {"videos": [{"upload": second, "half": 2}, {"upload": first, "half": 1}]}
    match = client.post("/v1/matches", json=body).json()
    answer = [(video["number"], video["half"], video["name"]) for video in match["videos"]]
    assert answer == [(1, 1, "a.mp4"), (2, 2, "b.mp4")]
    assert client.delete(f"/v1/uploads/{first}").status_code == 409
    url = f"/v1/matches/{match['id']}"
    assert client.get(f"{url}/original?half=2").status_code == 200
    assert 'filename="a.mp4"' in client.get(f"{url}/original").headers["Content-Disposition"]
    assert client.delete(url).status_code == 204
    assert not list((client.services.storage.root / "uploads").iterdir())


@pytest.mark.parametrize(
    "videos",
    [
        [],
        [{"half": 1}],
        [{"upload": "a" * 32, "path": "/x"}],
        [{"upload": "UPLOAD"}, {"upload": "UPLOAD"}],
        [{"upload": "UPLOAD", "half": 1}, {"path": "/x", "half": 1}],
        [{"upload": "UPLOAD", "half": 5}],
        [{"upload": "UPLOAD"}] * 5,
    ],
)
def test_videos_that_are_no_match(client: Any, videos: list[dict[str, Any]]) -> None:
    text = json.dumps({"videos": videos}).replace("UPLOAD", send(client, "a.mp4"))
    assert client.post("/v1/matches", json=json.loads(text)).status_code == 422


def test_an_upload_that_two_matches_use_stays_with_the_other(client: Any) -> None:
    first, second = send(client, "a.mp4"), send(client, "b.mp4")
    both = {"videos": [{"upload": first}, {"upload": second}]}
    match = client.post("/v1/matches", json=both).json()
    client.post("/v1/matches", json={"upload": first})
    client.delete(f"/v1/matches/{match['id']}")
    left = [folder.name for folder in (client.services.storage.root / "uploads").iterdir()]
    assert left == [first]


def test_events_tell_their_half_and_the_time_in_it(client: Any, halves: str) -> None:
    events = client.get(f"{halves}/events").json()["items"]
    answer = [(event["time"], event["half"], event["half_time"]) for event in events]
    assert answer == [(1.0, 1, 1.0), (4.0, 2, 0.0), (6.5, 2, 2.5)]
    of_second = client.get(f"{halves}/events?half=2").json()["items"]
    assert of_second == events[1:]
    url = f"{halves}/events/{events[2]['id']}"
    moved = client.patch(url, json={"time": 3.5}, headers={"If-Match": "*"}).json()
    assert (moved["half"], moved["half_time"]) == (1, 3.5)
    assert client.get(f"{halves}/events?half=3").status_code == 422


def test_a_match_of_one_video_keeps_the_halves_that_people_name(
    client: Any, ready_match: Callable[..., str]
) -> None:
    url = f"/v1/matches/{ready_match(client.services)}"
    event = {"time": 2.5, "label": "Goal", "half": 2}
    made = client.post(f"{url}/events", json=event).json()
    assert (made["half"], made["half_time"]) == (2, None)
    assert client.get(f"{url}/events?half=2").json()["items"] == [made]


def test_events_go_out_and_come_back_half_by_half(client: Any, halves: str) -> None:
    whole = client.get(f"{halves}/download").json()
    assert [(e["half"], e["time"]) for e in whole["events"]] == [(1, 1.0), (2, 0.0), (2, 2.5)]
    labels = client.get(f"{halves}/download?format=soccernet-v2").json()
    assert [a["gameTime"] for a in labels["annotations"]] == ["1 - 00:01", "2 - 00:00", "2 - 00:02"]
    second = client.get(f"{halves}/download?half=2").json()
    assert [event["time"] for event in second["events"]] == [0.0, 2.5]
    refused = client.get(f"{halves}/download?format=sportscode")
    assert refused.status_code == 422 and "one half" in refused.json()["detail"]
    before = client.get(f"{halves}/events").json()["items"]
    for content, query in ((whole, ""), (labels, "?name=Labels-v2.json"), (second, "?half=2")):
        step = client.post(f"{halves}/import{query}", content=json.dumps(content)).json()
        added = [client.get(f"{halves}/events/{one}").json()["time"] for one in step["events"]]
        wanted = [event["time"] for event in before if query != "?half=2" or event["half"] == 2]
        assert sorted(added) == wanted
        client.post(f"{halves}/undo")


@pytest.mark.parametrize(
    ("halves_of_file", "query", "problem"),
    [([None], "", "half"), ([3], "", "no video of half 3"), ([1, 2], "?half=4", "half 4")],
)
def test_files_that_do_not_fit_the_halves(
    client: Any, halves: str, halves_of_file: list[int | None], query: str, problem: str
) -> None:
    if halves_of_file == [None]:
        content = b"time,label\n1.5,Goal\n"
        query = "?name=a.csv"
    else:
        rows = [
            {"gameTime": f"{h} - 00:01", "label": "Goal", "position": "1"} for h in halves_of_file
        ]
        content = json.dumps({"annotations": rows}).encode()
        query = f"{query}{'&' if query else '?'}name=Labels-v2.json"
    refused = client.post(f"{halves}/import{query}", content=content)
    assert refused.status_code == 422 and problem in refused.json()["detail"], refused.text
    assert len(client.get(f"{halves}/events").json()["items"]) == 3


def test_labels_tell_teams_clock_and_score(client: Any, halves: str) -> None:
    client.post(f"{halves}/import?name=Labels-v2.json", content=json.dumps(LABELS))
    game = client.get(f"{halves}/game").json()
    assert (game["home"], game["away"], game["score"]) == ("North", "South", "1 - 2")
    assert game["periods"] == [{"half": 2, "start": 4.0, "minute": 45, "source": "event"}]
    goals = [(g["time"], g["clock"], g["home"], g["away"]) for g in game["goals"]]
    assert goals == [(1.5, None, 1, 0)]
    etag = client.get(halves).headers["ETag"]
    change = {"game": {"home": "Nord", "periods": [{"half": 1, "start": 0.5}]}}
    changed = client.patch(halves, json=change, headers={"If-Match": etag}).json()
    assert changed["game"] == {
        "home": "Nord", "away": "South", "score": "1 - 2", "date": "21/02/2015 - 18:00",
        "competition": "league", "periods": [{"half": 1, "start": 0.5}],
    }  # fmt: skip
    game = client.get(f"{halves}/game").json()
    assert [(p["half"], p["source"]) for p in game["periods"]] == [(1, "given"), (2, "event")]
    assert game["goals"][0]["clock"] == "1"
    assert client.patch(halves, json=change, headers={"If-Match": etag}).status_code == 412


@pytest.mark.parametrize(
    "periods",
    [
        [{"half": 1, "start": 5}, {"half": 1, "start": 9}],
        [{"half": 2, "start": 5}, {"half": 1, "start": 9}],
        [{"half": 5, "start": 5}],
        [{"half": 1, "start": -1}],
    ],
)
def test_halves_that_cannot_begin_so(client: Any, halves: str, periods: list[Any]) -> None:
    body = {"game": {"periods": periods}}
    assert client.patch(halves, json=body, headers={"If-Match": "*"}).status_code == 422


def test_stoppage_time_is_told_as_such() -> None:
    from touchline.server.games import clock_at

    periods = [{"half": 1, "start": 10.0}, {"half": 2, "start": 3000.0}]
    at = {9.0: None, 10.0: "1", 10 + 45 * 60: "45+1", 3000.0: "46", 3000 + 46.5 * 60: "90+2"}
    assert {seconds: clock_at(periods, seconds) for seconds in at} == at


def test_a_reel_counts_through_and_is_cut_by_video(client: Any, halves: str) -> None:
    made = client.post(f"{halves}/reels", json={"seconds": 4}).json()
    assert all("half" not in clip for clip in made["reel"]["clips"])
    assert any(clip["start"] >= 4 for clip in made["reel"]["clips"]), made
    edit = {"clips": [{"start": 3, "end": 5, "title": "over the break"}]}
    answer = client.patch(f"/v1/reels/{made['id']}", json=edit, headers={"If-Match": "*"})
    assert answer.status_code == 200 and len(answer.json()["reel"]["clips"]) == 1


def test_clips_move_between_match_and_videos() -> None:
    videos = [
        VideoRow(number=1, half=1, name="1.mp4", start_seconds=0.0, duration_seconds=4.0),
        VideoRow(number=2, half=2, name="2.mp4", start_seconds=4.0, duration_seconds=3.0),
    ]
    reel = Reel((Clip("match", 3.0, 5.0), Clip("match", 6.0, 7.0)))
    cut = by_video(reel, videos)
    answer = [(c.video, c.half, c.start_seconds, c.end_seconds) for c in cut]
    assert answer == [("1.mp4", 1, 3.0, 4.0), ("2.mp4", 2, 0.0, 1.0), ("2.mp4", 2, 2.0, 3.0)]
    back = through_match(cut, videos, "match")
    assert [(c.start_seconds, c.end_seconds) for c in back] == [(3, 4), (4, 5), (6, 7)]


@pytest.fixture(scope="module")
def two_videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Halves of different rate and size; the second without sound."""
    folder = tmp_path_factory.mktemp("halves")
    return [
        write_video(folder / "1.mp4", 60),
        write_video(folder / "2.mp4", 45, size=(128, 96), rate=30, sound=False),
    ]


def test_the_proxy_holds_one_half_after_the_other(two_videos: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "proxy.mp4"
    sources = tuple(str(path) for path in two_videos)
    arguments = ProxyArguments(sources=sources, target=str(target), height=720, limits=LIMITS)
    made = make_proxy(arguments, lambda share: None)
    starts = [video.start_seconds for video in made.videos]
    assert starts == [0.0, 60 / 25]
    info = probe(target)
    assert info.size == probe(two_videos[0]).size and info.frame_rate == 25
    assert info.duration_seconds == pytest.approx(made.duration_seconds, abs=0.05)
    assert list(tmp_path.iterdir()) == [target]
    sound = np.concatenate(list(read_audio(target, 8000)))
    assert np.abs(sound[4000:18000]).max() > 0.05 > np.abs(sound[21000:]).max()
    for number, (start, end) in enumerate(zip(starts, [2.4, 4.0], strict=True)):
        half = tmp_path / f"half-{number}.mp4"
        cut_segment(target, half, start, end)
        with read_frames(half) as cut, read_frames(target, start_seconds=start) as whole:
            pairs = list(zip(cut, whole, strict=False))
        assert len(pairs) == (60, 38)[number]
        assert all(np.array_equal(one.pixels, other.pixels) for one, other in pairs)
        assert [one.seconds for one, _ in pairs[:3]] == pytest.approx([0, 0.04, 0.08])


@pytest.mark.slow
def test_what_is_odd_about_a_recording_is_shown_with_its_match(client: Any, tmp_path: Path) -> None:
    import threading

    from touchline.server.jobs.worker import Worker

    piece = odd.encode(tmp_path / "piece.ts").read_bytes()
    halves = (("1.ts", piece * 2), ("2.ts", piece))
    uploads = [send(client, name, content) for name, content in halves]
    body = {"videos": [{"upload": one} for one in uploads], "model": "demo"}
    match = client.post("/v1/matches", json=body).json()
    assert Worker(client.services, threading.Event()).run_one()
    shown = client.get(f"/v1/matches/{match['id']}").json()
    assert shown["state"] == "ready"
    (warning,) = shown["warnings"]
    assert warning.startswith("video 1: the recording is broken at 0:02.0")


@pytest.mark.slow
def test_the_whole_way_of_two_halves(client: Any, two_videos: list[Path]) -> None:
    """Spotted half by half, and cut from the halves' own files."""
    import threading

    from touchline.server.jobs.worker import Worker

    worker = Worker(client.services, threading.Event())
    uploads = [send(client, path.name, path.read_bytes()) for path in two_videos]
    body = {"videos": [{"upload": one} for one in uploads], "threshold": 0.0, "model": "demo"}
    match = client.post("/v1/matches", json=body).json()
    assert worker.run_one()
    url = f"/v1/matches/{match['id']}"
    answer = client.get(url).json()
    assert answer["state"] == "ready", answer
    assert [video["start"] for video in answer["videos"]] == [0.0, 2.4]
    assert answer["info"]["duration_seconds"] == pytest.approx(3.9, abs=0.05)
    curves = client.get(f"{url}/scores").json()["seconds"]
    assert curves == sorted(curves) and 2.4 in curves and curves[0] == 0.0
    events = client.get(f"{url}/events").json()["items"]
    assert {event["half"] for event in events} == {1, 2}
    reel = client.post(f"{url}/reels", json={"seconds": 3}).json()
    edit = {"clips": [{"start": 2, "end": 3}]}
    client.patch(f"/v1/reels/{reel['id']}", json=edit, headers={"If-Match": "*"})
    for format in ("mp4", "edl"):
        client.post(f"/v1/reels/{reel['id']}/files", json={"format": format, "snap": False})
        assert worker.run_one() is (format == "mp4")  # an edit list is there at once
    files = {one["format"]: one["id"] for one in client.get(f"{url}/files").json()["items"]}
    cut = client.services.storage.root / "cut.mp4"
    cut.write_bytes(client.get(f"/v1/files/{files['mp4']}").content)
    assert probe(cut).duration_seconds == pytest.approx(1.0, abs=0.05)
    edl = client.get(f"/v1/files/{files['edl']}").text
    assert "1.mp4" in edl and "2.mp4" in edl


def test_a_second_half_that_is_no_video_is_named(client: Any, small_video: Path) -> None:
    import threading

    from touchline.server.jobs.worker import Worker

    uploads = [send(client, "1.mp4", small_video.read_bytes()), send(client, "2.mp4")]
    match = client.post("/v1/matches", json={"videos": [{"upload": u} for u in uploads]}).json()
    Worker(client.services, threading.Event()).run_one()
    answer = client.get(f"/v1/matches/{match['id']}").json()
    assert answer["state"] == "failed" and answer["problem"].startswith("video 2: ")


def test_a_server_of_one_video_each_is_brought_over(tmp_path: Path) -> None:
    """Rows of the tables before come over whole."""
    from alembic import command
    from sqlalchemy import select, text

    from touchline.server.database import Database, _alembic

    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with database._writer.begin() as connection:
        command.upgrade(_alembic(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO matches (id, title, video_name, model, threshold, state, warnings,"
                " info, labels, producer, thumbnails, stored_bytes, version, revision, created_at,"
                " updated_at) VALUES ('m', 't', 'a.mp4', 'demo', 0.1, 'ready', '[]',"
                """ '{"duration_seconds": 9.0, "proxy": {}}', '[]', '{}', '{}', 1, 1, 1, 1, 1)"""
            )
        )
        connection.execute(
            text(
                "INSERT INTO events (id, match_id, seconds, label, confidence, status, source,"
                " version, deleted, created_by, created_at, updated_by, updated_at) VALUES"
                " ('e', 'm', 1, 'Goal', 1, 'pending', 'model', 1, 0, 'x', 1, 'x', 1)"
            )
        )
    database.migrate()
    with database.read() as session:
        match = session.scalar(select(MatchRow))
        assert match is not None and [v.name for v in match.videos] == ["a.mp4"]
        assert match.videos[0].duration_seconds == 9.0 and match.game == {}
        assert session.scalar(select(EventRow.id)) == "e"
    with database.write() as session:
        session.delete(session.get_one(MatchRow, "m"))
    with database.read() as session:
        assert session.scalar(select(EventRow.id)) is None
    database.close()


def test_clock_and_score_stay_in_their_half(client: Any, halves: str) -> None:
    def patch(event: dict[str, Any], **values: Any) -> dict[str, Any]:
        url = f"{halves}/events/{event['id']}"
        return client.patch(url, json=values, headers={"If-Match": "*"}).json()

    first = client.get(f"{halves}/events").json()["items"][0]
    first = patch(first, clock_seconds=2790.0, score=[1, 0], team="home")
    assert (first["half"], first["clock_seconds"]) == (1, 2790.0)
    reel = client.post(f"{halves}/reels", json={"seconds": 3, "labels": ["Goal"]}).json()
    events = [event for clip in reel["reel"]["clips"] for event in clip["events"]]
    assert {"half": 1, "clock": 2790.0, "score": [1, 0]}.items() <= events[0].items()
    moved = patch(first, time=3.0)
    assert (moved["half"], moved["clock_seconds"]) == (1, 2792.0)
    moved = patch(moved, time=4.5)
    assert (moved["half"], moved["clock_seconds"], moved["score"]) == (2, None, [1, 0])
