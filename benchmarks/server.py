"""The server under reads while it works, and its memory over many jobs.

First, readers ask for lists of events at a fixed rate while a worker spots a video: the times from
when each request was due to its last byte, so that waiting counts; beside it a bare application
that answers the same bytes through the same uvicorn, which is what the machine allows; and how long
an edit list takes while the worker is at work. Then a worker does job after job: its memory and
descriptors, and the web process's, after the first five and after the last. Prints one JSON line
for each.

    python benchmarks/server.py [--rate 200] [--seconds 30] [--jobs 50]
"""

import argparse
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from touchline.server.client import Client

TESTS = Path(__file__).parents[1] / "tests"
FLOOR = """
from pathlib import Path

BODY = Path("body").read_bytes()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
"""
READERS = 16
EVENTS = 500


class Server:
    """``touchline serve`` with its worker."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "touchline.cli.main", "serve", "--port", "0",
             "--data", str(folder / "data")],
            stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        found = re.search(r"http://([\d.]+):(\d+)", self._process.stdout.readline())
        assert found is not None
        self.url, self.host, self.port = found[0], found[1], int(found[2])

    def pids(self) -> dict[str, int]:
        """The web process and its worker."""
        children = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        worker = next(int(pid) for path in children for pid in path.read_text().split())
        return {"web": self._process.pid, "worker": worker}

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


def usage(pid: int) -> dict[str, float]:
    """Resident megabytes and open descriptors of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return {
        "megabytes": round(int(found[1]) / 1024, 1),
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
    }


class Floor:
    """A bare application that answers the same bytes, through the same uvicorn, with no work."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, body: bytes) -> None:
        (folder / "body").write_bytes(body)
        (folder / "floor.py").write_text(FLOOR)
        with socket.socket() as probe:
            probe.bind((self.host, 0))
            self.port = int(probe.getsockname()[1])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "floor:app", "--port", str(self.port),
             "--log-level", "warning", "--no-access-log"],
            cwd=folder,
        )  # fmt: skip
        for _ in range(600):
            with suppress(OSError), socket.create_connection((self.host, self.port)):
                return
            time.sleep(0.1)
        raise SystemExit("the bare application does not start")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


def read_at_a_rate(
    server: Server | Floor,
    path: str,
    rate: float,
    seconds: float,
    readers: int = READERS,
    addresses: Sequence[str] = ("127.0.0.1",),
    ended: threading.Event | None = None,
) -> dict[str, Any]:
    """Requests spread evenly over readers, each on one connection; their times since due.

    Readers have the addresses by turns, and stop early once ``ended`` is set.
    """
    times: list[float] = []
    errors: list[int] = []
    begin = time.perf_counter() + 0.5

    def reader(number: int) -> None:
        source = (addresses[number % len(addresses)], 0)
        connection = http.client.HTTPConnection(
            server.host, server.port, timeout=30, source_address=source
        )
        for turn in range(number, int(rate * seconds), readers):
            if ended is not None and ended.is_set():
                break
            due = begin + turn / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - due)
            if answer.status != 200:
                errors.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=reader, args=(i,)) for i in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted = time.perf_counter() - begin
    ordered = sorted(times)
    return {
        "asked_per_second": rate,
        "answered_per_second": round(len(times) / lasted, 1),
        "median_ms": round(1000 * ordered[len(ordered) // 2], 1),
        "p95_ms": round(1000 * ordered[int(0.95 * len(ordered))], 1),
        "p99_ms": round(1000 * ordered[int(0.99 * len(ordered))], 1),
        "errors": len(errors),
    }


def content_of(server: Server, path: str) -> bytes:
    """What is answered to a request."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("GET", path)
    return connection.getresponse().read()


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def edit_list_seconds(client: Client, match_id: str, folder: Path) -> list[float]:
    """From asking for an EDL of a new reel until it is downloaded, five times."""
    times = []
    for number in range(5):
        reel = client.make_reel(match_id, seconds=20 + number)
        begin = time.perf_counter()
        client.download_reel(reel["id"], folder / f"{number}.edl", "edl")
        times.append(round(time.perf_counter() - begin, 3))
    return times


def page_of_events(client: Client, folder: Path) -> tuple[str, str]:
    """A small match with events: its id, and the path of their first page."""
    from small_videos import write_video

    small = client.add_match(write_video(folder / "small.mp4", 100))
    client.wait(str(small["job"]))
    for i in range(EVENTS):
        client.add_event(small["id"], 3 * i / EVENTS, "Goal", confidence=0.5)
    return small["id"], f"/v1/matches/{small['id']}/events?limit=100"


def reads(server: Server, folder: Path, rate: float, seconds: float) -> dict[str, Any]:
    """Reads without and with a job at work; and, with it at work, of a bare application."""
    from small_videos import write_video

    with Client(server.url) as client:
        small, path = page_of_events(client, folder)
        idle = read_at_a_rate(server, path, rate, seconds)
        floor = Floor(folder, content_of(server, path))
        long = client.add_match(write_video(folder / "long.mp4", 3000, size=(1280, 720)))
        while client.job(str(long["job"]))["stage"] != "proxy":
            time.sleep(0.1)
        edit_list = edit_list_seconds(client, small, folder)
        cpu = cpu_seconds(server.pids()["web"])
        working = read_at_a_rate(server, path, rate, seconds)
        cpu = cpu_seconds(server.pids()["web"]) - cpu
        bare = read_at_a_rate(floor, path, rate, seconds)
        floor.stop()
        state = client.job(str(long["job"]))["state"]
        client.cancel(str(long["job"]))
    return {
        "reads": "a page of 100 events",
        "job_at_work_to_the_end": state == "running",
        "idle": idle,
        "at_work": working,
        "floor_at_work": bare,
        "edit_list_seconds_at_work": edit_list,
        "web_cpu_ms_per_read": round(1000 * cpu / (rate * seconds), 2),
        "load": round(os.getloadavg()[0], 1),
        "ratio": round(working["p95_ms"] / bare["p95_ms"], 2),
    }


def many_jobs(server: Server, folder: Path, count: int) -> dict[str, Any]:
    """Memory and descriptors after the first five matches and after the last."""
    from small_videos import write_video

    video = write_video(folder / "match.mp4", 50)
    early: dict[str, Any] = {}
    with Client(server.url) as client:
        for number in range(1, count + 1):
            match = client.add_match(video)
            client.wait(str(match["job"]), poll_seconds=0.2)
            client.delete_match(match["id"])
            if number == 5:
                early = {name: usage(pid) for name, pid in server.pids().items()}
    late = {name: usage(pid) for name, pid in server.pids().items()}
    growth = {name: round(late[name]["megabytes"] / early[name]["megabytes"], 3) for name in late}
    return {"jobs": count, "after_5": early, "after_all": late, "growth": growth}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--jobs", type=int, default=50)
    args = parser.parse_args()
    sys.path[:0] = [str(TESTS)]
    with tempfile.TemporaryDirectory(prefix="touchline-server-") as name:
        server = Server(Path(name))
        try:
            print(json.dumps(reads(server, Path(name), args.rate, args.seconds)), flush=True)
            if args.jobs:
                print(json.dumps(many_jobs(server, Path(name), args.jobs)), flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
