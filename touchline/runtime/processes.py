"""Tasks spread over processes, with progress, that stop when they are no longer wanted."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, MutableSequence, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Protocol, TypeVar

from touchline.errors import InputError

Report = Callable[[float], None]
"""Called by a task with how much of it is done; raises where the task is to stop."""

_POLL_SECONDS = 0.2


class Task(Protocol):
    """Work that can be pickled and told to stop."""

    def run(self, report: Report) -> str:
        """Do it; ``report`` must be called every second or so."""
        ...


T = TypeVar("T", bound=Task)


class StoppedError(Exception):
    """Raised inside a task that is no longer wanted; never leaves this module's processes."""


@dataclass
class _Board:
    """What all processes see: how much of each task is done, and whether to go on."""

    done: MutableSequence[float]
    stop: MutableSequence[int]


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_tasks(
    tasks: Sequence[T], jobs: int, progress: Callable[[float], None]
) -> Generator[tuple[T, str], None, None]:
    """Run tasks in ``jobs`` processes, or in this one for a single job.

    When a task fails, or the caller stops iterating (``close``, Ctrl-C), the others are stopped
    before the error goes on.

    Args:
        progress: called now and then with the sum of what the tasks have reported.

    Yields:
        each task with its result, in the order in which they finish.
    """
    if jobs > 1:
        yield from _run_in_processes(tasks, jobs, progress)
        return
    done = [0.0] * len(tasks)
    for number, task in enumerate(tasks):

        def report(share: float, number: int = number) -> None:
            done[number] = share
            progress(sum(done))

        yield task, task.run(report)


def _run_in_processes(
    tasks: Sequence[T], jobs: int, progress: Callable[[float], None]
) -> Generator[tuple[T, str], None, None]:
    context = multiprocessing.get_context("spawn")
    board = _Board(
        done=context.Array("d", len(tasks), lock=False), stop=context.Array("b", 1, lock=False)
    )
    pool = ProcessPoolExecutor(jobs, context, initializer=_enter, initargs=(board.done, board.stop))
    try:
        waiting = {pool.submit(_run, number, task): task for number, task in enumerate(tasks)}
        while waiting:
            finished, _ = wait(waiting, _POLL_SECONDS, FIRST_COMPLETED)
            progress(sum(board.done))
            for future in finished:
                yield waiting.pop(future), _result(future)
    finally:
        board.stop[0] = 1
        pool.shutdown(cancel_futures=True)


def _result(future: Future[str]) -> str:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a process was killed, perhaps for want of memory",
            remedy="use fewer --jobs, or a smaller picture",
        ) from error


_board: _Board | None = None


def _enter(done: MutableSequence[float], stop: MutableSequence[int]) -> None:
    """Prepare a process for its tasks: Ctrl-C is the parent's to handle."""
    global _board
    _board = _Board(done, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(number: int, task: Task) -> str:
    board = _board
    if board is None:
        raise RuntimeError("a task was started outside the pool")

    def report(done: float) -> None:
        board.done[number] = done
        if board.stop[0]:
            raise StoppedError

    return task.run(report)
