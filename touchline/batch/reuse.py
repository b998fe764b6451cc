"""One thing that several tasks of a process share, such as a network."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What has to be closed when it is no longer used."""

    def close(self) -> None: ...


K = TypeVar("K")
V = TypeVar("V", bound=Closable)


class LastOpened(Generic[K, V]):
    """Keeps the last thing opened, so that one network at a time is in memory."""

    def __init__(self, open_one: Callable[[K], V]) -> None:
        self._open = open_one
        self._kept: tuple[K, V] | None = None

    def __call__(self, key: K) -> V:
        """The thing of this key, opened if another one is kept."""
        if self._kept is None or self._kept[0] != key:
            self.close()
            self._kept = key, self._open(key)
        return self._kept[1]

    def close(self) -> None:
        """Close the thing, if there is one."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept[1].close()
