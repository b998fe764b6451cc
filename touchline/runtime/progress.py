"""How work reports on itself while it goes on: the share that is done, steps, remarks."""

from collections.abc import Callable

Progress = Callable[[float], None]
"""Called with the share of the work that is done, 0 to 1."""

StepProgress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""

Remark = Callable[[str], None]
"""Called with one line that the user should read while the work goes on."""


def no_remark(text: str) -> None:
    """A ``Remark`` where nobody reads it."""


def no_progress(done: int, total: int) -> None:
    """A ``StepProgress`` where nobody watches."""
