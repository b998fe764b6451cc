"""``touchline spot`` of one long video in two processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_videos import cut_off, write_video

from touchline.batch import executor
from touchline.spotting import second_part


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Forty seconds, of which a network of two frames a second sees some eighty."""
    return write_video(tmp_path_factory.mktemp("videos") / "match.mp4", 200, rate=5)


@pytest.fixture
def begun(monkeypatch) -> list[second_part.SecondPart]:
    """What second processes were begun with; videos of ten seconds are worth them."""
    tasks = []
    beside = second_part.beside

    def noted(task):
        tasks.append(task)
        return beside(task)

    monkeypatch.setattr(second_part, "beside", noted)
    monkeypatch.setattr(second_part, "SHORTEST_SECONDS", 10.0)
    return tasks


@pytest.mark.parametrize("part", [(), ("--start", "0:05", "--end", "0:33")])
def test_the_results_are_those_of_one_process(call, shifting_model, video, tmp_path, begun, part):
    made = {}
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        words = ("--model", shifting_model, "--out", out, "--jobs", jobs, "--threshold", 0, *part)
        ended = call("spot", video, *words)
        assert (ended.code, ended.err) == (0, "")
        made[jobs] = {path.name: path.read_bytes() for path in out.iterdir()}
        assert len(begun) == jobs - 1
    assert made[1] == made[2] and len(made[1]) == 2


def test_idle_cores_are_used_without_being_asked(
    call, plain_model, video, tmp_path, begun, monkeypatch
):
    monkeypatch.setattr(executor, "available_cores", lambda: 4)
    for idle in (2.0, 3.5):
        monkeypatch.setattr(executor, "idle_cores", lambda idle=idle: idle)
        ended = call("spot", video, "--model", plain_model, "--out", tmp_path, "--overwrite")
        assert ended.code == 0
    assert len(begun) == 1


def test_warnings_are_those_of_one_process(call, plain_model, video, tmp_path, begun):
    cut = cut_off(video, tmp_path / "cut.mp4", 0.9)
    said = []
    for jobs in (1, 2):
        words = ("--model", plain_model, "--out", tmp_path / "out", "--overwrite", "--json")
        ended = call("spot", cut, *words, "--jobs", jobs)
        said.append((ended.err, json.loads(ended.out)["done"][0]["warnings"]))
    assert said[0] == said[1] and "damaged or cut off" in said[0][0]
    assert len(begun) == 1


def test_short_videos_and_whole_video_models_take_one_process(
    call, plain_model, videos, tmp_path, begun
):
    assert call("spot", videos / "match.mp4", "--model", plain_model, "--jobs", 2).code == 0
    assert begun == []


PROGRAM = """
import os, pathlib, time
from touchline.spotting import second_part
from touchline.cli.main import main

def wait_for_ever(self, unread, engine, strain, watch):
    pathlib.Path(os.environ["WAITING"]).touch()
    while True:
        watch()
        time.sleep(0.05)

if __name__ == "__main__":
    second_part.SHORTEST_SECONDS = 10.0
    second_part.Second.take_over = wait_for_ever
    main()
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks Linux for processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ending_the_first_process_ends_the_second(plain_model, video, tmp_path, number):
    script, waiting, scratch = (tmp_path / name for name in ("program.py", "waiting", "scratch"))
    script.write_text(PROGRAM)
    scratch.mkdir()
    words = ["spot", video, "--model", plain_model, "--out", tmp_path / "out", "--jobs", "2"]
    first = subprocess.Popen(
        [sys.executable, script, *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch), "WAITING": str(waiting)},
        start_new_session=True,
    )
    while not waiting.exists():
        assert first.poll() is None, first.stderr and first.stderr.read()
        time.sleep(0.05)
    all_of_it = in_session(first.pid)
    assert len(all_of_it) > 2
    os.kill(first.pid, number)
    _, err = first.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while in_session(first.pid):
        assert time.monotonic() < deadline, in_session(first.pid)
        time.sleep(0.05)
    if number != signal.SIGKILL:
        assert (first.returncode, len(err.splitlines())) == (128 + number, 1), err
    assert not (tmp_path / "out").exists()
    assert list(scratch.iterdir()) == []


def in_session(leader: int) -> list[str]:
    """Names of the processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        name, _, fields = text.rpartition(")")
        if int(fields.split()[3]) == leader and fields.split()[0] != "Z":
            found.append(name)
    return found
