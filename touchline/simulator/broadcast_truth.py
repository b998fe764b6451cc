"""What a reader of a simulated broadcast should find: ``*_broadcast.json``.

The document has the fields of ``*.broadcast.json`` as ``touchline broadcast`` writes them, and says
besides what is drawn: the score bug's words and place, wipes, shots, other graphics, and what is
wrong with them. Times are seconds from the first frame of the recording.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from touchline.events import SIDES
from touchline.simulator import bug_designs, wipes
from touchline.simulator.bug import BugPainter, BugText
from touchline.simulator.camera import Size
from touchline.simulator.overlays import DISSOLVE_SECONDS
from touchline.simulator.production import (
    REGULAR_SECONDS,
    HalfProduction,
    Production,
    Span,
    replay_spans,
    without,
)
from touchline.simulator.recording import Scene, Stretch
from touchline.simulator.script import HalfScript, MatchScript

Json = dict[str, Any]

MINUTE_CLOCKS = ("00'",)


def broadcast_document(
    script: MatchScript,
    production: Production,
    stretches: Sequence[Stretch],
    video: str,
    size: Size,
) -> Json:
    """The truth about a recording.

    Args:
        stretches: what the recording is made of.
        video: name of its file.
        size: (width, height) of its picture, in whose pixels boxes are given.
    """
    played = [stretch for stretch in stretches if stretch.kind == "half"]
    readings, boxes = _readings(production, stretches, size)
    design, wipe = production.design, production.wipe
    document: Json = {
        "format": "touchline-broadcast",
        "version": 1,
        "truth": True,
        "video": {"name": video, "duration": stretches[-1].end},
        "teams": {"home": production.sides[0].text, "away": production.sides[1].text},
        "names": {"home": script.home.name, "away": script.away.name},
        "halves": [_half(production, stretch) for stretch in played],
        "segments": [
            {"kind": s.kind, "start": s.start, "end": s.end, "half": s.half} for s in stretches
        ],
        "bug": {
            "design": design.name,
            "set": "tuning" if design in bug_designs.TUNING else "held-out",
            "second_half_starts_at": 0.0 if design.restarts else REGULAR_SECONDS,
            "shows_clock": any("clock" in row for row in design.rows),
            "clock_step": 60.0 if design.clock in MINUTE_CLOCKS else 1.0,
            "visible": [],
            "boxes": boxes,
        },
        "wipe": {
            "name": wipe.name,
            "set": "tuning" if wipe in wipes.TUNING else "held-out",
            "seconds": wipe.seconds,
        },
        "readings": readings,
    }
    lists: dict[str, list[Any]] = {
        name: []
        for name in ("goals", "replays", "cuts", "dissolves", "wipes", "whistles", "shots",
                     "graphics", "slips")
    }  # fmt: skip
    for stretch in played:
        half, decided = script.halves[stretch.half - 1], production.halves[stretch.half - 1]
        for name, entries in _facts(half, decided, production).items():
            lists[name] += [_shifted(entry, stretch.start) for entry in entries]
        document["bug"]["visible"] += [
            _shifted(_span(span), stretch.start) for span in production.readable(decided)
        ]
    for stretch in stretches:
        lists["cuts"] += [scene.start for scene in stretch.scenes]
        lists["cuts"] += [stretch.start] if stretch.kind == "half" else []
        lists["shots"] += [_scene(scene) for scene in stretch.scenes]
        lists["graphics"] += [
            _span((scene.start, scene.end)) | {"kind": "result", "lines": [[scene.words]]}
            for scene in stretch.scenes
            if scene.words
        ]
    lists["cuts"] = sorted(_round(cut) for cut in lists["cuts"] if cut > 0)
    for name in ("shots", "graphics"):
        lists[name].sort(key=lambda entry: float(entry["start"]))
    return document | lists


def _scene(scene: Scene) -> Json:
    return _span((_round(scene.start), _round(scene.end))) | {
        "camera": scene.kind, "replay": False,
    }  # fmt: skip


def _half(production: Production, stretch: Stretch) -> Json:
    half = production.halves[stretch.half - 1]
    return {
        "half": half.number,
        "start": _round(stretch.start + half.kick_off),
        "end": _round(stretch.start + half.final_whistle),
        "clock_start": REGULAR_SECONDS * (half.number - 1),
        "clock_zero": _round(stretch.start + half.clock_zero),
    }


def _readings(
    production: Production, stretches: Sequence[Stretch], size: Size
) -> tuple[list[Json], list[Json]]:
    """One reading a second, and the places of the bug's parts wherever they change."""
    painter = BugPainter(production.design, production.sides, size)
    readings: list[Json] = []
    boxes: list[Json] = []
    for second in range(int(stretches[-1].end)):
        stretch = next(s for s in stretches if s.contains(second))
        if stretch.kind != "half":
            readings.append({"time": float(second), "visible": False, "half": None, "clock": None,
                             "added": None, "score": None, "confidence": 1.0})  # fmt: skip
            continue
        half = production.halves[stretch.half - 1]
        at = second - stretch.start
        text = production.text_at(half, at)
        visible = any(start <= at < end for start, end in production.readable(half))
        readings.append(_reading(production, half, at, text, visible) | {"time": float(second)})
        if visible:
            box, parts = painter.layout(text)
            place = {"box": list(box), "parts": {k: list(v) for k, v in parts.items()}}
            if not boxes or any(boxes[-1][key] != value for key, value in place.items()):
                boxes.append({"start": float(second), **place})
            readings[-1]["drawn"] = painter.words(text)
    return readings, boxes


def _reading(
    production: Production, half: HalfProduction, at: float, text: BugText, visible: bool
) -> Json:
    played = max(0.0, at - half.clock_zero)
    return {
        "time": at,
        "visible": visible,
        "half": half.number,
        "clock": _round(REGULAR_SECONDS * (half.number - 1) + played),
        "added": half.announced[1] if text.added is not None and half.announced else None,
        "score": list(half.score_at(at)),
        "shown_score": list(text.score),
        "confidence": 1.0,
    }


def _facts(
    half: HalfScript, decided: HalfProduction, production: Production
) -> dict[str, list[Any]]:
    """The lists of the document for one half, in its own time."""
    shots = [s for s in half.shots if s.start_seconds < half.seconds]
    joins = {kind: [s.end_seconds for s in shots[:-1] if s.transition == kind]
             for kind in ("abrupt", "smooth")}  # fmt: skip
    return {
        "goals": list(_goals(half, decided, production)),
        "replays": [_span(s) for s in replay_spans(half) if s[0] < half.seconds],
        "cuts": joins["abrupt"],
        "dissolves": [_span((end - DISSOLVE_SECONDS, end)) for end in joins["smooth"]],
        "wipes": [_span(span) for span in decided.wipes if span[0] < half.seconds],
        "whistles": [
            {"time": action.seconds, "confidence": 1.0, "long": action.kind == "whistle-long"}
            for action in half.actions
            if action.kind in ("whistle", "whistle-long")
        ],
        "shots": [
            {**_span((s.start_seconds, min(s.end_seconds, half.seconds))),
             "camera": s.camera, "replay": s.is_replay}
            for s in shots
        ],
        "graphics": [
            *({**_span((panel.start, panel.end)), "kind": panel.kind,
               "lines": [list(line) for line in panel.lines]} for panel in decided.panels),
            *({**_span((g.start_seconds, g.end_seconds)), "kind": g.kind, "lines": [list(g.lines)]}
              for g in half.graphics if g.kind != "logo"),
        ],
        "slips": [
            {**_span((slip.start, slip.end)), "shown": list(slip.shown), "right": list(slip.right)}
            for slip in decided.slips
        ],
    }  # fmt: skip


def _goals(half: HalfScript, decided: HalfProduction, production: Production) -> Iterator[Json]:
    """Goals with the score after them; those taken back with the score they had made it."""
    _, home, away = half.score_changes[0]
    score = [home, away]
    fallen = [(e.seconds, SIDES.index(e.team), None) for e in half.events
              if e.label == "Goal" and e.team in SIDES]  # fmt: skip
    taken = [(goal.seconds, goal.team, goal) for goal in decided.taken_back]
    changes = list(pairwise(decided.scores))
    used: list[float | None] = []  # two goals may be counted in the same stretch, one after another
    for seconds, team, goal in sorted([*fallen, *taken], key=lambda entry: entry[0]):
        after = list(score)
        after[team] += 1
        if goal is None:
            score = after
            gains = [new[0] for old, new in changes
                     if new[0] > seconds and new[1 + team] > old[1 + team]]  # fmt: skip
            own = [g.shown_at for g in decided.taken_back]
            shown_at = next((at for at in gains if at not in (*own, *used)), None)
            used.append(shown_at)
        else:
            shown_at = goal.shown_at
        entry: Json = {
            "time": seconds,
            "team": SIDES[team],
            "score": after,
            "shown_at": shown_at,
            "seen_at": _seen(shown_at, decided, production),
            "uncertainty": 0.0,
            "taken_back": goal is not None,
        }
        yield entry | ({"back_at": goal.back_at} if goal is not None else {})


def _seen(shown_at: float | None, decided: HalfProduction, production: Production) -> float | None:
    """When the bug can first be read with a score that it has from an instant on."""
    if shown_at is None:
        return None
    slips = [(slip.start, slip.end) for slip in decided.slips]
    until = next((at for at, _, _ in decided.scores if at > shown_at), decided.seconds)
    for start, end in without(production.readable(decided), slips):
        if end > shown_at:
            first = max(start, shown_at)
            return first if first < until else None
    return None


def _span(span: Span) -> Json:
    return {"start": span[0], "end": span[1]}


def _shifted(entry: Any, seconds: float) -> Any:
    """An instant, or an entry with times, so many seconds later."""
    if isinstance(entry, float):
        return _round(entry + seconds)
    times = ("start", "end", "time", "shown_at", "seen_at", "back_at")
    return {
        key: _round(value + seconds) if key in times and value is not None else value
        for key, value in entry.items()
    }


def _round(seconds: float) -> float:
    return round(seconds, 3)
