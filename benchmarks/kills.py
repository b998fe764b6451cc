"""Kills at random moments, again and again, and what is there at the end.

Each scenario does something once without a break, then again and again while it is killed, and goes
on as its user would; the result must be that of the unbroken run, and nothing may be left over.
``train``, ``pull`` and ``osl`` are killed (SIGKILL); ``full_train`` and ``full_pull`` run out of
disk; and a server and two workers do jobs while the disk is full (``full_serve``), the clock jumps
by up to three days (``clock``), the kernel takes their memory (``memory``), and PostgreSQL is
stopped or its connections are cut (``postgres``). Prints one JSON line for each scenario, and fails
if a result differs or something is left.

    python benchmarks/kills.py [NAME ...] [--times 20] [--seed 1]

The full disks and the kernel's killer need root on Linux, the clock needs Debian's ``faketime``.
"""

import argparse
import hashlib
import http.client
import json
import math
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select

from touchline.server.client import Client, ServerError
from touchline.server.services import Services, open_services
from touchline.server.settings import ServerSettings
from touchline.server.tables import ProductRow

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(Path(__file__).parent), str(TESTS), str(TESTS / "server")]

from jobs import Crew, make_reels, unfinished, verdict  # noqa: E402

Result = dict[str, Any]

_PRELOADED = (
    "lightning", "touchline.training.run", "touchline.cli.train", "touchline.cli.models",
    "touchline.cli.serve", "touchline.cli.worker", "touchline.server.serving",
    "touchline.server.jobs.worker",
)  # fmt: skip

KILLS_A_RUN = 3
"""After as many kills a run may end, so that late moments are reached as well."""

PART_BYTES = 16 * 1024**2
UPLOAD_BYTES = 2 * PART_BYTES + 1_000_000
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
CGROUP = Path("/sys/fs/cgroup/memory")
MEGABYTE = 1024**2


# Commands


class Command:
    """``touchline`` in a process forked from one that has imported what it needs, so that a kill is
    cheap; it is used as one of ``subprocess`` is."""

    def __init__(self, words: list[str], environment: dict[str, str], log: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", *_PRELOADED])
        self._process = context.Process(target=_command, args=(words, environment, str(log)))
        self._process.start()
        self.pid, self.terminate = self._process.pid, self._process.terminate

    def poll(self) -> int | None:
        """The exit code, negative if it was killed; None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for its end."""
        self._process.join(seconds)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.pid is not None
        os.kill(self.pid, number)

    def wait_or_kill(self, after: float | None) -> int:
        """Wait for so many seconds, then kill it; the exit code."""
        if self.wait(after) is None:
            self._process.kill()
        code = self.wait()
        assert code is not None
        return code


class ForkedCrew(Crew):
    """A crew whose processes are forked."""

    def _begin(self, words: list[str]) -> Command:
        return Command(words, dict(self._environment), Path(self._log.name))


def _command(words: list[str], environment: dict[str, str], log: str) -> None:
    import torch

    from touchline.cli.main import main
    from touchline.zoo import catalogue

    os.environ.update(environment)
    held = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(held, 1)
    os.dup2(held, 2)
    torch.set_num_threads(1)
    if "KILLS_CATALOGUE" in environment:  # of stand-ins, as the published files are not ours
        text = Path(environment["KILLS_CATALOGUE"]).read_text()
        made = catalogue.Catalogue.model_validate_json(text)
        catalogue.catalogue = lambda: made  # type: ignore[assignment]
    sys.argv = ["touchline", *words]
    main()


def files_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder; of a log of training what does not depend on the clock."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix in (".jsonl", ".json", ".ckpt"):
                content = _TIMED.sub(b"", content) if path.suffix != ".ckpt" else b""
            found[path.relative_to(folder).as_posix()] = hashlib.sha256(content).hexdigest()
    return found


_TIMED = re.compile(rb'"(?:[a-z_]*seconds[a-z_]*|frames_per_second|minutes)": [^,}\n]+')


def compared(made: dict[str, str], wanted: dict[str, str]) -> Result:
    """How the files of a run differ from those of the unbroken one."""
    both = made.keys() & wanted.keys()
    return {
        "differ": sorted(name for name in both if made[name] != wanted[name]),
        "missing": sorted(wanted.keys() - made.keys()),
        "left_over": sorted(made.keys() - wanted.keys()),
    }


def tracebacks_in(log: Path) -> list[str]:
    """The errors that ended in one, each once."""
    text = log.read_text(errors="replace")
    found = re.findall(r"Traceback .*?^(\w[\w.]*: .*?)$", text, re.DOTALL | re.MULTILINE)
    return sorted(set(found))


def _tell(done: int, times: int) -> None:
    print(f"\r{done}/{times}", end="", file=sys.stderr, flush=True)


def _all_of(rounds: list[Result], **more: Any) -> Result:
    found = {
        key: sorted({name for one in rounds for name in one[key]})
        for key in ("differ", "missing", "left_over")
    }
    return {**more, "runs": len(rounds), **found, "same": not any(found.values())}


Attempt = Callable[[Path, float | None], int]


def killed_commands(attempt: Attempt, folder: Path, times: int, rng: random.Random) -> Result:
    """Kill a command at random moments, and let it come to its end now and then.

    Args:
        attempt: begins it, or goes on with it, in a folder; kills it after so many seconds.
    """
    assert attempt(folder / "unbroken", None) == 0, (folder / "log").read_text()[-2000:]
    wanted, lasts = files_of(folder / "unbroken"), math.inf
    kills, rounds = 0, []
    while kills < times:
        target, here, code = folder / f"run{len(rounds)}", 0, 1
        while code != 0:
            began, begun = time.monotonic(), target.exists()
            may_be_killed = lasts < math.inf and here < min(KILLS_A_RUN, times - kills)
            code = attempt(target, rng.uniform(0.0, lasts) if may_be_killed else None)
            assert code in (0, -signal.SIGKILL), (folder / "log").read_text()[-2000:]
            here += code != 0
            if code == 0 and not begun:  # the fastest counts: most kills shall hit
                lasts = min(lasts, time.monotonic() - began)
        kills += here
        rounds.append(compared(files_of(target), wanted))
        shutil.rmtree(target)
    return _all_of(rounds, kills=kills)


def full_commands(attempt: Attempt, folder: Path, times: int, rng: random.Random) -> Result:
    """Let a command run out of disk at random, make room, and let it go on."""
    assert attempt(folder / "unbroken", None) == 0, (folder / "log").read_text()[-2000:]
    wanted = files_of(folder / "unbroken")
    size = sum(path.stat().st_size for path in (folder / "unbroken").rglob("*") if path.is_file())
    rounds, full = [], 0
    with small_disk(folder / "disk", 3 * size + 8 * MEGABYTE) as disk:
        while full < times:
            target = disk / "run"
            with filled(disk, rng.randrange(0, int(1.2 * size))):
                full += attempt(target, None) != 0
            code = attempt(target, None)
            assert code == 0, (folder / "log").read_text()[-2000:]
            rounds.append(compared(files_of(target), wanted))
            _tell(full, times)
            shutil.rmtree(target)
    found = _all_of(rounds, kills=full, tracebacks=tracebacks_in(folder / "log"))
    return found | {"same": found["same"] and not found["tracebacks"]}


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """A file system of its own, in memory."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def filled(disk: Path, leave: int) -> Iterator[None]:
    """Leave only so many bytes of a disk free."""
    ballast = disk / ".ballast"
    with suppress(OSError), ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(disk).free - leave))
    try:
        yield
    finally:
        ballast.unlink(missing_ok=True)


def _training(folder: Path) -> Attempt:
    from feature_games import write_dataset, write_recipe

    recipe = write_recipe(folder / "toy.yaml", write_dataset(folder / "data"))

    def attempt(target: Path, after: float | None) -> int:
        goes_on = ["--resume"] if (target / "recipe.yaml").exists() else []
        words = ["train", str(recipe), "--out", str(target), *goes_on]
        return Command(words, {}, folder / "log").wait_or_kill(after)

    return attempt


def _pulling(folder: Path, stack: ExitStack) -> Attempt:
    """A network of the catalogue's first choice, made here, on a server of this machine."""
    import io

    import torch
    from file_server import serving

    sys.path.append(str(TESTS / "pulling"))
    from places import place_of

    from touchline.models.e2e_spot import E2ESpot, E2ESpotConfig
    from touchline.runtime.checksums import git_blob
    from touchline.runtime.mirror import VARIABLE
    from touchline.zoo import catalogue

    torch.manual_seed(0)
    held = io.BytesIO()
    torch.save(E2ESpot(E2ESpotConfig("rny002_gsm", "gru", 17)).state_dict(), held)
    document = json.loads(catalogue.catalogue().model_dump_json())
    rows = [row for family in document["families"] for row in family["entries"]]
    row = next(row for row in rows if row["name"] == catalogue.FIRST_CHOICE)
    row["files"][0].update({"checksum": git_blob(held.getvalue()), "bytes": None})
    (folder / "catalogue.json").write_text(json.dumps(document))
    server = stack.enter_context(serving())
    entry = catalogue.find_entry(catalogue.FIRST_CHOICE)
    assert entry is not None
    os.environ[VARIABLE] = server.address
    server.files[place_of(server, entry)] = held.getvalue()
    environment = {
        VARIABLE: server.address, "KILLS_CATALOGUE": str(folder / "catalogue.json"),
    }  # fmt: skip
    words = ["models", "pull", catalogue.FIRST_CHOICE, "--yes", "--no-onnx"]

    def attempt(target: Path, after: float | None) -> int:
        given = environment | {"TOUCHLINE_HOME": str(target)}
        return Command(words, given, folder / "log").wait_or_kill(after)

    return attempt


def train(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """``touchline train``, gone on with ``--resume``."""
    return killed_commands(_training(folder), folder, times, rng)


def pull(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """``touchline models pull``, called again."""
    return killed_commands(_pulling(folder, stack), folder, times, rng)


def full_train(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """``touchline train`` on a disk that is full somewhere on the way."""
    return full_commands(_training(folder), folder, times, rng)


def full_pull(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """``touchline models pull`` on a disk that is full somewhere on the way."""
    return full_commands(_pulling(folder, stack), folder, times, rng)


# Servers


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Strike = Callable[[Crew, random.Random], None]


def jobs_under(
    strike: Strike,
    folder: Path,
    times: int,
    rng: random.Random,
    environment: dict[str, str],
    data: Path | None = None,
) -> Result:
    """A server and two workers cut reels while something happens to them again and again; the
    first is cut before, and the others must be equal to it.

    Args:
        environment: of the server and its workers.
        data: the server's folder; None for one in ``folder``.
    """
    from small_videos import write_video

    data = data or folder / "data"
    given = {
        "TOUCHLINE_DATA": str(data), "TOUCHLINE_QUEUE__LEASE_SECONDS": "3",
        "TOUCHLINE_QUEUE__MAX_ATTEMPTS": "20", "TOUCHLINE_QUEUE__BACKOFF_SECONDS": "0.1",
        **environment,
    }  # fmt: skip
    services = open_services(
        ServerSettings(data=data, database_url=environment.get("TOUCHLINE_DATABASE_URL"))
    )
    video = write_video(folder / "match.mp4", 100)
    jobs = max(2, times // KILLS_A_RUN)
    reels = make_reels(services, video, jobs)
    port = free_port()
    kind = Crew if "LD_PRELOAD" in environment else ForkedCrew
    crew = kind(2, given, port, folder / "log")
    refusals: list[int] = []
    url = f"http://127.0.0.1:{port}"
    sender = threading.Thread(target=_submit, args=(url, reels[1:], refusals), daemon=True)
    crew.keep()
    began = time.monotonic()
    _submit(url, reels[:1], [])
    while _unfinished(services):
        time.sleep(0.1)
    alone = time.monotonic() - began
    sender.start()
    done, strikes = 0, 0
    try:
        while strikes < times or sender.is_alive() or _unfinished(services):
            time.sleep(alone * rng.uniform(0.1, 0.6))
            if strikes < times:
                strike(crew, rng)
                strikes += 1
                _tell(strikes, times)
            crew.keep()
            done += 1
            assert done < 60 * times + 600, "the jobs are not done"
    finally:
        crew.stop()
    found = verdict(services, jobs)
    differ = _other_products(services)
    services.close()
    return {
        "kills": strikes,
        **found,
        "differ": differ,
        "refused_while_away": len(refusals),
        "tracebacks": tracebacks_in(folder / "log"),
        "same": found["each_once"] and not differ and not found["left_over"],
    }


def _submit(url: str, reels: list[str], refusals: list[int]) -> None:
    """Ask for every reel's video, again until the server has said yes."""
    for reel in reels:
        while True:
            try:
                with Client(url) as client:
                    client._call(
                        "POST", f"/v1/reels/{reel}/files", {"format": "mp4"},
                        headers={"Idempotency-Key": reel},
                    )  # fmt: skip
                break
            except ServerError as error:
                if error.status not in (0, 503, 507):
                    raise
                refusals.append(error.status)
                time.sleep(0.1)


def _unfinished(services: Services) -> bool:
    """Whether jobs are still to be done, or it cannot be said."""
    from touchline.errors import InputError

    try:
        return unfinished(services) > 0
    except InputError:
        return True
    except Exception as error:
        if type(error).__name__ not in ("BusyError", "DiskError"):
            raise
        return True


def _other_products(services: Services) -> int:
    """How many videos differ from the one that was cut first."""
    with services.database.read() as session:
        products = session.scalars(select(ProductRow).order_by(ProductRow.created_at)).all()
    paths = [services.storage.product_file(row) for row in products]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return sum(digest != digests[0] for digest in digests)


def full_serve(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """A server whose disk is full for a second or so, now and then."""
    disk = stack.enter_context(small_disk(folder / "disk", 48 * MEGABYTE))

    def strike(crew: Crew, rng: random.Random) -> None:
        with filled(disk, rng.choice([0, 0, 4096, 65536, rng.randrange(1_000_000)])):
            time.sleep(rng.uniform(0.2, 2.0))
            if rng.random() < 0.3:
                crew.kill(rng)
                crew.keep()

    return jobs_under(strike, folder, times, rng, {}, disk / "data")


def clock(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """A server and workers whose clock jumps, by seconds or by days; one is killed now and then."""
    ahead = folder / "ahead"
    ahead.write_text("+0")

    def strike(crew: Crew, rng: random.Random) -> None:
        beside = ahead.with_suffix(".new")
        beside.write_text(f"{rng.choice([10, 600, 7200, 250_000]) * rng.uniform(-1, 1):+.0f}")
        beside.replace(ahead)
        if rng.random() < 0.5:
            crew.kill(rng)

    environment = {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(ahead),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1", "DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    return jobs_under(strike, folder, times, rng, environment)


def memory(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """A server and workers of whose memory another process takes more and more, until the kernel
    kills one of them."""
    group = CGROUP / f"touchline-kills-{os.getpid()}"
    group.mkdir()
    stack.callback(lambda: _remove_group(group))

    def strike(crew: Crew, rng: random.Random) -> None:
        for pid in crew.family():
            with suppress(OSError):
                (group / "cgroup.procs").write_text(str(pid))
        before = _killed_in(group)
        free = int((group / "memory.usage_in_bytes").read_text())
        (group / "memory.limit_in_bytes").write_text(str(free + 64 * MEGABYTE))
        hog = subprocess.Popen([sys.executable, "-c", _HOG, str(group), str(free + 256 * MEGABYTE)])
        until = time.monotonic() + 20
        while _killed_in(group) == before and time.monotonic() < until:
            time.sleep(0.02)
        hog.kill()
        hog.wait()
        (group / "memory.limit_in_bytes").write_text("-1")

    found = jobs_under(strike, folder, times, rng, {})
    return found | {"killed_by_the_kernel": _killed_in(group)}


_HOG = """
import os, sys, time
open("/proc/self/oom_score_adj", "w").write("-1000")
open(os.path.join(sys.argv[1], "cgroup.procs"), "w").write(str(os.getpid()))
held = bytearray(int(sys.argv[2]))
for at in range(0, len(held), 4096):
    held[at] = 1
time.sleep(60)
"""


def _killed_in(group: Path) -> int:
    found = re.search(r"oom_kill (\d+)", (group / "memory.oom_control").read_text())
    return int(found[1]) if found else 0


def _remove_group(group: Path) -> None:
    for pid in (group / "cgroup.procs").read_text().split():
        (CGROUP / "cgroup.procs").write_text(pid)
    group.rmdir()


def postgres(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """Server and workers whose PostgreSQL is stopped and started, or whose connections are cut."""
    import psycopg
    from postgres import postgres as running_postgres

    running = stack.enter_context(running_postgres())
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )

    def strike(crew: Crew, rng: random.Random) -> None:
        how = rng.choice(["cut", "fast", "immediate"])
        if how == "cut":
            with psycopg.connect(running.url, autocommit=True) as connection:
                connection.execute(cut)
            return
        running.stop(how)  # type: ignore[arg-type]
        time.sleep(rng.uniform(0.0, 3.0))
        running.start()

    return jobs_under(strike, folder, times, rng, {"TOUCHLINE_DATABASE_URL": running.url})


# Uploads


def osl(folder: Path, times: int, rng: random.Random, stack: ExitStack) -> Result:
    """Uploads in parts, as OSL's tool sends them, to a server that is killed meanwhile."""
    source = folder / "match.mp4"
    source.write_bytes(rng.randbytes(UPLOAD_BYTES))
    wanted = hashlib.sha256(source.read_bytes()).hexdigest()
    port = free_port()
    data = folder / "data"
    environment = {"TOUCHLINE_DATA": str(data)}
    crew = ForkedCrew(0, environment, port, folder / "log")
    stack.callback(crew.stop)
    crew.keep()
    kills, rounds = 0, []
    while kills < times:
        at, upload = threading.Event(), list[str]()
        sender = threading.Thread(target=_send, args=(port, source, len(rounds), at, upload))
        sender.start()
        here = 0
        while sender.is_alive():
            at.wait(60)
            sender.join(rng.uniform(0.0, 0.8))
            if sender.is_alive() and here < KILLS_A_RUN and kills < times:
                at.clear()
                crew.kill(rng)
                kills, here = kills + 1, here + 1
                _tell(kills, times)
            crew.keep()
        place = data / "uploads" / upload[0]
        names = sorted(path.name for path in place.iterdir())
        digest = hashlib.sha256((place / "original.bin").read_bytes()).hexdigest()
        rounds.append({
            "differ": [] if digest == wanted else [upload[0]], "missing": [],
            "left_over": [name for name in names if name != "original.bin"],
        })  # fmt: skip
    return _all_of(rounds, kills=kills)


def _send(port: int, source: Path, number: int, at: threading.Event, upload: list[str]) -> None:
    """Announce, send what is missing, complete; from the beginning whenever the server is gone."""
    data = source.read_bytes()
    while True:
        try:
            body = {"filename": source.name, "size": len(data), "mtime_ns": number}
            state = _ask(port, "POST", "/api/v1/uploads", json.dumps(body).encode())
            at.set()
            there = {part["number"] for part in state["completed_parts"]}
            size = state["part_size"]
            for part in sorted(set(range(1, -(-len(data) // size) + 1)) - there):
                _ask(
                    port, "PUT", f"/api/v1/uploads/{state['id']}/parts/{part}",
                    data[(part - 1) * size : part * size],
                )  # fmt: skip
            _ask(port, "POST", f"/api/v1/uploads/{state['id']}/complete", b'{"parts": []}')
            upload.append(state["id"])
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)


def _ask(port: int, method: str, path: str, body: bytes) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        kind = "application/json" if method == "POST" else "application/octet-stream"
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    assert answer.status < 300, (answer.status, content)
    return json.loads(content or b"null")


Scenario = Callable[[Path, int, random.Random, ExitStack], Result]
SCENARIOS: dict[str, Scenario] = {
    made.__name__: made
    for made in (train, pull, full_train, full_pull, osl, full_serve, clock, memory, postgres)
}


def main() -> None:
    """Kill."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *SCENARIOS], metavar="NAME")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    failed = False
    for name in args.names or SCENARIOS:
        with ExitStack() as stack:
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="touchline-kills-"))
            result = SCENARIOS[name](Path(place), args.times, random.Random(args.seed), stack)
        failed |= not result["same"]
        print(json.dumps({"scenario": name, **result}), flush=True)
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
