"""What a program does in a limited copy of its process, and how that is seen from outside."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from touchline.runtime.confined import is_confinable

pytestmark = pytest.mark.skipif(not is_confinable(), reason="limits as Linux has them")

PROGRAM = """
import os, signal, socket, subprocess, sys, time
from touchline.runtime.confined import Confinement, ConfinedDeathError, run_confined

def work():
    try:
        sys.exit(do() or 0)
    except MemoryError:
        sys.exit(7)

def do():
    {do}

limits = Confinement(memory_bytes=1 << 28, cpu_seconds={cpu}, file_bytes=1000, network={network})
try:
    code = run_confined(work, limits)
except ConfinedDeathError as death:
    sys.exit(str(death))
print("ended with", code)
"""


def program(do: str, cpu: int = 60, network: bool = False) -> list[str]:
    code = PROGRAM.format(do=do.replace("\n", "\n    "), cpu=cpu, network=network)
    return [sys.executable, "-c", code]


def said(do: str, **limits: object) -> str:
    done = subprocess.run(program(do, **limits), capture_output=True, text=True, timeout=60)  # type: ignore[arg-type]
    return (done.stdout + done.stderr).strip()


def test_the_result_and_the_code_come_out():
    assert said("print('did it')\nreturn 3") == "did it\nended with 3"


REACHED = """
try:
    socket.socket()
except PermissionError:
    return 5
"""


def test_the_network_is_out_of_reach_also_for_what_is_started():
    ask = "import socket; socket.socketpair(); socket.socket()"
    start = f"return subprocess.run([sys.executable, '-c', {ask!r}], stderr=-3).returncode + 10"
    assert said(REACHED) == "ended with 5"
    assert said(start) == "ended with 11"
    assert said(start, network=True) == "ended with 10"


def test_memory_is_limited():
    assert said("bytearray(1 << 29)") == "ended with 7"
    assert said("bytearray(1 << 25)") == "ended with 0"


GROW = """
with open({path!r}, "wb", buffering=0) as file:
    file.write(bytes(2000))
    try:
        file.write(b"more")
    except OSError:
        return 5
"""


def test_files_are_limited(tmp_path):
    path = tmp_path / "a"
    assert said(GROW.format(path=str(path))) == "ended with 5"
    assert path.stat().st_size == 1000


@pytest.mark.parametrize(
    "do, name",
    [("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"), ("while True: pass", "SIGXCPU")],
)
def test_the_signal_that_ended_it_is_known(do, name):
    assert said(do, cpu=1) == name


WAIT = "try:\n    print(os.getpid(), flush=True)\n    time.sleep(60)\nfinally:\n    print('tidied')"


def waiting(do: str) -> "tuple[subprocess.Popen[str], int]":
    process = subprocess.Popen(
        program(do), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_an_interruption_is_passed_on_and_waited_for():
    process, _ = waiting(WAIT)
    process.send_signal(signal.SIGINT)
    assert "tidied" in process.communicate()[0]


CRASHES_ON_ITS_WAY_OUT = """
def crash(*_):
    os.kill(os.getpid(), signal.SIGSEGV)
signal.signal(signal.SIGTERM, crash)
print(os.getpid(), flush=True)
while True:
    time.sleep(0.1)
"""


def test_a_crash_on_the_way_out_is_told_as_the_ending_that_was_asked_for():
    process, _ = waiting(CRASHES_ON_ITS_WAY_OUT)
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[1].strip() == "SIGTERM"


def test_it_does_not_outlive_the_first_process():
    process, copy = waiting(WAIT)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for _ in range(100):
        if not Path(f"/proc/{copy}").exists() or state(copy) == "Z":
            return
        time.sleep(0.05)
    os.kill(copy, signal.SIGKILL)
    pytest.fail("it outlived the first process")


def state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
