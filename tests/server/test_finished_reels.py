"""Reels chosen by every wish and finished with every option that ``touchline reel`` has."""

import io
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from small_videos import write_video

from touchline.editing.overlay import read_picture
from touchline.errors import InputError
from touchline.reel import Clip, Reel
from touchline.server.housekeeping import tidy
from touchline.server.jobs.processes import whole_sentence
from touchline.server.jobs.stages.cutting import CutArguments, FinishArguments, cut_reel
from touchline.server.jobs.worker import Worker
from touchline.server.tables import JobRow

GREEN, RED = (0, 200, 0, 255), (250, 0, 0, 255)


@pytest.fixture
def match(client: Any, ready_match: Callable[..., str]) -> str:
    return ready_match(client.services)


def picture(colour: tuple[int, ...] = RED) -> bytes:
    content = io.BytesIO()
    Image.new("RGBA", (40, 40), colour).save(content, "PNG")
    return content.getvalue()


def wave() -> bytes:
    """A tenth of a second of sound."""
    import wave as waves

    content = io.BytesIO()
    with waves.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        tone = np.sin(np.arange(800) / 8) * 9000
        file.writeframes(tone.astype("<i2").tobytes())
    return content.getvalue()


def asset(client: Any, name: str, content: bytes) -> Any:
    upload = client.put(f"/v1/uploads/{name}", content=content).json()["id"]
    return client.post("/v1/assets", json={"upload": upload})


def refused(answer: Any, words: str) -> None:
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["detail"], answer.text


def payload_of(client: Any, job: str) -> dict[str, Any]:
    with client.services.database.read() as session:
        payload: dict[str, Any] = session.get_one(JobRow, job).payload
    return payload


def test_clips_are_moved_to_cuts_until_they_are_edited(client: Any, match: str) -> None:
    """A person's ends stay where they were put, unless it is asked for."""
    path = f"/v1/matches/{match}/reels"
    chosen = client.post(path, json={"seconds": 3}).json()
    given = client.post(path, json={"clips": [{"start": 0, "end": 1}]}).json()

    def snaps(reel: Any, **asked: Any) -> bool:
        job = client.post(f"/v1/reels/{reel['id']}/files", json=asked).json()["id"]
        return bool(payload_of(client, job)["snap"])

    assert snaps(chosen) and not snaps(given)
    assert snaps(given, snap=True) and not snaps(chosen, snap=False)
    url, headers = f"/v1/reels/{chosen['id']}", {"If-Match": "*"}
    client.patch(url, json={"finish": {"titles": True}}, headers=headers)
    assert snaps(chosen)
    client.patch(url, json={"clips": [{"start": 0, "end": 1}]}, headers=headers)
    assert not snaps(chosen)
    client.post(f"/v1/matches/{match}/undo")
    assert snaps(chosen)


def test_a_problem_of_a_job_has_names_and_no_places(client: Any, match: str) -> None:
    """A sound track that the video lacks is found while it is cut."""
    clips = {"clips": [{"start": 0, "end": 1}]}
    reel = client.post(f"/v1/matches/{match}/reels", json=clips).json()["id"]
    asked = {"finish": {"audio_track": 9}}
    job = client.post(f"/v1/reels/{reel}/files", json=asked).json()["id"]
    assert Worker(client.services, threading.Event()).run_one("cutting")
    problem = client.get(f"/v1/jobs/{job}").json()["problem"]
    assert problem.startswith("small.mp4 has no sound track 9"), problem
    assert "/" not in problem


def test_places_on_the_server_are_said_by_name(tmp_path: Path) -> None:
    """Wherever in the sentence they stand, and also as what a link leads to."""
    stored, link, scratch = tmp_path / "stored", tmp_path / "a.mp4", tmp_path / "my work"
    stored.write_bytes(b"")
    link.symlink_to(stored)
    names = {str(link): "a.mp4"}

    def said(what: str, where: Path | None = None) -> str:
        return whole_sentence(InputError(what, where=where), names, (scratch,))

    assert said("has no sound", link) == said("has no sound", stored) == "a.mp4 has no sound"
    assert said(f"between {link} and {stored}: none") == "between a.mp4 and a.mp4: none"
    assert said(f"{scratch}/x.mp4: full") == said("full", scratch / "x.mp4") == "the file: full"


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_a_picture_that_is_too_large_is_told_the_limit(tmp_path: Path, side: int) -> None:
    """By its head alone: Pillow has a limit of its own, which is higher."""
    path = tmp_path / "huge.png"
    size = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    head = struct.pack(">I", 13) + size + struct.pack(">I", zlib.crc32(size))
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    data = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + data + end)
    with pytest.raises(InputError, match="too large a picture; at most 40,000,000 pixels"):
        read_picture(path)


def test_wishes_choose(client: Any, match: str) -> None:
    """The match has Goals at 0.5, 1.7 and 2.9 s and Corners at 1.1 and 2.3 s."""
    url = f"/v1/matches/{match}/reels"
    events = client.get(f"/v1/matches/{match}/events").json()["items"]
    headers = {"If-Match": "*"}
    for event, facts in zip(
        events, ({"team": "home"}, {"player": "Ada Lovelace"}, {}, {}, {}), strict=True
    ):
        client.patch(f"/v1/matches/{match}/events/{event['id']}", json=facts, headers=headers)

    def shown(**wishes: Any) -> list[Any]:
        made = client.post(url, json={"seconds": 4, "selection": "plain"} | wishes)
        assert made.status_code == 201, made.text
        return [
            (event["label"], event["time"])
            for clip in made.json()["reel"]["clips"]
            for event in clip["events"]
        ]

    assert {label for label, _ in shown(labels=["corner"])} == {"Corner"}
    assert {label for label, _ in shown(exclude=["Corner"])} == {"Goal"}
    assert shown(teams=["home"]) == [("Goal", 0.5)]
    assert shown(players=["lovelace"]) == [("Corner", 1.1)]
    pinned = client.post(url, json={"seconds": 2, "pins": [{"start": 3.2, "end": 4.0}]}).json()
    assert pinned["reel"]["clips"][-1]["end"] == 4.0
    short = client.post(url, json={"seconds": 4, "max_clip": 1, "labels": ["Goal"]}).json()
    assert all(clip["end"] - clip["start"] <= 1.001 for clip in short["reel"]["clips"])


def test_what_would_be_ignored_is_refused(client: Any, match: str) -> None:
    """The match lasts 4 s and has Goals and Corners."""
    url, clips = f"/v1/matches/{match}/reels", [{"start": 0, "end": 1}]
    for wishes, words in (
        ({"clips": clips, "labels": ["Goal"], "seconds": 9}, "seconds, labels"),
        ({"clips": []}, "clips"),
        ({"exclude": ["Goal", "Corner"]}, "empty"),
        (
            {"clips": [{"start": 1, "end": 400}]},
            "clips: 400 s lies behind the end of the",
        ),
        ({"pins": [{"start": 1, "end": 400}]}, "pins: 400 s lies behind the end of the match"),
    ):
        refused(client.post(url, json=wishes), words)
    assert client.get(url).json()["items"] == []
    reel = client.post(url, json={"clips": clips}).json()["id"]
    late = {"clips": [{"start": 1, "end": 400}]}
    refused(client.patch(f"/v1/reels/{reel}", json=late, headers={"If-Match": "*"}), "400 s")
    for asked in ({"aspect": "9:16"}, {"burn_labels": True}, {"snap": True}):
        refused(client.post(f"/v1/reels/{reel}/files", json={"format": "edl", **asked}), *asked)


def test_wishes_that_cannot_be_met_are_said(client: Any, match: str) -> None:
    url = f"/v1/matches/{match}/reels"

    def asked(**wishes: Any) -> Any:
        return client.post(url, json=wishes)

    refused(asked(labels=["Gaol"]), "labels: no event has 'Gaol'; they have: Corner, Goal")
    refused(asked(exclude=["Foul"]), "exclude: no event has 'Foul'")
    refused(asked(teams=["home"]), "teams: no event has 'home'; they have: none")
    refused(asked(players=["Ada"]), "players: no event has 'Ada'")
    refused(asked(min_clip=9, max_clip=3), "max_clip: clips of 9 s or more and 3 s or less")
    refused(asked(pins=[{"start": 50, "end": 60}]), "pins: 50 s lies behind the end")
    refused(asked(pins=[{"start": 3, "end": 2}]), "has no length")
    refused(asked(seconds=2, pins=[{"start": 0, "end": 4}]), "longer than the reel")
    refused(asked(length=9), "length")
    refused(client.post(f"{url}?seconds=9", json={}), "query.seconds: there is no such parameter")
    refused(client.get(f"/v1/matches/{match}/events?labels=Goal"), "there are: cursor, half, label")
    assert client.get(url).json()["items"] == [], "nothing was made"


def test_a_finish_is_kept_with_the_reel_and_undone(client: Any, match: str) -> None:
    logo = asset(client, "logo.png", picture()).json()
    assert (logo["kind"], logo["facts"]) == ("picture", {"width": 40, "height": 40})
    music = asset(client, "song.wav", wave()).json()
    assert (music["kind"], music["facts"]) == ("sound", {"seconds": 0.1})
    reel = client.post(f"/v1/matches/{match}/reels", json={"seconds": 3}).json()
    assert reel["finish"]["loudness"] == "source" and reel["finish"]["logo"] is None
    wanted = {"logo": logo["id"], "music": music["id"], "titles": True, "loudness": -20.5}
    headers = {"If-Match": "*"}
    path = f"/v1/reels/{reel['id']}"
    changed = client.patch(path, json={"finish": wanted}, headers=headers)
    assert changed.json()["finish"] == reel["finish"] | wanted
    client.patch(path, json={"clips": [{"start": 0, "end": 1}]}, headers=headers)
    assert client.get(path).json()["finish"] == reel["finish"] | wanted, "clips leave it"
    assert client.delete(f"/v1/assets/{logo['id']}").status_code == 409, "it is used"
    for _ in range(2):
        client.post(f"/v1/matches/{match}/undo")
    assert client.get(path).json()["finish"] == reel["finish"]
    client.post(f"/v1/matches/{match}/redo")
    assert client.get(path).json()["finish"] == reel["finish"] | wanted
    assert client.patch(path, json={"finish": None}, headers=headers).is_success
    assert client.get(path).json()["finish"] == reel["finish"]
    tidy(client.services)
    assert client.get(f"/v1/assets/{logo['id']}").content == picture()
    assert client.delete(f"/v1/assets/{logo['id']}").status_code == 204
    refused(client.patch(path, json={"finish": wanted}, headers=headers), "there is no picture")


def test_options_that_contradict_or_are_wrong_are_said(client: Any, match: str) -> None:
    reel = client.post(f"/v1/matches/{match}/reels", json={"seconds": 3}).json()
    music = asset(client, "song.wav", wave()).json()["id"]

    def asked(**finish: Any) -> Any:
        return client.patch(
            f"/v1/reels/{reel['id']}", json={"finish": finish}, headers={"If-Match": "*"}
        )

    refused(asked(loudness="loud"), "'loud' is not a loudness; give source, r128, web or")
    refused(asked(loudness=-200), "is not a loudness")
    refused(asked(aspect="9x16"), "'9x16' is not an aspect ratio; give width:height")
    refused(asked(teams=["North", "South"]), "teams are shown by titles and scoreboard")
    refused(asked(teams=["North"], titles=True), "teams")
    refused(asked(outro="Bye", outro_picture=music), "not with both")
    refused(asked(logo=music), "finish.logo: there is no picture of this id")
    refused(asked(cut="copy", aspect="1:1"), "leave aspect out")
    refused(asked(colour="red"), "colour")
    refused(asked(audio_track="2"), "audio_track")
    refused(asked(audio_track=2.0), "audio_track")
    refused(asked(keep_hdr="yes"), "keep_hdr")
    refused(asked(titles=1), "titles")
    files = f"/v1/reels/{reel['id']}/files"
    answer = client.post(files, json={"format": "edl", "finish": {"titles": True}})
    refused(answer, "finish: edl has no picture and no sound")
    refused(asset(client, "logo.png", b"no picture"), "logo.png cannot be read as a picture")
    refused(asset(client, "song.mp3", b"no sound" * 99), "song.mp3 cannot be read as a sound")
    upload = client.put("/v1/uploads/logo.png", content=picture()).json()["id"]
    refused(client.post("/v1/matches", json={"upload": upload}), "is no video: it is for reels")
    assert client.get("/v1/assets?kind=picture").json()["items"] == []


def test_the_teams_of_the_match_are_shown(client: Any, match: str) -> None:
    headers = {"If-Match": "*"}
    game = {"game": {"home": "North", "away": "South"}}
    client.patch(f"/v1/matches/{match}", json=game, headers=headers)
    reel = client.post(
        f"/v1/matches/{match}/reels", json={"seconds": 3, "finish": {"scoreboard": True}}
    ).json()
    job = client.post(f"/v1/reels/{reel['id']}/files", json={"burn_labels": True}).json()["id"]
    payload = payload_of(client, job)
    assert payload["finish"]["teams"] == ["North", "South"] and payload["finish"]["labels"]


def test_each_clip_of_an_edit_list_is_a_file(client: Any, match: str) -> None:
    clips = [{"start": 0, "end": 1, "title": "One"}, {"start": 2, "end": 2.6}]
    reel = client.post(f"/v1/matches/{match}/reels", json={"clips": clips}).json()
    job = client.post(f"/v1/reels/{reel['id']}/files", json={"format": "csv", "each": True}).json()
    product = job["result"]["export"]["product_id"]
    answer = client.get(f"/v1/files/{product}")
    assert "Highlights-clips.zip" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["01-goal.csv", "02-corner.csv"]
        assert archive.read("02-corner.csv").count(b"\n") == 2


def test_what_cannot_be_cut_is_said_in_the_words_of_the_api(tmp_path: Path) -> None:
    video = write_video(tmp_path / "match.mp4", 25)
    (tmp_path / "logo.png").write_bytes(picture())
    finish = FinishArguments(cut="copy", logo=str(tmp_path / "logo.png"))
    arguments = CutArguments(
        reel=Reel((Clip("match.mp4", 0.0, 1.0),)), sources=(str(video),), snap=False,
        target=str(tmp_path / "made.mp4"), finish=finish,
    )  # fmt: skip
    with pytest.raises(InputError, match=r"pictures cannot be copied.*leave cut copy out"):
        cut_reel(arguments, lambda share: None)
    assert finish.names == {str(tmp_path / "logo.png"): "logo.png"}


def test_videos_are_finished(tmp_path: Path) -> None:
    """Logo, outro, music and score bug are there, and each clip is a file where that is asked."""
    video = write_video(tmp_path / "match.mp4", 100)
    (tmp_path / "logo.png").write_bytes(picture(RED))
    (tmp_path / "outro.png").write_bytes(picture(GREEN))
    (tmp_path / "song.wav").write_bytes(wave())
    reel = Reel((Clip("match.mp4", 0.0, 1.0), Clip("match.mp4", 2.0, 3.0, title="Two")))
    finish = FinishArguments(
        scoreboard=True, teams=("North", "South"), logo=str(tmp_path / "logo.png"),
        outro_picture=str(tmp_path / "outro.png"), music=str(tmp_path / "song.wav"), lufs=-23.0,
    )  # fmt: skip
    arguments = CutArguments(
        reel=reel, sources=(str(video),), target=str(tmp_path / "made.zip"), each=".mp4",
        snap=False, finish=finish,
    )  # fmt: skip
    shares: list[float] = []
    result = cut_reel(arguments, shares.append)
    assert result.seconds == 2.0 and shares == sorted(shares)
    with zipfile.ZipFile(tmp_path / "made.zip") as archive:
        assert archive.namelist() == ["01-clip.mp4", "02-two.mp4"]
        archive.extract("02-two.mp4", tmp_path)
    assert not list(tmp_path.glob("clip-*")), "nothing else is left"
    with av.open(str(tmp_path / "02-two.mp4")) as made:
        pictures = [frame.to_ndarray(format="rgb24") for frame in made.decode(video=0)]
    assert len(pictures) == 25 + 75, "a second, and three of the outro"
    first, last = pictures[5].astype(int), pictures[-1].astype(int)
    corner = first[: len(first) // 6, -len(first[0]) // 6 :]
    assert (corner[..., 0] - corner[..., 1]).max() > 120, "a red logo at the upper right"
    middle = last[len(last) // 2, len(last[0]) // 2]
    assert middle[1] > 120 > middle[0], "the green outro"


ECHOES = '{"segments": {"0": [0.2, 0.9, "What a goal!"], "1": [1.6, 2.4, "He scores"]}}'


def test_certain_goals_take_the_place_of_those_that_were_found(client: Any, match: str) -> None:
    path = f"/v1/matches/{match}/reels"
    before = {event["id"] for event in client.get(f"/v1/matches/{match}/events").json()["items"]}
    goals = {"name": "goals.csv", "text": "time,label\n2.5,Goal\n"}
    made = client.post(path, json={"seconds": 3, "labels": ["Goal"], "goals": goals})
    assert made.status_code == 201, made.text
    shown = [event for clip in made.json()["reel"]["clips"] for event in clip["events"]]
    assert {(event["label"], event["time"]) for event in shown} == {("Goal", 2.5)}
    after = {event["id"] for event in client.get(f"/v1/matches/{match}/events").json()["items"]}
    assert after == before  # of the match itself nothing changes
    for text in ("no table", '{"a":'):
        answer = client.post(path, json={"goals": {"name": "goals.json", "text": text}})
        refused(answer, "goals.json")
        assert "/" not in answer.json()["detail"]
    refused(client.post(path, json={"goals": {"name": "../x.csv", "text": ""}}), "name")
    given = {"clips": [{"start": 0, "end": 1}], "goals": goals}
    refused(client.post(path, json=given), "nothing is chosen by goals")


def test_transcripts_are_read_and_what_cannot_be_used_is_said(client: Any, match: str) -> None:
    path = f"/v1/matches/{match}/reels"

    def asked(*files: Any) -> Any:
        return client.post(path, json={"seconds": 3, "transcripts": list(files)})

    made = asked({"name": "asr.json", "text": ECHOES})
    assert made.status_code == 201, made.text
    assert all("transcript" not in remark for remark in made.json()["remarks"])
    strange = asked({"name": "x.srt", "text": "1\n00:00:00,200 --> 00:00:02,000\nxyzzy\n"})
    assert "no known words" in strange.json()["remarks"][0]
    assert client.get(f"/v1/reels/{strange.json()['id']}").json()["remarks"] == []
    refused(asked({"name": "asr.json", "text": "[1, 2]"}), "asr.json")
    refused(asked({"name": "asr.txt", "text": "Goal"}), "suffix of a transcript")
    twice = {"name": "asr.json", "text": ECHOES}
    refused(asked(twice, twice), "transcripts.1: another one is of the same video")
    refused(asked({**twice, "half": 2}), "transcripts.0: say of which half it is")


def test_an_encoder_is_named_as_on_the_command_line(client: Any, match: str) -> None:
    reel = client.post(f"/v1/matches/{match}/reels", json={"seconds": 3}).json()
    path, headers = f"/v1/reels/{reel['id']}", {"If-Match": "*"}
    refused(
        client.patch(path, json={"finish": {"encoder": "mpeg9"}}, headers=headers),
        "'mpeg9' is no encoder; give auto, software or one of",
    )
    wanted = {"encoder": "software", "cut": "encode"}
    assert client.patch(path, json={"finish": wanted}, headers=headers).status_code == 200
    job = client.post(f"{path}/files", json={}).json()["id"]
    assert payload_of(client, job)["finish"]["encoder"] == "software"


def test_the_encoder_and_the_score_bug_of_the_video_reach_the_cut() -> None:
    asked = FinishArguments(encoder="libx265", score_bug=(0.0, 0.0, 0.3, 0.1))
    assert asked.to_finish().encoder == "libx265"
