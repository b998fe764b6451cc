"""The process in which one stage of a job runs: under limits, alone in its group, without secrets.

It reads its task from standard input and keeps that open: when the worker is gone, so is the
child. What it has to say goes line by line to standard output, as JSON.
"""

import json
import os
import sys
import threading
from typing import Any, BinaryIO

NICENESS = 10


def limit(limits: dict[str, int]) -> None:
    """Bind this process to its limits, where the system has such limits."""
    try:
        import resource
    except ImportError:  # Windows: the worker's clock is the only limit
        return
    for kind, name in (
        (resource.RLIMIT_AS, "memory_bytes"),
        (resource.RLIMIT_CPU, "cpu_seconds"),
        (resource.RLIMIT_FSIZE, "file_bytes"),
        (resource.RLIMIT_NOFILE, "open_files"),
    ):
        _, hard = resource.getrlimit(kind)
        wanted = limits[name]
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        # One second more before the kill, so that the signal that comes first says why.
        last = wanted + 1 if kind == resource.RLIMIT_CPU and wanted != hard else wanted
        resource.setrlimit(kind, (wanted, last))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)


def leave_with_the_worker(pipe: BinaryIO) -> None:
    """End this process when the other end of a pipe is closed."""

    def wait() -> None:
        while os.read(pipe.fileno(), 4096):
            pass
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Run the one stage that standard input asks for."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is not ours
    task: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    leave_with_the_worker(sys.stdin.buffer)
    limit(task["limits"])

    def say(**words: Any) -> None:
        channel.write(json.dumps(words) + "\n")
        channel.flush()

    from touchline.errors import InputError
    from touchline.server.jobs.stages import run_stage

    try:
        result = run_stage(
            task["stage"], task["arguments"], lambda share: say(share=round(share, 4))
        )
    except InputError as error:
        say(problem=_without_paths(error), again=False)
    except MemoryError:
        say(problem="needs more memory than it may have", again=False)
    else:
        say(result=result)
    channel.close()
    os._exit(0)  # nothing of ours is left to be tidied, and libraries may hang at it


def _without_paths(error: Any) -> str:
    """The error's text; where a file lies on the server is nobody's business."""
    return error.what if error.remedy is None else f"{error.what}; {error.remedy}"


if __name__ == "__main__":
    main()
