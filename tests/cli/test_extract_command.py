"""``extract``: feature files of videos and datasets, whatever some of them are like."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_videos import cut_off, picture, write_sound_only, write_video

from touchline.features.extractors import NAMES
from touchline.features.store import read_description

GAME = "league_a/2015-2016/2016-01-02 - 15-45 North End 1 - 0 South Park"
OTHER = "league_a/2015-2016/2016-01-03 - 15-45 South Park 0 - 0 North End"


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without extractors of their own."""
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def made_dataset(tmp_path_factory) -> Path:
    """Two games of two halves; no half of the second is as it should be."""
    root = tmp_path_factory.mktemp("dataset")
    for game in (GAME, OTHER):
        (root / game).mkdir(parents=True)
    write_video(root / GAME / "1_224p.mkv", 160)
    write_video(root / GAME / "2_224p.mkv", 110)
    write_video(root / OTHER / "1_224p.mkv", 60, sound=False)
    (root / OTHER / "2_224p.mkv").write_text("not a video")
    (root / "test.json").write_text(json.dumps([GAME]))
    return root


@pytest.fixture
def dataset(made_dataset: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_dataset, tmp_path / "dataset"))


def described(folder: Path) -> dict[str, tuple[int, int]]:
    """Rows and numbers a row of the feature files below a folder, by their path."""
    found = {}
    for path in sorted(folder.rglob("*.npy")):
        told = read_description(path)
        assert told is not None and np.load(path).shape == (told.rows, told.dims)
        found[path.relative_to(folder).as_posix()] = (told.rows, told.dims)
    assert not list(folder.rglob("*.part"))
    return found


def test_the_shipped_model_describes_a_dataset(call, dataset, tmp_path):
    out = tmp_path / "features"
    ended = call("extract", dataset, "-f", "demo", "--split", "test", "-o", out, "--json")
    assert ended.code == 0, ended
    summary = json.loads(ended.out)
    assert summary["failed"] == 0
    names = [Path(file).name for done in summary["done"] for file in done["files"]]
    assert names == ["1_demo.npy", "2_demo.npy"]
    assert described(out) == {f"{GAME}/1_demo.npy": (13, 368), f"{GAME}/2_demo.npy": (9, 368)}
    description = read_description(out / GAME / "1_demo.npy")
    assert description.rate == 2 and description.first_seconds == 0
    again = call("extract", dataset, "-f", "demo", "--split", "test", "-o", out, "--json")
    again = json.loads(again.out)
    assert again == {**summary, "made": 0, "kept": 2, "done": again["done"]}
    assert again["done"] == [{**done, "status": "kept"} for done in summary["done"]]


def test_what_is_missing_is_made_and_what_is_there_is_kept(call, dataset):
    folder = dataset / GAME
    command = ("extract", dataset, "-f", "fft,log-mel", "--split", "test")
    assert call(*command).code == 0
    whole = {path: path.read_bytes() for path in folder.glob("*.npy")}
    assert len(whole) == 4
    stamps = {path: path.stat().st_mtime_ns for path in whole}
    (folder / "1_FFT.npy").unlink()
    damaged = (folder / "2_log_mel.npy").read_bytes()
    (folder / "2_log_mel.npy").write_bytes(damaged[:-4])
    again = call(*command, "--json")
    status = {Path(d["files"][0]).name: d["status"] for d in json.loads(again.out)["done"]}
    assert status == {
        "1_FFT.npy": "made",
        "2_FFT.npy": "kept",
        "1_log_mel.npy": "kept",
        "2_log_mel.npy": "made",
    }
    assert {path: path.read_bytes() for path in folder.glob("*.npy")} == whole
    assert (folder / "2_FFT.npy").stat().st_mtime_ns == stamps[folder / "2_FFT.npy"]


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_bad_halves_are_told_of_at_the_end_and_stop_nothing(call, dataset, jobs):
    ended = call("extract", dataset, "-f", "fft", "--jobs", jobs, "--json")
    assert ended.code == 2
    *remarks, error = ended.err.strip().splitlines()
    assert error.startswith("error: 2 of 4 failed: ")
    assert any("has no sound" in line for line in remarks)
    assert any("2_224p.mkv" in line for line in remarks)
    summary = json.loads(ended.out)
    assert (summary["made"], summary["failed"]) == (2, 2)
    assert [done["reason"] is None for done in summary["done"]] == [True, True, False, False]
    assert described(dataset) == {f"{GAME}/1_FFT.npy": (12, 31), f"{GAME}/2_FFT.npy": (8, 31)}


def test_videos_that_belong_to_no_game_are_named(call, dataset):
    """A folder of games may hold other videos, which have no labels and are not read."""
    shutil.copy(dataset / GAME / "1_224p.mkv", dataset / "plain.mp4")
    shutil.copy(dataset / GAME / "1_224p.mkv", dataset / GAME / "celebration.mov")
    shutil.rmtree(dataset / OTHER)
    ended = call("extract", dataset, "-f", "fft", "--json")
    assert ended.code == 0
    summary = json.loads(ended.out)
    assert summary["left_out"] == [
        str(dataset / "plain.mp4"),
        str(dataset / GAME / "celebration.mov"),
    ]
    assert (summary["made"], summary["failed"]) == (2, 0)
    named = ", ".join(summary["left_out"])
    assert f"left out 2 files that belong to no game: {named};" in ended.err
    (dataset / "plain.events.json").write_text(
        '{"format": "touchline-events", "version": 1, "video": {"name": "plain.mp4"}, "events": []}'
    )
    now = json.loads(call("extract", dataset, "-f", "fft", "--json").out)
    assert now["left_out"] == [str(dataset / GAME / "celebration.mov")]
    assert (now["made"], now["kept"]) == (1, 2)
    of_a_split = json.loads(call("extract", dataset, "-f", "fft", "--split", "test", "--json").out)
    assert "left_out" not in of_a_split, "a split says itself which games it takes"


def test_failures_for_several_reasons_are_not_given_as_one(call, dataset):
    error = call("extract", dataset, "-f", "fft").err.strip().splitlines()[-1]
    assert error == "error: 2 of 4 failed: 1_224p.mkv, 2_224p.mkv; see the errors above"
    (dataset / OTHER / "1_224p.mkv").write_text("not a video")
    error = call("extract", dataset, "-f", "fft").err.strip().splitlines()[-1]
    assert error.startswith("error: 2 of 4 failed: 1_224p.mkv, 2_224p.mkv: is not a video file")


def test_the_help_names_every_extractor(call):
    text = call("extract", "--help").out.replace("-\n", "-").split()
    assert set(NAMES) <= {word.strip(",") for word in " ".join(text).replace("- ", "-").split()}


@pytest.mark.slow
def test_processes_give_the_same_numbers(call, dataset, tmp_path):
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        ended = call("extract", dataset, "-f", "fft", "--split", "test", "-o", out, "--jobs", jobs)
        assert ended.code == 0, ended
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / jobs).rglob("*.npy")} for jobs in "12"
    )
    assert one == two


def test_a_video_is_described_beside_itself_or_elsewhere(call, dataset, tmp_path):
    video = dataset / GAME / "1_224p.mkv"
    assert call("extract", video, "-f", "fft").code == 0
    assert "1_FFT.npy" in {path.name for path in video.parent.iterdir()}
    match = Path(shutil.copy(video, tmp_path / "match.mkv"))
    assert call("extract", match, "-f", "fft", "-o", tmp_path / "out").code == 0
    assert described(tmp_path / "out") == {"match_FFT.npy": (12, 31)}


def test_a_video_that_was_cut_off_is_described_as_far_as_it_goes(call, tmp_path):
    whole = write_video(tmp_path / "whole.mkv", 400, sound=False)
    cut = cut_off(whole, tmp_path / "cut.mkv", 0.5)
    ended = call("extract", cut, "-f", "demo")
    assert ended.code == 0 and "damaged or cut off" in ended.err
    described_cut = read_description(tmp_path / "cut_demo.npy")
    assert 3 < described_cut.rows < 32 and described_cut.stopped_at_seconds is not None


def test_what_is_wrong_is_said_in_one_line(refused, dataset, tmp_path):
    video = dataset / GAME / "1_224p.mkv"
    silent = dataset / OTHER / "1_224p.mkv"
    assert "no extractor 'resnet'" in refused("extract", video, "-f", "resnet")
    assert "has no sound" in refused("extract", silent, "-f", "fft")
    assert "no such file or folder" in refused("extract", tmp_path / "none", "-f", "demo")
    assert "100 rows a second" in refused("extract", video, "-f", "log-mel", "--rate", 2)
    assert "weights of vggish are not here" in refused("extract", video, "-f", "vggish")
    assert "no such file" in refused("extract", video, "-f", "vggish@none.pt")
    assert "name" in refused("extract", video, "-f", " , ")
    text = dataset / OTHER / "2_224p.mkv"
    assert "2_224p.mkv" in refused("extract", text, "-f", "demo")
    assert not list(dataset.rglob("*.npy")) and not list(dataset.rglob("*.part"))


def test_features_of_others_are_not_overwritten_unless_asked(call, refused, dataset):
    video = dataset / GAME / "1_224p.mkv"
    published = video.parent / "1_FFT.npy"
    np.save(published, np.zeros((3, 3), np.float32))
    assert "was not written by touchline" in refused("extract", video, "-f", "fft")
    assert np.load(published).shape == (3, 3)
    assert call("extract", video, "-f", "fft", "--overwrite").code == 0
    assert np.load(published).shape == (12, 31)


def test_a_pca_is_fitted_and_applied(call, refused, dataset, tmp_path):
    pca = tmp_path / "pca.safetensors"
    fitting = ("extract", dataset, "-f", "fft", "--split", "test", "--fit-pca", pca)
    assert "1 to 19" in refused(*fitting)
    assert call(*fitting, "--dims", 4).code == 0
    assert call("extract", dataset, "-f", "fft", "--split", "test", "--pca", pca).code == 0
    found = described(dataset)
    assert found[f"{GAME}/1_FFT_PCA4.npy"] == (12, 4)
    whole = np.load(dataset / GAME / "1_FFT.npy")
    reduced = np.load(dataset / GAME / "1_FFT_PCA4.npy")
    for path in (dataset / GAME).glob("1_FFT*"):
        path.unlink()
    assert call("extract", dataset / GAME / "1_224p.mkv", "-f", "fft", "--pca", pca).code == 0
    np.testing.assert_array_equal(np.load(dataset / GAME / "1_FFT_PCA4.npy"), reduced)
    assert whole.shape == (12, 31)
    assert "fitted on other features" in refused(
        "extract", dataset / GAME / "1_224p.mkv", "-f", "log-mel", "--pca", pca
    )


def test_halves_inside_untrimmed_recordings_are_described(call, tmp_path):
    game = tmp_path / "data" / GAME
    game.mkdir(parents=True)
    for half in (1, 2):
        write_video(game / f"{half}_HQ.mkv", 160)
    (game / "Labels-v2.json").write_text(json.dumps({"annotations": []}))
    words = ("extract", tmp_path / "data", "-f", "demo,fft", "--video", "HQ")
    ended = call(*words)
    assert ended.code == 2 and "video.ini" in ended.err
    times = "[1_HQ.mkv]\nstart_time_second = 2\nduration_second = 3\n"
    (game / "video.ini").write_text(times + "[2_HQ.mkv]\nstart_time_second = 1.5\n")
    assert call(*words).code == 0
    rows = {path.rpartition("/")[2]: rows for path, (rows, _) in described(tmp_path).items()}
    assert rows == {"1_demo.npy": 6, "2_demo.npy": 11, "1_FFT.npy": 6, "2_FFT.npy": 10}
    assert json.loads(call(*words, "--json").out)["kept"] == 4
    (game / "video.ini").write_text(times.replace("3", "4") + "[2_HQ.mkv]\nstart_time_second = 1\n")
    assert call(*words).code == 0  # the halves lie elsewhere now
    assert described(tmp_path)[f"data/{GAME}/1_demo.npy"][0] == 8
    assert call("extract", game / "1_HQ.mkv", "-f", "demo", "-o", tmp_path / "one").code == 0
    assert described(tmp_path / "one") == {"1_demo.npy": (8, 368)}


def test_folders_of_frames_are_described(call, tmp_path):
    game = tmp_path / "data" / GAME
    for half in ("1", "2"):
        (game / half).mkdir(parents=True)
        for index in range(12):
            Image.fromarray(picture(index)).save(game / half / f"{index:06d}.jpg")
        (game / half / "fps.txt").write_text("2.0833333333333335")
    (game / "Labels-v2.json").write_text(json.dumps({"annotations": []}))
    assert call("extract", tmp_path / "data", "-f", "demo", "--rate", "25/12").code == 0
    assert [rows for rows, _ in described(tmp_path / "data").values()] == [12, 12]
    assert call("extract", game / "1", "-f", "demo", "-o", tmp_path / "one").code == 0
    assert described(tmp_path / "one") == {"1_demo.npy": (12, 368)}
    (game / "2" / "000003.jpg").unlink()
    ended = call("extract", game / "2", "-f", "demo", "-o", tmp_path / "gap")
    assert ended.code == 2 and "000003.jpg is missing" in ended.err


@pytest.mark.parametrize("ending", ["wav", "m4a"])
def test_sound_alone_is_described_by_what_hears(call, tmp_path, ending):
    game = tmp_path / GAME
    game.mkdir(parents=True)
    for half in (1, 2):
        write_sound_only(game / f"{half}.{ending}")
    assert call("extract", game / f"1.{ending}", "-f", "fft", "-o", tmp_path / "one").code == 0
    assert list(described(tmp_path / "one")) == ["1_FFT.npy"]
    assert call("extract", tmp_path, "-f", "log-mel", "-o", tmp_path / "all").code == 0
    assert len(described(tmp_path / "all")) == 2
    ended = call("extract", game / f"1.{ending}", "-f", "demo", "-o", tmp_path / "two")
    assert ended.code == 2 and "has no picture" in ended.err
