"""Reviewing a match on the page: by keyboard, with undo, by two people, without a connection."""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from conftest import BITS, SECONDS, SIZE
from room_server import LABELS, Found, RoomServer, spread
from room_steps import ask, essence, events_of, open_match, saved, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NewMatch = Callable[..., str]
OpenPage = Callable[..., Any]

HOSTILE = ("<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script> & " * 9)[:300]


def test_a_hundred_events_take_few_keys(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(spread(100, SECONDS))
    page = open_match(open_page(), server, match)
    presses = 0
    while any(event["status"] == "pending" for event in shown_events(page)):
        page.keyboard.press("a" if presses % 3 else "x")
        presses += 1
        assert presses <= 110
    saved(page)
    statuses = [event["status"] for event in events_of(server, match)]
    assert statuses.count("pending") == 0 and statuses.count("rejected") > 20
    print(f"{presses} key presses for 100 events")


def shown_events(page: Any) -> list[dict[str, str]]:
    counts = page.locator(".statuses button .number").all_text_contents()
    return [{"status": "pending"}] * int(counts[1].replace(",", ""))


def test_every_edit_is_undone_and_redone(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(spread(12, SECONDS))
    page = open_match(open_page(), server, match)
    before = essence(events_of(server, match))
    page.locator(".event-main").nth(4).click()
    page.wait_for_selector("event-inspector textarea")
    edits: list[Callable[[], None]] = [
        lambda: page.keyboard.press("]"),
        lambda: page.keyboard.press("}"),
        lambda: page.keyboard.press("a"),
        lambda: page.keyboard.press("x"),
        lambda: page.keyboard.press("3"),
        lambda: page.keyboard.press("Delete"),
        lambda: page.locator("[data-field=label]").select_option("Penalty"),
        lambda: write(page, "note", "Late <b>tackle</b>"),
        lambda: write(page, "team", "away"),
        lambda: page.get_by_role("button", name="Below (").click(),
    ]
    states = [before]
    for edit in edits:
        edit()
        page.locator("h1").click()
        saved(page)
        states.append(essence(events_of(server, match)))
    same = [place for place, pair in enumerate(pairwise(states)) if pair[0] == pair[1]]
    assert not same, "these edits changed nothing"
    for state in reversed(states[:-1]):
        page.keyboard.press("Control+z")
        saved(page)
        assert essence(events_of(server, match)) == state
    for state in states[1:]:
        page.keyboard.press("Control+Shift+z")
        saved(page)
        assert essence(events_of(server, match)) == state


def write(page: Any, field: str, text: str) -> None:
    place = page.locator(f"event-inspector [data-field={field}]")
    place.fill(text)
    place.blur()


def frame_on_show(page: Any) -> int:
    """The number that the picture on show says."""
    return int(
        page.evaluate(
            """([width, height, bits]) => {
              const canvas = document.createElement("canvas");
              [canvas.width, canvas.height] = [width, height];
              const context = canvas.getContext("2d");
              context.drawImage(document.querySelector("video"), 0, 0, width, height);
              let number = 0;
              for (let bit = 0; bit < bits; bit += 1) {
                const x = Math.floor(((bit + 0.5) * width) / bits);
                if (context.getImageData(x, 30, 1, 1).data[0] > 128) number += 2 ** bit;
              }
              return number;
            }""",
            [*SIZE, BITS],
        )
    )


def code_of(page: Any) -> int:
    """The frame that the page says is on show."""
    text = page.locator(".time-code").text_content().split("/")[0].strip()
    clock, _, frame = text.partition(".")
    minutes, _, seconds = clock.partition(":")
    return (int(minutes) * 60 + int(seconds)) * 25 + int(frame)


def settle(page: Any, frame: int) -> None:
    """Wait until a frame is on show."""
    for _ in range(100):
        if frame_on_show(page) == frame and code_of(page) == frame:
            return
        time.sleep(0.1)
    raise AssertionError(f"{frame_on_show(page)} is on show, {code_of(page)} is told, not {frame}")


def test_frames_are_stepped_exactly(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match([Found(7.44, "Goal", 0.9)])
    page = open_match(open_page(), server, match)
    until(page, "document.querySelector('video').readyState >= 2")
    settle(page, 0)
    for frame in range(1, 31):
        page.keyboard.press("ArrowRight")
        settle(page, frame)
    for frame in range(29, 19, -1):
        page.keyboard.press("ArrowLeft")
        settle(page, frame)
    page.keyboard.press("Shift+ArrowRight")
    settle(page, 45)
    page.keyboard.press("Shift+ArrowLeft")
    settle(page, 20)
    page.keyboard.press("PageDown")
    settle(page, 270)
    page.keyboard.press("6")  # tags the frame on show
    saved(page)
    tagged = [event for event in events_of(server, match) if event["source"] == "person"]
    assert [(event["time"], event["label"]) for event in tagged] == [(10.8, "Shots on target")]


def test_playing_keys(server: RoomServer, new_match: NewMatch, open_page: OpenPage) -> None:
    page = open_match(open_page(), server, new_match([]))
    until(page, "document.querySelector('video').readyState >= 2")
    video = "document.querySelector('video')"
    page.keyboard.press("l")
    until(page, f"!{video}.paused && {video}.playbackRate === 1")
    page.keyboard.press("l")
    until(page, f"{video}.playbackRate === 1.5")
    until(page, f"{video}.currentTime > 2")
    page.keyboard.press("j")
    until(page, f"{video}.paused && {video}.currentTime < 1.8")
    page.keyboard.press("k")
    page.wait_for_timeout(300)
    stopped = page.evaluate(f"{video}.currentTime")
    page.wait_for_timeout(300)
    assert page.evaluate(f"{video}.currentTime") == stopped
    for key, speed in ((",", 1), (",", 0.75), (",", 0.5), (",", 0.25), (",", 0.25), (".", 0.5)):
        page.keyboard.press(key)
        until(page, f"{video}.playbackRate === {speed}")
    page.keyboard.press("b")
    until(page, f"{video}.muted")
    page.keyboard.press(" ")
    until(page, f"!{video}.paused")


def test_looking_keys_and_help(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    page = open_match(open_page(), server, new_match(spread(20, SECONDS)))
    span = "document.querySelector('match-timeline').view.span"
    until(page, f"{span} === 20")
    page.keyboard.press("+")
    until(page, f"{span} === 10")
    for _ in range(8):
        page.keyboard.press("+")
    until(page, f"Math.abs({span} - 24 / 25) < 1e-6")  # down to the frame
    page.keyboard.press("-")
    page.keyboard.press("\\")
    until(page, f"{span} === 20")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator(".event-row.selected").count() == 1
    page.keyboard.press("n")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    until(page, "document.querySelectorAll('.event-row.selected').length === 0")
    page.keyboard.press("/")
    page.keyboard.type("corner a x 3")  # letters in a field are letters
    assert page.get_by_placeholder("Find class").input_value() == "corner a x 3"
    page.get_by_placeholder("Find class").fill("")
    page.locator("h1").click()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Change the key of Goal").click()
    page.keyboard.press("g")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.keyboard.press("g")
    saved(page)
    assert page.locator(".event-row .label", has_text="Goal").count() >= 1
    page.reload()
    page.locator(".event-row").first.wait_for()
    page.keyboard.press("?")
    page.get_by_role("button", name="Change the key of Goal, now G").wait_for()
    page.get_by_role("button", name="As they were at first").click()
    page.get_by_role("button", name="Change the key of Goal, now 3").wait_for()


def test_filters_thresholds_and_bulk(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    found = [
        Found(1, "Goal", 0.9), Found(2, "Goal", 0.2, "rejected"), Found(3, "Goal", 0.6, "accepted"),
        Found(4, "Corner", 0.85, team="home"), Found(5, "Corner", 0.3), Found(6, "Foul", 0.5),
        Found(7, "Foul", 1.0, "accepted", "person"),
    ]  # fmt: skip
    match = new_match(found)
    page = open_match(open_page(), server, match)
    rows = page.locator(".event-row")
    until(page, "document.querySelectorAll('.event-row').length === 7")
    page.locator("[data-status=pending]").click()
    until(page, "document.querySelectorAll('.event-row').length === 4")
    page.locator(".filters summary").click()
    page.locator("[data-filter=order]").select_option("uncertain")
    until(page, "document.querySelector('.event-row .label').textContent === 'Foul'")
    page.locator("[data-filter=team]").select_option("home")
    until(page, "document.querySelectorAll('.event-row').length === 1")
    assert rows.locator(".label").all_text_contents() == ["Corner"]
    page.get_by_role("button", name="Show everything").click()
    page.get_by_role("tab", name="Classes").click()
    page.get_by_label("Least confidence of Goal").fill("0.5")
    goal = page.locator(".class-rows li", has_text="Goal").first
    goal.get_by_text("right 100").wait_for()
    page.get_by_label("Least confidence of Corner").fill("0.5")
    page.get_by_role("tab", name="Events").click()
    until(page, "document.querySelectorAll('.event-row').length === 6")
    page.locator("h1").click()
    page.keyboard.press("Shift+A")  # 80 % and more
    saved(page)
    accepted = {e["time"] for e in events_of(server, match) if e["status"] == "accepted"}
    assert accepted == {1, 3, 4, 7}
    page.keyboard.press("Control+z")
    saved(page)
    accepted = {e["time"] for e in events_of(server, match) if e["status"] == "accepted"}
    assert accepted == {3, 7}


def test_two_people_lose_no_edit(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match([Found(3, "Foul", 0.5), Found(9, "Goal", 0.7)])
    ours, theirs = (open_match(open_page(), server, match) for _ in range(2))
    for page in (ours, theirs):
        page.locator(".event-main").first.click()
        page.wait_for_selector("event-inspector textarea")
    write(ours, "team", "home")
    write(theirs, "player", "9")  # another field of the same event, at the same time
    saved(ours)
    saved(theirs)
    event = events_of(server, match)[0]
    assert (event["team"], event["player"]) == ("home", "9")

    until(ours, "document.querySelector('[data-field=player]').value === '9'")
    page_path = f"/v1/matches/{match}/events/{event['id']}"
    ours.context.set_offline(True)
    write(ours, "note", "mine")
    until(theirs, "document.querySelector('[data-field=team]').value === 'home'")
    write(theirs, "note", "theirs")  # the same field
    saved(theirs)
    ours.context.set_offline(False)
    ours.get_by_role("button", name="Keep mine").click()
    saved(ours)
    assert ask(server, page_path)["note"] == "mine"
    until(theirs, "document.querySelector('[data-field=note]').value === 'mine'")

    ours.locator("h1").click()
    ours.keyboard.press("Delete")
    saved(ours)
    until(theirs, "document.querySelectorAll('.event-row').length === 1")


def test_edits_survive_a_server_restart_and_a_closed_tab(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(spread(6, SECONDS))
    page = open_match(open_page(), server, match)
    server.stop()
    page.keyboard.press("a")
    for _ in range(3):
        page.keyboard.press("a")
    page.get_by_text("changes kept here").wait_for()
    page.get_by_text("The server cannot be reached. What you do is kept").wait_for()
    server.start()
    saved(page)
    assert [e["status"] for e in events_of(server, match)] == ["accepted"] * 3 + ["pending"] * 3

    server.stop()
    page.keyboard.press("x")
    page.get_by_text("1 change kept here").wait_for()
    context = page.context
    page.close()
    server.start()
    again = open_match(open_page(context=context), server, match)
    saved(again)
    until(again, "document.querySelector('[data-status=rejected] .number').textContent === '1'")
    assert [e["status"] for e in events_of(server, match)].count("rejected") == 1


def test_a_deleted_match_is_said(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(spread(3, SECONDS))
    page = open_match(open_page(), server, match)
    ask(server, f"/v1/matches/{match}", "DELETE")
    page.keyboard.press("3")
    page.get_by_role("dialog", name="The match is gone").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Keep the events").click()
    assert b"North - South" in download.value.path().read_bytes()
    page.get_by_role("dialog").get_by_role("link", name="Library").click()
    page.get_by_text("Drop match videos here").wait_for()
    page.goto(f"{server.url}/#/matches/{match}")
    page.get_by_text("There is no such match").wait_for()


def test_a_video_that_cannot_be_played_is_said(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(spread(3, SECONDS))
    (server.data / "matches" / match / "proxy.mp4").write_bytes(b"no video " * 400)
    page = open_match(open_page(), server, match)
    page.get_by_text("This browser cannot play the video").wait_for()
    page.keyboard.press("a")
    page.keyboard.press("a")
    saved(page)
    assert [e["status"] for e in events_of(server, match)].count("accepted") == 1


def test_ten_thousand_events_and_a_hostile_label(
    server: RoomServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    found = [*spread(10_000, SECONDS), Found(0.1, HOSTILE, 0.99, note=HOSTILE)]
    match = new_match(found, labels=[HOSTILE, *LABELS], title=HOSTILE)
    page = open_match(open_page(), server, match)
    page.get_by_text("10,001 of 10,001").wait_for()
    assert page.locator(".event-row").count() < 60  # only what is in sight is there
    page.locator(".event-main").first.click()
    page.get_by_role("tab", name="Classes").click()
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    assert page.title() == f"{HOSTILE} · touchline"
    assert page.locator("img[src=x]").count() == 0
    page.get_by_role("tab", name="Events").click()
    page.locator("h1").click()
    page.keyboard.press("a")
    saved(page)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide
