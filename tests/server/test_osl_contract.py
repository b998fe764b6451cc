"""The ``/api/v1`` contract of the OSL VideoAnnotationTool, as its client speaks it."""

import math
import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from touchline.server.housekeeping import tidy
from touchline.server.jobs.worker import Worker

API = "/api/v1"


def send(client: Any, path: Path) -> dict[str, Any]:
    """Upload as the tool does: announce, send parts with their checksums, complete."""
    import hashlib

    body = {"filename": path.name, "size": path.stat().st_size, "mtime_ns": 7}
    state = client.post(f"{API}/uploads", json=body).json()
    data, size = path.read_bytes(), state["part_size"]
    parts = state["completed_parts"]
    there = {part["number"] for part in parts}
    for number in sorted(set(range(1, math.ceil(len(data) / size) + 1)) - there):
        piece = data[(number - 1) * size : number * size]
        digest = hashlib.sha256(piece).hexdigest()
        answer = client.put(
            f"{API}/uploads/{state['id']}/parts/{number}",
            content=piece,
            headers={"X-Content-SHA256": digest},
        )
        assert answer.headers["X-Content-SHA256"] == digest
        parts.append(
            {"number": number, "etag": answer.headers["ETag"].strip('"'), "sha256": digest}
        )
    done = client.post(f"{API}/uploads/{state['id']}/complete", json={"parts": parts}).json()
    return {"kind": "upload", "id": done["asset_id"]}


def request(*assets: dict[str, Any], **more: Any) -> dict[str, Any]:
    items = [
        {"item_id": f"item-{i}", "sample_id": f"sample-{i}",
         "inputs": [{"type": "video", "asset": asset, "fps": 25.0}]}
        for i, asset in enumerate(assets)
    ]  # fmt: skip
    return {
        "idempotency_key": "key-1",
        "model_id": "demo",
        "task": "localization",
        "schema": {"ball_action": {"type": "single_label", "labels": ["Goal"]}},
        "parameters": {"head": "ball_action", "labels": ["Goal"]},
        "items": items,
    } | more


@pytest.mark.slow
def test_the_whole_way_of_the_tool(client: Any, small_video: Path) -> None:
    client.patch("/v1/settings", json={"threshold": 0.0})
    answer = client.get(f"{API}/capabilities").json()
    assert answer["api_version"] == "1" and answer["tasks"] == ["localization"]
    models = client.get(f"{API}/models", params={"task": "localization"}).json()["models"]
    demo = next(model for model in models if model["id"] == "demo")
    assert demo["available"] and demo["task"] == "localization" and not demo["supports_time_range"]
    asset = send(client, small_video)
    assert send(client, small_video) == asset
    body = request(asset, asset)
    job = client.post(f"{API}/jobs", json=body, headers={"Idempotency-Key": "key-1"}).json()
    assert job["status"] == "queued"
    assert client.post(f"{API}/jobs", json=body).json()["id"] == job["id"]
    assert client.get(f"{API}/jobs/{job['id']}").headers["Retry-After"] == "1"
    assert client.get(f"{API}/jobs/{job['id']}/result").json()["code"] == "not_ready"
    Worker(client.services, threading.Event()).run_one()
    state = client.get(f"{API}/jobs/{job['id']}").json()
    assert state["status"] == "succeeded" and state["progress"] == 100, state
    assert client.get(f"{API}/jobs/{job['id']}/result").json() == state["result"]
    items = state["result"]["items"]
    assert [item["item_id"] for item in items] == ["item-0", "item-1"]
    for event in items[0]["events"]:
        assert event["head"] == "ball_action" and isinstance(event["position_ms"], int)
        assert 0 <= event["confidence_score"] <= 1 and event["label"]
    assert items[0]["events"] == items[1]["events"] != []


def test_parts_that_a_killed_server_left_go_with_the_next_one(
    client: Any, small_video: Path
) -> None:
    """Those half-received, those already put together."""
    asset = send(client, small_video)
    folder = client.services.storage.upload(asset["id"]).parent
    (folder / "part-00001.bin").write_bytes(b"put together")
    (folder / ".part-00001.bin-0123abcd.part").write_bytes(b"half")
    client.post(f"{API}/uploads/{asset['id']}/complete", json={"parts": []})
    assert [path.name for path in folder.iterdir()] == ["original.bin"]
    left = folder / "part-00001.bin"
    left.write_bytes(b"put together")
    os.utime(left, (1, 1))
    tidy(client.services)
    assert [path.name for path in folder.iterdir()] == ["original.bin"]


def test_another_tasks_models_are_none(client: Any) -> None:
    assert client.get(f"{API}/models?task=classification").json() == {"models": []}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"task": "classification"}, 422, "unsupported_task"),
        ({"model_id": "none"}, 404, "model_not_found"),
        ({"items": []}, 422, "invalid_request"),
        ({"model_id": "../x"}, 422, "invalid_request"),
    ],
)
def test_wishes_that_cannot_be_met(
    client: Any, change: dict[str, Any], status: int, code: str
) -> None:
    body = request({"kind": "upload", "id": "0" * 32}) | change
    answer = client.post(f"{API}/jobs", json=body)
    assert answer.status_code == status and answer.json()["code"] == code
    assert set(answer.json()) == {"code", "message", "details", "retryable"}


def test_uploads_that_are_not_there(client: Any) -> None:
    answer = client.post(f"{API}/jobs", json=request({"kind": "upload", "id": "0" * 32}))
    assert answer.status_code == 404 and answer.json()["code"] == "upload_not_found"
    gone = client.get(f"{API}/uploads/{'0' * 32}")
    assert gone.status_code == 404 and gone.json()["code"] == "upload_not_found"


def test_cancelling(client: Any, small_video: Path) -> None:
    job = client.post(f"{API}/jobs", json=request(send(client, small_video))).json()
    answer = client.delete(f"{API}/jobs/{job['id']}").json()
    assert answer["status"] == "cancelled" and answer["error"]["code"] == "cancelled"


def test_shared_files(make_client: Any, small_video: Path, tmp_path: Path) -> None:
    root = tmp_path / "media"
    (root / "a b").mkdir(parents=True)
    (root / "a b" / "match.mp4").write_bytes(small_video.read_bytes())
    client = make_client(media_roots={"media": root})
    assert client.get(f"{API}/capabilities").json()["shared_roots"] == ["media"]
    uri = f"shared://media/{quote('a b/match.mp4')}"
    made = client.post(f"{API}/jobs", json=request({"kind": "shared", "uri": uri}))
    assert made.status_code == 202, made.text
    for evil in (
        "shared://media/../secret.mp4", "shared://media/%2e%2e/secret.mp4", "shared://other/x.mp4",
        "file:///etc/passwd", "shared://media//etc/passwd", "shared://[", "",
    ):  # fmt: skip
        body = request({"kind": "shared", "uri": evil}, idempotency_key=f"k{evil}")
        assert client.post(f"{API}/jobs", json=body).status_code == 422


def test_jobs_are_ones_own(people: dict[str, Any], small_video: Path) -> None:
    editor, admin = people["editor"], people["admin"]
    job = editor.post(f"{API}/jobs", json=request(send(editor, small_video))).json()
    assert admin.get(f"{API}/jobs/{job['id']}").status_code == 404
    other = admin.post(f"{API}/jobs", json=request(send(admin, small_video))).json()
    assert other["id"] != job["id"]
