"""A match that nobody has to bring: simulated, for trying out what the server does."""

from pathlib import Path
from typing import Any

from touchline.demo import DEMO_SEED
from touchline.server.stages import Report
from touchline.simulator.audio import render_audio
from touchline.simulator.author import write_script
from touchline.simulator.video import render_half


def simulate_sample(
    report: Report, *, target: str, minutes: float, width: int, height: int
) -> dict[str, Any]:
    """Write the video of a short simulated match."""
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
    return {"bytes": Path(target).stat().st_size}
