"""Trains the tables of the learned choice of reels, and measures them by cross-validation.

REAL is a folder with `test_dev` and `valid`, each with `labels.zip`, `summaries.json` ({game:
[[half, start, end], ...]}, seconds) and `commentary.jsonl.gz`, and in `test_dev` the detections,
`predictions_netvlad_v2.zip`. Needs LightGBM beside the package (`pip install lightgbm`); the tables
are evaluated without it.

A teacher learns from annotated events what editors show. Where detections are all that a table
reads, the games without an editor's summary are added to those with one, with the teacher's
probability as their target. In cross-validation a game that is measured is in nothing: neither the
table, nor its teacher, nor the weights of its words. Only the teacher's weight was chosen on them.

    python benchmarks/train_choice.py REAL [--words] --jobs 6 \\
        --out touchline/editing/choice/tables --log docs/training/choice.jsonl
"""

import argparse
import gzip
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from sys import intern
from typing import Any, get_args

import lightgbm
import numpy as np

from touchline.editing.choice import event_inputs, word_inputs
from touchline.editing.choice.boosted_trees import BoostedTrees, Tree
from touchline.editing.choice.curves import says_something
from touchline.editing.choice.tables import FORMAT, ChoiceTable, Kind, columns
from touchline.editing.delays import delay_of
from touchline.editing.select import select
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import read_matches
from touchline.metrics.summary import Segment, evaluate_summaries
from touchline.runtime.atomic import write_text
from touchline.transcripts import Transcript, Utterance

HALVES = (1, 2)
KINDS: tuple[Kind, ...] = get_args(Kind)
BUDGETS = (205.0, 0.0)
"""Lengths of reels in seconds; 0 stands for that of the editor's own summary."""

SETTINGS: Mapping[str, Any] = {
    "objective": "cross_entropy", "num_leaves": 8, "learning_rate": 0.08, "min_data_in_leaf": 80,
    "feature_fraction": 0.3, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 20.0,
    "max_bin": 63, "num_threads": 1, "verbose": -1,
}  # fmt: skip
ROUNDS = 90
WORD_ROUNDS = 100
SOFT_WEIGHT = 0.5
SMOOTHING_STEPS = 5
FOLDS = 6

FAR_KEPT = 5
"""Of the seconds that hardly anyone would show, one in so many is learnt from, with this weight."""

WORD_SHRINKAGE = 20.0
FEWEST_GAMES_OF_WORD = 14
MOST_WORDS = 300
LEAST_LOWER_CASE = 0.6
"""Names are written with a capital; words that mostly are count as names."""

CARD = {
    "data": "SoccerHigh's editors' summaries; SoccerNet-v2 annotations as republished by "
    "UniSoccer; NetVLAD's published detections; SoccerNet-Echoes transcripts",
    "licence": "non-commercial: SoccerHigh is CC BY-NC-SA 4.0",
}


@dataclass(eq=False)
class Half:
    """One half of a game, and its inputs at every second."""

    game: str
    half: int
    labels: list[Event]
    detections: list[Event]
    transcript: Transcript
    summary: list[Segment] | None
    seconds: np.ndarray

    @cached_property
    def has_words(self) -> bool:
        return says_something(self.transcript, self.seconds)

    @cached_property
    def heard(self) -> list[Utterance]:
        return word_inputs.heard(self.transcript)

    @cached_property
    def spoken(self) -> list[list[str]]:
        """The words of each utterance that is heard."""
        return [list(map(intern, word_inputs.spellings_of(one.text))) for one in self.heard]

    @cached_property
    def listed_inputs(self) -> np.ndarray:
        """Those of words that are not learned."""
        found = word_inputs.word_inputs(self.transcript, self.seconds, {})
        return found[: -len(word_inputs.WINDOWS)].astype(np.float32)

    @cached_property
    def event_inputs(self) -> dict[Kind, np.ndarray]:
        kinds: list[Kind] = ["confirmed"]
        kinds += ["detections", "goals"] if self.detections else []
        found = {k: event_inputs.event_inputs(self.events(k), self.seconds) for k in kinds}
        return {kind: inputs.astype(np.float32) for kind, inputs in found.items()}

    @cached_property
    def shown(self) -> np.ndarray:
        found = np.zeros(len(self.seconds))
        for half, start, end in self.summary or ():
            if half == self.half:
                found[(self.seconds >= start) & (self.seconds < end)] = 1
        return found

    def events(self, kind: Kind) -> list[Event]:
        if kind == "confirmed":
            return self.labels
        if kind == "detections":
            return self.detections
        return with_true_goals(self.detections, self.labels)

    def inputs(self, kind: Kind, words: Mapping[str, float] | None) -> np.ndarray:
        if words is None:
            return self.event_inputs[kind]
        sums = [sum(words.get(w, 0.0) for w in {w.lower() for w in one}) for one in self.spoken]
        learned = word_inputs.in_windows(self.heard, np.array(sums).reshape(-1, 1), self.seconds)
        parts = [self.event_inputs[kind], self.listed_inputs, learned.astype(np.float32)]
        return np.concatenate(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--words", action="store_true", help="tables that read transcripts, too")
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--jobs", type=int, default=1, help="folds at the same time")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--log", type=Path)
    args = parser.parse_args()
    halves = load(args.folder)
    measured = sorted({h.game for h in halves if h.summary is not None and h.detections})
    folds = [measured[fold :: args.folds] for fold in range(args.folds)]
    held = [*folds, []] if args.out is not None else folds
    prepare(halves, args.words)
    with ProcessPoolExecutor(args.jobs, get_context("fork"), share, (halves,)) as pool:
        results = list(pool.map(measure_fold, held, [args.words] * len(held)))
    figures = {kind: figures_of([one[1][kind] for one in results], halves) for kind in KINDS}
    for kind, found in figures.items():
        record = {"kind": kind, "words": args.words, "folds": args.folds, **found}
        print(json.dumps(record), flush=True)
        if args.log is not None:
            with args.log.open("a") as file:
                file.write(json.dumps({**record, "settings": settings(args.words)}) + "\n")
    for kind, table in results[-1][0].items() if args.out is not None else ():
        card = {**CARD, "kind": kind, "cross_validated": without_games(figures[kind])}
        name = f"{kind}-words.json" if args.words else f"{kind}.json"
        write_text(args.out / name, table_text(table, card))


def prepare(halves: Sequence[Half], with_words: bool) -> None:
    """Compute what no fold changes, once for all processes."""
    for half in halves:
        _ = half.event_inputs, half.shown
        if with_words and half.has_words:
            _ = half.listed_inputs, half.spoken


_halves: Sequence[Half] = ()


def share(halves: Sequence[Half]) -> None:
    global _halves
    _halves = halves


Chosen = dict[float, dict[str, list[Segment]]]


def measure_fold(
    held: Sequence[str], with_words: bool
) -> tuple[dict[Kind, ChoiceTable], dict[Kind, Chosen]]:
    """The tables of all games but those held, and the reels of these, by kind."""
    rest = [half for half in _halves if half.game not in held]
    found = train(rest, with_words)
    test = [half for half in _halves if half.game in held]
    needs_plain = with_words and not all(half.has_words for half in test)
    plain = train(rest, False) if needs_plain else found
    chosen: dict[Kind, Chosen] = {kind: {budget: {} for budget in BUDGETS} for kind in KINDS}
    for game in held:
        both = [half for half in test if half.game == game]
        own = sum(end - start for _, start, end in both[0].summary or ())
        for kind in KINDS:
            for budget in BUDGETS:
                reel = segments(both, kind, found[kind], plain[kind], budget or own)
                chosen[kind][budget][game] = reel
    return found, chosen


def figures_of(folds: Sequence[Chosen], halves: Sequence[Half]) -> dict[str, Any]:
    """Mean F1 over all games that were held in some fold."""
    summaries = {half.game: half.summary for half in halves if half.summary is not None}
    figures: dict[str, Any] = {"per_game": {}}
    for budget in BUDGETS:
        reels = {game: reel for fold in folds for game, reel in fold[budget].items()}
        editors = {game: [tuple(one) for one in summaries[game]] for game in reels}
        scores = evaluate_summaries(editors, reels)
        name = f"at_{budget:g}_seconds" if budget else "at_own_length"
        figures |= {"games": len(reels), f"mean_f1_{name}": round(scores.mean_f1, 4)}
        figures["per_game"][name] = {g: round(one.f1, 4) for g, one in scores.per_game.items()}
    return figures


def without_games(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name != "per_game"}


def settings(with_words: bool) -> dict[str, Any]:
    rounds = WORD_ROUNDS if with_words else ROUNDS
    return {**SETTINGS, "rounds": rounds, "soft_weight": SOFT_WEIGHT}


def load(folder: Path) -> list[Half]:
    halves: list[Half] = []
    for split in ("valid", "test_dev"):
        at = folder / split
        summaries = json.loads((at / "summaries.json").read_text())
        labels = read_matches(at / "labels.zip")
        predictions = at / "predictions_netvlad_v2.zip"
        detected = read_matches(predictions) if predictions.exists() else {}
        said = read_commentary(at / "commentary.jsonl.gz")
        for game, match in labels.items():
            for half in HALVES:
                halves.append(
                    half_of(game, half, match, detected.get(game), said, summaries.get(game))
                )
    return halves


def half_of(
    game: str,
    half: int,
    labels: Match,
    detected: Match | None,
    said: Mapping[tuple[str, int], Transcript],
    summary: list[Segment] | None,
) -> Half:
    true = placed(labels.half(half))
    found = placed(detected.half(half)) if detected is not None else []
    last = max([2700.0, *(event.seconds for event in (*true, *found))])
    seconds = np.arange(0.5, last + 10, 1.0)
    transcript = said.get((game, half), ())
    return Half(game, half, true, found, transcript, summary, seconds)


def placed(timeline: Timeline | None) -> list[Event]:
    """Events as the choice sees them: known delays taken off, each goal once."""
    if timeline is None:
        return []
    delay = delay_of(timeline)
    events = [replace(e, seconds=max(0.0, e.seconds - delay(e))) for e in timeline]
    return event_inputs.without_repeats(events)


def with_true_goals(detections: Sequence[Event], labels: Sequence[Event]) -> list[Event]:
    others = [event for event in detections if event.label != "Goal"]
    return [*others, *(event for event in labels if event.label == "Goal")]


def read_commentary(path: Path) -> dict[tuple[str, int], Transcript]:
    found = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            game = json.loads(line)
            for half, said in game["halves"].items():
                spoken = (Utterance(start, end, text) for start, end, text in said if text.strip())
                found[game["game"], int(half)] = tuple(sorted(spoken))
    return found


# Training.


def train(halves: Sequence[Half], with_words: bool) -> dict[Kind, ChoiceTable]:
    """The table for each kind of events, from these games alone."""
    if with_words:
        halves = [half for half in halves if half.has_words]
    shown = [half for half in halves if half.summary is not None]
    targets = [half.shown for half in shown]
    teacher = grown(shown, targets, "confirmed", None)
    words = None
    if with_words:
        words = learn_words(halves, [softened(half, teacher, None) for half in halves])
        teacher = grown(shown, targets, "confirmed", words)
    able = [half for half in halves if half.detections]
    soft = [softened(half, teacher, words) for half in able]
    trees = {
        "confirmed": teacher,
        "detections": grown(able, soft, "detections", words),
        "goals": grown(able, soft, "goals", words),
    }
    return {kind: ChoiceTable({}, trees[kind], SMOOTHING_STEPS, words) for kind in KINDS}


def softened(half: Half, teacher: BoostedTrees, words: Mapping[str, float] | None) -> np.ndarray:
    """What the editor showed; where there is none, the teacher's probability."""
    if half.summary is not None:
        return half.shown
    return 1 / (1 + np.exp(-teacher.log_odds(half.inputs("confirmed", words))))


def grown(
    halves: Sequence[Half],
    targets: Sequence[np.ndarray],
    kind: Kind,
    words: Mapping[str, float] | None,
) -> BoostedTrees:
    rows, values, importance = [], [], []
    for place, (half, target) in enumerate(zip(halves, targets, strict=True)):
        likely = (target > 0.02) | (np.arange(len(target)) % FAR_KEPT == place % FAR_KEPT)
        rows.append(half.inputs(kind, words)[:, likely].T)
        values.append(target[likely])
        weight = np.where(target[likely] > 0.02, 1.0, float(FAR_KEPT))
        importance.append(weight * (SOFT_WEIGHT if half.summary is None else 1.0))
    data = lightgbm.Dataset(
        np.concatenate(rows), np.concatenate(values), weight=np.concatenate(importance)
    )
    rounds = ROUNDS if words is None else WORD_ROUNDS
    booster = lightgbm.train(SETTINGS, data, rounds)
    return BoostedTrees(0.0, tuple(flattened(booster)))


def flattened(booster: lightgbm.Booster) -> Iterator[Tree]:
    for info in booster.dump_model()["tree_info"]:
        branches: list[tuple[int, float, int, int]] = []
        leaves: list[float] = []
        place_branch(info["tree_structure"], branches, leaves)
        names, thresholds, left, right = zip(*branches, strict=True) if branches else ((),) * 4
        yield Tree(tuple(names), tuple(thresholds), tuple(left), tuple(right), tuple(leaves))


def place_branch(
    node: Mapping[str, Any],
    branches: list[tuple[int, float, int, int]],
    leaves: list[float],
) -> int:
    if "leaf_value" in node:
        leaves.append(round(node["leaf_value"], 4))
        return -len(leaves)
    place = len(branches)
    branches.append((0, 0.0, 0, 0))
    left = place_branch(node["left_child"], branches, leaves)
    right = place_branch(node["right_child"], branches, leaves)
    threshold = float(f"{node['threshold']:.4g}")
    branches[place] = (node["split_feature"], threshold, left, right)
    return place


def learn_words(halves: Sequence[Half], targets: Sequence[np.ndarray]) -> dict[str, float]:
    """Weights of words: how much more often they are said while and after something is shown.

    Names are left out: words mostly written with a capital, and those of the clubs that play.
    """
    total, shown = Counter[str](), Counter[str]()
    games: dict[str, set[str]] = defaultdict(set)
    written, lower = Counter[str](), Counter[str]()
    for half, target in zip(halves, targets, strict=True):
        reached = np.concatenate([[0.0], np.cumsum(target)])
        for one, spoken in zip(half.heard, half.spoken, strict=True):
            start = min(max(int(one.start_seconds - 8), 0), len(target) - 1)
            end = min(max(int(one.end_seconds), start + 1), len(target))
            share = (reached[end] - reached[start]) / (end - start)
            for word in {word.lower() for word in spoken}:
                total[word] += 1
                shown[word] += share
                games[word].add(half.game)
            for word in spoken[1:]:
                written[word.lower()] += 1
                lower[word.lower()] += word.islower()
    clubs = {word for half in halves for word in word_inputs.words_of(club_names(half.game))}
    base = sum(shown.values()) / max(sum(total.values()), 1)
    weights = {}
    for word, count in total.items():
        is_name = word in clubs or lower[word] < LEAST_LOWER_CASE * max(written[word], 1)
        if len(word) < 3 or is_name or len(games[word]) < FEWEST_GAMES_OF_WORD:
            continue
        rate = (shown[word] + WORD_SHRINKAGE * base) / (count + WORD_SHRINKAGE)
        weights[word] = math.log(rate / base), count
    ranked = sorted(weights, key=lambda w: -abs(weights[w][0]) * math.sqrt(weights[w][1]))
    return {word: round(weights[word][0], 3) for word in sorted(ranked[:MOST_WORDS])}


def club_names(game: str) -> str:
    return re.sub(r"[\d-]+", " ", game.rsplit("/", 1)[-1])


# Measuring.


def segments(
    halves: Sequence[Half], kind: Kind, table: ChoiceTable, without: ChoiceTable, seconds: float
) -> list[Segment]:
    timelines = [
        Timeline(Video(f"{half.half}"), tuple(half.events(kind)), half=half.half)
        for half in halves
    ]  # fmt: skip
    said = {half.half: half.transcript for half in halves} if table.words is not None else {}
    reel = select(
        Match(halves[0].game, tuple(timelines)),
        seconds,
        transcripts=said,
        correct_delays=False,
        tables=lambda _, with_words: table if with_words else without,
    )
    return [(clip.half or 1, clip.start_seconds, clip.end_seconds) for clip in reel]


def table_text(table: ChoiceTable, card: Mapping[str, Any]) -> str:
    trees = [
        {
            "columns": tree.columns,
            "thresholds": tree.thresholds,
            "left": tree.left,
            "right": tree.right,
            "leaves": tree.leaves,
        }
        for tree in table.trees.trees
    ]
    document = {
        "format": FORMAT,
        "version": 1,
        "card": card,
        "smoothing_steps": table.smoothing_steps,
        "words": table.words,
        "base": table.trees.base,
        "columns": columns(table.words is not None),
        "trees": trees,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    main()
