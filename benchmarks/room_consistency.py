"""Whether the page shows what the server has, and what its edits make, whatever fails.

Each run takes a new match and one tab or two. They add, change, delete, review, edit reels, undo
and redo at random, in two rounds, while one request in eight fails: cut before or after the
server acted, or in the middle of the answer, answered 429, 500, 502, 503 or 504 with or without
effect, or late. Pages are closed and opened in the middle; another program locks the database for
longer than the server waits; with ``--kill`` the server is killed every so many runs. After each
round, once a page says that all is saved, its events and reels are compared with the server's,
field by field; of a tab alone also with what its edits make by the rules of undo and redo. Prints
one JSON line.

    python benchmarks/room_consistency.py [--runs 500] [--seed 1] [--kill 50]
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "browser")]

from consistency import IMPATIENT, Found, Tabs, locked_now_and_then  # noqa: E402
from page_server import PageServer, serving  # noqa: E402

from touchline.server.services import open_services  # noqa: E402
from touchline.server.settings import ServerSettings  # noqa: E402

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
RATE = 1 / 8


def kill(server: PageServer) -> None:
    """End the server as a crash does, and start it again."""
    if server.process is not None:
        server.process.kill()
        server.process.wait()
        server.process = None
    server.start()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=RATE, help="share of requests that fail")
    parser.add_argument("--kill", type=int, default=0, help="kill the server every so many runs")
    given = parser.parse_args()
    found, begun = Found(), time.monotonic()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), environment=IMPATIENT) as server,
        locked_now_and_then(server, given.seed),
        sync_playwright() as player,
    ):
        services = open_services(ServerSettings(data=server.data))
        browser = player.chromium.launch(executable_path=chromium, args=FLAGS)
        tabs = Tabs(browser.new_context(), server, services, found)
        for number in range(given.runs):
            if given.kill and number and number % given.kill == 0:
                kill(server)
            tabs.run(given.seed + number, given.rate)
            if number % 20 == 0 or found.differences:
                print(f"{found.runs} runs", *found.differences, sep="\n", file=sys.stderr)
        browser.close()
        services.close()
    print(
        json.dumps(
            {
                "runs": found.runs, "compared": found.compared,
                "differences": len(found.differences), "edits": found.edits.total(),
                "failed_requests": found.faults.total(), "refused": found.refused,
                "by_edit": found.edits, "by_fault": found.faults,
                "seconds": round(time.monotonic() - begun, 1),
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
