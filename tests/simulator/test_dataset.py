"""A simulated dataset: the SoccerNet layout, the same each time, whole or not there at all."""

import json
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from touchline.cli import simulate as command
from touchline.datasets.soccernet import read_games
from touchline.errors import InputError, MediaError
from touchline.formats import read
from touchline.formats.soccernet import shots_of
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2
from touchline.media.video import probe
from touchline.simulator import dataset
from touchline.simulator.dataset import MODALITIES, Settings, simulate
from touchline.simulator.motion import Motion

TEXTS = ("labels", "transcript")
SMALL = {"minutes": 0.2, "size": (128, 72), "rate": Fraction(5)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A game of two halves of 12 seconds with everything."""
    return simulate(tmp_path_factory.mktemp("made") / "data", games=1, seed=3, jobs=1, **SMALL)


@pytest.fixture(scope="module")
def long_game(tmp_path_factory):
    """The texts of a game of full length."""
    root = tmp_path_factory.mktemp("long")
    return simulate(root, games=1, seed=11, minutes=45, modalities=TEXTS, jobs=1)


def game_folder(made) -> Path:
    return made.root / made.games[0]


def load(path: Path):
    return json.loads(path.read_text("utf-8"))


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def test_the_files_of_a_game(made):
    names = {path.name for path in game_folder(made).iterdir()}
    halves = ("72p.mkv", "player_boundingbox_maskrcnn.json", "field_calib_ccbv.json", "asr.json")
    halves += ("broadcast.json",)
    assert names == {"Labels-v2.json", "Labels-ball.json", "Labels-cameras.json", "script.json"} | {
        f"{half}_{rest}" for half in (1, 2) for rest in halves
    }
    assert [path.name for path in made.root.iterdir()] == [made.games[0].split("/")[0]]


def test_our_reader_takes_it_for_soccernet(made):
    [game] = read_games(made.root, size="72p")
    assert game.name == made.games[0]
    assert [half.path.name for half in game.halves] == ["1_72p.mkv", "2_72p.mkv"]
    for label_set in (SOCCERNET_V2, SOCCERNET_BALL):
        assert game.labels(label_set).events


def test_the_video_has_the_asked_size_rate_length_and_sound(made):
    for half in (1, 2):
        info = probe(game_folder(made) / f"{half}_72p.mkv")
        assert (info.width, info.height, info.frame_rate) == (128, 72, 5)
        assert info.duration_seconds == pytest.approx(12.0, abs=0.3)
        assert info.has_audio
        assert len(pictures(game_folder(made) / f"{half}_72p.mkv")) == 60


@pytest.mark.parametrize("name", ["Labels-v2.json", "Labels-ball.json", "Labels-cameras.json"])
def test_labels_are_as_the_official_reader_wants_them(long_game, name):
    document = load(game_folder(long_game) / name)
    assert document["UrlLocal"] == long_game.games[0] + "/"
    folder = long_game.games[0].split("/")[2]
    assert f" {document['gameHomeTeam']} {document['gameScore']} " in folder + " "
    assert folder.endswith(document["gameAwayTeam"])
    assert document["annotations"]
    order = []
    for annotation in document["annotations"]:
        position = annotation["position"]
        assert isinstance(position, str)
        # The official reader takes these characters.
        clock = annotation["gameTime"]
        seconds = 60 * int(clock[-5:-3]) + int(clock[-2:])
        assert seconds == int(position) // 1000
        order.append((int(clock[0]), int(position)))
        assert 0 <= int(position) <= 45 * 60 * 1000
        assert int(position) % 40 == 0
    assert order == sorted(order)
    assert {half for half, _ in order} == {1, 2}


def test_action_labels_have_known_classes_teams_and_visibility(long_game):
    annotations = load(game_folder(long_game) / "Labels-v2.json")["annotations"]
    assert {a["label"] for a in annotations} <= set(SOCCERNET_V2)
    assert {a["team"] for a in annotations} == {"home", "away", "not applicable"}
    assert {a["visibility"] for a in annotations} == {"visible", "not shown"}


def test_ball_labels_have_known_classes_and_sides(long_game):
    annotations = load(game_folder(long_game) / "Labels-ball.json")["annotations"]
    assert {a["label"] for a in annotations} <= set(SOCCERNET_BALL)
    assert {a["team"] for a in annotations} == {"left", "right"}


def test_the_score_counts_the_goals(long_game):
    document = load(game_folder(long_game) / "Labels-v2.json")
    goals = [a["team"] for a in document["annotations"] if a["label"] == "Goal"]
    assert document["gameScore"] == f"{goals.count('home')} - {goals.count('away')}"


def test_shots_are_annotated_at_their_ends(long_game):
    path = game_folder(long_game) / "Labels-cameras.json"
    shots = shots_of(read(path))
    for half in (1, 2):
        assert [s.end_seconds for s in shots if s.half == half][-1] == 45 * 60
    replays = [a for a in load(path)["annotations"] if a["replay"] == "replay"]
    assert replays
    actions = {
        (a["gameTime"], a["label"], a["position"], a["team"], a["visibility"])
        for a in load(path.with_name("Labels-v2.json"))["annotations"]
    }
    for annotation in load(path)["annotations"]:
        assert annotation["change_type"] in ("abrupt", "logo", "smooth")
        assert ("link" in annotation) == (annotation["replay"] == "replay")
        if "link" in annotation:
            link = annotation["link"]
            assert all(isinstance(value, str) for value in link.values())
            clock = f"{link['half']} - {link['time']}"
            fields = (link["label"], link["position"], link["team"], link["visibility"])
            assert (clock, *fields) in actions
            assert int(link["position"]) < int(annotation["position"])


def test_transcript(long_game):
    segments = load(game_folder(long_game) / "1_asr.json")["segments"]
    assert list(segments) == [str(index) for index in range(len(segments))]
    assert len(segments) > 50
    ends = 0.0
    for start, end, text in segments.values():
        assert ends <= start < end
        assert text.strip()
        ends = end


def test_boxes_stand_where_the_script_has_people(made):
    script = Settings(3, SMALL["minutes"], size=SMALL["size"], rate=SMALL["rate"]).script(0)
    for half in script.halves:
        boxes = load(game_folder(made) / f"{half.number}_player_boundingbox_maskrcnn.json")
        fields = load(game_folder(made) / f"{half.number}_field_calib_ccbv.json")
        assert boxes["size"] == fields["size"] == [24, 540, 960, 3]
        assert len(boxes["predictions"]) == len(fields["predictions"]) == 24
        errors = []
        entries = zip(boxes["predictions"], fields["predictions"], strict=True)
        for index, (people, [field]) in enumerate(entries):
            assert len(people["bboxes"]) == len(people["colors"])
            assert (field["confidence"] == 0) <= (not people["bboxes"])
            pitch_seconds = half.shot_at(index / 2).pitch_seconds(index / 2)
            world = Motion(script, half).at(np.array([pitch_seconds])).xy[0] * (1, -1)
            to_field = np.linalg.inv(np.reshape(field["homography"], (3, 3)))
            for x1, y1, x2, y2 in people["bboxes"]:
                assert 0 <= x1 < x2 <= 960 and 0 <= y1 < y2 <= 540
                if y2 < 520 and field["confidence"] > 0.75:
                    x, y, w = to_field @ ((x1 + x2) / 2, y2, 1)
                    errors.append(np.linalg.norm(world - (x / w, y / w), axis=1).min())
        assert len(errors) > 50
        assert np.median(errors) < 1.5


def test_the_near_side_of_the_pitch_has_positive_y(made):
    fields = load(game_folder(made) / "1_field_calib_ccbv.json")["predictions"]
    for [field] in (f for f in fields if f[0]["confidence"] >= 0.75):
        rows = []
        for y in (-20, 20):
            _, v, w = np.reshape(field["homography"], (3, 3)) @ (0, y, 1)
            rows.append(v / w)
        assert rows[0] < rows[1]


def test_same_seed_same_files(made, tmp_path):
    again = simulate(tmp_path / "again", games=1, seed=3, jobs=1, **SMALL)
    assert again.games == made.games
    first, second = contents(made.root), contents(again.root)
    assert first.keys() == second.keys()
    for name in first:
        if name.endswith(".json"):
            assert first[name] == second[name], name
        else:
            assert np.array_equal(pictures(made.root / name), pictures(again.root / name))


def test_a_game_does_not_depend_on_how_many_there_are(tmp_path):
    one = simulate(tmp_path / "1", games=1, seed=5, minutes=2, modalities=TEXTS, jobs=1)
    three = simulate(tmp_path / "3", games=3, seed=5, minutes=2, modalities=TEXTS, jobs=1)
    assert three.games[:1] == one.games
    assert len(set(three.games)) == 3
    assert contents(one.root).items() <= contents(three.root).items()


def test_a_run_goes_on_where_it_stopped(tmp_path):
    options = {"seed": 5, "minutes": 2, "modalities": TEXTS, "jobs": 1}
    first = simulate(tmp_path, games=1, **options)
    marked = tmp_path / first.games[0] / "features.npy"
    marked.write_bytes(b"kept")
    both = simulate(tmp_path, games=2, **options)
    assert (both.kept, len(both.games)) == (1, 2)
    assert marked.read_bytes() == b"kept"
    assert simulate(tmp_path, games=2, **options).kept == 2


@pytest.mark.parametrize("changed", [{"seed": 6}, {"minutes": 3}, {"modalities": ("labels",)}])
def test_games_of_other_settings_are_not_mixed(tmp_path, changed):
    options = {"seed": 5, "minutes": 2, "modalities": TEXTS, "jobs": 1}
    simulate(tmp_path, games=1, **options)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=next(iter(changed))):
        simulate(tmp_path, games=2, **(options | changed))
    assert contents(tmp_path) == before


def test_splits_are_lists_of_games(tmp_path):
    options = {"seed": 5, "minutes": 1, "modalities": ("labels",), "jobs": 1}
    made = simulate(tmp_path, games=5, splits=(0.6, 0.2, 0.2), **options)
    assert [len(part) for part in made.splits.values()] == [3, 1, 1]
    assert made.splits["train"] + made.splits["valid"] + made.splits["test"] == made.games
    listed = load(tmp_path / "SoccerNetGamesTrain.json")
    games = {f"{lg}/{s}/{g}" for lg, seasons in listed.items() for s in seasons for g in seasons[s]}
    assert games == set(made.splits["train"])


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failure_leaves_no_half_game(tmp_path, monkeypatch, jobs):
    options = {"games": 3, "seed": 5, "minutes": 1, "modalities": ("labels",), "jobs": jobs}
    move = dataset._move_into_place

    def full_at_the_second(folder, place):
        if folder.name.endswith("1"):
            raise OSError(28, "No space left on device")
        move(folder, place)

    monkeypatch.setattr(dataset, "_move_into_place", full_at_the_second)
    with pytest.raises(InputError, match="No space left"):
        simulate(tmp_path, **options)
    assert not (tmp_path / ".unfinished").exists()
    for script in tmp_path.rglob("script.json"):
        assert (script.parent / "Labels-cameras.json").exists()
    monkeypatch.undo()
    assert len(simulate(tmp_path, **options).games) == 3


def test_an_error_while_rendering_leaves_no_half_game(tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise MediaError("the encoder broke", where="1_72p.mkv")

    monkeypatch.setattr(dataset, "render_half", broken)
    with pytest.raises(MediaError, match="broke"):
        simulate(tmp_path / "out", games=1, seed=3, jobs=1, **SMALL)
    assert not contents(tmp_path)


def test_what_a_killed_run_left_is_swept_away(tmp_path):
    leftover = tmp_path / ".unfinished" / "game-00000" / "1_224p.mkv"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    simulate(tmp_path, games=1, seed=3, minutes=1, modalities=("labels",), jobs=1)
    assert not (tmp_path / ".unfinished").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"games": 0}, "games"),
        ({"games": -2}, "games"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": -1}, "minutes"),
        ({"minutes": float("nan")}, "minutes"),
        ({"minutes": 61}, "minutes"),
        ({"halves": 3}, "halves"),
        ({"seed": -1}, "seed"),
        ({"size": (0, 224)}, "size"),
        ({"size": (100000, 224)}, "size"),
        ({"rate": Fraction(0)}, "frame rate"),
        ({"rate": Fraction(1000)}, "frame rate"),
        ({"jobs": 0}, "jobs"),
        ({"modalities": ("smell",)}, "smell"),
        ({"modalities": ()}, "nothing"),
        ({"modalities": ("audio", "labels")}, "audio without video"),
        ({"splits": (0.5, 0.2)}, "split"),
        ({"splits": (0.5, 0.2, 0.2)}, "split"),
        ({"splits": (1.5, -0.5, 0.0)}, "split"),
    ],
)
def test_bad_input_is_told_and_nothing_written(tmp_path, options, message):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=message) as caught:
        simulate(out, **({"games": 1, "seed": 1} | options))
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_places_that_will_not_do(tmp_path):
    taken = tmp_path / "file"
    taken.touch()
    for out, message in (
        (taken, "is a file"),
        (taken / "below", "cannot be written"),
        (tmp_path, "holds other things"),
    ):
        with pytest.raises(InputError, match=message):
            simulate(out, games=1, seed=1, minutes=1, modalities=("labels",), jobs=1)
    assert contents(tmp_path) == {"file": b""}


def test_the_command_prints_what_it_made(tmp_path):
    arguments = [str(tmp_path / "out"), "--minutes", "1", "--modalities", "labels,transcript"]
    arguments += ["--games", "2", "--jobs", "1", "--split", "0.5,0,0.5", "--json"]
    done = CliRunner().invoke(command.app, arguments, catch_exceptions=False)
    told = json.loads(done.stdout)
    assert len(told["games"]) == 2
    assert [len(part) for part in told["splits"].values()] == [1, 0, 1]


@pytest.mark.parametrize(
    "option", [["--size", "big"], ["--split", "half"], ["--frame-rate", "x"], ["--jobs", "-1"]]
)
def test_the_command_refuses_what_it_cannot_read(tmp_path, option):
    done = CliRunner().invoke(command.app, [str(tmp_path / "out"), "--minutes", "1", *option])
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "out").exists()


def test_the_command_offers_all_modalities():
    assert ",".join(MODALITIES) == command.ALL_MODALITIES


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_half_made(tmp_path):
    out = tmp_path / "out"
    arguments = ["simulate", str(out), "--minutes", "20", "--jobs", "2"]
    run = subprocess.Popen(
        [sys.executable, "-m", "touchline.cli.main", *arguments],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not list(out.glob(".unfinished/*/script.json")):
        assert run.poll() is None
        time.sleep(0.1)
    time.sleep(1.0)
    run.send_signal(signal.SIGINT)
    _, remarks = run.communicate(timeout=60)
    assert run.returncode == 130
    assert b"Traceback" not in remarks
    assert not contents(out)


@pytest.mark.slow
def test_one_minute_in_two_processes_is_the_same_as_in_one(tmp_path):
    options = {"games": 1, "seed": 9, "minutes": 1, "size": (160, 90), "rate": Fraction(2)}
    one = simulate(tmp_path / "1", jobs=1, **options)
    many = simulate(tmp_path / "4", jobs=4, **options)
    assert one.games == many.games
    first, second = contents(one.root), contents(many.root)
    assert first.keys() == second.keys()
    for name in first:
        if name.endswith(".json"):
            assert first[name] == second[name], name
        else:
            assert np.array_equal(pictures(one.root / name), pictures(many.root / name))
