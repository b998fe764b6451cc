"""Playlists: clips of any matches, in order, shared and made into files."""

import io
import json
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select, update

from touchline.formats import read
from touchline.media.video import probe
from touchline.server.housekeeping import drop_match
from touchline.server.jobs.worker import Worker
from touchline.server.reels import reel_from_json
from touchline.server.routes.playlists import PLAYLIST_FORMATS
from touchline.server.routes.reels import VIDEO_FORMATS
from touchline.server.tables import JobRow, MatchRow


@pytest.fixture
def library(client: Any, ready_match: Callable[..., str]) -> dict[str, Any]:
    """Two matches with five events each, and their events."""
    ids = [ready_match(client.services) for _ in range(2)]
    with client.services.database.write() as session:
        for match_id, title, game in (
            (ids[0], "North - South", {"home": "North", "away": "South", "competition": "Cup",
                                       "date": "2024-03-01"}),
            (ids[1], "East - West", {"home": "East", "away": "West", "competition": "League",
                                     "date": "21/02/2015 - 18:00"}),
        ):  # fmt: skip
            session.execute(
                update(MatchRow)
                .where(MatchRow.id == match_id)
                .values(title=title, game=game, created_at=1.0 + ids.index(match_id))
            )
    events = [client.get(f"/v1/matches/{one}/events").json()["items"] for one in ids]
    return {"matches": ids, "events": events}


def make(client: Any, *clips: dict[str, Any], title: str = "Best") -> dict[str, Any]:
    answer = client.post("/v1/playlists", json={"title": title, "clips": list(clips)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def clip_of(library: dict[str, Any], match: int, event: int = 0, **more: Any) -> dict[str, Any]:
    found = library["events"][match][event]
    return {"match": library["matches"][match], "event": found["id"], **more}


def sent(*clips: dict[str, Any]) -> list[dict[str, Any]]:
    """Clips that the server gave, as they are sent to it."""
    names = ("id", "match", "event", "start", "end", "title")
    return [{name: clip[name] for name in names} for clip in clips]


def found(client: Any, **query: Any) -> list[tuple[str, str, float]]:
    answer = client.get("/v1/events", params=query)
    assert answer.status_code == 200, answer.text
    return [(e["match_title"], e["label"], e["time"]) for e in answer.json()["items"]]


def test_events_of_the_whole_library_are_found(
    any_services: Any, make_client: Any, ready_match: Any
) -> None:
    client = make_client(any_services)
    ids = [ready_match(any_services, 3) for _ in range(2)]
    with any_services.database.write() as session:
        for at, (match_id, game) in enumerate(zip(ids, (
            {"home": "North", "competition": "Cup", "date": "2024-03-01"},
            {"home": "East", "competition": "Lea%gue", "date": "21/02/2015 - 18:00"},
        ), strict=True)):  # fmt: skip
            session.execute(update(MatchRow).where(MatchRow.id == match_id).values(
                title=game["home"], game=game, created_at=1.0 + at, thresholds={}
            ))  # fmt: skip
    first, *_, last = client.get(f"/v1/matches/{ids[0]}/events").json()["items"]
    star = {"If-Match": "*"}
    path = f"/v1/matches/{ids[0]}/events"
    client.patch(
        f"{path}/{first['id']}",
        headers=star,
        json={"team": "home", "player": "Ada", "note": "left foot"},
    )
    client.post(f"{path}/{last['id']}/reject", headers=star)
    assert [title for title, *_ in found(client)] == ["East"] * 3 + ["North"] * 2
    assert found(client, label="Corner", competition="cup") == [("North", "Corner", 1.5)]
    assert found(client, team="north") == found(client, player="ada") == [("North", "Goal", 0.5)]
    assert (
        found(client, note="left")
        == found(client, words="ada foot goal")
        == [("North", "Goal", 0.5)]
    )
    assert found(client, competition="a%g") and not found(client, competition="L_a")
    assert {t for t, *_ in found(client, first="2015-02-21", last="2015-02-21")} == {"East"}
    assert [t for t, *_ in found(client, status="rejected")] == ["North"]
    turned = client.get("/v1/events", params={"first": "2024-03-02", "last": "2024-03-01"})
    assert turned.status_code == 422 and "after last" in turned.json()["detail"]
    assert {t for t, *_ in found(client, match=ids[0])} == {"North"}
    client.patch(f"/v1/matches/{ids[1]}", headers=star, json={"thresholds": {"Goal": 0.95}})
    assert [label for title, label, _ in found(client) if title == "East"] == ["Corner"]
    pages, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/events?limit=1&cursor={cursor}").json()
        pages += [event["id"] for event in page["items"]]
        cursor = page["next"]
    assert pages == [event["id"] for event in client.get("/v1/events").json()["items"]]


def test_clips_are_ordered_renamed_and_the_changes_undone(
    client: Any, library: dict[str, Any]
) -> None:
    made = make(
        client, clip_of(library, 0), clip_of(library, 1, 1, start=0.2, end=2.0, title="Look")
    )
    path, (one, two) = f"/v1/playlists/{made['id']}", made["clips"]
    assert (one["match_title"], one["label"]) == ("North - South", "Goal")
    assert (two["match_title"], two["title"]) == ("East - West", "Look")
    assert [(clip["start"], clip["end"]) for clip in (one, two)] == [(0, 4), (0.2, 2)]
    changed = client.patch(
        path, headers={"If-Match": f'"{made["version"]}"'}, json={"clips": sent(two, one)}
    )
    assert [c["id"] for c in changed.json()["clips"]] == [two["id"], one["id"]]
    late = client.patch(path, headers={"If-Match": f'"{made["version"]}"'}, json={"title": "x"})
    assert late.status_code == 412
    assert [c["id"] for c in client.post(f"{path}/undo").json()["clips"]] == [one["id"], two["id"]]
    assert [c["id"] for c in client.post(f"{path}/redo").json()["clips"]] == [two["id"], one["id"]]
    key = {"Idempotency-Key": "9" * 32, "If-Match": "*"}
    answers = [client.patch(path, headers=key, json={"title": "Renamed"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["steps"][-1]["id"] == "9" * 32
    assert client.delete(path, headers={"If-Match": "*"}).status_code == 204
    assert client.get(path).status_code == 404 and not client.get("/v1/playlists").json()["items"]
    assert client.post(f"{path}/undo").json()["title"] == "Renamed"
    assert client.get("/v1/playlists").json()["items"][0]["count"] == 2


def test_playlists_come_in_pages(client: Any) -> None:
    made = [make(client, title=title)["id"] for title in ("one", "two", "three")]
    first = client.get("/v1/playlists?limit=2").json()
    rest = client.get("/v1/playlists", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == made[::-1]
    assert rest["next"] is None


def test_undoing_that_a_playlist_was_made_deletes_it(client: Any, library: dict[str, Any]) -> None:
    path = f"/v1/playlists/{make(client, clip_of(library, 0))['id']}"
    key = {"Idempotency-Key": "8" * 32}
    answers = [client.post(f"{path}/undo", headers=key) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert client.get(path).status_code == 404
    assert client.post(f"{path}/redo").json()["count"] == 1


@pytest.mark.parametrize(
    ("clip", "says"),
    [
        ({"match": "0" * 32, "start": 0, "end": 1}, "there is no match"),
        ({"match": 0, "event": "0" * 32}, "there is no event"),
        ({"match": 0}, "needs a start and an end"),
        ({"match": 0, "start": 5, "end": 6}, "6 s lies behind the end of the match at 4 s"),
        ({"match": 0, "start": 1, "end": 400}, "400 s lies behind the end of the match at 4 s"),
        ({"match": 0, "start": 2, "end": 1}, "is not in the video"),
    ],
)
def test_a_clip_that_cannot_be_is_refused(
    client: Any, library: dict[str, Any], clip: dict[str, Any], says: str
) -> None:
    if clip["match"] == 0:
        clip = {**clip, "match": library["matches"][0]}
    answer = client.post("/v1/playlists", json={"title": "x", "clips": [clip]})
    assert answer.status_code == 422 and says in answer.json()["detail"]
    assert client.get("/v1/playlists").json()["items"] == []


def test_a_deleted_match_is_said_and_never_left_out_in_silence(
    client: Any, library: dict[str, Any]
) -> None:
    made = make(client, clip_of(library, 0), clip_of(library, 1), clip_of(library, 1, 1))
    path = f"/v1/playlists/{made['id']}"
    event = library["events"][1][1]
    client.delete(
        f"/v1/matches/{library['matches'][1]}/events/{event['id']}", headers={"If-Match": "*"}
    )
    assert [c["missing"] for c in client.get(path).json()["clips"]] == [None, None, "event"]
    drop_match(client.services, library["matches"][0])
    clips = client.get(path).json()["clips"]
    assert [c["missing"] for c in clips] == ["match", None, "event"]
    assert (clips[0]["match_title"], clips[0]["label"]) == ("North - South", "Goal")
    assert client.get(f"{path}/clips/{clips[0]['id']}/video").status_code == 404
    refused = client.post(f"{path}/files", json={"format": "edl"})
    assert refused.status_code == 409 and "'North - South'" in refused.json()["detail"]
    kept = sent(*clips)
    kept[0]["title"] = "gone"
    renamed = client.patch(path, headers={"If-Match": "*"}, json={"clips": kept[::-1]})
    assert [c["title"] for c in renamed.json()["clips"]] == [None, None, "gone"]
    left = client.patch(path, headers={"If-Match": "*"}, json={"clips": kept[1:]})
    assert left.status_code == 200
    assert client.post(f"{path}/files", json={"format": "edl"}).status_code == 202


def test_a_playlist_is_written_in_every_format_of_several_videos(
    client: Any, library: dict[str, Any], tmp_path: Path
) -> None:
    made = make(
        client,
        *(
            clip_of(library, n % 2, n, start=n * 0.5, end=n * 0.5 + 1, title=f"clip {n}")
            for n in range(3)
        ),
    )
    path = f"/v1/playlists/{made['id']}"
    for format, suffix in PLAYLIST_FORMATS.items():
        if format in VIDEO_FORMATS or format == "youtube":  # chapters of ten seconds at least
            continue
        job = client.post(f"{path}/files", json={"format": format}).json()
        assert job["state"] == "succeeded", (format, job)
        file = client.get(f"/v1/files/{job['result']['playlist']['product_id']}")
        target = tmp_path / f"list{suffix}"
        target.write_bytes(file.content)
        if format in ("edl", "otio", "fcpxml", "csv", "touchline-reel"):
            reel = read(target, format, rate=25) if format == "edl" else read(target, format)
            videos = [clip.video for clip in reel]
            assert len(set(videos)) == 2 and videos[0] == videos[2], format
            assert [round(clip.start_seconds, 2) for clip in reel] == pytest.approx(
                [0, 0.5, 1], abs=0.021
            ), format
    assert (
        len(client.get(f"{path}/files").json()["items"])
        == len(PLAYLIST_FORMATS) - len(VIDEO_FORMATS) - 1
    )
    assert client.post(f"{path}/files", json={"format": "soccerhigh"}).status_code == 422
    for without_effect in ({"each": True}, {"snap": True}):
        asked = {"format": "edl", **without_effect}
        assert client.post(f"{path}/files", json=asked).status_code == 422


def test_videos_of_one_file_name_are_told_apart_and_the_list_says_how(
    client: Any, library: dict[str, Any]
) -> None:
    with client.services.database.write() as session:
        matches = session.scalars(select(MatchRow)).all()
        for number, match in enumerate(matches):
            match.title = "Cup 1/8"
            match.videos[0].name = ("half.MP4", "Half.mp4")[number % 2]
    clips = [clip_of(library, n, start=0, end=1) for n in range(2)]
    path = f"/v1/playlists/{make(client, *clips)['id']}"
    job = client.post(f"{path}/files", json={"format": "otio"}).json()
    (made,) = job["result"].values()
    target = client.services.storage.root / "list.otio"
    target.write_bytes(client.get(f"/v1/files/{made['product_id']}").content)
    names = [clip.video for clip in read(target, "otio")]
    assert [name.lower() for name in names] == ["cup 1-8 - half.mp4", "cup 1-8 - half (2).mp4"]
    assert len(made["warnings"]) == 2
    for name, warning in zip(names, made["warnings"], strict=True):
        assert "several files are called" in warning and name in warning


def test_edit_lists_say_what_is_known_of_the_videos_and_their_title(
    client: Any, library: dict[str, Any]
) -> None:
    """The whole videos of 4 s, their size and timecode, wherever the last cut ends."""
    with client.services.database.write() as session:
        for match in session.scalars(select(MatchRow)):
            match.info = {**match.info, "timecode": "10:00:00:00", "has_audio": False}
    clips = [clip_of(library, n, start=0.4, end=1.4) for n in range(2)]
    playlist = make(client, *clips, title="Near posts")["id"]
    wishes = {"title": "Near posts", "clips": [{"start": 0.4, "end": 1.4}]}
    reel = client.post(f"/v1/matches/{library['matches'][0]}/reels", json=wishes).json()["id"]
    for path in (f"/v1/playlists/{playlist}", f"/v1/reels/{reel}"):
        said = {}
        for format in ("fcpxml", "otio", "edl"):
            job = client.post(f"{path}/files", json={"format": format}).json()
            (made,) = job["result"].values()
            said[format] = client.get(f"/v1/files/{made['product_id']}").text
        project = ElementTree.fromstring(said["fcpxml"])
        assert [one.get("name") for one in project.iter("project")] == ["Near posts"]
        assert {one.get("duration") for one in project.iter("asset")} == {"4s"}
        assert {one.get("hasAudio") for one in project.iter("asset")} == {None}
        (shape,) = project.iter("format")
        assert (shape.get("width"), shape.get("height")) == ("96", "64")
        assert not any("//" in one.get("src", "") for one in project.iter("media-rep"))
        timeline = json.loads(said["otio"])
        assert timeline["name"] == "Near posts"
        media = timeline["tracks"]["children"][0]["children"][0]["media_references"]
        whole = media["DEFAULT_MEDIA"]["available_range"]
        assert (whole["start_time"]["value"], whole["duration"]["value"]) == (900000, 100)
        assert said["edl"].startswith("TITLE: Near posts\n") and "10:00:00:10" in said["edl"]


def test_every_clip_is_drawn_with_the_teams_and_beside_the_score_bug_of_its_match(
    client: Any, library: dict[str, Any]
) -> None:
    box = [0.05, 0.04, 0.3, 0.1]
    with client.services.database.write() as session:
        match = session.get_one(MatchRow, library["matches"][1])
        match.info = {**match.info, "score_bug": box}
    made = make(client, *[clip_of(library, n, start=0.4, end=1.4) for n in range(2)])
    asked = {"format": "mp4", "finish": {"scoreboard": True}}
    job = client.post(f"/v1/playlists/{made['id']}/files", json=asked).json()
    Worker(client.services, threading.Event()).run_one()
    done = client.get(f"/v1/jobs/{job['id']}").json()
    assert done["state"] == "succeeded", done["problem"]
    assert not [one for one in done["result"]["playlist"]["warnings"] if "score bug" in one]
    with client.services.database.read() as session:
        documents = session.get_one(JobRow, job["id"]).payload["documents"]
    shown = [clip.extra for document in documents for clip in reel_from_json(document)]
    assert [extra["teams"] for extra in shown] == [
        {"home": "North", "away": "South"},
        {"home": "East", "away": "West"},
    ]
    assert [extra.get("score_bug") for extra in shown] == [None, box]


def test_a_playlist_becomes_one_video_or_one_for_each_clip(
    client: Any, library: dict[str, Any]
) -> None:
    made = make(
        client,
        clip_of(library, 0, start=0.4, end=1.4),
        clip_of(library, 1, 1, start=1, end=2.2, title="Near post"),
    )
    path = f"/v1/playlists/{made['id']}"
    for wishes in ({"format": "mp4"}, {"format": "mp4", "each": True}):
        assert client.post(f"{path}/files", json=wishes).json()["state"] == "queued"
    worker = Worker(client.services, threading.Event())
    while worker.run_one():
        pass
    problems = [job["problem"] for job in client.get("/v1/jobs").json()["items"]]
    assert problems == [None, None]
    files = {file["format"]: file for file in client.get(f"{path}/files").json()["items"]}
    assert {name: file["name"] for name, file in files.items()} == {
        "mp4": "Best.mp4",
        "zip": "Best.zip",
    }
    data = {name: client.get(f"/v1/files/{file['id']}").content for name, file in files.items()}
    with zipfile.ZipFile(io.BytesIO(data["zip"])) as archive:
        assert archive.namelist() == ["1-Goal-North-South.mp4", "2-Near-post-East-West.mp4"]
        first = archive.read("1-Goal-North-South.mp4")
    target = client.services.storage.root / "check.mp4"
    for content, seconds in ((data["mp4"], 2.2), (first, 1.0)):
        target.write_bytes(content)
        assert probe(target).duration_seconds == pytest.approx(seconds, abs=0.06)
    assert client.delete(f"/v1/files/{files['zip']['id']}").status_code == 204
    assert [f["format"] for f in client.get(f"{path}/files").json()["items"]] == ["mp4"]


def test_a_link_to_a_playlist_shows_its_clips_and_nothing_else(
    people: dict[str, Any], ready_match: Callable[..., str]
) -> None:
    editor, guest = people["editor"], people["nobody"]
    match = ready_match(editor.services)
    other = make(editor, {"match": match, "start": 0, "end": 1})
    made = make(editor, {"match": match, "start": 1.5, "end": 2.5})
    path, clip = f"/v1/playlists/{made['id']}", made["clips"][0]["id"]
    link = editor.post(f"{path}/shares", json={"scope": "view"}).json()
    guest.headers["X-Share-Token"] = link["secret"]
    assert guest.get("/v1/session").json()["guest_of_playlist"] == made["id"]
    assert (
        guest.get(path).json()["clips"] == made["clips"] and guest.get(path).json()["steps"] == []
    )
    video = guest.get(f"{path}/clips/{clip}/video")
    assert video.status_code == 200
    target = editor.services.storage.root / "check.mp4"
    target.write_bytes(video.content)
    assert probe(target).duration_seconds == pytest.approx(
        1.5, abs=0.1
    )  # from the key frame at 1 s
    editor.post("/v1/models/pull", json={"model": "x"})
    job = editor.post(f"{path}/files", json={"format": "edl"}).json()
    refused = {
        "/v1/playlists": 403, f"/v1/playlists/{other['id']}": 404, "/v1/events": 403,
        f"/v1/matches/{match}": 404, f"/v1/matches/{match}/video": 404,
        f"/v1/matches/{match}/events": 404, f"/v1/jobs/{job['id']}": 404,
        f"/v1/files/{job['result']['playlist']['product_id']}": 403, f"{path}/shares": 403,
    }  # fmt: skip
    assert {where: guest.get(where).status_code for where in refused} == refused
    assert guest.get("/v1/matches").json()["items"] == guest.get("/v1/jobs").json()["items"] == []
    assert guest.patch(path, headers={"If-Match": "*"}, json={"title": "x"}).status_code == 403
    editor.delete(path, headers={"If-Match": "*"})
    assert guest.get(path).status_code == 401
    editor.post(f"{path}/undo")
    assert editor.get(path).status_code == 200
    assert guest.get(path).status_code == 401, "its links were deleted with it"
    link = editor.post(f"{path}/shares", json={}).json()
    guest.headers["X-Share-Token"] = link["secret"]
    assert guest.get(path).status_code == 200
    assert editor.delete(f"/v1/shares/{link['id']}").status_code == 204
    assert guest.get(path).status_code == 401
    assert editor.get(f"{path}/shares").json()["items"] == []
