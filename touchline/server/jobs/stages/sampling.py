"""A simulated match, for trying out the server without a video at hand."""

from pathlib import Path

from pydantic import BaseModel

from touchline.labels import KICK_OFF
from touchline.runtime.progress import Progress
from touchline.server.jobs.stages.base import StageArguments, StageResult


class SampleSize(BaseModel):
    """Length and picture of the sample."""

    minutes: float
    width: int
    height: int


class SampleArguments(StageArguments):
    """The video to write."""

    target: str
    size: SampleSize


class Period(BaseModel):
    """When a half begins, in seconds of the match."""

    half: int
    start: float


class SampleGame(BaseModel):
    """Who plays, and when each half begins."""

    home: str
    away: str
    periods: tuple[Period, ...]


class SampleResult(StageResult):
    """Size of the file, and what its script says of the game."""

    bytes: int
    game: SampleGame


def simulate_sample(arguments: SampleArguments, progress: Progress) -> SampleResult:
    """Write the video of a short simulated match."""
    from touchline.simulator.audio import render_audio
    from touchline.simulator.author import DEMO_SEED, write_script
    from touchline.simulator.video import render_half

    minutes = arguments.size.minutes
    script = write_script(DEMO_SEED, minutes=minutes, halves=1)
    half = script.halves[0]
    render_half(
        script,
        half,
        arguments.target,
        size=(arguments.size.width, arguments.size.height),
        sound=render_audio(script, half),
        progress=lambda seconds: progress(min(1.0, seconds / (60 * minutes))),
    )
    progress(1.0)
    starts = [event.seconds for event in half.events if event.label == KICK_OFF]
    periods = tuple(Period(half=half.number, start=start) for start in starts[:1])
    return SampleResult(
        bytes=Path(arguments.target).stat().st_size,
        game=SampleGame(home=script.home.name, away=script.away.name, periods=periods),
    )
