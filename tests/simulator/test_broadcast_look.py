"""The broadcast look: what bugs and wipes draw, and that the truth about it says just that."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from touchline.errors import InputError
from touchline.events import Event
from touchline.simulator import bug_designs, wipes
from touchline.simulator.author import write_script
from touchline.simulator.broadcast_truth import broadcast_document
from touchline.simulator.bug import BugPainter, BugSide, BugText, entering
from touchline.simulator.bug_designs import DESIGNS
from touchline.simulator.dataset import Settings, simulate
from touchline.simulator.onair import BroadcastOverlays
from touchline.simulator.presentation import CLASSIC, Presentation
from touchline.simulator.production import clock_words, produce, without
from touchline.simulator.recording import half_recording
from touchline.simulator.video import render_frames
from touchline.simulator.wipes import WIPES, WipeStyle

SIZE = (640, 360)
SIDES = (
    BugSide("NOB", (200, 24, 36), (250, 250, 250)),
    BugSide("KAL", (245, 205, 30), (20, 20, 20)),
)
SAYING = BugText((1, 0), "12:34", period="1st", league="SL")


def painted(design, text=SAYING, ground=(90, 130, 70)):
    """The picture with the bug on it, and where its parts are."""
    bug = BugPainter(design, SIDES, SIZE).paint(text)
    frame = Image.new("RGB", SIZE, ground)
    frame.paste(bug.image, bug.box[:2], bug.image)
    return np.asarray(frame).astype(np.int16), bug


def changed_box(a, b):
    rows, columns = np.nonzero(np.abs(a - b).max(axis=2) > 0)
    if not len(rows):
        return None
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def inside(box, outer):
    return (outer[0] <= box[0] and outer[1] <= box[1] and box[2] <= outer[2]
            and box[3] <= outer[3])  # fmt: skip


def test_there_are_many_designs_and_none_is_in_both_sets():
    assert len(DESIGNS) >= 20 and len(WIPES) >= 8
    for tuning, held_out, known in (
        (bug_designs.TUNING, bug_designs.HELD_OUT, DESIGNS),
        (wipes.TUNING, wipes.HELD_OUT, WIPES),
    ):
        names = [thing.name for thing in (*tuning, *held_out)]
        assert len(set(names)) == len(names) == len(known)
        assert len(tuning) >= 5 and len(held_out) >= 4


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_a_bug_lies_where_its_box_says_and_nowhere_else(design):
    frame, bug = painted(design)
    plain = np.full_like(frame, (90, 130, 70))
    x0, y0, x1, y1 = bug.box
    assert 0 <= x0 < x1 <= SIZE[0] and 0 <= y0 < y1 <= SIZE[1]
    found = changed_box(frame, plain)
    assert inside(found, bug.box)
    # A plate fills its box; where there is none, the letters come near its edges.
    assert found[2] - found[0] > 0.85 * (x1 - x0) and found[3] - found[1] > 0.5 * (y1 - y0)
    assert {"home", "away"} <= set(bug.parts)
    assert all(inside(part, bug.box) for part in bug.parts.values())


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_what_changes_is_drawn_in_its_own_part(design):
    frame, bug = painted(design)
    for words, parts in (
        (replace(SAYING, score=(2, 0)), {"score", "home score"}),
        (replace(SAYING, score=(1, 3)), {"score", "away score"}),
        (replace(SAYING, clock="47:58"), {"clock"}),
    ):
        other, _ = painted(design, words)
        own = [box for part, box in bug.parts.items() if part in parts]
        found = changed_box(frame, other)
        if own:
            assert inside(found, own[0])
        else:
            assert parts == {"clock"} and found is None  # a bug without a clock


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_every_part_has_letters_that_stand_out_of_its_plate(design):
    text = replace(SAYING, beside="+1:02", added="+3", aggregate="(4-2)", reds=(1, 2), lit=1)
    frame, bug = painted(design, text)
    words = BugPainter(design, SIDES, SIZE).words(text)
    for part, said in words.items():
        x0, y0, x1, y1 = bug.parts[part]
        luminance = frame[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] @ (0.3, 0.59, 0.11)
        assert np.ptp(luminance) > 90, (part, said)


def test_red_cards_and_a_goal_show_on_the_team_that_had_them():
    for design in DESIGNS.values():
        frame, bug = painted(design)
        lit, _ = painted(design, replace(SAYING, lit=0))
        x0, y0, x1, y1 = bug.parts["home"]
        assert (lit[y0:y1, x0:x1] != frame[y0:y1, x0:x1]).any()
        for part in ("home", "home score", "home crest"):
            x0, y0, x1, y1 = bug.parts.get(part, (0, 0, 0, 0))
            lit[y0:y1, x0:x1] = frame[y0:y1, x0:x1]
        assert changed_box(frame, lit) is None
        red = changed_box(frame, painted(design, replace(SAYING, reds=(0, 1)))[0])
        assert (red is None) == (design.cards == "none")
        assert red is None or inside(red, bug.parts["away"])


@pytest.mark.parametrize("enters", ["left", "right", "top", "bottom", "unroll", "fade", "cut"])
def test_a_bug_comes_in_and_then_stands(enters):
    _, bug = painted(DESIGNS["slate"])
    assert entering(bug, 0.0, enters, SIZE) is None
    assert entering(bug, 1.0, enters, SIZE) is bug
    half_way = entering(bug, 0.5, enters, SIZE)
    assert (half_way is None) == (enters == "cut")
    if half_way is not None:
        moved = half_way.box != bug.box
        fainter = np.asarray(half_way.image)[..., 3].max() < 200
        assert moved or fainter


@pytest.mark.parametrize(
    ("design", "half", "elapsed", "says"),
    [
        ("slate", 1, -3.0, ("00:00", None)),
        ("slate", 1, 754.99, ("12:34", None)),
        ("slate", 2, 754.0, ("57:34", None)),
        ("slate", 1, 2700 + 67.0, ("46:07", None)),
        ("chalk", 1, 2700 + 67.0, ("45:00", "+1:07")),
        ("chalk", 2, 2700 + 5.0, ("90:00", "+0:05")),
        ("harbour", 1, 2700 + 67.0, ("45+2", None)),
        ("harbour", 2, 2700 + 1.0, ("90+1", None)),
        ("ladder", 2, 65.0, ("01:05", None)),
        ("stadium", 2, 65.0, ("01.05", None)),
        ("quartz", 1, 65.0, ("01'05", None)),
        ("glass", 1, 65.0, ("1:05", None)),
        ("ticket", 1, 65.0, ("2'", None)),
        ("beacon", 1, 65.0, ("43:55", None)),
        ("beacon", 2, 2700 + 9.0, ("00:00", "+0:09")),
        ("meadow", 1, 65.0, (None, None)),
    ],
)
def test_what_a_clock_says(design, half, elapsed, says):
    assert clock_words(DESIGNS[design], half, elapsed) == says


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("wipe", WIPES.values(), ids=WIPES)
def test_a_wipe_comes_covers_everything_and_leaves(wipe, turned):
    style = WipeStyle((160, 90), (20, 30, 90), (240, 60, 70), (250, 250, 250), "SL", turned)

    def laid(progress, ground):
        frame = Image.new("RGB", style.size, (ground,) * 3)
        wipe.lay(frame, progress, style)
        return np.asarray(frame).astype(np.int16)

    def hidden(progress):
        """Share of the picture that does not depend on what is behind the wipe."""
        return float((np.abs(laid(progress, 0) - laid(progress, 255)).max(axis=2) < 20).mean())

    assert hidden(0.0) < 0.1
    assert hidden(1.0) < 0.1
    for progress in np.linspace(*wipe.closed, 7):
        assert hidden(float(progress)) == 1.0
    for progress in (0.15, 0.3, 0.7, 0.85):
        assert (laid(progress, 90) != 90).any()
    # The pictures change on a frame of the script, with a whole number of frames either side.
    assert wipe.seconds * 25 / 2 == pytest.approx(round(wipe.seconds * 25 / 2))


@pytest.fixture(scope="module")
def script():
    """A match whose first half has goals, cards and replays."""
    return write_script(3, minutes=5)


@pytest.fixture(scope="module")
def productions(script):
    return {name: produce(script, Presentation(bugs=name)) for name in DESIGNS}


def truth_of(script, name, number, size=SIZE):
    half = script.halves[number - 1]
    production = produce(script, Presentation(bugs=name))
    return broadcast_document(script, production, half_recording(half), "a.mkv", size)


@pytest.mark.parametrize("name", DESIGNS)
def test_the_bug_is_on_the_picture_when_the_truth_says_so(script, productions, name):
    half, production = script.halves[0], productions[name]
    document = truth_of(script, name, 1)
    overlays = BroadcastOverlays(script, half, SIZE, production)
    bare = replace(production, halves=tuple(replace(h, on_air=()) for h in production.halves))
    without_bug = BroadcastOverlays(script, half, SIZE, bare)
    box = document["bug"]["boxes"][0]["box"]
    seen = 0
    for reading in document["readings"][::13]:
        at = reading["time"]
        if any(start <= at < end for start, end in production.halves[0].wipes):
            continue  # whether it is seen there is up to the wipe
        frames = []
        for layer in (overlays, without_bug):
            frame = Image.new("RGB", SIZE, (90, 130, 70))
            layer.draw(frame, at, False)
            frames.append(np.asarray(frame).astype(np.int16))
        share = (np.abs(frames[0] - frames[1]).max(axis=2) > 0)[box[1] : box[3], box[0] : box[2]]
        on_air = production.presence(production.halves[0], at) > 0
        assert on_air or not share.any()
        if reading["visible"]:
            seen += 1
            assert share.mean() > (0.05 if name == "ink" else 0.5)
            painted_now = overlays._painter.paint(production.text_at(production.halves[0], at))
            found = changed_box(*frames)
            place = [e for e in document["bug"]["boxes"] if e["start"] <= at][-1]["box"]
            assert list(painted_now.box) == place
            ticker = production.design.ticker == "under"
            assert ticker or inside(found, place)
    assert seen > 8


@pytest.mark.parametrize("name", DESIGNS)
def test_readings_say_what_is_drawn(script, productions, name):
    production, document = productions[name], truth_of(script, name, 2)
    half = production.halves[1]
    visible = [(span["start"], span["end"]) for span in document["bug"]["visible"]]
    assert [r["time"] for r in document["readings"]] == [float(k) for k in range(300)]
    for reading in document["readings"]:
        at = reading["time"]
        assert reading["visible"] == any(start <= at < end for start, end in visible)
        assert reading["clock"] >= 2700
        if not reading["visible"]:
            continue
        drawn = reading["drawn"]
        home, away = reading["shown_score"]
        assert drawn.get("score", f"{home}{production.design.separator}{away}") == (
            f"{home}{production.design.separator}{away}"
        )
        assert drawn.get("home score", str(home)) == str(home)
        assert drawn["home"] == document["teams"]["home"]
        if "clock" in drawn and production.design.clock == "00:00":
            minutes, seconds = drawn["clock"].split(":")
            base = 2700 if production.design.restarts else 0
            assert int(minutes) * 60 + int(seconds) == int(reading["clock"] - base + 1e-6)
        wrong = any(s["start"] <= at < s["end"] for s in document["slips"])
        assert wrong == (reading["shown_score"] != reading["score"])
    assert half.kick_off == document["halves"][0]["start"]


@pytest.mark.parametrize("seed", [1, 3, 4, 5, 7, 9])
def test_goals_are_those_of_the_labels_and_the_score_adds_up(seed):
    script = write_script(seed, minutes=10)
    production = produce(script, Presentation())
    score = [0, 0]
    for half, decided in zip(script.halves, production.halves, strict=True):
        document = truth_of(script, production.design.name, half.number)
        fallen = [g for g in document["goals"] if not g["taken_back"]]
        assert [g["time"] for g in fallen] == [e.seconds for e in half.events if e.label == "Goal"]
        for goal in fallen:
            score[goal["team"] == "away"] += 1
            assert goal["score"] == score
            assert goal["time"] <= goal["shown_at"] <= goal["time"] + 60.1
            if goal["seen_at"] is not None:
                assert goal["seen_at"] >= goal["shown_at"]
                shown = decided.shown_score_at(goal["seen_at"])
                # A goal that is taken back later may be counted beside it.
                assert shown[goal["team"] == "away"] >= goal["score"][goal["team"] == "away"]
        for goal in document["goals"]:
            if goal["taken_back"]:
                assert goal["time"] < goal["shown_at"] < goal["back_at"] < half.seconds
                assert decided.score_at(goal["shown_at"]) != decided.score_at(goal["back_at"])
        assert decided.score_at(half.seconds) == tuple(score)


def test_the_broadcast_is_late_wrong_and_hidden_at_times():
    decided = [
        half
        for seed in range(12)
        for half in produce(write_script(seed, minutes=10), Presentation()).halves
    ]
    assert any(half.slips for half in decided)
    assert any(half.taken_back for half in decided)
    assert any(panel.fills_picture for half in decided for panel in half.panels)
    assert any(panel.kind == "results" for half in decided for panel in half.panels)
    assert any(len(half.on_air) > 1 for half in decided)


def test_panels_hide_no_event():
    for seed in range(3):
        script = write_script(seed, minutes=10)
        for half, decided in zip(
            script.halves, produce(script, Presentation()).halves, strict=True
        ):
            for panel in decided.panels:
                if panel.kind != "review":
                    assert not any(panel.start <= e.seconds <= panel.end for e in half.events)


def test_added_time_is_announced_in_a_long_half():
    script = write_script(3, minutes=48, halves=1)
    production = produce(script, Presentation(bugs="relay"))
    [half] = production.halves
    at, minutes = half.announced
    assert minutes == 3 and 2640 < at < 2720
    assert production.text_at(half, at - 1).added is None
    assert production.text_at(half, at).added == "+3"
    assert production.text_at(half, half.clock_zero + 2700 + 61).beside == "+1:01"
    assert (
        produce(write_script(3, minutes=40, halves=1), Presentation()).halves[0].announced is None
    )


def test_a_pool_gives_only_its_own_and_the_seed_decides():
    scripts = [write_script(seed, minutes=1) for seed in range(16)]
    for pool, designs in (("tuning", bug_designs.TUNING), ("held-out", bug_designs.HELD_OUT)):
        presentation = Presentation(bugs=pool, wipes=pool)
        taken = [produce(script, presentation) for script in scripts]
        assert {p.design for p in taken} <= set(designs)
        assert len({p.design.name for p in taken}) > 3
        assert len({p.wipe.name for p in taken}) > 1
        produce.cache_clear()
        assert taken == [produce(script, presentation) for script in scripts]


@pytest.mark.parametrize("wrong", [{"look": "odd"}, {"bugs": "odd"}, {"wipes": "odd"}])
def test_unknown_names_are_refused_with_those_that_are_known(wrong):
    with pytest.raises(InputError, match="odd") as caught:
        Presentation(**wrong)
    assert any(name in str(caught.value) for name in ("classic", "slate", "doors"))


def test_spans_with_holes():
    assert without([(0, 10)], [(2, 3), (9, 12), (-1, 1)]) == ((1, 2), (3, 9))
    assert without([(0, 10)], [(-1, 11)]) == ()
    assert without([(0, 1), (5, 6)], []) == ((0, 1), (5, 6))


def test_the_classic_look_has_no_broadcast_truth_and_says_so(tmp_path):
    options = {"games": 1, "seed": 1, "minutes": 0.2, "jobs": 1, "presentation": CLASSIC}
    with pytest.raises(InputError, match="classic"):
        simulate(tmp_path / "a", modalities=("broadcast",), **options)
    with pytest.raises(InputError, match="classic"):
        simulate(tmp_path / "a", recording="match", **options)
    assert not (tmp_path / "a").exists()
    made = simulate(tmp_path / "a", size=(64, 64), rate=Fraction(1), **options)
    assert not list((made.root / made.games[0]).glob("*broadcast*"))


def test_the_two_looks_are_of_the_same_match():
    script = Settings(3, 0.5).script(0)
    half = script.halves[0]
    pictures = [
        next(render_frames(script, half, [12.0], (160, 90), presentation))
        for presentation in (CLASSIC, Presentation(bugs="pylon"))
    ]
    differing = (np.abs(pictures[0].astype(np.int16) - pictures[1]).max(axis=2) > 0).mean()
    assert 0 < differing < 0.4


def test_a_truth_file_beside_each_half(tmp_path):
    made = simulate(
        tmp_path, games=1, seed=8, minutes=1, modalities=("broadcast",), jobs=1,
        presentation=Presentation(bugs="held-out"),
    )  # fmt: skip
    for number in (1, 2):
        path = made.root / made.games[0] / f"{number}_broadcast.json"
        document = json.loads(path.read_text("utf-8"))
        assert document["format"] == "touchline-broadcast" and document["version"] == 1
        assert document["video"] == {"name": f"{number}_224p.mkv", "duration": 60.0}
        assert document["bug"]["set"] == "held-out"
        assert document["halves"][0]["half"] == number


def test_an_event_of_no_team_does_not_disturb(script):
    half = script.halves[0]
    odd = replace(half, events=(*half.events, Event(299.0, "Goal", team=None)))
    assert produce(replace(script, halves=(odd,)), Presentation()).halves[0].scores
