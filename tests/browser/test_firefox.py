"""The page in Firefox, the other engine that people have."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import SECONDS
from extras import needs_file, needs_program
from page_server import PageServer, spread
from page_steps import events_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
STEPS = Path(__file__).with_name("firefox.mjs")


def test_a_match_is_reviewed_and_plays(server: PageServer, new_match: Callable[..., str]) -> None:
    node = needs_program("node")
    needs_file(ROOT / "node_modules" / "puppeteer-core", "npm ci")
    firefox = needs_program("firefox-esr", "firefox")
    match = new_match(spread(12, SECONDS))
    address = f"{server.url}/#/matches/{match}"
    done = subprocess.run([node, STEPS, firefox, address], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["counts"] == [12, 9, 10] and seen["seconds"] >= 0.5
    assert not seen["complaints"]
    statuses = [event["status"] for event in events_of(server, match)]
    assert statuses.count("pending") == 10 and statuses.count("rejected") == 1
