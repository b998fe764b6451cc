"""Several networks as one: events are found in the mean of their curves."""

from fractions import Fraction

import numpy as np
import pytest

from touchline.errors import ConfigError
from touchline.events import Timeline, Video
from touchline.labels import LabelSet
from touchline.scores import Scores
from touchline.spotting.averaged import AveragedSpotter
from touchline.spotting.peaks import Suppression, find_peaks
from touchline.spotting.timelines import ScoredVideo

LABELS = LabelSet("custom", ("a", "b"))


class Curves:
    """A network that gives these curves for any video."""

    def __init__(self, values, labels=LABELS):
        scores = Scores.regular(np.array(values, np.float32), labels, Fraction(1))
        self.scored = ScoredVideo(Video("x.mp4", 4.0), scores, None)
        self.left = 0

    def check(self, video):
        pass

    def score(self, video, *, progress):
        progress(0.5)
        progress(1.0)
        return self.scored

    def timeline(self, scored, threshold):
        return Timeline(scored.video, find_peaks(scored.scores, Suppression(), threshold))

    def __exit__(self, *exception):
        self.left += 1


FIRST = [[0, 0], [0.9, 0], [0, 0], [0, 0.2]]
SECOND = [[0, 0], [0.5, 0], [0, 0], [0, 0.8]]


def test_confidences_are_the_mean_and_every_network_is_closed():
    networks = Curves(FIRST), Curves(SECOND)
    shares = []
    with AveragedSpotter(networks) as spotter:
        found = spotter.spot("x.mp4", threshold=0.1, progress=shares.append)
    told = {event.label: (event.seconds, round(event.confidence, 6)) for event in found}
    assert told == {"a": (1.0, 0.7), "b": (3.0, 0.5)}
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert [network.left for network in networks] == [1, 1]


@pytest.mark.parametrize(
    "other",
    [Curves(FIRST[:3]), Curves(FIRST, LabelSet("custom", ("b", "a")))],
    ids=["other steps", "other classes"],
)
def test_networks_of_another_kind_are_refused(other):
    with pytest.raises(ConfigError, match="cannot be averaged"):
        AveragedSpotter([Curves(FIRST), other]).spot("x.mp4")
