"""SoccerNet files as columns: read as the official evaluator reads, or refused with the place."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchline.columns import EventColumns, columns_of
from touchline.errors import FormatError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats.columns import (
    Role,
    columns_of_document,
    guess_label_set,
    read_columns,
    read_events,
)
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V1, SOCCERNET_V2

ANNOTATION = {"gameTime": "1 - 07:41", "label": "Goal", "position": "461820"}
PREDICTION = {"label": "Goal", "position": "461500", "half": "1", "confidence": "0.5"}
MISSING = object()


def annotations(**fields: Any) -> EventColumns:
    return columns_of_document(
        {"annotations": [changed(ANNOTATION, fields)]}, "labels", SOCCERNET_V2, "game.json"
    )


def predictions(**fields: Any) -> EventColumns:
    return columns_of_document(
        {"predictions": [changed(PREDICTION, fields)]}, "predictions", SOCCERNET_V2, "game.json"
    )


def changed(record: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (record | fields).items() if value is not MISSING}


@pytest.mark.parametrize(
    ("position", "milliseconds"),
    [("461820", 461820), (461820, 461820), (461820.9, 461820), (" 12 ", 12), (True, 1),
     (-600, -600), ("1_000", 1000), (1e300, 1 << 53), (-(10**40), -(1 << 53))],
)  # fmt: skip
def test_positions_that_the_official_evaluator_reads(position: Any, milliseconds: int) -> None:
    assert annotations(position=position).milliseconds.tolist() == [milliseconds]
    assert predictions(position=position).milliseconds.tolist() == [milliseconds]


@pytest.mark.parametrize(
    ("confidence", "value"),
    [("0.5", 0.5), (0.5, 0.5), (" 8e-1 ", 0.8), (True, 1.0), (1, 1.0), ("inf", float("inf")),
     ("nan", float("nan")), (None, float("nan")), (float("nan"), float("nan")), (-1, -1.0)],
)  # fmt: skip
def test_confidences_that_the_official_evaluator_reads(confidence: Any, value: float) -> None:
    np.testing.assert_equal(predictions(confidence=confidence).confidences, [value])


def test_annotations_without_position_lie_at_whole_seconds_of_their_clock() -> None:
    columns = annotations(position=MISSING, gameTime="2 - 102:03")
    assert columns.milliseconds.tolist() == [123_000]  # minutes are read modulo 100, officially
    assert columns.halves.tolist() == [2]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"gameTime": MISSING}, 'has no "gameTime"'),
        ({"gameTime": "x"}, "'x'"),
        ({"gameTime": "1 - 01:2"}, "'1 - 01:2'"),
        ({"gameTime": 461}, "461"),
        ({"label": MISSING}, 'has no "label"'),
        ({"label": ["Goal"]}, "Goal"),
        ({"position": "461820.5"}, "461820.5"),
        ({"position": None}, "None"),
        ({"position": float("nan")}, "nan"),
        ({"position": float("inf")}, "inf"),
        ({"position": []}, r"\[\]"),
    ],
)
def test_annotations_that_the_official_evaluator_cannot_read(
    fields: dict[str, Any], place: str
) -> None:
    with pytest.raises(FormatError, match=rf"game\.json: .*annotations\[0\].*{place}"):
        annotations(**fields)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"half": MISSING}, 'has no "half"'),
        ({"half": "1.0"}, r"'1\.0'"),
        ({"half": None}, "None"),
        ({"label": MISSING}, 'has no "label"'),
        ({"position": MISSING}, 'has no "position"'),
        ({"position": "12.5"}, r"12\.5"),
        ({"confidence": MISSING}, 'has no "confidence"'),
        ({"confidence": "high"}, "'high'"),
        ({"confidence": [0.5]}, r"\[0\.5\]"),
    ],
)
def test_predictions_that_the_official_evaluator_cannot_read(
    fields: dict[str, Any], place: str
) -> None:
    with pytest.raises(FormatError, match=rf"game\.json: .*predictions\[0\].*{place}"):
        predictions(**fields)


def test_the_confidence_of_an_event_that_does_not_count_is_not_looked_at() -> None:
    for fields in ({"label": "unheard of"}, {"half": 3}):
        assert len(predictions(confidence="bad", **fields)) == 1


@pytest.mark.parametrize(
    "document", [[], {}, {"annotations": None}, {"annotations": "abc"}, 1, None]
)
def test_documents_without_a_list_are_refused(document: Any) -> None:
    with pytest.raises(FormatError, match='has no list "annotations"'):
        columns_of_document(document, "labels", SOCCERNET_V2, "game.json")


def test_rows_that_are_no_objects_are_refused() -> None:
    for row in ("x", 1, None, []):
        with pytest.raises(FormatError, match=r"predictions\[1\] is not an object"):
            columns_of_document(
                {"predictions": [PREDICTION, row]}, "predictions", SOCCERNET_V2, "game.json"
            )


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["gameTime", "label", "position", "half", "confidence", "visibility"]),
        st.sampled_from(["1 - 00:01", "Goal", "1000", 2, 0.5, "not shown"]) | JUNK,
    )
    | JUNK,
    max_size=4,
)


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_any_rows_are_read_or_refused(rows: list[Any]) -> None:
    roles: list[tuple[Role, str]] = [("labels", "annotations"), ("predictions", "predictions")]
    for role, key in roles:
        try:
            columns = columns_of_document({key: rows}, role, SOCCERNET_V2, "game.json")
        except FormatError as error:
            assert f"{key}[" in str(error)
        else:
            assert len(columns) == len(rows)


FIELD_TEXTS = {
    "label": st.sampled_from(['"Goal"', '"Go\\u0061l"', '"\\ud800"', "1", "null"]),
    "half": st.sampled_from(["1", '"2"', '"1.0"', "2.0", "3", "true"]),
    "position": st.sampled_from(
        ["7", '"7"', '"7.0"', '"7e3"', "7e3", "7.5", '" 7"', '"+7"', '"1_0"', "-7", "1e300"]
    ),
    "confidence": st.sampled_from(
        ["0.1", '"0.1"', '"nan"', "NaN", '"1e400"', "-1e400", "true", "null", '".5"', '"x"']
    ),
    "gameTime": st.sampled_from(['"1 - 00:01"', '"2 - 7:09"', '"x"', "null", "[[{}]]"]),
    "visibility": st.sampled_from(['"visible"', '"not shown"', "null", "1"]),
}
ROW_TEXTS = st.lists(st.fixed_dictionaries({}, optional=FIELD_TEXTS), max_size=3) | st.lists(
    st.fixed_dictionaries(FIELD_TEXTS), max_size=3
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["labels", "predictions"]), ROW_TEXTS)
def test_a_file_is_read_as_its_document_is(
    tmp_path_factory: pytest.TempPathFactory, role: Role, rows: list[dict[str, str]]
) -> None:
    """Files are decoded into types first; that must not let anything else pass."""
    records = ["{" + ", ".join(f'"{key}": {row[key]}' for key in row) + "}" for row in rows]
    key = "annotations" if role == "labels" else role
    text = f'{{"{key}": [{", ".join(records)}]}}'
    path = tmp_path_factory.getbasetemp() / "typed.json"
    path.write_text(text)
    try:
        expected = columns_of_document(json.loads(text), role, SOCCERNET_V2, path)
    except FormatError as error:
        with pytest.raises(FormatError) as caught:
            read_columns(path, role, SOCCERNET_V2)
        assert str(caught.value) == str(error)
        return
    found = read_columns(path, role, SOCCERNET_V2)["typed"]
    assert found.labels == expected.labels
    for column in ("halves", "milliseconds", "confidences", "shown"):
        np.testing.assert_array_equal(getattr(found, column), getattr(expected, column))


def test_trees_name_games_by_their_last_three_folders(tmp_path: Path) -> None:
    write(tmp_path / "top/league/season/game/Labels-v2.json", {"annotations": [ANNOTATION]})
    write(tmp_path / "top/league/season/game/Labels-cameras.json", {"annotations": []})
    assert list(read_columns(tmp_path, "labels", SOCCERNET_V2)) == ["league/season/game"]


def test_a_game_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    for top in ("a", "b"):
        write(tmp_path / top / "league/season/game/Labels-v2.json", {"annotations": []})
    with pytest.raises(FormatError, match="'league/season/game' occurs twice"):
        read_columns(tmp_path, "labels", SOCCERNET_V2)


def test_several_files_of_a_game_need_a_name(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write(tmp_path / "league/season/game" / name, {"predictions": [PREDICTION]})
    with pytest.raises(FormatError, match="name the file"):
        read_columns(tmp_path, "predictions", SOCCERNET_V2)
    assert len(read_columns(tmp_path, "predictions", SOCCERNET_V2, file_name="b.json")) == 1
    with pytest.raises(FormatError, match=r"holds no c\.json"):
        read_columns(tmp_path, "predictions", SOCCERNET_V2, file_name="c.json")


def test_the_label_set_is_told_by_the_files(tmp_path: Path) -> None:
    for name, labels in (("Labels.json", SOCCERNET_V1), ("Labels-ball.json", SOCCERNET_BALL)):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr(f"league/season/game/{name}", "{}")
        assert guess_label_set(tmp_path / "x.zip") == labels


def test_other_formats_give_the_same_columns(tmp_path: Path) -> None:
    events = {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": "match.mp4"},
        "labels": "soccernet-v2",
        "events": [{"time": 74.52, "label": "Goal", "half": 2}],
    }
    write(tmp_path / "match.events.json", events)
    (columns,) = read_events(tmp_path / "match.events.json", "labels", SOCCERNET_V2).values()
    assert columns.labels == ("Goal",)
    assert columns.milliseconds.tolist() == [74520]
    assert columns.halves.tolist() == [2]
    assert guess_label_set(tmp_path / "match.events.json") == SOCCERNET_V2


def test_columns_of_a_match_keep_half_team_and_visibility() -> None:
    first = Timeline(Video("1.mkv"), (Event(1.16, "Goal", visibility="not shown"),), half=1)
    second = Timeline(Video("2.mkv"), (Event(2.0, "Foul", 0.25, team="home"),))
    columns = columns_of(Match("game", (first, second)))
    assert columns.halves.tolist() == [1, 2]
    assert columns.milliseconds.tolist() == [1160, 2000]
    assert columns.shown.tolist() == [False, True]
    assert columns.confidences.tolist() == [1.0, 0.25]
    assert columns.teams == (None, "home")


def write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
