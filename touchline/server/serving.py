"""``touchline serve``: the web process, and workers beside it that live and end with it."""

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr

from touchline.errors import ConfigError
from touchline.server.access.accounts import add_user, has_users
from touchline.server.app import create_app
from touchline.server.connections import Connections
from touchline.server.services import Services, open_services
from touchline.server.settings import ServerSettings

HEADER_SECONDS = 10.0
"""Time that a client may take to send its headers."""

SHUTDOWN_SECONDS = 5
WORKER_STOP_SECONDS = 6.0
EXIT_SECONDS = 9
"""The process ends this long after the signal, whatever its threads do: less than the ten seconds
after which containers are killed."""

RESTART_SECONDS = 1.0
MAX_CONNECTIONS = 1000
MAX_WAITING = 500
"""Connections without the headers of a request; the one that waits longest makes room."""

OPEN_FILES = 8192

_REFUSAL = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\n"
)

log = logging.getLogger("touchline.serve")


def serve(settings: ServerSettings, announce: Callable[[str], None]) -> None:
    """Serve until the process is asked to stop; it then ends within ``EXIT_SECONDS``.

    Args:
        announce: called with the server's URL once it answers.

    Raises:
        ConfigError: nobody has a password though others can reach the server, or the port is
            taken.
    """
    stopping = threading.Event()
    services = open_services(settings, for_requests=True)
    try:
        refuse_open_door(services)
        listener = _listen(settings)
        _allow_open_files()
        with _workers(settings, stopping), contextlib.closing(listener):
            server = _Server(_config(services, stopping), listener, announce, stopping)
            server.run(sockets=[listener])
    finally:
        services.close()


def refuse_open_door(services: Services) -> None:
    """Make sure that a server that others can reach requires a password.

    Raises:
        ConfigError: others can reach it, and there are no users.
    """
    settings = services.settings
    with services.database.write() as session:
        if not has_users(session) and settings.admin_password is not None:
            now = services.database.now(session)
            add_user(session, "admin", settings.admin_password.get_secret_value(), "admin", now)
        if settings.is_loopback or has_users(session):
            return
    raise ConfigError(
        f"others can reach {settings.host}, and nobody has a password",
        where="--host",
        remedy="first run: touchline admin add-user NAME",
    )


def _listen(settings: ServerSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise ConfigError(
            f"cannot listen there ({error.strerror})",
            where=f"{settings.host}:{settings.port}",
            remedy="choose another address with --host or --port",
        ) from error
    return listener


def _allow_open_files() -> None:
    """Let this process have a descriptor for each connection, where its limit is lower."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _config(services: Services, stopping: threading.Event) -> uvicorn.Config:
    settings = services.settings
    connections = Connections(settings.rates.connections, MAX_WAITING, settings.trusted_proxies)
    return uvicorn.Config(
        create_app(services, stopping),
        http=cast(type[asyncio.Protocol], partial(_PatientProtocol, connections)),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
    )


class _PatientProtocol(H11Protocol):
    """HTTP with limits on an address's connections and on the time that headers may take."""

    _impatience: asyncio.TimerHandle | None = None
    _address: str | None = None
    """None until the connection is admitted."""

    def __init__(self, connections: Connections, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._all = connections

    def connection_made(self, transport: Any) -> None:
        client = get_remote_addr(transport)
        address = client[0] if client else "unknown"
        if not self._all.admit(address):
            transport.write(_REFUSAL)
            transport.close()
            return
        self._address = address
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        if self._address is None:
            return
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._impatience is None and data:
            self._wait_for_headers()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._all.waits(self, self._address or "")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._address is None:
            return
        self._all.closed(self._address)
        self._stop_waiting()
        super().connection_lost(exc)

    def drop(self) -> None:
        """End the connection, as another needs its place, whether or not its client reads."""
        self.transport.abort()

    def _wait_for_headers(self) -> None:
        self._impatience = self.loop.call_later(HEADER_SECONDS, self.transport.close)
        self._all.waits(self, self._address or "")

    def _stop_waiting(self) -> None:
        self._all.waits_no_longer(self)
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None


class _Server(uvicorn.Server):
    """Says where it is, and ends without passing its signal on: workers are still to be ended."""

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        announce: Callable[[str], None],
        stopping: threading.Event,
    ) -> None:
        super().__init__(config)
        self._listener = listener
        self._announce = announce
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        host, port = self._listener.getsockname()[:2]
        self._announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End: what runs is given up, and what does not end by itself is ended."""
        if not self._stopping.is_set():
            self._stopping.set()
            # A thread of its own in C: it needs neither the event loop nor Python's lock.
            faulthandler.dump_traceback_later(EXIT_SECONDS, exit=True)
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with stopping_on_signals(self.handle_exit):
            yield


@contextlib.contextmanager
def stopping_on_signals(stop: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Call ``stop`` on the signals that ask the process to end, instead of ending it."""
    if threading.current_thread() is not threading.main_thread():  # only it gets signals
        yield
        return
    known = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _workers(settings: ServerSettings, stop: threading.Event) -> Iterator[None]:
    """Worker processes, restarted when they die, ended with the server or when ``stop`` is set."""
    keepers = [
        threading.Thread(target=_keep_worker, args=(settings, stop), daemon=True)
        for _ in range(settings.workers)
    ]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        stop.set()
        for keeper in keepers:
            keeper.join()


def _keep_worker(settings: ServerSettings, stop: threading.Event) -> None:
    environment = os.environ | {"TOUCHLINE_DATA": str(settings.data.absolute())}
    if settings.database_url is not None:
        environment["TOUCHLINE_DATABASE_URL"] = settings.database_url
    while not stop.is_set():
        process = subprocess.Popen(
            [sys.executable, "-m", "touchline.cli.main", "worker", "--with-parent"],
            stdin=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches only us; we end the worker
        )
        while process.poll() is None and not stop.wait(0.2):
            pass
        if process.poll() is None:
            _end_worker(process)
            return
        log.warning("a worker ended; another starts", extra={"code": process.returncode})
        stop.wait(RESTART_SECONDS)


def _end_worker(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(WORKER_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def work(settings: ServerSettings, *, with_parent: bool = False) -> None:
    """Work on jobs until the process is asked to stop.

    Args:
        with_parent: stop, too, when standard input is closed.
    """
    from touchline.server.jobs.worker import Worker

    stop = threading.Event()
    if with_parent:
        threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    services = open_services(settings)
    try:
        with stopping_on_signals(lambda number, frame: stop.set()):
            Worker(services, stop).run()
    finally:
        services.close()


def _stop_with_parent(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        time.sleep(0.01)
    stop.set()
