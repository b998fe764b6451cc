"""Bad data stops a run before it trains, in one sentence."""

import json
import shutil
from pathlib import Path

import pytest
from extras import needs

needs("torch")

from touchline.datasets.soccernet import read_games  # noqa: E402
from touchline.errors import InputError, LabelError, MediaError  # noqa: E402
from touchline.labels import LabelSet  # noqa: E402
from touchline.training.options.common import LabelOptions  # noqa: E402
from touchline.training.options.video import VideoDataOptions  # noqa: E402
from touchline.training.sources.video import load_videos  # noqa: E402


@pytest.fixture
def small(toy, tmp_path) -> Path:
    """One video to train on and one to validate on."""
    root = tmp_path / "small"
    for split, stem in (("train", "a0"), ("valid", "v0")):
        (root / split).mkdir(parents=True)
        for file in (toy / split).glob(f"{stem}.*"):
            shutil.copy(file, root / split)
    return root


def options(root: Path, **more) -> VideoDataOptions:
    values = {"root": str(root), "labels": ["Red", "Blue"], "rate": "4", "width": 48, "height": 32}
    return VideoDataOptions.model_validate(values | {"cache": "never"} | more)


def add_event(root: Path, **event) -> None:
    path = root / "train" / "a0.events.json"
    document = json.loads(path.read_text())
    document["events"].append(event)
    document.pop("labels", None)
    path.write_text(json.dumps(document))


def test_good_data(small):
    data = load_videos(options(small))
    assert data.labels.labels == ("Red", "Blue")
    (video,) = data.training
    assert video.frames.num_frames == 160 and len(video.labels) > 8
    assert [video.game for video in data.validation] == ["v0"]


def test_labels_can_be_those_that_occur(small):
    assert load_videos(options(small, labels="auto")).labels.labels == ("Blue", "Red")


def test_no_dataset_no_split_no_games(small, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        load_videos(options(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="no split 'test'"):
        load_videos(options(small, validation="test"))
    (small / "test").mkdir()
    with pytest.raises(InputError, match="there are no games"):
        load_videos(options(small, train="test"))


def test_events_without_a_video_and_a_video_that_is_none(small):
    (small / "train" / "a0.mp4").write_text("not a video")
    with pytest.raises(MediaError, match=r"a0\.mp4"):
        load_videos(options(small))
    (small / "train" / "a0.mp4").unlink()
    with pytest.raises(InputError, match=r"add a0\.mp4"):
        load_videos(options(small))


def test_an_unknown_label_stops_the_run_unless_it_is_told_otherwise(small):
    add_event(small, time=1.0, label="Gren")
    with pytest.raises(LabelError, match=r"1 event has a label outside custom: 'Gren' \(1\)"):
        load_videos(options(small))
    said = []
    load_videos(options(small, ignore_unknown_labels=True), said.append)
    assert said == ["left out 1 event of 1 label outside custom"]


def test_events_beyond_the_end_are_left_out_and_counted(small):
    before = len(load_videos(options(small)).training[0].labels)
    add_event(small, time=40.0, label="Red")
    add_event(small, time=500.0, label="Blue")
    said = []
    data = load_videos(options(small), said.append)
    assert len(data.training[0].labels) == before
    assert said == ["left out 2 training events beyond the ends of their videos"]


def test_labels_may_count_as_others_and_what_is_not_shown_be_left_out(small):
    before = load_videos(options(small))
    add_event(small, time=1.0, label="Crimson")
    add_event(small, time=2.0, label="Blue", visibility="not shown")
    merged = load_videos(options(small, merged_labels={"Crimson": "Red"}))
    labels, earlier = merged.training[0].labels, before.training[0].labels
    assert len(labels) == len(earlier) + 2 and labels.classes[labels.frames == 4].tolist() == [1]
    shown = load_videos(options(small, merged_labels={"Crimson": "Red"}, visible_only=True))
    assert len(shown.training[0].labels) == len(earlier) + 1
    plain = load_videos(options(small, visible_only=True, ignore_unknown_labels=True))
    assert len(plain.training[0].labels) == len(earlier)
    both = load_videos(options(small, merged_labels={"Red": "Blue", "Crimson": "Blue"}))
    assert {event.label for event in both.validation[0].truth} == {"Blue"}


def test_labels_count_only_as_those_of_the_set():
    with pytest.raises(ValueError, match="Red cannot count as Bleu, which data"):
        LabelOptions(labels=("Red", "Blue"), merged_labels={"Red": "Bleu"})


def test_the_file_of_the_published_set_that_has_the_labels_is_read(tmp_path):
    """Games may have labels of several sets beside each other."""
    for name, label in (("Labels-v2.json", "Goal"), ("Labels-ball.json", "PASS")):
        note = {
            "gameTime": "1 - 00:01",
            "label": label,
            "position": "1000",
            "visibility": "visible",
        }
        (tmp_path / name).write_text(json.dumps({"annotations": [note]}))
    (tmp_path / "1_224p.mkv").write_bytes(b"")
    (game,) = read_games(tmp_path)
    for labels, found in ((("PASS", "DRIVE"), "PASS"), (("Goal", "Foul"), "Goal")):
        match = game.labels(LabelSet("custom", labels))
        assert match is not None and [event.label for event in match.events] == [found]
