"""A reel on the page: chosen, edited, looked at without rendering, made into every kind of file."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from conftest import SECONDS
from page_server import Found, PageServer, seed_match, serving
from page_steps import ask, open_match, until
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOUND = [
    Found(3, "Goal", 0.9, "accepted"), Found(9, "Corner", 0.8), Found(15, "Goal", 0.7),
    Found(17, "Foul", 0.2),
]  # fmt: skip

TOO_PARTICULAR = {"youtube", "soccerhigh"}
"""Formats that ask for more than this reel has: three chapters, or halves."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    with serving(tmp_path_factory.mktemp("reels"), workers=1) as running:
        yield running


def clips_of(server: PageServer, match: str) -> list[dict[str, Any]]:
    reels = ask(server, f"/v1/matches/{match}/reels")["items"]
    return reels[-1]["reel"]["clips"] if reels else []


def test_build_preview_render_and_download(
    server: PageServer, numbered_video: Path, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    match = seed_match(server.data, numbered_video, SECONDS, FOUND)
    page = open_match(open_page(), server, match)
    make_reel(page)
    put_another_clip_in(page)
    edit_clips(page, server, match)
    finish(page, server, match, tmp_path)
    preview(page)
    render_and_download(page, server, match)


def make_reel(page: Any) -> None:
    page.get_by_role("tab", name="Reel").click()
    page.get_by_label("Length (s)").fill("8")
    page.locator(".chips").get_by_role("button", name="Corner").click()
    page.get_by_role("button", name="Choose the moments").click()
    page.locator(".clip-row").first.wait_for()


def put_another_clip_in(page: Any) -> None:
    page.get_by_role("tab", name="Events").click()
    page.locator(".event-main").nth(3).click()
    page.keyboard.press("k")
    page.keyboard.press("g")
    page.get_by_role("tab", name="Reel").click()
    page.get_by_text("Saving").wait_for(state="hidden")


def edit_clips(page: Any, server: PageServer, match: str) -> None:
    before = clips_of(server, match)
    assert any(clip["start"] <= 9 < clip["end"] for clip in before), "the corner is a must"
    rows = page.locator(".clip-row")
    assert rows.count() == len(before) >= 2
    page.get_by_label("Title of clip 1").fill("Opening <i>goal</i>")
    page.get_by_label("Title of clip 1").blur()
    assert rows.first.locator("img").get_attribute("src"), "a clip has a picture"
    assert rows.first.locator(".clip-reason").inner_text() == before[0]["reason"]
    rows.first.get_by_role("button", name="Edit clip Opening").click()
    rows.first.get_by_role("button", name="Start later by").click()
    rows.first.get_by_role("button", name="Move down Opening <i>goal</i>").click()
    page.wait_for_timeout(900)
    page.get_by_text("Saving").wait_for(state="hidden")
    after = clips_of(server, match)
    assert after[1]["title"] == "Opening <i>goal</i>"
    assert after[1]["reason"] == before[0]["reason"], "why it is shown stays"
    assert after[1]["start"] == pytest.approx(before[0]["start"] + 0.5, abs=1e-3)
    assert after[0]["start"] == pytest.approx(before[1]["start"], abs=1e-3)


def finish(page: Any, server: PageServer, match: str, folder: Path) -> None:
    """What is drawn and heard belongs to the reel: others see it, and undo takes it back."""

    def finish_of() -> dict[str, Any]:
        page.get_by_text("Saving").wait_for(state="hidden")
        found: dict[str, Any] = ask(server, f"/v1/matches/{match}/reels")["items"][-1]["finish"]
        return found

    Image.new("RGB", (64, 64), (250, 0, 0)).save(folder / "logo.png")
    page.locator("reel-finish summary").first.click()
    page.get_by_label("Score bug").check()
    page.get_by_label("Home team").fill("North")
    page.get_by_label("Home team").blur()
    assert finish_of()["teams"] is None, "both are needed"
    page.get_by_label("Away team").fill("South")
    page.get_by_label("Away team").blur()
    page.locator("input[aria-label='Add a file: Logo']").set_input_files(folder / "logo.png")
    until(page, "document.querySelector('[data-focus=logo]').value !== ''")
    page.get_by_label("Loudness").select_option("r128")
    page.locator("reel-finish summary", has_text="Pictures and sounds").click()
    page.get_by_role("button", name="Delete logo.png").click()
    page.locator(".notice", has_text="uses it").wait_for()
    made = finish_of()
    assert made["scoreboard"] and made["logo"] and made["loudness"] == "r128"
    assert made["teams"] == ["North", "South"]
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    until(page, "document.querySelector('[data-focus=loudness]').value === 'source'")
    assert finish_of() == made | {"loudness": "source"}


def preview(page: Any) -> None:
    """Every clip is played, one after the other, and nothing between them."""
    clips = page.evaluate("document.querySelector('reel-panel').clips")
    page.evaluate(
        """() => {
          window.seen = [];
          const video = document.querySelector("video");
          video.playbackRate = 4;
          const look = (_, facts) => {
            if (!video.paused) window.seen.push(facts.mediaTime);
            video.requestVideoFrameCallback(look);
          };
          video.requestVideoFrameCallback(look);
        }"""
    )
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    page.get_by_role("button", name="Preview", exact=True).wait_for(timeout=60_000)
    seen = page.evaluate("window.seen")
    for clip in clips:
        assert any(clip["start"] <= at < clip["end"] for at in seen)
    last = clips[-1]
    assert last["end"] - 0.5 < seen[-1] < last["end"] + 0.1


def render_and_download(page: Any, server: PageServer, match: str) -> None:
    options = page.get_by_label("Format").locator("option")
    formats = options.evaluate_all("all => all.map((one) => one.value)")
    assert {"mp4", "otio", "edl", "fcpxml"} <= set(formats)
    assert {"Premiere/Resolve (OTIO)", "Final Cut (FCPXML)"} <= set(options.all_text_contents())
    page.get_by_label("Labels in the picture").check()
    page.get_by_label("Shape of the picture").select_option("9:16")
    length = sum(clip["end"] - clip["start"] for clip in clips_of(server, match))
    for name in formats:
        page.get_by_label("Format").select_option(name)
        page.get_by_role("button", name="Make the file").click()
        words = "could not be made" if name in TOO_PARTICULAR else "The file is ready"
        page.locator(".notice", has_text=words).first.wait_for(timeout=120_000)
        page.locator(".notice button[aria-label=Close]").last.click()
    made = len(set(formats) - TOO_PARTICULAR)
    links = page.locator(".file-rows a")
    until(page, f"document.querySelectorAll('.file-rows a').length === {made}")
    for place in range(links.count()):
        with page.expect_download() as download:
            links.nth(place).click()
        opened(download.value.path(), download.value.suggested_filename, length)
        page.wait_for_timeout(200)  # chromium drops what exceeds ten downloads a second


def opened(path: Path, name: str, length: float) -> None:
    """A file is what its name says."""
    content = path.read_bytes()
    assert content, name
    if name.endswith((".mp4", ".m4v", ".mov", ".mkv")):
        with av.open(str(path)) as container:
            seconds = float(container.duration / av.time_base)
            picture = container.streams.video[0]
            assert (picture.width, picture.height) == (540, 960), name  # enlarged from 100x180
        assert abs(seconds - length) < 2.5, name  # cuts move to where the picture changes
    elif name.endswith((".json", ".otio")):
        assert json.loads(content), name
    elif name.endswith((".xml", ".fcpxml")):
        assert content.lstrip().startswith(b"<"), name
