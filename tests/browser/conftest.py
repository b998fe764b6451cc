"""What tests in a browser share: chromium, servers to visit, what pages complain of."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from extras import needs, needs_program

if TYPE_CHECKING:
    from page_server import PageServer

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
)
SECONDS = 20
SIZE = (320, 180)
BITS = 10


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's chromium."""
    playwright = needs("playwright.sync_api")
    program = needs_program("chromium", "chromium-browser")
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


def numbered_picture(index: int) -> np.ndarray:
    """(height, width, 3) a picture that says its number: its bits as white and black columns."""
    width, height = SIZE
    pixels = np.full((height, width, 3), 60, np.uint8)
    for bit in range(BITS):
        column = slice(bit * width // BITS, (bit + 1) * width // BITS)
        pixels[:60, column] = 235 if index >> bit & 1 else 20
    pixels[60:, :, 1] = 120
    pixels[80:120, index * 3 % width : index * 3 % width + 20] = 240
    return pixels


@pytest.fixture(scope="session")
def numbered_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds whose frames say their number."""
    from touchline.media.writer import VideoWriter

    path = tmp_path_factory.mktemp("videos") / "numbered.mp4"
    with VideoWriter(path, SIZE, Fraction(25), crf=18, keyframe_seconds=1) as writer:
        for index in range(SECONDS * 25):
            writer.write(numbered_picture(index))
    return path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["PageServer"]:
    """A server without a worker."""
    from page_server import serving

    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def new_match(server: "PageServer", numbered_video: Path) -> Callable[..., str]:
    """Put a match with these events into the server; its id."""
    from page_server import seed_match

    def make(found: Any, **settings: Any) -> str:
        video = settings.pop("video", numbered_video)
        return seed_match(server.data, video, SECONDS, found, **settings)

    return make


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open pages; whatever they complain of in their consoles fails the test.

    A page's ``complaints`` that the test expects are to be taken out by it.
    """
    contexts = []
    pages = []

    def make(url: str | None = None, context: Any = None, **settings: Any) -> Any:
        if context is None:
            settings = {"viewport": {"width": 1440, "height": 900}} | settings
            context = chromium.new_context(**settings)
            context.set_default_timeout(20_000)
            contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda line: page.complaints.append(line.text) if line.type == "error" else None,
        )
        pages.append(page)
        if url is not None:
            page.goto(url)
        return page

    yield make
    complaints = [one for page in pages for one in page.complaints if not _is_expected(one)]
    for context in contexts:
        context.close()
    assert not complaints


def _is_expected(complaint: str) -> bool:
    """Answers that are errors stand in the console whatever a page does about them."""
    return complaint.startswith("Failed to load resource")
