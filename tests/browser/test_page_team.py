"""Several reviewers of one match on the page."""

from collections.abc import Callable
from typing import Any

import pytest
from page_server import Found, PageServer
from page_steps import ask, events_of, open_match, saved, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_team_assigns_comments_sees_each_other_and_compares(
    server: PageServer, new_match: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    found = [Found(3, "Goal", 0.9), Found(6, "Foul", 0.8)]
    match = new_match(found, title="Team one")
    page = open_match(open_page(), server, match)
    page.get_by_role("button", name="Details").click()
    page.get_by_label("To be reviewed by").select_option("local")
    page.get_by_role("button", name="Save").click()
    until(page, "!document.querySelector('dialog')")
    page.locator(".event-main").nth(1).click()
    page.get_by_text("Comments", exact=True).click()
    page.get_by_label("Write a comment").fill("Was it one?")
    page.keyboard.press("Enter")
    page.get_by_text("1 comment").first.wait_for()
    page.locator(".comment-rows").get_by_text("Was it one?").wait_for()

    other = open_match(open_page(), server, match)
    other.locator(".event-row", has_text="1 comment").wait_for()
    other.get_by_role("button", name="local looks at Foul 0:06").click()
    until(other, "document.querySelector('.event-row.selected .label')?.textContent === 'Foul'")
    page.goto(f"{server.url}/#/")
    until(other, "!document.querySelector('.present')")
    page.locator(".match-card", has_text="To be reviewed by local").wait_for()
    page.get_by_label("To be reviewed by").select_option("Assigned to nobody")
    until(page, "![...document.querySelectorAll('h2')].some((h) => h.textContent === 'Team one')")

    other.keyboard.press("x")
    saved(other)
    twin = new_match(found, title="Team two")
    for event in events_of(server, twin):
        path = f"/v1/matches/{twin}/events/{event['id']}/accept"
        ask(server, path, "POST", headers={"If-Match": "*"})
    other.get_by_role("tab", name="Classes").click()
    other.get_by_role("button", name="Agreement of reviewers").click()
    other.locator("dialog select").nth(1).select_option(label="Team two")
    other.get_by_text("2 differences").wait_for()
    other.get_by_text("Only Team two keeps it").first.wait_for()
