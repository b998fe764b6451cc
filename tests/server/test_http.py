"""What HTTP asks of every server: ranges, ids, bodies, errors, pages."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_access import routes

from touchline.server.tables import MatchRow

PROBLEM = "application/problem+json"


@pytest.fixture
def video(client: Any, ready_match: Callable[..., str]) -> str:
    return f"/v1/matches/{ready_match(client.services)}/video"


@pytest.mark.parametrize(
    ("asked", "status", "start", "length"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=10-19", 206, 10, 10),
        ("bytes=-7", 206, -7, 7),
        ("bytes=100-", 206, 100, None),
        ("bytes=0-99999999999", 206, 0, None),
        ("bytes=-99999999999", 206, 0, None),
        ("bytes=9-5", 200, 0, None),
        ("bytes=a-b", 200, 0, None),
        ("frames=0-1", 200, 0, None),
        ("bytes=0-1,5-6", 200, 0, None),
        ("bytes=" + ",".join(f"{i}-{i}" for i in range(101)), 200, 0, None),
        ("bytes=99999999-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=" + "9" * 18 + "-", 416, 0, 0),
    ],
)
def test_ranges(
    client: Any, video: str, small_video: Path, asked: str, status: int, start: int,
    length: int | None,
) -> None:  # fmt: skip
    """First byte, suffix, inverted, 101 ranges, beyond the end."""
    whole = small_video.read_bytes()
    answer = client.get(video, headers={"Range": asked})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"
        assert answer.headers["Content-Type"] == PROBLEM
        return
    wanted = whole[start:] if length is None else whole[start:][:length]
    assert answer.content == wanted
    assert answer.headers["Accept-Ranges"] == "bytes"
    if status == 206:
        first = start % len(whole)
        assert answer.headers["Content-Range"] == (
            f"bytes {first}-{first + len(wanted) - 1}/{len(whole)}"
        )


def test_a_range_of_another_version_is_not_given(client: Any, video: str) -> None:
    etag = client.get(video).headers["ETag"]
    same = client.get(video, headers={"Range": "bytes=0-0", "If-Range": etag})
    other = client.get(video, headers={"Range": "bytes=0-0", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


@pytest.mark.parametrize(
    "evil",
    ["..%2f..%2fetc%2fpasswd", "%2e%2e", "....//", "C:%5Cboot.ini", "%00", "a" * 5000,
     "0123456789abcdef0123456789abcdeg", "'%20OR%201=1--", "-i", "*"],
)  # fmt: skip
def test_ids_lead_nowhere(client: Any, evil: str) -> None:
    """Path traversal on every id of every route."""
    for method, path in routes(client):
        if "{" not in path or (path == "/v1/uploads/{name}" and method == "PUT"):
            continue
        prefix, _, rest = path.partition("{")
        filled = prefix + evil + rest.partition("}")[2].replace("{event_id}", evil)
        answer = client.request(method, filled, json={})
        assert answer.status_code in (400, 404, 405, 411, 412, 415, 422), (method, filled)
        assert "root:" not in answer.text


def test_errors_are_problems(client: Any) -> None:
    for answer in (
        client.get("/nothing"),
        client.post("/v1/matches", json={"upload": 5}),
        client.post("/v1/matches", content=b"{", headers={"Content-Type": "application/json"}),
        client.delete("/v1/matches"),
        client.get("/v1/jobs?limit=0"),
    ):
        body = answer.json()
        assert answer.headers["Content-Type"] == PROBLEM
        assert body["status"] == answer.status_code >= 400
        assert body["detail"] and body["title"]


def test_a_fault_of_ours_is_told_without_its_inside(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("touchline.server.routes.models.list_models", broken)
    answer = client.get("/v1/models")
    assert answer.status_code == 500 and "secret" not in answer.text
    assert answer.headers["Content-Type"] == PROBLEM


@pytest.mark.parametrize(
    "body",
    [
        b'{"time": NaN, "label": "Goal"}',
        b'{"time": 1e999, "label": "Goal"}',
        b'{"time": 1, "label": "Goal", "confidence": Infinity}',
        b'{"time": 1, "label": "a\\u0000b"}',
        b'{"time": 1, "label": "\\ud800"}',
        b'{"time": 1, "label": ""}',
        b'{"time": 1, "label": "x", "half": 99999999999999999999}',
        b'{"time": 1, "label": "Goal", "unknown": 1}',
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"\xff\xfe",
        b"",
        b"null",
        json.dumps({"time": 1, "label": "x" * 301}).encode(),
    ],
)
def test_documents_that_will_not_do(
    client: Any, ready_match: Callable[..., str], body: bytes
) -> None:
    """Depth, not-a-number and their kin never reach the database."""
    url = f"/v1/matches/{ready_match(client.services)}/events"
    answer = client.post(url, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == PROBLEM
    assert len(client.get(url).json()["items"]) == 5


def test_a_large_body_is_refused_before_it_is_read(make_client: Callable[..., Any]) -> None:
    """For everything that is no upload; with and without a length."""
    client = make_client(max_body_bytes=1000)
    assert client.post("/v1/matches", content=b"x" * 1001).status_code == 413
    assert client.post("/v1/matches", content=(b"x" * 100 for _ in range(11))).status_code == 413


def test_pages_lead_through_a_list_once(client: Any, ready_match: Callable[..., str]) -> None:
    ids = {ready_match(client.services) for _ in range(5)}
    seen, cursor = [], ""
    while True:
        page = client.get(f"/v1/matches?limit=2{cursor}").json()
        seen += [match["id"] for match in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == 5 and set(seen) == ids


@pytest.mark.parametrize("cursor", ["x", "AAAA", "eHh4Cnl5eQ", "bmFuCm5hbg", "===", "é"])
@pytest.mark.parametrize("path", ["/v1/matches", "/v1/jobs", "/v1/audit"])
def test_cursors_that_are_none_of_ours(client: Any, path: str, cursor: str) -> None:
    assert client.get(path, params={"cursor": cursor}).status_code in (200, 422)


def test_search_takes_its_words_as_they_are(client: Any, ready_match: Callable[..., str]) -> None:
    ready_match(client.services)
    for words, found in (("North", 1), ("north", 1), ("%", 0), ("_", 0), ("'; DROP", 0)):
        assert len(client.get("/v1/matches", params={"search": words}).json()["items"]) == found


def test_search_finds_the_name_of_a_file(client: Any, ready_match: Callable[..., str]) -> None:
    match = ready_match(client.services)
    found = client.get("/v1/matches?search=SMALL.mp").json()["items"]
    assert [one["id"] for one in found] == [match]


def test_text_is_compressed_and_media_are_not(client: Any, ready_match: Callable[..., str]) -> None:
    match = ready_match(client.services, events=50)
    whole, asked = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip"}
    for path in (f"/v1/matches/{match}/events", "/web/match/review.js", "/web/style/base.css"):
        plain, packed = (client.get(path, headers=headers) for headers in (whole, asked))
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) < len(plain.content) / 2
        assert packed.content == plain.content
    for path in (f"/v1/matches/{match}/video", f"/v1/matches/{match}/original"):
        for headers in (asked, asked | {"Range": "bytes=0-99999"}):
            assert "Content-Encoding" not in client.get(path, headers=headers).headers


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["north-south_1.mp4", "north-south_2.mp4"], "north-south"),
        (["Ajax - Utrecht half1.mkv", "Ajax - Utrecht half2.mkv"], "Ajax - Utrecht"),
        (["1_720p.mkv", "2_720p.mkv"], "1_720p + 2_720p"),
        (["half 1.mp4", "half 2.mp4"], "half 1 + half 2"),
        (["derby_1.mp4"], "derby_1"),
    ],
)
def test_halves_have_the_title_that_their_files_share(
    client: Any, names: list[str], title: str
) -> None:
    videos = []
    for name in names:
        upload = client.put(f"/v1/uploads/{name}", content=b"not looked into yet")
        videos.append({"upload": upload.json()["id"]})
    assert client.post("/v1/matches", json={"videos": videos}).json()["title"] == title


def test_a_match_is_where_its_job_is(client: Any) -> None:
    upload = client.put("/v1/uploads/derby.mp4", content=b"not looked into yet").json()["id"]
    match = client.post("/v1/matches", json={"upload": upload}).json()
    states = [match["state"]]
    lease = client.services.queue.claim("worker")
    states.append(client.get(f"/v1/matches/{match['id']}").json()["state"])
    client.services.queue.release(lease)
    states += [one["state"] for one in client.get("/v1/matches").json()["items"]]
    assert states == ["waiting", "working", "waiting"]


def test_the_library_says_how_a_match_stands(client: Any, ready_match: Callable[..., str]) -> None:
    """Result, who reviews, and the picture of its most telling moment."""
    url = f"/v1/matches/{ready_match(client.services)}"
    with client.services.database.write() as session:
        session.get_one(MatchRow, url.rpartition("/")[2]).thumbnails = {
            "count": 5, "every_seconds": 1.0, "width": 96, "height": 64,
        }  # fmt: skip
    before = client.get(url).json()
    assert (before["result"], before["reviewers"]) == (None, [])
    goals = [e for e in client.get(f"{url}/events").json()["items"] if e["label"] == "Goal"]
    assert before["poster"] == round(max(goals, key=lambda e: e["confidence"])["time"])
    sure, other = goals[-1], goals[0]
    for event, team in ((sure, "home"), (other, "away")):
        headers = {"If-Match": f'"{event["version"]}"'}
        change = {"status": "accepted", "team": team}
        client.patch(f"{url}/events/{event['id']}", json=change, headers=headers)
    (listed,) = client.get("/v1/matches").json()["items"]
    assert (listed["result"], listed["reviewers"]) == ("1-1", ["local"])
    assert listed["poster"] in {round(sure["time"]), round(other["time"])}
    client.patch(url, json={"game": {"score": "4 - 2"}}, headers={"If-Match": "*"})
    assert client.get(url).json()["result"] == "4 - 2"


def test_health_and_readiness(client: Any) -> None:
    assert client.get("/health").json()["status"] == "alive"
    assert client.get("/ready").json() == {"status": "ready", "workers": 0}
    client.services.database.engine.dispose()
    (client.services.storage.root / "touchline.db").unlink()


def test_figures_for_prometheus(client: Any, ready_match: Callable[..., str]) -> None:
    ready_match(client.services)
    client.get("/v1/matches")
    text = client.get("/metrics").text
    assert 'touchline_requests_total{method="GET",route="/v1/matches",status="200"} 1.0' in text
    assert 'touchline_matches{state="ready"} 1.0' in text
    assert "touchline_queue_oldest_seconds 0.0" in text


def test_figures_want_credentials(people: dict[str, Any]) -> None:
    assert people["nobody"].get("/metrics").status_code == 401
    assert people["viewer"].get("/metrics").status_code == 200


def test_settings_are_changed_for_all(client: Any, make_client: Callable[..., Any]) -> None:
    other = make_client(client.services)
    changed = client.patch("/v1/settings", json={"retention_days": 30, "proxy_height": 480})
    assert changed.json()["retention_days"] == 30
    assert other.get("/v1/settings").json()["proxy_height"] == 480
    for wrong in ({"threshold": 2}, {"no_such": 1}, {"proxy_height": None}):
        assert client.patch("/v1/settings", json=wrong).status_code == 422


def test_capabilities_tell_limits_and_formats(client: Any) -> None:
    answer = client.get("/v1/capabilities").json()
    assert answer["upload"]["max_bytes"] == 20 * 1024**3
    assert answer["media"]["max_pixels"] == 4096 * 2304
    assert {"mp4", "otio", "edl", "fcpxml", "sportscode", "vtt", "youtube", "csv"} <= set(
        answer["reel_formats"]
    )


def test_models_are_listed_with_their_licences(client: Any) -> None:
    models = client.get("/v1/models").json()
    demo = next(model for model in models["models"] if model["name"] == "demo")
    assert demo["licence"] and demo["labels"]
    published = {model["name"]: model for model in models["to_pull"]}
    assert published["e2e-spot-soccer"]["state"] == "pull"
    assert published["calf"]["needs"] == ["resnet152", "resnet152-pca512"]
    assert published["e2e-spot-finegym-flow"]["missing"]
    assert published["dense-anchors"]["state"] == "by hand"
    assert client.get("/v1/models/demo").json() == demo
    assert client.get("/v1/models/none").status_code == 404
    job = client.post("/v1/models/pull", json={"name": "org/model"}).json()
    assert job["kind"] == "pull" and job["state"] == "queued"
    assert client.post("/v1/models/pull", json={"name": "netvlad++"}).status_code == 202
    assert client.post("/v1/models/pull", json={"name": "../x"}).status_code == 422
