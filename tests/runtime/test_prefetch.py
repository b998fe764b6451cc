"""Items come in order, a bounded number ahead, and no thread outlives its use."""

import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from touchline.runtime.prefetch import prefetched


def threads_left() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "touchline-prefetch"]


@pytest.mark.parametrize("depth", [1, 3, 1000])
@pytest.mark.parametrize("length", [0, 1, 100])
def test_the_same_items_in_the_same_order(depth, length):
    with prefetched(iter(range(length)), depth) as items:
        assert list(items) == list(range(length))
    assert threads_left() == []


def test_the_producer_runs_no_further_ahead_than_asked():
    produced = 0

    def endless() -> Iterator[int]:
        nonlocal produced
        for item in count(1):
            produced = item
            yield item

    with prefetched(endless(), 4) as items:
        for consumed in items:
            assert produced <= consumed + 5  # four in the queue, one in hand
            if consumed == 200:
                break
    assert threads_left() == []


def test_an_error_of_the_producer_comes_after_the_items_before_it():
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("broken")

    seen = []
    with pytest.raises(ValueError, match="broken"), prefetched(failing(), 8) as items:
        for item in items:
            seen.append(item)
    assert seen == [1, 2]
    assert threads_left() == []


def test_leaving_early_stops_a_producer_that_waits():
    with prefetched(count(), 2) as items:
        next(items)
        time.sleep(0.05)  # until the queue is full
    assert threads_left() == []


def test_an_error_of_the_consumer_stops_the_producer():
    with pytest.raises(RuntimeError), prefetched(count(), 2) as items:
        next(items)
        raise RuntimeError
    assert threads_left() == []
