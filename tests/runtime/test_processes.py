"""Tasks in processes: results, progress, and an end that takes everybody along."""

import os
import signal
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from touchline.errors import InputError, MediaError
from touchline.runtime.processes import KilledError, beside, run_tasks

BROKEN = MediaError("broke", where="here", remedy="mend it")


@dataclass(frozen=True)
class Count:
    name: str
    steps: int = 3

    def run(self, report):
        for step in range(self.steps):
            report(step + 1.0)
        return self.name.upper()


@dataclass(frozen=True)
class Fail:
    error: Exception

    def run(self, report):
        raise self.error


@dataclass(frozen=True)
class Endless:
    """Runs until told to stop, and says so in a file."""

    folder: Path

    def run(self, report):
        (self.folder / "started").touch()
        try:
            while True:
                report(0.0)
                time.sleep(0.01)
        finally:
            (self.folder / "stopped").touch()


@dataclass(frozen=True)
class FailOnceStarted:
    folder: Path

    def run(self, report):
        while not (self.folder / "started").exists():
            time.sleep(0.01)
        raise MediaError("broke", where="here", remedy="mend it")


@dataclass(frozen=True)
class Die:
    def run(self, report):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_and_progress(jobs):
    tasks = [Count("a"), Count("b", 5), Count("c")]
    seen = []
    assert {tasks[index].name: result for index, result in run_tasks(tasks, jobs, seen.append)} == {
        "a": "A",
        "b": "B",
        "c": "C",
    }
    assert seen == sorted(seen)
    assert seen[-1] == 11.0


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_comes_back_as_it_was(jobs):
    with pytest.raises(MediaError, match="here: broke; mend it") as caught:
        list(run_tasks([Fail(MediaError("broke", where="here", remedy="mend it"))], jobs, print))
    assert caught.value.remedy == "mend it"


def test_an_error_stops_the_others(tmp_path):
    with pytest.raises(MediaError):
        list(run_tasks([Endless(tmp_path), FailOnceStarted(tmp_path)], 2, lambda done: None))
    assert (tmp_path / "stopped").exists()


def test_whoever_leaves_stops_all(tmp_path):
    with closing(run_tasks([Count("a"), Endless(tmp_path)], 2, lambda done: None)) as results:
        next(results)
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
    assert (tmp_path / "stopped").exists()


def test_a_killed_process_is_told_in_one_line():
    with pytest.raises(InputError, match="killed"):
        list(run_tasks([Die(), Count("a")], 2, lambda done: None))


def test_a_task_beside_its_caller(tmp_path):
    with beside(Count("a")) as running:
        assert running.result(lambda: None) == "A"
        assert running.is_over and running.done == 3.0
    with pytest.raises(MediaError, match="here: broke"), beside(Fail(BROKEN)) as failing:
        failing.result(lambda: None)
    with pytest.raises(KilledError, match="killed"), beside(Die()) as dying:
        dying.result(lambda: None)


def test_whoever_waits_no_longer_stops_the_task_beside(tmp_path):
    def watch():
        if (tmp_path / "started").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), beside(Endless(tmp_path)) as running:
        running.result(watch)
    assert (tmp_path / "stopped").exists()
