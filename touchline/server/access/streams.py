"""How many streams of progress each client has open."""

from collections import Counter


class OpenStreams:
    """Counts the open streams of each client. Used by the event loop alone, so it needs no lock.

    Args:
        most: that one client may have.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def take(self, client: str) -> bool:
        """Count one more stream; False if the client has as many as it may."""
        if self._open[client] >= self._most:
            return False
        self._open[client] += 1
        return True

    def give_back(self, client: str) -> None:
        """A stream has ended."""
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]
