"""How well reels agree with real editors: frame-level F1 against SoccerHigh summaries.

Prints one JSON line per setting. REAL is a folder with `summaries.json` ({game: [[half, start,
end], ...]}, seconds), `labels.zip`, `commentary.jsonl.gz` and a zip of `results_spotting.json` per
game. A length of 0 stands for that of each game's own summary. `random` are reels of the same
length, of clips that lie anywhere: what chance reaches; `before` is the plain choice with the
detections at the times that the detector gives. `interval` and `gain_interval` are 95 % of the
means of games drawn again, `gain` is over `before`, game by game.

The shipped tables have seen these games: their figures here are those of training. What they reach
on games that they have not seen is `train_choice.py`'s log; `--folds LOG` puts intervals on it.

    python benchmarks/highlights.py REAL/test_dev
    python benchmarks/highlights.py REAL/test_dev --folds docs/training/choice.jsonl
"""

import argparse
import gzip
import json
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from touchline.editing.certain import with_certain
from touchline.editing.select import select
from touchline.events import Match
from touchline.formats import read_matches
from touchline.metrics.summary import Segment, SummaryScores, evaluate_summaries
from touchline.transcripts import Transcripts, Utterance

RANDOM_CLIP_SECONDS = 8.0
HALF_SECONDS = 2820.0
RESAMPLES = 4000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", default="predictions_netvlad_v2.zip")
    parser.add_argument("--seconds", type=float, nargs="+", default=[205, 0])
    parser.add_argument("--folds", type=Path, help="log of train_choice.py")
    args = parser.parse_args()
    segments = json.loads((args.folder / "summaries.json").read_text())
    matches = read_matches(args.folder / args.events)
    labels = read_matches(args.folder / "labels.zip")
    said = read_commentary(args.folder / "commentary.jsonl.gz")
    editors = {game: chosen for game, chosen in segments.items() if game in matches}
    for seconds in args.seconds:
        length = {g: seconds or sum(e - s for _, s, e in one) for g, one in editors.items()}
        setting = {"benchmark": "highlights", "seconds": seconds or "own"}
        scored = Benchmark(setting, editors, length)
        scored.before = scored.show("before", matches, selection="plain", correct_delays=False)
        scored.show_random()
        if args.folds is not None:
            scored.show_folds(args.folds, seconds)
            continue
        scored.show("plain", matches, selection="plain")
        scored.show("learned", matches)
        scored.show("learned, transcripts", matches, said)
        goals = {game: with_true_goals(match, labels[game]) for game, match in matches.items()}
        scored.show("plain, true goals", goals, selection="plain")
        scored.show("learned, true goals", goals)
        scored.show("annotations, plain", labels, selection="plain")
        scored.show("annotations, learned", labels)


class Benchmark:
    """Reels of one length, by several choices, for the same games."""

    def __init__(
        self,
        setting: Mapping[str, object],
        editors: Mapping[str, list[Segment]],
        length: Mapping[str, float],
    ) -> None:
        self.setting, self.editors, self.length = setting, editors, length
        self.before: dict[str, float] | None = None

    def show(
        self,
        name: str,
        matches: Mapping[str, Match],
        said: Mapping[str, Transcripts] | None = None,
        **options: object,
    ) -> dict[str, float]:
        """Choose, print, and give the F1 of each game."""
        reels = {
            game: [
                (clip.half or 1, clip.start_seconds, clip.end_seconds)
                for clip in select(
                    matches[game], seconds, transcripts=(said or {}).get(game, {}), **options
                )
            ]
            for game, seconds in self.length.items()
        }
        return self._print(name, evaluate_summaries(self.editors, reels))

    def show_random(self) -> None:
        reels = {game: random_segments(game, seconds) for game, seconds in self.length.items()}
        self._print("random", evaluate_summaries(self.editors, reels))

    def show_folds(self, log: Path, seconds: float) -> None:
        budget = f"at_{seconds:g}_seconds" if seconds else "at_own_length"
        for line in log.read_text().splitlines():
            record = json.loads(line)
            name = f"cross-validated, {record['kind']}" + ", transcripts" * record["words"]
            self._print_games(name, record["per_game"][budget], {})

    def _print(self, name: str, scores: SummaryScores) -> dict[str, float]:
        record = scores.to_json()
        per_game = record.pop("per_game")
        figures = {key: round(x, 4) for key, x in record.items() if isinstance(x, float)}
        self._print_games(name, per_game, figures)
        return per_game

    def _print_games(
        self, name: str, per_game: Mapping[str, float], figures: Mapping[str, float]
    ) -> None:
        values = np.array([per_game[game] for game in self.editors])
        line = {**self.setting, "reel": name, "games": len(values), **figures}
        line |= {"mean_f1": round(float(values.mean()), 4), "interval": interval(values)}
        if self.before is not None:
            gains = values - np.array([self.before[game] for game in self.editors])
            line |= {"gain": round(float(gains.mean()), 4), "gain_interval": interval(gains)}
        print(json.dumps(line), flush=True)


def interval(values: np.ndarray) -> list[float]:
    """The middle 95 % of the means of games drawn again, with replacement."""
    draws = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
    return [round(float(x), 4) for x in np.quantile(draws.mean(axis=1), (0.025, 0.975))]


def with_true_goals(match: Match, labels: Match) -> Match:
    goals = [t.with_events(e for e in t if e.label == "Goal") for t in labels.timelines]
    merged = with_certain(match, Match(labels.name, tuple(goals)), "labels")
    assert isinstance(merged, Match)
    return merged


def read_commentary(path: Path) -> dict[str, Transcripts]:
    found: dict[str, Transcripts] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            game = json.loads(line)
            found[game["game"]] = {
                int(half): tuple(sorted(Utterance(*one) for one in said))
                for half, said in game["halves"].items()
            }
    return found


def random_segments(game: str, seconds: float) -> list[Segment]:
    """Clips on a grid, so that none overlap; the same ones whenever it runs."""
    slots = [
        (half, RANDOM_CLIP_SECONDS * slot)
        for half in (1, 2)
        for slot in range(int(HALF_SECONDS / RANDOM_CLIP_SECONDS))
    ]
    drawn = random.Random(game).sample(slots, round(seconds / RANDOM_CLIP_SECONDS))
    return [(half, start, start + RANDOM_CLIP_SECONDS) for half, start in drawn]


if __name__ == "__main__":
    main()
