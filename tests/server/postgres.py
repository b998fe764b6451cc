"""A PostgreSQL of our own, for tests and benchmarks, where the system has one installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FAST = "-c fsync=off -c full_page_writes=off -c max_connections=120"
HASTY = f"{FAST} -c synchronous_commit=off"
"""Loses what was committed last when it is stopped at once."""


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL that can be stopped and started again.

    Attributes:
        url: of its database.
    """

    url: str
    folder: Path
    options: str

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._control("-l", self.folder / "log", "-o", self.options, "start")

    def stop(self, mode: Literal["fast", "immediate"]) -> None:
        """Stop it: end its connections first, or be gone at once."""
        self._control("-m", mode, "stop")

    def _control(self, *words: object) -> None:
        programs_folder = programs()
        assert programs_folder is not None
        _run(programs_folder / "pg_ctl", "-D", self.folder / "data", "-w", *words)


def programs() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of an empty database that is there for as long as the block."""
    with postgres(HASTY) as running:
        yield running.url


@contextmanager
def postgres(settings: str = FAST) -> Iterator[Postgres]:
    """An empty PostgreSQL that runs for as long as the block."""
    programs_folder = programs()
    assert programs_folder is not None
    with tempfile.TemporaryDirectory(prefix="touchline-pg-") as name:
        data = Path(name) / "data"
        port = _free_port()
        Path(name).chmod(0o755)
        data.mkdir()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(data, "postgres")
            shutil.chown(name, "postgres")
        _run(programs_folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={name} {settings}"
        )
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        running = Postgres(url, Path(name), options)
        running.start()
        try:
            yield running
        finally:
            running.stop("immediate")


def _run(program: Path, *words: object) -> None:
    command = [str(program), *map(str, words)]
    if os.getuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
