"""A match that nobody has to bring: simulated, for trying out what the server does."""

from pathlib import Path
from typing import Any

from touchline.demo import DEMO_SEED
from touchline.editing.select import OPENING
from touchline.server.jobs.stages import Report
from touchline.simulator.audio import render_audio
from touchline.simulator.author import write_script
from touchline.simulator.video import render_half


def simulate_sample(
    report: Report, *, target: str, minutes: float, width: int, height: int
) -> dict[str, Any]:
    """Write the video of a short simulated match; its script says who plays, and from when on."""
    script = write_script(DEMO_SEED, minutes=minutes, halves=1)
    half = script.halves[0]
    render_half(
        script,
        half,
        target,
        size=(width, height),
        sound=render_audio(script, half),
        progress=lambda seconds: report(min(1.0, seconds / (60 * minutes))),
    )
    report(1.0)
    starts = [event.seconds for event in half.events if event.label == OPENING]
    return {
        "bytes": Path(target).stat().st_size,
        "game": {
            "home": script.home.name,
            "away": script.away.name,
            "periods": [{"half": half.number, "start": start} for start in starts[:1]],
        },
    }
