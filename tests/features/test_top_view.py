"""Top views: published ones to the last pixel, and people where they are."""

import numpy as np
import pytest

from touchline.errors import ConfigError
from touchline.features.top_view import HEIGHT, WIDTH, TopView, TopViewStyle, pitch_lines
from touchline.formats.player_boxes import (
    Calibration,
    PlayerBoxes,
    calibration_name,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)

STYLES = {
    "color_field_cone": TopViewStyle(),
    "color_players_only": TopViewStyle(field=False, cone=False),
    "color_field_cone_trail2": TopViewStyle(trail=2),
    "physic_field_cone": TopViewStyle(physic=True),
    "image_plane": TopViewStyle(calibrated=False, background=127),
}

BIRD = np.array([[2.0, 0, 105], [0, 2, 68], [0, 0, 1]])
"""A camera straight above: 2 pixels a metre, in a picture of 210 by 136."""


def straight_above(people, confidence=1.0):
    """One entry with people at these metres, each of a colour of its own."""
    at = np.array(people, np.float64).reshape(-1, 2) * 2 + (105, 68)
    corners = np.column_stack((at[:, 0] - 3, at[:, 1] - 10, at[:, 0] + 3, at[:, 1]))
    colours = np.full((len(at), 3), 90.0) + np.arange(len(at))[:, None]
    calibration = Calibration((210, 136), np.array([confidence]), BIRD[None])
    return calibration, PlayerBoxes((210, 136), np.array([0, len(at)]), corners, colours)


@pytest.fixture(scope="module")
def published(shared):
    folder = shared / "data" / "parity" / "calibration"
    return (
        folder,
        read_calibration(folder / calibration_name(1)),
        read_player_boxes(folder / player_boxes_name(1)),
    )


@pytest.mark.parametrize("name", STYLES)
def test_views_are_the_published_ones(published, name):
    folder, calibration, boxes = published
    with np.load(folder / f"topview_{name}.npz") as arrays:
        wanted = arrays["radar_uint8_half1_frames0_399"]
    views = TopView(calibration, boxes, STYLES[name]).read(0, 400)
    assert views.dtype == np.uint8
    assert np.array_equal(views.transpose(0, 2, 3, 1), wanted)


def test_the_lines_are_the_published_ones(published):
    with np.load(published[0] / "radar_resized_30x60_bgr.npz") as arrays:
        assert np.array_equal(pitch_lines(), arrays["template"][..., 0])


@pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))
def test_rows_are_the_same_however_they_are_read(published, style):
    view = TopView(*published[1:], style)
    whole = view.read_all()
    assert whole.shape == (500, 3, HEIGHT, WIDTH)
    rows = np.arange(-7, 23).clip(0)
    assert np.array_equal(view.read(-7, 30), whole[rows])
    assert np.array_equal(view.read(490, 30), whole[np.arange(490, 520).clip(0, 499)])
    assert np.array_equal(view.read(600, 3), whole[[499] * 3])


def test_rows_beyond_either_file_are_black(published):
    _, calibration, boxes = published
    fewer = PlayerBoxes(
        boxes.size, boxes.first[:101], boxes.corners[: boxes.first[100]], boxes.colours
    )
    views = TopView(calibration, fewer, steps=700).read_all()
    assert len(views) == 700 and views[:100].any() and not views[100:].any()


def test_people_stand_where_they_are():
    people = [(0, 0), (-40, 20), (30, -30)]
    views = TopView(*straight_above(people), TopViewStyle(field=False, cone=False)).read_all()
    for number, (x, y) in enumerate(people):
        column = int(WIDTH * (0.95 * x / 105 + 0.525))
        row = int(HEIGHT * (0.95 * y / 68 + 0.525))
        assert (views[0, :, row - 1 : row + 1, column - 1 : column + 1] == 90 + number).all()
    assert (views > 0).sum() == len(people) * 4 * 3


def test_later_people_hide_earlier_ones():
    views = TopView(*straight_above([(0, 0)] * 3), TopViewStyle(field=False)).read_all()
    assert views.max(initial=0, where=views < 255) == 92


@pytest.mark.parametrize(("confidence", "drawn"), [(0.75, True), (0.7499, False)])
def test_only_trusted_calibrations_are_drawn(confidence, drawn):
    assert TopView(*straight_above([(0, 0)], confidence)).read_all().any() == drawn


@pytest.mark.parametrize(
    "homography", [np.zeros((3, 3)), np.ones((3, 3)), [[1, 0, 0], [0, 1, 0], [1, 1, 0]]], ids=str
)
def test_a_homography_that_cannot_be_turned_round_is_not_trusted(homography):
    calibration, boxes = straight_above([(0, 0)])
    broken = Calibration(calibration.size, calibration.confidence, np.array([homography], float))
    assert not TopView(broken, boxes).read_all().any()


def test_a_horizon_in_the_picture_is_survived():
    calibration, boxes = straight_above([(0, 0), (10, 10)])
    tilted = BIRD.copy()
    tilted[2] = (0.01, -0.02, 1)
    for style in (TopViewStyle(), TopViewStyle(physic=True)):
        views = TopView(Calibration(calibration.size, np.ones(1), tilted[None]), boxes, style)
        assert views.read_all().any()


@pytest.mark.parametrize("options", [{"trail": -1}, {"trail": 99}, {"background": 256}], ids=str)
def test_styles_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        TopViewStyle(**options)
