"""Frames of the page's timeline under load, as chromium's own trace tells them.

A match of two hours with 2,000 events and its score curves is zoomed and panned by wheel for some
seconds, once per frame of the screen. From the trace: what the page's main thread does for each
frame (script, layout, paint, canvas) in time on the processor and in time on the wall, which is
longer where others use the machine; and how far apart frames are. Beside it, in the same run, a
page that asks for frames and draws nothing (the floor), and the same events as one element each,
moved beside the timeline (what libraries that keep an element per item do). Prints one JSON line.

    python benchmarks/timeline_frames.py [--seconds 6] [--events 2000] [--hours 2]

Chromium runs without a screen and draws in software, so figures are of processors alone.
"""

import argparse
import bisect
import json
import os
import shutil
import statistics
import sys
import tempfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "browser")]

from page_server import PageServer, seed_match, serving, spread  # noqa: E402

from touchline.media.writer import VideoWriter  # noqa: E402

CATEGORIES = ["toplevel", "blink.user_timing"]
TASK = "ThreadControllerImpl::RunTask"
FRAME_MS = 1000 / 60
VIDEO_SECONDS = 4
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
SCREEN = {"width": 1600, "height": 1000}

DRIVE = """async ([seconds, kind]) => {
  const timeline = document.querySelector("match-timeline");
  const plot = timeline.querySelector(".plot");
  const box = plot.getBoundingClientRect();
  const at = { clientX: box.left + box.width * 0.4, clientY: box.top + 90 };
  let items = [];
  if (kind === "elements") {
    items = Array.from({ length: %d }, (_, i) => {
      const item = document.createElement("div");
      item.style.cssText = "position:absolute;top:0;left:0;width:2px;height:12px;background:#0a6";
      item.dataset.at = String(i);
      plot.append(item);
      return item;
    });
  }
  const turn = (wheel) => {
    if (kind === "floor") return;
    plot.dispatchEvent(new WheelEvent("wheel", { ...at, cancelable: true, ...wheel }));
    if (!items.length) return;
    const { start, span } = timeline.view;
    const every = timeline.duration / items.length;
    items.forEach((item, i) => {
      const x = ((i * every - start) / span) * box.width;
      item.style.transform = `translate(${x}px, ${22 + (i %% 17) * 18}px)`;
    });
  };
  const begun = performance.now();
  await new Promise((resolve) => {
    const frame = () => {
      performance.mark("touchline-frame");
      const now = (performance.now() - begun) / 1000;
      if (now > seconds) return resolve();
      const phase = (now / seconds) * 4;
      if (phase < 1) turn({ deltaY: -25 });
      else if (phase < 2) turn({ deltaX: 60, deltaY: 0 });
      else if (phase < 3) turn({ deltaY: 25 });
      else turn({ deltaX: phase < 3.5 ? 30 : -30, deltaY: 0 });
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  items.forEach((item) => item.remove());
}"""


def small_video(path: Path) -> Path:
    """A video of a few seconds; the match says that it is longer."""
    with VideoWriter(path, (320, 180), Fraction(25)) as writer:
        for index in range(VIDEO_SECONDS * 25):
            writer.write(np.full((180, 320, 3), index, np.uint8))
    return path


def frame_times(trace: list[dict[str, Any]]) -> tuple[list[float], list[float], list[float]]:
    """Of each frame, in milliseconds: processor time and wall time of the main thread's tasks
    that led to it, and the time since the frame before."""
    marks = [event for event in trace if event["name"] == "touchline-frame"]
    thread = (marks[0]["pid"], marks[0]["tid"])
    frames = sorted(mark["ts"] for mark in marks)
    processor, wall = [0.0] * len(frames), [0.0] * len(frames)
    for task in trace:
        if task["name"] != TASK or task["ph"] != "X" or (task["pid"], task["tid"]) != thread:
            continue
        place = bisect.bisect_left(frames, task["ts"])
        if 0 < place < len(frames):
            processor[place] += task.get("tdur", 0) / 1000
            wall[place] += task.get("dur", 0) / 1000
    between = [(b - a) / 1000 for a, b in pairwise(frames)]
    return processor[1:], wall[1:], between


def summary(times: tuple[list[float], list[float], list[float]]) -> dict[str, float]:
    """Medians and 95th percentiles, in milliseconds, and the share of frames whose work fits
    into 60 frames a second."""
    found: dict[str, float] = {"frames": len(times[0])}
    for name, values in zip(("processor", "wall", "interval"), times, strict=True):
        found[f"{name}_ms_median"] = round(statistics.median(values), 2)
        found[f"{name}_ms_p95"] = round(statistics.quantiles(values, n=20)[18], 2)
    found["processor_within_frame"] = round(
        sum(one <= FRAME_MS for one in times[0]) / len(times[0]), 3
    )
    return found


def measure(server: PageServer, match: str, seconds: float, events: int) -> dict[str, Any]:
    """What a browser's trace says of each kind of timeline."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    found: dict[str, Any] = {}
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=FLAGS)
        for kind in ("page", "floor", "elements"):
            page = browser.new_page(viewport=SCREEN)
            page.goto(f"{server.url}/#/matches/{match}")
            page.locator(".event-row").first.wait_for()
            page.wait_for_timeout(1500)
            browser.start_tracing(page=page, categories=CATEGORIES)
            page.evaluate(DRIVE % events, [seconds, kind])
            trace = json.loads(browser.stop_tracing())["traceEvents"]
            found[kind] = summary(frame_times(trace))
            page.close()
        found["browser"] = browser.version
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="of zooming and panning")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--hours", type=float, default=2.0)
    given = parser.parse_args()
    length = given.hours * 3600
    with tempfile.TemporaryDirectory() as folder:
        video = small_video(Path(folder) / "match.mp4")
        data = Path(folder) / "data"
        match = seed_match(
            data, video, VIDEO_SECONDS, spread(given.events, length), shown_seconds=length
        )
        with serving(data) as server:
            found = measure(server, match, given.seconds, given.events)
    found["elements_to_page"] = round(
        found["elements"]["processor_ms_median"] / found["page"]["processor_ms_median"], 2
    )
    print(
        json.dumps({"events": given.events, "hours": given.hours, "cores": os.cpu_count(), **found})
    )


if __name__ == "__main__":
    main()
