"""Graphs of players: the published ones, node by node and edge by edge."""

import numpy as np
import pytest

from touchline.errors import ConfigError
from touchline.features.player_graph import MAX_PEOPLE, NODE_FEATURES, GraphStyle, PlayerGraph
from touchline.formats.player_boxes import (
    Calibration,
    PlayerBoxes,
    calibration_name,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)

BIRD = np.array([[2.0, 0, 105], [0, 2, 68], [0, 0, 1]])
"""A camera straight above: 2 pixels a metre, in a picture of 210 by 136."""


def straight_above(people, confidence=1.0):
    at = np.array(people, np.float64).reshape(-1, 2) * 2 + (105, 68)
    corners = np.column_stack((at[:, 0] - 3, at[:, 1] - 10, at[:, 0] + 3, at[:, 1]))
    boxes = PlayerBoxes((210, 136), np.array([0, len(at)]), corners, np.full((len(at), 3), 127.0))
    return Calibration((210, 136), np.array([confidence]), BIRD[None]), boxes


def parts(graphs):
    """Features, existence and joints."""
    return (
        graphs[..., :NODE_FEATURES],
        graphs[..., NODE_FEATURES] > 0,
        graphs[..., NODE_FEATURES + 1 :] > 0,
    )


def edges_in_published_order(exists, joined):
    """(2, e): for each node, to and from each earlier node that it is joined to."""
    edges, offset = [], 0
    for present, near in zip(exists, joined, strict=True):
        for i in range(int(present.sum())):
            for j in range(i):
                if near[i, j]:
                    edges += [(offset + i, offset + j), (offset + j, offset + i)]
        offset += int(present.sum())
    return np.array(edges).T


def test_graphs_are_the_published_ones(shared):
    folder = shared / "data" / "parity"
    calibration = read_calibration(folder / "calibration" / calibration_name(1))
    boxes = read_player_boxes(folder / "calibration" / player_boxes_name(1))
    with np.load(folder / "calf_gcn14_visual.npz") as arrays:
        nodes = arrays["graph_half1_clip0_node_features"]
        counts = arrays["graph_half1_clip0_nodes_per_frame"]
        edges = arrays["graph_half1_clip0_edge_index"]
    features, exists, joined = parts(PlayerGraph(calibration, boxes).read(0, 240))
    np.testing.assert_array_equal(exists.sum(axis=1), counts)
    np.testing.assert_array_equal(features[exists], nodes)
    np.testing.assert_array_equal(edges_in_published_order(exists, joined), edges)


def test_rows_are_the_same_however_they_are_read(shared):
    folder = shared / "data" / "parity" / "calibration"
    graph = PlayerGraph(
        read_calibration(folder / calibration_name(2)),
        read_player_boxes(folder / player_boxes_name(2)),
        steps=500,
    )
    whole = graph.read_all()
    assert np.array_equal(graph.read(-5, 20), whole[np.arange(-5, 15).clip(0)])
    assert np.array_equal(graph.read(470, 60), whole[np.arange(470, 530).clip(0, 499)])
    features, exists, _ = parts(whole)
    assert (exists[480:].sum(axis=1) == 1).all() and not features[480:].any()


def test_people_closer_than_25_metres_are_joined():
    people = [(-12.5, 0), (12, 0), (12.5, 0), (50, 30)]
    features, exists, joined = parts(PlayerGraph(*straight_above(people)).read_all()[0])
    np.testing.assert_allclose(features[:4, 4:6] * 50, people, atol=1e-5)
    np.testing.assert_allclose(features[:4, :3], 0)
    np.testing.assert_allclose(features[:4, 3], 60 / 10_000)
    assert exists.sum() == 4
    assert np.argwhere(joined).tolist() == [[0, 1], [1, 0], [1, 2], [2, 1]]


@pytest.mark.parametrize(("confidence", "seen"), [(0.76, 2), (0.75, 1), (0.0, 1)])
def test_an_untrusted_view_is_one_node_of_nothing(confidence, seen):
    graph = PlayerGraph(*straight_above([(0, 0), (5, 5)], confidence)).read_all()[0]
    features, exists, joined = parts(graph)
    assert exists.sum() == seen
    assert features.any() == joined.any() == (seen > 1)


def test_the_centre_of_the_picture_is_told_on_demand():
    view = straight_above([(0, 0)])
    to_the_right = np.array([[1, 0, 20], [0, 1, 0], [0, 0, 1]]) @ BIRD
    shifted = Calibration(view[0].size, view[0].confidence, to_the_right[None])
    graph = PlayerGraph(shifted, view[1], GraphStyle(centre=True)).read_all()[0]
    np.testing.assert_allclose(graph[0, 6:8] * 50, (-10, 0), atol=1e-5)
    assert not PlayerGraph(shifted, view[1]).read_all()[0, 0, 6:8].any()


def test_more_people_than_there_is_room_for_are_left_out():
    crowd = np.random.default_rng(0).uniform(-30, 30, (MAX_PEOPLE + 7, 2))
    features, exists, _ = parts(PlayerGraph(*straight_above(crowd)).read_all()[0])
    assert exists.all()
    np.testing.assert_allclose(features[:, 4] * 50, crowd[:MAX_PEOPLE, 0], atol=0.6)


def test_the_confidence_of_the_calibration_is_told_on_demand():
    view = straight_above([(0, 0), (5, 5)], 0.8)
    usual = PlayerGraph(*view).read_all()[0]
    told = PlayerGraph(*view, GraphStyle(certainty=True)).read_all()[0]
    np.testing.assert_allclose(told[:2, 8], 0.8)
    assert not told[2:, 8].any()
    assert np.array_equal(np.delete(told, 8, axis=1), usual)


def test_without_calibration_people_are_where_they_are_in_the_picture():
    view = straight_above([(0, 0), (5, 5)], confidence=0)
    graph = PlayerGraph(*view, GraphStyle(calibrated=False, centre=True)).read_all()[0]
    features, exists, joined = parts(graph)
    np.testing.assert_allclose(features[:2, 4:6] * 50, [(105, 68), (115, 78)])
    assert exists.sum() == 2 and not joined.any() and not features[:, 6:8].any()


def test_how_many_people_and_how_sure_is_up_to_the_style():
    crowd = np.random.default_rng(0).uniform(-30, 30, (MAX_PEOPLE + 7, 2))
    style = GraphStyle(confidence=0.45, people=60)
    _, exists, _ = parts(PlayerGraph(*straight_above(crowd, 0.5), style).read_all()[0])
    assert exists.sum() == len(crowd)
    with pytest.raises(ConfigError):
        GraphStyle(people=0)
