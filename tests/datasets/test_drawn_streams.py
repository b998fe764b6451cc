"""Streams drawn from a simulated match: players where they are; broken files in one line."""

from fractions import Fraction

import numpy as np
import pytest

from touchline.datasets.player_boxes import DRAWN_STREAMS, open_drawn
from touchline.datasets.streams import StreamSource, open_half
from touchline.errors import FormatError, InputError
from touchline.features.pitch import feet, project, to_pitch
from touchline.features.player_graph import NODE_FEATURES
from touchline.features.top_view import HEIGHT, WIDTH
from touchline.formats.player_boxes import (
    calibration_name,
    player_boxes_name,
    read_calibration,
    read_player_boxes,
)
from touchline.simulator.dataset import Settings, simulate
from touchline.simulator.motion import Motion

MINUTES = 1.0


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    root = tmp_path_factory.mktemp("simulated")
    made = simulate(
        root, games=1, seed=11, minutes=MINUTES, modalities=("boxes", "calibration"), jobs=1
    )
    return root / made.games[0], Settings(11, MINUTES, modalities=("boxes", "calibration"))


def test_the_top_view_shows_players_where_the_script_has_them(simulated):
    folder, settings = simulated
    half = settings.script(0).halves[0]
    motion = Motion(settings.script(0), half)
    view = open_drawn("top_view", folder, "1", int(2 * 60 * MINUTES))
    calibration = read_calibration(folder / calibration_name(1))
    boxes = read_player_boxes(folder / player_boxes_name(1))
    people_shown = 0
    for step in np.flatnonzero(calibration.confidence >= 0.75):
        pitch_seconds = half.shot_at(step / 2).pitch_seconds(step / 2)
        people = motion.at(np.array([pitch_seconds])).xy[0] * (1, -1)
        own = slice(boxes.first[step], boxes.first[step + 1])
        whole = boxes.corners[own, 3] < 520  # others are cut off at the foot of the picture
        metres = project(np.repeat(to_pitch(calibration)[step][None], whole.sum(), 0),
                         feet(boxes)[own][whole])  # fmt: skip
        picture = view.read(step, 1)[0]
        for x, y in metres:
            assert np.linalg.norm(people - (x, y), axis=1).min() < 4
            column = int(WIDTH * (0.95 * x / 105 + 0.525))
            row = int(HEIGHT * (0.95 * y / 68 + 0.525))
            if 1 <= column < WIDTH - 1 and 1 <= row < HEIGHT - 1:
                assert picture[:, row - 1 : row + 1, column - 1 : column + 1].any(axis=0).all()
                people_shown += 1
    assert people_shown > 100


def test_the_graph_joins_players_who_stand_together(simulated):
    folder, _ = simulated
    graphs = open_drawn("graph", folder, "1", 120).read_all()
    exists = graphs[..., NODE_FEATURES] > 0
    joined = graphs[..., NODE_FEATURES + 1 :] > 0
    assert exists.any(axis=1).all() and exists.sum(axis=1).max() > 5
    place = graphs[..., 4:6] * 50
    apart = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1)
    others = ~np.eye(joined.shape[1], dtype=bool)
    assert (
        joined == ((apart < 25) & others & exists[:, :, None] & exists[:, None])
    ).mean() > 0.9999


@pytest.mark.parametrize("name", DRAWN_STREAMS)
def test_there_are_as_many_rows_as_asked_for(simulated, name):
    for steps in (3, 120, 200):
        stream = open_drawn(name, simulated[0], "2", steps)
        assert stream.rate == 2 and stream.steps == steps
        assert len(stream.read_all()) == steps
        assert np.array_equal(stream.read(steps - 2, 4)[-1], stream.read_all()[-1])


def test_an_unknown_stream_is_refused(simulated):
    with pytest.raises(InputError, match="top_view"):
        open_drawn("side_view", simulated[0], "1", 10)


@pytest.mark.parametrize("name", DRAWN_STREAMS)
def test_missing_files_are_named(simulated, tmp_path, name):
    with pytest.raises(FormatError, match="1_field_calib_ccbv"):
        open_drawn(name, tmp_path, "1", 120)
    calibration = (simulated[0] / calibration_name(1)).read_bytes()
    (tmp_path / calibration_name(1)).write_bytes(calibration)
    with pytest.raises(FormatError, match="1_player_boundingbox_maskrcnn"):
        open_drawn(name, tmp_path, "1", 120)


def test_broken_files_are_told_in_one_line(simulated, tmp_path):
    for file in simulated[0].glob("1_*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes()[:1000])
    with pytest.raises(FormatError) as refusal:
        open_drawn("graph", tmp_path, "1", 120)
    assert calibration_name(1) in str(refusal.value) and "\n" not in str(refusal.value)


def test_files_of_another_half_are_told(simulated):
    with pytest.raises(InputError, match="same half"):
        open_drawn("top_view", simulated[0], "1", 5400)


def test_whoever_trains_on_them_gets_them_drawn(simulated, tmp_path):
    for file in simulated[0].glob("1_*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    np.save(tmp_path / "1_demo.npy", np.zeros((120, 4), np.float32))
    sources = {name: StreamSource(name, Fraction(2)) for name in DRAWN_STREAMS}
    main = StreamSource("demo", Fraction(2), 4)
    streams = open_half(tmp_path / "1_demo.npy", {"features": main, **sources})
    assert streams["top_view"].read(0, 7).shape == (7, 3, HEIGHT, WIDTH)
    assert streams["graph"].steps == 120
