"""Of a file's events those that a model found are to be reviewed; what is unclear is asked."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from touchline.server.client import Client, ServerError

FOUND = {"time": 1.0, "label": "Goal", "confidence": 0.4}
LABEL = {"time": 2.0, "label": "Foul"}
SURE = {"time": 2.5, "label": "Corner", "confidence": 1.0}
STATED = {"time": 3.0, "label": "Goal", "confidence": 0.3, "status": "accepted"}
TAGGED = {"time": 3.2, "label": "Goal", "source": "person"}
MODEL = {"name": "e2e-spot", "weights": "demo"}


@pytest.fixture
def url(client: Any, ready_match: Callable[..., str]) -> str:
    return f"/v1/matches/{ready_match(client.services, events=0)}"


def document(events: list[dict[str, Any]], **more: Any) -> bytes:
    head = {"format": "touchline-events", "version": 1, "video": {"name": "m.mp4"}}
    return json.dumps(head | more | {"events": events}).encode()


@pytest.mark.parametrize(
    ("events", "more", "query", "statuses"),
    [
        ([FOUND, FOUND], {}, "", ["pending", "pending"]),
        ([LABEL, SURE], {}, "", ["accepted", "accepted"]),
        ([FOUND, STATED, TAGGED], {}, "", ["pending", "accepted", "accepted"]),
        ([FOUND, SURE], {"model": MODEL}, "", ["pending", "pending"]),
        ([FOUND, SURE], {}, "&sure=accepted", ["pending", "accepted"]),
        ([FOUND, SURE], {}, "&sure=pending", ["pending", "pending"]),
        ([LABEL], {}, "&sure=pending", ["pending"]),
    ],
)
def test_predictions_are_to_be_reviewed_and_labels_accepted(
    client: Any, url: str, events: list[dict[str, Any]], more: dict[str, Any], query: str,
    statuses: list[str],
) -> None:  # fmt: skip
    answer = client.post(
        f"{url}/import?name=m.events.json{query}", content=document(events, **more)
    )
    assert answer.status_code == 200, answer.text
    found = [event["status"] for event in client.get(f"{url}/events").json()["items"]]
    assert found == statuses
    told = answer.json()["statuses"]
    assert told == {status: statuses.count(status) for status in statuses}


def test_results_of_the_official_form_are_predictions(client: Any, url: str) -> None:
    one = {"gameTime": "1 - 00:01", "label": "Goal", "position": "1000", "half": "1"}
    content = {"UrlLocal": "a/b/c", "predictions": [one | {"confidence": "1.0"}]}
    answer = client.post(f"{url}/import?name=results_spotting.json", content=json.dumps(content))
    assert answer.json()["statuses"] == {"pending": 1}, answer.text


def test_what_a_file_leaves_open_is_asked_and_nothing_is_added(client: Any, url: str) -> None:
    refused = client.post(f"{url}/import?name=a.events.json", content=document([FOUND, SURE]))
    assert refused.status_code == 409
    assert "1 of 2 events" in refused.json()["detail"] and "sure=" in refused.json()["detail"]
    assert client.get(f"{url}/events").json()["items"] == []


def test_the_python_client_says_what_came_in(
    client: Any, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "predictions of 1H, v2.events.json"
    file.write_bytes(document([FOUND, SURE]))
    spoken = Client("http://127.0.0.1:1")

    def answer(method: str, path: str, content: bytes, headers: dict[str, str]) -> Any:
        got = client.request(method, path, content=content, headers=headers)
        if got.status_code >= 400:
            raise ServerError(got.status_code, got.json()["detail"])
        return SimpleNamespace(read=lambda: got.content)

    monkeypatch.setattr(spoken, "_answer", answer)
    match = url.rpartition("/")[2]
    with pytest.raises(ServerError, match="sure=accepted") as refused:
        spoken.import_events(match, file)
    assert refused.value.status == 409
    done = spoken.import_events(match, file, sure="accepted")
    assert done["statuses"] == {"pending": 1, "accepted": 1} and len(done["events"]) == 2


def test_what_can_hardly_be_meant_is_said(client: Any, url: str) -> None:
    rows = b"time,label,confidence\n2,Goal,1.7\n100000,Corner,0.5\n"
    answer = client.post(f"{url}/import?name=x.csv&sure=accepted", content=rows)
    remarks = " ".join(answer.json()["remarks"])
    assert "1 confidence outside 0 to 1" in remarks
    assert "1 event outside the videos" in remarks


def test_what_is_imported_again_is_said(client: Any, url: str) -> None:
    def remarks(events: list[dict[str, Any]]) -> list[str]:
        answer = client.post(f"{url}/import?name=m.events.json", content=document(events))
        return answer.json()["remarks"]

    assert remarks([LABEL]) == []
    (remark,) = remarks([LABEL, TAGGED])
    assert remark.startswith("1 event of the same class and time as one that was there")
