"""Tabs that edit a match at random while connections and the server fail: do they show it?"""

import json
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from page_server import PageServer

from touchline.server.services import Services
from touchline.server.tables import EventRow, MatchRow, ReelRow, VideoRow

TAB = (Path(__file__).parent / "tab.js").read_text()
EVENTS = 8
EDITS = 6
ROUNDS = 2
QUIET_SECONDS = 60
LOOK_SECONDS = 10
"""Within which a tab has seen the changes of another."""

IMPATIENT = {"TOUCHLINE_DATABASE_SECONDS": "0.05"}
"""For the server: a locked database is a fault that shows."""


@dataclass
class Found:
    """What all runs found.

    Attributes:
        differences: where a page was not what the server has, or not what its edits make.
    """

    runs: int = 0
    compared: int = 0
    edits: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def seed_small_match(services: Services) -> str:
    """Put a match with some events and a reel, but without files, into a server; its id."""
    with services.database.write() as session:
        now = services.database.now(session)
        match = MatchRow(
            title="North - South", model="demo", threshold=0.05, state="ready",
            videos=[VideoRow(name="small.mp4", duration_seconds=4.0)],
            created_at=now, updated_at=now, info={"duration_seconds": 4.0},
        )  # fmt: skip
        session.add(match)
        session.flush()
        made = {"created_by": "model", "created_at": now, "updated_by": "model"}
        session.add_all(
            EventRow(
                match_id=match.id, seconds=0.5 * number, label="Goal", confidence=0.5,
                source="model", updated_at=now, **made,
            )
            for number in range(EVENTS)
        )  # fmt: skip
        session.add(
            ReelRow(
                match_id=match.id, title="Best", updated_at=now, **made,
                document={"format": "touchline-reel", "version": 1, "clips": []},
            )
        )  # fmt: skip
        return match.id


@contextmanager
def locked_now_and_then(server: PageServer, seed: int) -> Iterator[None]:
    """Another program that holds the server's database, longer than the server waits."""
    done = threading.Event()

    def hold() -> None:
        chance = random.Random(seed)
        connection = sqlite3.connect(server.data / "touchline.db", isolation_level=None, timeout=30)
        while not done.wait(chance.uniform(1.0, 5.0)):
            connection.execute("BEGIN IMMEDIATE")
            done.wait(chance.uniform(0.05, 0.2))
            connection.execute("ROLLBACK")
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Tabs:
    """Two tabs, of which one or both work on a match."""

    def __init__(self, context: Any, server: PageServer, services: Services, found: Found) -> None:
        self.server = server
        self.services = services
        self.found = found
        self.all = [context.new_page() for _ in range(2)]
        self.pages = self.all
        self.match = seed_small_match(services)
        for page in self.all:
            self._load(page)

    def run(self, seed: int, rate: float, rounds: int = ROUNDS) -> None:
        """One match, from its first edit to the last of so many quiet moments."""
        chance = random.Random(seed)
        self.match = seed_small_match(self.services)
        self.pages = self.all[: 1 + seed % 2]
        for page in self.pages:
            page.evaluate(f"tab.begin('{self.match}', {json.dumps(len(self.pages) == 1)})")
        for turn in range(rounds):
            self.act(1000 * seed + 10 * turn, rate)
            if chance.random() < 0.1:
                self.reload(self.pages[0])
            wrong = list(self.differences())
            self.found.differences += [f"run {seed}, round {turn}, {one}" for one in wrong]
            if wrong:
                break
        for page in self.pages:
            self._count(page)
            page.evaluate("tab.store.stop()")
        self.found.runs += 1

    def _load(self, page: Any) -> None:
        page.goto(f"{self.server.url}/health")
        page.evaluate(TAB, self.match)

    def reload(self, page: Any) -> None:
        """Close the page in the middle of whatever it is sending, and open it."""
        page.evaluate("tab.keep()")
        self._count(page)
        self.found.edits["page loaded anew"] += 1
        self._load(page)

    def _count(self, page: Any) -> None:
        counts = page.evaluate("tab.counts()")
        self.found.edits.update(counts["edits"])
        self.found.faults.update(counts["faults"])
        self.found.refused.update(counts["refused"])

    def act(self, seed: int, rate: float) -> None:
        """Edit in all tabs at once."""
        for place, page in enumerate(self.pages):
            call = f"void (window.acting = tab.act({seed + place}, {EDITS}, {rate}))"
            page.evaluate(call)
        for page in self.pages:
            page.evaluate("window.acting")

    def differences(self) -> Iterator[str]:
        """Wait until all is saved; where a page then differs."""
        for place, page in enumerate(self.pages):
            if not page.evaluate(f"tab.quiet({QUIET_SECONDS})"):
                yield f"tab {place}: not saved after {QUIET_SECONDS} s"
        for place, page in enumerate(self.pages):
            self.found.compared += 1
            if (wrong := page.evaluate(f"tab.wrong({LOOK_SECONDS})")) is not None:
                yield f"tab {place}: {wrong}"
