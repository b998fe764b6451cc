"""``dataset check``: what is wrong with a dataset, and what the challenge's server would refuse."""

import json
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from touchline.cli.dataset import app
from touchline.datasets.checks import (
    check_challenge,
    check_dataset,
    games_of,
    is_challenge,
    split_games,
)
from touchline.errors import InputError
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2
from touchline.media.writer import VideoWriter

GAME = "england_epl/2015-2016/2016-01-02 - 15-45 North End 1 - 0 South Park"
OTHER = "england_epl/2015-2016/2016-01-09 - 15-45 South Park 0 - 0 North End"


def annotation(half=1, seconds=0.3, label="Kick-off", **more) -> dict:
    minutes, second = divmod(int(seconds), 60)
    return {
        "gameTime": f"{half} - {minutes:02d}:{second:02d}",
        "label": label,
        "position": str(round(seconds * 1000)),
        "team": "home",
        "visibility": "visible",
    } | more


GOOD = [annotation(), annotation(seconds=2.0, label="Goal"), annotation(half=2)]


def prediction(**change) -> dict:
    whole = {"gameTime": "1 - 0:1", "label": "Goal", "position": "1000", "half": "1"}
    return whole | {"confidence": "0.5"} | change


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Four seconds of grey."""
    path = tmp_path_factory.mktemp("video") / "1_224p.mkv"
    with VideoWriter(path, (64, 48), Fraction(5)) as writer:
        for _ in range(20):
            writer.write(np.full((48, 64, 3), 99, np.uint8))
    return path


def make_game(root: Path, video: Path | None, annotations=GOOD, game=GAME, **header) -> Path:
    folder = root / game
    folder.mkdir(parents=True)
    if video is not None:
        for half in (1, 2):
            (folder / f"{half}_224p.mkv").write_bytes(video.read_bytes())
    document = {"UrlLocal": f"{game}/", "gameScore": "1 - 0", "annotations": annotations} | header
    (folder / "Labels-v2.json").write_text(json.dumps(document))
    return folder


def texts(report) -> list[str]:
    return [f"{finding.severity}: {finding.where}: {finding.what}" for finding in report.findings]


def make_zip(path: Path, files: dict[str, object]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps({"predictions": content})
            archive.writestr(name, text)
    return path


def test_nothing_is_wrong_with_a_good_game(tmp_path, video):
    make_game(tmp_path, video)
    report = check_dataset(tmp_path, games=[GAME])
    assert (texts(report), report.games, report.events) == ([], 1, 3)


@pytest.mark.parametrize(
    ("annotations", "header", "expected"),
    [
        ([annotation(seconds=9.0)], {"gameScore": ""}, "1 event up to 5.0 s after the end"),
        ([annotation(seconds=75.0)], {}, "the first kick-off is at 75.0 s, not near 0"),
        ([annotation(label="Streaker")], {}, "1 event with the label 'Streaker'"),
        ([annotation(), annotation(seconds=0.5)], {}, "1 repetition of an event of the same class"),
        ([annotation(half=3)], {}, "half 3: evaluators read halves 1 and 2 only"),
        ([annotation(position="-500")], {}, "1 event before the video"),
        ([annotation(gameTime="1 - 00:03")], {}, "a position and a gameTime that differ"),
        (GOOD, {"UrlLocal": OTHER}, f"these are the labels of '{OTHER}'"),
        (GOOD, {"gameScore": "3 - 1"}, "1 labelled goal, and the score is 3 - 1"),
        ([annotation(position="x")], {}, "is not a whole number"),
        ({}, {}, "expected a list"),
    ],
)
def test_what_is_wrong_with_labels(tmp_path, video, annotations, header, expected):
    make_game(tmp_path, video, annotations, **header)
    assert any(expected in text for text in texts(check_dataset(tmp_path)))


def test_what_is_missing_or_unreadable(tmp_path, video):
    folder = make_game(tmp_path, video)
    (folder / "2_224p.mkv").unlink()
    (folder / "1_224p.mkv").write_bytes(b"not a video")
    (folder / "1_ResNET_TF2.npy").write_bytes(b"not an array")
    np.save(folder / "2_ResNET_TF2.npy", np.zeros((4, 8), np.float32))
    found = texts(check_dataset(tmp_path, games=[GAME, OTHER]))
    for part in ("1_224p.mkv", "half 2 has no video", "1_ResNET_TF2.npy: not a .npy file",
                 f"{OTHER}: the game is missing", "labels of half 2, but no video"):  # fmt: skip
        assert any(part in text for text in found), part
    assert not any("2_ResNET_TF2" in text for text in found)


def test_a_kick_off_after_a_goal_is_no_sign_of_another_clock(tmp_path):
    labels = [annotation(seconds=300.0, label="Goal"), annotation(seconds=350.0)]
    make_game(tmp_path, None, labels)
    assert not any("not near 0" in text for text in texts(check_dataset(tmp_path)))


def test_an_empty_folder_is_an_error(tmp_path):
    assert check_dataset(tmp_path).errors == 1
    with pytest.raises(InputError):
        check_dataset(tmp_path / "nowhere")


def test_what_feature_based_systems_read_is_checked_by_its_readers(tmp_path, video):
    folder = make_game(tmp_path, None)
    calibrated = {"confidence": 0.9, "homography": [1, 0, 0, 0, 1, 0, 0, 0, 1]}
    person = {"bboxes": [[0, 0, 5, 9]], "colors": [[9, 9, 9]], "onfield": [1]}
    size = [3, 48, 64, 3]

    def write(name: str, entries: list) -> None:
        (folder / name).write_text(json.dumps({"size": size, "predictions": entries}))

    for half in (1, 2):
        write(f"{half}_field_calib_ccbv.json", [[calibrated]] * 3)
        write(f"{half}_player_boundingbox_maskrcnn.json", [person] * 3)
        np.save(folder / f"{half}_ResNET_TF2.npy", np.zeros((4, 8), np.float32))
    assert texts(check_dataset(tmp_path)) == []
    write("1_field_calib_ccbv.json", [[calibrated], [{"confidence": 0.9, "homography": [1, 2]}]])
    write("2_player_boundingbox_maskrcnn.json", [person, {"bboxes": [[0, 0, 5, 9]], "colors": []}])
    np.save(folder / "1_ResNET_TF2.npy", np.zeros((4, 8)))
    array = folder / "2_ResNET_TF2.npy"
    array.write_bytes(array.read_bytes()[:-4])
    found = texts(check_dataset(tmp_path))
    for part in (
        "1_field_calib_ccbv.json: predictions[1]: homography is not 9 numbers",
        "2_player_boundingbox_maskrcnn.json: predictions[1]: has 1 bboxes and 0 colors",
        "1_ResNET_TF2.npy: contains float64 numbers",
        "2_ResNET_TF2.npy: is shorter than its header states",
    ):
        assert sum(text.startswith(f"error: {GAME}/{part}") for text in found) == 1, found
    assert len(found) == 4
    write("1_field_calib_ccbv.json", [[calibrated]])
    assert any("has 1 entries, the player boxes" in text for text in texts(check_dataset(tmp_path)))


def test_features_that_are_no_numbers_or_of_another_width(tmp_path):
    folder = make_game(tmp_path, None)
    rows = np.zeros((40, 8), np.float32)
    np.save(folder / "1_ResNET_TF2.npy", rows)
    rows[35:] = np.nan
    np.save(folder / "2_ResNET_TF2.npy", rows)
    np.save(folder / "1_baidu_soccer_embeddings.npy", np.zeros((20, 4), np.float32))
    np.save(folder / "2_baidu_soccer_embeddings.npy", np.zeros((20, 5), np.float32))
    found = "\n".join(texts(check_dataset(tmp_path)))
    assert "error: " in found
    assert "2_ResNET_TF2.npy: row 35 (at 0:17) contains NaN" in found
    assert (
        "2_baidu_soccer_embeddings.npy: rows of shape (5,), those of the other half (4,)" in found
    )


@pytest.mark.parametrize(
    ("name", "rows", "late"),
    [("ResNET_TF2", 40, True), ("ResNET_5fps_TF2", 40, True), ("ResNET_TF2", 120, False),
     ("baidu_soccer_embeddings", 60, False), ("mine", 4, False)],
)  # fmt: skip
def test_labels_behind_the_end_of_the_features(tmp_path, name, rows, late):
    folder = make_game(tmp_path, None, [annotation(), annotation(seconds=50.0, label="Foul")])
    np.save(folder / f"1_{name}.npy", np.zeros((rows, 4), np.float32))
    found = [text for text in texts(check_dataset(tmp_path)) if "after the end" in text]
    assert len(found) == late
    if late:
        assert "1 event of half 1" in found[0] and "the last at 0:50" in found[0]


def test_the_events_of_each_label_file_are_counted(tmp_path):
    folder = make_game(tmp_path, None)
    text = (folder / "Labels-v2.json").read_text()
    (folder / "Labels.json").write_text(text.replace("Goal", "soccer-ball"))
    report = check_dataset(tmp_path)
    assert report.label_files == {"Labels-v2.json": 3, "Labels.json": report.events - 3}
    ended = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert "events by label file: " in ended.output and "stats" in ended.output


def test_a_good_submission(tmp_path):
    path = make_zip(
        tmp_path / "out.zip",
        {f"{GAME}/results_spotting.json": [prediction()], f"{OTHER}/results_spotting.json": []},
    )
    assert is_challenge(path)
    assert texts(check_challenge(path, games=[GAME, OTHER], label_set=SOCCERNET_V2)) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({f"{GAME}/results_spotting.json": []}, f"error: {OTHER}: the game has no predictions"),
        ({f"out/{GAME}/results_spotting.json": []}, "there is a folder 'out' around the leagues"),
        ({"results_spotting.json": []}, "not in league/season/game"),
        ({f"{GAME}/results.json": []}, "the server reads no file of this name"),
        ({f"{GAME}/results_spotting.json": "{"}, "malformed JSON"),
        ({f"{GAME}/results_spotting.json": "[]"}, "there is no list 'predictions'"),
        ({"readme.txt": "x"}, "there is no results_spotting.json"),
    ],
)
def test_what_the_server_would_refuse_of_an_archive(tmp_path, files, expected):
    report = check_challenge(make_zip(tmp_path / "out.zip", files), games=[GAME, OTHER])
    assert any(expected in text for text in texts(report))
    assert report.errors


@pytest.mark.parametrize(
    ("change", "severity", "expected"),
    [
        ({"position": "1000.5"}, "error", "position is not a whole number"),
        ({"position": None}, "error", "position is not a whole number"),
        ({"position": "-1"}, "error", "position is negative"),
        ({"position": "99999999"}, "warning", "after 120 minutes"),
        ({"half": "3"}, "error", "half is neither 1 nor 2"),
        ({"half": "first"}, "error", "half is not a number"),
        ({"confidence": "high"}, "error", "confidence is not a number"),
        ({"confidence": "nan"}, "error", "confidence is not a number"),
        ({"confidence": 1.5}, "error", "confidence is outside 0 to 1"),
        ({"label": "goal"}, "warning", "the label 'goal' is not in soccernet-v2"),
        ({"label": None}, "warning", "the label None is not in soccernet-v2"),
    ],
)
def test_what_the_server_would_refuse_of_a_prediction(tmp_path, change, severity, expected):
    files = {f"{GAME}/results_spotting.json": [prediction(), prediction(**change)]}
    report = check_challenge(make_zip(tmp_path / "out.zip", files), label_set=SOCCERNET_V2)
    (finding,) = report.findings
    assert (finding.severity, expected in finding.what) == (severity, True)
    assert finding.where == f"{GAME}/results_spotting.json: predictions[1]"


def test_the_team_challenge_needs_teams(tmp_path):
    files = {f"{GAME}/results_spotting.json": [prediction(label="PASS"),
                                               prediction(label="PASS", team="left")]}  # fmt: skip
    path = make_zip(tmp_path / "out.zip", files)
    report = check_challenge(path, label_set=SOCCERNET_BALL, needs_team=True)
    assert [finding.what for finding in report.findings] == ["team is neither 'left' nor 'right'"]


def test_games_are_named_by_lists_and_by_labels(tmp_path, video):
    make_game(tmp_path / "data", video)
    assert games_of(tmp_path / "data") == [GAME]
    (tmp_path / "test.txt").write_text(f"{GAME}\n{OTHER.replace('/', chr(92))}\n")
    assert games_of(tmp_path / "test.txt") == [GAME, OTHER]
    (tmp_path / "data" / "test.txt").write_text(GAME)
    assert split_games(tmp_path / "data", "test") == [GAME]


def test_the_command_exits_with_two_on_errors(tmp_path, video):
    runner = CliRunner()
    make_game(tmp_path / "data", video)
    assert runner.invoke(app, ["check", str(tmp_path / "data")]).exit_code == 0
    bad = make_zip(tmp_path / "out.zip", {f"{GAME}/results_spotting.json": [prediction(half="x")]})
    done = runner.invoke(app, ["check", str(bad), "--games", str(tmp_path / "data"), "--json"])
    assert done.exit_code == 2
    report = json.loads(done.stdout)
    assert (report["kind"], report["errors"], report["games"]) == ("challenge", 1, 1)
