"""``dataset stats`` and ``dataset download``."""

import json
import shutil
import sys
import types
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from touchline.cli.dataset import app
from touchline.datasets import download as module
from touchline.datasets.download import SOURCES, download
from touchline.datasets.stats import dataset_stats, stats_svg, write_picture
from touchline.errors import InputError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import write

GAMES = [f"england_epl/2015-2016/2016-01-0{n} - 15-45 A 0 - 0 B" for n in (1, 2, 3)]
EVENTS = (
    Event(1.0, "Goal", team="home", visibility="visible"),
    Event(2.0, "Foul", team="away", visibility="not shown"),
    Event(3.0, "Foul", visibility="visible"),
    Event(4.0, "<b>Streaker</b>"),
)


@pytest.fixture
def dataset(tmp_path) -> Path:
    for game in GAMES:
        match = Match(game, (Timeline(Video("1"), EVENTS, half=1), Timeline(Video("2"), half=2)))
        write({game: match}, tmp_path / "data", format="soccernet-v2")
        write({game: match}, tmp_path / "data", format="soccernet-ball")
    (tmp_path / "data" / "train.txt").write_text("\n".join(GAMES[:2]))
    (tmp_path / "data" / "test.json").write_text(json.dumps(GAMES[2:]))
    return tmp_path / "data"


def test_stats_count_by_class_split_visibility_and_team(dataset):
    stats = dataset_stats(dataset)
    assert (stats.games, stats.events, stats.splits) == (3, 12, {"train": 2, "test": 1})
    assert [row.label for row in stats.classes] == ["Goal", "Foul", "<b>Streaker</b>"]
    foul = stats.to_json()["classes"]["Foul"]
    assert foul == {
        "total": 6,
        "visible": 3,
        "unshown": 3,
        "games": 3,
        "per_game": 2.0,
        "splits": {"train": 4, "test": 2},
        "teams": {"away": 3},
    }


def test_a_picture_is_drawn_to_scale_and_escaped(dataset, tmp_path):
    stats = dataset_stats(dataset)
    root = ElementTree.fromstring(stats_svg(stats))
    bars = [r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("height") == "16"]
    widths = [float(bar.get("width")) for bar in bars]
    assert widths == [240, 0, 240, 240, 240, 0]
    write_picture(stats, tmp_path / "a.svg")
    write_picture(stats, tmp_path / "a.html")
    assert "<b>Streaker" not in (tmp_path / "a.html").read_text()
    with pytest.raises(InputError, match=r"\.svg or \.html"):
        write_picture(stats, tmp_path / "a.png")


def test_the_stats_command(dataset, tmp_path):
    done = CliRunner().invoke(app, ["stats", str(dataset), "--picture", str(tmp_path / "p.svg")])
    assert done.exit_code == 0 and "Goal" in done.stdout
    assert (tmp_path / "p.svg").is_file()
    done = CliRunner().invoke(app, ["stats", str(dataset), "--from", "soccernet-ball", "--json"])
    assert json.loads(done.stdout)["events"] == 12


class Hub:
    """Stands in for Hugging Face: keeps what was asked, and gives the files it has."""

    def __init__(self, files: list[str], error: Exception | None = None) -> None:
        self.files = files
        self.error = error
        self.asked: list[tuple[str, str, list[str]]] = []
        self.endpoints: set[str | None] = set()

    def snapshot_download(
        self, repository, *, repo_type, revision, local_dir, allow_patterns, endpoint=None
    ):
        assert repo_type == "dataset"
        self.endpoints.add(endpoint)
        self.asked.append((repository, revision, allow_patterns))
        if self.error is not None:
            raise self.error
        for file in self.files:
            path = Path(local_dir) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")


@pytest.fixture
def hub(monkeypatch):
    def install(files=(), error=None, lists=True) -> Hub:
        fake = Hub(list(files), error)
        hub_module = types.ModuleType("huggingface_hub")
        hub_module.snapshot_download = fake.snapshot_download
        monkeypatch.setitem(sys.modules, "huggingface_hub", hub_module)
        games = (lambda split, ball=False: GAMES[:1]) if lists else (lambda split, ball=False: None)
        monkeypatch.setattr(module, "published_games", games)
        return fake

    return install


def test_labels_of_a_split(hub, tmp_path):
    fake = hub([f"{GAMES[0]}/Labels-v2.json"])
    got = download("labels", tmp_path, ["test"])
    assert fake.asked == [("SoccerNet/SN-Labels", "main", [f"{GAMES[0]}/Labels-v2.json"])]
    assert (got.files, got.missing) == (1, ())


def test_what_did_not_come_is_named(hub, tmp_path):
    hub([f"{GAMES[0]}/1_224p.mkv"])
    assert download("videos-224p", tmp_path, ["test"]).missing == (f"{GAMES[0]}/2_224p.mkv",)


def test_a_mirror_folder_takes_the_place_of_the_web(tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    monkeypatch.setenv("TOUCHLINE_MIRROR", str(mirror))
    with pytest.raises(InputError, match="TOUCHLINE_MIRROR"):
        download("labels", tmp_path / "out")
    mirror.mkdir()
    with pytest.raises(InputError, match="SoccerNet/SN-Labels: is not in the mirror"):
        download("labels", tmp_path / "out")
    places = ("huggingface.co/datasets/SoccerNet/SN-Labels/resolve/main", "SoccerNet/SN-Labels")
    for number, place in enumerate(places):
        for name in ("Labels-v2.json", "Labels-v3.json"):
            file = mirror / place / GAMES[0] / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("{}")
        (tmp_path / "games.json").write_text(json.dumps(GAMES[:1]))
        out = tmp_path / str(number)
        assert download("labels", out, games=tmp_path / "games.json").files == 1
        assert [path.name for path in out.rglob("*.json")] == ["Labels-v2.json"]
        shutil.rmtree(mirror / place)


def test_a_mirror_server_is_asked_in_place_of_the_hub(hub, tmp_path, monkeypatch):
    fake = hub([f"{GAMES[0]}/Labels-v2.json"])
    download("labels", tmp_path, ["test"])
    monkeypatch.setenv("TOUCHLINE_MIRROR", "http://127.0.0.1:9/")
    download("labels", tmp_path, ["test"])
    assert fake.endpoints == {None, "http://127.0.0.1:9/huggingface.co"}


def test_challenge_videos_lie_elsewhere(hub, tmp_path):
    fake = hub([f"{GAMES[0]}/1_224p.mkv"])
    download("videos-224p", tmp_path, ["test", "challenge"])
    assert [asked[0] for asked in fake.asked] == [
        "SoccerNet/SoccerNet_raw_HQ",
        "SoccerNet/SoccerNet_raw_HQ_Challenge",
    ]


def test_without_the_lists_all_or_a_list_can_be_had(hub, tmp_path):
    fake = hub(["a/b/c/Labels-v2.json"], lists=False)
    assert download("labels", tmp_path).files == 1
    assert fake.asked[0][2] == ["*/*/*/Labels-v2.json"]
    with pytest.raises(InputError, match="--games"):
        download("labels", tmp_path, ["test"])
    (tmp_path / "list.txt").write_text("a/b/c\n")
    assert download("labels", tmp_path, ["test"], games=tmp_path / "list.txt").missing == ()


def test_archives_come_by_split(hub, tmp_path):
    fake = hub(["train.zip"])
    got = download("ball-2025", tmp_path, ["train", "valid"])
    assert fake.asked == [("SoccerNet/SN-BAS-2025", "main", ["train.zip", "valid.zip"])]
    assert (got.files, got.missing) == (1, ("valid.zip",))


def test_a_download_that_brings_nothing_is_an_error(hub, tmp_path):
    hub([])
    with pytest.raises(InputError, match="no files of labels"):
        download("labels", tmp_path, ["test"])


def http_error(status: int) -> OSError:
    error = OSError("refused")
    error.response = types.SimpleNamespace(status_code=status)
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (http_error(403), "sign the agreement"),
        (http_error(401), "hf auth login"),
        (http_error(429), "too many requests"),
        (OSError("no route to host"), "it resumes"),
    ],
)
def test_why_a_download_failed(hub, tmp_path, error, text):
    hub(error=error)
    with pytest.raises(InputError, match=text):
        download("videos-224p", tmp_path, ["test"])


def test_what_is_unknown_is_refused(hub, tmp_path):
    hub()
    with pytest.raises(InputError, match="baidu"):
        download("everything", tmp_path)
    with pytest.raises(InputError, match="challenge"):
        download("labels", tmp_path, ["train", "dev"])
    with pytest.raises(InputError, match="soccernet"):
        download("labels", tmp_path, source="ftp")


class Downloader:
    """Stands in for the downloader of SoccerNet's package."""

    calls: list = []  # noqa: RUF012

    def __init__(self, LocalDirectory):  # noqa: N803
        self.folder = Path(LocalDirectory)
        self.password = None

    def downloadGame(self, game, files, spl, source):  # noqa: N802
        self.calls.append((game, tuple(files), spl, source, self.password))
        for file in files:
            (self.folder / game).mkdir(parents=True, exist_ok=True)
            (self.folder / game / file).write_text("x")

    def downloadDataTask(self, task, split, **options):  # noqa: N802
        self.calls.append((task, tuple(split), options))
        for name in split:
            (self.folder / task).mkdir(parents=True, exist_ok=True)
            (self.folder / task / f"{name}.zip").write_text("x")


@pytest.fixture
def package(monkeypatch):
    fake = types.ModuleType("SoccerNet.Downloader")
    fake.SoccerNetDownloader = Downloader
    monkeypatch.setitem(sys.modules, "SoccerNet", types.ModuleType("SoccerNet"))
    monkeypatch.setitem(sys.modules, "SoccerNet.Downloader", fake)
    monkeypatch.setattr(module, "published_games", lambda split, ball=False: GAMES[:1])
    monkeypatch.setattr(Downloader, "calls", [])


def test_the_owners_package_is_driven(package, tmp_path):
    got = download("videos-224p", tmp_path, ["test"], source="soccernet", password="secret")
    assert Downloader.calls == [
        (GAMES[0], ("1_224p.mkv", "2_224p.mkv"), "test", "EXRCSDrive", "secret")
    ]
    assert got.files == 2
    assert download("ball-2024", tmp_path, ["train"], source="soccernet").files == 1


def test_a_missing_password_is_said_before_anything_is_tried(package, tmp_path):
    with pytest.raises(InputError, match="password of the agreement"):
        download("videos-224p", tmp_path, ["test"], source="soccernet")
    assert Downloader.calls == []


def test_the_download_command(hub, tmp_path):
    hub([f"{GAMES[0]}/Labels-v2.json"])
    done = CliRunner().invoke(app, ["download", "--list"])
    assert all(name in done.stdout for name in SOURCES)
    done = CliRunner().invoke(app, ["download", str(tmp_path), "--split", "test", "--json"])
    assert json.loads(done.stdout) == [{"data": "labels", "files": 1, "missing": []}]
