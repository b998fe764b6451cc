"""A class has one colour wherever it is shown, and classes differ, also those of no label set."""

from itertools import combinations

from touchline.colours import Rgb, class_colour
from touchline.labels import BROADCAST, SOCCERNET_V2, LabelSet


def distance(one: Rgb, other: Rgb) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def test_classes_that_a_label_set_lacks_differ_from_its_own_and_from_each_other():
    """Those of the 17 classes that were added to what a broadcast says."""
    shown = [*BROADCAST, *(label for label in SOCCERNET_V2 if label not in BROADCAST)]
    colours = [class_colour(BROADCAST, label) for label in shown]
    assert min(distance(*pair) for pair in combinations(colours, 2)) > 20


def test_the_colour_of_an_unknown_class_is_told_by_its_name():
    labels = LabelSet("own", ("Goal", "Corner"))
    dribble, nutmeg = class_colour(labels, "Dribble"), class_colour(labels, "Nutmeg")
    assert dribble != nutmeg
    assert {dribble, nutmeg}.isdisjoint(class_colour(labels, label) for label in SOCCERNET_V2)
    same = LabelSet("other", ("Kick-off", "Foul"))
    assert class_colour(same, "Dribble") == dribble
