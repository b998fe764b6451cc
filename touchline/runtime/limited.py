"""Work on files of others in a process of its own, under limits on memory, time and file size.

The caller names a function and sends its arguments as one line of JSON; the process answers line
by line (`touchline.runtime.limited_child`), so that nothing it sends is executed here. Whatever
ends the call ends the process and all that it has started; when the caller dies, it ends by itself.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from touchline import errors
from touchline.errors import InputError, TouchlineError
from touchline.runtime.memory import GAVE_UP, tells_of_memory
from touchline.runtime.progress import Progress

KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "TOUCHLINE_HOME", "XDG_DATA_HOME", "OMP_NUM_THREADS", "SYSTEMROOT", "LOCALAPPDATA",
)  # fmt: skip
"""What a process gets of this one's environment: no passwords, no database."""

POLL_SECONDS = 0.1
GRACE_SECONDS = 0.3
_TAIL = 1500


@dataclass(frozen=True)
class ProcessLimits:
    """Limits of a process; beyond them it is ended.

    Attributes:
        memory_bytes: address space.
        cpu_seconds: processor time over all its threads.
        file_bytes: size of one file that it writes.
        open_files: descriptors.
        wall_seconds: time from start to end.
        answer_bytes: size of its result as JSON.
        niceness: how far it steps back behind other processes, 0 to 19.
        threads: of numeric libraries, each of which takes memory; None leaves it to them.
        network: whether it may reach the network, on Linux.
    """

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int = 256
    wall_seconds: float = 300.0
    answer_bytes: int = 8 * 1024**2
    niceness: int = 0
    threads: int | None = None
    network: bool = False


class OverLimitError(InputError):
    """The input takes more memory, time or space than it may have."""


class ProcessDiedError(TouchlineError):
    """The process ended without an answer, by a fault of ours or from outside."""


def run_limited(
    function: str,
    arguments: Sequence[Any],
    limits: ProcessLimits,
    scratch: Path,
    watch: Progress,
    *,
    variables: Sequence[str] = (),
) -> Any:
    """Call a function in a process of its own.

    Args:
        function: as ``"package.module:name"``; called with ``arguments`` and a ``Progress``.
        arguments: as JSON has them.
        scratch: folder for its temporary files, made if it is not there; what it prints is there.
        watch: called about ten times a second with the share done; raises to end the process.
        variables: of the environment that it gets besides ``KEPT_VARIABLES``.

    Returns:
        The result of the function, as JSON has it; made by a process that may have read a hostile
        file, so the caller checks it.

    Raises:
        OverLimitError: a limit was reached.
        InputError: what the function raised, in its own type if it is one of `touchline.errors`.
        ProcessDiedError: the process ended without an answer.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    printed = scratch / "stderr.txt"
    with printed.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "touchline.runtime.limited_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(scratch, variables) | _threads(limits.threads),
            cwd=scratch,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + limits.wall_seconds
        _send(process, {"function": function, "arguments": arguments, "limits": asdict(limits)})
        last = _follow(process, deadline, limits.answer_bytes, watch)
    finally:
        end_group(process)
    if "result" in last:
        return last["result"]
    if isinstance(last.get("failed"), dict):
        raise _error_of(last["failed"])
    raise _death(process.returncode, printed)


def environment(scratch: Path, variables: Sequence[str] = ()) -> dict[str, str]:
    """The environment of a limited process; its temporary files go to ``scratch``."""
    kept = {name: os.environ[name] for name in (*KEPT_VARIABLES, *variables) if name in os.environ}
    return kept | {"TMPDIR": str(scratch), "PYAV_LOGGING": "off", "PYTHONDONTWRITEBYTECODE": "1"}


def _threads(count: int | None) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {} if count is None else dict.fromkeys(names, str(count))


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process that leads its own session, and every process that it has started."""
    if process.poll() is None and process.stdin is not None:
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            process.stdin.close()  # it ends when its input is closed
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


def _send(process: "subprocess.Popen[bytes]", task: Mapping[str, Any]) -> None:
    """Write the task from a thread: a process that does not read must not hold its caller."""
    line = json.dumps(task).encode() + b"\n"

    def write() -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it has ended, or was ended
            process.stdin.write(line)
            process.stdin.flush()

    threading.Thread(target=write, daemon=True).start()


def _follow(
    process: "subprocess.Popen[bytes]", deadline: float, answer_bytes: int, watch: Progress
) -> dict[str, Any]:
    """Pass on the progress that the process reports; its last answer, empty if there is none."""
    lines: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_read_lines, args=(process, lines, answer_bytes), daemon=True).start()
    last: dict[str, Any] = {}
    share = 0.0
    while True:
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=POLL_SECONDS)
            if line is None:
                return last
            if len(line) > answer_bytes:
                raise OverLimitError("holds more than is read")
            last = _parsed(line)
            share = _share(last, share)
        if time.monotonic() > deadline:
            raise OverLimitError("took longer than it may")
        watch(share)


def _read_lines(
    process: "subprocess.Popen[bytes]", lines: "queue.Queue[bytes | None]", answer_bytes: int
) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError):  # closed, because the call has ended
        while line := process.stdout.readline(answer_bytes + 1):
            lines.put(line)
            if len(line) > answer_bytes:
                break
    lines.put(None)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _share(answer: Mapping[str, Any], before: float) -> float:
    share = answer.get("share")
    return float(share) if isinstance(share, int | float) else before


def _error_of(failed: Mapping[str, Any]) -> InputError:
    """The error that the function raised, if it is one of ours; text only is taken from it."""
    what, where, remedy = (failed.get(name) for name in ("what", "where", "remedy"))
    kind = getattr(errors, str(failed.get("error")), None)
    if failed.get("error") == OverLimitError.__name__:
        kind = OverLimitError
    elif not isinstance(kind, type) or not issubclass(kind, InputError):
        kind = InputError
    if kind is errors.MissingExtraError:
        kind = InputError  # it words itself, from other arguments
    return kind(
        str(what),
        where=None if where is None else str(where),
        remedy=None if remedy is None else str(remedy),
    )


def _death(code: int, printed: Path) -> Exception:
    if code == -getattr(signal, "SIGXCPU", 0):
        return OverLimitError("needs more processor time than it may have")
    tail = printed.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip()
    if tells_of_memory(tail):
        return OverLimitError("needs more memory than it may have")
    if code == -signal.SIGABRT:
        return ProcessDiedError(GAVE_UP)
    if code < 0:
        return ProcessDiedError(f"its process ended with {signal.Signals(-code).name}")
    reason = tail.rpartition("\n")[2]
    return ProcessDiedError(f"a fault of ours: {reason or f'exit code {code}'}")
