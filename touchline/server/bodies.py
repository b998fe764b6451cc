"""Bodies of requests that wait in memory: how many bytes, of whom, and what JSON may hold."""

from collections import Counter

MEGABYTE = 1024**2

ANONYMOUS_BYTES = 16 * 1024
"""The largest body of a caller whom the server does not know: a login has a few hundred bytes."""

WAITING_BYTES = 64 * MEGABYTE
"""Bytes of all bodies that are being received or worked on, at least four of the largest."""

WAITING_SHARE = 4
"""One caller may have a quarter of them."""

JSON_ITEMS = 400_000
"""Values that a body of JSON may hold; the list of all parts of the largest upload has fewer."""


class WaitingBodies:
    """Counts the bytes that wait. Used by the event loop alone, so it needs no lock.

    Args:
        most: bytes of all callers together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all = 0
        self._by_caller: Counter[str] = Counter()

    def take(self, caller: str, count: int) -> bool:
        """Count more bytes of a caller; False if they are too many, of theirs or of all."""
        mine = self._by_caller[caller] + count
        if self._all + count > self._most or mine > self._most // WAITING_SHARE:
            return False
        self._all += count
        self._by_caller[caller] = mine
        return True

    def give_back(self, caller: str, count: int) -> None:
        """Bytes wait no longer."""
        self._all -= count
        self._by_caller[caller] -= count
        if self._by_caller[caller] <= 0:
            del self._by_caller[caller]


def holds_too_much(body: bytes) -> bool:
    """Whether JSON has more than ``JSON_ITEMS`` values, told before it is parsed.

    4 MB of ``[],[],`` are 1.4 million lists, and 120 MB of them once they are parsed.
    """
    return sum(body.count(mark) for mark in (b",", b"[", b"{")) > JSON_ITEMS
