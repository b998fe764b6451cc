"""Run tasks whose results are files: one that fails stops no other."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Protocol, Self

from touchline.batch.executor import (
    NO_OBSERVER,
    Executor,
    FileTask,
    LostError,
    Observer,
    Share,
)
from touchline.batch.summary import Outcome


class OutcomeTask(FileTask[Outcome], Protocol):
    """The result files of one video, half or game; a bad input is an outcome, not an error."""

    def with_share(self, share: Share) -> Self:
        """The same task, which takes no more than this."""
        ...

    def failed(self, reason: str) -> Outcome:
        """The outcome where it failed."""
        ...

    def release(self) -> None:
        """Free what the tasks of a process share."""
        ...


def run_all(
    tasks: Sequence[OutcomeTask], executor: Executor, observer: Observer = NO_OBSERVER
) -> Iterator[tuple[int, Outcome]]:
    """Run tasks.

    Args:
        observer: each task counts as 1.

    Yields:
        the index of each task and its outcome, in the order in which they finish.

    Raises:
        InputError: what all tasks need is wrong, such as the name of the model.
    """
    share = executor.share(len(tasks))
    tasks = [task.with_share(share) for task in tasks]
    try:
        with closing(executor.run(tasks, observer)) as finished:
            for index, result in finished:
                if isinstance(result, LostError):
                    yield index, tasks[index].failed(str(result))
                else:
                    yield index, result
    finally:
        for task in tasks:
            task.release()
