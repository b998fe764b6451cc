"""Reviewing a match on the page: by keyboard, with undo, by two people, without a connection."""

import ast
import json
import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import BITS, SECONDS, SIZE
from page_server import LABELS, Found, PageServer, spread
from page_steps import ask, essence, events_of, open_match, saved, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NewMatch = Callable[..., str]
OpenPage = Callable[..., Any]

WEB = Path(__file__).parents[2] / "touchline" / "server" / "web"
HOSTILE = ("<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script> & " * 9)[:300]


def test_a_hundred_events_take_few_keys(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(spread(100, SECONDS))
    page = open_match(open_page(), server, match)
    page.keyboard.press("a")  # goes to the first
    presses = 1
    number = "document.querySelector('[data-status=pending] .number').textContent"
    while int(page.evaluate(number)):
        for _ in range(10):
            page.keyboard.press("a" if presses % 3 else "x")
            presses += 1
        until(page, f"{number} === '{101 - presses}'")
    assert presses <= 110
    saved(page)
    statuses = [event["status"] for event in events_of(server, match)]
    assert statuses.count("pending") == 0 and statuses.count("rejected") > 20
    print(f"{presses} key presses for 100 events")


def test_every_edit_is_undone_and_redone(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
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
        lambda: page.get_by_role("button", name=re.compile(r"^Reject \d+ below 80")).click(),
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
    for _ in range(500):
        if frame_on_show(page) == frame and code_of(page) == frame:
            return
        time.sleep(0.02)
    raise AssertionError(f"frame {frame_on_show(page)} and time code {code_of(page)}, not {frame}")


def test_frames_are_stepped_exactly(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
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


def test_playing_keys(server: PageServer, new_match: NewMatch, open_page: OpenPage) -> None:
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
    server: PageServer, new_match: NewMatch, open_page: OpenPage
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
    until(page, "document.querySelectorAll('.event-row.selected').length === 1")
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
    page.get_by_role("button", name="Reset to the defaults").click()
    page.get_by_role("button", name="Change the key of Goal, now 3").wait_for()


def chosen(page: Any, label: str, more: str = "") -> None:
    """Wait until the event that is selected has this class, and says this."""
    row = "document.querySelector('.event-row.selected')"
    until(page, f"{row}?.querySelector('.label').textContent === '{label}'")
    until(page, f"{row}.textContent.includes('{more}')")


def test_reviewing_and_changing_keys(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    found = [Found(2, "Foul", 0.9), Found(6, "Goal", 0.7), Found(9, "Corner", 0.52)]
    match = new_match([*found, Found(14, "Offside", 0.2)])
    page = open_match(open_page(), server, match)
    press = page.keyboard.press
    press("n")
    chosen(page, "Corner")  # the least certain
    press("n")
    chosen(page, "Goal")
    press("ArrowDown")
    chosen(page, "Corner")
    press("ArrowUp")
    chosen(page, "Goal")
    press("v")
    until(page, "!document.querySelector('video').paused")
    press("Enter")
    chosen(page, "Corner")
    press("x")
    chosen(page, "Offside")
    press("ArrowUp")
    chosen(page, "Corner", "Rejected")
    press("z")
    page.evaluate("document.querySelector('video').pause()")  # if its event is not over yet
    for key in ("]", "]", "[", "}", "}", "{"):
        press(key)
    until(page, "document.querySelector('event-inspector output').textContent === '0:10.040'")
    press("PageUp")
    press("h")  # to the playhead
    until(page, "document.querySelector('event-inspector output').textContent === '0:00.040'")
    press("c")
    page.get_by_role("dialog").wait_for()
    press("1")
    chosen(page, "Penalty")
    press("m")
    page.keyboard.type("From the spot")
    page.locator("h1").click()
    chosen(page, "Penalty", "From the spot")
    press("g")  # into a reel
    page.get_by_text("Added to the reel").wait_for()
    press("Backspace")
    until(page, "document.querySelectorAll('.event-row').length === 3")
    press("Control+z")
    until(page, "document.querySelectorAll('.event-row').length === 4")
    press("Control+y")
    until(page, "document.querySelectorAll('.event-row').length === 3")
    saved(page)
    now = [(event["time"], event["label"], event["status"]) for event in events_of(server, match)]
    assert now == [(2, "Foul", "pending"), (6, "Goal", "accepted"), (14, "Offside", "pending")]


def test_what_happens_is_written_over_the_video(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    found = [
        Found(4.0, "Goal", 0.9, half=1, clock_seconds=63.0, score=[0, 0]),
        Found(4.5, "Foul", 0.4, "rejected"),
    ]
    match = new_match(found, title="North - South")
    page = open_match(open_page(), server, match)
    overlay = page.locator("video-overlay")
    assert not overlay.is_visible()
    page.keyboard.press("Shift+O")
    page.keyboard.press("ArrowDown")
    line = overlay.locator(".overlay-line")
    line.get_by_text("Goal (1H 1:03, 0-0)").wait_for()
    assert "90" in line.text_content() and overlay.locator(".overlay-line").count() == 1
    # In one look: the lines are drawn anew while the video plays.
    until(
        page,
        """(() => {
            const [trough, bar] = [".overlay-bar", ".overlay-bar span"].map(
                (one) => document.querySelector(one)?.getBoundingClientRect().width ?? 0);
            return trough > 0 && Math.abs(bar - 0.9 * trough) <= 1;
        })()""",
    )
    overlay.locator(".overlay-state", has_text="1H 1:0").first.wait_for()
    page.reload()
    until(page, "document.querySelector('video-overlay')?.hidden === false")
    page.keyboard.press("Shift+O")
    assert not overlay.is_visible()

    page.get_by_role("button", name="Files").click()
    page.get_by_role("button", name="Make annotated video").click()
    page.get_by_text("Waiting for a worker: none is running").wait_for()
    (job,) = ask(server, f"/v1/jobs?match={match}")["items"]
    assert (job["kind"], job["lane"]) == ("annotate", "cutting")
    ask(server, f"/v1/jobs/{job['id']}/cancel", "POST")
    page.get_by_text("The file was cancelled.").wait_for()


def test_triage_takes_one_key_for_each_event(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    """A hundred events of one class under 110 keys, the least certain first, without seeking."""
    found = [Found(0.1 + i * 0.19, "Foul", round(0.01 + 0.98 * i / 99, 3)) for i in range(100)]
    match = new_match([*found, Found(5, "Goal", 0.9)])
    page = open_match(open_page(), server, match)
    page.keyboard.press("Shift+T")
    tile = page.locator(".triage-tile")
    tile.first.wait_for()
    first = tile.first.get_attribute("aria-label")
    assert first.startswith("Foul") and "50" in first.rpartition(",")[2]
    until(page, "!document.querySelector('.triage-tile video').paused")
    until(page, "document.querySelector('.triage-tile video').currentTime > 1")
    keys = 0
    for number in range(100):
        page.keyboard.press("x" if number % 4 == 3 else "a")
        keys += 1
    page.get_by_text("Everything of this class is reviewed.").wait_for()
    assert keys + 1 < 110
    page.keyboard.press("Control+z")
    page.locator(".triage-tile.pending").wait_for()
    tile.nth(0).get_by_role("button", name="Reject").click()
    page.keyboard.press("Escape")
    saved(page)
    counts = ask(server, f"/v1/matches/{match}")["counts"]
    assert counts == {"pending": 1, "accepted": 75, "rejected": 25}  # the Goal waits


def test_every_command_has_a_key_that_is_pressed_in_a_test() -> None:
    table = (WEB / "match" / "keys.js").read_text().partition("COMMANDS = {")[2].partition("};")[0]
    commands = dict(re.findall(r"^  (\w+): .*keys: (\[.*\]) \}", table, re.MULTILINE))
    assert len(commands) > 30
    tests = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_page_*.py"))
    tree = ast.walk(ast.parse(tests))
    pressed = {str(node.value).lower() for node in tree if isinstance(node, ast.Constant)}
    renamed = {"space": " ", "ctrl": "control"}
    for command, keys in commands.items():
        names = [name.lower() for name in json.loads(keys)]
        names += ["+".join(renamed.get(part, part) for part in name.split("+")) for name in names]
        assert pressed & set(names), (command, names)


def test_filters_thresholds_and_bulk(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
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
    page.get_by_label("Lowest confidence of Goal").fill("0.5")
    goal = page.locator(".class-rows li", has_text="Goal").first
    goal.get_by_text("precision 100").wait_for()
    page.get_by_label("Lowest confidence of Corner").fill("0.5")
    page.get_by_role("tab", name="Events").click()
    until(page, "document.querySelectorAll('.event-row').length === 6")
    saved(page)
    assert ask(server, f"/v1/matches/{match}")["thresholds"] == {"Goal": 0.5, "Corner": 0.5}
    other = open_match(open_page(), server, match)  # another browser
    until(other, "document.querySelectorAll('.event-row').length === 6")
    page.locator("h1").click()
    page.keyboard.press("Shift+A")  # 80 % and more
    saved(page)
    accepted = {e["time"] for e in events_of(server, match) if e["status"] == "accepted"}
    assert accepted == {1, 3, 4, 7}
    page.keyboard.press("Control+z")
    saved(page)
    accepted = {e["time"] for e in events_of(server, match) if e["status"] == "accepted"}
    assert accepted == {3, 7}


def test_two_halves_with_clock_and_score(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    found = [
        Found(1, "Kick-off", 0.9), Found(4, "Goal", 0.8, "accepted", team="home"),
        Found(12, "Kick-off", 0.9), Found(15, "Goal", 0.7, team="away"), Found(18, "Foul", 0.5),
    ]  # fmt: skip
    match = new_match(found, half_seconds=10)
    page = open_match(open_page(), server, match)
    rows = page.locator(".event-row")
    rows.filter(has_text="2H 45:03").wait_for()  # the goal, three seconds into the second half
    rows.filter(has_text="1H 0:03").click()
    clock = page.locator(".match-clock")
    until(page, "!document.querySelector('video').paused")
    page.get_by_text("1H 0:0").first.wait_for()
    rows.filter(has_text="2H 45:03").get_by_role("button").first.click()
    page.keyboard.press("a")
    page.keyboard.press("k")
    page.get_by_text("home 1–1 away").wait_for()
    assert page.locator("[data-field=half]").is_disabled()  # it follows from the time

    page.get_by_role("button", name="Details").click()
    page.get_by_label("Home team").fill("North <b>End</b>")
    page.get_by_label("Kick-off of half 2").fill("0:09")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    page.get_by_text("North <b>End</b> 1–1 away").wait_for()
    rows.filter(has_text="2H 45:06").wait_for()
    assert (clock.text_content() or "").startswith("2H 45:")
    page.get_by_role("button", name="Details").click()
    page.get_by_label("Kick-off of half 1").fill("nine")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("A kick-off is a time of the video").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Files", exact=True).click()
    page.get_by_role("dialog").get_by_label("Half").first.select_option("2")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download events").click()
    written = json.loads(download.value.path().read_text())
    assert [event["label"] for event in written["events"]] == ["Kick-off", "Goal", "Foul"]
    page.get_by_role("link", name="Original video of half 2").wait_for()


def test_two_people_lose_no_edit(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
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


def test_two_tabs_of_one_browser(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match([Found(3, "Foul", 0.5), Found(9, "Goal", 0.7), Found(12, "Corner", 0.6)])
    first = open_match(open_page(), server, match)
    second = open_match(open_page(context=first.context), server, match)
    first.locator(".event-main").first.click()
    first.keyboard.press("a")
    until(second, "document.querySelectorAll('.event-row.accepted').length === 1")
    first.context.set_offline(True)
    first.locator(".event-main").nth(1).click()
    first.keyboard.press("a")
    second.locator(".event-main").nth(2).click()
    second.keyboard.press("x")
    for page in (first, second):
        page.get_by_text("1 change kept here").wait_for()
    first.close()  # before it could send what it has
    second.context.set_offline(False)
    saved(second)
    again = open_match(open_page(context=second.context), server, match)
    saved(again)
    until(again, "document.querySelectorAll('.event-row.accepted').length === 2")
    assert [e["status"] for e in events_of(server, match)] == ["accepted", "accepted", "rejected"]
    again.keyboard.press("Control+z")  # the last step, though another tab took it
    saved(again)
    assert [e["status"] for e in events_of(server, match)].count("pending") == 1


def test_a_lost_connection_in_every_view(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(spread(4, SECONDS), title="Kept in sight")
    page = open_page(f"{server.url}/#/")
    page.get_by_role("link", name="Kept in sight").wait_for()
    page.context.set_offline(True)
    page.get_by_text("Your changes are kept here").wait_for()
    page.get_by_role("button", name="Delete Kept in sight").click()
    page.locator(".notice button[aria-label=Close]").last.click()
    for place, words in (("models", "cannot be reached"), ("settings", "cannot be reached")):
        page.goto(f"{server.url}/#/{place}")
        page.locator(".problem", has_text=words).first.wait_for()
    page.context.set_offline(False)
    page.get_by_role("heading", name="Users").wait_for()  # by itself
    page.get_by_text("The server is back").wait_for()
    end = time.monotonic() + 20
    while any(one["id"] == match for one in ask(server, "/v1/matches")["items"]):
        assert time.monotonic() < end, "what was deleted without a connection is still there"
        time.sleep(0.1)

    other = new_match(spread(4, SECONDS))
    page.context.set_offline(True)
    page.goto(f"{server.url}/#/matches/{other}")
    page.get_by_text("Your changes are kept here").wait_for()
    page.context.set_offline(False)
    page.locator(".event-row").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    saved(page)
    assert [e["status"] for e in events_of(server, other)].count("accepted") == 1


def test_edits_survive_a_server_restart_and_a_reload(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(spread(6, SECONDS))
    page = open_match(open_page(), server, match)
    server.stop()
    page.keyboard.press("a")
    for _ in range(3):
        page.keyboard.press("a")
    page.get_by_text("changes kept here").wait_for()
    page.get_by_text("The server cannot be reached. Your changes are kept").wait_for()
    server.start()
    saved(page)
    assert [e["status"] for e in events_of(server, match)] == ["accepted"] * 3 + ["pending"] * 3

    page.reload()
    until(page, "document.querySelectorAll('.event-row.accepted').length === 3")


def test_a_deleted_match_is_said(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
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
    server: PageServer, new_match: NewMatch, open_page: OpenPage
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
    server: PageServer, new_match: NewMatch, open_page: OpenPage
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


STATED = [
    Found(3, "Foul", 0.9, half=1, clock_seconds=2830.0, score=[0, 0]),
    Found(8, "Goal", 0.8, team="away", half=2, clock_seconds=3790.0, score=[1, 0]),
    Found(12, "Corner", 0.6, half=2, clock_seconds=3794.0, score=[1, 1]),
    Found(18, "Corner", 0.5),
]


def test_events_that_state_clock_and_score_show_them(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(STATED)
    page = open_match(open_page(), server, match)
    rows = page.locator(".event-row")
    rows.filter(has_text="1H 45+2:10, 0-0").wait_for()
    rows.filter(has_text="2H 63:10, 1-1 · away").wait_for()
    rows.nth(3).get_by_text("2H 63:20", exact=True).wait_for()  # six seconds after one that says so
    rows.nth(2).locator(".event-main").click()
    page.keyboard.press("k")
    page.locator(".match-clock").get_by_text(re.compile(r"^2H 63:1\d · home 1–1 away$")).wait_for()
    facts = page.locator("event-inspector .facts-line")
    facts.get_by_text("2H 63:14, 1-1").wait_for()
    page.keyboard.press("}")  # a second later
    facts.get_by_text("2H 63:15, 1-1").wait_for()
    saved(page)
    moved = events_of(server, match)[2]
    assert (moved["time"], moved["clock_seconds"], moved["score"]) == (13, 3795.0, [1, 1])
    page.keyboard.press("Control+z")
    facts.get_by_text("2H 63:14, 1-1").wait_for()
    saved(page)
    assert events_of(server, match)[2]["clock_seconds"] == 3794.0


def test_a_goal_that_is_rejected_shows_the_score_before_it(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    page = open_match(open_page(), server, new_match(STATED))
    rows = page.locator(".event-row")
    rows.nth(1).locator(".event-main").click()
    page.keyboard.press("x")
    rows.filter(has_text="2H 63:10, 1-0").wait_for()


def test_the_timeline_and_reels_show_clock_and_score(
    server: PageServer, new_match: NewMatch, open_page: OpenPage
) -> None:
    match = new_match(STATED)
    ask(server, f"/v1/matches/{match}/reels", "POST", {"seconds": 15})
    page = open_match(open_page(), server, match)
    page.get_by_role("tab", name="Reel").click()
    page.locator(".clip-state", has_text="2H 63:10, 1-1").wait_for()
    box = page.locator("match-timeline .plot canvas").bounding_box()
    goal_x = box["x"] + box["width"] * 0.4
    for y in range(0, int(box["height"]), 6):
        page.mouse.move(goal_x, box["y"] + y)
        if page.locator(".tip", has_text="2H 63:10, 1-1").is_visible():
            return
    raise AssertionError("the timeline told neither clock nor score at the goal")


def test_keys_are_saved_as_a_file_and_read_in_by_others(
    server: PageServer,
    new_match: Callable[..., str],
    open_page: Callable[..., Any],
    tmp_path: Path,
) -> None:
    match = new_match([Found(3, "Goal", 0.9)], title="Keys of others")
    page = open_match(open_page(), server, match)
    page.keyboard.press("?")
    page.locator("button[data-action=accept]").click()
    page.keyboard.press("F8")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    file = tmp_path / "keys.json"
    download.value.save_as(file)

    other = open_match(open_page(), server, match)
    other.keyboard.press("?")
    broken = tmp_path / "broken.json"
    broken.write_text('{"keys": {"fly": ["F9"]}}')
    other.locator("dialog input[type=file]").set_input_files(broken)
    other.get_by_text("there is no action “fly”").wait_for()
    other.locator("dialog input[type=file]").set_input_files(file)
    other.locator("button[data-action=accept]", has_text="F8").wait_for()
    other.keyboard.press("Escape")
    other.locator(".event-main").first.click()
    other.keyboard.press("F8")
    saved(other)
    assert [event["status"] for event in events_of(server, match)] == ["accepted"]
