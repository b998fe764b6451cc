"""Work in a limited process: its result, its errors, and what its limits and its caller end."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from touchline.errors import FormatError, InputError
from touchline.runtime.limited import (
    OverLimitError,
    ProcessDiedError,
    ProcessLimits,
    run_limited,
)

MEGABYTE = 1024**2
WORK = """
import os, subprocess, sys, time
from touchline.errors import FormatError

def add(a, b, progress):
    progress(0.5)
    print("printed by a library")
    return {"sum": a + b, "secret": os.environ.get("TOUCHLINE_DATABASE_URL"), "here": os.getcwd()}

def refuse(progress):
    raise FormatError("not a list", where="a.json: events", remedy="give a list")

def fill(progress):
    return len(bytearray(2 * 1024**3))

def spin(progress):
    while True:
        pass

def talk(progress):
    return "x" * 3_000_000

def die(progress):
    os.kill(os.getpid(), 9)

def fail(progress):
    raise RuntimeError("a bug")

def reach(progress):
    import socket
    try:
        socket.socket(socket.AF_INET).close()
    except PermissionError:
        return {"reached": False}
    return {"reached": True}

def wait(path, progress):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(path, "w") as file:
        file.write(f"{os.getpid()} {other.pid}")
    time.sleep(600)
"""

Call = Callable[..., Any]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call a function of ``WORK`` in a limited process."""
    (tmp_path / "limited_work.py").write_text(WORK)
    paths = [str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    monkeypatch.setenv("TOUCHLINE_DATABASE_URL", "secret")

    def run(name: str, *arguments: Any, watch: Any = lambda share: None, **limits: Any) -> Any:
        given = {"memory_bytes": 512 * MEGABYTE, "cpu_seconds": 20, "file_bytes": MEGABYTE}
        return run_limited(
            f"limited_work:{name}",
            arguments,
            ProcessLimits(**given | limits),
            tmp_path / "scratch",
            watch,
        )

    return run


def test_the_result_comes_back_and_nothing_else_mixes_with_it(call: Call, tmp_path: Path) -> None:
    shares: list[float] = []
    result = call("add", 2, 3, watch=shares.append)
    assert result == {"sum": 5, "secret": None, "here": str(tmp_path / "scratch")}
    assert shares and set(shares) <= {0.0, 0.5}


def test_an_error_of_ours_keeps_its_type_place_and_remedy(call: Call) -> None:
    with pytest.raises(FormatError) as found:
        call("refuse")
    assert str(found.value) == "a.json: events: not a list; give a list"


@pytest.mark.parametrize(
    ("name", "limits", "problem"),
    [
        ("fill", {}, "memory"),
        ("spin", {"cpu_seconds": 1}, "processor time"),
        ("spin", {"wall_seconds": 0.5}, "took longer"),
        ("talk", {"answer_bytes": MEGABYTE}, "more than is read"),
    ],
)
def test_a_limit_ends_it(call: Call, name: str, limits: dict[str, Any], problem: str) -> None:
    with pytest.raises(OverLimitError, match=problem) as found:
        call(name, **limits)
    assert isinstance(found.value, InputError)


@pytest.mark.skipif(sys.platform != "linux", reason="a filter as Linux has it")
@pytest.mark.parametrize("network", [False, True])
def test_the_network_is_reached_only_where_it_is_needed(call: Call, network: bool) -> None:
    assert call("reach", network=network) == {"reached": network}


@pytest.mark.parametrize(("name", "problem"), [("die", "SIGKILL"), ("fail", "a bug")])
def test_a_process_without_an_answer_is_a_fault(call: Call, name: str, problem: str) -> None:
    with pytest.raises(ProcessDiedError, match=problem):
        call(name)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc")
def test_a_caller_that_gives_up_leaves_no_process(call: Call, tmp_path: Path) -> None:
    """Nor one that the process has started itself."""
    note = tmp_path / "pids"

    def give_up(share: float) -> None:
        if note.exists() and note.read_text().count(" "):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        call("wait", str(note), watch=give_up)
    deadline = time.monotonic() + 5
    for pid in note.read_text().split():
        while _is_alive(int(pid)):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
