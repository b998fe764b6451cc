"""What the commentary around a second tells: words of each group, exclamations, rate of speech."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from touchline.editing.choice.words import WORDS
from touchline.transcripts import Transcript, Utterance

FloatArray = npt.NDArray[np.float64]

WINDOWS: tuple[tuple[float, float], ...] = (
    (-30, -15), (-15, -8), (-8, -4), (-4, 0), (0, 4), (4, 8), (8, 15), (15, 30),
)  # fmt: skip
"""Stretches around a second, in seconds, whose words count apart."""

LONGEST_UTTERANCE_SECONDS = 30.0
"""Recognisers give their longest utterances, of this length, to what they made up in silence."""

LANGUAGES: tuple[str, ...] = tuple(WORDS["goal"])

LEAST_TOLD_SHARE = 0.02
"""Utterances with a listed word, in a language that the lists know, are at least this many."""

MEASURES = (*WORDS, "exclamation", "characters", "learned words")

COLUMNS: tuple[str, ...] = tuple(
    f"{measure} in [{low:g}, {high:g}) s" for measure in MEASURES for low, high in WINDOWS
)

_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")
_GRID_PER_SECOND = 2


def word_inputs(
    transcript: Transcript, seconds: FloatArray, weights: Mapping[str, float]
) -> FloatArray:
    """(columns, n) amounts of each measure in the windows around n times.

    An utterance counts evenly over its length; characters are by the mean of the transcript.

    Args:
        weights: of learned words, in lower case; an utterance has the sum of those of its words.
    """
    said = heard(transcript)
    counted = np.array([_amounts(one.text) for one in said]).reshape(len(said), -1)
    length = max([60.0, *(one.end_seconds for one in said)])
    counted[:, -1] /= max(counted[:, -1].sum() / length, 1e-9)
    learned = [sum(weights.get(word, 0.0) for word in set(words_of(one.text))) for one in said]
    return in_windows(said, np.column_stack([counted, learned]), seconds)


def heard(transcript: Transcript) -> list[Utterance]:
    """The utterances that last, without those that a recogniser made up."""
    return [one for one in without_repeats(transcript) if one.end_seconds > one.start_seconds]


def in_windows(said: Sequence[Utterance], amounts: FloatArray, seconds: FloatArray) -> FloatArray:
    """(measures x windows, n) what of the amounts of each utterance lies in each window.

    Args:
        amounts: (utterances, measures).
    """
    until = max([float(seconds.max(initial=0.0)), *(one.end_seconds for one in said)])
    edges = np.arange(0.0, until + 60.0, 1 / _GRID_PER_SECOND)
    reached = _accumulated(said, amounts, edges)
    bounds = sorted({bound for window in WINDOWS for bound in window})
    rows = []
    for total in reached:
        at = {bound: np.interp(seconds + bound, edges, total) for bound in bounds}
        rows += [at[high] - at[low] for low, high in WINDOWS]
    return np.array(rows).reshape(-1, len(seconds))


def _accumulated(said: Sequence[Utterance], amounts: FloatArray, edges: FloatArray) -> FloatArray:
    """(measures, edges) amounts up to each edge."""
    first = np.searchsorted(edges, [one.start_seconds for one in said])
    last = np.maximum(np.searchsorted(edges, [one.end_seconds for one in said]), first + 1)
    share = amounts / (last - first)[:, None]
    rates = np.zeros((len(edges) + 1, amounts.shape[1]))
    np.add.at(rates, first + 1, share)
    np.add.at(rates, last + 1, -share)
    return np.cumsum(np.cumsum(rates, axis=0), axis=0)[:-1].T


def _amounts(text: str) -> list[float]:
    groups = frozenset[str]().union(*map(groups_of, words_of(text)))
    return [*(float(name in groups) for name in WORDS), float("!" in text), float(len(text))]


@lru_cache(maxsize=1 << 13)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, in lower case."""
    return tuple(word.lower() for word in spellings_of(text))


def spellings_of(text: str) -> list[str]:
    """The words of a text as they are written."""
    return _WORD.findall(text)


@lru_cache(maxsize=1 << 16)
def groups_of(word: str) -> frozenset[str]:
    """The groups of ``WORDS`` that a word in lower case belongs to, in whatever language."""
    return frozenset(
        name for name, (whole, beginnings) in _patterns().items()
        if word in whole or word.startswith(beginnings)
    )  # fmt: skip


@cache
def _patterns() -> Mapping[str, tuple[frozenset[str], tuple[str, ...]]]:
    patterns = {}
    for name, languages in WORDS.items():
        listed = " ".join(languages.values()).split()
        whole = frozenset(word[1:] for word in listed if word.startswith("="))
        patterns[name] = whole, tuple(word for word in listed if not word.startswith("="))
    return patterns


def knows_language(transcript: Transcript) -> bool:
    """Whether enough of what was said is in a language of ``WORDS``."""
    told = sum(any(map(groups_of, words_of(one.text))) for one in transcript)
    return told >= max(LEAST_TOLD_SHARE * len(transcript), 1)


def without_repeats(transcript: Transcript) -> Transcript:
    """The utterances without those that a recogniser made up: one text again and again."""
    kept: list[Utterance] = []
    before = ""
    for one in transcript:
        if one.text != before and one.end_seconds - one.start_seconds < LONGEST_UTTERANCE_SECONDS:
            kept.append(one)
        before = one.text
    return tuple(kept)
