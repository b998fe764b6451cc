"""Run a producer in a thread of its own, a bounded number of items ahead."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.1


class _End(Generic[T]):
    """The producer has finished, by itself or with an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


@contextmanager
def prefetched(items: Iterable[T], depth: int) -> Iterator[Iterator[T]]:
    """The same items in the same order, produced by a thread at most ``depth`` items ahead.

    An error of the producer is raised where its item would have come. Leaving the context stops
    the thread and waits for it.
    """
    queue: Queue[T | _End[T]] = Queue(maxsize=depth)
    stop = threading.Event()

    def put(item: T | _End[T]) -> None:
        while not stop.is_set():
            try:
                return queue.put(item, timeout=_POLL_SECONDS)
            except Full:
                continue

    def produce() -> None:
        try:
            for item in items:
                if stop.is_set():
                    return
                put(item)
            put(_End())
        except BaseException as error:  # handed to the consumer, who raises it
            put(_End(error))

    def consume() -> Iterator[T]:
        while True:
            item = queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    thread = threading.Thread(target=produce, name="touchline-prefetch", daemon=True)
    thread.start()
    try:
        yield consume()
    finally:
        stop.set()
        thread.join()
