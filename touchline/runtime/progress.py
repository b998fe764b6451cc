"""What long work is told to call, so that whoever waits sees how far it is."""

from collections.abc import Callable

Progress = Callable[[float], None]
"""Called with the share of the work that is done, 0 to 1."""

Remark = Callable[[str], None]
"""Called with one line that the user should read while the work goes on."""
