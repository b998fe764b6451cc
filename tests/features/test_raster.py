"""Lines and polygons: the pixels that OpenCV would set."""

import numpy as np
import pytest
from extras import needs

from touchline.features.raster import MAX_COORDINATE, filled, outline

WIDTH, HEIGHT = 64, 32


def quadrangles(reach, count=400):
    rng = np.random.default_rng(reach)
    corners = rng.integers(-reach, reach, (count, 4, 2)) + np.array((WIDTH // 2, HEIGHT // 2))
    corners[::3] %= (WIDTH, HEIGHT)
    corners[1::7, 1] = corners[1::7, 0]
    corners[2::7, 1, 1] = corners[2::7, 0, 1]
    return corners


@pytest.mark.parametrize("reach", [16, 60, 1000])
def test_pixels_are_those_of_opencv(reach):
    cv2 = needs("cv2")
    corners = quadrangles(reach)
    lines, areas = outline(corners, WIDTH, HEIGHT), filled(corners, WIDTH, HEIGHT)
    for points, line, area in zip(corners.astype(np.int32), lines, areas, strict=True):
        canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.polylines(canvas, [points.reshape(-1, 1, 2)], True, 255, 1)
        assert np.array_equal(canvas > 0, line), points
        canvas[:] = 0
        cv2.fillPoly(canvas, [points.reshape(-1, 1, 2)], 255)
        assert np.array_equal(canvas > 0, area), points


def test_an_area_holds_its_outline():
    corners = quadrangles(60)
    assert (filled(corners, WIDTH, HEIGHT) >= outline(corners, WIDTH, HEIGHT)).all()


def test_a_rectangle():
    grid = outline(np.array([[(3, 2), (9, 2), (9, 6), (3, 6)]]), WIDTH, HEIGHT)[0]
    assert grid.sum() == 2 * 7 + 2 * 3
    assert grid[2, 3:10].all() and grid[6, 3:10].all() and grid[2:7, 3].all() and grid[2:7, 9].all()


def test_a_rectangle_round_the_grid_leaves_no_line_and_fills_it():
    far = MAX_COORDINATE
    corners = np.array([[(-far, -far), (far, -far), (far, far), (-far, far)]])
    assert not outline(corners, WIDTH, HEIGHT).any()
    near = np.array([[(-9, -9), (99, -9), (99, 99), (-9, 99)]])
    assert filled(near, WIDTH, HEIGHT).all()


def test_no_polygons_no_pixels():
    assert outline(np.zeros((0, 4, 2), np.int64), WIDTH, HEIGHT).shape == (0, HEIGHT, WIDTH)
