"""The process in which one stage of a job runs: under limits, alone in its group, without secrets.

It reads its task from standard input and keeps that open: when the worker is gone, so is the
child. It answers line by line on standard output, as ``messages`` describes.
"""

import os
import sys
import threading
from collections.abc import Mapping
from typing import BinaryIO

from touchline.errors import InputError
from touchline.server.jobs.messages import Answer, Failed, Finished, Share, StageTask

NICENESS = 10


def limit(limits: Mapping[str, float]) -> None:
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
        wanted = int(limits[name])
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        # One second more before the kill, so that the signal that comes first says why.
        last = wanted + 1 if kind == resource.RLIMIT_CPU and wanted != hard else wanted
        resource.setrlimit(kind, (wanted, last))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)


def exit_with_the_worker(pipe: BinaryIO) -> None:
    """End this process when the other end of a pipe is closed."""

    def wait() -> None:
        while os.read(pipe.fileno(), 4096):
            pass
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Run the one stage that standard input names."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not mix with our messages
    task = StageTask.model_validate_json(sys.stdin.buffer.readline())
    exit_with_the_worker(sys.stdin.buffer)
    limit(task.limits)

    def send(answer: Answer) -> None:
        channel.write(answer.model_dump_json() + "\n")
        channel.flush()

    from touchline.server.jobs.stages.base import run_stage

    try:
        result = run_stage(
            task.stage, task.arguments, lambda share: send(Share(share=round(share, 4)))
        )
    except InputError as error:
        send(Failed(problem=_without_paths(error), again=False))
    except MemoryError:
        send(Failed(problem="needs more memory than it may have", again=False))
    else:
        send(Finished(result=result))
    channel.close()
    os._exit(0)  # nothing of ours needs tidying, and libraries may hang while they do theirs


def _without_paths(error: InputError) -> str:
    """The error's text, without the place of the file on the server."""
    return error.what if error.remedy is None else f"{error.what}; {error.remedy}"


if __name__ == "__main__":
    main()
