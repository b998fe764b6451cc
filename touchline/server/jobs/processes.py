"""Starting, watching and ending the child process of a stage."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from touchline.server.settings import StageLimits

KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "TOUCHLINE_HOME", "XDG_DATA_HOME", "OMP_NUM_THREADS", "SYSTEMROOT", "LOCALAPPDATA",
)  # fmt: skip
"""What a child may know of the worker's environment: no passwords, no database."""

NETWORK_VARIABLES = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "HF_ENDPOINT",
    "HF_HOME",
)
"""What the stages that fetch models need besides."""

POLL_SECONDS = 0.1
GRACE_SECONDS = 0.3
MAX_LINE = 8 * 1024**2
_TAIL = 1500


class StageFailedError(Exception):
    """A stage ended badly.

    Attributes:
        again: whether another attempt may go better.
    """

    def __init__(self, problem: str, *, again: bool) -> None:
        super().__init__(problem)
        self.again = again


Watch = Callable[[float], None]
"""Called about ten times a second with the share done; raises to end the stage."""


def run_in_child(
    stage: str,
    arguments: dict[str, Any],
    limits: StageLimits,
    wall_seconds: float,
    scratch: Path,
    watch: Watch,
    *,
    network: bool = False,
) -> dict[str, Any]:
    """Run a stage in a process of its own; whatever ends this call ends that process.

    Raises:
        StageFailedError: the input would not do, or a limit was reached, or the process died.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    words = scratch / "stderr.txt"
    with words.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "touchline.server.jobs.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=_environment(scratch, network),
            cwd=scratch,
            start_new_session=True,
        )
    try:
        task = {"stage": stage, "arguments": arguments, "limits": limits.model_dump()}
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
        last = _follow(process, time.monotonic() + wall_seconds, watch)
    finally:
        _end(process)
    if "result" in last:
        return dict(last["result"])
    if "problem" in last:
        raise StageFailedError(last["problem"], again=last["again"])
    raise _death(process.returncode, words)


def _environment(scratch: Path, network: bool) -> dict[str, str]:
    names = KEPT_VARIABLES + (NETWORK_VARIABLES if network else ())
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {"TMPDIR": str(scratch), "PYAV_LOGGING": "off", "PYTHONDONTWRITEBYTECODE": "1"}


def _follow(process: "subprocess.Popen[bytes]", deadline: float, watch: Watch) -> dict[str, Any]:
    """Pass on what the child says; the last thing it said."""
    lines: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(process, lines), daemon=True).start()
    last: dict[str, Any] = {}
    share = 0.0
    while True:
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=POLL_SECONDS)
            if line is None:
                return last
            last = _parsed(line)
            share = float(last.get("share", share))
        if time.monotonic() > deadline:
            raise StageFailedError("took longer than it may", again=False)
        watch(share)


def _read_lines(process: "subprocess.Popen[bytes]", lines: "queue.Queue[bytes | None]") -> None:
    assert process.stdout is not None
    while line := process.stdout.readline(MAX_LINE):
        lines.put(line)
    lines.put(None)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        words = json.loads(line)
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the child and all that it may have started."""
    if process.poll() is None and process.stdin is not None:
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            process.stdin.close()  # which it takes as a sign to leave
            process.wait(GRACE_SECONDS)
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def _death(code: int, words: Path) -> StageFailedError:
    if code == -getattr(signal, "SIGXCPU", 0):
        return StageFailedError("needs more processor time than it may have", again=False)
    tail = words.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip()
    reason = tail.rpartition("\n")[2]
    if any(word in tail for word in ("bad_alloc", "MemoryError", "Cannot allocate memory")):
        return StageFailedError("needs more memory than it may have", again=False)
    if code < 0:
        name = signal.Signals(-code).name
        return StageFailedError(f"the process that worked at it ended with {name}", again=True)
    return StageFailedError(f"a fault of ours: {reason or f'exit code {code}'}", again=True)
