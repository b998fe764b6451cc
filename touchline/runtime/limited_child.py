"""The process of `touchline.runtime.limited`: under limits, alone in its group, without secrets.

It reads its task from standard input and keeps that open: when the caller is gone, so is the
process. It answers on standard output, one JSON object a line: ``{"share": 0.5}`` while it works,
then ``{"result": ...}`` or ``{"failed": {"error", "what", "where", "remedy"}}``.
"""

import importlib
import json
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO

from touchline.errors import InputError
from touchline.runtime.limits import set_limits
from touchline.runtime.memory import is_memory_error
from touchline.runtime.no_network import leave_network

MEMORY_PROBLEM = "needs more memory than it may have"


def limit_process(limits: Mapping[str, Any]) -> None:
    """Bind this process to `ProcessLimits`, where the system has such limits."""
    set_limits(
        {
            "RLIMIT_AS": int(limits["memory_bytes"]),
            "RLIMIT_CPU": int(limits["cpu_seconds"]),
            "RLIMIT_FSIZE": int(limits["file_bytes"]),
            "RLIMIT_NOFILE": int(limits["open_files"]),
        }
    )
    if hasattr(os, "nice"):  # Windows: the caller's clock is the only limit
        os.nice(int(limits["niceness"]))
    if not limits["network"]:
        leave_network()


def exit_with_caller(pipe: BinaryIO) -> None:
    """End this process when the other end of a pipe is closed."""

    def wait() -> None:
        while os.read(pipe.fileno(), 4096):
            pass
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Call the one function that standard input names."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not mix with our messages
    task = json.loads(sys.stdin.buffer.readline())
    exit_with_caller(sys.stdin.buffer)
    limit_process(task["limits"])

    def send(answer: Mapping[str, Any]) -> None:
        channel.write(json.dumps(answer) + "\n")
        channel.flush()

    module, _, name = task["function"].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        result = function(*task["arguments"], lambda share: send({"share": round(share, 4)}))
        send({"result": result})
    except InputError as error:
        send({"failed": _described(error)})
    except Exception as error:
        if not is_memory_error(error):
            raise
        send({"failed": {"error": "OverLimitError", "what": MEMORY_PROBLEM}})
    channel.close()
    os._exit(0)  # nothing of ours needs tidying, and libraries may hang while they do theirs


def _described(error: InputError) -> dict[str, str | None]:
    return {
        "error": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "remedy": error.remedy,
    }


if __name__ == "__main__":
    main()
