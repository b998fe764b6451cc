"""The default: what a broadcast says, with the best network for real matches beside it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from made_broadcasts import FIRST, broadcast, goal
from small_videos import cut_off, write_video

import touchline
from touchline.broadcast import ocr
from touchline.errors import CheckpointError, MediaError
from touchline.events import Event, Timeline, Video
from touchline.labels import BROADCAST, SOCCERNET_V2
from touchline.spotting import auto_spotter
from touchline.spotting.auto_spotter import AutoSpotter, planned_producer
from touchline.zoo.catalogue import find_entry
from touchline.zoo.real_matches import find_model, models_for_real_matches
from touchline.zoo.store import find


@pytest.fixture(autouse=True)
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty zoo of the user's."""
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


@pytest.fixture
def without_ocr(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the plain install."""
    monkeypatch.setattr(ocr, "is_installed", lambda: False)


@pytest.fixture
def put(zoo: Path) -> Callable[..., Path]:
    """Put a card into the user's zoo."""

    def card(name: str, labels: tuple[str, ...] = SOCCERNET_V2.labels, **fields: object) -> Path:
        document = {
            "format": "touchline-model", "version": 1, "name": name, "system": "e2e-spot",
            "config": {}, "labels": {"name": "labels", "labels": labels}, "rate": "2",
            "width": 64, "height": 48,
        }  # fmt: skip
        folder = zoo / name
        folder.mkdir(parents=True)
        (folder / "card.json").write_text(json.dumps(document | fields))
        return folder

    return card


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds."""
    return write_video(tmp_path_factory.mktemp("videos") / "match.mp4", 150)


def test_the_shipped_network_is_not_for_real_matches():
    assert find("demo").card.training_data == "simulated"
    assert models_for_real_matches() == []
    assert planned_producer().weights is None


def test_the_best_reported_network_of_the_17_classes_is_chosen(put):
    put("rough", metrics={"loose, SoccerNet-v2 test": 0.9})
    put("small", metrics={"tight, SoccerNet-v2 test": 0.61, "loose, SoccerNet-v2 test": 0.73})
    put("large", metrics={"tight, SoccerNet-v2 test": 0.62})
    put("mine", metrics={"validation tight average_map": 0.99, "notes": "tight, indeed"})
    names = [folder.path.name for folder in models_for_real_matches()]
    assert names == ["large", "small", "rough", "mine"]


def test_soccer_names_the_best_that_reads_videos(put):
    with pytest.raises(CheckpointError, match="touchline models pull e2e-spot-soccer"):
        find_model("soccer")
    put("pictures", metrics={"tight, SoccerNet-v2 test": 0.1})
    unknown = {"features": {"name": "baidu_soccer_embeddings"}, "width": None, "height": None}
    put("anchors", metrics={"tight, SoccerNet-v2 test": 0.9}, **unknown)
    assert find_model("soccer").path.name == "pictures"
    known = {**unknown, "features": {"name": "ResNET_TF2_PCA512"}}
    put("features", metrics={"tight, SoccerNet-v2 test": 0.8}, **known)
    assert find_model("soccer").path.name == "features"
    assert find_model("demo").path.name == "demo"
    put("soccer")
    assert find_model("soccer").path.name == "soccer"


def test_scores_are_read_as_imports_note_them():
    needs("torch")
    from touchline.importers.models import _facts

    entry = find_entry("e2e-spot-soccer")
    metrics = _facts(entry, "", "")["metrics"]
    assert metrics["tight, SoccerNet-v2 test"] == pytest.approx(0.6182)
    assert _facts(entry, "", "")["training_data"] == "real"


def test_the_order_of_the_classes_does_not_matter_other_classes_do(put):
    put("sorted", tuple(sorted(SOCCERNET_V2)))
    put("ball", ("PASS", "DRIVE"))
    put("more", (*SOCCERNET_V2.labels, "Whistle"))
    assert [folder.path.name for folder in models_for_real_matches()] == ["sorted"]


@pytest.mark.parametrize(
    ("fields", "knows_real"),
    [
        ({"training_data": "real"}, True),
        ({"training_data": "simulated"}, False),
        ({"training_data_licence": "simulated by touchline, Apache-2.0"}, False),
        ({"training_data_licence": "SoccerNet, research only"}, True),
    ],
)
def test_networks_of_simulated_matches_are_left_out(put, fields, knows_real):
    put("one", **fields)
    assert bool(models_for_real_matches()) == knows_real


def test_a_network_that_cannot_run_is_left_out_and_said(put, without_ocr, video):
    put("broken")
    with touchline.load() as spotter:
        timeline = spotter.spot(video)
    assert any("broken does not run" in warning for warning in timeline.warnings)
    assert timeline.model == touchline.load().producer


@pytest.mark.parametrize("names", [(), ("auto",)])
def test_it_is_the_default(names):
    assert isinstance(touchline.load(*names), AutoSpotter)


def test_the_plain_install_says_what_would_read_the_score(without_ocr, video):
    timeline = AutoSpotter().spot(video)
    assert any("pip install 'touchline[broadcast]'" in warning for warning in timeline.warnings)
    assert timeline.model is not None and timeline.model.name == "broadcast-without-score"
    assert "models pull" in timeline.extra["ran"] and "score bug" not in timeline.extra["ran"]
    assert timeline.labels == BROADCAST
    assert not {"Goal", "Kick-off", "Full-time"} & {event.label for event in timeline}


def test_other_software_makes_results_anew(monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    plain = planned_producer()
    monkeypatch.setattr(ocr, "is_installed", lambda: True)
    assert planned_producer() != plain


def test_a_recording_without_a_bug_has_no_goal(video):
    needs("rapidocr")
    timeline = AutoSpotter().spot(video)
    assert "Goal" not in {event.label for event in timeline}
    assert any("no score bug" in warning for warning in timeline.warnings)


def test_a_silent_video_and_a_damaged_end_are_said(without_ocr, video, tmp_path):
    silent = AutoSpotter().spot(write_video(tmp_path / "silent.mp4", 60, sound=False))
    assert any("no sound" in warning for warning in silent.warnings)
    part = cut_off(video, tmp_path / "truncated.mp4", 0.6)
    damaged = AutoSpotter().spot(part)
    assert any("damaged" in warning for warning in damaged.warnings)
    assert 0 < (damaged.video.duration_seconds or 0) < 6


def test_a_file_that_is_no_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(MediaError):
        AutoSpotter().spot(tmp_path / "text.mp4")
    with pytest.raises(MediaError):
        AutoSpotter().check(tmp_path / "text.mp4")


def test_progress_rises_to_the_end(without_ocr, video):
    shares: list[float] = []
    AutoSpotter().spot(video, start_seconds=1.0, end_seconds=5.0, progress=shares.append)
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] == 1.0


def test_the_excitement_is_the_curve_of_highlights(without_ocr, video):
    watched = AutoSpotter().watch(video)
    scores, curve = watched.timeline.scores, watched.broadcast.excitement
    assert scores is not None and curve is not None
    assert scores.of("Highlight") == pytest.approx(curve.values)


@pytest.mark.parametrize("part", [{}, {"start_seconds": 1.7, "end_seconds": 4.2}])
def test_a_network_of_pictures_sees_the_same_frames_in_the_shared_pass(
    plain_model, without_ocr, video, part
):
    with touchline.load(plain_model) as network:
        alone = network.score(video, **part)
        shared = AutoSpotter(network).watch(video, **part).timeline
    assert shared.scores is not None
    assert np.array_equal(shared.scores.values[:, :3], alone.scores.values)
    assert np.array_equal(shared.scores.seconds, alone.scores.seconds)
    assert shared.video == alone.video
    assert shared.model is not None and shared.model.weights == "tiny-plain"
    assert shared.labels is not None
    assert shared.labels.labels == ("a", "b", "c", *BROADCAST.labels)
    assert "network tiny-plain" in shared.extra["ran"]


def test_the_video_is_decoded_once_with_a_network_of_pictures(
    plain_model, without_ocr, video, monkeypatch
):
    monkeypatch.setattr(auto_spotter, "observe", None)
    with touchline.load(plain_model) as network:
        AutoSpotter(network).spot(video)


class Features:
    """A network that reads whole videos by itself."""

    producer = touchline.load().producer

    def __init__(self, *events: Event) -> None:
        self.events = events
        self.scored: list[str] = []

    def score(self, video, **part):
        self.scored.append(Path(video).name)
        return None

    def timeline(self, scored, threshold=0.05):
        return Timeline(Video("match.mp4", 6800.0), self.events, labels=SOCCERNET_V2)

    def __exit__(self, *exception):
        pass


def test_a_network_of_features_is_left_out_of_a_part(without_ocr, video):
    network = Features(Event(2.0, "Foul", 0.5))
    whole = AutoSpotter(network).spot(video)
    assert [event.label for event in whole if event.label != "Highlight"] == ["Foul"]
    part = AutoSpotter(network).spot(video, start_seconds=1.0)
    assert network.scored == ["match.mp4"]
    assert any("reads whole videos" in warning for warning in part.warnings)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch):
    """Let the recording say this, whatever the video."""

    def say(document):
        class Reader:
            pictures, sounds = (), ()

            def __init__(self, *args, **options):
                pass

            def finish(self, report, evidence=()):
                self.__class__.evidence = tuple(evidence)
                return document

        monkeypatch.setattr(auto_spotter, "BroadcastReader", Reader)
        return Reader

    return say


def test_networks_and_broadcasts_help_each_other(said, video):
    reader = said(broadcast([goal(1000.0, (1, 0))], replays=[(1030.0, 1041.0)]))
    true, false = Event(1002.0, "Goal", 0.7), Event(2000.0, "Goal", 0.7)
    timeline = AutoSpotter(Features(true, false, Event(1500.0, "Corner", 0.6))).spot(video)
    goals = {event.seconds: event for event in timeline if event.label == "Goal"}
    assert goals[1000.0].confidence > 0.9 and goals[2000.0].confidence < 0.2
    assert [one.seconds for one in reader.evidence] == [1002.0, 2000.0]
    corner = next(event for event in timeline if event.label == "Corner")
    assert (corner.half, corner.score) == (1, (1, 0))
    assert corner.clock_seconds == pytest.approx(1400.0)
    assert timeline.replays == ((1030.0, 1041.0),)
    assert timeline.extra["teams"] == {"home": "ARS", "away": "CHE"}


def test_the_half_of_a_file_of_one_half_is_its_own(said, video):
    said(broadcast(halves=[FIRST]))
    timeline = AutoSpotter().watch(video, half=2).timeline
    assert timeline.half == 2 and all(event.half is None for event in timeline)
    clocks = {event.label: event.clock_seconds for event in timeline}
    assert clocks == {"Kick-off": 2700.0, "Full-time": 5500.0}
    assert {event.label for event in timeline} == {"Kick-off", "Full-time"}


def test_events_below_the_threshold_are_left_out(said, video):
    said(broadcast([goal(1000.0, (1, 0))]))
    timeline = AutoSpotter(Features(Event(2000.0, "Goal", 0.9))).spot(video, threshold=0.5)
    assert all(event.confidence >= 0.5 for event in timeline) and len(timeline) == 5
