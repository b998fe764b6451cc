"""The whole product on a match that nobody has to download: simulate, spot, score, cut, report."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from touchline.editing.render import render_reel
from touchline.editing.select import select
from touchline.errors import InputError
from touchline.events import Match, Timeline
from touchline.formats import read, write
from touchline.labels import SOCCERNET_V2
from touchline.metrics.spotting import SpottingScores, evaluate
from touchline.pipeline import check_writable
from touchline.reel import Reel
from touchline.report.page import write_report
from touchline.runtime.atomic import write_text
from touchline.simulator.author import DEMO_SEED
from touchline.simulator.dataset import simulate, video_name
from touchline.spotting.spotter import load

StageProgress = Callable[[str, float], None]
"""Called with the name of a stage and the share of it that is done."""

DEMO_MINUTES = 3.0
REEL_SECONDS = 45.0
METRICS = ("tight", "loose")

_SIZE = (398, 224)
_MODALITIES = ("video", "audio", "labels")


@dataclass(frozen=True)
class Demo:
    """What the demo left on disk, and how well the model did.

    Attributes:
        files: what each file is, to where it lies.
        scores: one result per metric.
    """

    folder: Path
    files: dict[str, Path]
    scores: tuple[SpottingScores, ...]

    def to_json(self) -> dict[str, Any]:
        """The folder's files and the scores of its match."""
        return {
            "folder": str(self.folder),
            "files": {name: str(path) for name, path in self.files.items()},
            "scores": [score.to_json() for score in self.scores],
        }


def run_demo(
    folder: Path, *, minutes: float = DEMO_MINUTES, seed: int = DEMO_SEED, progress: StageProgress
) -> Demo:
    """Simulate a match, spot it with the shipped model, score it, cut its reel, write the report.

    Args:
        folder: new, empty, or one that this demo made before; made if it is not there.
        minutes: length of each half.

    Raises:
        InputError: the folder holds other things, or cannot be written.
    """
    timelines: list[Timeline] = []
    with load("demo") as spotter:
        game = _simulated_game(folder, minutes, seed, progress)
        files: dict[str, Path] = {"truth": game / "Labels-v2.json"}
        videos = {half: game / video_name(half, _SIZE) for half in (1, 2)}
        for half, video in videos.items():
            show = partial(progress, f"spotting half {half}")
            spotted = spotter.spot(video, threshold=0.01, progress=show)
            timelines.append(replace(spotted, half=half))
    match = Match(f"{game.parent.parent.name}/{game.parent.name}/{game.name}", tuple(timelines))
    scores = _scores(game, match)

    reel = select(match, REEL_SECONDS)
    if len(reel):
        files["reel"] = folder / "reel.mp4"
        reel = render_reel(
            reel,
            files["reel"],
            videos,
            burn_labels=True,
            progress=lambda share: progress("cutting the reel", share),
        )
    files["reel decisions"] = folder / "reel.reel.json"
    write(reel, files["reel decisions"])
    for timeline in timelines:
        half = timeline.half or 0
        files[f"video of half {half}"] = videos[half]
        files[f"events of half {half}"] = folder / f"half-{half}.events.json"
        files[f"report of half {half}"] = folder / f"half-{half}.report.html"
        write(timeline, files[f"events of half {half}"])
        clips = tuple(clip for clip in reel if clip.half == half)
        write_report(
            timeline,
            files[f"report of half {half}"],
            video=videos[half],
            reel=Reel(clips) if clips else None,
            title=f"{game.name.partition(' - ')[2].partition(' ')[2]}, half {half}",
        )
        progress("writing the reports", half / len(timelines))
    demo = Demo(folder, files, scores)
    files["scores"] = folder / "scores.json"
    write_text(files["scores"], json.dumps(demo.to_json(), indent=2) + "\n")
    return demo


def _simulated_game(folder: Path, minutes: float, seed: int, progress: StageProgress) -> Path:
    check_writable(folder)
    root = folder / "match"
    foreign = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    if foreign and not root.is_dir():
        raise InputError(
            f"holds other things ({sorted(foreign)[0]})", where=folder, remedy="name a new folder"
        )
    made = simulate(
        root,
        games=1,
        seed=seed,
        minutes=minutes,
        size=_SIZE,
        rate=Fraction(25),
        modalities=_MODALITIES,
        progress=lambda done, total: progress("simulating a match", done / total),
    )
    return root / made.games[0]


def _scores(game: Path, match: Match) -> tuple[SpottingScores, ...]:
    truth = read(game / "Labels-v2.json")
    if not isinstance(truth, Match):
        raise InputError("holds no match", where=game)
    return tuple(
        evaluate({match.name: truth}, {match.name: match}, label_set=SOCCERNET_V2, metric=metric)
        for metric in METRICS
    )
