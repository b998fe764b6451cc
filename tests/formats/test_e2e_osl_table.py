"""E2E-Spot, OSL and CSV: what each of them makes of time, names and types."""

import gzip
import json
from fractions import Fraction

import pytest

from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats import read, read_matches, read_reel, write
from touchline.labels import SOCCERNET_V2
from touchline.reel import Clip, Reel

GAME = "england_epl/2015-2016/2016-01-02 - 15-45 North End 2 - 1 South Park"
UNDERSCORED = "england_epl/2015-2016/2016-01-02_-_15-45_North_End_2_-_1_South_Park"
E2E = [
    {
        "video": f"{GAME}/1",
        "num_frames": 5625,
        "num_events": 1,
        "fps": 2.0833333333333335,
        "width": 398,
        "height": 224,
        "events": [
            {"frame": 962, "label": "Ball out of play", "comment": "not applicable; visible"}
        ],
    }
]
OSL_2 = {
    "version": "2.0",
    "date": "2026-05-19",
    "task": "localization",
    "dataset_name": "demo",
    "description": "",
    "modalities": ["video"],
    "metadata": {"split": "train"},
    "labels": {"action": {"type": "single_label", "labels": ["Goal", "Foul"]}},
    "data": [
        {
            "id": "match_0001_h1",
            "inputs": [{"type": "video", "path": "match_0001/1_224p.mkv", "fps": 25.0,
                        "UTC_time_start": "2026-05-19 18:00:00.000000"}],
            "captions": [{"lang": "en", "text": "..."}],
            "metadata": {"game_id": "0001"},
            "events": [{"head": "action", "label": "Foul", "position_ms": 461820,
                        "timestamp_utc": "2026-05-19 18:07:41.820000"}],
        }
    ],
}  # fmt: skip


def save(tmp_path, document, name="x.json"):
    (tmp_path / name).write_text(json.dumps(document))
    return tmp_path / name


def test_e2e_comes_back_as_it_was(tmp_path):
    match = read(save(tmp_path, E2E))
    assert match.name == GAME
    (event,) = match.half(1).events
    assert event.seconds == pytest.approx(962 * 12 / 25)
    assert match.half(1).video.frame_rate == Fraction(25, 12)
    assert match.half(1).video.duration_seconds == 2700
    write(match, tmp_path / "y.json", format="e2e")
    assert json.loads((tmp_path / "y.json").read_text()) == E2E


def test_e2e_predictions_in_a_gzip(tmp_path):
    document = [{"video": "clip_7", "fps": 25, "events": [
        {"frame": f, "label": "PASS", "score": 0.25} for f in range(0, 180000, 997)]}]  # fmt: skip
    path = tmp_path / "pred-test.12.recall.json.gz"
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    match = read(path)
    write(match, tmp_path / "again.json.gz", format="e2e")
    again = json.loads(gzip.decompress((tmp_path / "again.json.gz").read_bytes()))
    assert again[0]["events"] == document[0]["events"]


def test_e2e_predictions_of_one_video_may_stand_without_a_list(tmp_path):
    events = [{"label": "PASS", "frame": 50, "score": 0.75}, {"label": "SHOT", "frame": 75}]
    path = save(tmp_path, {"video": "match", "fps": 25.0, "events": events}, "predictions.json")
    (timeline,) = read(path).timelines
    assert [(e.seconds, e.label, e.confidence) for e in timeline] == [
        (2.0, "PASS", 0.75),
        (3.0, "SHOT", 1.0),
    ]
    write(read(path), tmp_path / "again.json", format="e2e")
    again = read(tmp_path / "again.json")
    assert [(e.seconds, e.label, e.confidence) for e in again.events] == [
        (2.0, "PASS", 0.75),
        (3.0, "SHOT", 1.0),
    ]


@pytest.mark.parametrize(
    ("change", "place"), [({"fps": 0}, "fps"), ({"events": [{"label": "PASS"}]}, "events[0]")]
)
def test_faults_of_one_e2e_video_name_the_place(tmp_path, change, place):
    path = save(tmp_path, {"video": "match", "fps": 25, "events": []} | change)
    with pytest.raises(FormatError) as error:
        read(path)
    assert f"{path}: {place}" in str(error.value)


def test_e2e_needs_a_rate(tmp_path):
    timeline = Timeline(Video("m.mp4"), (Event(1.0, "Goal"),))
    with pytest.raises(FormatError, match="--rate"):
        write(timeline, tmp_path / "x.json", format="e2e")
    write(timeline, tmp_path / "x.json", format="e2e", rate="25/12")
    assert read(tmp_path / "x.json").events[0].seconds == pytest.approx(0.96)


def test_e2e_cannot_hold_times_between_frames_nor_who(tmp_path):
    timeline = Timeline(Video("m.mp4"), (Event(1.03, "Goal", player="9"),))
    write(timeline, tmp_path / "x.json", format="e2e", rate=25)
    (event,) = read(tmp_path / "x.json").events
    assert (event.seconds, event.player) == (1.0, None)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"fps": 0}, "[0].fps"),
        ({"fps": "2"}, "[0].fps"),
        ({"video": 5}, "[0].video"),
        ({"events": [{"frame": 1.5, "label": "Goal"}]}, "[0].events[0].frame"),
        ({"events": [{"frame": 1e308, "label": "Goal"}]}, "[0].events[0]"),
        ({"events": [{"label": "Goal"}]}, "[0].events[0]"),
    ],
)
def test_e2e_faults_name_the_place(tmp_path, change, place):
    path = save(tmp_path, [E2E[0] | change])
    with pytest.raises(FormatError) as error:
        read(path, "e2e")
    assert f"{path}: {place}" in str(error.value)


def test_osl_1_maps_underscores_back_to_the_game(tmp_path):
    document = {
        "version": 1,
        "date": "2023.08.31",
        "labels": list(SOCCERNET_V2),
        "videos": [
            {
                "path": f"{UNDERSCORED}/{half}_ResNET_TF2_PCA512.npy",
                "annotations": [
                    {
                        "gameTime": f"{half} - 07:41",
                        "label": "Ball out of play",
                        "position": 461820,
                        "team": "not applicable",
                        "visibility": "visible",
                    }
                ],
            }
            for half in (1, 2)
        ],
    }
    matches = read_matches(save(tmp_path, document))
    assert list(matches) == [GAME]
    assert matches[GAME].half(2).events[0].seconds == 461.82
    assert matches[GAME].half(2).labels == SOCCERNET_V2
    write(matches, tmp_path / "y.json", format="osl-v1")
    assert json.loads((tmp_path / "y.json").read_text()) == document


def test_osl_1_predictions_take_their_half_from_the_path(tmp_path):
    document = {"Url": f"{UNDERSCORED}/2_ResNET_TF2_PCA512.npy", "fps": 2, "predictions": [
        {"frame": 90, "label": "Goal", "confidence": 0.5, "position": 45000, "gameTime": "00:45"}
    ]}  # fmt: skip
    match = read(save(tmp_path, document, "results_spotting.json"))
    assert match.name == GAME
    assert match.half(2).events[0].seconds == 45


def test_osl_2_comes_back_as_it_was(tmp_path):
    match = read(save(tmp_path, OSL_2))
    assert match.name == "match_0001"
    (event,) = match.half(1).events
    assert event.seconds == 461.82
    assert match.half(1).labels.labels == ("Goal", "Foul")
    write(match, tmp_path / "y.json", format="osl")
    assert json.loads((tmp_path / "y.json").read_text()) == OSL_2


def test_osl_2_a_valid_timestamp_wins(tmp_path):
    sample = OSL_2["data"][0]
    event = sample["events"][0]
    late = {**event, "timestamp_utc": "2026-05-19T20:00:05+02:00"}
    broken = {**event, "timestamp_utc": "soon"}
    document = OSL_2 | {"data": [sample | {"events": [late, broken]}]}
    assert [e.seconds for e in read(save(tmp_path, document)).events] == [5.0, 461.82]


def test_osl_2_a_moved_event_takes_its_timestamp_along(tmp_path):
    match = read(save(tmp_path, OSL_2))
    timeline = match.timelines[0]
    moved = timeline.with_events([Event(10.0, "Foul", extra=timeline.events[0].extra)])
    write(Match(match.name, (moved,), match.extra), tmp_path / "y.json", format="osl")
    assert read(tmp_path / "y.json").events[0].seconds == 10.0


def test_osl_2_both_names_of_confidence(tmp_path):
    sample = OSL_2["data"][0]
    events = [
        {"head": "action", "label": "Foul", "position_ms": 1, "confidence": 0.5},
        {"head": "action", "label": "Foul", "position_ms": 2, "confidence_score": 0.25},
    ]
    document = OSL_2 | {"data": [sample | {"events": events}]}
    assert [e.confidence for e in read(save(tmp_path, document)).events] == [0.5, 0.25]


def test_osl_2_samples_of_one_name_are_all_kept(tmp_path):
    document = OSL_2 | {"data": [OSL_2["data"][0], OSL_2["data"][0] | {"id": "other"}]}
    assert len(read_matches(save(tmp_path, document))) == 2


def test_csv_formulas_are_disarmed(tmp_path):
    texts = ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\ttab", "'=quoted", "'t Hooft", "plain"]
    events = [Event(float(i), "Goal", note=text) for i, text in enumerate(texts)]
    write(Timeline(Video("m"), tuple(events)), tmp_path / "m.csv")
    cells = [line.split(",", 3)[3] for line in (tmp_path / "m.csv").read_text().splitlines()[1:]]
    assert not [cell for cell in cells if cell.lstrip('"')[:1] in "=+-@\t"]
    assert [event.note for event in read(tmp_path / "m.csv")] == texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time,label\n74.5,Goal\n", (74.5, "Goal", {})),
        ("Label;Time;Who\r\nGoal;1:14,5;x\r\n", (74.5, "Goal", {"who": "x"})),
        ("\ufefflabel\ttime\nGoal\t0:01:14.500\n", (74.5, "Goal", {})),
        ("74.5,80,Goal\n", (74.5, "Goal", {"end": 80.0})),
        (",80,Goal\n", (0.0, "Goal", {"end": 80.0})),
        ("start,end,label\n00:01:14.500,,Goal\n", (74.5, "Goal", {})),
        ('time,label\n-2.5,"A ""b"", c"\n', (-2.5, 'A "b", c', {})),
    ],
)
def test_csv_dialects(tmp_path, text, expected):
    (tmp_path / "m.csv").write_text(text, newline="")
    (event,) = read(tmp_path / "m.csv")
    assert (event.seconds, event.label, event.extra) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("time,label\nsoon,Goal\n", "line 2: time"),
        ("time,label\n1,Goal\n2,\n", "line 3"),
        ("time,label,confidence\n1,Goal,high\n", "line 2: confidence"),
        ("time,label,confidence\n1,Goal,nan\n", "line 2.confidence"),
        ("time,label\n1,Goal,3\n", "line 2"),
        ("label,team\nGoal,home\n", "line 1"),
        ("time,time,label\n1,2,Goal\n", "line 1"),
        ("time,label,extra\n1,Goal,[1]\n", "line 2: extra"),
        ('time,label\n1,"Goal\n', "malformed CSV"),
    ],
)
def test_csv_faults_name_the_line(tmp_path, text, place):
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(FormatError) as error:
        read(path)
    assert f"{path}: {place}" in str(error.value)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("12.5,20,\n30,,Foul\n", ["Segment", "Foul"]),
        ("start,end,code\n12.5,20,Goal\n30,40,Foul\n", ["Goal", "Foul"]),
        ("start,end,name\n12.5,20,Goal\n30,40,\n", ["Goal", "Segment"]),
        ("sep=;\ntime;label\n12,5;Goal\n30;Foul\n", ["Goal", "Foul"]),
        ('"sep=\t"\ntime\tlabel\n12.5\tGoal\n30\tFoul\n', ["Goal", "Foul"]),
        (
            "# made by hand, in May\ntime,label\n12.5,Goal\n# half-time, 15 min\n30,Foul\n",
            ["Goal", "Foul"],
        ),
        ("# time, label\n12.5,Goal\n30,Foul\n", ["Goal", "Foul"]),
        ("label,time\n#9 scores,12.5\nFoul,30\n", ["#9 scores", "Foul"]),
        ("time,label,\n12.5,Goal,\n30,Foul,,,\n", ["Goal", "Foul"]),
        ("time,label,tag,tag\n12.5,Goal,a,b\n30,Foul,,\n", ["Goal", "Foul"]),
        ("time,label,time\n12.5,Goal,12.5\n30,Foul,30\n", ["Goal", "Foul"]),
        (" Time , Label \n 12.5 , Goal \n30,\u00a0Foul\n", ["Goal", "Foul"]),
    ],
)
def test_tables_as_people_write_them(tmp_path, text, labels):
    (tmp_path / "m.csv").write_text(text, newline="")
    events = read(tmp_path / "m.csv").events
    assert [(e.seconds, e.label) for e in events] == list(zip([12.5, 30.0], labels, strict=True))


def test_unknown_columns_of_one_name_are_both_kept(tmp_path):
    (tmp_path / "m.csv").write_text("time,label,tag,tag,\n1,Goal,a,b,c\n")
    (event,) = read(tmp_path / "m.csv")
    assert event.extra == {"tag": "a", "tag 4": "b", "column 5": "c"}


def test_a_table_of_windows_1252_is_read_and_said(tmp_path):
    (tmp_path / "m.csv").write_bytes("time,label\n1,Tor für Köln – 1:0\n".encode("cp1252"))
    timeline = read(tmp_path / "m.csv")
    assert timeline.events[0].label == "Tor für Köln – 1:0"
    assert "Windows-1252" in timeline.warnings[0]


def test_csv_holds_reels(tmp_path):
    reel = Reel((Clip("1.mkv", 1.5, 4.0, 0.5, 1, (Event(2.0, "Goal"),), "=x", {"rank": 2}),))
    write(reel, tmp_path / "r.csv")
    assert read_reel(tmp_path / "r.csv") == reel
