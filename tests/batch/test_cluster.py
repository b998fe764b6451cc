"""Tasks on a cluster: retried where workers die, stopped together, and refused in one line."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from extras import needs, skip_without
from small_videos import write_video

from touchline.batch import cluster
from touchline.batch.executor import (
    LocalExecutor,
    LostError,
    Observer,
    Share,
    is_address,
    open_executor,
)
from touchline.errors import InputError, MediaError, MissingExtraError


@dataclass(frozen=True)
class Count:
    name: str
    steps: int = 3

    def run(self, report):
        for _ in range(self.steps):
            report(1 / self.steps)
        report(1.0)
        return self.name.upper()

    def clear(self):
        pass


@dataclass(frozen=True)
class DieOnce:
    """Is killed the first time, and leaves something half-written."""

    folder: Path
    always: bool = False

    @property
    def name(self):
        return "dies"

    def run(self, report):
        started = self.folder / "started"
        if self.always or not started.exists():
            started.touch()
            (self.folder / "half-written").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "came through"

    def clear(self):
        (self.folder / "half-written").unlink(missing_ok=True)


@dataclass(frozen=True)
class Endless:
    folder: Path
    name = "endless"

    def run(self, report):
        (self.folder / "begun").touch()
        try:
            while True:
                report(0.0)
                time.sleep(0.01)
        finally:
            (self.folder / "ended").touch()

    def clear(self):
        pass


@dataclass(frozen=True)
class FailOnceBegun:
    folder: Path
    name = "fails"

    def run(self, report):
        while not (self.folder / "begun").exists():
            time.sleep(0.01)
        raise MediaError("broke", where="here")

    def clear(self):
        pass


@pytest.fixture
def ray() -> Iterator[None]:
    """A cluster of this machine, which the caller is a guest of."""
    ray = needs("ray")
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        ray.init(
            num_cpus=2,
            object_store_memory=100_000_000,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
    except Exception as error:
        # What Ray raises, bare ones too, when it gives up waiting for processes on a busy machine.
        if type(error) is not Exception and not isinstance(error, RuntimeError | OSError):
            raise
        skip_without(f"a Ray that starts ({error})")
    yield
    ray.shutdown()


@pytest.mark.slow
def test_a_cluster_does_what_processes_do(ray, call, tmp_path, monkeypatch):
    # One test, as starting a cluster takes longer than all that is done on it.
    monkeypatch.setattr(cluster, "RETRIES", 1)
    for name in ("once", "always", "stops"):
        (tmp_path / name).mkdir()
    remarks: list[str] = []
    done: list[float] = []
    nodes: list[dict[str, int]] = []
    observer = Observer(done.append, nodes.append, remarks.append)
    once, always = DieOnce(tmp_path / "once"), DieOnce(tmp_path / "always", always=True)
    with open_executor("auto", reads=[tmp_path], writes=tmp_path) as executor:
        assert executor.share(3) == Share(2)
        executor.cores_per_task = 1
        found = dict(executor.run([Count("a"), once, always, Count("b")], observer))
        assert found[0] == "A" and found[3] == "B"
        assert found[1] == "came through"
        assert isinstance(found[2], LostError) and "2 times" in str(found[2])
        assert not (tmp_path / "once" / "half-written").exists()
        assert len(remarks) == 2 and all("started again" in line for line in remarks)
        assert any(sum(counts.values()) for counts in nodes) and max(done) > 0

        tasks = [Endless(tmp_path / "stops"), FailOnceBegun(tmp_path / "stops")]
        with pytest.raises(InputError, match=r"here: broke .on node"):
            list(executor.run(tasks))
        assert (tmp_path / "stops" / "ended").exists()
        (tmp_path / "stops" / "ended").unlink()
        (tmp_path / "stops" / "begun").unlink()
        with closing(executor.run([Endless(tmp_path / "stops"), Count("a")])) as results:
            next(results)
            while not (tmp_path / "stops" / "begun").exists():
                time.sleep(0.01)
        assert (tmp_path / "stops" / "ended").exists()
    assert not list(tmp_path.glob(".*"))
    with (
        pytest.raises(InputError, match="cannot see this folder"),
        open_executor("auto", reads=[tmp_path / "elsewhere"]),
    ):
        pass
    check_that_features_are_the_same(call, tmp_path / "features")


def check_that_features_are_the_same(call, tmp_path: Path) -> None:
    game = tmp_path / "dataset" / "league" / "season" / "game"
    game.mkdir(parents=True)
    write_video(game / "1_224p.mkv", 110)
    (game / "2_224p.mkv").write_text("not a video")
    for words in (["here"], ["there", "--ray"]):
        out = tmp_path / words[0]
        ended = call(
            "extract", tmp_path / "dataset", "-f", "fft,demo", "--out", out, "--json", *words[1:]
        )
        assert ended.code == 2 and "2 of 4 failed" in ended.err
        assert json.loads(ended.out)["failed"] == 2
    here, there = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.npy")}
        for name in ("here", "there")
    )
    assert here == there and sorted(here) == ["1_FFT.npy", "1_demo.npy"]
    assert not list(tmp_path.rglob("*.part"))


def test_processes_are_an_executor_too():
    assert dict(LocalExecutor(1).run([Count("a"), Count("b")])) == {0: "A", 1: "B"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("auto", True),
        ("local", True),
        ("ray://head:10001", False),
        ("10.0.0.1:6379", True),
        ("[::1]:6379", True),
        ("match.mp4", False),
        ("folder/a:1", False),
        ("demo", False),
    ],
)
def test_an_address_is_known_from_a_file(text, is_one):
    assert is_address(text) == is_one


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"touchline\[ray\]"), open_executor("auto"):
        pass


@pytest.mark.parametrize(
    ("fault", "started"), [(ConnectionError("none"), True), (Exception("timed out"), False)]
)
def test_without_a_cluster_one_is_started_and_other_faults_are_one_line(
    monkeypatch, fault, started
):
    ray = needs("ray")
    addresses = []

    def init(address, **options):
        addresses.append(address)
        if address == "auto":
            raise fault

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", init)
    if started:
        cluster._connect("auto")
    else:
        with pytest.raises(InputError, match="cannot be joined: timed out"):
            cluster._connect("auto")
    assert addresses == ["auto", "local"][: 1 + started]


def test_a_wrong_address_is_one_line_at_once(refused, tmp_path, monkeypatch):
    needs("ray")
    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 0.2)
    game = tmp_path / "game"
    game.mkdir()
    write_video(game / "1_224p.mkv", 20)
    command = ("extract", tmp_path, "-f", "fft")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
        assert f"no Ray cluster answers at {place}" in refused(*command, "--ray", place)
    assert "'nonsense' is not an address" in refused(*command, "--ray=nonsense")
    assert "no Ray cluster answers" in refused(*command, "--ray", "127.0.0.1:99999")
    assert not list(tmp_path.rglob("*.npy"))
