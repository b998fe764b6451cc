"""A PostgreSQL of our own, for tests and benchmarks, where the system has one installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=120"


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
    folder = programs()
    assert folder is not None
    with tempfile.TemporaryDirectory(prefix="touchline-pg-") as name:
        data = Path(name) / "data"
        port = _free_port()
        Path(name).chmod(0o755)
        data.mkdir()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(data, "postgres")
            shutil.chown(name, "postgres")
        _run(folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={name} {FAST}"
        )
        log = Path(name) / "log"
        _run(folder / "pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(folder / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _run(program: Path, *words: object) -> None:
    command = [str(program), *map(str, words)]
    if os.getuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
