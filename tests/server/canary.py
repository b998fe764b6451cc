"""A file and a port that nobody may touch, and what was touched of them."""

import ctypes
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_IN_OPEN = 0x20


class Canary:
    """Watches files for being opened, by whatever process, and a port for being called.

    Args:
        files: must exist; watched on Linux.
    """

    def __init__(self, *files: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._watch = _watch(files) if sys.platform == "linux" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watch is not None:
            os.close(self._watch)
        self._listener.close()

    def touched(self) -> list[str]:
        """What has been done to it since it was last asked."""
        found = []
        with suppress(BlockingIOError):
            if self._watch is not None and os.read(self._watch, 65536):
                found.append("a file was opened")
        with suppress(BlockingIOError):
            self._listener.accept()[0].close()
            found.append("the port was called")
        return found


def _watch(files: Sequence[Path]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    watch = int(libc.inotify_init1(os.O_NONBLOCK))
    for file in files:
        if watch < 0 or libc.inotify_add_watch(watch, bytes(file), _IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "cannot be watched", str(file))
    return watch
