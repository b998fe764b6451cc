"""How long choosing a reel of a match takes, from events that are read to its clips.

Prints one JSON line per setting: the mean and the longest processor time of a match over the games
of a folder as `highlights.py` has it, and the limit that is promised. Tables are read before.

    python benchmarks/choosing.py REAL/test_dev
"""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from highlights import read_commentary

from touchline.events import Match
from touchline.formats import read_matches
from touchline.pipeline import chosen_reel
from touchline.transcripts import Transcripts

LIMIT_SECONDS = 0.2
REEL_SECONDS = 180.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    found = read_matches(args.folder / "predictions_netvlad_v2.zip")
    labels = read_matches(args.folder / "labels.zip")
    said = read_commentary(args.folder / "commentary.jsonl.gz")
    show("detections", found, {})
    show("detections, transcripts", found, said)
    show("annotations", labels, {})
    show("annotations, transcripts", labels, said)


def show(name: str, matches: Mapping[str, Match], said: Mapping[str, Transcripts]) -> None:
    """Time each match, the first one twice: it reads the tables."""
    games = list(matches)
    timed = [_seconds(matches[game], said.get(game, {})) for game in [games[0], *games]][1:]
    longest = max(timed)
    line = {"benchmark": "choosing", "events": name, "games": len(timed)}
    line |= {"seconds": round(float(np.mean(timed)), 4), "longest": round(longest, 4)}
    print(json.dumps({**line, "limit": LIMIT_SECONDS, "ratio": round(longest / LIMIT_SECONDS, 2)}))


def _seconds(match: Match, transcripts: Transcripts) -> float:
    before = time.process_time()
    chosen_reel(match, REEL_SECONDS, transcripts=transcripts)
    return time.process_time() - before


if __name__ == "__main__":
    main()
