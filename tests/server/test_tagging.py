"""Code windows, and the descriptors that are tagged with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from touchline.formats import read
from touchline.formats.base import event_descriptors

STAR = {"If-Match": "*"}
WINDOW = {
    "buttons": [
        {"name": "Corner", "key": "c", "asks": ["Side"], "lead": 4, "lag": 8},
        {"name": "Goal", "also": ["Corner"], "labels": [{"group": "How", "text": "Head"}], "x": 6},
    ],
    "groups": [{"name": "Side", "options": ["Left", "Right"]}],
}


def test_a_code_window_is_made_changed_once_and_deleted(client: Any) -> None:
    key = {"Idempotency-Key": "5" * 32}
    made = [
        client.post("/v1/code-windows", headers=key, json={"title": "Ours", "window": WINDOW})
        for _ in range(2)
    ]
    assert made[0].json() == made[1].json()
    assert [b["name"] for b in made[0].json()["window"]["buttons"]] == ["Corner", "Goal"]
    path = made[0].headers["Location"]
    version = {"If-Match": made[0].headers["ETag"]}
    assert client.patch(path, headers=version, json={"title": "Theirs"}).status_code == 200
    assert client.patch(path, headers=version, json={"title": "x"}).status_code == 412
    assert [w["title"] for w in client.get("/v1/code-windows").json()["items"]] == ["Theirs"]
    assert client.delete(path, headers=STAR).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("buttons", "says"),
    [
        ([{"name": "A"}, {"name": "A"}], "two buttons called 'A'"),
        ([{"name": "A", "asks": ["B"]}], "no group 'B'"),
        ([{"name": "A", "also": ["B"]}], "no button 'B'"),
        ([{"name": "A", "x": 8}], "beyond the 12 columns"),
        ([{"name": "A", "key": "a"}, {"name": "B", "key": "a"}], "have the key 'a'"),
        ([{"name": "A", "lead": 2}], "lead and lag come together"),
        ([{"name": "A", "also": ["A"]}], "A: presses itself"),
        ([{"name": "A", "also": ["B"]}, {"name": "B", "also": ["A"]}], "A: presses itself"),
        ([{"name": "A", "key": "Escape"}], "the key Escape"),
        ([{"name": "A", "labels": [{"group": "G", "text": "t"}] * 2}], "G: t is said twice"),
        ([{"name": "A", "lead": "2", "lag": 3}], "valid number"),
    ],
)
def test_a_window_that_does_not_hang_together_is_refused(
    client: Any, buttons: list[Any], says: str
) -> None:
    body = {"title": "x", "window": {"buttons": buttons}}
    answer = client.post("/v1/code-windows", json=body)
    assert answer.status_code == 422 and says in answer.text


def test_options_and_descriptors_are_each_there_once(client: Any, ready_match: Any) -> None:
    window = {"groups": [{"name": "Side", "options": ["Left", "Left"]}]}
    answer = client.post("/v1/code-windows", json={"title": "x", "window": window})
    assert answer.status_code == 422 and "the option 'Left' is there twice" in answer.text
    path = f"/v1/matches/{ready_match(client.services, 0)}/events"
    said = [{"group": "Side", "text": "Left"}] * 2
    answer = client.post(path, json={"time": 1, "label": "Corner", "descriptors": said})
    assert answer.status_code == 422 and "Side: Left is said twice" in answer.text


def test_descriptors_are_kept_undone_and_go_through_sportscode(
    client: Any, ready_match: Any, tmp_path: Path
) -> None:
    path = f"/v1/matches/{ready_match(client.services, 0)}"
    said = [{"group": "Side", "text": "Left"}, {"group": "Side", "text": "Short"}]
    body = {"time": 1.5, "label": "Corner", "lead": 1, "lag": 2, "descriptors": said}
    event = client.post(f"{path}/events", json=body).json()
    assert event["descriptors"] == said
    where = f"{path}/events/{event['id']}"
    assert client.patch(where, headers=STAR, json={"descriptors": []}).json()["descriptors"] is None
    client.post(f"{path}/undo")
    assert client.get(where).json()["descriptors"] == said
    for format, suffix in (("sportscode", "xml"), ("csv", "csv"), ("touchline", "events.json")):
        content = client.get(f"{path}/download", params={"format": format}).content
        file = tmp_path / f"tags.{suffix}"
        file.write_bytes(content)
        (back,) = read(file)
        assert event_descriptors(back) == (("Side", "Left"), ("Side", "Short")), format
        asked = {"name": file.name, "sure": "accepted"}
        client.post(f"{path}/import", params=asked, content=content)
        newest = client.get(f"{path}/events").json()["items"]
        assert [one["descriptors"] for one in newest if one["id"] != event["id"]] == [said], format
        client.post(f"{path}/undo")


@pytest.fixture
def made(any_services: Any, make_client: Callable[..., Any]) -> tuple[Any, str]:
    """A client of a server on each kind of database, and the path of a code window."""
    client = make_client(any_services)
    answer = client.post("/v1/code-windows", json={"title": "Ours", "window": WINDOW})
    return client, answer.headers["Location"]


def test_changes_of_a_code_window_are_undone_and_redone(made: tuple[Any, str]) -> None:
    client, path = made
    first = client.get(path).json()
    short = {"buttons": [{"name": "Press"}]}
    renamed = client.patch(path, headers=STAR, json={"title": "Theirs"})
    changed = client.patch(path, headers=STAR, json={"window": short})
    steps = client.get(path).json()["steps"]
    assert [step["action"] for step in steps] == [
        *("code window made", "code window changed", "code window changed")
    ]
    assert [renamed.headers["X-Step-Id"], changed.headers["X-Step-Id"]] == [
        step["id"] for step in steps[1:]
    ]
    # Of two steps the first one alone: what the other one changed stays.
    undone = client.post(f"{path}/undo", json={"step": steps[1]["id"]}).json()
    assert undone["title"] == "Ours" and undone["window"] == changed.json()["window"]
    assert client.post(f"{path}/undo").json()["window"] == first["window"]
    assert client.post(f"{path}/redo", json={"step": steps[2]["id"]}).json() == (
        client.get(path).json()
    )
    assert [step["undone"] for step in client.get(path).json()["steps"]] == [False, True, False]
    again = client.patch(path, headers=STAR, json={"title": "Last"}).json()["steps"]
    assert [step["undone"] for step in again] == [False, False, False]


def test_a_step_that_somebody_has_changed_since_stays(people: dict[str, Any]) -> None:
    editor, admin = people["editor"], people["admin"]
    path = editor.post("/v1/code-windows", json={"title": "Ours"}).headers["Location"]
    step = editor.patch(path, headers=STAR, json={"title": "Mine"}).headers["X-Step-Id"]
    admin.patch(path, headers=STAR, json={"title": "Theirs"})
    assert [one["id"] for one in editor.get(path).json()["steps"]][-1] == step
    answer = editor.post(f"{path}/undo", json={"step": step})
    assert answer.status_code == 409 and "a code window has changed since" in answer.text
    assert editor.get(path).json()["title"] == "Theirs"
    assert people["viewer"].get(path).json()["steps"] == []
    assert people["viewer"].post(f"{path}/undo").status_code == 403


def test_a_deleted_code_window_is_brought_back(made: tuple[Any, str]) -> None:
    client, path = made
    before = client.get(path).json()
    assert client.delete(path, headers=STAR).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get("/v1/code-windows").json()["items"] == []
    (gone,) = client.get("/v1/code-windows?deleted=true").json()["items"]
    assert gone["id"] == before["id"]
    assert client.post(f"{path}/undo").json()["window"] == before["window"]
    assert client.get("/v1/code-windows?deleted=true").json()["items"] == []
    # Undoing that it was made deletes it, too; the same request again says the same.
    made_step = {"step": before["steps"][0]["id"]}
    key = {"Idempotency-Key": "7" * 32}
    answers = [client.post(f"{path}/undo", headers=key, json=made_step) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert client.get(path).status_code == 404
    assert client.post(f"{path}/redo", json=made_step).json()["title"] == "Ours"


def test_a_code_window_comes_back_only_where_there_is_room(
    made: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from touchline.server.routes import code_windows

    client, path = made
    client.delete(path, headers=STAR)
    monkeypatch.setattr(code_windows, "MAX_WINDOWS", 1)
    assert client.post("/v1/code-windows", json={"title": "Other"}).status_code == 201
    answer = client.post(f"{path}/undo")
    assert answer.status_code == 409 and "delete one first" in answer.text
    assert client.get(path).status_code == 404
