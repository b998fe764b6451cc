"""What a page shows when all is saved is what the server has, whatever failed on the way."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SECONDS
from consistency import IMPATIENT, Found, Tabs, locked_now_and_then
from page_server import PageServer, seed_match, serving, spread
from page_steps import ask, essence, events_of, open_match, saved, until

from touchline.server.services import open_services
from touchline.server.settings import ServerSettings

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RUNS = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    with serving(tmp_path_factory.mktemp("consistency"), environment=IMPATIENT) as running:
        yield running


def test_pages_show_what_the_server_has(server: PageServer, chromium: Any) -> None:
    """Random edits, undos and reloads in one tab or two, while one request in eight fails."""
    found = Found()
    services = open_services(ServerSettings(data=server.data))
    context = chromium.new_context()
    with locked_now_and_then(server, seed=1):
        tabs = Tabs(context, server, services, found)
        for seed in range(RUNS):
            tabs.run(seed, rate=1 / 8, rounds=1)
    context.close()
    services.close()
    assert not found.differences
    assert not found.refused
    assert found.runs == RUNS and found.faults.total() > RUNS


@pytest.fixture
def match(server: PageServer, numbered_video: Path) -> str:
    return seed_match(server.data, numbered_video, SECONDS, spread(12, SECONDS))


def shown(page: Any) -> list[str]:
    rows = page.locator(".statuses .number").all_text_contents()
    return [row.replace(",", "") for row in rows]


def test_undo_after_a_reload_shows_what_the_server_has(
    server: PageServer, match: str, open_page: Callable[..., Any]
) -> None:
    """Undo takes back what an earlier visit did; so does redo, and a reload ends neither."""
    page = open_match(open_page(), server, match)
    until(page, "document.querySelectorAll('.event-row').length === 12")
    for _ in range(11):  # the first goes to the first event
        page.keyboard.press("a")
    saved(page)
    accepted = essence(events_of(server, match))
    page.reload()
    until(page, "document.querySelectorAll('.event-row.accepted').length > 0")
    for _ in range(4):
        page.keyboard.press("Control+z")
    saved(page)
    assert shown(page) == ["12", "6", "6", "0"]
    assert [e["status"] for e in events_of(server, match)].count("accepted") == 6
    page.reload()
    until(page, "document.querySelectorAll('.event-row.accepted').length > 0")
    for _ in range(4):
        page.keyboard.press("Control+Shift+z")
    saved(page)
    assert essence(events_of(server, match)) == accepted
    until(page, "document.querySelector('[data-status=accepted] .number').textContent === '10'")


def test_an_event_is_added_once_though_the_answer_is_lost(
    server: PageServer, match: str, open_page: Callable[..., Any]
) -> None:
    page = open_match(open_page(), server, match)
    lost = []

    def lose(route: Any) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/events", lose)
    page.keyboard.press("3")
    saved(page)
    assert lost == [201]
    assert [e["source"] for e in events_of(server, match)].count("person") == 1


def test_what_cannot_be_saved_stays_in_sight(
    server: PageServer, match: str, open_page: Callable[..., Any]
) -> None:
    """With its reason, over a reload, until it is sent again or given up."""
    page = open_match(open_page(), server, match)
    problem = '{"title": "No", "status": 422, "detail": "the label is odd"}'
    answer = {"status": 422, "content_type": "application/problem+json", "body": problem}
    page.route("**/events/*", lambda route: route.fulfill(**answer))
    page.keyboard.press("a")
    page.keyboard.press("a")
    page.get_by_text("is not saved: the label is odd").wait_for()
    page.get_by_text("1 change is not saved").wait_for()
    page.reload()
    page.get_by_text("is not saved: the label is odd").wait_for()
    page.unroute("**/events/*")
    page.locator(".refused").get_by_role("button", name="Try again").click()
    saved(page)
    assert [e["status"] for e in events_of(server, match)].count("accepted") == 1

    page.route("**/events/*", lambda route: route.fulfill(**answer))
    page.keyboard.press("x")
    page.keyboard.press("x")
    page.get_by_text("is not saved: the label is odd").wait_for()
    page.locator(".refused").get_by_role("button", name="Discard").click()
    saved(page)
    page.locator(".refused").wait_for(state="hidden")
    assert shown(page) == ["12", "11", "1", "0"]


def test_edits_of_a_reel_are_undone_and_redone(
    server: PageServer, match: str, open_page: Callable[..., Any]
) -> None:
    """By the keys that undo edits of events, in the order in which both were made."""
    path = f"/v1/matches/{match}/reels"
    clips = [{"start": 1, "end": 3}, {"start": 5, "end": 8}]
    ask(server, path, "POST", {"title": "Best", "clips": clips})
    page = open_match(open_page(), server, match)
    page.get_by_role("tab", name="Reel").click()
    rows = page.locator(".clip-row")

    def state() -> list[Any]:
        saved(page)
        reels = ask(server, path)["items"]
        facts = [[r["title"], [c["start"] for c in r["reel"]["clips"]]] for r in reels]
        assert rows.count() == sum(len(starts) for _, starts in facts)
        return [facts, essence(events_of(server, match))]

    states = [state()]
    rows.first.get_by_role("button", name="Edit clip").click()
    for edit in (
        lambda: rows.first.get_by_role("button", name="Start later by").click(),
        lambda: page.keyboard.press("3"),
        lambda: rows.first.get_by_role("button", name="Delete clip").click(),
        lambda: page.get_by_role("button", name="Delete reel").click(),
    ):
        edit()
        states.append(state())
    assert states[-1][0] == [] and states[1][0] == [["Best", [1.5, 5]]]
    page.locator("h1").click()
    for before in reversed(states[:-1]):
        page.keyboard.press("Control+z")
        assert state() == before
    page.reload()
    page.locator(".event-row").first.wait_for()
    for after in states[1:]:
        page.keyboard.press("Control+Shift+z")
        assert state() == after


def test_the_page_waits_longer_than_the_server() -> None:
    """Else the page would give up a request that the server is about to answer."""
    api = Path(__file__).parents[2] / "touchline" / "server" / "web" / "lib" / "api.js"
    (page,) = re.findall(r"const TIMEOUT_SECONDS = (\d+);", api.read_text())
    settings = ServerSettings()
    waits = 2 * settings.database_seconds  # for a connection, then for a lock
    assert int(page) > settings.body_seconds + waits
