"""What people do on the page, and what the server then knows."""

import json
import time
import urllib.request
from typing import Any

from page_server import PageServer


def ask(
    server: PageServer,
    path: str,
    method: str = "GET",
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """The server's answer to a program."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        server.url + path,
        data,
        {"Content-Type": "application/json"} | (headers or {}),
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def events_of(server: PageServer, match: str) -> list[dict[str, Any]]:
    """All events of a match, in order of time."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = ask(server, f"/v1/matches/{match}/events?limit=1000{cursor}")
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


KEPT = (
    *("time", "label", "confidence", "team", "player", "half", "status", "note", "source"),
    *("clock", "clock_seconds", "score"),
)


def essence(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What events are, without who changed them when."""
    return sorted((tuple(event[name] for name in KEPT) for event in events), key=str)


def open_match(page: Any, server: PageServer, match: str) -> Any:
    """Show a match, with its events."""
    page.goto(f"{server.url}/#/matches/{match}")
    page.locator(".statuses button").first.wait_for()
    return page


def saved(page: Any) -> None:
    """Wait until everything is with the server."""
    page.get_by_text("All saved").wait_for()


def until(page: Any, condition: str, seconds: float = 30) -> None:
    """Wait for a condition in JavaScript, asked from outside: the page itself evaluates none."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never so: {condition}"
        page.wait_for_timeout(50)
