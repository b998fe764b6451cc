"""Tasks on a Ray cluster, whose nodes may die.

Ray is used by its documented interface alone. Two things follow: while a cluster is open, what is
printed on standard output goes to standard error, as Ray prints there when a node dies; and an
address where something else than Ray listens is refused only when Ray itself gives up.
"""

import importlib.util
import os
import socket
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import touchline
from touchline.batch.executor import (
    AUTO,
    CORES_PER_TASK,
    LOCAL,
    NO_OBSERVER,
    FileTask,
    LostError,
    Observer,
    Share,
    is_address,
)
from touchline.errors import InputError, MissingExtraError
from touchline.runtime.processes import available_cores
from touchline.runtime.temporary import temporary_name

RETRIES = 3
"""How often a task is started again after its worker died."""

_POLL_SECONDS = 0.5
_REPORT_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
_CHECK_SECONDS = 120.0
_STOP_SECONDS = 10.0
_STORE_BYTES = 100_000_000  # outcomes are small: Ray's own minimum is enough

R = TypeVar("R")


@contextmanager
def open_cluster(
    address: str, *, jobs: int | None, gpus: float, reads: Sequence[Path], writes: Path | None
) -> Iterator["RayExecutor"]:
    """Join or start a cluster; see ``open_executor``."""
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("working on a cluster", "ray")
    import ray

    joined_before = ray.is_initialized()
    with redirect_stdout(sys.stderr):
        if not joined_before:
            _connect(address)
        try:
            with _marker(writes) as marker:
                environment = _Environment(Path.cwd(), tuple(reads), marker, _settings())
                nodes = _check_nodes(environment)
                yield RayExecutor(environment, nodes, jobs, gpus)
        finally:
            if not joined_before:
                ray.shutdown()


def _connect(address: str) -> None:
    """Join a cluster, or start one on this machine.

    Raises:
        InputError: there is none at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == LOCAL:
        _start()
        return
    if address == AUTO and not os.environ.get("RAY_ADDRESS"):
        try:
            _join(AUTO)
        except InputError as error:
            if not isinstance(error.__cause__, ConnectionError):
                raise
            _start()  # none runs on this machine
        return
    if address == AUTO:
        address = os.environ["RAY_ADDRESS"]
    if not is_address(address):
        raise InputError(
            f"{address!r} is not an address",
            where="--ray",
            remedy="give HOST:PORT of a cluster that this machine is part of, auto or local",
        )
    if (fault := _fault_at(address)) is not None:
        raise InputError(
            f"no Ray cluster answers at {address} ({fault})",
            where="--ray",
            remedy="start one with `ray start --head`, or leave the address out",
        )
    _join(address)


def _start() -> None:
    _join(
        LOCAL,
        num_cpus=available_cores(),
        object_store_memory=_STORE_BYTES,
        include_dashboard=False,
    )


def _join(address: str, **options: Any) -> None:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **options)
    except Exception as error:  # Ray raises bare ones too
        reason = str(error).strip().splitlines()[0][:300]
        raise InputError(f"the cluster at {address} cannot be joined: {reason}") from error


def _fault_at(address: str) -> str | None:
    """Why nothing listens at an address, which Ray would take minutes to find out."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS):
            return None
    except TimeoutError:
        return "no answer"
    except (OSError, ValueError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)


@contextmanager
def _marker(folder: Path | None) -> Iterator[Path | None]:
    """A file that identifies a folder: on another node, its name may be that of another folder."""
    if folder is None:
        yield None
        return
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    marker = temporary_name(existing / "touchline-node")
    try:
        marker.touch()
        yield marker
    except PermissionError as error:
        raise InputError("no permission to write", where=existing) from error
    finally:
        marker.unlink(missing_ok=True)


def _settings() -> dict[str, str]:
    """Our own environment variables, which are passed to the nodes."""
    return {key: value for key, value in os.environ.items() if key.startswith("TOUCHLINE_")}


@dataclass(frozen=True)
class _Environment:
    """What tasks find on whichever node they run: folder, files, settings and version."""

    folder: Path
    reads: tuple[Path, ...]
    marker: Path | None
    settings: Mapping[str, str]
    version: str = touchline.__version__

    def apply(self) -> None:
        """Make this process see what the caller sees.

        Raises:
            InputError: it cannot, in one line.
        """
        node = socket.gethostname()
        if self.version != touchline.__version__:
            raise InputError(
                f"node {node} has touchline {touchline.__version__}, not {self.version}",
                remedy="install the same version everywhere",
            )
        os.environ.update(self.settings)
        with suppress(OSError):  # relative paths are missing then, and the loop below says so
            os.chdir(self.folder)
        for path in (*self.reads, *filter(None, [self.marker])):
            if not path.exists():
                raise InputError(
                    f"node {node} cannot see this " + ("file" if path.suffix else "folder"),
                    where=path.parent if path == self.marker else path,
                    remedy="put it on a file system that all nodes share",
                )


def _check_nodes(environment: _Environment) -> dict[str, str]:
    """Check that every node finds what it needs; the nodes' names by their ids."""
    import ray
    from ray.exceptions import RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    names = _node_names()
    check = ray.remote(_check_node)
    checks = {
        check.options(
            num_cpus=0,
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        ).remote(environment): name
        for node, name in names.items()
    }
    answered, _ = ray.wait([*checks], num_returns=len(checks), timeout=_CHECK_SECONDS)
    for reference in answered:
        try:
            ray.get(reference)
        except RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from None
            reason = str(error.cause or error).strip().splitlines()[-1][:200]
            raise InputError(f"node {checks[reference]} cannot run touchline: {reason}") from error
        except RayError:
            continue  # it left in the meantime
    return names


def _check_node(environment: _Environment) -> None:
    environment.apply()


def _node_names() -> dict[str, str]:
    """The nodes that can run tasks, by id: named after their host, numbered where hosts repeat."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0)]
    hosts = [node["NodeManagerHostname"] for node in alive]
    return {
        node["NodeID"]: host if hosts.count(host) == 1 else f"{host}#{node['NodeID'][:4]}"
        for node, host in zip(alive, hosts, strict=True)
    }


@dataclass(frozen=True)
class _Attempt:
    """One run of a task on the cluster."""

    index: int
    number: int = 0


@dataclass
class RayExecutor:
    """The nodes of a Ray cluster: one task at a time for every two cores of a node.

    A task whose worker, or whose whole node, dies is started again elsewhere.
    """

    environment: _Environment
    nodes: dict[str, str]
    jobs: int | None = None
    gpus: float = 0.0
    cores_per_task: int = CORES_PER_TASK
    is_local = False
    _latest: dict[int, tuple[float, str]] = field(default_factory=dict)

    def processes(self, tasks: int) -> int:
        """See ``Executor``."""
        return min(self.jobs or tasks, tasks)

    def share(self, tasks: int) -> Share:
        """See ``Executor``: two threads, or one where a node has no more."""
        import ray

        cores = [n["Resources"].get("CPU", 0) for n in ray.nodes() if n["NodeID"] in self.nodes]
        return Share(int(max(1, min([self.cores_per_task, *cores]))))

    def run(
        self, tasks: Sequence[FileTask[R]], observer: Observer = NO_OBSERVER
    ) -> Generator[tuple[int, R | LostError], None, None]:
        """See ``Executor``."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        board = _start_progress_board()
        work = ray.remote(_run_on_node).options(
            num_cpus=self.share(len(tasks)).threads,
            num_gpus=self.gpus,
            max_retries=0,  # attempts are counted and reported here
            scheduling_strategy="SPREAD",
        )
        waiting = [_Attempt(index) for index in reversed(range(len(tasks)))]
        running: dict[Any, _Attempt] = {}
        self._latest = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.processes(len(tasks)):
                    attempt = waiting.pop()
                    task = tasks[attempt.index]
                    running[work.remote(self.environment, task, attempt, board)] = attempt
                finished, _ = ray.wait([*running], timeout=_POLL_SECONDS)
                self._observe(board, running.values(), observer)
                for reference in finished:
                    attempt = running.pop(reference)
                    try:
                        yield attempt.index, ray.get(reference)
                    except RayTaskError as error:
                        raise (error.cause or error) from None
                    except RayError as error:
                        retry = self._after_death(tasks[attempt.index], attempt, error, observer)
                        if isinstance(retry, LostError):
                            yield attempt.index, retry
                        else:
                            waiting.append(retry)
        finally:
            _stop({reference: tasks[attempt.index] for reference, attempt in running.items()})
            ray.kill(board)

    def _after_death(
        self, task: FileTask[Any], attempt: _Attempt, error: Exception, observer: Observer
    ) -> _Attempt | LostError:
        """The next attempt at a task, or the error if there were enough."""
        _, node = self._latest.pop(attempt.index, (0.0, ""))
        on_node = f" on {self.nodes.get(node, node)}" if node else ""
        reason = _reason(error)
        if attempt.number >= RETRIES:
            return LostError(
                f"given up: {reason}{on_node}, {attempt.number + 1} times", where=task.name
            )
        observer.remark(f"{task.name}: {reason}{on_node}; started again")
        return _Attempt(attempt.index, attempt.number + 1)

    def _observe(self, board: Any, running: Iterable[_Attempt], observer: Observer) -> None:
        """Pass on what the board holds; if it does not answer it is asked again later."""
        import ray
        from ray.exceptions import RayError

        try:
            reports = ray.get(board.read.remote(), timeout=_ANSWER_SECONDS)
        except RayError:
            return
        attempts = {attempt.index: attempt.number for attempt in running}
        for index, (number, share, node) in reports.items():
            if attempts.get(index, number) == number:
                self._latest[index] = (share, node)
        if unknown := {node for _, node in self._latest.values()} - set(self.nodes):
            self.nodes |= {node: name for node, name in _node_names().items() if node in unknown}
        counts: dict[str, int] = {}
        for index in attempts:
            if index in self._latest:
                name = self.nodes.get(self._latest[index][1], "?")
                counts[name] = counts.get(name, 0) + 1
        observer.nodes(counts)
        observer.progress(sum(share for share, _ in self._latest.values()))


def _reason(error: Exception) -> str:
    """Why a task did not finish, in a few words."""
    from ray.exceptions import NodeDiedError, OutOfMemoryError

    if isinstance(error, OutOfMemoryError):
        return "its worker ran out of memory"
    if isinstance(error, NodeDiedError) or "node" in str(error).lower()[:200]:
        return "its worker or node died"
    return "its worker died"


def _stop(running: Mapping[Any, FileTask[Any]]) -> None:
    """Stop tasks, gently first so that they leave nothing half-written."""
    import ray

    if not running:
        return
    for reference in running:
        ray.cancel(reference)
    _, stubborn = ray.wait([*running], num_returns=len(running), timeout=_STOP_SECONDS)
    for reference in stubborn:
        ray.cancel(reference, force=True)
    for reference in stubborn:
        running[reference].clear()


class _ProgressBoard:
    """An actor that all tasks report to and the caller reads: how far each is, and where."""

    def __init__(self) -> None:
        self.reports: dict[int, tuple[int, float, str]] = {}

    def report(self, index: int, attempt: int, share: float, node: str) -> None:
        self.reports[index] = (attempt, share, node)

    def read(self) -> dict[int, tuple[int, float, str]]:
        return self.reports


def _start_progress_board() -> Any:
    """A board on the node of the caller, which is of no use once the caller is gone."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    return (
        ray.remote(_ProgressBoard)
        .options(
            num_cpus=0,
            max_restarts=-1,
            scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=True),
        )
        .remote()
    )


def _run_on_node(environment: _Environment, task: FileTask[R], attempt: _Attempt, board: Any) -> R:
    """What a worker does with a task."""
    import ray

    environment.apply()
    if attempt.number:
        task.clear()
    node = ray.get_runtime_context().get_node_id()
    last = -_REPORT_SECONDS

    def report(share: float) -> None:
        nonlocal last
        if (now := time.monotonic()) >= last + _REPORT_SECONDS or share >= 1:
            last = now
            board.report.remote(attempt.index, attempt.number, share, node)

    report(0.0)
    try:
        return task.run(report)
    except InputError as error:
        raise InputError(f"{error} (on node {socket.gethostname()})") from error
