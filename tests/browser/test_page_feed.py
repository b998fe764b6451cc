"""A provider's events on the page: placed by the match clock, or told what is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_server import PageServer
from page_steps import events_of, open_match

from touchline.broadcast.result import Broadcast, Half, Reading, write_broadcast
from touchline.server.services import open_services
from touchline.server.settings import ServerSettings

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FEED = "half,minute,second,label,team\n1,0,4,Foul,home\n1,0,9,Goal,away\n2,45,30,Corner,home\n"


def put_reading(data: Path, match: str) -> None:
    """Put down that the video's clock ran from 5 s on."""
    services = open_services(ServerSettings(data=data))
    try:
        path = services.storage.broadcast(match, 1)
    finally:
        services.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    readings = tuple(Reading(5.0 + i, True, 1, float(i)) for i in range(15))
    halves = (Half(1, 5.0, 20.0, 0.0, True),)
    write_broadcast(Broadcast("numbered.mp4", 20.0, halves=halves, readings=readings), path)


def choose_feed(page: Any, path: Path) -> None:
    page.get_by_role("button", name="Files", exact=True).click()
    page.get_by_label("Kind of file").select_option(label="By the match clock")
    page.get_by_label("Add events from a file").set_input_files(path)


def test_a_feed_is_placed_and_what_was_left_out_is_said(
    server: PageServer,
    new_match: Callable[..., str],
    open_page: Callable[..., Any],
    tmp_path: Path,
) -> None:
    match = new_match([])
    feed = tmp_path / "feed.csv"
    feed.write_text(FEED)
    page = open_match(open_page(), server, match)
    choose_feed(page, feed)
    page.get_by_text("enter the kick-offs").wait_for()
    assert events_of(server, match) == []
    put_reading(server.data, match)
    page.get_by_label("Add events from a file").set_input_files(feed)
    page.get_by_text("2 events added").wait_for()
    page.get_by_text("Left out: 1 event of half 2").wait_for()
    placed = [(one["time"], one["label"], one["clock_seconds"]) for one in events_of(server, match)]
    assert placed == [(9.5, "Foul", 4.5), (14.5, "Goal", 9.5)]
