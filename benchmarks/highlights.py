"""How well reels agree with real editors: frame-level F1 against SoccerHigh summaries.

Prints one JSON line per setting. REAL is a folder with `summaries.json` ({game: [[half, start,
end], ...]}, seconds) and a zip of `results_spotting.json` or label files per game. A length of 0
stands for the length of each game's own summary. `random` are reels of the same length, of clips
that lie anywhere: what chance reaches.

    python benchmarks/highlights.py REAL/test_dev --events predictions_netvlad_v2.zip
"""

import argparse
import json
import random
from pathlib import Path

from touchline.editing.select import DEFAULT_JITTER_SECONDS, select
from touchline.events import Match
from touchline.formats import read_matches
from touchline.metrics.summary import Segment, evaluate_summaries

RANDOM_CLIP_SECONDS = 8.0
HALF_SECONDS = 2820.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", default="predictions_netvlad_v2.zip")
    parser.add_argument("--seconds", type=float, nargs="+", default=[120, 180, 205, 240, 0])
    parser.add_argument("--shift", type=float, nargs="+", default=[0, -4])
    parser.add_argument("--jitter", type=float, nargs="+", default=[DEFAULT_JITTER_SECONDS])
    args = parser.parse_args()
    segments = json.loads((args.folder / "summaries.json").read_text())
    matches = read_matches(args.folder / args.events)
    editors = {game: chosen for game, chosen in segments.items() if game in matches}
    lengths = {game: sum(end - start for _, start, end in s) for game, s in editors.items()}
    for seconds in args.seconds:
        setting = {"benchmark": "highlights", "events": args.events, "seconds": seconds or "own"}
        by_chance = {game: random_segments(game, seconds or lengths[game]) for game in editors}
        show({**setting, "reel": "random"}, editors, by_chance)
        for shift in args.shift:
            for jitter in args.jitter:
                chosen = {
                    game: reel_segments(matches[game], seconds or lengths[game], shift, jitter)
                    for game in editors
                }
                named = {"reel": "select", "shift_seconds": shift, "jitter_seconds": jitter}
                show({**setting, **named}, editors, chosen)


def reel_segments(match: Match, seconds: float, shift: float, jitter: float) -> list[Segment]:
    reel = select(match, seconds, shift_seconds=shift, jitter_seconds=jitter)
    return [(clip.half or 1, clip.start_seconds, clip.end_seconds) for clip in reel]


def random_segments(game: str, seconds: float) -> list[Segment]:
    """Clips on a grid, so that none overlap; the same ones whenever it runs."""
    slots = [
        (half, RANDOM_CLIP_SECONDS * slot)
        for half in (1, 2)
        for slot in range(int(HALF_SECONDS / RANDOM_CLIP_SECONDS))
    ]
    drawn = random.Random(game).sample(slots, round(seconds / RANDOM_CLIP_SECONDS))
    return [(half, start, start + RANDOM_CLIP_SECONDS) for half, start in drawn]


def show(
    setting: dict[str, object],
    editors: dict[str, list[Segment]],
    chosen: dict[str, list[Segment]],
) -> None:
    scores = evaluate_summaries(editors, chosen).to_json()
    kept = ("games", "mean_f1", "pooled_f1", "precision", "recall")
    figures = {name: round(scores[name], 4) if name != "games" else scores[name] for name in kept}
    print(json.dumps(setting | figures), flush=True)


if __name__ == "__main__":
    main()
