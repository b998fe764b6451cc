"""The timeline edits: events, their lengths and ends of clips are dragged, with the frame shown."""

from collections.abc import Callable
from typing import Any

import pytest
from page_server import Found, PageServer, spread
from page_steps import ask, events_of, open_match, saved, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOUND = [Found(3, "Goal", 0.9, "accepted"), Found(9, "Corner", 0.8), Found(15, "Foul", 0.7)]
AXIS = 11
"""Pixels from the top of the plot at which the axis is pressed."""


class Plot:
    """Where times and lanes of the timeline are on the screen."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def at(self, seconds: float, label: str | None = None) -> tuple[float, float]:
        """The place of a time in the lane of a class; on the axis without one."""
        box = self.page.locator("match-timeline .plot").bounding_box()
        view = self.page.evaluate("document.querySelector('match-timeline').view")
        x = box["x"] + (seconds - view["start"]) / view["span"] * box["width"]
        if label is None:
            return x, box["y"] + AXIS
        lane = self.page.locator(".lane-name", has_text=label).first.bounding_box()
        return x, lane["y"] + lane["height"] / 2

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag, and hold."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        for share in (0.3, 0.7, 1):
            mouse.move(*(a + share * (b - a) for a, b in zip(start, end, strict=True)))


def shows(page: Any, seconds: float) -> None:
    """The frame of a time is on show."""
    video = "document.querySelector('.video-box video')"
    until(page, f"!{video}.seeking && Math.abs({video}.currentTime - {seconds}) < 0.12", 10)


def test_drag_events_lengths_and_clips(
    server: PageServer, new_match: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    match = new_match(FOUND)
    page = open_match(open_page(), server, match)
    plot = Plot(page)
    page.locator("img.still").first.wait_for()
    drag_an_event(page, plot, server, match)
    give_it_a_length(page, plot, server, match)
    play_it_over_and_over(page)
    drag_the_end_of_its_clip(page, plot, server, match)
    select_a_stretch(page, plot, server, match)
    resize_the_panes(page)


def event_of(server: PageServer, match: str, label: str) -> Any:
    return next(event for event in events_of(server, match) if event["label"] == label)


def drag_an_event(page: Any, plot: Plot, server: PageServer, match: str) -> None:
    plot.drag(plot.at(9, "Corner"), plot.at(11, "Corner"))
    shows(page, 11)
    assert event_of(server, match, "Corner")["time"] == 9, "it is only dragged"
    page.keyboard.press("Escape")
    page.mouse.up()
    plot.drag(plot.at(9, "Corner"), plot.at(12, "Corner"))
    page.mouse.up()
    saved(page)
    assert event_of(server, match, "Corner")["time"] == pytest.approx(12, abs=0.06)
    page.get_by_role("button", name="Undo").click()
    saved(page)
    assert event_of(server, match, "Corner")["time"] == 9


def give_it_a_length(page: Any, plot: Plot, server: PageServer, match: str) -> None:
    page.locator(".event-main", has_text="Corner").click()
    page.keyboard.press("k")
    page.mouse.click(*plot.at(8))
    shows(page, 8)
    page.keyboard.press("Shift+S")
    page.mouse.click(*plot.at(10))
    shows(page, 10)
    page.keyboard.press("Shift+E")
    saved(page)
    event = event_of(server, match, "Corner")
    assert (event["lead"], event["lag"]) == (pytest.approx(1, abs=0.06), pytest.approx(1, abs=0.06))
    end = event["time"] + event["lag"]
    plot.drag(plot.at(end, "Corner"), plot.at(11, "Corner"))
    shows(page, 11)
    page.mouse.up()
    saved(page)
    event = event_of(server, match, "Corner")
    assert event["lag"] == pytest.approx(2, abs=0.06) and event["time"] == 9
    page.keyboard.press("Shift+D")
    saved(page)
    assert event_of(server, match, "Corner")["lag"] is None
    page.get_by_role("button", name="Undo").click()
    saved(page)
    assert event_of(server, match, "Corner")["lag"] == event["lag"]


def play_it_over_and_over(page: Any) -> None:
    page.evaluate(
        """() => {
          window.seen = [];
          const video = document.querySelector(".video-box video");
          video.playbackRate = 4;
          const look = (_, facts) => {
            if (!video.paused && !video.seeking) window.seen.push(facts.mediaTime);
            video.requestVideoFrameCallback(look);
          };
          video.requestVideoFrameCallback(look);
        }"""
    )
    page.keyboard.press("Shift+L")
    until(page, "window.seen.filter((at, i) => i && at < window.seen[i - 1]).length >= 2")
    page.keyboard.press("Shift+L")
    page.keyboard.press("k")
    seen = page.evaluate("window.seen.slice(1)")
    assert min(seen) > 7.8 and max(seen) < 11.5, "nothing else is played"


def drag_the_end_of_its_clip(page: Any, plot: Plot, server: PageServer, match: str) -> None:
    page.keyboard.press("g")
    page.get_by_text("Added to the reel").wait_for()
    saved(page)
    clip = ask(server, f"/v1/matches/{match}/reels")["items"][-1]["reel"]["clips"][0]
    assert clip["end"] - clip["start"] == pytest.approx(3, abs=0.1), "its own length"
    plot.drag(plot.at(clip["end"]), plot.at(13))
    shows(page, 13)
    page.mouse.up()
    saved(page)
    clip = ask(server, f"/v1/matches/{match}/reels")["items"][-1]["reel"]["clips"][0]
    assert clip["end"] == pytest.approx(13, abs=0.06)


def select_a_stretch(page: Any, plot: Plot, server: PageServer, match: str) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Select a stretch").click()
    plot.drag(plot.at(15, "Penalty"), plot.at(17, "Penalty"))
    page.mouse.up()
    page.keyboard.press("g")
    until(page, "document.querySelector('reel-panel').clips.length === 2")
    saved(page)
    clip = ask(server, f"/v1/matches/{match}/reels")["items"][-1]["reel"]["clips"][1]
    assert [clip["start"], clip["end"]] == pytest.approx([15, 17], abs=0.06)


def resize_the_panes(page: Any) -> None:
    def sizes() -> tuple[float, float]:
        side = page.locator(".side").bounding_box()["width"]
        return side, page.locator(".timeline-box").bounding_box()["height"]

    side, lines = sizes()
    bar = page.get_by_role("separator", name="Width of the side")
    bar.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    wider = sizes()[0]
    assert wider > side + 40
    box = page.get_by_role("separator", name="Height of the timeline").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + 50, box["y"] - 97, steps=3)
    page.mouse.up()
    assert sizes()[1] == pytest.approx(lines + 100, abs=6)
    page.reload()
    page.locator(".event-row").first.wait_for()
    assert sizes() == pytest.approx((wider, lines + 100), abs=6), "remembered"
    page.get_by_role("separator", name="Width of the side").dblclick()
    assert sizes()[0] == pytest.approx(side, abs=1)


def test_many_events_are_shown_by_their_number(
    server: PageServer, new_match: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    match = new_match(spread(2500, 5300, ["Goal", "Foul"]), shown_seconds=5400.0, curves=False)
    page = open_match(open_page(), server, match)
    plot = Plot(page)
    page.mouse.move(*plot.at(2700, "Foul"))
    tip = page.locator(".tip")
    tip.get_by_text("events").wait_for()
    assert tip.inner_text().split("Foul: ")[1].split()[0].isdigit()
    plot.drag(plot.at(2700, "Foul"), plot.at(2900, "Foul"))
    page.mouse.up()
    saved(page)
    history = ask(server, f"/v1/matches/{match}/changes")["items"]
    assert history == [], "what cannot be told apart is not dragged"
    for _ in range(6):
        page.keyboard.press("+")
    stills = page.locator("img.still")
    assert 0 < stills.count() < 60, "pictures of the rows in sight"
