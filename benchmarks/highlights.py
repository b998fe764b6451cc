"""How well reels agree with real editors: frame-level F1 against SoccerHigh summaries.

Prints one JSON line per setting. REAL is a folder with `summaries.json` ({game: [[half, start,
end], ...]}, seconds) and a zip of `results_spotting.json` or label files per game.

    python benchmarks/highlights.py REAL/test_dev --events predictions_netvlad_v2.zip
"""

import argparse
import json
from pathlib import Path

from touchline.editing.select import select
from touchline.formats import read_matches
from touchline.metrics.summary import summary_scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", default="predictions_netvlad_v2.zip")
    parser.add_argument("--seconds", type=float, nargs="+", default=[120, 180, 205, 240])
    parser.add_argument("--shift", type=float, nargs="+", default=[0, -4])
    args = parser.parse_args()
    segments = json.loads((args.folder / "summaries.json").read_text())
    matches = read_matches(args.folder / args.events)
    games = {game: matches[game] for game in segments if game in matches}
    for shift in args.shift:
        for seconds in args.seconds:
            reels = {g: select(m, seconds, shift_seconds=shift) for g, m in games.items()}
            scores = summary_scores({game: segments[game] for game in games}, reels)
            record = {
                "benchmark": "highlights",
                "events": args.events,
                "seconds": seconds,
                "shift_seconds": shift,
            }
            print(json.dumps(record | scores.to_json()), flush=True)


if __name__ == "__main__":
    main()
