"""Tagging with a code window on the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_server import Found, PageServer
from page_steps import ask, events_of, open_match, saved

from touchline.colours import class_colour, css_colour
from touchline.labels import BROADCAST

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WINDOW = {
    "buttons": [
        {"name": "Corner", "key": "C", "asks": ["Side", "Taker"], "lead": 1, "lag": 2},
        {"name": "Cross", "key": "X", "also": ["Corner"], "x": 6,
         "labels": [{"group": "Foot", "text": "Left"}]},
        {"name": "Attack", "key": "T", "toggle": True, "y": 1},
    ],
    "groups": [
        {"name": "Side", "options": ["Near", "Far"]},
        {"name": "Taker", "options": ["Ada", "Bea"], "field": "player"},
    ],
}  # fmt: skip


def facts(event: dict[str, Any]) -> tuple[Any, ...]:
    said = [(one["group"], one["text"]) for one in event["descriptors"] or []]
    return event["label"], event["player"], said


def test_one_key_tags_and_one_each_says_who_where_and_how(
    server: PageServer, new_match: Callable[..., str], open_page: Callable[..., Any], tmp_path: Path
) -> None:
    made = ask(server, "/v1/code-windows", "POST", {"title": "Set pieces", "window": WINDOW})
    match = new_match([], title="Tags")
    page = open_match(open_page(), server, match)
    page.get_by_role("tab", name="Tagging").click()
    page.get_by_label("Code window", exact=True).select_option("Set pieces")
    page.keyboard.press("c")
    page.get_by_role("group", name="Side").first.wait_for()
    page.keyboard.press("2")
    page.keyboard.press("1")
    page.keyboard.press("x")  # tags a cross with its corner, though X rejects elsewhere
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    saved(page)
    assert sorted(map(facts, events_of(server, match)), key=str) == [
        ("Corner", "Ada", [("Side", "Far")]),
        ("Corner", None, [("Side", "Near")]),
        ("Cross", None, [("Foot", "Left")]),
    ]
    page.keyboard.press("t")
    page.keyboard.press("PageDown")
    page.keyboard.press("t")
    saved(page)
    (attack,) = [one for one in events_of(server, match) if one["label"] == "Attack"]
    assert (attack["lead"], attack["lag"]) == (0, 10)
    page.keyboard.press("Control+z")
    saved(page)
    assert len(events_of(server, match)) == 3

    page.get_by_label("Arrange the code window").click()
    cross = page.locator("dialog .code-button", has_text="Cross")
    cross.focus()
    page.keyboard.press("ArrowDown")
    box = page.locator("dialog .code-grid").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 30 + box["width"] / 2, box["y"] + 20)
    page.mouse.up()
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        page.get_by_role("button", name="Save").click()
    places = ask(server, f"/v1/code-windows/{made['id']}")["window"]["buttons"]
    assert [(one["x"], one["y"]) for one in places] == [(6, 0), (6, 1), (0, 1)]

    page.get_by_label("Code window as a file").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / "again.csv"
    download.value.save_as(file)
    page.keyboard.press("Escape")
    xml = tmp_path / "theirs.xml"
    xml.write_text(
        "<file><ALL_INSTANCES><instance><ID>1</ID><start>1</start><end>2</end><code>Press</code>"
        "<label><group>Zone</group><text>High</text></label></instance></ALL_INSTANCES>"
        "<ROWS><row><code>Press</code><R>65535</R><G>0</G><B>257</B></row></ROWS></file>"
    )
    for path in (file, xml):
        page.locator("tagging-panel input[type=file]").set_input_files(path)
        page.locator("tagging-panel option", has_text=path.stem).wait_for(state="attached")
    known = {one["title"]: one["window"] for one in ask(server, "/v1/code-windows")["items"]}
    assert known["again"] == ask(server, f"/v1/code-windows/{made['id']}")["window"]
    (press,) = known["theirs"]["buttons"]
    assert (press["name"], press["colour"], press["asks"]) == ("Press", "#ff0001", ["Zone"])
    assert known["theirs"]["groups"] == [{"name": "Zone", "options": ["High"], "field": None}]


def test_classes_of_a_code_window_can_be_chosen_wherever_classes_can(
    server: PageServer, new_match: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    own = {"title": "Own", "window": {"buttons": [{"name": "Overlap", "colour": "#123456"}]}}
    ask(server, "/v1/code-windows", "POST", own)
    match = new_match([], title="Own classes")
    page = open_match(open_page(), server, match)
    page.get_by_role("tab", name="Tagging").click()
    page.get_by_label("Code window", exact=True).select_option("Own")
    page.get_by_role("tab", name="Classes").click()
    row = page.locator("class-panel li", has_text="Overlap")
    key = row.locator("kbd").inner_text()
    row.locator("input[type=range]").fill("0.4")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press(key.lower())
    saved(page)
    (event,) = events_of(server, match)
    assert event["label"] == "Overlap"
    page.get_by_role("tab", name="Events").click()
    options = page.locator("select[data-filter=label] option").all_text_contents()
    assert "Overlap" in options
    page.locator(".event-row").first.click()
    page.keyboard.press("c")
    choice = page.locator(".class-choice button", has_text="Overlap")
    assert choice.get_attribute("aria-pressed") == "true"
    page.locator(".class-choice button").first.click()
    saved(page)
    (event,) = events_of(server, match)
    assert event["label"] != "Overlap"
    assert ask(server, f"/v1/matches/{match}")["thresholds"] == {"Overlap": 0.4}


def test_changes_of_a_code_window_are_undone_and_redone_after_a_reload(
    server: PageServer, new_match: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    where = f"/v1/code-windows/{ask(server, '/v1/code-windows', 'POST', {'title': 'Back'})['id']}"
    match = new_match([], title="Back again")
    page = open_match(open_page(), server, match)
    page.get_by_role("tab", name="Tagging").click()
    choice = page.get_by_label("Code window", exact=True)
    choice.select_option("Back")
    undo = page.get_by_label("Undo a change of the code window")
    redo = page.get_by_label("Redo a change of the code window")
    page.get_by_label("Arrange the code window").click()
    page.get_by_role("button", name="Add a button").click()
    page.get_by_label("Title").fill("Further")
    page.get_by_role("button", name="Save").click()
    button = page.locator("tagging-panel .code-button", has_text="Button 1")
    button.wait_for()

    page.reload()
    page.get_by_role("tab", name="Tagging").click()
    button.wait_for()
    undo.click()
    button.wait_for(state="detached")
    assert ask(server, where)["title"] == "Back"
    page.reload()
    page.get_by_role("tab", name="Tagging").click()
    redo.click()
    button.wait_for()
    assert ask(server, where)["title"] == "Further"

    page.get_by_label("Arrange the code window").click()
    page.locator("dialog button.danger", has_text="Delete").click()
    button.wait_for(state="detached")
    page.reload()
    page.get_by_role("tab", name="Tagging").click()
    page.get_by_label("Bring “Further” back").click()
    button.wait_for()
    assert choice.input_value() == where.rpartition("/")[2]
    redo.click()
    button.wait_for(state="detached")
    assert choice.input_value() == ""
    page.get_by_label("Bring “Further” back").click()
    button.wait_for()


def test_classes_that_the_model_lacks_have_their_colours_and_buttons(
    server: PageServer, new_match: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    """Those of events that were added to what a broadcast says; one is in no known label set."""
    further = ["Corner", "Dribbling à gauche", "PASS", "Throw-in"]
    found = [Found(2.0 + place, label) for place, label in enumerate(further)]
    page = open_match(open_page(), server, new_match(found, labels=list(BROADCAST)))
    page.get_by_role("tab", name="Classes").click()
    rows = page.locator("class-panel li").evaluate_all(
        "rows => rows.map(row => [row.querySelector('.label').textContent,"
        " row.style.getPropertyValue('--class')])"
    )
    labels = [*BROADCAST, *further]
    assert rows == [[one, css_colour(class_colour(BROADCAST, one))] for one in labels]
    page.get_by_role("tab", name="Tagging").click()
    page.locator("tagging-panel .code-button", has_text="Dribbling").click()
    saved(page)
    assert len(events_of(server, page.url.rpartition("/")[2])) == len(found) + 1
