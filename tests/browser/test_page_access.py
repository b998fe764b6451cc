"""Who may do what on the page; that all can use it; how it looks on each screen."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SECONDS
from extras import needs_file
from page_server import Found, PageServer, seed_match, serving, spread
from page_steps import ask, open_match, saved, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OpenPage = Callable[..., Any]

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse battery"
SCREENS = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def guarded_server(tmp_path: Path, numbered_video: Path) -> Iterator[PageServer]:
    """With an admin and a viewer, and one match."""
    seed_match(tmp_path / "data", numbered_video, SECONDS, spread(5, SECONDS))
    with serving(tmp_path / "data") as running:
        yield running


def log_in(page: Any, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_passwords_roles_and_links(guarded_server: PageServer, open_page: OpenPage) -> None:
    server = guarded_server
    page = open_page(f"{server.url}/#/settings")
    page.get_by_text("There are no users yet").wait_for()
    users = page.locator("section", has=page.get_by_role("heading", name="Users"))
    users.get_by_label("Name").fill("ada")
    users.get_by_label("New password").fill(PASSWORD)
    users.get_by_role("button", name="Add a user").click()
    page.get_by_text("You are logged in as ada").wait_for()
    assert page.get_by_text("send a token").count() == 0
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in").wait_for()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("wrong name or password").wait_for()
    log_in(page, "ada")
    users.get_by_label("Name").fill("vic")
    users.get_by_label("New password").fill(PASSWORD)
    users.locator("form").get_by_label("Role").select_option("viewer")
    users.get_by_role("button", name="Add a user").click()
    page.get_by_role("cell", name="vic", exact=True).wait_for()
    tokens = page.locator("section", has=page.get_by_role("heading", name="Tokens"))
    tokens.get_by_label("Name").fill("newsroom")
    tokens.get_by_role("button", name="Make a token").click()
    page.get_by_text("shown only once").wait_for()

    page.goto(f"{server.url}/#/")
    page.get_by_role("link", name="North - South").click()
    page.locator(".event-row").first.wait_for()
    page.keyboard.press("a")
    page.keyboard.press("a")
    saved(page)  # with CSRF
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link", exact=True).input_value()

    guest = open_page(link)
    guest.locator(".event-row").first.wait_for()
    until(guest, "document.querySelector('video').readyState >= 2")
    assert guest.get_by_role("button", name="Undo").count() == 0
    guest.keyboard.press("3")
    guest.keyboard.press("Delete")
    guest.wait_for_timeout(500)
    assert guest.locator(".event-row").count() == 5

    viewer = open_page(server.url)
    log_in(viewer, "vic")
    viewer.get_by_role("link", name="North - South").wait_for()
    assert viewer.get_by_text("Drop match videos").count() == 0
    viewer.get_by_role("link", name="Settings").click()
    viewer.get_by_text("Only admins may change these").wait_for()
    viewer.get_by_role("button", name="Log out").click()
    viewer.get_by_role("button", name="Log in").wait_for()


TOUCHED = (".review-head button", ".controls button", ".tabs button", ".statuses button",
           ".event-row .icon-only", ".bulk button", ".top button")  # fmt: skip


def test_on_a_phone_fingers_find_what_they_press(
    guarded_server: PageServer, open_page: OpenPage
) -> None:
    """The page of somebody who is logged in is as wide as the phone, and its controls are 44 high,
    by the 43 that rounding leaves."""
    server = guarded_server
    ask(server, "/v1/users", "POST", {"name": "ada", "password": PASSWORD, "role": "admin"})
    phone = {"viewport": SCREENS["phone"], "has_touch": True, "is_mobile": True}
    page = open_page(server.url, **phone)
    log_in(page, "ada")
    page.locator(".match-card h2 a").click()
    page.locator(".event-row").first.wait_for()
    assert page.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [390, 390]
    small = page.evaluate(
        """(touched) => [...document.querySelectorAll(touched)]
            .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43)
            .map((one) => one.outerHTML.slice(0, 100))""",
        ", ".join(TOUCHED),
    )
    assert small == []
    # All buttons stay in one row, whatever is said of what is saved.
    rows = """() => new Set([...document.querySelectorAll(".review-head button")]
        .filter((one) => one.checkVisibility()).map((one) => one.offsetTop)).size"""
    page.context.set_offline(True)
    page.locator(".event-row .icon-only").first.click()
    page.get_by_text("kept here until the server is back").wait_for()
    assert page.evaluate(rows) == 1
    page.context.set_offline(False)
    saved(page)


def test_settings_and_default_model(guarded_server: PageServer, open_page: OpenPage) -> None:
    page = open_page(f"{guarded_server.url}/#/settings")
    page.get_by_label("Delete matches after").fill("30")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert ask(guarded_server, "/v1/settings")["retention_days"] == 30
    page.get_by_role("link", name="Models").click()
    page.get_by_role("heading", name="demo").wait_for()
    page.get_by_text("Used for new matches").wait_for()
    assert page.get_by_text("Licence of the weights").count() >= 1


FOUND = [
    Found(1.2, "Kick-off", 0.97, "accepted", half=1), Found(3.2, "Foul", 0.62),
    Found(4.9, "Goal", 0.93, "accepted", team="home", note="One-two at the edge of the box"),
    Found(6.1, "Kick-off", 0.9), Found(8.8, "Corner", 0.71, team="away"),
    Found(10.4, "Shots off target", 0.44), Found(11.7, "Yellow card", 0.31, "rejected"),
    Found(13.0, "Throw-in", 0.55), Found(15.2, "Ball out of play", 0.83),
    Found(17.3, "Shots on target", 0.5), Found(18.9, "Substitution", 1.0, "accepted", "person"),
]  # fmt: skip
RAN_LINE = "read by score bug, sound, cuts and replays; network demo"


@pytest.fixture(scope="module")
def full_server(tmp_path_factory: pytest.TempPathFactory, numbered_video: Path) -> Iterator[Any]:
    data = tmp_path_factory.mktemp("full")
    empty = tmp_path_factory.mktemp("empty")
    match = seed_match(data, numbered_video, SECONDS, FOUND, ran=RAN_LINE)
    seed_match(data, numbered_video, SECONDS, spread(30, SECONDS), title="Lakeside v Old Town")
    with serving(data) as running, serving(empty) as bare:
        ask(running, f"/v1/matches/{match}/reels", "POST", {"seconds": 10, "title": "Highlights"})
        clips = [{"match": match, "start": start, "end": start + 4} for start in (1, 6)]
        ask(running, "/v1/playlists", "POST", {"title": "Corners", "clips": clips})
        window = {
            "buttons": [{"name": "Corner", "key": "C", "asks": ["Side"]}],
            "groups": [{"name": "Side", "options": ["Left", "Right"]}],
        }
        ask(running, "/v1/code-windows", "POST", {"title": "Set pieces", "window": window})
        yield running, bare, match


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", list(SCREENS))
def test_views_are_accessible(
    full_server: Any, open_page: OpenPage, scheme: str, screen: str
) -> None:
    server, bare, match = full_server
    page = open_page(viewport=SCREENS[screen], color_scheme=scheme, bypass_csp=True)
    look = Look(page, f"{screen}-{scheme}")
    page.goto(bare.url)
    page.get_by_text("No match here yet").wait_for()
    look("empty")
    page.goto(server.url)
    page.get_by_text("30 events").wait_for()
    look("library")
    named = [{"name": f"{half}.mp4", "mimeType": "video/mp4", "buffer": b"-"} for half in (1, 2)]
    page.set_input_files("input[type=file]", named)
    page.get_by_role("dialog").wait_for()
    look("halves")
    page.keyboard.press("Escape")
    open_match(page, server, match)
    page.locator(".event-main").nth(2).click()
    page.wait_for_selector("event-inspector textarea")
    page.keyboard.press("k")
    assert page.get_by_text(RAN_LINE).is_visible()
    look("match")
    page.get_by_role("button", name="Details").click()
    look("details")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Classes").click()
    look("classes")
    page.get_by_role("button", name="Playing and tagging").click()
    look("habits")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Agreement of reviewers").click()
    page.locator(".figures").wait_for()
    look("agreement")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Tagging").click()
    page.get_by_label("Code window", exact=True).select_option("Set pieces")
    page.keyboard.press("c")
    page.locator(".code-ask").wait_for()
    look("tagging")
    page.get_by_label("Arrange the code window").click()
    look("code-window")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Reel").click()
    page.locator(".clip-row").first.wait_for()
    page.get_by_role("button", name="Edit clip").first.click()
    look("reel")
    page.locator("reel-panel details > summary").evaluate_all(
        "all => all.map((one) => one.click())"
    )
    look("reel-options")
    page.get_by_role("button", name="Show and change keys").click()
    page.get_by_role("dialog").wait_for()
    look("keys")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Files", exact=True).click()
    page.get_by_role("dialog").wait_for()
    look("files")
    page.keyboard.press("Escape")
    page.goto(f"{server.url}/#/playlists")
    page.get_by_role("link", name="Corners").click()
    page.locator(".playlist-main").first.wait_for()
    page.get_by_text("events found").wait_for()
    look("playlist")
    page.goto(f"{server.url}/#/models")
    page.get_by_role("heading", name="demo").wait_for()
    look("models")
    page.goto(f"{server.url}/#/settings")
    page.get_by_role("heading", name="Users").wait_for()
    page.get_by_role("heading", name="Audit log").wait_for()
    look("settings")
    assert not look.findings, "\n".join(look.findings)


class Look:
    """Checks a view with axe-core, and keeps a picture of it where the environment names a folder.

    ``findings`` has every rule that is broken badly, and every view that is too wide.
    """

    def __init__(self, page: Any, name: str) -> None:
        self.page = page
        self.name = name
        self.findings: list[str] = []
        self.folder = os.environ.get("TOUCHLINE_SCREENSHOTS")

    def __call__(self, view: str) -> None:
        self.page.wait_for_timeout(250)
        if self.folder:
            self.page.screenshot(path=Path(self.folder) / f"{view}-{self.name}.png")
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
            self.findings.append(f"{view}: wider than the screen")
        self.page.evaluate(needs_file(AXE, "npm ci").read_text())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
        for rule in found["violations"]:
            for node in rule["nodes"][:3]:
                if rule["impact"] in ("serious", "critical", "moderate"):
                    output = re.sub(r"\s+", " ", node["failureSummary"])[:160]
                    self.findings.append(f"{view}: {rule['id']} {node['html'][:120]} {output}")


def test_the_match_page_by_keyboard_alone(full_server: Any, open_page: OpenPage) -> None:
    """Every control is reached by Tab, in an order that follows the page."""
    server, _, match = full_server
    page = open_match(open_page(), server, match)
    reached = []
    for _ in range(70):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                  const one = document.activeElement;
                  return one.getAttribute("aria-label") || one.textContent.trim().slice(0, 40);
                }"""
            )
        )
    for name in ("Library", "Details", "Play or pause", "Speed", "Zoom in", "Timeline", "Events"):
        assert any(name in one for one in reached), (name, reached)
    page.locator("#tab-events").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#panel-classes").is_visible()
    for panel in ("tagging", "reel"):
        page.keyboard.press("ArrowRight")
        assert page.locator(f"#panel-{panel}").is_visible()
