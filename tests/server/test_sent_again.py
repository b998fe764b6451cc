"""A change that is sent again, because its answer was lost, takes effect once."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from touchline.server.housekeeping import tidy
from touchline.server.routes.idempotency import KEPT_SECONDS
from touchline.server.tables import AnswerRow, ChangeRow, EventRow, JobRow, MatchRow, ReelRow

GOAL = {"time": 1.25, "label": "Goal"}
LABELS = b"""{"format": "touchline-events", "version": 1, "video": {"name": "small.mp4"},
"events": [{"time": 1, "label": "Goal", "status": "accepted"}]}"""


@pytest.fixture
def match(client: Any, ready_match: Callable[..., str]) -> str:
    return ready_match(client.services)


def counts(services: Any) -> list[int]:
    with services.database.read() as session:
        tables = (EventRow, ChangeRow, ReelRow, JobRow, MatchRow)
        return [session.scalar(select(func.count()).select_from(one)) or 0 for one in tables]


def picture_sent_to(client: Any) -> str:
    """A picture, uploaded; the upload's id."""
    content = io.BytesIO()
    Image.new("RGBA", (8, 8), (200, 0, 0, 255)).save(content, "PNG")
    upload: str = client.put("/v1/uploads/logo.png", content=content.getvalue()).json()["id"]
    return upload


def sent(client: Any, key: str, method: str, path: str, **more: Any) -> Any:
    headers = {"Idempotency-Key": key, "If-Match": "*"}
    return client.request(method, path, headers=headers, **more)


def changes(client: Any, match: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """One change of each kind: method, path and body."""
    url = f"/v1/matches/{match}"
    event = client.get(f"{url}/events").json()["items"][0]["id"]
    reel = client.post(f"{url}/reels", json={"seconds": 3}).json()["id"]
    return {
        "add": ("POST", f"{url}/events", {"json": GOAL}),
        "change": ("PATCH", f"{url}/events/{event}", {"json": {"team": "home"}}),
        "accept": ("POST", f"{url}/events/{event}/accept", {}),
        "reject": ("POST", f"{url}/events/{event}/reject", {}),
        "review": ("POST", f"{url}/review", {"json": {"status": "accepted"}}),
        "undo": ("POST", f"{url}/undo", {}),
        "redo": ("POST", f"{url}/redo", {}),
        "import": ("POST", f"{url}/import", {"content": LABELS}),
        "delete": ("DELETE", f"{url}/events/{event}", {}),
        "reel": ("POST", f"{url}/reels", {"json": {"seconds": 2}}),
        "reel changed": ("PATCH", f"/v1/reels/{reel}", {"json": {"title": "New"}}),
        "job": ("POST", f"/v1/reels/{reel}/files", {"json": {"format": "edl"}}),
        "annotated": ("POST", f"{url}/annotated", {"json": {}}),
        "reel deleted": ("DELETE", f"/v1/reels/{reel}", {}),
        "asset": ("POST", "/v1/assets", {"json": {"upload": picture_sent_to(client)}}),
        "match": ("PATCH", url, {"json": {"title": "New"}}),
        "spot": ("POST", f"{url}/spot", {"json": {"model": "demo"}}),
        "sample": ("POST", "/v1/matches/sample", {}),
    }


def test_every_kind_of_change(client: Any, match: str) -> None:
    for name, (method, path, more) in changes(client, match).items():
        first = sent(client, f"key-{name.replace(' ', '-')}", method, path, **more)
        assert first.is_success, (name, first.text)
        assert "Idempotent-Replayed" not in first.headers
        after = counts(client.services)
        again = sent(client, f"key-{name.replace(' ', '-')}", method, path, **more)
        assert again.status_code == first.status_code, name
        assert again.content == first.content, name
        assert again.headers["Idempotent-Replayed"] == "true", name
        for header in ("ETag", "Location", "X-Step-Id"):
            assert again.headers.get(header) == first.headers.get(header), name
        assert counts(client.services) == after, name


def test_a_key_belongs_to_one_change(client: Any, match: str) -> None:
    url = f"/v1/matches/{match}/events"
    assert sent(client, "one", "POST", url, json=GOAL).status_code == 201
    for body in ({**GOAL, "time": 2.0}, {**GOAL, "label": "Corner"}):
        other = sent(client, "one", "POST", url, json=body)
        assert other.status_code == 422 and "another change" in other.json()["detail"]
    assert sent(client, "one", "POST", f"/v1/matches/{match}/undo").status_code == 422
    assert sent(client, '"one"', "POST", url, json=GOAL).status_code == 201, "quoted as the draft"
    assert sent(client, "no spaces", "POST", url, json=GOAL).status_code == 422


def test_a_refused_change_may_be_sent_again(client: Any, match: str) -> None:
    """A refusal changes nothing, so nothing is kept: the next try may succeed."""
    url = f"/v1/matches/{match}"
    assert sent(client, "later", "POST", f"{url}/undo").status_code == 409
    client.post(f"{url}/events", json=GOAL)
    assert sent(client, "later", "POST", f"{url}/undo").status_code == 200


def test_keys_of_others_do_not_meet(
    people: dict[str, Any], ready_match: Callable[..., str]
) -> None:
    match = ready_match(people["editor"].services)
    for person in ("editor", "admin"):
        answer = sent(people[person], "same", "POST", f"/v1/matches/{match}/events", json=GOAL)
        assert answer.status_code == 201 and answer.json()["created_by"] == person
    assert sent(people["viewer"], "same", "POST", f"/v1/matches/{match}/undo").status_code == 403


def test_two_at_once_take_effect_once(
    any_services: Any, make_client: Callable[..., Any], ready_match: Callable[..., str]
) -> None:
    client = make_client(any_services)
    match = ready_match(any_services, events=0)
    answers = []
    begin = threading.Barrier(6)

    def send() -> None:
        begin.wait()
        answers.append(sent(client, "race", "POST", f"/v1/matches/{match}/events", json=GOAL))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert counts(any_services)[:2] == [1, 1]


def test_answers_expire(client: Any, match: str) -> None:
    url = f"/v1/matches/{match}/events"
    sent(client, "old", "POST", url, json=GOAL)
    with client.services.database.write() as session:
        session.get_one(AnswerRow, ("local", "old")).expires_at -= KEPT_SECONDS
    sent(client, "young", "POST", url, json=GOAL)
    tidy(client.services)
    with client.services.database.read() as session:
        assert [row.key for row in session.scalars(select(AnswerRow))] == ["young"]


def test_an_event_may_be_named_by_its_maker(client: Any, match: str) -> None:
    """Whoever does not know whether an event has arrived sends it under the same id."""
    url = f"/v1/matches/{match}/events"
    name = "0123456789abcdef" * 2
    made = client.post(url, json={**GOAL, "id": name})
    assert made.json()["id"] == name and made.headers["Location"].endswith(name)
    assert client.post(url, json={**GOAL, "id": name}).status_code == 409
    assert client.post(url, json={**GOAL, "id": "../x"}).status_code == 422
    assert len(client.get(url).json()["items"]) == 6
