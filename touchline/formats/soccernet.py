"""SoccerNet's files of a game: labels v1, v2 and ball, camera shots with replays, and results.

Each file is a Match with one Timeline per half. Positions are milliseconds from the start of
the half and survive a round trip exactly; of a video with several halves, from the kick-off of each
half by the match clock. Layout: ``league/season/game/<file>``.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from touchline.errors import FormatError, InputError
from touchline.events import Event, Match, Timeline, Video
from touchline.formats.base import (
    EVENT_FIELDS,
    VIDEOS_APART,
    Content,
    Format,
    Options,
    Record,
    SourceFile,
    dump_json,
    is_event_text,
    only_match,
    resolve_label_set,
)
from touchline.formats.states import state_to_json, take_state
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2, LabelSet
from touchline.timebase import HALF_CLOCKS, format_game_clock, parse_game_clock

_OPTIONAL_TEXTS = ("team", "visibility", "player", "status", "source", "note")
"""Optional fields of events; evaluators ignore the ones that they do not know."""

_PUBLISHED_RATE = 25
"""Frames a second of the ball challenge."""

_ROUNDING = 1e-6
"""By so many milliseconds a time may miss the whole one that is meant."""

_GAME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d) - (?P<time>\d\d-\d\d) "
    r"(?P<home>.+) (?P<score>\d+ - \d+) (?P<away>.+)"
)
_HOLDS = (EVENT_FIELDS - {"half"}) | {"timeline_half", "file_extra"}


def game_id(path: str) -> str:
    """A game's id, ``league/season/game``, from a folder, ``UrlLocal`` or OSL path.

    Backslashes become slashes; OSL's underscores in the game folder become spaces again.
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and "_-_" in parts[-1] and " " not in parts[-1]:
        parts[-1] = parts[-1].replace("_", " ")
    return "/".join(parts)


def game_and_half(video: str) -> tuple[str, int | None]:
    """The game and half of a video's path, such as ``league/season/game/1_224p.mkv``.

    The last part must begin with the number of a half or be ``half1``; otherwise the whole path
    is the game and the half is None.
    """
    folder, _, last = game_id(video).rpartition("/")
    found = re.fullmatch(r"(?:half)?([1-4])(?:[_.].*)?", last)
    if found is None or not folder:
        return game_id(re.sub(r"\.\w{1,5}$", "", video)), None
    return game_id(folder), int(found[1])


def read_labels(source: SourceFile, declared: LabelSet | None) -> Match:
    """Read ``Labels*.json``: one event per annotation, in the half that its gameTime states.

    The time is ``position``, truncated to whole milliseconds as the official reader does, else
    that of gameTime. Unknown fields are kept.

    Raises:
        FormatError: no list of annotations, or an invalid half or time.
    """
    root = Record(source, source.document)
    events = [read_annotation(record) for record in root.records("annotations")]
    return _match(source, root, "annotations", events, declared)


def read_results(source: SourceFile) -> Match:
    """Read ``results_spotting.json``, with texts or numbers as the official reader does.

    A prediction whose confidence is NaN is left out, as by the official reader, with a warning on
    the timeline. Results of OSL state their half in ``Url``.

    Raises:
        FormatError: no list of predictions, a field missing or not a number.
    """
    root = Record(source, source.document)
    half_of_file = game_and_half(str(root.values.get("Url", "")))[1]
    if half_of_file is None:
        half_of_file = game_and_half(source.name.rpartition("/")[0])[1]
    events = []
    for record in root.records("predictions"):
        read = _prediction(record, half_of_file)
        if read is None:
            source.warnings.append(f"{record.place} is left out: its confidence is not a number")
        else:
            events.append(read)
    return _match(source, root, "predictions", events, None)


def write_labels(content: Content, options: Options, *, with_position: bool = True) -> bytes:
    """Write annotations in the published layout: sorted keys, positions as text.

    Raises:
        FormatError: a reel, or several games.
    """
    match = only_match(content, "a SoccerNet label file")
    annotations = []
    for half, event in _by_half(match):
        annotation = annotation_to_json(half, event)
        if not with_position:
            del annotation["position"]
        annotations.append(annotation)
    header = _header(match.name) | dict(match.extra)
    return dump_json(header | {"annotations": annotations}, sort_keys=True)


def annotation_to_json(half: int, event: Event) -> dict[str, Any]:
    """An event as an annotation of its half, its position as text."""
    position = round(event.seconds * 1000)
    known: dict[str, Any] = {
        "gameTime": _game_time(half, position),
        "label": event.label,
        "position": str(position),
    }
    if event.confidence != 1:
        known["confidence"] = float(event.confidence)
    return {**event.extra, **known, **_optional_fields(event)}


def write_results(content: Content, options: Options) -> bytes:
    """Write predictions as the published systems do: positions, halves and confidences as text.

    Raises:
        FormatError: a reel, or several games.
    """
    match = only_match(content, "results_spotting.json")
    predictions = []
    for half, event in _by_half(match):
        position = round(event.seconds * 1000)
        known = {
            "gameTime": _game_time(half, position),
            "label": event.label,
            "position": str(position),
            "half": str(half),
            "confidence": str(float(event.confidence)),
        }
        rest = {k: v for k, v in event.extra.items() if k not in known}
        predictions.append({**known, **rest, **_optional_fields(event)})
    extra = {k: v for k, v in match.extra.items() if k != "annotations"}
    return dump_json({"UrlLocal": match.name} | extra | {"predictions": predictions})


def write_ball_results(content: Content, options: Options) -> bytes:
    """Write predictions as T-DEED and the baseline of the ball challenge 2025 do.

    Numbers are no texts, positions are cut to whole milliseconds as ``_published_position`` says,
    and the clock has no leading zeros: ``"1 - 0:5"``. The team is that of the event, ``left`` or
    ``right``.

    Raises:
        FormatError: a reel, or several games.
    """
    match = only_match(content, "results_spotting.json")
    is_predicted = any(timeline.model is not None for timeline in match.timelines)
    predictions = []
    for half, event in _by_half(match):
        position = _published_position(event.seconds, is_predicted)
        minutes, seconds = divmod(max(position, 0) // 1000, 60)
        known = {
            "gameTime": f"{half} - {minutes}:{seconds}",
            "label": event.label,
            "position": position,
            "half": half,
            "confidence": float(event.confidence),
        }
        rest = {k: v for k, v in event.extra.items() if k not in known}
        predictions.append({**known, **rest, **_optional_fields(event)})
    extra = {k: v for k, v in match.extra.items() if k != "annotations"}
    return dump_json({"UrlLocal": match.name} | extra | {"predictions": predictions})


def _published_position(seconds: float, is_predicted: bool) -> int:
    """Milliseconds of a time, cut.

    What a network found is cut in the arithmetic of the published programs, which in some rows is
    1 ms below the time of the frame: ``int(row / 25 * 1000 * stride)``. The stride is a power of
    two, so it can be taken with the row. A position that was read comes back as it was.
    """
    frame = round(seconds * _PUBLISHED_RATE)
    if is_predicted and abs(frame / _PUBLISHED_RATE - seconds) < _ROUNDING:
        return int(frame / _PUBLISHED_RATE * 1000)
    return math.floor(seconds * 1000 + _ROUNDING)


@dataclass(frozen=True)
class ReplayLink:
    """The live action that a replay shows."""

    half: int
    seconds: float
    label: str
    team: str | None = None
    visibility: str | None = None


@dataclass(frozen=True)
class Shot:
    """One uncut stretch [start, end) of a broadcast, as ``Labels-cameras.json`` describes it.

    Attributes:
        camera: camera type; empty if not annotated.
        transition: how the shot ends: ``abrupt``, ``logo``, ``smooth``, ``other`` or empty.
        replay: ``real-time``, ``replay`` or ``other``.
        link: the action of a replay, if known.
    """

    half: int
    start_seconds: float
    end_seconds: float
    camera: str
    transition: str = "abrupt"
    replay: str = "real-time"
    link: ReplayLink | None = None


def shots_of(match: Match) -> list[Shot]:
    """The shots of a match read from ``Labels-cameras.json``, in playing order.

    An annotation marks the end of the shot that it describes; the shot begins at the end of the
    previous one in the same half, or at 0.

    Raises:
        FormatError: a malformed link.
    """
    shots = []
    for timeline in match.timelines:
        start = 0.0
        for event in timeline:
            shots.append(
                Shot(
                    timeline.half or 1,
                    start,
                    event.seconds,
                    event.label.strip(),
                    str(event.extra.get("change_type", "")),
                    str(event.extra.get("replay", "")),
                    _link(event, match.name),
                )
            )
            start = event.seconds
    return shots


def match_of_shots(shots: Iterable[Shot], name: str) -> Match:
    """Shots as a match, from which ``Labels-cameras.json`` is written."""
    halves: dict[int, list[Event]] = {}
    for shot in shots:
        extra: dict[str, Any] = {"change_type": shot.transition, "replay": shot.replay}
        if shot.link is not None:
            extra["link"] = _link_to_json(shot.link)
        event = Event(shot.end_seconds, shot.camera, extra=extra)
        halves.setdefault(shot.half, []).append(event)
    return Match(name, _timelines(halves, None))


def read_annotation(record: Record) -> tuple[int, Event]:
    """The half and the event of one annotation.

    Raises:
        FormatError: an invalid half or time, or a field of the wrong type.
    """
    values = record.values
    half, seconds = _half_and_seconds(record)
    if values.get("position") is not None:
        seconds = _milliseconds(record) / 1000
    confidence = 1.0
    if values.get("confidence") is not None:
        confidence = _confidence(record)
    return half, _event(record, seconds, confidence, _ANNOTATION_KEYS)


def _prediction(record: Record, half_of_file: int | None) -> tuple[int, Event] | None:
    confidence = _confidence(record)
    if confidence != confidence:
        return None
    half = _integer(record, "half") if "half" in record.values else half_of_file
    if half is None:
        half = _half_and_seconds(record)[0]
    return half, _event(record, _milliseconds(record) / 1000, confidence, _PREDICTION_KEYS)


_ANNOTATION_KEYS = frozenset({"gameTime", "label", "position", "confidence"})
_PREDICTION_KEYS = _ANNOTATION_KEYS | {"half"}


def _event(record: Record, seconds: float, confidence: float, known: frozenset[str]) -> Event:
    extra = {}
    texts = {}
    state, values = take_state(record.values)
    for key, value in values.items():
        if key in known:
            continue
        if key in _OPTIONAL_TEXTS and is_event_text(key, value):
            texts[key] = value
        else:
            extra[key] = value
    return record.event(seconds, record.text("label"), confidence, extra=extra, **state, **texts)


def _half_and_seconds(record: Record) -> tuple[int, float]:
    text = record.optional_text("gameTime")
    if text is None and "half" in record.values and "position" in record.values:
        return _integer(record, "half"), 0.0
    try:
        return parse_game_clock(record.text("gameTime") if text is None else text)
    except FormatError:
        raise
    except InputError as error:
        raise record.error("gameTime", error.what, error.remedy) from error


def _milliseconds(record: Record) -> int:
    return _integer(record, "position")


def _integer(record: Record, key: str) -> int:
    """A whole number, also as text; numbers are truncated, as the official reader does."""
    value = record.values.get(key)
    if value is None or not isinstance(value, int | float | str):
        raise record.unexpected(key, "a whole number")
    try:
        number = int(value)
    except (ValueError, OverflowError) as error:
        raise record.error(
            key, f"{str(value)[:40]!r} is not a whole number", "write digits only"
        ) from error
    if abs(number) > 10**15:
        raise record.error(key, f"{str(value)[:40]} is out of range")
    return number


def _confidence(record: Record) -> float:
    value = record.values.get("confidence")
    if value is None or not isinstance(value, int | float | str):
        raise record.unexpected("confidence", "a number")
    try:
        confidence = float(value)
    except (ValueError, OverflowError) as error:
        raise record.error("confidence", f"{str(value)[:40]!r} is not a number") from error
    if confidence in (float("inf"), float("-inf")):
        raise record.error("confidence", f"{value} is not a finite number")
    return confidence


def _match(
    source: SourceFile,
    root: Record,
    key: str,
    events: list[tuple[int, Event]],
    declared: LabelSet | None,
) -> Match:
    halves: dict[int, list[Event]] = {}
    for half, event in events:
        halves.setdefault(half, []).append(event)
    labels = resolve_label_set((event.label for _, event in events), declared)
    return Match(_name(source, root), _timelines(halves, labels), root.unknown_fields({key}))


def _timelines(halves: Mapping[int, list[Event]], labels: LabelSet | None) -> tuple[Timeline, ...]:
    return tuple(
        Timeline(Video(str(half)), tuple(events), labels=labels, half=half)
        for half, events in sorted(halves.items())
    )


def _name(source: SourceFile, root: Record) -> str:
    for key in ("UrlLocal", "Url"):
        url = root.values.get(key)
        if isinstance(url, str) and game_id(url):
            return game_id(url) if key == "UrlLocal" else game_and_half(url)[0]
    folder = game_id(source.name.rpartition("/")[0])
    return folder or source.stem


def _by_half(match: Match) -> Iterable[tuple[int, Event]]:
    """Events with their halves, in times of these, sorted by half and time.

    Raises:
        FormatError: several videos that are no halves: their events would be those of one.
    """
    apart = [t for t in match.timelines if t.half is None and any(e.half is None for e in t)]
    if len(apart) > 1:
        raise FormatError(
            f"the {len(apart)} videos of {match.name!r} are not numbered halves",
            remedy=VIDEOS_APART,
        )
    pairs = [pair for timeline in match.timelines for pair in _in_halves(timeline)]
    return sorted(pairs, key=lambda pair: (pair[0], pair[1].seconds))


def _in_halves(timeline: Timeline) -> Iterator[tuple[int, Event]]:
    """The events of a timeline with their halves; those of one long video in times of each half.

    Where an event states no half, as in the break, it is of the half that has begun last. A time
    before the first half is its beginning: there is no other place for it.
    """
    starts = {} if timeline.half is not None else _half_starts(timeline)
    for event in timeline:
        half = event.half or timeline.half
        if half is None:
            begun = [number for number, start in starts.items() if start <= event.seconds]
            half = max(begun, default=min(starts, default=1))
        yield half, _in_half(event, half, starts)


def _in_half(event: Event, half: int, starts: Mapping[int, float]) -> Event:
    if half not in starts:
        return event
    if event.half == half and event.clock_seconds is not None:
        since = event.clock_seconds - HALF_CLOCKS[half][0]
    else:
        since = event.seconds - starts[half]
    return replace(event, seconds=max(since, 0.0))


def _half_starts(timeline: Timeline) -> dict[int, float]:
    """When each half begins in a video of several, by the match clock at its events."""
    starts: dict[int, list[float]] = {}
    for event in timeline:
        if event.half in HALF_CLOCKS and event.clock_seconds is not None:
            base = HALF_CLOCKS[event.half][0]
            starts.setdefault(event.half, []).append(event.seconds - event.clock_seconds + base)
    return {half: median(found) for half, found in sorted(starts.items())}


def _game_time(half: int, milliseconds: int) -> str:
    return format_game_clock(half, max(milliseconds, 0) // 1000)


def _optional_fields(event: Event) -> dict[str, Any]:
    texts = {k: value for k in _OPTIONAL_TEXTS if (value := getattr(event, k)) is not None}
    return texts | state_to_json(event)


def _header(name: str) -> dict[str, Any]:
    """The header fields of a label file that can be derived from the game's name."""
    header = {"UrlLocal": f"{name}/", "UrlYoutube": ""}
    if found := _GAME.fullmatch(name.rpartition("/")[2]):
        year, month, day = found["date"].split("-")
        header |= {
            "gameAwayTeam": found["away"],
            "gameDate": f"{day}/{month}/{year} - {found['time'].replace('-', ':')}",
            "gameHomeTeam": found["home"],
            "gameScore": found["score"],
        }
    return header


def _link(event: Event, where: str) -> ReplayLink | None:
    value = event.extra.get("link")
    if not value:
        return None
    record = Record(SourceFile(where, where, b""), value, f"link at {event.seconds} s")
    half = _integer(record, "half")
    if record.values.get("position") is not None:
        seconds = _milliseconds(record) / 1000
    else:
        try:
            seconds = parse_game_clock(f"{half} - {record.text('time')}")[1]
        except InputError as error:
            raise record.error("time", error.what, 'write "03:01"') from error
    return ReplayLink(
        half,
        seconds,
        record.text("label"),
        record.optional_text("team"),
        record.optional_text("visibility"),
    )


def _link_to_json(link: ReplayLink) -> dict[str, str]:
    position = round(link.seconds * 1000)
    texts = {
        "half": str(link.half),
        "label": link.label,
        "position": str(position),
        "time": _game_time(link.half, position).partition(" - ")[2],
    }
    return texts | {k: v for k in ("team", "visibility") if (v := getattr(link, k)) is not None}


def _is_cameras(first: Mapping[str, Any]) -> bool:
    return "change_type" in first or "replay" in first


def _is_ball(annotations: list[Any]) -> bool:
    labels = {item.get("label") for item in annotations if isinstance(item, dict)}
    return labels <= set(SOCCERNET_BALL.labels)


def _sniffer(file_names: tuple[str, ...], accepts: Callable[[list[Any]], bool]) -> Any:
    """A sniffer by published file name, else by an ``annotations`` list that passes ``accepts``."""

    def sniff(source: SourceFile) -> bool:
        if source.file_name in _PUBLISHED_NAMES:
            return source.file_name in file_names
        document = source.peek()
        if not isinstance(document, dict) or not isinstance(document.get("annotations"), list):
            return False
        annotations = document["annotations"]
        return all(isinstance(item, dict) for item in annotations) and accepts(annotations)

    return sniff


def _sniff_results(source: SourceFile) -> bool:
    if source.file_name == "results_spotting.json":
        return True
    document = source.peek()
    if not isinstance(document, dict) or not isinstance(document.get("predictions"), list):
        return False
    return all(isinstance(p, dict) and "label" in p for p in document["predictions"])


def _timed(annotations: list[Any]) -> bool:
    return all("gameTime" in item for item in annotations)


_PUBLISHED_NAMES = frozenset(
    {
        "Labels.json",
        "Labels-v2.json",
        "Labels-ball.json",
        "Labels-cameras.json",
        "Labels-replays.json",
        "Labels-summary.json",
    }
)

FORMATS = (
    Format(
        "soccernet-cameras",
        (".json",),
        "SoccerNet camera shots and replays (Labels-cameras.json)",
        _HOLDS,
        lambda source: read_labels(source, None),
        write_labels,
        _sniffer(
            ("Labels-cameras.json", "Labels-replays.json"),
            lambda items: bool(items) and _timed(items) and all(map(_is_cameras, items)),
        ),
        file_name="Labels-cameras.json",
        kinds=frozenset({"cameras"}),
        title="SoccerNet cameras (JSON)",
    ),
    Format(
        "soccernet-ball",
        (".json",),
        "SoccerNet ball action labels (Labels-ball.json)",
        _HOLDS | {"labels"},
        lambda source: read_labels(source, SOCCERNET_BALL),
        write_labels,
        _sniffer(
            ("Labels-ball.json",), lambda items: bool(items) and _timed(items) and _is_ball(items)
        ),
        file_name="Labels-ball.json",
        labels=SOCCERNET_BALL,
        title="SoccerNet ball actions (JSON)",
    ),
    Format(
        "soccernet-v1",
        (".json",),
        "SoccerNet v1 labels (Labels.json): whole seconds",
        _HOLDS,
        lambda source: read_labels(source, None),
        lambda content, options: write_labels(content, options, with_position=False),
        _sniffer(
            ("Labels.json",),
            lambda items: (
                bool(items) and _timed(items) and not any("position" in item for item in items)
            ),
        ),
        file_name="Labels.json",
        title="SoccerNet v1 (JSON)",
    ),
    Format(
        "soccernet-v2",
        (".json",),
        "SoccerNet v2 labels (Labels-v2.json)",
        _HOLDS | {"labels"},
        lambda source: read_labels(source, SOCCERNET_V2),
        write_labels,
        _sniffer(("Labels-v2.json",), _timed),
        file_name="Labels-v2.json",
        labels=SOCCERNET_V2,
        title="SoccerNet v2 (JSON)",
    ),
    Format(
        "soccernet-results",
        (".json",),
        "SoccerNet predictions (results_spotting.json)",
        _HOLDS,
        read_results,
        write_results,
        _sniff_results,
        file_name="results_spotting.json",
        title="SoccerNet predictions (JSON)",
    ),
    Format(
        "soccernet-ball-results",
        (".json",),
        "SoccerNet predictions with numbers and team, as of the ball challenge 2025",
        _HOLDS,
        read_results,
        write_ball_results,
        lambda source: False,  # read as soccernet-results, which takes numbers and texts
        file_name="results_spotting.json",
        written_only=True,
        title="SoccerNet ball predictions (JSON)",
    ),
)
