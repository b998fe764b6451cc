"""A pytest plugin: what passed in one run is left out of the next.

The file that `TOUCHLINE_PASSED_TESTS` names holds the ids of tests that have passed. A run leaves
these out, and adds its own.
"""

import os
from pathlib import Path

import pytest

PASSED = Path(os.environ["TOUCHLINE_PASSED_TESTS"])


def _read() -> set[str]:
    return set(PASSED.read_text("utf-8").splitlines()) if PASSED.exists() else set()


class OnlyOnce:
    """Remembers outcomes; with pytest-xdist in the process that gathers them."""

    def __init__(self) -> None:
        self._passed: set[str] = set()
        self._not_passed: set[str] = set()

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out what has passed."""
        before = _read()
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in before])
        items[:] = [item for item in items if item.nodeid not in before]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a phase of a test: all three have to pass."""
        (self._passed if report.passed else self._not_passed).add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write down what passed."""
        if not hasattr(session.config, "workerinput"):
            passed = _read() | (self._passed - self._not_passed)
            PASSED.write_text("".join(f"{name}\n" for name in sorted(passed)), "utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Register with the run."""
    config.pluginmanager.register(OnlyOnce(), "only-once")
