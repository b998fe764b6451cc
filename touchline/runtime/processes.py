"""Tasks spread over processes, with progress; they stop when their results are no longer wanted."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, MutableSequence, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from touchline.errors import InputError
from touchline.runtime.progress import Progress

_POLL_SECONDS = 0.2

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Task(Protocol[R_co]):
    """Work that can be pickled and stopped, and whose result can be pickled."""

    def run(self, progress: Progress, /) -> R_co:
        """Do it; ``progress`` must be called every second or so, and raises to stop it."""
        ...


class KilledError(InputError):
    """A process of a task was ended from outside."""


class StoppedError(Exception):
    """Raised inside a task that is no longer wanted; never leaves this module's processes."""


@dataclass
class _SharedState:
    """Memory that all processes share: how much of each task is done, and whether to stop."""

    done: MutableSequence[float]
    stop: MutableSequence[int]


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def idle_cores() -> float:
    """About how many of these have nothing to do, by the load of the last minute; all of them
    where the system does not tell."""
    cores = available_cores()
    if not hasattr(os, "getloadavg"):
        return cores
    # Nothing says which cores the load lies on.
    return cores * max(0.0, 1 - os.getloadavg()[0] / (os.cpu_count() or cores))


def run_tasks(
    tasks: Sequence[Task[R]], jobs: int, progress: Progress
) -> Generator[tuple[int, R], None, None]:
    """Run tasks in ``jobs`` processes, or in this one for a single job.

    When a task fails, or the caller stops iterating (``close``, Ctrl-C), the others are stopped
    before the error is raised.

    Args:
        progress: called now and then with the sum of what the tasks have reported.

    Yields:
        the index of each task and its result, in the order in which they finish.
    """
    if jobs > 1:
        yield from _run_in_processes(tasks, jobs, progress)
        return
    done = [0.0] * len(tasks)
    for index, task in enumerate(tasks):

        def report(share: float, index: int = index) -> None:
            done[index] = share
            progress(sum(done))

        yield index, task.run(report)


def _run_in_processes(
    tasks: Sequence[Task[R]], jobs: int, progress: Progress
) -> Generator[tuple[int, R], None, None]:
    with _processes(len(tasks), jobs) as (pool, state):
        pending = {pool.submit(_run, index, task): index for index, task in enumerate(tasks)}
        while pending:
            finished, _ = wait(pending, _POLL_SECONDS, FIRST_COMPLETED)
            progress(sum(state.done))
            for future in finished:
                yield pending.pop(future), _result(future)


class Beside(Generic[R]):
    """A task that a process of its own runs while the caller goes on; see ``beside``."""

    def __init__(self, future: Future[R], state: _SharedState) -> None:
        self._future = future
        self._state = state

    @property
    def done(self) -> float:
        """What the task has reported last."""
        return self._state.done[0]

    @property
    def is_over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._future.done()

    def result(self, watch: Callable[[], None]) -> R:
        """Wait for its result.

        Args:
            watch: called several times a second; raises to wait no longer.

        Raises:
            KilledError: its process was killed. Else what the task has raised.
        """
        while wait([self._future], _POLL_SECONDS).not_done:
            watch()
        return _result(self._future)


@contextmanager
def beside(task: Task[R]) -> Iterator[Beside[R]]:
    """Run a task in a process of its own; leaving the context stops it."""
    with _processes(1, 1) as (pool, state):
        yield Beside(pool.submit(_run, 0, task), state)


@contextmanager
def _processes(tasks: int, jobs: int) -> Iterator[tuple[ProcessPoolExecutor, _SharedState]]:
    """Processes for so many tasks, which are stopped in the end."""
    context = multiprocessing.get_context("spawn")
    state = _SharedState(
        done=context.Array("d", tasks, lock=False), stop=context.Array("b", 1, lock=False)
    )
    pool = ProcessPoolExecutor(
        jobs, context, initializer=_initialise_worker, initargs=(state.done, state.stop)
    )
    try:
        yield pool, state
    finally:
        state.stop[0] = 1
        pool.shutdown(cancel_futures=True)


def _result(future: Future[R]) -> R:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise KilledError(
            "a process was killed, perhaps because there was too little memory",
            remedy="use fewer --jobs, or a smaller picture",
        ) from error


_state: _SharedState | None = None


def _initialise_worker(done: MutableSequence[float], stop: MutableSequence[int]) -> None:
    """Prepare a process for its tasks: the parent handles Ctrl-C."""
    global _state
    _state = _SharedState(done, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(index: int, task: Task[R]) -> R:
    state = _state
    if state is None:
        raise RuntimeError("a task was started outside the pool")

    def report(done: float) -> None:
        state.done[index] = done
        if state.stop[0]:
            raise StoppedError

    return task.run(report)
