"""What callers get who send too much, make things up, or stay when they should go."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from touchline.server.bodies import ANONYMOUS_BYTES, WaitingBodies
from touchline.server.errors import BusyError, DiskError
from touchline.server.routes import files, jobs
from touchline.server.tables import JobRow

MEGABYTE = 1024**2


@pytest.mark.parametrize(
    "host",
    ["testserver", "[::1].evil.test", "[::1]evil.test", "[::1]:80.evil.test", "localhost.evil.test",
     "127.0.0.1.evil.test", "localhost:80@evil.test", "evil.test:localhost", "[localhost]", ""],
)  # fmt: skip
def test_a_foreign_host_name_is_refused(client: Any, host: str) -> None:
    """A page whose name was made to resolve to this machine."""
    assert client.get("/v1/matches", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8000", "127.0.0.1:1", "[::1]", "[::1]:9"])
def test_this_machine_may_be_called_by_its_names(client: Any, host: str) -> None:
    assert client.get("/v1/matches", headers={"Host": host}).status_code == 200


def test_made_up_methods_add_no_figures(client: Any) -> None:
    for number in range(20):
        client.request(f"MADEUP{'X' * number}", "/v1/matches")
    text = client.get("/metrics").text
    assert "MADEUP" not in text
    assert text.count('touchline_requests_total{method="other"') == 1


def called(app: Any, path: str, chunks: list[bytes], **headers: str) -> tuple[int, int]:
    """The status of an answer, and how many chunks of the body were received for it."""
    received, statuses = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        more = received < len(chunks)
        return {"type": "http.request", "body": chunks[received - 1], "more_body": more}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in (headers | {"host": "localhost"}).items()],
        "client": ("192.0.2.7", 5), "server": ("localhost", 80),
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool:  # a loop of playwright's may run in this thread
        pool.submit(asyncio.run, app(scope, receive, send)).result()
    return statuses[0], received


@pytest.mark.parametrize("path", ["/v1/matches", "/v1/session", "/api/v1/jobs", "/nothing"])
def test_a_body_of_a_caller_who_is_not_known_is_not_held(people: dict[str, Any], path: str) -> None:
    """Told by its stated length before it is received, or after a few kilobytes of it."""
    app = people["nobody"].app
    chunks = [b" " * 8 * 1024] * 100
    assert called(app, path, chunks, **{"content-length": str(MEGABYTE)}) == (401, 0)
    status, received = called(app, path, chunks)
    assert status == 401 and received * 8 * 1024 <= ANONYMOUS_BYTES + 8 * 1024


def test_a_wrong_token_is_told_before_the_body_is_received(people: dict[str, Any]) -> None:
    wrong = {"authorization": "Bearer wrong"}
    assert called(people["nobody"].app, "/v1/matches", [b"x" * 10] * 9, **wrong) == (401, 0)


def test_waiting_bodies_are_limited_for_each_caller_and_for_all() -> None:
    waiting = WaitingBodies(most=100)
    assert waiting.take("a", 20) and not waiting.take("a", 6) and waiting.take("a", 5)
    assert [waiting.take(caller, 25) for caller in "bcde"] == [True, True, True, False]
    waiting.give_back("a", 25)
    assert waiting.take("e", 25)


def test_waiting_bodies_are_forgotten_with_their_requests(client: Any) -> None:
    """However a request ends: by far more bytes, in all, than may wait at once."""
    body = b'"' + b"x" * 3 * MEGABYTE + b'"'
    statuses = {client.post("/v1/matches", content=body).status_code for _ in range(8)}
    assert statuses == {422}


def test_json_of_too_many_values_is_refused_before_it_is_parsed(client: Any) -> None:
    answer = client.post("/v1/matches", content=b"[" + b"[]," * 300_000 + b"[]]")
    assert answer.status_code == 413 and "values" in answer.json()["detail"]


def test_json_nested_deeply_is_refused(client: Any) -> None:
    for body in (b"[" * 200_000, b'{"a":' * 100_000):
        assert client.post("/v1/matches", content=body).status_code in (400, 422)


def test_streams_end_with_the_link_that_opened_them_and_are_counted_exactly(
    people: dict[str, Any], ready_match: Callable[..., str], make_client: Callable[..., Any]
) -> None:
    """Many at once let no more in than may be open."""
    from touchline.server.jobs.types.spotting import SpotPayload

    admin, services = people["admin"], people["admin"].services
    match = ready_match(services)
    with services.database.write() as session:
        job = services.queue.add(session, SpotPayload(model="demo", threshold=0.1), match_id=match)
        path = f"/v1/jobs/{job.id}/stream"
    made = admin.post(f"/v1/matches/{match}/shares", json={}).json()
    guest, statuses = people["nobody"], []
    limit = services.settings.rates.streams
    threads = [
        threading.Thread(
            target=lambda: statuses.append(guest.get(f"{path}?share={made['secret']}").status_code)
        )
        for _ in range(limit + 5)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while len(statuses) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert statuses == [429] * 5
    assert admin.delete(f"/v1/shares/{made['id']}").status_code == 204
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200] * limit + [429] * 5
    assert guest.get(f"{path}?share={made['secret']}").status_code == 401


def test_a_busy_database_ends_neither_streams_nor_downloads(
    client: Any, ready_match: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the caller may go on is asked again later."""
    from touchline.server.jobs.types.spotting import SpotPayload

    services, match = client.services, ready_match(client.services)
    with services.database.write() as session:
        row = services.queue.add(session, SpotPayload(model="demo", threshold=0.1), match_id=match)
        job = row.id
    whole = client.get(f"/v1/matches/{match}/video")
    monkeypatch.setattr(files, "LOOK_SECONDS", -1.0)
    monkeypatch.setattr(files._WatchedFile, "chunk_size", len(whole.content) // 4)
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 0.01)
    caller_of, asked = jobs.caller_of, []

    def busy_at_first(*arguments: Any) -> Any:
        asked.append(1)
        if len(asked) in (2, 3):
            raise (BusyError, DiskError)[len(asked) - 2]("it passes")
        if len(asked) == 4 and "stream" in str(arguments[0].url):
            with services.database.write() as session:
                services.queue.cancel(session, session.get_one(JobRow, job))
        return caller_of(*arguments)

    monkeypatch.setattr(jobs, "caller_of", busy_at_first)
    monkeypatch.setattr(files, "caller_of", busy_at_first)
    assert '"cancelled"' in client.get(f"/v1/jobs/{job}/stream").text
    asked.clear()
    assert client.get(f"/v1/matches/{match}/video").content == whole.content
    assert len(asked) > 3


def test_a_download_ends_with_the_link_that_began_it(
    people: dict[str, Any], ready_match: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow reader of a large file gets no more of it once the link is revoked."""
    admin, guest = people["admin"], people["nobody"]
    match = ready_match(admin.services)
    made = admin.post(f"/v1/matches/{match}/shares", json={}).json()
    whole = guest.get(f"/v1/matches/{match}/video?share={made['secret']}")
    monkeypatch.setattr(files, "LOOK_SECONDS", -1.0)
    monkeypatch.setattr(files._WatchedFile, "chunk_size", len(whole.content) // 4)
    caller_of, asked = files.caller_of, []

    def revoked_meanwhile(*arguments: Any) -> Any:
        asked.append(1)
        if len(asked) == 3:
            assert admin.delete(f"/v1/shares/{made['id']}").status_code == 204
        return caller_of(*arguments)

    monkeypatch.setattr(files, "caller_of", revoked_meanwhile)
    rest = guest.get(f"/v1/matches/{match}/video?share={made['secret']}")
    assert 0 < len(rest.content) < len(whole.content)
