"""docs/formats.md says of every format what a round trip keeps, changes and loses.

``TOUCHLINE_WRITE_GOLDEN=1`` writes the tables again.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from test_formats_contract import CAPTIONS, RATE, REEL, REEL_FORMATS, TIMELINE, WRITERS

from touchline.events import Event
from touchline.formats import FORMATS, losses, round_trip
from touchline.formats.comparing import changes
from touchline.reel import Reel

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BETWEEN = replace(
    TIMELINE, events=tuple(replace(e, seconds=e.seconds + 0.123456) for e in TIMELINE)
)
NAMES = {
    "seconds": "time", "extra": "other fields of events", "file_extra": "other fields of the file",
    "video": "length and rate of the video", "timeline_half": "half of the video",
    "labels": "label set", "clock_seconds": "match clock", "uncertainty_seconds": "uncertainty",
}  # fmt: skip


def event_rows() -> list[str]:
    rows = ["| format | called | lost | changed |", "|---|---|---|---|"]
    for name in WRITERS:
        lost = [NAMES.get(field, field) for field in losses(TIMELINE, name, rate=RATE)]
        changed = changes(BETWEEN, round_trip(BETWEEN, name, rate=RATE))
        shown = f"{', '.join(lost) or '-'} | {'; '.join(changed) or '-'}"
        rows.append(f"| {name} | {FORMATS[name].title} | {shown} |")
    return rows


def reel_rows() -> list[str]:
    rows = ["| format | called | lost | changed |", "|---|---|---|---|"]
    between = Reel(tuple(replace(c, start_seconds=c.start_seconds + 0.123456) for c in REEL))
    for name in sorted([*REEL_FORMATS, *CAPTIONS]):
        back, moved = (round_trip(reel, name, rate=RATE) for reel in (REEL, between))
        if isinstance(back, Reel):
            lost = "-" if back == REEL else "some fields"
            most = max(abs(a.start_seconds - b.start_seconds)
                       for a, b in zip(between, moved, strict=True))  # fmt: skip
            changed = "-" if most < 1e-6 else "times are those of the nearest frame"
        else:
            lost = "which video a clip is of, why clips were chosen"
            changed = "times are those of the rendered reel"
        rows.append(f"| {name} | {FORMATS[name].title} | {lost} | {changed} |")
    return rows


@pytest.mark.parametrize(("name", "rows"), [("events", event_rows), ("reels", reel_rows)])
def test_the_page_says_what_a_round_trip_gives_back(name, rows):
    head, end = f"<!-- {name}: generated -->\n", f"<!-- end of {name} -->"
    before, _, rest = PAGE.read_text().partition(head)
    table, _, after = rest.partition(end)
    wanted = "\n" + "\n".join(rows()) + "\n\n"
    if os.environ.get("TOUCHLINE_WRITE_GOLDEN"):
        PAGE.write_text(f"{before}{head}{wanted}{end}{after}")
    assert table == wanted


def test_every_format_that_is_written_is_on_the_page():
    written = {name for name, known in FORMATS.items() if known.write is not None}
    assert all(FORMATS[name].title for name in written)
    assert written - {"soccerhigh", "soccernet-cameras"} == {*WRITERS, *REEL_FORMATS, *CAPTIONS}


def test_an_event_that_is_kept_is_kept_whole():
    assert losses(TIMELINE, "touchline") == {}
    assert "player" in losses(replace(TIMELINE, events=(Event(1.0, "Goal", player="9"),)), "srt")


def test_reasons_of_clips_that_a_format_cannot_hold_are_counted():
    assert losses(REEL, "srt")["reason"] == 1
    assert "reason" not in losses(REEL, "csv")
