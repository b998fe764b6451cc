"""A cache of answers."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

MAX_BYTES = 16 * 1024**2


class AnswerCache:
    """The most recently requested answers, up to a number of bytes.

    Keys hold the version of what was answered, so an entry never becomes wrong; it is only no
    longer requested.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> bytes | None:
        """The answer, if it is still in the cache."""
        with self._lock:
            if key not in self._answers:
                return None
            self._answers.move_to_end(key)
            return self._answers[key]

    def put(self, key: Hashable, answer: bytes) -> None:
        """Keep an answer, and drop those that were not requested for the longest time."""
        with self._lock:
            self._bytes += len(answer) - len(self._answers.get(key, b""))
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while self._bytes > self._max_bytes:
                _, gone = self._answers.popitem(last=False)
                self._bytes -= len(gone)
