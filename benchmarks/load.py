"""The server while much happens at once: a large upload, many readers, a match at work.

100 clients at ten addresses read pages of events while a file of 20 GB is sent, whose connection is
cut five times in the middle of a chunk, and a match of 45 minutes of 720p is read and spotted. The
same readers ask first while nothing else is done, and in the end a bare application that answers
the same bytes through the same uvicorn, with the job still at work. Says the times of reads, and
the most memory and descriptors of web process, worker and the processes of the job; checks the file
that arrived against the one that was sent. Prints one JSON line for each
part. Needs some 45 GB of disk.

    python benchmarks/load.py [--gigabytes 20] [--clients 100] [--rate 50] [--minutes 45]
"""

import argparse
import base64
import hashlib
import http.client
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cutting import encoded, repeated, simulated
from server import TESTS, Floor, Server, content_of, page_of_events, read_at_a_rate, usage

from touchline.server.client import CHUNK_BYTES, Client

ADDRESSES = [f"127.0.0.{n}" for n in range(2, 12)]
"""Of the readers: one address may have a hundred connections, and the upload needs one as well."""

GIGABYTE = 10**9
JOB = "processes of the job"


def padded(video: Path, target: Path, length: int) -> Path:
    """The video with an unused box behind it (ISO/IEC 14496-12, `free`) that fills the file."""
    shutil.copyfile(video, target)
    rest = length - target.stat().st_size
    with target.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write((1).to_bytes(4) + b"free" + rest.to_bytes(8))
        file.truncate(length)
    return target


def descendants(pid: int) -> Iterator[int]:
    """Processes that a process has started, and those that they have."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, path.read_text().split()):
                yield child
                yield from descendants(child)


def used(server: Server) -> dict[str, dict[str, float]]:
    """Memory and descriptors of web process and worker, and of all processes of its job."""
    pids = server.pids()
    now = {name: usage(pid) for name, pid in pids.items()}
    now[JOB] = {"megabytes": 0.0, "descriptors": 0.0}
    for pid in descendants(pids["worker"]):
        with suppress(OSError, AssertionError):  # it has ended meanwhile
            for what, value in usage(pid).items():
                now[JOB][what] += value
    return now


@contextmanager
def most(server: Server) -> Iterator[dict[str, dict[str, float]]]:
    """The most that is in use at once within the block, looked at twice a second."""
    peak: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            for name, values in used(server).items():
                for what, value in values.items():
                    peak[name][what] = round(max(peak[name][what], value), 1)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


class Upload:
    """A file that is sent in chunks by the tus protocol, over connections that are cut."""

    def __init__(self, server: Server, path: Path) -> None:
        self._server, self._path = server, path
        self._length = path.stat().st_size
        name = base64.b64encode(path.name.encode()).decode()
        connection = self._connection()
        connection.request(
            "POST", "/v1/uploads",
            headers={
                "Tus-Resumable": "1.0.0", "Upload-Length": str(self._length),
                "Upload-Metadata": f"filename {name}",
            },
        )  # fmt: skip
        self.id = str(json.loads(connection.getresponse().read())["id"])
        connection.close()
        self._url = f"/v1/uploads/{self.id}"

    def send(self, cuts: int) -> list[int]:
        """Send it all; returns where it was gone on with after each cut."""
        begins: list[int] = []
        at = [self._length * (n + 1) // (cuts + 1) for n in range(cuts)]
        offset = 0
        connection = self._connection()
        with self._path.open("rb") as file:
            while offset < self._length:
                file.seek(offset)
                chunk = file.read(CHUNK_BYTES)
                if at and offset >= at[0]:
                    at.pop(0)
                    self._begin(connection, offset, len(chunk))
                    connection.send(chunk[: len(chunk) // 2])
                    connection.close()
                    offset = self._arrived()
                    begins.append(offset)
                    connection = self._connection()
                    continue
                self._begin(connection, offset, len(chunk))
                connection.send(chunk)
                answer = connection.getresponse()
                answer.read()
                if answer.status in (409, 423):  # it has not seen yet that the other is gone
                    time.sleep(0.2)
                    offset = self._arrived()
                    continue
                if answer.status != 204:
                    raise SystemExit(f"a chunk at {offset} was answered with {answer.status}")
                offset = int(answer.headers["Upload-Offset"])
        connection.close()
        return begins

    def _begin(self, connection: http.client.HTTPConnection, offset: int, length: int) -> None:
        connection.putrequest("PATCH", self._url)
        for name, value in (
            ("Tus-Resumable", "1.0.0"),
            ("Upload-Offset", str(offset)),
            ("Content-Type", "application/offset+octet-stream"),
            ("Content-Length", str(length)),
        ):
            connection.putheader(name, value)
        connection.endheaders()

    def _arrived(self) -> int:
        """How much the server has, once it has seen that the connection is gone."""
        for _ in range(100):
            connection = self._connection()
            connection.request("HEAD", self._url, headers={"Tus-Resumable": "1.0.0"})
            answer = connection.getresponse()
            connection.close()
            if answer.status == 200:
                return int(answer.headers["Upload-Offset"])
            time.sleep(0.1)
        raise SystemExit(f"the upload cannot be gone on with: {answer.status}")

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._server.host, self._server.port, timeout=120)


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=20.0)
    parser.add_argument("--cuts", type=int, default=5)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50.0, help="reads a second, of all clients")
    parser.add_argument("--seconds", type=float, default=20.0, help="of reads with nothing else")
    parser.add_argument("--minutes", type=float, default=45.0, help="of the match at work")
    parser.add_argument("--folder", type=Path, help="where the files are made; they are removed")
    args = parser.parse_args()
    sys.path[:0] = [str(TESTS)]
    with tempfile.TemporaryDirectory(prefix="touchline-load-", dir=args.folder) as name:
        folder = Path(name)
        piece = encoded(simulated(folder), folder / "piece.mp4", 2)
        match = repeated(piece, folder / "match.mp4", args.minutes)
        sent = padded(piece, folder / "large.mp4", int(args.gigabytes * GIGABYTE))
        server = Server(folder)
        try:
            with Client(server.url) as client:
                _, path = page_of_events(client, folder)

                def read(seconds: float, ended: threading.Event | None = None) -> dict[str, Any]:
                    return read_at_a_rate(
                        server, path, args.rate, seconds, args.clients, ADDRESSES, ended
                    )

                idle = read(args.seconds)
                say({"part": "readers alone", **idle, **used(server)})
                floor = Floor(folder, content_of(server, path))
                job = str(client.add_match(match)["job"])
                while client.job(job)["stage"] is None:
                    time.sleep(0.1)
                say(at_work(server, client, job, sent, args.cuts, read))
                bare = read_at_a_rate(floor, path, args.rate, args.seconds, args.clients, ADDRESSES)
                say({"part": "bare application", **bare, "job": client.job(job)["state"]})
                floor.stop()
                client.cancel(job)
        finally:
            server.stop()


def at_work(
    server: Server, client: Client, job: str, sent: Path, cuts: int, read: Any
) -> dict[str, Any]:
    """Readers, the upload and the job at once; ends when the upload has arrived."""
    ended = threading.Event()
    found: list[dict[str, Any]] = []
    stages = [client.job(job)["stage"]]
    with most(server) as peak:
        readers = threading.Thread(target=lambda: found.append(read(3600.0, ended)))
        readers.start()
        begin = time.perf_counter()
        try:
            begins = Upload(server, sent).send(cuts)
            seconds = time.perf_counter() - begin
        finally:
            ended.set()
            readers.join()
    facts = client.job(job)
    arrived = next(p for p in sent.parent.rglob("*") if p != sent and is_long(p, sent))
    same = checksum(arrived) == checksum(sent)
    return {
        "part": "readers, upload and a match at work",
        "upload_bytes": sent.stat().st_size,
        "upload_seconds": round(seconds),
        "gone_on_with_at": begins,
        "same_file": same,
        "job": facts["state"],
        "stages": [*stages, facts["stage"]],
        "reads": found[0],
        "most": peak,
        "load": round(os.getloadavg()[0], 1),
    }


def is_long(path: Path, sent: Path) -> bool:
    """Whether a file has the length of another."""
    with suppress(OSError):
        return path.is_file() and path.stat().st_size == sent.stat().st_size
    return False


def say(result: dict[str, Any]) -> None:
    """Print one line."""
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
