"""SoccerNet's files: what is kept, what official readers accept, what is refused."""

import json
from pathlib import Path

import pytest

from touchline.errors import FormatError
from touchline.events import Event, Match, Producer, Timeline, Video
from touchline.formats import read, read_matches, write
from touchline.formats.soccernet import (
    ReplayLink,
    Shot,
    game_and_half,
    game_id,
    match_of_shots,
    shots_of,
)
from touchline.labels import SOCCERNET_V2

GAME = "england_epl/2015-2016/2016-01-02 - 15-45 North End 2 - 1 South Park"

LABELS = {
    "UrlLocal": f"{GAME}/",
    "UrlYoutube": "",
    "annotations": [
        {
            "gameTime": "1 - 00:00",
            "label": "Kick-off",
            "position": "312",
            "team": "away",
            "visibility": "visible",
        },
        {
            "gameTime": "1 - 07:41",
            "label": "Ball out of play",
            "position": "461820",
            "team": "not applicable",
            "visibility": "visible",
            "remark": {"by": 3},
        },
        {
            "gameTime": "2 - 47:03",
            "label": "Yellow->red card",
            "position": "2823904",
            "team": "home",
            "visibility": "not shown",
        },
    ],
    "gameAwayTeam": "South Park",
    "gameDate": "02/01/2016 - 15:45",
    "gameHomeTeam": "North End",
    "gameScore": "2 - 1",
}


def save(folder: Path, document: object, name: str = "Labels-v2.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def results(*predictions: dict) -> dict:
    whole = {"label": "Goal", "position": "1000", "half": "1", "confidence": "0.5"}
    return {"UrlLocal": GAME, "predictions": [whole | p for p in predictions]}


def test_labels_are_read_by_half_and_to_the_millisecond(tmp_path):
    match = read(save(tmp_path, LABELS))
    assert match.name == GAME
    assert [t.half for t in match.timelines] == [1, 2]
    first, out = match.half(1).events
    assert (first.seconds, first.label, first.team) == (0.312, "Kick-off", "away")
    assert out.extra == {"remark": {"by": 3}}
    assert match.half(2).events[0].visibility == "not shown"
    assert match.half(1).labels == SOCCERNET_V2


def test_labels_come_back_as_they_were(tmp_path):
    match = read(save(tmp_path, LABELS))
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / "Labels-v2.json"
    write(match, again)
    assert json.loads(again.read_text()) == LABELS


@pytest.mark.parametrize("milliseconds", [0, 1, 999, 1001, 1160, 2823904, 5607240, -300])
def test_every_millisecond_survives(tmp_path, milliseconds):
    document = results({"position": milliseconds})
    match = read(save(tmp_path, document, "results_spotting.json"))
    write(match, tmp_path / "results_spotting.json")
    written = json.loads((tmp_path / "results_spotting.json").read_text())
    assert written["predictions"][0]["position"] == str(milliseconds)


def test_results_are_written_as_text(tmp_path):
    timeline = Timeline(Video("1"), (Event(461.5, "Goal", 0.8731),), half=1)
    write(Match(GAME, (timeline,)), tmp_path / "results_spotting.json")
    assert json.loads((tmp_path / "results_spotting.json").read_text()) == {
        "UrlLocal": GAME,
        "predictions": [
            {
                "gameTime": "1 - 07:41",
                "label": "Goal",
                "position": "461500",
                "half": "1",
                "confidence": "0.8731",
            }
        ],
    }


def test_numbers_and_texts_are_taken_as_the_official_reader_takes_them(tmp_path):
    document = results(
        {"position": 61400.7, "half": 1, "confidence": "0.75"},
        {"position": " 70000 ", "half": " 1", "confidence": " 0.3 "},
        {"position": "-0", "half": 2.0, "confidence": True},
        {"gameTime": "nonsense"},
    )
    match = read(save(tmp_path, document, "results_spotting.json"))
    assert [e.seconds for e in match.events] == [1.0, 61.4, 70.0, 0.0]
    assert [e.confidence for e in match.events] == [0.5, 0.75, 0.3, 1.0]


def test_a_confidence_of_nan_is_left_out_and_said(tmp_path):
    document = results({"confidence": "nan"}, {})
    match = read(save(tmp_path, document, "results_spotting.json"))
    assert len(match.events) == 1
    assert "predictions[0]" in match.timelines[0].warnings[0]


def test_unknown_labels_are_kept(tmp_path):
    document = LABELS | {"annotations": [LABELS["annotations"][0] | {"label": "Streaker"}]}
    match = read(save(tmp_path, document))
    assert match.events[0].label == "Streaker"
    assert match.timelines[0].labels.labels == (*SOCCERNET_V2.labels, "Streaker")


def test_a_time_without_position_is_that_of_the_clock(tmp_path):
    document = {"annotations": [{"gameTime": "2 - 101:05", "label": "Goal"}]}
    match = read(save(tmp_path, document))
    assert match.half(2).events[0].seconds == 6065


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"position": "461500.0"}, "predictions[0].position"),
        ({"position": None}, "predictions[0].position"),
        ({"position": [1]}, "predictions[0].position"),
        ({"position": "9" * 5000}, "predictions[0].position"),
        ({"position": 10**300}, "predictions[0].position"),
        ({"confidence": "high"}, "predictions[0].confidence"),
        ({"confidence": "inf"}, "predictions[0].confidence"),
        ({"confidence": None}, "predictions[0].confidence"),
        ({"half": "first"}, "predictions[0].half"),
        ({"label": 7}, "predictions[0].label"),
    ],
)
def test_a_fault_names_file_and_place(tmp_path, change, place):
    path = save(tmp_path, results(change), "results_spotting.json")
    with pytest.raises(FormatError) as error:
        read(path)
    assert f"{path}: {place}" in str(error.value)


@pytest.mark.parametrize(
    "document", [[], {}, {"annotations": {}}, {"annotations": [3]}, {"annotations": None}]
)
def test_other_shapes_are_refused(tmp_path, document):
    with pytest.raises(FormatError):
        read(save(tmp_path, document))


def test_a_repeated_key_is_noticed(tmp_path):
    path = tmp_path / "results_spotting.json"
    path.write_text(json.dumps(results({}))[:-2] + ', {"label": "Goal", "label": "Foul", '
                    '"position": 1, "half": 1, "confidence": 1}]}')  # fmt: skip
    assert "'label' is repeated" in read(path).timelines[0].warnings[0]


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    path = tmp_path / "Labels-v2.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(LABELS, indent=1).replace("\n", "\r\n").encode())
    assert len(read(path).events) == 3


def test_a_tree_is_read_by_game_and_so_is_its_zip(tmp_path):
    match = read(save(tmp_path, LABELS))
    write({GAME: match}, tmp_path / "tree", format="soccernet-v2")
    write({GAME: match}, tmp_path / "tree.zip", format="soccernet-v2")
    assert (tmp_path / "tree" / GAME / "Labels-v2.json").is_file()
    assert read_matches(tmp_path / "tree") == {GAME: match} == read_matches(tmp_path / "tree.zip")


def test_a_tree_of_two_kinds_needs_to_be_told_which(tmp_path):
    match = read(save(tmp_path, LABELS))
    write({GAME: match}, tmp_path / "tree", format="soccernet-v2")
    write({GAME: match}, tmp_path / "tree", format="soccernet-results")
    with pytest.raises(FormatError, match="several formats"):
        read_matches(tmp_path / "tree")
    found = read_matches(tmp_path / "tree", "soccernet-results")
    assert found[GAME].events[0].label == "Kick-off"


def test_game_ids():
    assert game_id(GAME.replace("/", "\\") + "\\") == GAME
    assert (
        game_id(f"{GAME.rpartition('/')[0]}/2016-01-02_-_15-45_North_End_2_-_1_South_Park") == GAME
    )
    assert game_and_half(f"{GAME}/2_ResNET_TF2.npy") == (GAME, 2)
    assert game_and_half(f"{GAME}/half1") == (GAME, 1)
    assert game_and_half("clip_007.mp4") == ("clip_007", None)


def test_camera_shots_end_where_they_are_annotated(tmp_path):
    link = ReplayLink(1, 181.44, "Shots on target", "home", "visible")
    shots = [
        Shot(1, 0.0, 199.173, "Main camera center", "logo"),
        Shot(1, 199.173, 207.05, "Close-up behind the goal", "abrupt", "replay", link),
        Shot(2, 0.0, 12.0, ""),
    ]
    write(match_of_shots(shots, GAME), tmp_path / "Labels-cameras.json")
    document = json.loads((tmp_path / "Labels-cameras.json").read_text())
    assert document["annotations"][1]["link"] == {
        "half": "1",
        "label": "Shots on target",
        "position": "181440",
        "team": "home",
        "time": "03:01",
        "visibility": "visible",
    }
    assert shots_of(read(tmp_path / "Labels-cameras.json")) == shots


def test_a_blanked_link_is_no_link(tmp_path):
    cut = {"gameTime": "1 - 00:05", "label": "", "position": "5000", "replay": "replay", "link": ""}
    match = read(save(tmp_path, {"annotations": [cut]}, "Labels-cameras.json"))
    assert shots_of(match) == [Shot(1, 0.0, 5.0, "", "", "replay", None)]


def test_all_parity_fixtures_are_read(shared):
    for path in sorted((shared / "data" / "metric_parity").glob("*.zip")):
        if "grounding_predictions" not in path.name:
            assert read_matches(path), path


def test_ball_results_are_numbers_with_a_team(tmp_path):
    events = (
        Event(16.08, "PASS", 0.5, team="left"),
        Event(65.9996, "SHOT", 0.25, team="right"),
    )
    match = Match(GAME, (Timeline(Video("1"), events, half=1),))
    write(match, tmp_path / "results_spotting.json", format="soccernet-ball-results")
    found = json.loads((tmp_path / "results_spotting.json").read_text())["predictions"]
    keys = ("gameTime", "position", "half", "confidence", "label", "team")
    assert [tuple(item[key] for key in keys) for item in found] == [
        ("1 - 0:16", 16080, 1, 0.5, "PASS", "left"),
        ("1 - 1:5", 65999, 1, 0.25, "SHOT", "right"),
    ]
    (back,) = read_matches(tmp_path / "results_spotting.json").values()
    write(back, tmp_path / "again.json", format="soccernet-ball-results")
    again = json.loads((tmp_path / "again.json").read_text())["predictions"]
    assert [item["position"] for item in again] == [16080, 65999]


def test_positions_of_a_network_are_cut_as_the_published_programs_cut_them(tmp_path):
    """``int(row / 25 * 1000 * stride)``: 1 ms below the frame in 590 of 80,000 rows of 12.5 fps."""
    rows = [*range(0, 80_000, 97), *(r for r in range(80_000) if int(r / 25 * 1000 * 2) != 80 * r)]
    events = tuple(Event(row * 0.08, "PASS") for row in rows)
    timeline = Timeline(Video("1"), events, half=1, model=Producer("tdeed"))
    path = tmp_path / "results_spotting.json"
    write(Match(GAME, (timeline,)), path, format="soccernet-ball-results")
    wanted = sorted(int(row / 25 * 1000 * 2) for row in rows)
    found = [one["position"] for one in json.loads(path.read_text())["predictions"]]
    assert found == wanted
    (back,) = read_matches(path).values()
    write(back, path, format="soccernet-ball-results")
    assert [one["position"] for one in json.loads(path.read_text())["predictions"]] == wanted
