"""Events edited by people: what was there before can come back."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from touchline.server.tables import ChangeRow, EventRow


class Editing:
    """The events of one match, over HTTP."""

    def __init__(self, client: Any, match: str) -> None:
        self.client = client
        self.match = match
        self.url = f"/v1/matches/{match}"

    def all(self, query: str = "") -> list[dict[str, Any]]:
        return self.client.get(f"{self.url}/events{query}").json()["items"]

    def add(self, **event: Any) -> dict[str, Any]:
        return self.client.post(f"{self.url}/events", json=event).json()

    def on(self, event: dict[str, Any], method: str, path: str = "", **body: Any) -> Any:
        headers = {"If-Match": f'"{event["version"]}"'}
        url = f"{self.url}/events/{event['id']}{path}"
        return self.client.request(method, url, json=body or None, headers=headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"{self.url}/{path}", json=body or None)


@pytest.fixture
def editing(client: Any, ready_match: Callable[..., str]) -> Editing:
    return Editing(client, ready_match(client.services))


def facts(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(e["time"], e["label"], e["team"], e["status"]) for e in events]


def test_events_come_in_order_of_time_and_in_pages(editing: Editing) -> None:
    whole = editing.all()
    assert [e["time"] for e in whole] == sorted(e["time"] for e in whole) and len(whole) == 5
    first = editing.client.get(f"{editing.url}/events?limit=3").json()
    rest = editing.all(f"?limit=3&cursor={first['next']}")
    assert first["items"] + rest == whole


def test_events_are_filtered(editing: Editing) -> None:
    assert {e["label"] for e in editing.all("?label=Goal")} == {"Goal"}
    assert len(editing.all("?label=Goal&label=Corner")) == 5
    assert all(e["confidence"] >= 0.75 for e in editing.all("?min_confidence=0.75"))
    assert editing.all("?status=accepted") == []


def test_an_unchanged_list_is_not_sent_again(editing: Editing) -> None:
    url = f"{editing.url}/events"
    etag = editing.client.get(url).headers["ETag"]
    again = editing.client.get(url, headers={"If-None-Match": etag})
    assert again.status_code == 304 and again.content == b""
    editing.add(time=1, label="Goal")
    assert editing.client.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_an_added_event_is_a_persons(editing: Editing) -> None:
    event = editing.add(time=2.5, label="Goal", team="home", note="a header")
    assert (event["source"], event["status"], event["created_by"]) == (
        "person",
        "accepted",
        "local",
    )
    assert event in editing.all()


def test_changes_need_the_version_that_was_read(editing: Editing) -> None:
    """Optimistic locking: 428 without If-Match, 412 with an old one."""
    event = editing.all()[0]
    url = f"{editing.url}/events/{event['id']}"
    assert editing.client.patch(url, json={"team": "home"}).status_code == 428
    assert editing.on(event, "PATCH", team="home").status_code == 200
    late = editing.on(event, "PATCH", team="away")
    assert late.status_code == 412 and late.headers["ETag"] == '"2"'
    assert editing.client.get(url).json()["team"] == "home"
    star = editing.client.patch(url, json={"team": None}, headers={"If-Match": "*"})
    assert star.json()["team"] is None


def test_what_an_event_must_have_cannot_be_taken(editing: Editing) -> None:
    event = editing.all()[0]
    for field in ("time", "label", "confidence", "status"):
        assert editing.on(event, "PATCH", **{field: None}).status_code == 422


def test_accepting_rejecting_and_deleting(editing: Editing) -> None:
    first, second, third, *_ = editing.all()
    assert editing.on(first, "POST", "/accept").json()["status"] == "accepted"
    assert editing.on(second, "POST", "/reject").json()["status"] == "rejected"
    assert editing.on(third, "DELETE").status_code == 204
    assert len(editing.all()) == 4
    assert editing.client.get(f"{editing.url}/events/{third['id']}").status_code == 404


def test_a_match_counts_its_events_by_status(editing: Editing) -> None:
    assert editing.client.get(editing.url).json()["counts"]["pending"] == 5
    first, second, *_ = editing.all()
    headers = {"If-Match": "*"}
    editing.client.post(f"{editing.url}/events/{first['id']}/accept", headers=headers)
    editing.client.delete(f"{editing.url}/events/{second['id']}", headers=headers)
    listed = editing.client.get("/v1/matches").json()["items"][0]["counts"]
    assert listed == {"pending": 3, "accepted": 1, "rejected": 0}


def test_every_change_can_be_undone_and_done_again(editing: Editing) -> None:
    states = [facts(editing.all())]
    event = editing.add(time=1.25, label="Foul")
    states.append(facts(editing.all()))
    event = editing.on(event, "PATCH", time=1.5, label="Penalty").json()
    states.append(facts(editing.all()))
    event = editing.on(event, "POST", "/reject").json()
    states.append(facts(editing.all()))
    editing.on(event, "DELETE")
    states.append(facts(editing.all()))
    editing.post("review", status="accepted", min_confidence=0.75)
    states.append(facts(editing.all()))
    for state in reversed(states[:-1]):
        assert editing.post("undo").status_code == 200
        assert facts(editing.all()) == state
    assert editing.post("undo").status_code == 409
    for state in states[1:]:
        assert editing.post("redo").status_code == 200
        assert facts(editing.all()) == state
    assert editing.post("redo").status_code == 409


def set_elsewhere(editing: Editing, event: dict[str, Any], **values: Any) -> None:
    """Change an event without a step of its history, as no route does."""
    with editing.client.services.database.write() as session:
        row = session.get_one(EventRow, event["id"])
        for name, value in values.items():
            setattr(row, name, value)


def test_undo_never_overwrites_a_later_change(editing: Editing) -> None:
    """A step is refused whole if a field that it set has changed since; other fields stay."""
    editing.post("review", status="accepted")
    first, second, *others = editing.all()
    set_elsewhere(editing, first, status="rejected")
    set_elsewhere(editing, second, note="kept")
    before = editing.all()
    answer = editing.post("undo")
    assert answer.status_code == 409 and "changed since" in answer.json()["detail"]
    assert editing.all() == before and {e["status"] for e in others} == {"accepted"}
    set_elsewhere(editing, first, status="accepted")
    assert editing.post("undo").status_code == 200
    assert {e["status"] for e in editing.all()} == {"pending"}
    assert editing.all()[1]["note"] == "kept"


def test_undo_of_adding_never_deletes_a_later_change(editing: Editing) -> None:
    event = editing.add(time=1, label="Goal")
    set_elsewhere(editing, event, note="changed elsewhere")
    assert editing.post("undo").status_code == 409
    assert "changed elsewhere" in {e["note"] for e in editing.all()}


def test_redo_never_overwrites_a_later_change(editing: Editing) -> None:
    event = editing.all()[0]
    editing.on(event, "PATCH", team="home")
    editing.post("undo")
    set_elsewhere(editing, event, team="away")
    before = editing.all()
    assert editing.post("redo").status_code == 409
    assert editing.all() == before and before[0]["team"] == "away"


def test_undo_of_an_event_that_is_gone_is_refused(editing: Editing) -> None:
    event = editing.all()[0]
    editing.on(event, "PATCH", team="home")
    with editing.client.services.database.write() as session:
        session.delete(session.get_one(EventRow, event["id"]))
    assert editing.post("undo").status_code == 409


def test_a_new_change_ends_what_could_be_done_again(editing: Editing) -> None:
    editing.add(time=1, label="Goal")
    editing.post("undo")
    editing.add(time=2, label="Corner")
    assert editing.post("redo").status_code == 409


def test_reviewing_touches_pending_events_within_bounds_only(editing: Editing) -> None:
    kept = editing.on(editing.all()[0], "POST", "/reject").json()
    step = editing.post("review", status="accepted", min_confidence=0.65, label="Goal").json()
    accepted = {e["id"] for e in editing.all("?status=accepted")}
    assert set(step["events"]) == accepted and kept["id"] not in accepted
    assert editing.post("review", status="accepted", min_confidence=1).json()["events"] == []
    named = editing.post("review", status="rejected", ids=list(accepted)).json()
    assert set(named["events"]) == accepted


def test_history_says_who_and_when(editing: Editing) -> None:
    event = editing.add(time=1, label="Goal")
    editing.on(event, "POST", "/reject")
    editing.post("undo")
    latest, first = editing.client.get(f"{editing.url}/changes").json()["items"]
    assert (latest["action"], latest["undone"], latest["actor"]) == ("rejected", True, "local")
    assert (first["action"], first["undone"], first["events"]) == ("added", False, [event["id"]])


@pytest.mark.parametrize("path", ["undo", "redo", "review", "changes", "download", "reels"])
def test_a_match_that_is_not_there(client: Any, path: str) -> None:
    method = "POST" if path in ("undo", "redo", "review") else "GET"
    body = {"status": "accepted"} if path == "review" else None
    assert client.request(method, f"/v1/matches/{'0' * 32}/{path}", json=body).status_code == 404


EVIL = '=HYPERLINK("http://evil")<script>alert(1)</script>-->]]>&amp;'


def download(editing: Editing, format: str) -> str:
    answer = editing.client.get(f"{editing.url}/download?format={format}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    return answer.text


def test_labels_do_no_harm_in_files(editing: Editing) -> None:
    """Formulas in CSV, markup in XML, cue marks in VTT."""
    editing.add(time=2, label=EVIL, note="=1+1", team="@SUM(1)")
    rows = list(csv.reader(io.StringIO(download(editing, "csv"))))
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "@")]
    root = ElementTree.fromstring(download(editing, "sportscode"))
    assert EVIL in {element.text for element in root.iter("code")}
    vtt = download(editing, "vtt")
    assert "<script" not in vtt and vtt.count("-->") == len(editing.all())


def test_labels_come_back_as_json_and_never_as_markup(editing: Editing) -> None:
    """Whatever the text, the answer's type is JSON, and browsers must not guess."""
    event = editing.add(time=2, label=EVIL)
    answer = editing.client.get(f"{editing.url}/events/{event['id']}")
    assert answer.json()["label"] == EVIL
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_rejected_events_are_left_out_of_files(editing: Editing) -> None:
    editing.on(editing.all()[0], "POST", "/reject")
    assert download(editing, "csv").count("\n") == 5


@pytest.mark.parametrize("format", ["kloppy", "edl", "nonsense", "../x"])
def test_formats_that_events_are_not_written_in(editing: Editing, format: str) -> None:
    assert editing.client.get(f"{editing.url}/download?format={format}").status_code == 422


def upload(editing: Editing, content: bytes, query: str = "") -> Any:
    return editing.client.post(f"{editing.url}/import{query}", content=content)


def test_a_file_of_events_comes_in_as_one_step(editing: Editing) -> None:
    before = facts(editing.all())
    content = download(editing, "csv").encode() + b"9.5,9.5,Red card,,,1,,\n"
    step = upload(editing, download(editing, "touchline").encode())
    assert step.status_code == 200 and len(step.json()["events"]) == 5
    assert {e["source"] for e in editing.all()} == {"model", "import"}
    editing.post("undo")
    assert facts(editing.all()) == before
    assert upload(editing, content, "?name=events.csv").status_code in (200, 422)


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><file><ALL_INSTANCES><instance><ID>1</ID>'
    b"<start>1</start><end>2</end><code>&c;</code></instance></ALL_INSTANCES></file>"
)
XXE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><file>'
    b"<ALL_INSTANCES><instance><ID>1</ID><start>1</start><end>2</end><code>&e;</code></instance>"
    b"</ALL_INSTANCES></file>"
)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (LAUGHS, "a.xml"),
        (XXE, "a.xml"),
        (b"<file>" + b"<a>" * 50_000, "a.xml"),
        (b"[" * 100_000, "a.json"),
        (b'{"format": "touchline-events", "version": 1, "events": [{"time": NaN}]}', "a.json"),
        (b"PK\x03\x04" + b"\0" * 100, "a.zip"),
        (b"\0" * 1000, "a.csv"),
        (b"", "a.json"),
    ],
)
def test_files_that_will_not_do(editing: Editing, content: bytes, name: str) -> None:
    """Billion laughs, external entities, depth, not-a-number."""
    answer = upload(editing, content, f"?name={name}")
    assert answer.status_code == 422, answer.text
    assert "root:" not in answer.text and "/tmp" not in answer.text
    assert len(editing.all()) == 5


def test_a_file_of_100_mb_is_refused_unread(editing: Editing) -> None:
    """Imports have a limit of size that is checked before the body is read."""
    assert upload(editing, b" " * 100_000_000).status_code == 413


def test_a_reel_is_chosen_edited_and_renamed(editing: Editing) -> None:
    client = editing.client
    made = client.post(f"{editing.url}/reels", json={"title": "Best", "seconds": 3})
    assert made.status_code == 201 and made.json()["reel"]["clips"]
    url = f"/v1/reels/{made.json()['id']}"
    assert client.get(f"{editing.url}/reels").json()["items"] == [made.json()]
    assert made.json()["reel"]["clips"][0]["reason"].startswith("Goal (")
    late = {"start": 2, "end": 3.5, "title": "late", "reason": "Corner (0.80)"}
    edit = {"clips": [late, {"start": 0, "end": 1}]}
    assert client.patch(url, json=edit).status_code == 428
    headers = {"If-Match": made.headers["ETag"]}
    changed = client.patch(url, json=edit, headers=headers).json()
    clips = changed["reel"]["clips"]
    assert [(c["start"], c["end"]) for c in clips] == [(2, 3.5), (0, 1)]
    assert [clip.get("reason") for clip in clips] == ["Corner (0.80)", None]
    assert clips[1]["events"][0]["label"] == "Goal" and changed["updated_by"] == "local"
    assert client.patch(url, json={"title": "x"}, headers=headers).status_code == 412
    assert client.delete(url, headers={"If-Match": '"2"'}).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "clips",
    [
        [{"start": 3, "end": 2}],
        [{"start": 100, "end": 110}],
        [{"start": -1, "end": 2}],
        [{"start": 0}],
    ],
)
def test_clips_that_cannot_be(editing: Editing, clips: list[Any]) -> None:
    made = editing.client.post(f"{editing.url}/reels", json={"seconds": 3}).json()
    answer = editing.client.patch(
        f"/v1/reels/{made['id']}", json={"clips": clips}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 422


def test_the_same_wish_gives_the_same_job(editing: Editing) -> None:
    reel = editing.client.post(f"{editing.url}/reels", json={"seconds": 3}).json()
    url = f"/v1/reels/{reel['id']}/files"
    first = editing.client.post(url, json={"format": "edl"}).json()
    assert editing.client.post(url, json={"format": "edl"}).json()["id"] == first["id"]
    assert editing.client.post(url, json={"format": "otio"}).json()["id"] != first["id"]
    assert editing.client.post(url, json={"format": "exe"}).status_code == 422


def test_a_match_is_renamed_and_deleted(editing: Editing) -> None:
    client, url = editing.client, editing.url
    etag = client.get(url).headers["ETag"]
    assert client.patch(url, json={"title": "New"}).status_code == 428
    renamed = client.patch(url, json={"title": "New"}, headers={"If-Match": etag})
    assert renamed.json()["title"] == "New"
    folder = client.services.storage.match(editing.match)
    assert folder.is_dir()
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404 and not folder.exists()
    assert not list((client.services.storage.root / "uploads").iterdir())


def test_only_owners_and_admins_delete(
    people: dict[str, Any], ready_match: Callable[..., str]
) -> None:
    match = ready_match(people["admin"].services)
    assert people["editor"].delete(f"/v1/matches/{match}").status_code == 403
    assert people["admin"].delete(f"/v1/matches/{match}").status_code == 204


def test_the_same_on_both_databases(
    any_services: Any, make_client: Callable[..., Any], ready_match: Callable[..., str]
) -> None:
    """What differs between databases: order, pages, searching, texts of every script, JSON."""
    client = make_client(any_services)
    editing = Editing(client, ready_match(any_services, events=7))
    words = "Tor für Öster 🥅 ' \" % _ ; --"
    event = editing.add(time=1.5, label=words, note="=1")
    assert editing.all(f"?label={quote(words)}") == [event]
    first = client.get(f"{editing.url}/events?limit=3").json()
    rest = editing.all(f"?limit=10&cursor={first['next']}")
    assert [*first["items"], *rest] == editing.all()
    editing.post("review", status="accepted", min_confidence=0.75)
    assert editing.post("undo").status_code == 200
    assert {e["status"] for e in editing.all()} == {"pending", "accepted"}
    reel = client.post(f"{editing.url}/reels", json={"seconds": 3}).json()
    assert client.get(f"/v1/reels/{reel['id']}").json() == reel
    render = client.post(f"/v1/reels/{reel['id']}/files", json={"format": "edl"}).json()
    assert client.get(f"/v1/jobs?match={editing.match}").json()["items"][0]["id"] == render["id"]
    for search, found in (("NORTH", 1), ("%", 0)):
        assert len(client.get("/v1/matches", params={"search": search}).json()["items"]) == found
    assert client.get("/v1/audit?limit=1").json()["next"]
    assert "touchline_jobs{" in client.get("/metrics").text
    assert client.delete(editing.url).status_code == 204
    assert client.get(f"/v1/jobs/{render['id']}").status_code == 404


STATED = {"half": 2, "clock": 3790.48, "score": [1, 0]}


def imported(editing: Editing, *events: dict[str, Any]) -> Any:
    document = {"format": "touchline-events", "version": 1, "video": {"name": "m.mp4"}}
    content = json.dumps(document | {"events": list(events)})
    return editing.client.post(f"{editing.url}/import?name=m.events.json", content=content)


def test_clock_and_score_of_a_file_come_back_in_the_download(editing: Editing) -> None:
    given = {"time": 1.25, "label": "Penalty", "confidence": 1.0} | STATED
    both = {"time": 1.5, "label": "Foul", "confidence": 1.0, "clock": 60.0, "clock_text": "1'"}
    assert imported(editing, given, both).status_code == 200
    kept = {"status": "accepted", "source": "import"}
    found = json.loads(editing.client.get(f"{editing.url}/download").content)["events"]
    assert given | kept in found and both | kept in found
    (event,) = editing.all("?label=Penalty")
    assert (event["half"], event["clock_seconds"], event["score"]) == (2, 3790.48, [1, 0])


def test_clock_and_score_are_added_changed_and_undone(editing: Editing) -> None:
    event = editing.add(time=1.25, label="Penalty", clock_seconds=3790.48, score=[1, 0])
    assert (event["clock_seconds"], event["score"]) == (3790.48, [1, 0])
    event = editing.on(event, "PATCH", score=[1, 1], clock_seconds=3800.0).json()
    assert (event["clock_seconds"], event["score"]) == (3800.0, [1, 1])
    assert editing.post("undo").status_code == 200
    (event,) = editing.all("?label=Penalty")
    assert (event["clock_seconds"], event["score"]) == (3790.48, [1, 0])


@pytest.mark.parametrize(
    "wrong",
    [{"score": [1]}, {"score": [1, -1]}, {"score": [1.5, 0]}, {"score": "1-0"},
     {"clock_seconds": -1}, {"clock_seconds": "abc"}, {"clock": "abc"}],
)  # fmt: skip
def test_no_other_clocks_and_scores_are_taken(editing: Editing, wrong: dict[str, Any]) -> None:
    event = editing.all()[0]
    answer = editing.on(event, "PATCH", **wrong)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"body.{next(iter(wrong))}")
    assert editing.all()[0] == event


def test_a_step_from_before_events_had_these_fields_is_undone(editing: Editing) -> None:
    event = editing.all()[0]
    editing.on(event, "PATCH", team="home")
    with editing.client.services.database.write() as session:
        row = session.scalars(select(ChangeRow)).one()
        for step in (steps := json.loads(json.dumps(row.steps))):
            for values in (step["before"], step["after"]):
                del values["clock_seconds"], values["score"]
        row.steps = steps
    assert editing.post("undo").status_code == 200
    assert editing.all()[0]["team"] is None


def state(event: dict[str, Any]) -> tuple[Any, ...]:
    return event["half"], event["clock_seconds"], event["score"]


@pytest.fixture
def stated(editing: Editing) -> dict[str, Any]:
    """An event at 2 s of a match that has no others, with all that it may say of the match."""
    for event in editing.all():
        editing.on(event, "DELETE")
    more = {"half": 2, "clock": "64'", "clock_seconds": 3790.48, "score": [1, 0]}
    return editing.add(time=2.0, label="Penalty", uncertainty_seconds=4.0, **more)


def test_the_clock_moves_with_the_time_of_its_event(
    editing: Editing, stated: dict[str, Any]
) -> None:
    moved = editing.on(stated, "PATCH", time=3.5).json()
    assert state(moved) == (2, 3791.98, [1, 0])
    assert moved["clock"] is None and moved["uncertainty_seconds"] is None
    assert editing.post("undo").status_code == 200
    (back,) = editing.all()
    assert state(back) == (2, 3790.48, [1, 0]) and back["clock"] == "64'"


def test_a_change_of_anything_else_leaves_the_clock(
    editing: Editing, stated: dict[str, Any]
) -> None:
    same = editing.on(stated, "PATCH", time=2.0, team="home", label="Foul").json()
    assert state(same) == state(stated) and same["clock"] == "64'"
    assert same["uncertainty_seconds"] == 4.0


def test_a_clock_that_is_given_with_the_time_counts(
    editing: Editing, stated: dict[str, Any]
) -> None:
    moved = editing.on(stated, "PATCH", time=3.5, clock_seconds=10.0, score=[0, 0], half=1).json()
    assert state(moved) == (1, 10.0, [0, 0])


def test_a_clock_does_not_outlive_its_half(editing: Editing, stated: dict[str, Any]) -> None:
    assert state(editing.on(stated, "PATCH", half=1).json()) == (1, None, [1, 0])


def test_a_score_does_not_pass_a_goal(editing: Editing, stated: dict[str, Any]) -> None:
    goal = editing.add(time=3.0, label="Goal", score=[1, 0])
    moved = editing.on(stated, "PATCH", time=3.5).json()
    assert state(moved) == (2, 3791.98, None)
    editing.post("undo")
    assert editing.on(goal, "PATCH", time=1.0).json()["score"] == [1, 0]
    assert state(editing.all("?label=Penalty")[0]) == (2, 3790.48, None)
    editing.post("undo")
    assert state(editing.all("?label=Penalty")[0]) == (2, 3790.48, [1, 0])


def test_a_goal_goes_on_from_the_score_that_it_states(editing: Editing) -> None:
    editing.add(time=1.0, label="Goal", team="home", half=1, clock_seconds=2830.0, score=[2, 1])
    editing.add(time=2.0, label="Goal", team="away", half=2, clock_seconds=2830.0)
    goals = editing.client.get(f"{editing.url}/game").json()["goals"]
    assert [(g["clock"], g["home"], g["away"]) for g in goals] == [("45+3", 3, 1), ("48", 3, 2)]


def test_a_file_that_was_deleted_is_made_anew(editing: Editing) -> None:
    client, request = editing.client, {"format": "edl"}
    reel = client.post(f"{editing.url}/reels", json={"seconds": 3}).json()
    stored = client.get(editing.url).json()["stored_bytes"]
    path = f"/v1/reels/{reel['id']}/files"
    first = client.post(path, json=request).json()
    (file,) = client.get(f"{editing.url}/files").json()["items"]
    assert client.get(editing.url).json()["stored_bytes"] == stored + file["bytes"]
    assert client.delete(f"/v1/files/{file['id']}").status_code == 204
    assert client.delete(f"/v1/files/{file['id']}").status_code == 404
    assert client.get(editing.url).json()["stored_bytes"] == stored
    again = client.post(path, json=request).json()
    (anew,) = client.get(f"{editing.url}/files").json()["items"]
    assert again["id"] != first["id"] and client.get(f"/v1/files/{anew['id']}").status_code == 200


def test_edit_lists_wait_for_no_job(editing: Editing) -> None:
    """They are there at once, though a long match is at work and no worker is free."""
    client = editing.client
    reel = client.post(f"{editing.url}/reels", json={"seconds": 3}).json()
    for format in ("edl", "otio", "fcpxml", "sportscode", "vtt", "csv", "touchline-reel"):
        job = client.post(f"/v1/reels/{reel['id']}/files", json={"format": format}).json()
        assert (job["state"], job["progress"]) == ("succeeded", 1.0), job
        (stage,) = job["result"].values()
        file = client.get(f"/v1/files/{stage['product_id']}")
        assert file.status_code == 200 and len(file.content) == stage["bytes"] > 0
        again = client.post(f"/v1/reels/{reel['id']}/files", json={"format": format}).json()
        assert again["id"] == job["id"]
    assert len(client.get(f"{editing.url}/files").json()["items"]) == 7
    refused = client.post(f"/v1/reels/{reel['id']}/files", json={"format": "youtube"})
    assert refused.status_code == 422 and "chapters" in refused.json()["detail"]
    video = client.post(f"/v1/reels/{reel['id']}/files", json={"format": "mp4"}).json()
    assert (video["state"], video["lane"], video["position"]) == ("queued", "cutting", 0)
    assert video["waits_for"] == "worker"


def test_no_event_lies_outside_the_match(editing: Editing) -> None:
    last = editing.client.get(editing.url).json()["info"]["duration_seconds"]
    refused = editing.client.post(f"{editing.url}/events", json={"time": 9e3, "label": "Goal"})
    assert refused.status_code == 422 and f"the end of the match at {last:g} s" in refused.text
    event = editing.add(time=last, label="Goal")
    assert editing.on(event, "PATCH", time=9e3).status_code == 422
    assert editing.on(event, "PATCH", time=-1).status_code == 422


def test_an_event_may_have_a_length(editing: Editing) -> None:
    """It moves with the event, is undone, leaves in files and comes in with them."""
    event = editing.add(time=2.0, label="Goal", lead=1.5, lag=0.25)
    assert (event["lead"], event["lag"]) == (1.5, 0.25)
    moved = editing.on(event, "PATCH", time=2.5).json()
    assert (moved["time"], moved["lead"], moved["lag"]) == (2.5, 1.5, 0.25)
    point = editing.on(moved, "PATCH", lead=None, lag=None).json()
    assert point["lead"] is None
    editing.post("undo")
    exported = editing.client.get(f"{editing.url}/download?format=sportscode").text
    windows = [
        (instance.findtext("start"), instance.findtext("end"))
        for instance in ElementTree.fromstring(exported).iter("instance")
    ]
    assert ("1.0", "2.75") in windows
    whole = editing.client.get(f"{editing.url}/download?format=touchline").content
    for known in editing.all():
        editing.on(known, "DELETE")
    cut = b"start,end,label\n1,3.5,Attack\n"
    assert editing.client.post(f"{editing.url}/import", content=whole).is_success
    assert editing.client.post(f"{editing.url}/import?name=cut.csv", content=cut).is_success
    found = {e["label"]: (e["time"], e["lead"], e["lag"]) for e in editing.all() if e["lag"]}
    assert found == {"Goal": (2.5, 1.5, 0.25), "Attack": (1.0, 0.0, 2.5)}


def test_only_numbers_are_numbers_and_lengths_lie_in_the_match(editing: Editing) -> None:
    """The match lasts 4 s."""
    url = f"{editing.url}/events"
    for wrong, said in (
        ({"time": True}, "time"),
        ({"time": "1"}, "time"),
        ({"confidence": "0.5"}, "confidence"),
        ({"half": True}, "half"),
        ({"lead": 2, "lag": 1}, "lead: -1 s lies before the first picture"),
        ({"lead": 0, "lag": 3000}, "lag: 3001 s lies behind the end of the match at 4 s"),
    ):
        answer = editing.client.post(url, json={"time": 1, "label": "Goal", **wrong})
        assert answer.status_code == 422 and said in answer.json()["detail"], wrong
    event = editing.add(time=1, label="Goal")
    assert editing.on(event, "PATCH", lead=2, lag=1).status_code == 422
    assert editing.on(event, "PATCH", time=2, lead=2, lag=1).status_code == 200


def test_a_review_names_events_of_the_match_and_a_range(editing: Editing) -> None:
    one, two, *_ = editing.all()
    editing.on(two, "DELETE")
    for wrong, said in (
        ({"ids": [one["id"], "0" * 32]}, f"{'0' * 32} is no event of the match"),
        ({"min_confidence": 0.8, "max_confidence": 0.2}, "above max_confidence"),
    ):
        answer = editing.post("review", status="accepted", **wrong)
        assert answer.status_code == 422 and said in answer.json()["detail"]
    ids = [one["id"], two["id"]]
    done = editing.post("review", status="accepted", ids=ids).json()
    assert done["events"] == [one["id"]], "one that was deleted meanwhile is left out"


def test_a_game_is_on_a_day_that_exists(editing: Editing) -> None:
    star = {"If-Match": "*"}

    def dated(text: str | None) -> int:
        body = {"game": {"date": text}}
        return editing.client.patch(editing.url, json=body, headers=star).status_code

    assert [dated(text) for text in ("2026-99-99", "30.02.2025", "soon")] == [422] * 3
    assert [dated(text) for text in ("2024-02-29", "21/02/2015 - 18:00", "", None)] == [200] * 4


def test_half_a_length_is_refused(editing: Editing) -> None:
    for wrong in ({"lead": 1}, {"lead": 1, "lag": None}, {"lead": 0, "lag": 0}, {"lag": -1}):
        answer = editing.client.post(
            f"{editing.url}/events", json={"time": 1, "label": "Goal", **wrong}
        )
        assert answer.status_code == 422 and "lag" in answer.json()["detail"], wrong
