"""Videos and events that the commands are given."""

import json
import shutil
from pathlib import Path

import pytest
from small_videos import cut_off, write_sound_only, write_video


@pytest.fixture(scope="session")
def made_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of good and bad videos, made once."""
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "match.mp4", 150)
    write_video(folder / "silent.mp4", 60, sound=False)
    write_video(folder / "one-frame.mp4", 1, sound=False)
    cut_off(folder / "match.mp4", folder / "truncated.mp4", 0.6)
    write_video(folder / "late-index.mkv", 60)
    cut_off(folder / "match.mp4", folder / "no-index.mp4", 0.01)
    write_sound_only(folder / "sound-only.mp4")
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("not a video\n" * 50)
    (folder / "concat.mp4").write_text("ffconcat version 1.0\nfile match.mp4\n")
    (folder / "playlist.mp4").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nmatch.mp4\n#EXT-X-ENDLIST\n"
    )
    return folder


@pytest.fixture
def videos(made_videos: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to write beside."""
    return Path(shutil.copytree(made_videos, tmp_path / "videos"))


@pytest.fixture
def events(videos: Path) -> Path:
    """The events of ``match.mp4``, beside it."""
    document = {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": "match.mp4", "duration": 6.0, "frame_rate": "25/1"},
        "labels": "soccernet-v2",
        "events": [
            {"time": 2.0, "label": "Goal", "confidence": 0.9},
            {"time": 4.5, "label": "Foul", "confidence": 0.4},
        ],
    }
    path = videos / "match.events.json"
    path.write_text(json.dumps(document))
    return path
