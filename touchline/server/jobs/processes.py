"""Starting, watching and ending the child process of a stage."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from pydantic import ValidationError

from touchline.errors import InputError
from touchline.runtime.progress import Progress
from touchline.server.jobs.messages import ANSWER, Answer, Failed, Finished, Share, StageTask
from touchline.server.jobs.stages.base import Arguments, Result, Stage, result_type, stage_name
from touchline.server.settings import StageLimits

KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "TOUCHLINE_HOME", "XDG_DATA_HOME", "OMP_NUM_THREADS", "SYSTEMROOT", "LOCALAPPDATA",
)  # fmt: skip
"""What a child gets of the worker's environment: no passwords, no database."""

NETWORK_VARIABLES = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "HF_ENDPOINT",
    "HF_HOME",
    "TOUCHLINE_MIRROR",
)
"""What the stages that download models need as well."""

POLL_SECONDS = 0.1
GRACE_SECONDS = 0.3
MAX_LINE = 8 * 1024**2
_TAIL = 1500


class StageFailedError(Exception):
    """A stage failed.

    Attributes:
        again: another attempt may succeed.
    """

    def __init__(self, problem: str, *, again: bool) -> None:
        super().__init__(problem)
        self.again = again


def run_in_child(
    stage: Stage[Arguments, Result],
    arguments: Arguments,
    limits: StageLimits,
    wall_seconds: float,
    scratch: Path,
    watch: Progress,
    *,
    network: bool = False,
) -> Result:
    """Run a stage in a process of its own; whatever ends this call ends that process.

    Args:
        watch: called about ten times a second with the share done; raises to end the stage.

    Raises:
        StageFailedError: the input is wrong, a limit was reached, or the process died.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    errors = scratch / "stderr.txt"
    with errors.open("wb") as stderr:
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
        task = StageTask(
            stage=stage_name(stage),
            arguments=arguments.model_dump(mode="json"),
            limits=limits.model_dump(),
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(task.model_dump_json().encode() + b"\n")
            process.stdin.flush()
        last = _follow(process, time.monotonic() + wall_seconds, watch)
    finally:
        _end(process)
    if isinstance(last, Finished):
        return _checked(stage, last)
    if isinstance(last, Failed):
        raise StageFailedError(last.problem, again=last.again)
    raise _death(process.returncode, errors)


def _checked(stage: Stage[Arguments, Result], answer: Finished) -> Result:
    """The result in its own type: a child that has read a hostile file is not trusted."""
    try:
        return result_type(stage).model_validate(answer.result)
    except (ValidationError, InputError) as error:
        raise StageFailedError("a fault of ours: a malformed result", again=True) from error


def _environment(scratch: Path, network: bool) -> dict[str, str]:
    names = KEPT_VARIABLES + (NETWORK_VARIABLES if network else ())
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {"TMPDIR": str(scratch), "PYAV_LOGGING": "off", "PYTHONDONTWRITEBYTECODE": "1"}


def _follow(process: "subprocess.Popen[bytes]", deadline: float, watch: Progress) -> Answer | None:
    """Pass on the progress that the child reports; its last answer."""
    lines: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(process, lines), daemon=True).start()
    last: Answer | None = None
    share = 0.0
    while True:
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=POLL_SECONDS)
            if line is None:
                return last
            last = _parsed(line)
            share = last.share if isinstance(last, Share) else share
        if time.monotonic() > deadline:
            raise StageFailedError("took longer than it may", again=False)
        watch(share)


def _read_lines(process: "subprocess.Popen[bytes]", lines: "queue.Queue[bytes | None]") -> None:
    assert process.stdout is not None
    while line := process.stdout.readline(MAX_LINE):
        lines.put(line)
    lines.put(None)


def _parsed(line: bytes) -> Answer | None:
    try:
        return ANSWER.validate_json(line)
    except ValidationError:
        return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the child and every process that it has started."""
    if process.poll() is None and process.stdin is not None:
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            process.stdin.close()  # the child ends when its input is closed
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


def _death(code: int, errors: Path) -> StageFailedError:
    if code == -getattr(signal, "SIGXCPU", 0):
        return StageFailedError("needs more processor time than it may have", again=False)
    tail = errors.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip()
    reason = tail.rpartition("\n")[2]
    if any(word in tail for word in ("bad_alloc", "MemoryError", "Cannot allocate memory")):
        return StageFailedError("needs more memory than it may have", again=False)
    if code < 0:
        name = signal.Signals(-code).name
        return StageFailedError(f"its process ended with {name}", again=True)
    return StageFailedError(f"a fault of ours: {reason or f'exit code {code}'}", again=True)
