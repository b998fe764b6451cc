"""The history of a match: news since a revision, steps that are undone by name, reels as events."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete

from touchline.server.tables import EventRow, MatchRow


@pytest.fixture
def url(client: Any, ready_match: Callable[..., str]) -> str:
    return f"/v1/matches/{ready_match(client.services)}"


def news(client: Any, url: str, since: int, query: str = "") -> Any:
    return client.get(f"{url}/news?since={since}{query}").json()


def test_news_bring_a_reader_up_to_date(client: Any, url: str) -> None:
    """Whoever adds the news to what they had has what the server has."""
    had = {event["id"]: event for event in client.get(f"{url}/events").json()["items"]}
    since = client.get(url).json()["revision"]
    first, second, *_ = had
    client.patch(f"{url}/events/{first}", json={"team": "home"}, headers={"If-Match": "*"})
    client.delete(f"{url}/events/{second}", headers={"If-Match": "*"})
    client.post(f"{url}/events", json={"time": 1, "label": "Goal"})
    client.post(f"{url}/undo")
    client.post(f"{url}/redo")
    found = news(client, url, since)
    had |= {event["id"]: event for event in found["items"]}
    had = {name: event for name, event in had.items() if name not in found["removed"]}
    now = client.get(f"{url}/events").json()["items"]
    assert had == {event["id"]: event for event in now} and found["count"] == len(now)
    assert [step["action"] for step in found["steps"]] == ["changed", "deleted", "added"]
    etag = {"If-None-Match": f'"r{found["revision"]}"'}
    assert client.get(f"{url}/news", headers=etag).status_code == 304


def test_news_come_in_pages(client: Any, url: str) -> None:
    client.post(f"{url}/review", json={"status": "accepted"})
    first = news(client, url, 0, "&limit=3")
    rest = news(client, url, 0, f"&limit=3&cursor={first['next']}")
    seen = [event["id"] for event in first["items"] + rest["items"]]
    assert sorted(seen) == sorted({e["id"] for e in client.get(f"{url}/events").json()["items"]})
    assert rest["next"] is None


def test_events_removed_for_good_are_missed(client: Any, url: str) -> None:
    """Spotting again removes rows; the number of events tells a reader to read them all."""
    with client.services.database.write() as session:
        session.execute(delete(EventRow).where(EventRow.label == "Goal"))
        session.get_one(MatchRow, url.rpartition("/")[2]).revision += 1
    found = news(client, url, 0)
    assert found["items"] == [] and found["count"] == 2


def test_a_step_is_undone_by_its_name(client: Any, url: str) -> None:
    first, second, *_ = client.get(f"{url}/events").json()["items"]
    star = {"If-Match": "*"}
    one = client.post(f"{url}/events/{first['id']}/accept", headers=star).headers["X-Step-Id"]
    two = client.post(f"{url}/events/{second['id']}/accept", headers=star).headers["X-Step-Id"]
    assert client.post(f"{url}/undo", json={"step": one}).json()["events"] == [first["id"]]
    assert client.post(f"{url}/undo", json={"step": one}).status_code == 409, "undone already"
    statuses = [event["status"] for event in client.get(f"{url}/events").json()["items"]]
    assert statuses[:2] == ["pending", "accepted"]
    assert client.post(f"{url}/redo", json={"step": two}).status_code == 409, "not undone"
    assert client.post(f"{url}/redo", json={"step": one}).json()["events"] == [first["id"]]


def test_a_change_by_somebody_else_leaves_what_can_be_redone(
    people: dict[str, Any], ready_match: Callable[..., str]
) -> None:
    url = f"/v1/matches/{ready_match(people['editor'].services)}"
    editor, admin = people["editor"], people["admin"]
    first, second, *_ = editor.get(f"{url}/events").json()["items"]
    star = {"If-Match": "*"}
    editor.post(f"{url}/events/{first['id']}/accept", headers=star)
    editor.post(f"{url}/undo")
    admin.post(f"{url}/events/{second['id']}/accept", headers=star)
    (step,) = news(editor, url, 0)["steps"]
    assert step["undone"] and [s["action"] for s in news(admin, url, 0)["steps"]] == ["accepted"]
    assert editor.post(f"{url}/redo", json={"step": step["id"]}).status_code == 200
    editor.post(f"{url}/undo", json={"step": step["id"]})
    editor.post(f"{url}/events", json={"time": 1, "label": "Goal"})
    assert editor.post(f"{url}/redo", json={"step": step["id"]}).status_code == 409


def test_edits_of_reels_are_undone_and_redone(client: Any, url: str) -> None:
    star = {"If-Match": "*"}

    def state() -> list[tuple[str, list[float]]]:
        reels = client.get(f"{url}/reels").json()["items"]
        return [(r["title"], [c["start"] for c in r["reel"]["clips"]]) for r in reels]

    states = [state()]
    clips = [{"start": 2, "end": 3}, {"start": 0, "end": 1}]
    made = client.post(f"{url}/reels", json={"title": "Best", "clips": clips})
    reel = f"/v1/reels/{made.json()['id']}"
    states.append(state())
    assert states[-1] == [("Best", [2, 0])]
    client.patch(reel, json={"title": "Better"}, headers=star)
    states.append(state())
    client.patch(reel, json={"clips": clips[:1]}, headers=star)
    states.append(state())
    client.post(f"{url}/events", json={"time": 1, "label": "Goal"})
    states.append(state())
    client.delete(reel, headers=star)
    states.append(state())
    for before in reversed(states[:-1]):
        assert client.post(f"{url}/undo").status_code == 200
        assert state() == before
    assert client.get(reel).status_code == 404
    for after in states[1:]:
        done = client.post(f"{url}/redo").json()
        assert state() == after and len(done["events"] + done["reels"]) == 1
    assert client.get(f"{url}/news").json()["removed_reels"] == [made.json()["id"]]
