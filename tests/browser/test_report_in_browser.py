"""The report in a real browser: it works from disk, at any size, in the dark, on paper, by keys."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from small_videos import write_video

from touchline.events import Event, Producer, Timeline, Video
from touchline.labels import SOCCERNET_V2
from touchline.pipeline import highlights
from touchline.report.page import write_report
from touchline.scores import Scores

playwright = needs("playwright.sync_api")

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='owned'\"> & a class with a very long name indeed"
CONFIDENCES = {
    "Goal": (0.95, 0.6),
    "Corner": (0.85, 0.42, 0.2),
    "Shots off target": (0.7, 0.15, 0.05),
    "Yellow card": (0.31,),
    HOSTILE: (0.9,),
}

CONTRAST = """
() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = parts(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = {};
  const texts = "h1, h2, p, time, button, strong, label, footer, .more, .name, .count, .head span";
  for (const element of document.querySelectorAll(texts + ", .ticks span")) {
    if (!element.textContent.trim() || !element.checkVisibility()) continue;
    const [a, b] = [parts(getComputedStyle(element).color), ground(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const name = element.tagName + "." + element.className;
    found[name] = Math.min(found[name] ?? 21, ratio);
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """A report with everything in it."""
    folder = tmp_path_factory.mktemp("browser")
    video = write_video(folder / "match.mp4", 100, size=(320, 180))
    events = [
        Event(3 + 7 * place + 23 * turn, label, confidence, team="home", note="seen twice")
        for place, (label, values) in enumerate(CONFIDENCES.items())
        for turn, confidence in enumerate(values)
    ]
    events[0] = Event(1.0, "Goal", 0.95, team="home")
    curves = np.random.default_rng(0).random((200, 17)).astype(np.float32) ** 6
    timeline = Timeline(
        Video("2016-01-02 North Vale 2 - 1 Harbour Town <i>.mp4", 100.0, Fraction(25)),
        tuple(events),
        labels=SOCCERNET_V2,
        model=Producer("e2e-spot", "demo"),
        warnings=("the file is damaged or cut off: events are known up to 1:40 only",),
        scores=Scores(curves, np.arange(200) / 2, SOCCERNET_V2, Fraction(2)),
    )
    write_report(timeline, folder / "report.html", video=video, reel=highlights(timeline, 40))
    return folder / "report.html"


@pytest.fixture
def open_page(chromium, report) -> Iterator[Callable[..., "playwright.Page"]]:
    """Open the report; at the end, nothing may have been fetched, logged or thrown."""
    contexts, noise = [], []

    def watch(page: "playwright.Page") -> None:
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("dialog", lambda dialog: (noise.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))

    asked: list[str] = []

    def opened(width: int = 1280, height: int = 900, **options) -> "playwright.Page":
        context = chromium.new_context(
            viewport={"width": width, "height": height}, offline=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(report.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert noise == []
    assert {url for url in asked if not url.startswith("data:")} == {report.as_uri()}


def all_confidences() -> list[float]:
    return [value for values in CONFIDENCES.values() for value in values]


def shown_cards(page: "playwright.Page") -> list[str]:
    return page.locator(".event:visible .head span").all_inner_texts()


def test_the_slider_hides_events_everywhere(open_page):
    page = open_page()
    cards, needles = page.locator(".event:visible"), page.locator(".lane line:not([hidden])")
    for percent in (30, 0, 80, 43):
        page.locator("#threshold").fill(str(percent))
        wanted = sum(value >= percent / 100 for value in all_confidences())
        assert cards.count() == wanted == needles.count()
        total = len(all_confidences())
        text = page.locator("#count").inner_text()
        assert text == (str(total) if wanted == total else f"{wanted} of {total}")
        assert page.locator("#threshold-value").inner_text().startswith(str(percent))
    page.locator("#threshold").fill("100")
    assert cards.count() == 0
    assert page.locator("#nothing").is_visible()


def test_chips_show_and_hide_classes(open_page):
    page = open_page()
    assert len(shown_cards(page)) == 7
    page.get_by_role("button", name="Goal").click()
    assert "Goal" not in shown_cards(page) and len(shown_cards(page)) == 5
    chip = page.get_by_role("button", name="Goal")
    assert chip.get_attribute("aria-pressed") == "false"
    chip.click()
    assert len(shown_cards(page)) == 7


def test_labels_are_text(open_page):
    page = open_page()
    assert HOSTILE in shown_cards(page)
    assert page.title().endswith("Harbour Town <i>.mp4")
    assert page.locator("img[src=x]").count() == 0


def test_pictures_are_shown(open_page):
    page = open_page()
    picture = page.locator(".event img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.event img').complete")
    assert picture.evaluate("image => image.naturalWidth") == 256
    assert picture.get_attribute("alt")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_the_light_and_in_the_dark(open_page, scheme):
    page = open_page(color_scheme=scheme)
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 8
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}
    red = page.evaluate(
        "parseInt(getComputedStyle(document.documentElement).backgroundColor.slice(4))"
    )
    assert (red > 200) == (scheme == "light")


@pytest.mark.parametrize("width", [320, 390, 768])
def test_small_screens_need_no_sideways_scrolling(open_page, width):
    page = open_page(width=width, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [tick.bounding_box() for tick in page.locator(".ticks span:visible").all()]
    for left, right in pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"]
    assert boxes[-1]["x"] + boxes[-1]["width"] <= width


def test_paper_has_no_controls_and_black_ink(open_page):
    page = open_page(color_scheme="dark")
    page.emulate_media(media="print")
    assert page.locator("#threshold").is_hidden()
    assert page.locator(".chips").is_hidden()
    assert page.locator(".event:visible").count() == 7
    ratios = page.evaluate(CONTRAST)
    assert min(ratios.values()) > 4.5
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_everything_can_be_reached_by_keys(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    focused = "document.activeElement.id || document.activeElement.dataset.class"
    assert page.evaluate(focused) == "threshold"
    page.keyboard.press("ArrowRight")
    assert page.locator("#threshold").input_value() == "31"
    reached = []
    for _ in CONFIDENCES:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(focused))
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(outline) != "none"
    assert set(reached) == set(CONFIDENCES)
    before = len(shown_cards(page))
    page.keyboard.press("Space")
    assert len(shown_cards(page)) < before


def test_what_assistive_programs_are_told(open_page):
    page = open_page()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == page.locator("header").count() == 1
    assert page.get_by_role("slider", name="Least confidence shown, in percent").count() == 1
    assert page.get_by_role("group", name="Classes shown").count() == 1
    assert page.get_by_role("img", name="Events by class over time: ").count() == 1
    assert page.locator("button:not([aria-pressed]), img:not([alt])").count() == 0
    assert page.get_by_role("alert").inner_text().startswith("The file is damaged")
    names = page.locator("section").evaluate_all(
        "all => all.map(s => document.getElementById(s.getAttribute('aria-labelledby'))?.innerText)"
    )
    assert len(names) == 3 and all(names)
