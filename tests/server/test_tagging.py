"""Code windows, and the descriptors that are tagged with them."""

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
