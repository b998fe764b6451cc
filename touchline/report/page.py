"""The report of one video: a self-contained HTML page with its events.

It opens from disk, makes no network requests, and escapes all untrusted text.
"""

import base64
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image

from touchline.colours import class_colour, css_colour
from touchline.errors import MediaError
from touchline.events import RAN, Event, Timeline
from touchline.labels import BROADCAST, HIGHLIGHT, LabelSet, label_set_of
from touchline.match_state import clip_state, match_of, match_state
from touchline.media.video import probe, read_frames
from touchline.reel import Clip, Reel
from touchline.runtime.atomic import write_text
from touchline.runtime.wording import counted, counted_rate
from touchline.scores import FloatArray
from touchline.thresholds import SHOWN_CONFIDENCE
from touchline.timebase import format_seconds

MAX_THUMBNAILS = 120
"""Only the most confident events have a thumbnail: each takes a seek and about 6 kB."""

GENERATOR = b'<meta name="generator" content="touchline">'
"""What every report holds, so that a page of somebody else is told from it."""

_THUMBNAIL_WIDTH = 256
_MAX_READERS = 4
_CURVE_POINTS = 1200
_LANE_WIDTH, _LANE_HEIGHT = 1000.0, 28.0


def write_report(
    timeline: Timeline,
    path: str | Path,
    *,
    video: str | Path | None = None,
    reel: Reel | None = None,
    title: str | None = None,
    shown_confidence: float = SHOWN_CONFIDENCE,
) -> None:
    """Write the report of one video.

    Args:
        timeline: the events, with curves if a model has just run.
        video: the video file, for thumbnails; None for a page without them.
        reel: clips to list and to mark on the time axis.
        title: the heading; by default the video's name.
        shown_confidence: events of lower confidence are hidden until the slider is moved.

    Raises:
        MediaError: ``video`` is given but cannot be read.
        InputError: the page cannot be written there.
    """
    thumbnails = {} if video is None else _thumbnails(timeline.events, Path(video))
    page = render(timeline, thumbnails, reel, shown_confidence, title)
    write_text(Path(path), page)


def render(
    timeline: Timeline,
    thumbnails: Mapping[int, str],
    reel: Reel | None,
    shown_confidence: float = SHOWN_CONFIDENCE,
    title: str | None = None,
) -> str:
    """The page as text.

    Args:
        thumbnails: data URLs by index of the event in the timeline.
    """
    labels = _labels(timeline)
    occurring = [label for label in labels if any(e.label == label for e in timeline)]
    span = _span_seconds(timeline)
    return Template(_resource("page.html")).substitute(
        title=escape(title or timeline.video.name),
        kind="full" if len(timeline) else "bare",
        style=_resource("page.css"),
        script=_resource("page.js"),
        match=f'<p class="match">{escape(match)}</p>' if (match := match_of(timeline)) else "",
        facts=_facts(timeline),
        confidence=_confidence_text(timeline),
        warnings="".join(
            f'<p class="warning" role="alert">{escape(text[:1].upper() + text[1:])}.</p>'
            for text in timeline.warnings
        ),
        threshold_percent=round(100 * shown_confidence),
        lanes="\n".join(_lane(timeline, label, labels, span, reel) for label in occurring)
        or '<p class="empty">There are no events in this video.</p>',
        lanes_summary=escape(_summary(timeline, occurring)),
        axis=_axis(span),
        legend=_legend(timeline, occurring, reel),
        reel=_reel_section(reel),
        chips="".join(_chip(label, labels) for label in occurring),
        events="\n".join(
            _event_card(event, labels, thumbnails.get(place), timeline.half)
            for place, event in enumerate(timeline)
        ),
        event_count=len(timeline),
    )


def _resource(name: str) -> str:
    return files("touchline.report").joinpath(name).read_text(encoding="utf-8")


def _labels(timeline: Timeline) -> LabelSet:
    """The timeline's label set, extended by undeclared labels of its events."""
    known = timeline.labels.labels if timeline.labels else ()
    used = dict.fromkeys(event.label for event in timeline)
    labels = (*known, *(label for label in used if label not in known))
    if timeline.labels is not None and len(labels) == len(known):
        return timeline.labels
    return label_set_of(labels) if labels else LabelSet("none", ("-",))


def _span_seconds(timeline: Timeline) -> float:
    last = max((event.seconds for event in timeline), default=0.0)
    return max(timeline.video.duration_seconds or 0.0, last, 1.0)


def _facts(timeline: Timeline) -> str:
    facts = []
    if timeline.video.duration_seconds is not None:
        facts.append(format_seconds(timeline.video.duration_seconds))
    if timeline.video.frame_rate is not None:
        facts.append(counted_rate(timeline.video.frame_rate, "frame"))
    if timeline.model is not None and _has_model(timeline):
        weights = f" ({timeline.model.weights})" if timeline.model.weights else ""
        facts.append(f"model {timeline.model.name}{weights}")
    facts.append(counted(len(timeline), "event"))
    if isinstance(ran := timeline.extra.get(RAN), str):
        facts.append(ran)
    return " · ".join(escape(fact) for fact in facts)


def _summary(timeline: Timeline, labels: Sequence[str]) -> str:
    counts = (f"{sum(e.label == label for e in timeline)} {label}" for label in labels)
    return "Events by class over time: " + ", ".join(counts)


def _style(labels: LabelSet, label: str) -> str:
    return f'style="--class: {css_colour(class_colour(labels, label))}"'


def _lane(timeline: Timeline, label: str, labels: LabelSet, span: float, reel: Reel | None) -> str:
    shapes = [_clip_band(clip.start_seconds, clip.end_seconds, span) for clip in reel or ()]
    if timeline.scores is not None and label in timeline.scores.labels:
        curve = timeline.scores.of(label)
        shapes.append(f'<path class="curve" d="{_curve(curve, timeline.scores.seconds, span)}"/>')
    shapes += [_needle(event, span, timeline.half) for event in timeline if event.label == label]
    name = escape(label)
    return (
        f'<div class="lane" {_style(labels, label)}>'
        f'<div class="name" title="{name}"><span class="swatch"></span>{name}</div>'
        f'<svg viewBox="0 0 {_LANE_WIDTH:g} {_LANE_HEIGHT:g}" preserveAspectRatio="none">'
        f"{''.join(shapes)}</svg></div>"
    )


def _x(seconds: float, span: float) -> float:
    return round(_LANE_WIDTH * min(max(seconds / span, 0.0), 1.0), 2)


def _clip_band(start: float, end: float, span: float) -> str:
    left, right = _x(start, span), _x(end, span)
    return (
        f'<rect class="clip" x="{left}" y="0" width="{max(right - left, 1):.2f}"'
        f' height="{_LANE_HEIGHT:g}"/>'
    )


def _needle(event: Event, span: float, half: int | None) -> str:
    x = _x(event.seconds, span)
    top = round(_LANE_HEIGHT * (1 - min(max(event.confidence, 0.05), 1.0)), 2)
    said = (f"at {format_seconds(event.seconds)}", match_state(event, half))
    title = f"{event.label} {', '.join(filter(None, said))}, {event.confidence:.0%}"
    return (
        f'<line x1="{x}" x2="{x}" y1="{top}" y2="{_LANE_HEIGHT:g}" {_data(event)}>'
        f"<title>{escape(title)}</title></line>"
    )


def _curve(values: FloatArray, seconds: np.ndarray, span: float) -> str:
    """A closed SVG path under a curve, downsampled by maxima so that peaks keep their height."""
    if not len(values):
        return ""
    step = max(1, -(-len(values) // _CURVE_POINTS))
    starts = np.arange(0, len(values), step)
    highs = np.maximum.reduceat(values, starts)
    points = (
        f"{_x(float(at), span):g} {_LANE_HEIGHT * (1 - float(high)):.1f}"
        for at, high in zip(seconds[starts], highs, strict=True)
    )
    first, last = _x(float(seconds[0]), span), _x(float(seconds[-1]), span)
    floor = f"{_LANE_HEIGHT:g}"
    return f"M{first:g} {floor}L{'L'.join(points)}L{last:g} {floor}Z"


def _axis(span: float) -> str:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((s for s in steps if span / s <= 10), 7200)
    ticks = (_tick(at, at / span) for at in range(0, int(span) + 1, step))
    return f'<div class="ticks">{"".join(ticks)}</div>'


def _tick(seconds: int, share: float) -> str:
    kind = ' class="first"' if share == 0 else ' class="last"' if share > 0.96 else ""
    return f'<span{kind} style="left: {100 * share:.2f}%">{format_seconds(seconds)}</span>'


def _reads_broadcast(timeline: Timeline) -> bool:
    return RAN in timeline.extra


def _has_model(timeline: Timeline) -> bool:
    """Whether a network ran; what a broadcast says by itself has its own classes only."""
    if not _reads_broadcast(timeline):
        return timeline.model is not None
    return timeline.labels is not None and not set(timeline.labels) <= set(BROADCAST)


def _confidence_text(timeline: Timeline) -> str:
    if not _reads_broadcast(timeline):
        whose = "the model's own" if _has_model(timeline) else "that of the file of events"
        return f"Confidence is {whose}"
    network = "the model's own, or " if _has_model(timeline) else ""
    return (
        f"Confidence is {network}how surely the broadcast was read, and of a highlight how exciting"
        " the moment is"
    )


def _legend(timeline: Timeline, occurring: Sequence[str], reel: Reel | None) -> str:
    parts = ["Height is confidence."]
    curves = () if timeline.scores is None else timeline.scores.labels
    drawn = {label for label in occurring if label in curves}
    excitement = {HIGHLIGHT} & drawn if _reads_broadcast(timeline) else set()
    if drawn - excitement:
        parts.append("Behind the events: the model's curve.")
    if excitement:
        parts.append("Behind the highlights: the curve of excitement.")
    if reel is not None and len(reel):
        parts.append("<i></i>in the reel.")
    return f'<p class="legend">{" ".join(parts)}</p>' if len(timeline) else ""


def _reel_section(reel: Reel | None) -> str:
    if reel is None:
        return ""
    cards = "".join(_clip_card(clip) for clip in reel)
    length = format_seconds(reel.seconds)
    clips = counted(len(reel), "clip")
    body = f'<ol class="clips">{cards}</ol>' if cards else '<p class="empty">It is empty.</p>'
    return (
        '<section aria-labelledby="reel-heading"><div class="bar">'
        f'<h2 id="reel-heading">Reel <span class="count">{clips}, {length}</span></h2>'
        f"</div>{body}</section>"
    )


def _clip_card(clip: Clip) -> str:
    why = clip.reason or _names(clip.events)
    more = (f"{clip.seconds:.1f} s", clip_state(clip), why)
    return (
        '<li class="clip-card">'
        f"<strong>{escape(clip.title or 'Clip')}</strong>"
        f" <time>{format_seconds(clip.start_seconds)}–{format_seconds(clip.end_seconds)}</time>"
        f'<div class="more">{escape(" · ".join(filter(None, more)))}</div></li>'
    )


def _names(events: Iterable[Event]) -> str:
    return ", ".join(dict.fromkeys(event.label for event in events)) or "no event"


def _data(event: Event) -> str:
    return f'data-confidence="{event.confidence:.4f}" data-class="{escape(event.label)}"'


def _chip(label: str, labels: LabelSet) -> str:
    name = escape(label)
    return (
        f'<button type="button" aria-pressed="true" data-class="{name}" {_style(labels, label)}>'
        f'<span class="swatch"></span>{name}</button>'
    )


def _event_card(event: Event, labels: LabelSet, thumbnail: str | None, half: int | None) -> str:
    state = match_state(event, half)
    when = state or format_seconds(event.seconds)
    alt = f"The picture at {format_seconds(event.seconds)}"
    picture = f'<img src="{thumbnail}" alt="{alt}" loading="lazy">' if thumbnail else ""
    video_time = format_seconds(event.seconds) if state else None
    more = (video_time, event.team, event.player, event.status, event.visibility, event.note)
    details = " · ".join(escape(text) for text in more if text)
    return (
        f'<li class="event" {_data(event)} {_style(labels, event.label)}>{picture}'
        f'<div class="text"><div class="head"><span>{escape(event.label)}</span>'
        f"<time>{escape(when)}</time></div>"
        f'<div class="sure" role="meter" aria-valuemin="0" aria-valuemax="100"'
        f' aria-valuenow="{100 * event.confidence:.0f}" aria-label="Confidence">'
        f'<div style="width: {100 * min(max(event.confidence, 0.0), 1.0):.0f}%"></div></div>'
        f'<div class="more">{event.confidence:.0%}{" · " + details if details else ""}</div>'
        "</div></li>"
    )


def _thumbnails(events: Sequence[Event], video: Path) -> dict[int, str]:
    """A JPEG data URL for each of the most confident events that has a picture."""
    ranked = sorted(range(len(events)), key=lambda place: -events[place].confidence)
    wanted = sorted(ranked[:MAX_THUMBNAILS])
    info = probe(video)
    width = min(_THUMBNAIL_WIDTH, info.width)
    size = (width, max(1, round(width * info.height / info.width)))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_READERS)) as readers:
        moments = (max(events[place].seconds, 0.0) for place in wanted)
        pictures = readers.map(lambda at: _still(video, at, size), moments)
        return {place: found for place, found in zip(wanted, pictures, strict=True) if found}


def _still(video: Path, seconds: float, size: tuple[int, int]) -> str | None:
    """The picture at a time as a data URL; None beyond the end or where the file is damaged."""
    try:
        with read_frames(
            video,
            rate=1,
            size=size,
            start_seconds=seconds,
            threads=1,
            skim=True,
            colours="shown",
            deinterlace=True,
        ) as frames:
            frame = next(frames, None)
    except MediaError:
        return None
    return None if frame is None else _data_address(frame.pixels)


def _data_address(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=72, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def is_report(path: Path) -> bool:
    """Whether a file is a report of touchline's."""
    with path.open("rb") as file:
        return GENERATOR in file.read(4096)
