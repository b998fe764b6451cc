"""``touchline serve`` as it runs: starts, answers, survives kills, stops cleanly."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small_videos import write_video

from touchline.server import serving
from touchline.server.client import Client, JobError, ServerError
from touchline.server.connections import Connections
from touchline.server.serving import _config, _listen, _Server

linux = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc")


class Served:
    """A server in a process of its own."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-m", "touchline.cli.main", "serve", "--port", "0",
             "--data", str(data)],
            stdout=subprocess.PIPE, stderr=(data.parent / "log.txt").open("ab"), text=True,
            env=os.environ | {"TOUCHLINE_QUEUE__LEASE_SECONDS": "3"} | environment,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, (line, (data.parent / "log.txt").read_text())
        self.url = found[0]

    def descendants(self) -> list[int]:
        found, seen = [self.process.pid], []
        while found:
            pid = found.pop()
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                kids = [int(kid) for kid in task.read_text().split()]
                seen += kids
                found += kids
        return seen

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def served(data: Path, **environment: str) -> Iterator[Served]:
    server = Served(data, **environment)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except OSError:
        return True


def wait_until(true: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@linux
@pytest.mark.slow
def test_kill_9_of_worker_and_server_loses_nothing(tmp_path: Path) -> None:
    """The job goes on after each kill, and its result is there once."""
    data = tmp_path / "data"
    video = write_video(tmp_path / "match.mp4", 1000, size=(640, 360))
    with served(data) as first, Client(first.url) as client:
        match = client.add_match(video)
        job = str(match["job"])
        wait_until(lambda: client.job(job)["stage"] == "proxy")
        worker = first.descendants()[0]
        family = first.descendants()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: all(gone(pid) for pid in family if pid != worker))
        wait_until(lambda: client.job(job)["stage"] == "proxy" and len(first.descendants()) > 1)
        family = first.descendants()
        first.process.kill()
        first.process.wait()
        wait_until(lambda: all(gone(pid) for pid in family), 20)
    with served(data) as second, Client(second.url) as client:
        client.wait(job)
        events = list(client.events(match["id"]))
        assert client.match(match["id"])["state"] == "ready"
        assert len({(e["time"], e["label"]) for e in events}) == len(events)
        family = second.descendants()
        assert second.stop() == 0
        assert all(gone(pid) for pid in family)
    assert not list((data / "work").iterdir())


@linux
@pytest.mark.slow
def test_interrupting_stops_the_server_and_its_worker(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        family = wait_until(server.descendants)
        began = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 15
        assert all(gone(pid) for pid in family)


def test_an_address_that_others_reach_needs_a_password(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    """`touchline serve` refuses it with one line."""
    line = refused("serve", "--host", "0.0.0.0", "--data", tmp_path / "data")
    assert "nobody has a password" in line and "touchline admin add-user" in line


def test_a_taken_port_is_told_in_one_line(refused: Callable[..., str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused("serve", "--port", port, "--data", tmp_path / "data")
    assert "cannot listen there" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "many"), ("POLICY__THRESHOLD", "2"), ("MEDIA_ROOTS", '{"x": "/"}'),
     ("DATABASE_URL", "mysql://x"), ("DATABASE_URL", "nonsense")],
)  # fmt: skip
def test_settings_that_will_not_do_are_told_in_one_line(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str,
    value: str,
) -> None:  # fmt: skip
    monkeypatch.setenv(f"TOUCHLINE_{name}", value)
    refused("serve", "--data", tmp_path / "data")


CONNECTIONS = 8


@pytest.fixture
def live(make_services: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a real server in this process, impatient with headers."""
    monkeypatch.setattr(serving, "HEADER_SECONDS", 0.5)
    services = make_services(port=0, rates={"connections": CONNECTIONS})
    listener = _listen(services.settings)
    started: list[str] = []
    stopping = threading.Event()
    server = _Server(_config(services, stopping), listener, started.append, stopping)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    wait_until(lambda: started)
    yield started[0]
    server.should_exit = True
    thread.join()
    listener.close()


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"])
def test_who_never_finishes_a_request_is_shown_out(live: str, sent: bytes) -> None:
    """Slowloris: a client that never finishes its headers is cut off."""
    with connect(live) as slow:
        slow.sendall(sent)
        assert slow.recv(100) == b""


def test_a_second_request_may_not_dawdle_either(live: str) -> None:
    with connect(live) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /")
        answers = b""
        while piece := slow.recv(4096):
            answers += piece
        assert answers.count(b"200 OK") == 1


def test_half_sent_requests_keep_nobody_out(live: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait longest make room, also for callers at the same address."""
    monkeypatch.setattr(serving, "HEADER_SECONDS", 60.0)
    held = []
    for _ in range(3 * CONNECTIONS):
        held.append(connect(live))
        held[-1].sendall(b"GET / HTTP/1.1\r\nX-")
    assert all(is_healthy(live) for _ in range(3))
    with suppress(ConnectionResetError):
        assert held[0].recv(100) == b""
    for one in held:
        one.close()


def test_an_address_has_so_many_connections_at_work(live: str) -> None:
    """Where none of them waits, a further one is refused."""
    head = b"POST /v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n"
    held = [connect(live) for _ in range(CONNECTIONS)]
    for one in held:
        one.sendall(head)
    time.sleep(0.3)
    with connect(live) as further:
        assert further.recv(100).startswith(b"HTTP/1.1 429")
    for one in held:
        one.close()
    wait_until(lambda: is_healthy(live))


def is_healthy(url: str) -> bool:
    with connect(url) as honest:
        honest.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return honest.recv(100).startswith(b"HTTP/1.1 200")


class Waiting:
    """A connection that remembers that it was dropped."""

    def __init__(self) -> None:
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True


def test_addresses_are_counted_as_those_who_have_them() -> None:
    """One of IPv6 with all that begin alike; trusted proxies bring many clients."""
    connections = Connections(each=2, waiting=10, unlimited=["10.0.0.1"])
    assert [connections.admit(f"2001:db8::{n}") for n in range(3)] == [True, True, False]
    assert connections.admit("2001:db8:0:1::1")
    assert [connections.admit(a) for a in ("::ffff:192.0.2.1", "192.0.2.1")] == [True, True]
    assert not connections.admit("192.0.2.1")
    assert all(connections.admit("10.0.0.1") for _ in range(9))
    connections.closed("192.0.2.1")
    assert connections.admit("192.0.2.1")


def test_many_addresses_together_may_wait_so_often() -> None:
    connections, held = Connections(each=100, waiting=3), [Waiting() for _ in range(5)]
    for number, one in enumerate(held):
        assert connections.admit(f"192.0.2.{number}")
        connections.waits(one, f"192.0.2.{number}")
    assert [one.dropped for one in held] == [True, True, False, False, False]
    connections.waits_no_longer(held[2])
    connections.waits(held[0], "192.0.2.1")
    assert not held[2].dropped


STUCK = """
import os, signal, threading, time
from pathlib import Path
from touchline.server import serving
from touchline.server.settings import ServerSettings

serving.EXIT_SECONDS = 1

def announce(url):
    threading.Thread(target=time.sleep, args=(600,)).start()
    os.kill(os.getpid(), signal.SIGTERM)

serving.serve(ServerSettings(data=Path("data"), port=0, workers=0), announce)
"""


def test_a_thread_that_does_not_end_does_not_keep_the_server_up(tmp_path: Path) -> None:
    paths = os.pathsep.join(sys.path)
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK], cwd=tmp_path, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    try:
        _, said = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == 1 and b"Timeout" in said


def test_a_lost_connection_keeps_what_came(live: str) -> None:
    """The bytes before the break count, over a real socket."""
    with Client(live) as client:
        made = client._call(
            "POST", "/v1/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "1000"}
        )
        url = f"/v1/uploads/{made['id']}"
        with connect(live) as torn:
            head = (
                f"PATCH {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\n"
                "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
                "Content-Length: 1000\r\n\r\n"
            )
            torn.sendall(head.encode() + b"x" * 400)
            time.sleep(0.3)
        assert wait_until(lambda: client._offset(url)) == 400
        assert client._append(url, 400, b"y" * 600) == 1000


def test_the_client_tells_what_the_server_says(live: str, tmp_path: Path) -> None:
    with Client(live) as client:
        with pytest.raises(ServerError, match="no such match") as caught:
            client.match("0" * 32)
        assert caught.value.status == 404
        assert list(client.matches()) == []
        (tmp_path / "a.txt").write_text("x")
        with pytest.raises(ServerError, match="does not end like a video"):
            client.upload(tmp_path / "a.txt")
        Image.new("RGB", (8, 6)).save(tmp_path / "logo.png")
        assert client.add_asset(tmp_path / "logo.png")["facts"] == {"width": 8, "height": 6}
    with Client("http://127.0.0.1:9") as nowhere, pytest.raises(ServerError) as caught:
        nowhere.match("0" * 32)
    assert caught.value.status == 0


def test_the_client_sends_reviews_and_waits(
    live: str,
    make_services: Callable[..., Any],
    ready_match: Callable[..., str],
    small_video: Path,
    tmp_path: Path,
) -> None:
    services = make_services()
    match_id = ready_match(services)
    with Client(live) as client:
        shares: list[float] = []
        upload = client.upload(small_video, shares.append)
        assert upload["state"] == "complete" and shares[-1] == 1.0
        first, *_ = client.events(match_id)
        changed = client.change_event(match_id, first, status="accepted", team="home")
        assert changed["status"] == "accepted"
        with pytest.raises(ServerError, match="has changed"):
            client.change_event(match_id, first, team="away")
        client.undo(match_id)
        assert next(client.events(match_id))["status"] == "pending"
        client.add_event(match_id, 3.5, "Penalty", note="late")
        timeline = client.timeline(match_id, tmp_path / "match.events.json")
        assert timeline.events[-1].label == "Penalty" and len(timeline) == 6
        reel = client.make_reel(match_id, seconds=3)
        assert reel["reel"]["clips"]
        match = client._call("POST", "/v1/matches", {"upload": upload["id"]})
        client.cancel(match["job"])
        with pytest.raises(JobError, match="cancelled"):
            client.wait(match["job"])
        client.delete_match(match_id)
        with pytest.raises(ServerError):
            client.match(match_id)


def test_logs_are_json_and_hold_no_secrets(live: str, capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    from touchline.server.monitoring import JsonLines

    record = logging.makeLogRecord({"name": "x", "msg": "said %s", "args": ("this",), "job": "j"})
    line = json.loads(JsonLines().format(record))
    assert (line["message"], line["job"], line["logger"]) == ("said this", "j", "x")
    handler = logging.Handler()
    lines: list[str] = []
    handler.emit = lambda record: lines.append(JsonLines().format(record))  # type: ignore[method-assign]
    access = logging.getLogger("touchline.access")
    access.addHandler(handler)
    access.setLevel(logging.INFO)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{live}/v1/matches?share=very-secret")
    wait_until(lambda: lines)
    access.removeHandler(handler)
    assert json.loads(lines[0])["status"] == 401 and "very-secret" not in lines[0]
