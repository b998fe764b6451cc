"""What attacks take of a running server: memory, time, and what others get meanwhile.

Each attack goes against a fresh ``touchline serve`` with users, over real connections. Prints one
JSON line for each: ``before`` and ``peak`` are resident megabytes of the web process,
``child_peak`` of the process that reads files; ``statuses`` counts the answers to the attack (0 is
a connection that was closed), ``others`` those to another client while it went on, and
``others_slowest`` the seconds of the slowest of these.

    python benchmarks/attacks.py [NAME ...] [--rows 500000]
"""

import argparse
import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

PASSWORD = "correct horse battery"
MEGABYTE = 1024**2
HEAD = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "


class Target:
    """``touchline serve`` on a new folder, with an admin, an editor's token and a match."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self.token, self.match, self.job = _prepare(self._data)
        self._log = (folder / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "touchline.cli.main", "serve", "--port", "0",
             "--data", str(self._data), "--workers", "0"],
            stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        found = re.search(r"http://([\d.]+):(\d+)", self.process.stdout.readline())
        assert found is not None
        self.host, self.port = found[1], int(found[2])
        self._peaks: dict[str, float] = {"web": 0.0, "child": 0.0}
        self._watching = True
        threading.Thread(target=self._watch, daemon=True).start()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        source: str = "127.0.0.1",
        **headers: str,
    ) -> tuple[int, bytes]:
        """Status and body of an answer; status 0 where the connection is closed without one."""
        connection = http.client.HTTPConnection(
            self.host, self.port, timeout=120, source_address=(source, 0)
        )
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def as_editor(self, method: str, path: str, body: bytes | None = None) -> int:
        """The status of a request with the editor's token."""
        return self.request(method, path, body, Authorization=f"Bearer {self.token}")[0]

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """A connection from an address."""
        return socket.create_connection((self.host, self.port), 60, source_address=(source, 0))

    def megabytes(self) -> float:
        """Of the web process, now."""
        return _resident(self.process.pid)

    def peaks(self) -> dict[str, float]:
        """The most resident megabytes of the web process and of its children."""
        return {name: round(value, 1) for name, value in self._peaks.items()}

    def stop(self) -> float:
        """End it; the seconds that it takes, at most a minute."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self._watching = False
        self.process.kill()
        self.process.wait()
        self._log.close()
        return round(time.monotonic() - begun, 1)

    def _watch(self) -> None:
        while self._watching:
            self._peaks["web"] = max(self._peaks["web"], self.megabytes())
            for child in _children(self.process.pid):
                self._peaks["child"] = max(self._peaks["child"], _resident(child))
            time.sleep(0.02)


def _prepare(data: Path) -> tuple[str, str, str]:
    """An editor's token, a match without a video, and a job that waits for ever."""
    from touchline.server.access.accounts import add_token, add_user
    from touchline.server.jobs.types.spotting import SpotPayload
    from touchline.server.services import open_services
    from touchline.server.settings import ServerSettings
    from touchline.server.tables import MatchRow, VideoRow

    services = open_services(ServerSettings(data=data))
    with services.database.write() as session:
        now = services.database.now(session)
        add_user(session, "admin", PASSWORD, "admin", now)
        editor = add_user(session, "editor", PASSWORD, "editor", now)
        secret, _ = add_token(session, editor, "attacks", "editor", now, None)
        match = MatchRow(
            title="North - South", model="demo", threshold=0.05, state="ready", created_at=now,
            updated_at=now, videos=[VideoRow(name="match.mp4", duration_seconds=5400.0)],
            info={"duration_seconds": 5400.0},
        )  # fmt: skip
        session.add(match)
        session.flush()
        payload = SpotPayload(model="demo", threshold=0.1)
        job = services.queue.add(session, payload, match_id=match.id)
        names = secret, match.id, job.id
    services.close()
    return names


def _resident(pid: int) -> float:
    with suppress(OSError):
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


class Others:
    """Another client, at another address, that asks for health all the time."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._going = True
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def stop(self) -> dict[str, Any]:
        """What it got."""
        self._going = False
        self._thread.join()
        return {"others": dict(self.statuses), "others_slowest": round(self.slowest, 2)}

    def _ask(self) -> None:
        while self._going:
            begun = time.monotonic()
            self.statuses[self._target.request("GET", "/ready", source="127.0.0.2")[0]] += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)
            time.sleep(0.1)


Answers = Counter[int]


def import_bomb(target: Target, rows: int) -> Answers:
    """Rows of a table, packed: a few kilobytes that are millions of values."""
    return _import(target, b"time,label\n" + b"1,a\n" * rows)


def import_columns(target: Target, rows: int) -> Answers:
    """One row of a million columns, packed."""
    return _import(target, b"time,label" + b",a" * 2 * rows + b"\n1,a\n")


def import_ratio(target: Target, rows: int) -> Answers:
    """Nothing but blanks, packed a thousand to one."""
    return _import(target, b" " * 400 * rows)


def import_nesting(target: Target, rows: int) -> Answers:
    """Brackets in brackets."""
    return _import(target, b"[" * rows, "a.json")


def import_names(target: Target, rows: int) -> Answers:
    """Names that are no names of files, or are too long for one."""
    path = f"/v1/matches/{target.match}/import?name="
    names = ["..", ".", "%C3%A9" * 200]
    return Counter(target.as_editor("POST", path + name, b"{}") for name in names)


def _import(target: Target, content: bytes, name: str = "a.csv.gz") -> Answers:
    packed = gzip.compress(content) if name.endswith(".gz") else content
    print(f"  {len(packed)} bytes, unpacked {len(content)}", file=sys.stderr)
    return Counter(
        [target.as_editor("POST", f"/v1/matches/{target.match}/import?name={name}", packed)]
    )


def half_sent(target: Target, rows: int) -> Answers:
    """1,100 requests whose headers do not end; then as many again."""
    held, refused = [], Counter[int]()
    for turn in range(2200):
        try:
            held.append(target.connect())
            held[-1].sendall(HEAD)
        except OSError:
            refused[0] += 1
        if turn % 550 == 549:
            time.sleep(2)
            refused[target.request("GET", "/health")[0]] += 1
    for one in held:
        one.close()
    return refused


def bodies_without_login(target: Target, rows: int) -> Answers:
    """150 bodies of 4 MB from callers who have not logged in, held open before their last byte."""
    body = b'"' + b"x" * (4 * MEGABYTE - 2)
    head = b"POST /v1/matches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
    held = []
    for _ in range(150):
        with suppress(OSError):
            held.append(target.connect())
            held[-1].sendall(head % (4 * MEGABYTE) + body)
    time.sleep(2)
    statuses = Counter[int]()
    for one in held:
        one.settimeout(0.1)
        with suppress(OSError):
            statuses[int((one.recv(64).split() or [b"0", b"0"])[1])] += 1
        one.close()
    return statuses


def values(target: Target, rows: int) -> Answers:
    """JSON of 1.3 million lists in 4 MB, twenty at once, from an editor."""
    body = b"[" + b"[]," * (MEGABYTE * 4 // 3 - 10) + b"[]]"
    return _at_once(20, lambda _: target.as_editor("POST", "/v1/matches", body))


def methods(target: Target, rows: int) -> Answers:
    """200 methods that nobody knows; then how many figures of requests there are."""
    for number in range(200):
        target.request(f"MADEUP{'X' * number}", "/")
    _, text = target.request("GET", "/metrics", Authorization=f"Bearer {target.token}")
    print(f"  {text.count(b'touchline_requests_total{')} series", file=sys.stderr)
    return Counter([text.count(b"touchline_requests_total{")])


def credentials(target: Target, rows: int) -> Answers:
    """Basic credentials that are no ASCII."""
    sent = {"Authorization": "Basic \u00e9"}
    return Counter([target.request("GET", "/v1/matches", **sent)[0]])


def passwords(target: Target, rows: int) -> Answers:
    """Wrong passwords for one name, then the right one of another person at the same address."""

    def log_in(name: str, password: str) -> int:
        body = json.dumps({"name": name, "password": password}).encode()
        return target.request("POST", "/v1/session", body, **{"Content-Type": "application/json"})[
            0
        ]

    wrong = [log_in("admin", "not the password") for _ in range(12)]
    print(f"  the right one of another: {log_in('editor', PASSWORD)}", file=sys.stderr)
    return Counter(wrong)


def logins_at_once(target: Target, rows: int) -> Answers:
    """Forty passwords at once, for names that do not exist."""

    def log_in(number: int) -> int:
        body = json.dumps({"name": f"name{number}", "password": "not the password"}).encode()
        return target.request("POST", "/v1/session", body, **{"Content-Type": "application/json"})[
            0
        ]

    return _at_once(40, log_in)


def streams(target: Target, rows: int) -> Answers:
    """500 streams of one job at once, of one person, from ten addresses."""
    head = (
        f"GET /v1/jobs/{target.job}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {target.token}\r\n\r\n"
    ).encode()
    held = [target.connect(f"127.0.1.{number % 10 + 1}") for number in range(500)]
    statuses = Counter[int]()
    for one in held:
        one.sendall(head)
    for one in held:
        with suppress(OSError):
            statuses[int((one.recv(64).split() or [b"0", b"0"])[1])] += 1
    for one in held:
        one.close()
    return statuses


def terminate(target: Target, rows: int) -> Answers:
    """An import bomb, and a second later SIGTERM: see ``stopped``."""
    threading.Thread(target=import_bomb, args=(target, rows * 4), daemon=True).start()
    time.sleep(1.0)
    return Counter()


def _at_once(count: int, work: Callable[[int], int]) -> Answers:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: statuses.append(work(n)))  # type: ignore[misc]
        for n in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(statuses)


ATTACKS = (
    import_bomb, import_columns, import_ratio, import_nesting, import_names, half_sent,
    bodies_without_login, values, methods, credentials, passwords, logins_at_once, streams,
    terminate,
)  # fmt: skip


def measure(attack: Callable[[Target, int], Answers], rows: int) -> dict[str, Any]:
    """One attack on one server."""
    with tempfile.TemporaryDirectory(prefix="touchline-attacks-") as folder:
        target = Target(Path(folder))
        target.request("GET", "/ready")
        before, others, begun = target.megabytes(), Others(target), time.monotonic()
        statuses = attack(target, rows)
        seconds = round(time.monotonic() - begun, 1)
        told = others.stop() if attack is not terminate else {}
        stopped = target.stop()
        if attack is terminate:
            told = others.stop()
        peaks = target.peaks()
    return {
        "attack": attack.__name__, "seconds": seconds, "statuses": dict(statuses),
        "before": round(before, 1), "peak": peaks["web"], "child_peak": peaks["child"], **told,
        "stopped": stopped,
    }  # fmt: skip


def main() -> None:
    """Measure."""
    known = {attack.__name__: attack for attack in ATTACKS}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *known], metavar="NAME")
    parser.add_argument("--rows", type=int, default=500_000)
    asked = parser.parse_args()
    os.environ["TOUCHLINE_RATES__REQUESTS_PER_SECOND"] = "100000"  # the attack is to arrive
    for name in asked.names or known:
        print(json.dumps(measure(known[name], asked.rows)), flush=True)


if __name__ == "__main__":
    main()
