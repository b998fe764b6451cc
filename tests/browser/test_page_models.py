"""The page's view of models: all published ones, and one pulled from a server of this machine."""

import os
from pathlib import Path

import pytest
from file_server import serving
from page_server import PageServer

from touchline.importers.addresses import published_sources
from touchline.zoo.catalogue import find_entry

CHECKPOINT = "context-aware-loss_soccernet_trained_weights_resnet_pca512.h5"

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def source(shared, monkeypatch):
    """A server that holds one published checkpoint, and is the mirror of everything."""
    entry = find_entry("calf-keras")
    with serving() as running:
        monkeypatch.setenv("TOUCHLINE_MIRROR", running.address)
        address = str(published_sources(entry.origin, entry.files[0])[0])
        data = (shared / "data/checkpoints" / CHECKPOINT).read_bytes()
        running.files[address.removeprefix(running.address)] = data
        yield running


def test_a_published_model_is_found_and_downloaded(chromium, source, tmp_path):
    home = tmp_path / "home"
    environment = {"TOUCHLINE_HOME": str(home), "TOUCHLINE_MIRROR": source.address}
    server = PageServer(tmp_path / "data", workers=1, environment=environment)
    server.start()
    try:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{server.url}/#/models")
        first = page.locator(
            "article", has=page.get_by_role("heading", name="e2e-spot-soccer", exact=True)
        )
        first.wait_for()
        assert "tight 61.82" in first.inner_text()
        picture(page, "models")
        page.locator("summary", has_text="E2E-Spot for other sports").click()
        flow = page.locator(
            "article", has=page.get_by_role("heading", name="e2e-spot-finediving-flow")
        )
        assert "Not usable yet" in flow.inner_text() and flow.get_by_role("button").count() == 0
        page.locator("summary", has=page.get_by_role("heading", name="CALF", exact=True)).click()
        calf = page.locator("article", has=page.get_by_role("heading", name="calf-keras"))
        calf.get_by_role("button", name="Download").click()
        calf.get_by_role("progressbar").wait_for()
        picture(page, "models-pulling")
        page.get_by_text("calf-keras is downloaded.").wait_for(timeout=120_000)
        here = page.locator("section > .cards > article")
        here.filter(has=page.get_by_role("heading", name="calf-keras")).wait_for()
        assert (home / "models/calf-keras/card.json").is_file()
        picture(page, "models-pulled")
    finally:
        server.stop()


def picture(page, name):
    """Keep a picture where the environment names a folder."""
    if folder := os.environ.get("TOUCHLINE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
