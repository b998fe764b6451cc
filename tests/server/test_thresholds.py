"""The least confidence of a class belongs to the match: its list, reels and files obey it."""

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def url(client: Any, ready_match: Callable[..., str]) -> str:
    """A match with Goals of 0.9, 0.7 and 0.5, and Corners of 0.8 and 0.6."""
    return f"/v1/matches/{ready_match(client.services)}"


def put(client: Any, url: str, thresholds: dict[str, float]) -> Any:
    return client.patch(url, json={"thresholds": thresholds}, headers={"If-Match": "*"})


def labels(events: list[dict[str, Any]]) -> list[tuple[str, float]]:
    return sorted((event["label"], round(event["confidence"], 2)) for event in events)


def test_lists_reels_and_files_obey_the_thresholds(client: Any, url: str) -> None:
    before = client.get(f"{url}/events").headers["ETag"]
    sure = client.get(f"{url}/events?label=Corner").json()["items"][-1]
    assert put(client, url, {"Goal": 0.6, "Corner": 0.99}).status_code == 200
    headers = {"If-Match": f'"{sure["version"]}"'}
    client.post(f"{url}/events/{sure['id']}/accept", headers=headers)

    kept = [("Corner", round(sure["confidence"], 2)), ("Goal", 0.7), ("Goal", 0.9)]
    listed = client.get(f"{url}/events?shown=true", headers={"If-None-Match": before})
    assert labels(listed.json()["items"]) == kept
    assert len(client.get(f"{url}/events").json()["items"]) == 5, "editing needs all of them"
    file = json.loads(client.get(f"{url}/download").content)
    assert labels(file["events"]) == kept
    assert client.get(f"{url}/download?format=vtt").text.count("-->") == 3

    reel = client.post(f"{url}/reels", json={"seconds": 4}).json()
    changed = client.patch(
        f"/v1/reels/{reel['id']}",
        json={"clips": [{"start": 0, "end": 4}]},
        headers={"If-Match": f'"{reel["version"]}"'},
    ).json()
    assert labels(changed["reel"]["clips"][0]["events"]) == kept
    assert client.get(url).json()["thresholds"] == {"Goal": 0.6, "Corner": 0.99}


def test_a_threshold_of_nothing_is_none(client: Any, url: str) -> None:
    put(client, url, {"Goal": 0.6})
    assert put(client, url, {"Goal": 0, "Foul": 0.2}).json()["thresholds"] == {"Foul": 0.2}


@pytest.mark.parametrize("wrong", [{"Goal": 1.5}, {"Goal": -0.1}, {"": 0.5}, {"Goal": "high"}])
def test_what_is_no_threshold_changes_nothing(client: Any, url: str, wrong: Any) -> None:
    assert put(client, url, wrong).status_code == 422
    assert client.get(url).json()["thresholds"] == {}


def test_every_class_may_have_a_threshold(client: Any, url: str) -> None:
    """As many as are allowed, in whatever reads events by them."""
    many = {f"Class {number}": 0.5 for number in range(999)} | {"Goal": 0.6}
    assert put(client, url, many).status_code == 200
    assert len(client.get(f"{url}/events?shown=true").json()["items"]) == 4
    assert client.get(f"{url}/download?format=vtt").text.count("-->") == 4
    assert client.post(f"{url}/reels", json={"seconds": 4}).status_code == 201
    assert put(client, url, many | {"Corner": 0.6}).status_code == 422


def test_two_people_overwrite_no_threshold_unseen(client: Any, url: str) -> None:
    etag = client.get(url).headers["ETag"]
    put(client, url, {"Goal": 0.6})
    stale = client.patch(url, json={"thresholds": {}}, headers={"If-Match": etag})
    assert stale.status_code == 412
