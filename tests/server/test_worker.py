"""Jobs worked at for real: in processes that are bounded, watched and ended."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from small_videos import write_video

from touchline.media.video import probe
from touchline.runtime.limited import environment
from touchline.server.jobs.processes import NETWORK_VARIABLES, StageFailedError, run_in_child
from touchline.server.jobs.queue import LANES, OPEN
from touchline.server.jobs.stages.proxying import ProxyArguments, ProxyResult, make_proxy
from touchline.server.jobs.stages.spotting import SpotArguments, spot_video
from touchline.server.jobs.worker import Worker
from touchline.server.settings import MediaLimits, StageLimits
from touchline.server.tables import WorkerRow

LIMITS = MediaLimits().to_limits()


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough that its proxy takes some seconds."""
    return write_video(tmp_path_factory.mktemp("videos") / "long.mp4", 1500, size=(640, 360))


@contextmanager
def working(services: Any) -> Iterator[Worker]:
    """A worker at work."""
    stop = threading.Event()
    worker = Worker(services, stop)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        stop.set()
        thread.join()


def send(client: Any, video: Path, model: str | None = "demo") -> dict[str, Any]:
    upload = client.put("/v1/uploads/match.mp4", content=video.read_bytes()).json()
    body = {"upload": upload["id"], "model": model}
    return client.post("/v1/matches", json=body).json()


def wait(client: Any, job: str, until: Callable[[dict[str, Any]], bool] | None = None) -> Any:
    until = until or (lambda job: job["state"] not in OPEN)
    deadline = time.monotonic() + 120
    while not until(answer := client.get(f"/v1/jobs/{job}").json()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer


def children() -> list[int]:
    """Processes that run a stage for this one."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread or process that has ended
            for pid in (task / "children").read_text().split():
                if b"touchline.runtime.limited_child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(int(pid))
    return found


linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")


@pytest.mark.slow
def test_the_whole_way(client: Any, small_video: Path) -> None:
    """An upload becomes a match that can be watched, reviewed, and cut into a reel."""
    with working(client.services):
        match = send(client, small_video)
        job = wait(client, match["job"])
        assert job["state"] == "succeeded" and job["progress"] == 1.0, job
        assert set(job["stages"]) == {"probe", "proxy", "spot", "thumbnails"}
        url = f"/v1/matches/{match['id']}"
        answer = client.get(url).json()
        assert answer["state"] == "ready" and answer["info"]["duration_seconds"] == 4.0
        assert client.get(f"{url}/video").headers["Content-Type"] == "video/mp4"
        assert client.get(f"{url}/thumbnails/0").content[:2] == b"\xff\xd8"
        assert client.get(f"{url}/thumbnails/9").status_code == 404
        curves = client.get(f"{url}/scores?points=5&label=Goal").json()
        assert curves["labels"] == ["Goal"] and len(curves["seconds"]) == 5
        client.post(f"{url}/events", json={"time": 2, "label": "Goal"})
        reel = client.post(f"{url}/reels", json={"seconds": 3, "accepted_only": True}).json()
        edit = {"clips": [{"start": 1, "end": 2.5}]}
        client.patch(f"/v1/reels/{reel['id']}", json=edit, headers={"If-Match": "*"})
        for format in ("mp4", "edl", "otio", "fcpxml", "sportscode", "csv", "vtt"):
            made = client.post(f"/v1/reels/{reel['id']}/files", json={"format": format}).json()
            done = wait(client, made["id"])
            assert done["state"] == "succeeded", done
        files = client.get(f"{url}/files").json()["items"]
        assert {file["format"] for file in files} == {
            "mp4", "edl", "otio", "fcpxml", "sportscode", "csv", "vtt",
        }  # fmt: skip
        video = next(file for file in files if file["format"] == "mp4")
        cut = client.services.storage.root / "cut.mp4"
        cut.write_bytes(client.get(f"/v1/files/{video['id']}").content)
        assert probe(cut).duration_seconds == pytest.approx(1.5, abs=0.05)
        log = [line["text"] for line in client.get(f"/v1/jobs/{job['id']}/log").json()["items"]]
        assert "spot: done" in log and not any("/" in line for line in log)
        assert client.get("/ready").json()["workers"] == 1


@pytest.mark.slow
def test_a_match_is_read_as_a_broadcast_by_default(client: Any, small_video: Path) -> None:
    """Without a network for real matches the curve is that of excitement."""
    with working(client.services):
        match = send(client, small_video, model=None)
        job = wait(client, match["job"])
    assert job["state"] == "succeeded", job
    url = f"/v1/matches/{match['id']}"
    assert client.get(url).json()["model"] == "auto"
    curves = client.get(f"{url}/scores?points=5").json()
    assert curves["labels"] == ["Highlight"] and len(curves["values"][0]) == 5


@pytest.mark.slow
def test_spotting_anew_keeps_what_people_did(client: Any, small_video: Path) -> None:
    with working(client.services):
        match = send(client, small_video)
        wait(client, match["job"])
        url = f"/v1/matches/{match['id']}"
        mine = client.post(f"{url}/events", json={"time": 2, "label": "Goal"}).json()
        body = {"threshold": 0.0}
        wait(client, client.post(f"{url}/spot", json=body).json()["id"])
        events = client.get(f"{url}/events").json()["items"]
    assert mine in events and len(events) > 1
    assert client.get(url).json()["threshold"] == 0.0


@pytest.mark.parametrize("part", ["run_one", "_tidy"])
def test_a_fault_ends_the_whole_worker(
    services: Any, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """No lane stays behind, and none is missing beside a worker that says that it is alive."""
    calls = []

    def broken(*arguments: Any) -> bool:
        calls.append(1)
        if len(calls) > 1:
            raise KeyError("a fault")
        return False

    stop = threading.Event()
    worker = Worker(services, stop)
    monkeypatch.setattr(worker, part, broken)
    patience = threading.Timer(20, stop.set)
    patience.start()
    try:
        with pytest.raises(KeyError, match="a fault"):
            worker.run()
        assert not {thread.name for thread in threading.enumerate()} & set(LANES)
    finally:
        stop.set()
        patience.cancel()
    with services.database.read() as session:
        assert session.get(WorkerRow, worker.name) is None


@linux
@pytest.mark.slow
def test_cancelling_frees_the_processor_within_two_seconds(client: Any, long_video: Path) -> None:
    """The child that encodes the proxy ends with its job."""
    with working(client.services):
        match = send(client, long_video)
        wait(client, match["job"], lambda job: job["stages"].get("proxy", 0) > 0)
        assert children()
        began = time.monotonic()
        answer = client.post(f"/v1/jobs/{match['job']}/cancel").json()
        assert answer["state"] == "cancelled"
        while children():
            assert time.monotonic() - began < 2
            time.sleep(0.02)
        match = client.get(f"/v1/matches/{match['id']}").json()
        assert (match["state"], match["problem"]) == ("failed", "cancelled")
        assert not client.services.storage.proxy(match["id"]).exists()
    assert not list((client.services.storage.root / "work").iterdir())


@linux
@pytest.mark.slow
def test_a_poisonous_file_is_given_up_and_blocks_nobody(
    client: Any, long_video: Path, small_video: Path
) -> None:
    """Whatever works at it dies; it is tried three times, and others are done."""
    with working(client.services):
        poison = send(client, long_video)
        healthy = send(client, small_video)
        killed: set[int] = set()
        answer = client.get(f"/v1/jobs/{poison['job']}").json()
        while answer["state"] in OPEN:
            if answer["state"] == "running" and answer["stage"] == "proxy":
                for child in set(children()) - killed:
                    os.kill(child, signal.SIGKILL)
                    killed.add(child)
            time.sleep(0.05)
            answer = client.get(f"/v1/jobs/{poison['job']}").json()
        assert answer["state"] == "failed" and answer["attempts"] == 3
        assert "SIGKILL" in answer["problem"]
        assert wait(client, healthy["job"])["state"] == "succeeded"


@pytest.mark.slow
def test_an_annotated_video_shows_what_is_on_show(
    client: Any, ready_match: Callable[..., str]
) -> None:
    match = ready_match(client.services)
    url = f"/v1/matches/{match}"
    job = client.post(f"{url}/annotated", json={"slow": 3}).json()
    assert client.post(f"{url}/annotated", json={"slow": 3}).json()["id"] == job["id"]
    assert Worker(client.services, threading.Event()).run_one("cutting")
    (file,) = client.get(f"{url}/files").json()["items"]
    assert (file["name"], file["format"]) == ("North-South-annotated.mp4", "mp4")
    made = client.services.storage.root / "annotated.mp4"
    made.write_bytes(client.get(f"/v1/files/{file['id']}").content)
    assert probe(made).duration_seconds > 8, "four seconds, in slow motion around five events"
    headers = {"If-Match": "*"}
    client.patch(url, json={"thresholds": {"Goal": 1, "Corner": 1}}, headers=headers)
    other = client.post(f"{url}/annotated", json={"slow": 3}).json()
    assert other["id"] != job["id"], "other events are on show"
    assert Worker(client.services, threading.Event()).run_one("cutting")
    newest = client.get(f"{url}/files").json()["items"][0]
    made.write_bytes(client.get(f"/v1/files/{newest['id']}").content)
    assert probe(made).duration_seconds == pytest.approx(4.0, abs=0.1)


def test_a_refusal_is_a_whole_sentence(client: Any, tmp_path: Path) -> None:
    uploads = [
        client.put(f"/v1/uploads/{name}", content=b"no video at all" * 99).json()["id"]
        for name in ("derby.mp4", "cup_1.mp4", "cup_2.mp4")
    ]
    bodies = [{"upload": uploads[0]}, {"videos": [{"upload": one} for one in uploads[1:]]}]
    worker = Worker(client.services, threading.Event())
    said = []
    for body in bodies:
        match = client.post("/v1/matches", json=body).json()
        assert worker.run_one()
        said.append(client.get(f"/v1/matches/{match['id']}").json()["problem"])
    assert said[0].startswith("derby.mp4 is not a video file of a known kind; give ")
    assert said[1].startswith("video 1: cup_1.mp4 is not a video file of a known kind; give ")


@linux
@pytest.mark.slow
def test_a_stopping_worker_gives_its_job_back(client: Any, long_video: Path) -> None:
    with working(client.services):
        match = send(client, long_video)
        wait(client, match["job"], lambda job: job["stages"].get("proxy", 0) > 0)
    answer = client.get(f"/v1/jobs/{match['job']}").json()
    assert (answer["state"], answer["attempts"]) == ("queued", 0)
    assert not children()


def proxy_in_child(path: Path, limits: StageLimits, wall: float = 60.0) -> ProxyResult:
    target = str(path.parent / "proxy.mp4")
    arguments = ProxyArguments(sources=(str(path),), target=target, height=720, limits=LIMITS)
    scratch = path.parent / "work"
    return run_in_child(make_proxy, arguments, limits, wall, scratch, lambda share: None)


@pytest.fixture
def video(long_video: Path, tmp_path: Path) -> Path:
    path = tmp_path / "long.mp4"
    path.symlink_to(long_video)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
@pytest.mark.parametrize(
    ("limits", "wall", "problem"),
    [
        ({"memory_bytes": 300 * 1024**2}, 60, "memory|fault of ours|decoded"),
        ({"cpu_seconds": 1}, 60, "processor time"),
        ({"file_bytes": 20_000}, 60, "cannot be written|SIGXFSZ"),
        ({}, 1.5, "took longer"),
    ],
    ids=["memory", "processor", "file", "clock"],
)
def test_a_stage_is_held_to_its_limits(
    video: Path, limits: dict[str, int], wall: float, problem: str
) -> None:
    with pytest.raises(StageFailedError, match=problem):
        proxy_in_child(video, StageLimits(**limits), wall)
    assert not (video.parent / "proxy.mp4").exists()


def test_a_stage_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_DATABASE_URL", "postgresql://user:secret@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    values = [
        *environment(tmp_path).values(),
        *environment(tmp_path, NETWORK_VARIABLES).values(),
    ]
    assert not [
        value for value in values if value in ("secret", "postgresql://user:secret@host/db")
    ]


@linux
def test_a_stage_ends_when_its_worker_is_killed(video: Path) -> None:
    """No child outlives a worker that is killed with SIGKILL."""
    program = (
        "import sys; sys.path.insert(0, 'tests/server'); from pathlib import Path;"
        "from test_worker import proxy_in_child; from touchline.server.settings import StageLimits;"
        f"proxy_in_child(Path({str(video)!r}), StageLimits())"
    )
    paths = os.pathsep.join(["tests", "tests/server", *sys.path])
    worker = subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": paths}
    )
    child = None
    while child is None:
        assert worker.poll() is None
        pids = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        child = int(pids[0]) if pids else None
        time.sleep(0.05)
    time.sleep(0.5)
    worker.kill()
    worker.wait()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_spotting_opens_no_connection(
    small_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spotting reads the video and the model, and nothing from the network."""
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    scores = str(tmp_path / "scores.npz")
    arguments = SpotArguments(source=str(small_video), model="demo", threshold=0.0, scores=scores)
    assert spot_video(arguments, lambda share: None).events and (tmp_path / "scores.npz").exists()


@linux
@pytest.mark.slow
def test_descriptors_stay_flat_over_many_jobs(client: Any, small_video: Path) -> None:
    """Six jobs; the benchmark runs fifty whole matches."""
    worker = Worker(client.services, threading.Event())
    counts = []
    for _ in range(6):
        match = client.put("/v1/uploads/a.mp4", content=b"no video").json()
        client.post("/v1/matches", json={"upload": match["id"]})
        worker.run_one()
        counts.append(len(list(Path("/proc/self/fd").iterdir())))
    assert counts[-1] <= counts[1]


def test_progress_comes_as_server_sent_events(client: Any, small_video: Path) -> None:
    match = send(client, small_video)
    client.post(f"/v1/jobs/{match['job']}/cancel")
    with client.stream("GET", f"/v1/jobs/{match['job']}/stream") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    assert text.startswith("event: job\ndata: {") and '"state": "cancelled"' in text
