"""Final Cut Pro XML 1.10 of reels, also read by DaVinci Resolve; times are exact fractions."""

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction

from touchline.formats.base import EVENT_FIELDS, Content, Format, Options, SourceFile, only_reel
from touchline.formats.edit_lists import (
    clip_caption,
    frame_range,
    frames_of_video,
    last_cut,
    media_of,
    metadata_text,
    require_rate,
    start_frame,
    video_name_from_url,
    video_url,
)
from touchline.formats.left_out import LeftOut
from touchline.formats.markup import Element, child, mentions, new_root, parse_xml, xml_bytes
from touchline.formats.sequences import (
    MAX_NESTING,
    Marker,
    Part,
    Shot,
    reel_of,
    stacked,
    too_large,
)
from touchline.match_state import event_title
from touchline.reel import Reel
from touchline.timebase import drops_frames

VERSION = "1.10"

_METADATA = "org.touchline.clip"
_TIME = re.compile(r"\s*(-?\d{1,18})(?:/(\d{1,18}))?s\s*")
_LANE = re.compile(r"-?\d{1,6}")
_CLIPS = ("asset-clip", "clip", "ref-clip", "sync-clip", "mc-clip", "audition")
_ITEMS = (*_CLIPS, "video", "audio", "title", "caption", "gap")
_DECIMAL_TIME = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,12})?)s\s*")


def read_fcpxml(source: SourceFile) -> Reel:
    """Read what the main storyline of the first project shows, connected clips included.

    Compound, multicam and synchronized clips are flattened; markers become events. What has no
    video, such as titles and generators, is named in the warnings.

    Raises:
        FormatError: not FCPXML, a clip whose asset is missing, or an invalid time.
    """
    root = parse_xml(source, "fcpxml")
    if root.tag != "fcpxml":
        raise source.error("the root element is not <fcpxml>")
    return _Reader(source, root).reel()


class _Reader:
    """Reads what elements show, in time from their own start."""

    def __init__(self, source: SourceFile, root: Element) -> None:
        self._source = source
        self._root = root
        resources = [item for found in root.findall("resources") for item in found]
        self._resources = {item.get("id"): item for item in resources}
        for name, count in Counter(item.get("id") for item in resources).items():
            if count > 1 and name is not None:
                source.warnings.append(
                    f"{count} resources have the id {name[:60]!r}: the last counts"
                )
        self._resources |= {item.get("id"): item for item in root.iter("asset")}
        self._left_out = LeftOut()
        self._parts: dict[tuple[str, str], tuple[Part, Fraction]] = {}
        self._depth = 0

    def reel(self) -> Reel:
        projects = list(self._root.iter("project"))
        for project in projects[1:]:
            self._left_out.add("other project", project.get("name"))
        if not projects:
            return reel_of(self._source, self._clips_of_events(), self._left_out)
        sequence = projects[0].find("sequence")
        part, length = (Part(), Fraction(0)) if sequence is None else self._sequence(sequence)
        return reel_of(self._source, part, self._left_out, (Fraction(0), length))

    def _clips_of_events(self) -> Part:
        """The clips of a file without a project, one after the other."""
        inside = {id(item) for held in self._root.iter("resources") for item in held.iter()}
        spine = next((x for x in self._root.iter("spine") if id(x) not in inside), None)
        if spine is not None:
            return self._storyline(spine)[0]
        holders = [self._root, *self._root.iter("library"), *self._root.iter("event")]
        clips = [item for holder in holders for item in holder if item.tag in _CLIPS]
        if not clips:
            raise self._source.error("there is no <project> with clips")
        shots: list[Shot] = []
        at = Fraction(0)
        for clip in clips:
            part, seconds = self._item(clip)
            shots += part.moved(at).shots
            at += seconds
        return Part(shots)

    def _sequence(self, sequence: Element) -> tuple[Part, Fraction]:
        """What a sequence shows, from its start on, and its length."""
        spine = sequence.find("spine")
        if spine is None:
            return Part(), Fraction(0)
        return self._storyline(spine)

    def _storyline(self, spine: Element, start: Fraction | None = None) -> tuple[Part, Fraction]:
        """Clips one after the other with those connected to them.

        Args:
            start: the time at which their clock begins; None for that of the first.
        """
        lanes: dict[int, Part] = {0: Part()}
        at = Fraction(0)
        first = next((item for item in spine if item.tag in _ITEMS), spine)
        begins = self._time(first, "offset", start or Fraction(0))
        start = begins if start is None else min(start, begins)
        for element in spine:
            if element.tag == "transition":
                self._left_out.add("transition", element.get("name"))
            if element.tag not in _ITEMS:
                continue
            chosen = self._chosen(element)
            offset = self._time(element, "offset", self._time(chosen, "offset", at + start)) - start
            part, seconds = self._item(chosen)
            _add(lanes, 0, part.moved(offset))
            self._connected(chosen, offset, lanes)
            at = offset + seconds
        return stacked([lanes[lane] for lane in sorted(lanes)], self._source), at

    def _connected(self, element: Element, at: Fraction, lanes: dict[int, Part]) -> None:
        """Add the clips that are connected to one that begins at ``at``."""
        start = self._start(element)
        for other in element:
            lane = _lane(other)
            if (other.tag not in _ITEMS and other.tag != "spine") or not lane:
                continue
            chosen = self._chosen(other)
            offset = self._time(other, "offset", self._time(chosen, "offset", start)) - start
            if chosen.tag == "spine":
                part, _ = self._storyline(chosen)
            else:
                part, _ = self._item(chosen)
                self._connected(chosen, at + offset, lanes)
            _add(lanes, lane, part.moved(at + offset))

    def _chosen(self, element: Element) -> Element:
        """The clip that plays: of an audition its first."""
        if element.tag != "audition":
            return element
        picks = [item for item in element if item.tag in _ITEMS]
        for other in picks[1:]:
            self._left_out.add("audition clip that is not picked", other.get("name"))
        return picks[0] if picks else element

    def _item(self, element: Element) -> tuple[Part, Fraction]:
        """What an element of a storyline shows, from its own start on, and its length."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise too_large(self._source)
        try:
            shown = self._shown(element)
        finally:
            self._depth -= 1
        if shown is None:
            return self._without_picture(element)
        whole, begin, length = shown
        start = self._time(element, "start", begin)
        seconds = self._time(element, "duration", max(begin + length - start, Fraction(0)))
        if seconds < 0:
            raise self._source.error("a duration below 0", _place(element))
        if element.get("enabled") == "0":
            self._left_out.add("disabled clip", element.get("name"))
            return Part(), seconds
        markers = self._markers(element, start)
        retimed = self._retimed(element, start, seconds, begin)
        first, after = (start, start + seconds) if retimed is None else retimed
        whole = whole.moved(begin).marked(markers if retimed is None else ())
        part = whole.between(first, after).moved(-first)
        if retimed is not None and after > first:
            moved = [(at - start, text) for at, text in markers]
            part = part.faster((after - first) / seconds).marked(moved)
        if whole.shots and not part.shots:
            kind = "clip outside its video" if seconds else "clip without length"
            self._left_out.add(kind, element.get("name"))
        return _noted(part, element), seconds

    def _markers(self, element: Element, start: Fraction) -> list[Marker]:
        """The markers of an element, by its own clock."""
        return [
            (self._time(marker, "start", start), marker.get("value", ""))
            for marker in element
            if marker.tag in ("marker", "chapter-marker")
        ]

    def _without_picture(self, element: Element) -> tuple[Part, Fraction]:
        start = self._time(element, "start", Fraction(0))
        markers = [(at - start, text) for at, text in self._markers(element, start)]
        return Part(markers=markers), self._time(element, "duration", Fraction(0))

    def _retimed(
        self, element: Element, start: Fraction, seconds: Fraction, begin: Fraction
    ) -> tuple[Fraction, Fraction] | None:
        """The stretch of its source that a clip with a time map shows; None without one."""
        points = sorted(
            (self._time(point, "time", Fraction(0)), self._time(point, "value", Fraction(0)))
            for point in element.findall("./timeMap/timept")
        )
        if len(points) < 2 or not seconds:
            return None
        ends = [_mapped(points, time) for time in (start, start + seconds)]
        by = begin if min(ends) < begin else Fraction(0)
        return min(ends) + by, max(ends) + by

    def _shown(self, element: Element) -> tuple[Part, Fraction, Fraction] | None:
        """All that an element can show: the part, the time its clock begins at, and its length;
        None for what has no picture."""
        tag = element.tag
        if tag in ("asset-clip", "video"):
            return self._asset(element)
        if tag in ("clip", "sync-clip"):
            return self._contained(element)
        if tag in ("ref-clip", "mc-clip"):
            return self._media(element)
        found = self._resources.get(element.get("ref"))
        if tag == "audio":
            if found is None or not _has_picture(found):
                self._left_out.add("sound", element.get("name"))
        elif tag != "gap":
            self._left_out.add(tag, element.get("name"))
        return None

    def _asset(self, element: Element) -> tuple[Part, Fraction, Fraction] | None:
        found = self._resources.get(element.get("ref"))
        name = element.get("name")
        if found is None:
            place = _place(element)
            raise self._source.error("its asset is not among the resources", place)
        if found.tag != "asset":
            self._left_out.add("generator", name or found.get("name"))
            return None
        if not _has_picture(found) or element.get("srcEnable") == "audio":
            self._left_out.add("sound", name or found.get("name"))
            return None
        begin = self._time(found, "start", Fraction(0))
        length = self._time(found, "duration", Fraction(0))
        start = self._time(element, "start", begin)
        # The end of an asset is often stated wrongly, so its clips count, not its duration.
        until = start + self._time(element, "duration", length)
        reach = max(length, *self._reach(element), until - begin)
        shot = Shot(Fraction(0), reach, Fraction(0), _address(found), name or "")
        shot = replace(shot, place=_place(element))
        return Part([shot] if reach > 0 else []), begin, length

    def _reach(self, element: Element) -> list[Fraction]:
        """How far the time map of an element leads."""
        points = element.findall("./timeMap/timept")
        return [self._time(point, "value", Fraction(0)) for point in points] or [Fraction(0)]

    def _contained(self, element: Element) -> tuple[Part, Fraction, Fraction]:
        """A clip that holds what it shows: its first items without a lane, or a storyline."""
        lanes: dict[int, Part] = {0: Part()}
        end = Fraction(0)
        for other in element:
            if _lane(other) or other.tag not in (*_ITEMS, "spine"):
                continue
            chosen = self._chosen(other)
            offset = self._time(other, "offset", Fraction(0))
            if chosen.tag == "spine":
                part, seconds = self._storyline(chosen)
            else:
                part, seconds = self._item(chosen)
                self._connected(chosen, offset, lanes)
            _add(lanes, 0, part.moved(offset))
            end = max(end, offset + seconds)
        part = stacked([lanes[lane] for lane in sorted(lanes)], self._source)
        return part, Fraction(0), end

    def _media(self, element: Element) -> tuple[Part, Fraction, Fraction] | None:
        """A compound or multicam clip: what its media shows."""
        found = self._resources.get(element.get("ref"))
        if found is None or found.tag != "media":
            raise self._source.error("its media is not among the resources", _place(element))
        if element.get("srcEnable") in ("audio", "none"):
            self._left_out.add("sound", element.get("name"))
            return None
        inside = found.find("sequence")
        angle = ""
        if inside is None:
            inside = found.find("multicam")
            angle = self._angle(element)
        if inside is None:
            self._left_out.add(str(element.tag), element.get("name"))
            return None
        begin = self._time(inside, "tcStart", Fraction(0))
        key = (str(found.get("id")), angle)
        if key not in self._parts:
            self._parts[key] = (
                self._sequence(inside)
                if inside.tag == "sequence"
                else self._storyline(self._angle_of(inside, angle, element), begin)
            )
        part, seconds = self._parts[key]
        return part, begin, seconds

    def _angle(self, element: Element) -> str:
        """The angle whose picture a multicam clip shows."""
        for chosen in element.findall("mc-source"):
            if chosen.get("srcEnable", "all") in ("all", "video"):
                return chosen.get("angleID", "")
        return ""

    def _angle_of(self, multicam: Element, angle: str, element: Element) -> Element:
        angles = multicam.findall("mc-angle")
        for one in angles:
            if not angle or one.get("angleID") == angle:
                return one
        raise self._source.error("its camera angle is not among the resources", _place(element))

    def _start(self, element: Element) -> Fraction:
        """The time at which the clock of an element begins."""
        found = self._resources.get(element.get("ref"))
        inside = None if found is None else found.find("*[@tcStart]")
        default = Fraction(0)
        if inside is not None:
            default = self._time(inside, "tcStart", default)
        elif found is not None and found.tag == "asset":
            default = self._time(found, "start", default)
        return self._time(element, "start", default)

    def _time(self, element: Element, name: str, default: Fraction) -> Fraction:
        text = element.get(name)
        return default if text is None else _seconds(self._source, _place(element), text)


def _add(lanes: dict[int, Part], lane: int, part: Part) -> None:
    kept = lanes.setdefault(lane, Part())
    kept.shots.extend(part.shots)
    kept.markers.extend(part.markers)


def _has_picture(asset: Element) -> bool:
    if "hasVideo" in asset.attrib:
        return asset.get("hasVideo") != "0"
    return asset.get("hasAudio") != "1"


def _lane(element: Element) -> int:
    """How far above the storyline an element lies."""
    text = element.get("lane", "0")
    return int(text) if _LANE.fullmatch(text) else 0


def _place(element: Element) -> str:
    name = element.get("name") or element.get("value") or element.get("id")
    return f"<{element.tag}>" if not name else f"<{element.tag}> {name[:60]!r}"


def _noted(part: Part, element: Element) -> Part:
    """With the name of the clip, and what touchline wrote beside it."""
    notes = [
        item.get("value", "") for item in element.findall("./metadata/md[@key]")
        if item.get("key") == _METADATA
    ]  # fmt: skip
    name = element.get("name")
    named = [replace(shot, title=name) for shot in part.shots] if name else part.shots
    if notes:
        named = [replace(shot, note=notes[0]) for shot in named]
    return Part(named, part.markers)


def _address(asset: Element) -> str:
    """The video of an asset: its original rather than a proxy."""
    found = asset.findall("media-rep")
    found.sort(key=lambda one: one.get("kind", "original-media") != "original-media")
    address = asset.get("src") or next((one.get("src") for one in found if one.get("src")), None)
    return video_name_from_url(address) if address else asset.get("name") or "video"


def _mapped(points: list[tuple[Fraction, Fraction]], time: Fraction) -> Fraction:
    """A time by a time map, straight between and beyond its points."""
    index = next((i for i, (at, _) in enumerate(points) if i and time <= at), len(points) - 1)
    (at, value), (after, next_value) = points[index - 1], points[index]
    if after == at:
        return value
    return value + (time - at) * (next_value - value) / (after - at)


def write_fcpxml(content: Content, options: Options) -> bytes:
    """Write one project: an asset for each video, a clip with markers for each cut.

    Raises:
        FormatError: not a reel, or no frame rate.
    """
    reel = only_reel(content, "FCPXML")
    rate = require_rate(reel, options, "FCPXML")
    root = new_root("fcpxml", version=VERSION)
    resources = child(root, "resources")
    _write_format(resources, reel, rate, options)
    assets = _write_assets(resources, reel, rate, options)
    frames = [frame_range(clip, rate) for clip in reel]
    library = child(root, "library")
    project = child(child(library, "event", name=options.title), "project", name=options.title)
    total = sum(after - first for first, after in frames)
    sequence = child(
        project,
        "sequence",
        format="r1",
        duration=_time(total, rate),
        tcStart="0s",
        tcFormat="DF" if drops_frames(rate) and options.drop_frame is not False else "NDF",
    )
    spine = child(sequence, "spine")
    at = 0
    for clip, (first, after) in zip(reel, frames, strict=True):
        origin = start_frame(media_of(clip, options), rate)
        element = child(
            spine,
            "asset-clip",
            ref=assets[clip.video, clip.half],
            name=clip_caption(clip),
            offset=_time(at, rate),
            start=_time(origin + first, rate),
            duration=_time(after - first, rate),
        )
        for event in clip.events:
            marked = round(Fraction(event.seconds) * rate)
            if first <= marked < after:
                child(
                    element,
                    "marker",
                    start=_time(origin + marked, rate),
                    duration=_time(1, rate),
                    value=event_title(event, clip.half),
                )
        child(child(element, "metadata"), "md", key=_METADATA, value=metadata_text(clip))
        at += after - first
    return xml_bytes(root, "fcpxml")


def _write_format(resources: Element, reel: Reel, rate: Fraction, options: Options) -> None:
    media = media_of(reel.clips[0], options) if len(reel) else None
    size = None if media is None else media.size
    shape = {} if size is None else {"width": str(size[0]), "height": str(size[1])}
    child(resources, "format", id="r1", frameDuration=_time(1, rate), **shape)


def _write_assets(
    resources: Element, reel: Reel, rate: Fraction, options: Options
) -> dict[tuple[str, int | None], str]:
    """Write an asset for each video; returns the asset id by video and half."""
    first = {(clip.video, clip.half): clip for clip in reversed(reel.clips)}
    names: dict[tuple[str, int | None], str] = {}
    for clip in reel:
        key = (clip.video, clip.half)
        if key in names:
            continue
        names[key] = f"r{len(names) + 2}"
        media = media_of(first[key], options)
        length = frames_of_video(clip, reel, rate, options) or last_cut(clip, reel, rate)
        sound = {} if media is not None and media.has_audio is False else {"hasAudio": "1"}
        asset = child(
            resources,
            "asset",
            id=names[key],
            name=re.split(r"[/\\]", clip.video)[-1],
            start=_time(start_frame(media, rate), rate),
            duration=_time(length, rate),
            hasVideo="1",
            **sound,
            format="r1",
        )
        child(asset, "media-rep", kind="original-media", src=video_url(clip, options))
    return names


def _time(frames: int, rate: Fraction) -> str:
    """A number of frames as an FCPXML time: ``1001/30000s``, whole seconds as ``5s``."""
    seconds = frames / rate
    if seconds.denominator == 1:
        return f"{seconds.numerator}s"
    return f"{frames * rate.denominator}/{rate.numerator}s"


def _seconds(source: SourceFile, place: str, text: str) -> Fraction:
    if found := _TIME.fullmatch(text):
        if int(found[2] or 1):
            return Fraction(int(found[1]), int(found[2] or 1))
    elif found := _DECIMAL_TIME.fullmatch(text):
        return Fraction(found[1])
    raise source.error(f"{text[:40]!r} is not a time", place, "write 1001/30000s")


def _sniff(source: SourceFile) -> bool:
    return mentions(source, b"<fcpxml")


FORMAT = Format(
    "fcpxml",
    (".fcpxml",),
    "Final Cut Pro XML, also for DaVinci Resolve",
    EVENT_FIELDS,
    read_fcpxml,
    write_fcpxml,
    _sniff,
    kinds=frozenset({"reel"}),
    writes_with=frozenset({"rate", "video"}),
    title="Final Cut (FCPXML)",
)
