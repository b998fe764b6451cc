"""Jobs under kills: two workers, a server, 200 jobs, and SIGKILLs at random until all is done.

Jobs are sent over HTTP, again whenever the server is not there; each cuts a reel of its own. At the
end every job must have succeeded, with one product, whose file is there. Prints one JSON line per
database, with the time of a stage on its own beside the time per job.

    python benchmarks/jobs.py [--jobs 200] [--workers 2] [--database sqlite postgresql]
"""

import argparse
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from touchline.server.client import Client, ServerError
from touchline.server.jobs.processes import run_in_child
from touchline.server.jobs.stages.cutting import CutArguments, cut_reel
from touchline.server.reels import reel_from_json
from touchline.server.services import Services, open_services
from touchline.server.settings import ServerSettings, StageLimits
from touchline.server.tables import JobRow, MatchRow, ProductRow, ReelRow, UploadRow, VideoRow

TESTS = Path(__file__).parents[1] / "tests"
MAX_SECONDS = 3600.0
DOCUMENT = {"format": "touchline-reel", "version": 1, "seconds": 2.0}
CLIP = {"video": "match.mp4", "start": 1.0, "end": 3.0, "score": 1.0, "events": []}


class Crew:
    """A server and workers, each started again as soon as it is gone."""

    def __init__(self, workers: int, environment: dict[str, str], port: int, log: Path) -> None:
        self.kills = {"server": 0, "worker": 0}
        self._environment = os.environ | environment
        self._log = log.open("ab")
        self._commands = {"server": ["serve", "--workers", "0", "--port", str(port)]}
        self._commands |= {f"worker {i}": ["worker"] for i in range(workers)}
        self._processes: dict[str, Any] = {}

    def keep(self) -> None:
        """Start whoever is not there."""
        for name, words in self._commands.items():
            process = self._processes.get(name)
            if process is None or process.poll() is not None:
                self._processes[name] = self._begin(words)

    def _begin(self, words: list[str]) -> Any:
        return subprocess.Popen(
            [sys.executable, "-m", "touchline.cli.main", *words],
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
        )

    def kill(self, rng: random.Random) -> None:
        """Kill one of them."""
        name = rng.choice(list(self._processes))
        self._processes[name].send_signal(signal.SIGKILL)
        self._processes[name].wait()
        self.kills[name.partition(" ")[0]] += 1

    def family(self) -> list[int]:
        """The ids of all processes, and of those that they have started."""
        waiting, found = [process.pid for process in self._processes.values()], []
        while waiting:
            found.append(waiting.pop())
            for task in Path(f"/proc/{found[-1]}/task").glob("*/children"):
                with suppress(OSError):
                    waiting += [int(pid) for pid in task.read_text().split()]
        return found

    def stop(self) -> None:
        """End all."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(30)


def make_reels(services: Services, video: Path, count: int) -> list[str]:
    """A match that is ready, with that many reels."""
    size = video.stat().st_size
    with services.database.write() as session:
        upload = UploadRow(
            name="match.mp4", kind="put", state="complete", length=size, received=size,
            created_at=1.0, expires_at=9e12,
        )  # fmt: skip
        session.add(upload)
        session.flush()
        match = MatchRow(
            videos=[VideoRow(upload_id=upload.id, name="match.mp4", duration_seconds=4.0)],
            title="match", model="demo",
            threshold=0.05, state="ready", info={"duration_seconds": 4.0, "frame_rate": "25/1"},
            created_at=1.0, updated_at=1.0,
        )  # fmt: skip
        session.add(match)
        session.flush()
        reels = [
            ReelRow(
                match_id=match.id, title=f"reel {i}", document=DOCUMENT | {"clips": [CLIP]},
                created_by="bench", created_at=1.0, updated_by="bench", updated_at=1.0,
            )
            for i in range(count)
        ]  # fmt: skip
        session.add_all(reels)
        session.flush()
        path = services.storage.upload(upload.id)
    path.parent.mkdir(parents=True)
    path.write_bytes(video.read_bytes())
    return [reel.id for reel in reels]


def submit(url: str, reels: list[str]) -> None:
    """Ask for every reel's video, again until the server has said yes."""
    for reel in reels:
        while True:
            try:
                with Client(url) as client:
                    client._call("POST", f"/v1/reels/{reel}/files", {"format": "mp4"})
                break
            except ServerError as error:
                if error.status not in (0, 500, 503):
                    raise
                time.sleep(0.1)


def stage_alone(video: Path, folder: Path) -> float:
    """Seconds of one such stage with nothing around it."""
    arguments = CutArguments(
        reel=reel_from_json(DOCUMENT | {"clips": [CLIP]}),
        sources=(str(video),),
        target=str(folder / "alone.mp4"),
        snap=True,
    )
    scratch = folder / "work"
    times = []
    for _ in range(3):
        began = time.perf_counter()
        run_in_child(cut_reel, arguments, StageLimits(), 600, scratch, lambda share: None)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def run(database: str, args: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    """One database: jobs, kills, and what became of them."""
    count, workers, seed = args.jobs, args.workers, args.seed
    from small_videos import write_video

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchline-jobs-")))
    environment = {
        "TOUCHLINE_DATA": str(folder / "data"),
        "TOUCHLINE_QUEUE__LEASE_SECONDS": "3",
        "TOUCHLINE_QUEUE__MAX_ATTEMPTS": "20",
        "TOUCHLINE_QUEUE__BACKOFF_SECONDS": "0.1",
    }
    if database == "postgresql":
        from postgres import running_postgres

        environment["TOUCHLINE_DATABASE_URL"] = stack.enter_context(running_postgres())
    services = open_services(
        ServerSettings(data=folder / "data", database_url=environment.get("TOUCHLINE_DATABASE_URL"))
    )
    video = write_video(folder / "match.mp4", 100)
    reels = make_reels(services, video, count)
    alone = stage_alone(video, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    crew, rng = Crew(workers, environment, port, folder / "log"), random.Random(seed)
    began = time.perf_counter()
    crew.keep()
    sender = threading.Thread(target=submit, args=(f"http://127.0.0.1:{port}", reels))
    sender.start()
    try:
        while sender.is_alive() or unfinished(services):
            time.sleep(alone * rng.uniform(*args.pause))
            crew.kill(rng)
            crew.keep()
            if time.perf_counter() - began > MAX_SECONDS:
                raise SystemExit(f"{unfinished(services)} jobs are not done")
        seconds = time.perf_counter() - began
    finally:
        crew.stop()
    made = {
        "database": database,
        "workers": workers,
        "kills": crew.kills,
        **verdict(services, count),
    }
    per_job = seconds * workers / count
    services.close()
    return made | {
        "seconds": round(seconds, 1),
        "seconds_per_job_and_worker": round(per_job, 3),
        "stage_alone_seconds": round(alone, 3),
        "ratio": round(per_job / alone, 2),
    }


def unfinished(services: Services) -> int:
    """Jobs that have not ended."""
    with services.database.read() as session:
        query = select(func.count()).where(JobRow.state.in_(("queued", "running")))
        return session.scalar(query) or 0


def verdict(services: Services, count: int) -> dict[str, Any]:
    """What became of the jobs; anything but once each is said and fails the run."""
    with services.database.read() as session:
        jobs = session.scalars(select(JobRow)).all()
        products = session.scalars(select(ProductRow)).all()
    files = [services.storage.product(p.match_id, p.job_id) for p in products]
    found = {
        "jobs": len(jobs),
        "succeeded": sum(job.state == "succeeded" for job in jobs),
        "products": len(products),
        "files": sum(path.is_file() and path.stat().st_size > 0 for path in files),
        "tried_again": sum(job.attempts > 1 for job in jobs),
        "most_attempts": max(job.attempts for job in jobs),
        "left_over": len(list((services.storage.root / "work").iterdir())),
    }
    once = all(found[name] == count for name in ("jobs", "succeeded", "products", "files"))
    return found | {"each_once": once}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument(
        "--pause",
        type=float,
        nargs=2,
        default=[4, 20],
        help="Time between kills, in times of a stage alone: a busy machine is given longer.",
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    sys.path[:0] = [str(TESTS), str(TESTS / "server")]
    for database in args.database:
        with ExitStack() as stack:
            result = run(database, args, stack)
        print(json.dumps(result), flush=True)
        if not result["each_once"]:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
