"""What runs tasks: processes of this machine, or the nodes of a Ray cluster.

Every task writes files, on a file system that all nodes share, and keeps what is there already.
So whatever was stopped continues with the same call.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from touchline.errors import InputError
from touchline.runtime.processes import Task, available_cores, idle_cores, run_tasks
from touchline.runtime.progress import Remark, no_remark

AUTO = "auto"
"""The address of the cluster of RAY_ADDRESS, of the one on this machine, or of a new one."""

LOCAL = "local"
"""The address of a new cluster on this machine alone, which ends with the call."""

CORES_PER_TASK = 2

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class LostError(InputError):
    """A task whose worker died every time it was started."""


class FileTask(Task[R_co], Protocol[R_co]):
    """Work that writes files, and that can be started again.

    Attributes:
        name: what it works on, for messages.
    """

    @property
    def name(self) -> str: ...

    def clear(self) -> None:
        """Remove what was left half-written where it was killed."""
        ...


@dataclass(frozen=True)
class Observer:
    """What is called while tasks run.

    Attributes:
        progress: called now and then with the sum of what the tasks have reported.
        nodes: called with the number of running tasks by node name.
        remark: called with a line of text, such as that a node died.
    """

    progress: Callable[[float], None] = lambda done: None
    nodes: Callable[[Mapping[str, int]], None] = lambda counts: None
    remark: Remark = no_remark


NO_OBSERVER = Observer()


@dataclass(frozen=True)
class Share:
    """What each of several tasks may take of the machine that runs it.

    Attributes:
        threads: of networks; None for all.
        processes: over which it may spread, with these threads between them.
    """

    threads: int | None
    processes: int = 1


class Executor(Protocol):
    """Runs tasks: in processes of this machine, or on the nodes of a cluster.

    Attributes:
        is_local: whether it is this machine, so that what a task needs can be checked first.
    """

    is_local: bool

    def processes(self, tasks: int) -> int:
        """How many processes run this many tasks; 1 is this process, if it is local."""
        ...

    def share(self, tasks: int) -> Share:
        """What each of this many tasks may take."""
        ...

    def run(
        self, tasks: Sequence[FileTask[R]], observer: Observer = NO_OBSERVER
    ) -> Generator[tuple[int, R | LostError], None, None]:
        """Run tasks; when one raises, or the caller stops iterating, the others are stopped.

        Yields:
            the index of each task and its result, in the order in which they finish; or the error
            where its workers died.
        """
        ...


@dataclass(frozen=True)
class LocalExecutor:
    """Local processes; by default one for every two cores, as decoding and network overlap."""

    jobs: int | None = None
    is_local = True

    def processes(self, tasks: int) -> int:
        """See ``Executor``."""
        return max(1, min(self.jobs or available_cores() // CORES_PER_TASK, tasks))

    def share(self, tasks: int) -> Share:
        """See ``Executor``: two processes each where so many are asked for, or else where there are
        the cores for them and more than those of one process are idle."""
        processes = self.processes(tasks)
        threads = None if processes == 1 else max(1, available_cores() // processes)
        if self.jobs is not None:
            has_room = self.jobs >= 2 * processes
        else:
            cores = processes * CORES_PER_TASK
            has_room = available_cores() >= 2 * cores and idle_cores() > cores
        return Share(threads, 2 if has_room else 1)

    def run(
        self, tasks: Sequence[FileTask[R]], observer: Observer = NO_OBSERVER
    ) -> Generator[tuple[int, R | LostError], None, None]:
        """See ``Executor``; a process that is killed ends them all."""
        yield from run_tasks(tasks, self.processes(len(tasks)), observer.progress)


@contextmanager
def open_executor(
    address: str | None,
    *,
    jobs: int | None = None,
    gpus: float = 0.0,
    reads: Sequence[Path] = (),
    writes: Path | None = None,
) -> Iterator[Executor]:
    """The executor that an address names.

    Args:
        address: of a Ray cluster that this machine is part of (``HOST:PORT``, ``auto``,
            ``local``); None for processes of this machine.
        jobs: tasks that run at once, at most.
        gpus: GPUs that each task asks the cluster for; a fraction shares one.
        reads: files and folders that every node must see.
        writes: the folder that the tasks write into, which must be the same for every node.

    Raises:
        MissingExtraError: Ray is not installed. InputError: no cluster answers at the address, or
        a node does not see the files, or has another version.
    """
    if address is None:
        yield LocalExecutor(jobs)
        return
    from touchline.batch.cluster import open_cluster

    with open_cluster(address, jobs=jobs, gpus=gpus, reads=reads, writes=writes) as executor:
        yield executor


def is_address(text: str) -> bool:
    """Whether a word can only be the address of a cluster."""
    host, _, port = text.rpartition(":")
    names_host = bool(host) and port.isdigit() and not {"/", "\\"} & set(text)
    return text in (AUTO, LOCAL) or names_host
