"""Limits on the requests of each client: buckets of tokens that refill steadily."""

import threading
import time
from collections import OrderedDict

MAX_CLIENTS = 10_000


class RateLimiter:
    """Buckets by client, the least recently seen forgotten first.

    Args:
        per_second: tokens that come back a second.
        burst: tokens that a bucket holds.
    """

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, client: str, cost: float = 1.0) -> float:
        """Take tokens and return 0; if there are too few, take none and return the time to wait."""
        now = time.monotonic()
        with self._lock:
            tokens, seen = self._buckets.pop(client, (self._burst, now))
            tokens = min(self._burst, tokens + (now - seen) * self._per_second)
            missing = cost - tokens
            if missing <= 0:
                tokens -= cost
            self._buckets[client] = (tokens, now)
            if len(self._buckets) > MAX_CLIENTS:
                self._buckets.popitem(last=False)
        return max(0.0, missing / self._per_second)

    def give_back(self, client: str, cost: float = 1.0) -> None:
        """Undo what `wait_seconds` has taken."""
        with self._lock:
            if client in self._buckets:
                tokens, seen = self._buckets[client]
                self._buckets[client] = (min(self._burst, tokens + cost), seen)
