"""Several reviewers of one match: assignment, comments, presence, agreement."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from touchline.server.access.accounts import add_token, add_user
from touchline.server.tables import PresenceRow

STAR = {"If-Match": "*"}


@pytest.fixture
def team(people: dict[str, Any], make_client: Callable[..., Any]) -> dict[str, Any]:
    """Beside the others, a second editor."""
    services = people["editor"].services
    with services.database.write() as session:
        user = add_user(session, "bea", "the beas password", "editor", 1.0)
        secret, _ = add_token(session, user, "test", "editor", 1.0, None)
    bea = make_client(services)
    bea.headers["Authorization"] = f"Bearer {secret}"
    return people | {"bea": bea}


def test_a_match_is_assigned_and_found_by_it(team: dict[str, Any], ready_match: Any) -> None:
    editor, viewer = team["editor"], team["viewer"]
    one, _ = ready_match(editor.services), ready_match(editor.services)
    path = f"/v1/matches/{one}"
    assert [p["name"] for p in viewer.get("/v1/people").json()["items"]] == [
        *("admin", "bea", "editor"),
    ]
    assert editor.patch(path, headers=STAR, json={"assignee": "bea"}).json()["assignee"] == "bea"
    assert [m["id"] for m in viewer.get("/v1/matches?assignee=bea").json()["items"]] == [one]
    assert editor.patch(path, headers=STAR, json={"title": "x"}).json()["assignee"] == "bea"
    refused = editor.patch(path, headers=STAR, json={"assignee": "zoe"})
    assert refused.status_code == 422 and "admin, bea, editor" in refused.json()["detail"]
    assert editor.patch(path, headers=STAR, json={"assignee": "viewer"}).status_code == 422
    assert editor.patch(path, headers=STAR, json={"assignee": None}).json()["assignee"] is None


def test_comments_are_counted_and_deleted_by_their_author(
    team: dict[str, Any], ready_match: Any
) -> None:
    editor, bea, viewer = team["editor"], team["bea"], team["viewer"]
    match = ready_match(editor.services)
    path = f"/v1/matches/{match}"
    event = viewer.get(f"{path}/events").json()["items"][0]
    where = f"{path}/events/{event['id']}/comments"
    key = {"Idempotency-Key": "7" * 32}
    answers = [editor.post(where, headers=key, json={"text": " Offside? "}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    bea.post(where, json={"text": "No: level."})
    known = viewer.get(f"{path}/comments", params={"event": event["id"]}).json()["items"]
    assert [(c["author"], c["text"]) for c in known] == [
        *(("editor", "Offside?"), ("bea", "No: level.")),
    ]
    news = viewer.get(f"{path}/news?since=0").json()["items"]
    assert [(e["id"], e["comments"], e["version"]) for e in news] == [(event["id"], 2, 1)]
    assert viewer.post(where, json={"text": "x"}).status_code == 403
    assert editor.post(where, json={"text": " "}).status_code == 422
    assert bea.delete(f"/v1/comments/{known[0]['id']}").status_code == 403
    assert editor.delete(f"/v1/comments/{known[0]['id']}").status_code == 204
    assert team["admin"].delete(f"/v1/comments/{known[1]['id']}").status_code == 204
    assert viewer.get(f"{path}/events/{event['id']}").json()["comments"] == 0


def test_guests_of_a_link_are_told_of_no_comments_and_no_history(
    team: dict[str, Any], ready_match: Any
) -> None:
    editor, guest = team["editor"], team["nobody"]
    match = ready_match(editor.services)
    path = f"/v1/matches/{match}"
    event = editor.get(f"{path}/events").json()["items"][0]["id"]
    editor.post(f"{path}/events/{event}/comments", json={"text": "Offside?"})
    secret = editor.post(f"{path}/shares", json={}).json()["secret"]
    guest.headers["X-Share-Token"] = secret
    assert editor.get(f"{path}/events").json()["items"][0]["comments"] == 1
    listed = guest.get(f"{path}/events").json()["items"][0]
    told = guest.get(f"{path}/news").json()["items"][0]
    shown = guest.get(f"{path}/events/{event}").json()
    assert [one["comments"] for one in (listed, told, shown)] == [0, 0, 0]
    assert editor.get(f"{path}/changes").status_code == 200
    assert guest.get(f"{path}/changes").status_code == 403


def test_guests_of_a_link_read_no_name_of_those_who_work_here(
    team: dict[str, Any], ready_match: Any
) -> None:
    bea, guest = team["bea"], team["nobody"]
    match = ready_match(bea.services)
    path = f"/v1/matches/{match}"
    event = bea.get(f"{path}/events").json()["items"][0]["id"]
    bea.patch(f"{path}/events/{event}", headers=STAR, json={"status": "accepted"})
    bea.patch(path, headers=STAR, json={"assignee": "bea"})
    reel = bea.post(
        f"{path}/reels", json={"title": "Best", "clips": [{"start": 0, "end": 1}]}
    ).json()["id"]
    clips = [{"match": match, "start": 0, "end": 1}]
    playlist = bea.post("/v1/playlists", json={"title": "All", "clips": clips}).json()["id"]
    job = bea.post(f"/v1/reels/{reel}/files", json={"format": "edl"}).json()["id"]
    shown = {
        path: [
            *("/v1/matches", "/v1/matches?assignee=bea", path, f"{path}/events"),
            *(f"{path}/events/{event}", f"{path}/news", f"{path}/game", f"{path}/reels"),
            *(f"/v1/reels/{reel}", f"{path}/files", f"/v1/jobs/{job}", "/v1/jobs"),
            *("/v1/session", "/v1/capabilities"),
        ],
        f"/v1/playlists/{playlist}": [f"/v1/playlists/{playlist}", "/v1/session"],
    }
    for of, places in shown.items():
        secret = bea.post(f"{of}/shares", json={"scope": "download"}).json()["secret"]
        guest.headers["X-Share-Token"] = secret
        for place in places:
            answer = guest.get(place)
            assert answer.status_code == 200, place
            assert not re.search(r"\bbea\b", answer.text), place  # ids may hold these letters
    assert guest.get(f"/v1/jobs/{job}/log").status_code in (403, 404)
    for place in (path, f"{path}/events/{event}", f"/v1/reels/{reel}"):
        assert "bea" in bea.get(place).text, "others still read it"


def test_presence_tells_who_looks_at_what_until_they_are_gone(
    team: dict[str, Any], ready_match: Any
) -> None:
    editor, viewer = team["editor"], team["viewer"]
    path = f"/v1/matches/{ready_match(editor.services)}/presence"
    mine, theirs = {"page": "1" * 32, "event": "a" * 32, "seconds": 2.5}, {"page": "2" * 32}
    assert editor.post(path, json=mine).json()["items"] == []
    seen = viewer.post(path, json=theirs).json()["items"]
    assert seen == [{"name": "editor", "event": "a" * 32, "seconds": 2.5}]
    viewer.post(path, json={**mine, "seconds": 9})  # not the viewer's page
    assert viewer.post(path, json=theirs).json()["items"] == seen
    assert [p["name"] for p in editor.post(path, json=mine).json()["items"]] == ["viewer"]
    viewer.post(path, json={**theirs, "left": True})
    assert editor.post(path, json=mine).json()["items"] == []
    with editor.services.database.write() as session:
        session.execute(update(PresenceRow).values(seen_at=PresenceRow.seen_at - 16))
    assert viewer.post(path, json=theirs).json()["items"] == []
    assert team["nobody"].post(path, json=theirs).status_code == 401


def test_two_reviewers_agree_as_far_as_their_own_steps_do(
    team: dict[str, Any], ready_match: Any
) -> None:
    editor, bea = team["editor"], team["bea"]
    match = ready_match(editor.services, 5)
    path = f"/v1/matches/{match}"
    one, two, three, four, five = editor.get(f"{path}/events").json()["items"]

    def do(client: Any, event: dict[str, Any], what: str) -> None:
        assert client.post(f"{path}/events/{event['id']}/{what}", headers=STAR).status_code == 200

    for event, mine, theirs in (
        (one, "accept", None), (two, "reject", "accept"), (three, "accept", "reject"),
    ):  # fmt: skip
        do(editor, event, mine)
        if theirs:
            do(bea, event, theirs)
    bea.patch(f"{path}/events/{one['id']}", headers=STAR, json={"status": "rejected"})
    bea.post(f"{path}/undo")  # so bea has not judged it
    do(editor, four, "accept")
    bea.patch(f"{path}/events/{four['id']}", headers=STAR, json={"label": "Foul"})
    do(bea, four, "reject")
    do(bea, four, "accept")
    added = {"time": 3.9, "label": "Goal"}
    editor.post(f"{path}/events", json=added)
    bea.post(f"{path}/events", json={**added, "time": 3.8})
    asked = {"first": "editor", "second": "bea", "within": 0.5}
    found = team["viewer"].get(f"{path}/agreement", params=asked).json()
    assert (found["first"]["judged"], found["second"]["judged"]) == (5, 4)
    assert (found["first"]["kept"], found["second"]["kept"]) == (4, 3)
    assert (found["judged"], found["same"]) == (3, 0)
    assert found["kappa"] == pytest.approx(-0.5)
    kinds = {(d["kind"], d["time"]) for d in found["differences"]}
    assert kinds == {
        ("first_only", one["time"]), ("judgement", two["time"]), ("judgement", three["time"]),
        ("class", four["time"]),
    }  # fmt: skip
    assert found["f1"] == pytest.approx(2 / 7)
    assert [(c["label"], c["both"]) for c in found["classes"] if c["both"]] == [("Goal", 1)]
    swapped = {"first": "bea", "second": "editor", "within": 0.5}
    back = editor.get(f"{path}/agreement", params=swapped).json()
    assert (back["f1"], back["kappa"]) == (found["f1"], found["kappa"])
    assert five["id"] not in str(found)
    for itself in ({}, {"first": "bea", "second": "bea"}, {"other": match}):
        answer = editor.get(f"{path}/agreement", params=itself)
        assert answer.status_code == 422 and "with itself" in answer.json()["detail"]
    nobody = editor.get(f"{path}/agreement", params={"first": "zoe", "second": "bea"})
    assert nobody.status_code == 422 and "name one of bea, editor" in nobody.json()["detail"]


def test_a_match_is_compared_with_the_same_video_reviewed_elsewhere(
    client: Any, ready_match: Any
) -> None:
    one, two = ready_match(client.services, 4), ready_match(client.services, 4)
    for match, most in ((one, 1.0), (two, 0.8)):
        client.post(
            f"/v1/matches/{match}/review", json={"status": "accepted", "max_confidence": most}
        )
    found = client.get(f"/v1/matches/{one}/agreement", params={"other": two}).json()
    assert (found["first"]["kept"], found["second"]["kept"], found["judged"]) == (4, 3, 0)
    assert found["f1"] == pytest.approx(6 / 7) and found["kappa"] is None
    assert [d["kind"] for d in found["differences"]] == ["first_only"]
