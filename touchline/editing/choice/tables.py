"""The tables of numbers that the learned choice ships with, and what their cards say."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from touchline.editing.choice import event_inputs, word_inputs
from touchline.editing.choice.boosted_trees import BoostedTrees, Tree
from touchline.events import Event
from touchline.transcripts import Transcript

FloatArray = npt.NDArray[np.float64]

Kind = Literal["detections", "goals", "confirmed"]
"""Of what events: detections; detections and certain goals; events that are all certain."""

FORMAT = "touchline-choice"


@dataclass(frozen=True)
class ChoiceTable:
    """Trees that tell how likely an editor shows a second, and what they were learnt from.

    Attributes:
        card: data, licence, figures.
        trees: on the columns of ``columns``.
        smoothing_steps: width of the mean that is taken over the log-odds, an odd number.
        words: weights of learned words; None for a table that reads no transcript.
    """

    card: Mapping[str, Any]
    trees: BoostedTrees
    smoothing_steps: int
    words: Mapping[str, float] | None = None

    def log_odds(
        self, events: Sequence[Event], transcript: Transcript, seconds: FloatArray
    ) -> FloatArray:
        """(n,) log-odds that an editor shows each of n evenly spaced times."""
        if not len(seconds):
            return np.zeros(0)
        inputs = event_inputs.event_inputs(events, seconds)
        if self.words is not None:
            heard = word_inputs.word_inputs(transcript, seconds, self.words)
            inputs = np.concatenate([inputs, heard])
        return smoothed(self.trees.log_odds(inputs), self.smoothing_steps)


TableSource = Callable[[Kind, bool], ChoiceTable]
"""Gives the table for a kind of events, with a transcript or without one."""


def smoothed(values: FloatArray, steps: int) -> FloatArray:
    """The mean over an odd number of neighbours; at the ends the first and last value repeat."""
    padded = np.pad(values, steps // 2, mode="edge")
    return np.convolve(padded, np.full(steps, 1 / steps), "valid")


def columns(with_words: bool) -> tuple[str, ...]:
    """What the inputs of a table are, in order."""
    return (*event_inputs.COLUMNS, *(word_inputs.COLUMNS if with_words else ()))


@cache
def shipped_table(kind: Kind, with_words: bool) -> ChoiceTable:
    """The table for a kind of events; one that reads a transcript, where that is shipped."""
    folder = resources.files("touchline.editing.choice") / "tables"
    with_transcript = folder / f"{kind}-words.json"
    is_there = with_words and with_transcript.is_file()
    file = with_transcript if is_there else folder / f"{kind}.json"
    return parse_table(json.loads(file.read_text("utf-8")))


def parse_table(document: Mapping[str, Any]) -> ChoiceTable:
    """The table of a document.

    Raises:
        ValueError, KeyError, TypeError: it is none, or one for other inputs.
    """
    words = document.get("words")
    if document["format"] != FORMAT or tuple(document["columns"]) != columns(words is not None):
        raise ValueError("not a table for these inputs")
    trees = BoostedTrees(float(document["base"]), tuple(map(Tree.from_json, document["trees"])))
    return ChoiceTable(document["card"], trees, int(document["smoothing_steps"]), words)
