"""Playlists on the page."""

from collections.abc import Callable
from typing import Any

import pytest
from page_server import Found, PageServer
from page_steps import ask, open_match, saved, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def clips_of(server: PageServer, playlist: str) -> list[str]:
    return [clip["label"] for clip in ask(server, f"/v1/playlists/{playlist}")["clips"]]


def test_a_playlist_is_made_ordered_watched_undone_and_shared(
    server: PageServer, new_match: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    one = new_match([Found(3, "Goal", 0.9, player="Zoe"), Found(6, "Foul", 0.8)], title="List one")
    new_match([Found(4, "Corner", 0.7, player="Zoe"), Found(9, "Goal", 0.6)], title="List two")
    page = open_match(open_page(), server, one)
    page.locator(".event-main").nth(1).click()
    page.keyboard.press("Shift+G")
    page.get_by_label("New playlist").fill("Best")
    page.get_by_label("New playlist").press("Enter")
    page.get_by_role("button", name="Open", exact=True).click()
    page.locator(".playlist-row").wait_for()
    playlist = page.url.rpartition("/")[2]
    assert clips_of(server, playlist) == ["Foul"]

    page.get_by_label("Find in all matches").fill("zoe list")
    page.get_by_text("2 events found").wait_for()
    page.get_by_role("button", name="Add all").click()
    page.locator(".playlist-row").nth(2).wait_for()
    saved(page)
    assert clips_of(server, playlist) == ["Foul", "Corner", "Goal"]
    rows = page.locator(".playlist-main")
    rows.nth(2).focus()
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    saved(page)
    assert clips_of(server, playlist) == ["Goal", "Foul", "Corner"]
    page.locator(".playlist-row").nth(2).drag_to(page.locator(".playlist-row").nth(0))
    saved(page)
    until(page, "document.querySelector('.playlist-row .label').textContent === '1. Corner'")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    saved(page)
    until(page, "document.querySelectorAll('.playlist-row .label')[2].textContent === '3. Corner'")
    assert clips_of(server, playlist) == ["Foul", "Goal", "Corner"]

    page.evaluate("(() => { document.querySelector('video').defaultPlaybackRate = 8; })()")
    page.get_by_role("button", name="Play all").click()
    until(page, "document.querySelector('.playlist-caption').textContent.startsWith('2 / 3')")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make a link").click()
    guest = open_page(page.get_by_label("Link", exact=True).input_value())
    guest.locator(".playlist-row").nth(2).wait_for()
    until(guest, "document.querySelector('video').readyState >= 2")
    assert guest.get_by_role("link", name="Library").count() == 0
    assert guest.get_by_role("button", name="Undo").count() == 0

    ask(server, f"/v1/matches/{one}", "DELETE")
    guest.reload()
    guest.get_by_text("2 clips cannot be shown: their matches were deleted (List one).").wait_for()
