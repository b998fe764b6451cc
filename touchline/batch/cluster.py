"""Tasks on one machine or on many: local processes, or a Ray cluster whose nodes may die.

Every task makes files on a file system that all nodes share, and leaves alone what is there
already, so that whatever was stopped, here or there, goes on with the same call.
"""

import importlib.util
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar, cast

import touchline
from touchline.errors import InputError, MissingExtraError
from touchline.runtime.atomic import temporary_name
from touchline.runtime.processes import Report, available_cores, run_tasks

AUTO = "auto"
"""The address of whichever cluster there is: RAY_ADDRESS, one on this machine, or a new one."""

LOCAL = "local"
"""The address of a new cluster on this machine alone, which ends with the call."""

CORES_PER_TASK = 2
RETRIES = 3
"""How often a task is started again after its worker died."""

_POLL_SECONDS = 0.5
_REPORT_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
_LOOK_SECONDS = 120.0
_STOP_SECONDS = 10.0
_START_SECONDS = 120  # Ray gives up after 30, which a busy machine needs
_STORE_BYTES = 100_000_000  # results are short texts: what Ray needs at least will do

_RAYS_OWN_THREAD = "ray_listen_error_messages"
_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_HTTP2_SETTINGS = 4


class LostError(InputError):
    """A task whose worker died every time it was started."""


class FileTask(Protocol):
    """Work that can be pickled, told to stop, and started again.

    Attributes:
        name: what it works at, for remarks.
    """

    @property
    def name(self) -> str: ...

    def run(self, report: Report) -> str:
        """Do it; ``report`` must be called every second or so."""
        ...

    def clear(self) -> None:
        """Remove what was left half-written where it was killed."""
        ...


T = TypeVar("T", bound=FileTask)


@dataclass(frozen=True)
class Watch:
    """Who is told how tasks get on.

    Attributes:
        progress: called now and then with the sum of what the tasks have reported.
        nodes: called with how many tasks are under way on each node, by its name.
        remark: called with a line, such as that a node died.
    """

    progress: Callable[[float], None] = lambda done: None
    nodes: Callable[[Mapping[str, int]], None] = lambda counts: None
    remark: Callable[[str], None] = lambda line: None


UNWATCHED = Watch()


class Crew(Protocol):
    """Who does tasks: processes of this machine, or the nodes of a cluster.

    Attributes:
        is_here: whether it is this machine, so that what a task needs can be tried first.
    """

    is_here: bool

    def processes(self, tasks: int) -> int:
        """How many processes work at this many tasks at once; 1 is this one, if it is here."""
        ...

    def threads(self, tasks: int) -> int | None:
        """How many processor threads each of so many tasks may use; None for all."""
        ...

    def run(
        self, tasks: Sequence[T], watch: Watch = UNWATCHED
    ) -> Generator[tuple[T, str | LostError], None, None]:
        """Do tasks; when one fails, or the caller stops iterating, the others are stopped.

        Yields:
            each task with its result, in the order in which they finish; or with the error if its
            workers died.
        """
        ...


@dataclass(frozen=True)
class Processes:
    """Local processes; by default one for every two cores, for decoding and network overlap."""

    jobs: int | None = None
    is_here = True

    def processes(self, tasks: int) -> int:
        """See ``Crew``."""
        return max(1, min(self.jobs or available_cores() // CORES_PER_TASK, tasks))

    def threads(self, tasks: int) -> int | None:
        """See ``Crew``."""
        processes = self.processes(tasks)
        return None if processes == 1 else max(1, available_cores() // processes)

    def run(
        self, tasks: Sequence[T], watch: Watch = UNWATCHED
    ) -> Generator[tuple[T, str | LostError], None, None]:
        """See ``Crew``; a process that is killed ends them all."""
        yield from run_tasks(tasks, self.processes(len(tasks)), watch.progress)


@contextmanager
def open_crew(
    address: str | None,
    *,
    jobs: int | None = None,
    gpus: float = 0.0,
    reads: Sequence[Path] = (),
    writes: Path | None = None,
) -> Iterator[Crew]:
    """Those who are to do tasks.

    Args:
        address: of a Ray cluster that this machine is part of (``HOST:PORT``, ``auto``,
            ``local``); None for processes of this machine.
        jobs: tasks at once at most.
        gpus: that each task asks the cluster for; a share is possible.
        reads: files and folders that every node must see.
        writes: the folder that the tasks write into, which must be the same for every node.

    Raises:
        MissingExtraError: Ray is not installed. InputError: no cluster answers at the address, or
        a node does not see the files, or has another version.
    """
    if address is None:
        yield Processes(jobs)
        return
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError("working on a cluster", "ray")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", str(_START_SECONDS))
    import ray

    is_guest = ray.is_initialized()
    if not is_guest:
        _connect(address)
    try:
        with _marker(writes) as marker, redirect_stdout(cast(TextIO, _Results(sys.stdout))):
            place = _Place(Path.cwd(), tuple(reads), marker, _settings())
            nodes = _check_nodes(place)
            yield _RayCluster(place, nodes, jobs, gpus)
    finally:
        if not is_guest:
            ray.shutdown()


class _Results:
    """The standard output without what Ray itself prints there when a node dies."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name == _RAYS_OWN_THREAD:
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def is_address(text: str) -> bool:
    """Whether a word can only be the address of a cluster."""
    host, _, port = text.rpartition(":")
    is_place = bool(host) and port.isdigit() and not {"/", "\\"} & set(text)
    return text in (AUTO, LOCAL) or is_place


def _connect(address: str) -> None:
    """Join a cluster, or start one on this machine, if it is there; Ray itself asks for minutes."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == AUTO:
        address = os.environ.get("RAY_ADDRESS") or _running_here() or LOCAL
    if address == LOCAL:
        options |= {
            "num_cpus": available_cores(),
            "object_store_memory": _STORE_BYTES,
            "include_dashboard": False,
        }
    elif not is_address(address):
        raise InputError(
            f"{address!r} is not an address",
            where="--ray",
            remedy="give HOST:PORT of a cluster that this machine is part of, auto or local",
        )
    elif (fault := _fault_at(address)) is not None:
        raise InputError(
            f"no Ray cluster answers at {address} ({fault})",
            where="--ray",
            remedy="start one with `ray start --head`, or leave the address out",
        )
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise InputError(f"the cluster at {address} cannot be joined: {reason}") from error


def _running_here() -> str | None:
    """The address of the cluster that `ray start` left running on this machine, if it still is."""
    noted = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"
    with suppress(OSError, UnicodeDecodeError):
        address = noted.read_text("utf-8").strip()
        if is_address(address) and _fault_at(address) is None:
            return address
    return None


def _fault_at(address: str) -> str | None:
    """Why there is no cluster at an address: nobody there, or nobody who speaks HTTP/2 as Ray."""
    host, _, port = address.rpartition(":")
    try:
        number = int(port)
        with socket.create_connection((host.strip("[]"), number), _ANSWER_SECONDS) as connection:
            connection.sendall(_HTTP2_HELLO)
            answer = connection.recv(9, socket.MSG_WAITALL)
    except TimeoutError:
        return "no answer"
    except (OSError, ValueError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    speaks = len(answer) == 9 and answer[3] == _HTTP2_SETTINGS
    return None if speaks else "something else listens there"


@contextmanager
def _marker(folder: Path | None) -> Iterator[Path | None]:
    """A file to know a folder by, which may have the same name on a node and be another one."""
    if folder is None:
        yield None
        return
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    marker = temporary_name(there / "touchline")
    try:
        marker.touch()
        yield marker
    except PermissionError as error:
        raise InputError("no permission to write", where=there) from error
    finally:
        marker.unlink(missing_ok=True)


def _settings() -> dict[str, str]:
    """Our own settings, which nodes are given with the task."""
    return {key: value for key, value in os.environ.items() if key.startswith("TOUCHLINE_")}


@dataclass(frozen=True)
class _Place:
    """Where tasks find themselves, whichever node they run on."""

    folder: Path
    reads: tuple[Path, ...]
    marker: Path | None
    settings: Mapping[str, str]
    version: str = touchline.__version__

    def enter(self) -> None:
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
        with suppress(OSError):  # without it, relative names are not seen, and that is said
            os.chdir(self.folder)
        for path in (*self.reads, *filter(None, [self.marker])):
            if not path.exists():
                raise InputError(
                    f"node {node} cannot see this " + ("file" if path.suffix else "folder"),
                    where=path.parent if path == self.marker else path,
                    remedy="put it on a file system that all nodes share",
                )


def _check_nodes(place: _Place) -> dict[str, str]:
    """See that every node finds what it needs; the nodes' names by their ids."""
    import ray
    from ray.exceptions import RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    names = _node_names()
    look = ray.remote(_look)
    asked = {
        look.options(
            num_cpus=0,
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        ).remote(place): name
        for node, name in names.items()
    }
    answered, _ = ray.wait([*asked], num_returns=len(asked), timeout=_LOOK_SECONDS)
    for reference in answered:
        try:
            ray.get(reference)
        except RayTaskError as error:
            if isinstance(error.cause, InputError):
                raise error.cause from None
            reason = str(error.cause or error).strip().splitlines()[-1][:200]
            raise InputError(f"node {asked[reference]} cannot run touchline: {reason}") from error
        except RayError:
            continue  # it left in the meantime
    return names


def _look(place: _Place) -> None:
    place.enter()


def _node_names() -> dict[str, str]:
    """The nodes that can do tasks, by id: called by their host, and told apart where need be."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0)]
    hosts = [node["NodeManagerHostname"] for node in alive]
    return {
        node["NodeID"]: host if hosts.count(host) == 1 else f"{host}#{node['NodeID'][:4]}"
        for node, host in zip(alive, hosts, strict=True)
    }


@dataclass
class _Waiting:
    """A task that has been handed to the cluster."""

    number: int
    attempt: int = 0


@dataclass
class _RayCluster:
    """The nodes of a Ray cluster: one task at a time for every two cores of theirs.

    A task whose worker, or whose whole node, dies is started again elsewhere.
    """

    place: _Place
    nodes: dict[str, str]
    jobs: int | None = None
    gpus: float = 0.0
    cores_per_task: int = CORES_PER_TASK
    is_here = False
    _told: dict[int, tuple[float, str]] = field(default_factory=dict)

    def processes(self, tasks: int) -> int:
        """See ``Crew``."""
        return min(self.jobs or tasks, tasks)

    def threads(self, tasks: int) -> int | None:
        """See ``Crew``: two, or one where a node has no more."""
        import ray

        cores = [n["Resources"].get("CPU", 0) for n in ray.nodes() if n["NodeID"] in self.nodes]
        return int(max(1, min([self.cores_per_task, *cores])))

    def run(
        self, tasks: Sequence[T], watch: Watch = UNWATCHED
    ) -> Generator[tuple[T, str | LostError], None, None]:
        """See ``Crew``."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        board = _new_board()
        work = ray.remote(_work).options(
            num_cpus=self.threads(len(tasks)),
            num_gpus=self.gpus,
            max_retries=0,  # counted and told of here
            scheduling_strategy="SPREAD",
        )
        todo = [_Waiting(number) for number in reversed(range(len(tasks)))]
        under_way: dict[Any, _Waiting] = {}
        self._told = {}
        try:
            while todo or under_way:
                while todo and len(under_way) < self.processes(len(tasks)):
                    turn = todo.pop()
                    task = tasks[turn.number]
                    under_way[work.remote(self.place, task, turn, board)] = turn
                finished, _ = ray.wait([*under_way], timeout=_POLL_SECONDS)
                self._tell(board, under_way.values(), watch)
                for reference in finished:
                    turn = under_way.pop(reference)
                    task = tasks[turn.number]
                    try:
                        yield task, ray.get(reference)
                    except RayTaskError as error:
                        raise (error.cause or error) from None
                    except RayError as error:
                        again = self._after_death(task, turn, error, watch)
                        if isinstance(again, LostError):
                            yield task, again
                        else:
                            todo.append(again)
        finally:
            _stop({reference: tasks[turn.number] for reference, turn in under_way.items()})
            ray.kill(board)

    def _after_death(
        self, task: FileTask, turn: _Waiting, error: Exception, watch: Watch
    ) -> _Waiting | LostError:
        """The next attempt at a task, or the error if there were enough."""
        _, node = self._told.pop(turn.number, (0.0, ""))
        place = f" on {self.nodes.get(node, node)}" if node else ""
        reason = _reason(error)
        if turn.attempt >= RETRIES:
            return LostError(
                f"given up: {reason}{place}, {turn.attempt + 1} times", where=task.name
            )
        watch.remark(f"{task.name}: {reason}{place}; started again")
        return _Waiting(turn.number, turn.attempt + 1)

    def _tell(self, board: Any, turns: Any, watch: Watch) -> None:
        """Pass on what is on the board; one that does not answer is asked again later."""
        import ray
        from ray.exceptions import RayError

        try:
            told = ray.get(board.read.remote(), timeout=_ANSWER_SECONDS)
        except RayError:
            return
        attempts = {turn.number: turn.attempt for turn in turns}
        for number, (attempt, share, node) in told.items():
            if attempts.get(number, attempt) == attempt:
                self._told[number] = (share, node)
        if unknown := {node for _, node in self._told.values()} - set(self.nodes):
            self.nodes |= {node: name for node, name in _node_names().items() if node in unknown}
        counts: dict[str, int] = {}
        for number in attempts:
            if number in self._told:
                name = self.nodes.get(self._told[number][1], "?")
                counts[name] = counts.get(name, 0) + 1
        watch.nodes(counts)
        watch.progress(sum(share for share, _ in self._told.values()))


def _reason(error: Exception) -> str:
    """Why a task came to no end, in a few words."""
    from ray.exceptions import NodeDiedError, OutOfMemoryError

    if isinstance(error, OutOfMemoryError):
        return "its worker took more memory than there is"
    if isinstance(error, NodeDiedError) or "node" in str(error).lower()[:200]:
        return "its worker or node died"
    return "its worker died"


def _stop(under_way: Mapping[Any, FileTask]) -> None:
    """Stop tasks, gently first so that they leave nothing half-written."""
    import ray

    if not under_way:
        return
    for reference in under_way:
        ray.cancel(reference)
    _, stubborn = ray.wait([*under_way], num_returns=len(under_way), timeout=_STOP_SECONDS)
    for reference in stubborn:
        ray.cancel(reference, force=True)
    for reference in stubborn:
        under_way[reference].clear()


class _Board:
    """What all tasks write on and the caller reads: how far each is, and on which node."""

    def __init__(self) -> None:
        self.told: dict[int, tuple[int, float, str]] = {}

    def tell(self, number: int, attempt: int, share: float, node: str) -> None:
        self.told[number] = (attempt, share, node)

    def read(self) -> dict[int, tuple[int, float, str]]:
        return self.told


def _new_board() -> Any:
    """A board on the node of the caller, without whom there is nothing to read it for."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    return (
        ray.remote(_Board)
        .options(
            num_cpus=0,
            max_restarts=-1,
            scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=True),
        )
        .remote()
    )


def _work(place: _Place, task: FileTask, turn: _Waiting, board: Any) -> str:
    """What a worker does with a task."""
    import ray

    place.enter()
    if turn.attempt:
        task.clear()
    node = ray.get_runtime_context().get_node_id()
    told = -_REPORT_SECONDS

    def report(share: float) -> None:
        nonlocal told
        if (now := time.monotonic()) >= told + _REPORT_SECONDS or share >= 1:
            told = now
            board.tell.remote(turn.number, turn.attempt, share, node)

    report(0.0)
    try:
        return task.run(report)
    except InputError as error:
        raise InputError(f"{error} (on node {socket.gethostname()})") from error
