"""What each task may take of this machine."""

from pathlib import Path

import pytest
from small_videos import write_video

from touchline.batch import executor as module
from touchline.batch.executor import LocalExecutor, Share
from touchline.batch.spotting import ModelSpec, SpotTask
from touchline.pipeline import SpotOptions
from touchline.runtime import processes


@pytest.fixture
def machine(monkeypatch):
    """A machine of so many cores, of which so many have something to do."""

    def of(cores: int, load: float) -> None:
        monkeypatch.setattr(module, "available_cores", lambda: cores)
        monkeypatch.setattr(processes, "available_cores", lambda: cores)
        monkeypatch.setattr(processes.os, "cpu_count", lambda: cores)
        monkeypatch.setattr(processes.os, "getloadavg", lambda: (load, 9.0, 9.0), raising=False)

    return of


@pytest.mark.parametrize(
    ("cores", "load", "tasks", "share"),
    [
        (2, 0.0, 1, Share(None)),
        (3, 0.0, 1, Share(None)),
        (4, 0.5, 1, Share(None, 2)),
        (4, 2.0, 1, Share(None)),
        (4, 9.0, 1, Share(None)),
        (4, 0.0, 2, Share(2)),
        (8, 0.0, 2, Share(4, 2)),
        (8, 4.0, 2, Share(4)),
        (8, 0.0, 3, Share(2)),
    ],
)
def test_two_processes_for_a_video_where_cores_are_idle(machine, cores, load, tasks, share):
    machine(cores, load)
    assert LocalExecutor().share(tasks) == share


@pytest.mark.parametrize(
    ("jobs", "tasks", "share"),
    [(1, 1, Share(None)), (2, 1, Share(None, 2)), (2, 2, Share(1)), (4, 2, Share(1, 2))],
)
def test_whoever_asks_is_given_so_many(machine, jobs, tasks, share):
    machine(2, 2.0)
    assert LocalExecutor(jobs).share(tasks) == share


def test_the_load_lies_on_all_cores_of_a_machine_alike(machine, monkeypatch):
    machine(4, 8.0)
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 32)
    assert processes.idle_cores() == 3
    monkeypatch.delattr(processes.os, "getloadavg")
    assert processes.idle_cores() == 4


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (SpotOptions(), 2),
        (SpotOptions(end_seconds=250.0), 1),
        (SpotOptions(start_seconds=100.0), 1),
    ],
)
def test_a_short_video_has_all_threads_in_one_process(tmp_path: Path, options, count):
    video = write_video(tmp_path / "a.mp4", 310, rate=1, sound=False)
    task = SpotTask(video, tmp_path, ModelSpec("demo"), options).with_share(Share(4, 2))
    assert task._model_here() == ModelSpec("demo", threads=4, processes=count)
    (tmp_path / "b.mp4").write_text("not a video")
    assert SpotTask(tmp_path / "b.mp4", tmp_path, task.model)._model_here().processes == 1
