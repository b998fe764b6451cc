"""Matches come in, are found again and go: broken uploads, restarts, deletion, the first visit."""

import hashlib
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SECONDS
from page_server import Found, PageServer, seed_match, serving, spread
from page_steps import ask, until

from touchline.server.jobs.types.analysis import AnalysePayload
from touchline.server.services import open_services
from touchline.server.settings import ServerSettings
from touchline.server.tables import MatchRow

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OpenPage = Callable[..., Any]

PADDED_BYTES = 40_000_000
UPLOAD_BYTES_PER_SECOND = 6_000_000


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[PageServer]:
    with serving(tmp_path / "data") as running:
        yield running


@pytest.fixture(scope="session")
def large_video(numbered_video: Path) -> Path:
    """A video that takes a while to send: its file holds a large free box at the end."""
    path = numbered_video.with_name("large match.mp4")
    data = numbered_video.read_bytes()
    length = PADDED_BYTES - len(data)
    noise = hashlib.shake_128(b"free").digest(length - 8)
    path.write_bytes(data + struct.pack(">I4s", length, b"free") + noise)
    return path


def slow_down(page: Any) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False, "latency": 5, "downloadThroughput": -1,
            "uploadThroughput": UPLOAD_BYTES_PER_SECOND,
        },
    )  # fmt: skip


def received(server: PageServer) -> int:
    """Bytes of the one upload that the server has."""
    return sum(path.stat().st_size for path in server.data.glob("uploads/*/original.bin"))


def test_an_upload_survives_a_restart_and_a_reload(
    empty_server: PageServer, open_page: OpenPage, large_video: Path
) -> None:
    server = empty_server
    page = open_page(server.url)
    page.get_by_text("No match here yet").wait_for()
    slow_down(page)
    page.set_input_files("input[type=file]", large_video)
    page.get_by_text("MB/s").wait_for()
    page.get_by_text("left", exact=False).first.wait_for()
    until(page, "document.querySelector('.upload progress').value > 8e6")
    server.stop()  # the connection breaks in the middle
    page.get_by_text("The upload continues when it is back").wait_for()
    kept = received(server)
    tab = open_page(context=page.context)
    server.start()
    tab.goto(server.url)
    tab.get_by_text("Another tab is uploading it").wait_for()
    tab.close()
    until(page, "document.querySelector('.upload progress').value > 22e6")

    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_text("Choose the file again to continue from here").wait_for()
    until(page, "document.querySelector('.upload progress').value > 15e6")
    assert received(server) >= kept
    slow_down(page)
    page.set_input_files("input[type=file]", large_video)
    page.locator(".match-card").wait_for(timeout=60_000)
    page.get_by_text("Choose the file again").wait_for(state="hidden")
    files = list(server.data.glob("uploads/*/original.bin"))
    assert [path.read_bytes() for path in files] == [large_video.read_bytes()]
    assert page.locator(".match-card h2").text_content() == "large match"


def test_what_is_no_video_is_refused(empty_server: PageServer, open_page: OpenPage) -> None:
    page = open_page(empty_server.url)
    page.get_by_text("No match here yet").wait_for()
    until(page, "document.querySelector('input[type=file]').accept !== ''")
    files = [
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no match"},
        {"name": "nothing.mp4", "mimeType": "video/mp4", "buffer": b""},
    ]
    page.set_input_files("input[type=file]", files)
    page.get_by_text("notes.txt is not a supported kind of video").wait_for()
    page.get_by_text("nothing.mp4 is empty").wait_for()
    assert not list(empty_server.data.glob("uploads/*"))


def test_two_halves_become_one_match(
    empty_server: PageServer, open_page: OpenPage, numbered_video: Path
) -> None:
    server = empty_server
    page = open_page(server.url)
    page.get_by_text("No match here yet").wait_for()
    content = numbered_video.read_bytes()
    names = ("2_720p.mp4", "1_720p.mp4")
    page.set_input_files(
        "input[type=file]",
        [{"name": name, "mimeType": "video/mp4", "buffer": content} for name in names],
    )
    page.get_by_text("Half 1: 1_720p.mp4").wait_for()
    page.get_by_role("button", name="Halves of one match").click()
    page.locator(".match-card").wait_for()
    page.locator(".upload").first.wait_for(state="hidden")
    wait_for_matches(server, 1)
    videos = ask(server, "/v1/matches")["items"][0]["videos"]
    assert [(one["half"], one["name"]) for one in videos] == [(1, "1_720p.mp4"), (2, "2_720p.mp4")]


def test_search_sort_and_delete_with_undo(
    empty_server: PageServer, open_page: OpenPage, numbered_video: Path
) -> None:
    server = empty_server
    for title, count in (("Alpha 10", 3), ("Beta <b>2</b>", 0), ("Alpha 2", 5)):
        seed_match(server.data, numbered_video, 20, spread(count, 20), title=title)
    page = open_page(server.url)
    titles = page.locator(".match-card h2")
    page.get_by_text("5 events · 5 to review").wait_for()
    assert titles.all_text_contents() == ["Alpha 2", "Beta <b>2</b>", "Alpha 10"]
    page.get_by_label("Sort").select_option("title")
    assert titles.all_text_contents() == ["Alpha 2", "Alpha 10", "Beta <b>2</b>"]
    page.get_by_placeholder("Search matches").fill("alpha")
    page.get_by_text("2 matches").wait_for()
    page.get_by_placeholder("Search matches").fill("gamma")
    page.get_by_text("No match has “gamma” in its title").wait_for()
    page.get_by_placeholder("Search matches").fill("")

    page.get_by_role("button", name="Delete Alpha 10").click()
    page.get_by_text("2 matches").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("3 matches").wait_for()
    assert len(ask(server, "/v1/matches")["items"]) == 3
    page.get_by_role("button", name="Delete Alpha 10").click()
    page.get_by_role("button", name="Close").click()
    until(page, "document.querySelectorAll('.match-card').length === 2")
    wait_for_matches(server, 2)
    page.get_by_role("button", name="Delete Alpha 2").click()
    page.goto("about:blank")  # leaving does not keep it
    wait_for_matches(server, 1)


def wait_for_matches(server: PageServer, count: int) -> None:
    """The page shows what was asked for before the server has answered."""
    ended = time.monotonic() + 20
    while len(ask(server, "/v1/matches")["items"]) != count:
        assert time.monotonic() < ended, f"the server never had {count} matches"
        time.sleep(0.1)


def test_the_library_shows_and_filters_by_teams_and_review(
    empty_server: PageServer, open_page: OpenPage, numbered_video: Path
) -> None:
    server = empty_server
    done = [Found(3, "Goal", 0.9, "accepted", team="home"), Found(5, "Foul", 0.4, "rejected")]
    ids = [
        seed_match(server.data, numbered_video, SECONDS, found, title=title)
        for title, found in (("First", done), ("Second", spread(4, SECONDS)))
    ]
    games = ({"home": "Ajax", "away": "Utrecht"}, {"home": "Ajax", "away": "Feyenoord"})
    for match, game in zip(ids, games, strict=True):
        ask(server, f"/v1/matches/{match}", "PATCH", {"game": game}, {"If-Match": "*"})
    event = ask(server, f"/v1/matches/{ids[1]}/events")["items"][0]
    review = {"status": "accepted", "ids": [event["id"]]}
    ask(server, f"/v1/matches/{ids[1]}/review", "POST", review)
    page = open_page(server.url)
    titles = page.locator(".match-card h2")
    first, second = (page.locator(".match-card", has_text=one) for one in ("Utrecht", "Feyenoord"))
    first.get_by_text("1-0").wait_for()
    first.get_by_text("100 % reviewed".replace(" ", "\N{NARROW NO-BREAK SPACE}", 1)).wait_for()
    second.get_by_text("reviewed by local").wait_for()
    page.get_by_label("State", exact=True).select_option("review")
    until(page, "document.querySelectorAll('.match-card').length === 1")
    assert titles.all_text_contents() == ["Second"]
    page.get_by_label("Team").select_option("Utrecht")
    page.get_by_text("No match fits these filters.").wait_for()
    page.get_by_label("State", exact=True).select_option("")
    until(page, "document.querySelectorAll('.match-card').length === 1")
    assert titles.all_text_contents() == ["First"]
    page.get_by_label("Team").select_option("")
    page.get_by_label("Reviewer").select_option("local")
    until(page, "document.querySelector('.match-card h2').textContent === 'Second'")
    page.get_by_label("Reviewer").select_option("")
    page.get_by_placeholder("Search matches").fill("utrecht")
    until(page, "document.querySelector('.match-card h2').textContent === 'First'")


def test_the_card_of_a_match_at_work(
    empty_server: PageServer, open_page: OpenPage, numbered_video: Path
) -> None:
    """Its bar and words have the width of the card, and its state is that of its job."""
    server = empty_server
    match = seed_match(server.data, numbered_video, SECONDS, [], title="North - South")
    services = open_services(ServerSettings(data=server.data))
    try:
        with services.database.write() as session:
            session.get_one(MatchRow, match).state = "waiting"
            services.queue.add(session, AnalysePayload(match=match), match_id=match)
        page = open_page(server.url)
        card = page.locator(".match-card")
        card.locator(".state", has_text="Waiting").wait_for()
        lease = services.queue.claim("a worker")
        assert lease is not None
        services.queue.beat(lease, "proxy", {"proxy": 0.8}, 0.4)
        card.locator(".state", has_text="In progress").wait_for()
        card.get_by_text("Preparing playback · 40").wait_for()
        wide = "document.querySelector('.match-card progress').offsetWidth"
        until(page, f"{wide} > 0.8 * document.querySelector('.match-card').offsetWidth")
        until(page, "document.querySelector('.match-card .state').offsetHeight < 30")
        cancel = card.get_by_role("button", name="Cancel")
        cancel.focus()
        services.queue.beat(lease, "proxy", {"proxy": 0.9}, 0.45)
        card.get_by_text("Preparing playback · 45").wait_for()
        assert cancel.evaluate("button => button === document.activeElement")
        cancel.click()
        card.locator(".state", has_text="Cancelled").wait_for()
        assert card.locator(".problem").count() == 0
    finally:
        services.close()


def test_the_sample_match_in_one_click(tmp_path: Path, open_page: OpenPage) -> None:
    with serving(tmp_path / "data", workers=1) as server:
        page = open_page(server.url)
        page.get_by_role("button", name="Try a sample match").click()
        page.locator(".match-card").wait_for()
        page.get_by_text("Simulating the match").wait_for(timeout=60_000)
        page.get_by_role("link", name="Sample match").click()
        page.locator(".statuses").wait_for(timeout=560_000)
        until(page, "document.querySelectorAll('.event-row').length > 3")
        until(page, "document.querySelector('video').readyState >= 2")
