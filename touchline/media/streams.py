"""An iterator over what is read from a file, which closes the file when it is done."""

from collections.abc import Callable, Generator
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")


class Stream(Generic[Item]):
    """Gives items while their file is open.

    The file is closed after the last item, at an error, by `close`, and at the end of a ``with``
    block.

    Args:
        items: what to give.
        close_file: closes what the items come from; may be called more than once.
    """

    def __init__(self, items: Generator[Item, None, None], close_file: Callable[[], None]) -> None:
        self._items = items
        self._close_file = close_file

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        try:
            return next(self._items)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the stream gives no more items."""
        self._items.close()
        self._close_file()
