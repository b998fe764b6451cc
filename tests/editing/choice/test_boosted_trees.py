"""Trees give what their branches say, and a table that leads nowhere is refused."""

import numpy as np
import pytest

from touchline.editing.choice.boosted_trees import BoostedTrees, Tree

TREE = Tree((1, 0), (5.0, 0.5), (-1, -2), (1, -3), (0.25, -1.0, 2.0))
"""Column 1 up to 5: 0.25; else column 0 up to 0.5: -1, above it 2."""


def test_each_row_goes_its_way_and_trees_add_up():
    inputs = np.array([[0.0, 0.5, 0.6, 0.6], [5.0, 6.0, 6.0, 1.0]])
    assert TREE.log_odds(inputs).tolist() == [0.25, -1.0, 2.0, 0.25]
    stump = Tree((), (), (), (), (0.5,))
    both = BoostedTrees(1.0, (TREE, stump))
    assert both.log_odds(inputs).tolist() == [1.75, 0.5, 3.5, 1.75]


@pytest.mark.parametrize(
    "fields",
    [
        {"left": [0, -2]},  # a branch that leads to itself
        {"right": [2, -3]},  # to none
        {"leaves": [0.25, -1.0]},  # to no leaf
        {"thresholds": [5.0]},
    ],
)
def test_branches_that_lead_nowhere_are_refused(fields):
    names = ("columns", "thresholds", "left", "right", "leaves")
    document = {name: getattr(TREE, name) for name in names}
    assert Tree.from_json(document) == TREE
    with pytest.raises(ValueError, match="leaves"):
        Tree.from_json(document | fields)
